//! Reading series: blocks on disk with the head laid over them.
//!
//! Where the two do not overlap in time (the usual case) rows are visited in place; otherwise they are
//! merged first: a sample in the head replaces a sample on disk at the same time, and stands beside rows
//! of several samples, which cannot be taken apart again.

use std::sync::{Arc, PoisonError};

use lanner_core::{Aggregate, Sample, TimeRange};

use super::block::{Rows, position};
use super::damage::Of;
use super::index::{self, BlockMeta};
use super::{Core, SeriesId, Store, StoreError};

/// What a visitor of a series is shown at once.
#[derive(Debug, Clone, Copy)]
pub enum Piece<'a> {
    /// Samples as they were written, at equal distances.
    Even {
        /// The time of the first.
        first_ms: i64,
        /// The distance of one from the next, above 0.
        step_ms: i64,
        /// Their values, oldest first.
        values: &'a [f64],
    },
    /// A row, and the time at which it is shown.
    Row(i64, &'a Aggregate),
}

impl Piece<'_> {
    /// Visits its rows one by one.
    pub fn rows(&self, mut visit: impl FnMut(i64, &Aggregate)) {
        match self {
            Self::Row(time_ms, row) => visit(*time_ms, row),
            Self::Even { first_ms, step_ms, values } => {
                let mut time_ms = *first_ms;
                for value in *values {
                    visit(time_ms, &Aggregate::of(Sample::new(time_ms, *value)));
                    time_ms = time_ms.wrapping_add(*step_ms);
                }
            }
        }
    }
}

/// Rows of one origin, in order of time.
enum Source {
    Block { rows: Arc<Rows>, step_ms: i64, from: usize, to: usize },
    Head(Vec<Sample>),
}

impl Source {
    fn len(&self) -> usize {
        match self {
            Self::Block { from, to, .. } => to - from,
            Self::Head(samples) => samples.len(),
        }
    }

    /// The row and the time at which it is shown.
    fn get(&self, at: usize) -> (i64, Aggregate) {
        match self {
            Self::Block { rows, step_ms, from, .. } => {
                let row = rows.get(from + at);
                (position(&row, *step_ms), row)
            }
            Self::Head(samples) => (samples[at].time_ms, Aggregate::of(samples[at])),
        }
    }

    fn visit(&self, visit: &mut dyn FnMut(Piece<'_>)) {
        if let Self::Block { rows, from, to, .. } = self
            && let Some((first_ms, step_ms, values)) = rows.even(*from..*to)
        {
            return visit(Piece::Even { first_ms, step_ms, values });
        }
        for at in 0..self.len() {
            let (time_ms, row) = self.get(at);
            visit(Piece::Row(time_ms, &row));
        }
    }
}

impl Core {
    /// The blocks of a series. Call with the layout locked.
    pub(super) fn metas(&self, id: SeriesId) -> Result<Arc<Vec<BlockMeta>>, StoreError> {
        if let Some(metas) = self.metas.get(id) {
            return Ok(metas);
        }
        let metas = self.readers.with(|db| index::read_metas(db, id))?;
        let size = 1 + metas.len();
        Ok(self.metas.insert(id, metas, size))
    }

    /// The decoded rows of a block; `None` for one that is damaged, which is taken note of. Call with the layout locked.
    pub(super) fn rows(&self, id: SeriesId, meta: &BlockMeta) -> Result<Option<Arc<Rows>>, StoreError> {
        if let Some(rows) = self.blocks.get(meta.id) {
            return Ok(Some(rows));
        }
        if self.damage.knows(Of::Samples, meta.id) {
            return Ok(None);
        }
        match self.readers.with(|db| index::read_rows(db, id, meta)) {
            Ok(rows) => {
                let size = rows.size();
                Ok(Some(self.blocks.insert(meta.id, rows, size)))
            }
            Err(StoreError::Corrupt { detail }) => {
                let (name, n, span) = (self.registry.name_of(id), meta.n_rows, (meta.start_ms, meta.end_ms));
                self.damage.note(Of::Samples, meta.id, &name, n, span, &detail);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn sources(&self, id: SeriesId, range: TimeRange) -> Result<Vec<Source>, StoreError> {
        let _layout = self.layout.read().unwrap_or_else(PoisonError::into_inner);
        let held = self.head().samples(id, range);
        let mut sources = Vec::new();
        for meta in self.metas(id)?.iter() {
            if meta.start_ms < range.end_ms && meta.end_ms >= range.start_ms {
                let Some(rows) = self.rows(id, meta)? else { continue };
                let step_ms = meta.step_ms;
                let before = |limit_ms: i64| {
                    let mut at = rows.before(limit_ms);
                    // A step that began before the limit may end after it.
                    while at < rows.len() && position(&rows.get(at), step_ms) < limit_ms {
                        at += 1;
                    }
                    at
                };
                let (from, to) = (before(range.start_ms), before(range.end_ms));
                if from < to {
                    sources.push(Source::Block { rows, step_ms, from, to });
                }
            }
        }
        sources.extend(held.into_iter().map(Source::Head));
        Ok(sources)
    }

    /// Visits the rows of a series in order of time.
    pub(super) fn visit(
        &self,
        id: SeriesId,
        range: TimeRange,
        visit: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), StoreError> {
        let sources = self.sources(id, range)?;
        let apart = sources.array_windows().all(|[a, b]| a.get(a.len() - 1).0 < b.get(0).0);
        if apart {
            sources.iter().for_each(|source| source.visit(visit));
        } else {
            for (time_ms, row) in merge(&sources) {
                visit(Piece::Row(time_ms, &row));
            }
        }
        Ok(())
    }
}

/// All rows in order of time; a later source's sample replaces an earlier one's at the same time.
fn merge(sources: &[Source]) -> Vec<(i64, Aggregate)> {
    let mut rows: Vec<(i64, Aggregate)> =
        sources.iter().flat_map(|source| (0..source.len()).map(|at| source.get(at))).collect();
    rows.sort_by_key(|(time_ms, row)| (*time_ms, row.count == 1)); // stable: sources stay in order
    rows.dedup_by(|later, earlier| {
        let same = later.0 == earlier.0 && later.1.count == 1 && earlier.1.count == 1;
        if same {
            *earlier = *later;
        }
        same
    });
    rows
}

impl Store {
    /// Visits each row of a series in `range`, in order of time, with the time at which it is shown.
    ///
    /// A row is a sample as it was written, or what one step of older data comes to, shown at the step's
    /// beginning; it belongs to the range if that time does. Cost: O(log n + rows); a few microseconds for a
    /// window that lies in memory.
    ///
    /// # Errors
    /// [`StoreError`] when blocks cannot be read. A series without data has no rows.
    pub fn points(
        &self,
        id: SeriesId,
        range: TimeRange,
        mut visit: impl FnMut(i64, &Aggregate),
    ) -> Result<(), StoreError> {
        self.pieces(id, range, |piece| piece.rows(&mut visit))
    }

    /// As [`Store::points`], but samples that lie at equal distances are shown together: whoever wants the values
    /// alone has them at the cost of a copy.
    ///
    /// # Errors
    /// As [`Store::points`].
    pub fn pieces(
        &self,
        id: SeriesId,
        range: TimeRange,
        mut visit: impl FnMut(Piece<'_>),
    ) -> Result<(), StoreError> {
        self.core().visit(id, range, &mut visit)
    }

    /// The samples of a series in `range`, in order of time. Of older data, the mean of each step, shown at
    /// the step's beginning.
    ///
    /// # Errors
    /// As [`Store::points`].
    pub fn samples(&self, id: SeriesId, range: TimeRange) -> Result<Vec<Sample>, StoreError> {
        let mut samples = Vec::new();
        self.points(id, range, |time_ms, row| {
            let value = if row.count == 1 { row.last } else { row.mean() };
            samples.push(Sample::new(time_ms, value));
        })?;
        Ok(samples)
    }

    /// What the series comes to in `range`; `None` without data.
    ///
    /// # Errors
    /// As [`Store::points`].
    pub fn aggregate(&self, id: SeriesId, range: TimeRange) -> Result<Option<Aggregate>, StoreError> {
        let mut total: Option<Aggregate> = None;
        self.points(id, range, |_, row| match &mut total {
            Some(total) => total.merge(row),
            None => total = Some(*row),
        })?;
        Ok(total)
    }

    /// What the series comes to in each step of `step_ms`, by the steps' beginnings, which are multiples of
    /// `step_ms` since the Unix epoch. Steps without data are left out.
    ///
    /// # Errors
    /// As [`Store::points`]. A step below 1 ms counts as 1 ms.
    pub fn aggregates(
        &self,
        id: SeriesId,
        range: TimeRange,
        step_ms: i64,
    ) -> Result<Vec<(i64, Aggregate)>, StoreError> {
        let step_ms = step_ms.max(1);
        let mut steps: Vec<(i64, Aggregate)> = Vec::new();
        self.points(id, range, |time_ms, row| {
            let start_ms = time_ms.div_euclid(step_ms) * step_ms;
            match steps.last_mut() {
                Some((last_ms, total)) if *last_ms == start_ms => total.merge(row),
                _ => steps.push((start_ms, *row)),
            }
        })?;
        Ok(steps)
    }

    /// The time of the first data of a series.
    ///
    /// # Errors
    /// As [`Store::points`].
    pub fn first_ms(&self, id: SeriesId) -> Result<Option<i64>, StoreError> {
        Ok(self.core().extent(id)?.map(|(first_ms, _)| first_ms))
    }

    /// The time of the last sample of a series.
    ///
    /// # Errors
    /// As [`Store::points`].
    pub fn last_ms(&self, id: SeriesId) -> Result<Option<i64>, StoreError> {
        Ok(self.core().extent(id)?.map(|(_, last_ms)| last_ms))
    }
}

impl Core {
    pub(super) fn extent(&self, id: SeriesId) -> Result<Option<(i64, i64)>, StoreError> {
        let _layout = self.layout.read().unwrap_or_else(PoisonError::into_inner);
        let held = self.head().extent(id);
        let metas = self.metas(id)?;
        let stored = metas.iter().map(|meta| (meta.start_ms, meta.end_ms));
        Ok(stored.chain(held).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))))
    }
}
