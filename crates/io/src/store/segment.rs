//! Planning a series' blocks: which are rewritten, joined or split when samples come in or grow old.
//!
//! A series' blocks are a list of segments in order of time. Changing some of them makes those dirty; then
//! small neighbours are joined, so that a series that is sealed often does not end up in crumbs. A clean
//! block is rewritten only when it has fewer than twice the rows of its dirty neighbour: block sizes then
//! grow like a binary counter, and each row is rewritten O(log n) times.

use lanner_core::{Aggregate, Sample};

use super::block::{self, MAX_ROWS, position};
use super::index::BlockMeta;
use super::{SeriesId, StoreError};

/// A stretch of a series: a block as it lies on disk, or rows that are to become blocks.
pub(super) struct Segment {
    step_ms: i64,
    start_ms: i64,
    end_ms: i64,
    n_rows: usize,
    /// The blocks on disk that it stands for.
    blocks: Vec<i64>,
    /// `None` while it is what lies on disk.
    rows: Option<Vec<Aggregate>>,
}

/// Reads a block's rows.
pub(super) type Fetch<'a> = &'a dyn Fn(i64) -> Result<Vec<Aggregate>, StoreError>;

impl From<&BlockMeta> for Segment {
    fn from(meta: &BlockMeta) -> Self {
        let BlockMeta { id, start_ms, end_ms, step_ms, n_rows } = *meta;
        Self { step_ms, start_ms, end_ms, n_rows, blocks: vec![id], rows: None }
    }
}

impl Segment {
    fn of_samples(samples: &[Sample]) -> Self {
        let rows: Vec<Aggregate> = samples.iter().copied().map(Aggregate::of).collect();
        let mut segment =
            Self { step_ms: 0, start_ms: 0, end_ms: 0, n_rows: 0, blocks: Vec::new(), rows: None };
        segment.set_rows(rows);
        segment
    }

    fn set_rows(&mut self, rows: Vec<Aggregate>) {
        if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
            (self.start_ms, self.end_ms) = (position(first, self.step_ms), last.last_ms);
        }
        self.n_rows = rows.len();
        self.rows = Some(rows);
    }

    fn take_rows(&mut self, fetch: Fetch<'_>) -> Result<Vec<Aggregate>, StoreError> {
        if let Some(rows) = self.rows.take() {
            return Ok(rows);
        }
        let mut rows = Vec::new();
        for id in &self.blocks {
            rows.extend(fetch(*id)?);
        }
        Ok(rows)
    }

    pub(super) fn end_ms(&self) -> i64 {
        self.end_ms
    }

    pub(super) fn step_ms(&self) -> i64 {
        self.step_ms
    }

    /// Merges the rows into wider steps.
    pub(super) fn roll_up(&mut self, step_ms: i64, fetch: Fetch<'_>) -> Result<(), StoreError> {
        let rows = self.take_rows(fetch)?;
        self.step_ms = step_ms;
        self.set_rows(rolled_up(rows, step_ms));
        Ok(())
    }

    /// Takes all rows out: the blocks will be dropped.
    pub(super) fn clear(&mut self) {
        self.set_rows(Vec::new());
    }
}

/// Lays `samples` (in order of time, one per time) over the segments.
///
/// A sample inside a block goes into it: it replaces the sample at its time, or is added to its step. The
/// others become segments of their own.
pub(super) fn insert(
    segments: Vec<Segment>,
    samples: &[Sample],
    fetch: Fetch<'_>,
) -> Result<Vec<Segment>, StoreError> {
    let mut rest = samples;
    let mut result = Vec::with_capacity(segments.len() + 1);
    for mut segment in segments {
        let (before, from) = rest.split_at(rest.partition_point(|s| s.time_ms < segment.start_ms));
        let (inside, after) = from.split_at(from.partition_point(|s| s.time_ms <= segment.end_ms));
        rest = after;
        if !before.is_empty() {
            result.push(Segment::of_samples(before));
        }
        if !inside.is_empty() {
            let rows = segment.take_rows(fetch)?;
            let rows = laid_over(rows, inside, segment.step_ms);
            segment.set_rows(rows);
        }
        result.push(segment);
    }
    if !rest.is_empty() {
        result.push(Segment::of_samples(rest));
    }
    Ok(result)
}

/// Joins small neighbours; see the module.
pub(super) fn joined(segments: Vec<Segment>, fetch: Fetch<'_>) -> Result<Vec<Segment>, StoreError> {
    let mut result: Vec<Segment> = Vec::with_capacity(segments.len());
    for segment in segments {
        result.push(segment);
        while let [.., a, b] = &result[..]
            && should_join(a, b)
        {
            let (Some(mut b), Some(mut a)) = (result.pop(), result.pop()) else { break };
            let mut rows = a.take_rows(fetch)?;
            rows.extend(b.take_rows(fetch)?);
            a.blocks.append(&mut b.blocks);
            a.set_rows(if a.step_ms > 1 { rolled_up(rows, a.step_ms) } else { rows });
            result.push(a);
        }
    }
    Ok(result)
}

fn should_join(a: &Segment, b: &Segment) -> bool {
    let worth_it = match (&a.rows, &b.rows) {
        (None, None) => false,
        (Some(_), Some(_)) => true,
        (None, Some(_)) => a.n_rows < 2 * b.n_rows,
        (Some(_), None) => b.n_rows < 2 * a.n_rows,
    };
    worth_it && a.step_ms == b.step_ms && a.n_rows + b.n_rows <= MAX_ROWS
}

/// Rows of one series merged so that there is one for each step.
fn rolled_up(rows: Vec<Aggregate>, step_ms: i64) -> Vec<Aggregate> {
    let mut result: Vec<Aggregate> = Vec::with_capacity(rows.len());
    for row in rows {
        match result.last_mut() {
            Some(last) if last.last_ms.div_euclid(step_ms) == row.last_ms.div_euclid(step_ms) => {
                last.merge(&row);
            }
            _ => result.push(row),
        }
    }
    result
}

fn laid_over(rows: Vec<Aggregate>, samples: &[Sample], step_ms: i64) -> Vec<Aggregate> {
    let step_ms = step_ms.max(1);
    let mut result = Vec::with_capacity(rows.len() + samples.len());
    let mut samples = samples.iter().copied().peekable();
    for mut row in rows {
        let step = row.last_ms.div_euclid(step_ms);
        let mut own = Vec::new();
        while let Some(sample) = samples.next_if(|sample| sample.time_ms.div_euclid(step_ms) <= step) {
            if sample.time_ms.div_euclid(step_ms) == step {
                own.push(sample);
            } else {
                result.push(Aggregate::of(sample));
            }
        }
        for sample in own {
            if row.count == 1 && row.last_ms == sample.time_ms {
                row = Aggregate::of(sample);
            } else {
                row.merge(&Aggregate::of(sample));
            }
        }
        result.push(row);
    }
    result.extend(samples.map(Aggregate::of));
    if step_ms > 1 { rolled_up(result, step_ms) } else { result }
}

/// A block to write.
pub(super) struct NewBlock {
    pub(super) series: SeriesId,
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
    pub(super) step_ms: i64,
    pub(super) n_rows: usize,
    pub(super) body: Vec<u8>,
}

/// What has to change on disk to make the segments true: blocks to write and blocks to drop.
pub(super) fn changes(
    series: SeriesId,
    segments: Vec<Segment>,
    new: &mut Vec<NewBlock>,
    dropped: &mut Vec<i64>,
) -> Result<(), StoreError> {
    for segment in segments {
        let Some(rows) = segment.rows else { continue };
        dropped.extend(segment.blocks);
        for rows in rows.chunks(MAX_ROWS) {
            let step_ms = segment.step_ms;
            new.push(NewBlock {
                series,
                start_ms: position(&rows[0], step_ms),
                end_ms: rows[rows.len() - 1].last_ms,
                step_ms,
                n_rows: rows.len(),
                body: block::encode(rows)?,
            });
        }
    }
    Ok(())
}
