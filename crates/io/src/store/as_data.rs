//! The store in one file as a [`DataStore`].

use std::sync::Arc;

use lanner_core::{Matcher, SeriesKey, TimeRange};

use super::{
    Batch, EventsSnapshot, MaintenanceReport, Piece, Receipt, SeriesId, Store, StoreError, StreamInfo,
    WrittenSeries,
};
use crate::data::{DataStore, Events, VisitEvent};

impl DataStore for Store {
    fn append(&self, batch: Batch) -> Result<Receipt, StoreError> {
        self.append(batch)
    }

    fn series_id(&self, key: &SeriesKey) -> Result<SeriesId, StoreError> {
        self.series_id(key)
    }

    fn resolve(&self, raw: &[u8], key: &SeriesKey) -> Result<SeriesId, StoreError> {
        self.resolve(raw, key)
    }

    fn written_series(&self) -> &WrittenSeries {
        self.written_series()
    }

    fn series_key(&self, id: SeriesId) -> Option<Arc<SeriesKey>> {
        self.series_key(id)
    }

    fn n_series(&self) -> usize {
        self.n_series()
    }

    fn names(&self, pattern: &str) -> Vec<Arc<str>> {
        self.names(pattern)
    }

    fn select(
        &self,
        pattern: &str,
        matchers: &[Matcher],
    ) -> Result<Vec<(SeriesId, Arc<SeriesKey>)>, StoreError> {
        self.select(pattern, matchers)
    }

    fn pieces(
        &self,
        id: SeriesId,
        range: TimeRange,
        visit: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), StoreError> {
        self.pieces(id, range, visit)
    }

    fn extent(&self, id: SeriesId) -> Result<Option<(i64, i64)>, StoreError> {
        self.core().extent(id)
    }

    fn events_snapshots(&self, wanted: &[(&str, TimeRange)]) -> Result<Vec<Box<dyn Events>>, StoreError> {
        let snapshots = self.events_snapshots(wanted.iter().copied())?;
        Ok(snapshots.into_iter().map(|snapshot| Box::new(snapshot) as Box<dyn Events>).collect())
    }

    fn streams(&self) -> Result<Vec<StreamInfo>, StoreError> {
        self.streams()
    }

    fn maintain(&self, now_ms: i64) -> Result<MaintenanceReport, StoreError> {
        self.maintain(now_ms)
    }
}

impl Events for EventsSnapshot {
    fn visit(&self, visit: VisitEvent<'_>) -> Result<(), StoreError> {
        self.visit(visit)
    }
}
