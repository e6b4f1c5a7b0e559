//! What a store of data does: series of samples, and streams of events.
//!
//! [`DataStore`] is the contract. The store in one file ([`Store`](crate::store::Store)) keeps it, and so does any other
//! that passes `tests/io/contract_data.rs`. State of rules and people is another matter: [`state`](crate::state).
//!
//! - **Durable.** What a [`Receipt`] answered is there after any end of the process, and readable when it resolves.
//! - **Whole.** A [`Batch`] is stored completely or not at all.
//! - **The last sample wins.** Of two samples of one series at one time the one that came later counts, as long as
//!   retention keeps that time as written. In a step that was merged a late sample is added.
//! - **In order.** Reading is in order of time, however the data came; events of one time stay in the order in which
//!   they came.
//! - **No clock.** The current time is an argument.

use std::ops::ControlFlow;
use std::sync::Arc;

use lanner_core::{Aggregate, Matcher, Sample, SeriesKey, TimeRange};

pub use crate::store::{
    Batch, MaintenanceReport, NewEvent, Piece, Receipt, SeriesId, StoreError, StreamInfo, WrittenSeries,
};

/// Shown the events of a stream: the time of each, and its text as it came. Breaks to see no more.
pub type VisitEvent<'v> = &'v mut dyn FnMut(i64, &[u8]) -> ControlFlow<()>;

/// Keeps series and streams; see the [module](self).
///
/// Reading is synchronous and sees everything that was acknowledged before it began. Errors of reading are damage and
/// failures of the medium: what never came is empty, not an error.
pub trait DataStore: std::fmt::Debug + Send + Sync {
    /// Appends samples and events.
    ///
    /// Cost: a commit shared with whatever else waits.
    ///
    /// # Errors
    /// At once: [`StoreError::Busy`] when too much waits (send it again later); [`StoreError::NotFinite`],
    /// [`StoreError::TimeOutOfRange`] and [`StoreError::UnknownSeries`] for what cannot be stored. From the receipt:
    /// [`StoreError::DiskFull`] and other failures of the medium. In each case nothing of the batch is stored.
    fn append(&self, batch: Batch) -> Result<Receipt, StoreError>;

    /// The number of a series, registered if it is new: the same for the same key until retention has emptied the series
    /// and the store was opened anew.
    ///
    /// # Errors
    /// [`StoreError::TooManySeries`].
    fn series_id(&self, key: &SeriesKey) -> Result<SeriesId, StoreError>;

    /// The number of the series with this key, registered if it is new, for which `raw` stands from now on, such as the
    /// bytes of a line up to its value. Equal bytes must always stand for the same key.
    ///
    /// # Errors
    /// [`StoreError::TooManySeries`].
    fn resolve(&self, raw: &[u8], key: &SeriesKey) -> Result<SeriesId, StoreError>;

    /// The series for which bytes stand, to be taken once for a batch and asked for each of its samples, so that no key is
    /// made for a series that is known.
    fn written_series(&self) -> &WrittenSeries;

    /// The key of a series; `None` for a number that was never given.
    fn series_key(&self, id: SeriesId) -> Option<Arc<SeriesKey>>;

    /// How many series exist. Grows exactly when [`DataStore::select`] may find more than before.
    fn n_series(&self) -> usize;

    /// The names of series that match `pattern` (`*` is any text), in order.
    fn names(&self, pattern: &str) -> Vec<Arc<str>>;

    /// The series whose name matches `pattern` (`*` is any text) and whose labels match all of `matchers`, in order of
    /// their names. An absent label is empty.
    ///
    /// Cost: O(log names) for a fixed beginning of the name, then all series under the names found.
    ///
    /// # Errors
    /// [`StoreError::BadMatcher`].
    fn select(
        &self,
        pattern: &str,
        matchers: &[Matcher],
    ) -> Result<Vec<(SeriesId, Arc<SeriesKey>)>, StoreError>;

    /// Visits the rows of a series in `range`, in order of time. A row is a sample as it was written, or what one step of
    /// older data comes to, shown at the step's beginning; samples at equal distances may be shown together.
    ///
    /// Cost: O(log n + rows); some microseconds where the window lies in memory.
    ///
    /// # Errors
    /// When blocks cannot be read. A series without data has no rows.
    fn pieces(
        &self,
        id: SeriesId,
        range: TimeRange,
        visit: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), StoreError>;

    /// The times of the first and the last data of a series; `None` without data.
    ///
    /// # Errors
    /// As [`DataStore::pieces`].
    fn extent(&self, id: SeriesId) -> Result<Option<(i64, i64)>, StoreError>;

    /// The events of streams as they are at one moment, in the order in which they were asked for, to be visited later:
    /// what comes after is not in them, and nothing that was moves or goes. Thousands may be held at once.
    ///
    /// # Errors
    /// Failures of the medium.
    fn events_snapshots(&self, wanted: &[(&str, TimeRange)]) -> Result<Vec<Box<dyn Events>>, StoreError>;

    /// All streams, in order of their names.
    ///
    /// # Errors
    /// Failures of the medium.
    fn streams(&self) -> Result<Vec<StreamInfo>, StoreError>;

    /// Does the housekeeping that is due at `now_ms`: what is older than its retention grows coarse or goes. Called every
    /// few seconds, on a thread that may block.
    ///
    /// # Errors
    /// Failures of the medium; what was not done is tried again by the next call.
    fn maintain(&self, now_ms: i64) -> Result<MaintenanceReport, StoreError>;

    /// The time of the first data of a series; `None` without data.
    ///
    /// # Errors
    /// As [`DataStore::pieces`].
    fn first_ms(&self, id: SeriesId) -> Result<Option<i64>, StoreError> {
        Ok(self.extent(id)?.map(|(first_ms, _)| first_ms))
    }

    /// As [`DataStore::pieces`], each row alone, with the time at which it is shown.
    ///
    /// # Errors
    /// As there.
    fn points(
        &self,
        id: SeriesId,
        range: TimeRange,
        visit: &mut dyn FnMut(i64, &Aggregate),
    ) -> Result<(), StoreError> {
        self.pieces(id, range, &mut |piece| piece.rows(&mut *visit))
    }

    /// The samples of a series in `range`, in order of time. Of older data, the mean of each step, shown at the step's
    /// beginning.
    ///
    /// # Errors
    /// As [`DataStore::pieces`].
    fn samples(&self, id: SeriesId, range: TimeRange) -> Result<Vec<Sample>, StoreError> {
        let mut samples = Vec::new();
        self.points(id, range, &mut |time_ms, row| {
            let value = if row.count == 1 { row.last } else { row.mean() };
            samples.push(Sample::new(time_ms, value));
        })?;
        Ok(samples)
    }

    /// The events of one stream as they are now: [`DataStore::events_snapshots`] of one.
    ///
    /// # Errors
    /// As there.
    fn events_snapshot(&self, stream: &str, range: TimeRange) -> Result<Box<dyn Events>, StoreError> {
        self.events_snapshots(&[(stream, range)])?.pop().ok_or(StoreError::Closed)
    }

    /// Visits the events of a stream in `range`, in order of time. A stream that does not exist has none.
    ///
    /// # Errors
    /// When blocks cannot be read.
    fn events(&self, stream: &str, range: TimeRange, visit: VisitEvent<'_>) -> Result<(), StoreError> {
        self.events_snapshot(stream, range)?.visit(visit)
    }
}

/// Events of a stream at one moment.
pub trait Events: Send + Sync {
    /// Visits them in order of time, until `visit` breaks. Cost: about a million events a second, and memory for the
    /// blocks that overlap in time.
    ///
    /// # Errors
    /// When blocks cannot be read.
    fn visit(&self, visit: VisitEvent<'_>) -> Result<(), StoreError>;
}
