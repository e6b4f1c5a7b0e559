//! What the data of a run says to what is due: measures while they hold a window, then history, then the record.

use std::sync::Arc;

use lanner_core::TimeRange;
use lanner_engine::source::{SeriesGroups, SeriesQuery, StreamQuery, gather, readings};
use lanner_engine::stream::Measures;
use lanner_engine::{Due, Reading, Readings};

use super::Live;
use crate::store::Values;
use crate::world::{Item, What};

impl Live<'_> {
    pub(super) fn readings(&mut self, due: &Due) -> Result<Readings, String> {
        let query = &due.rule.query;
        let (groups, first_data_ms) = if let Some(query) = query.streams().first() {
            (self.measured(due, query), self.data.first_event_ms)
        } else if let Some(query) = query.series().first() {
            let first_samples = self.data.series.values().filter_map(|samples| samples.first());
            (self.sampled(due, query)?, first_samples.map(|sample| sample.time_ms).min())
        } else {
            (Vec::new(), None)
        };
        Ok(Readings { groups, first_data_ms })
    }

    fn measured(&mut self, due: &Due, query: &Arc<StreamQuery>) -> Vec<Reading> {
        if let (Some(server), Some(newest)) = (&mut self.server, due.ask.newest()) {
            server.measures.judged(query, due.rule.step_ms(), newest);
        }
        self.settle(due, query);
        let mut read = |window: &Option<TimeRange>| {
            window.map_or_else(Vec::new, |window| self.measured_in(due, query, window))
        };
        let mut measured: Vec<Values> = due.ask.windows().iter().map(&mut read).collect();
        let now = measured.remove(0);
        gather(&due.ask, query.measure.kind.value_when_empty, now, &measured)
    }

    /// Keeps what the windows came to that late events hardly reach any more.
    fn settle(&mut self, due: &Due, query: &StreamQuery) {
        let (Some(server), Some(last)) = (&mut self.server, due.ask.settled.last()) else { return };
        server.measures.kept(query, due.rule.step_ms(), *last);
        for window in &due.ask.settled {
            if let Some(values) = server.measures.read(query, due.rule.step_ms(), *window) {
                self.lived.store.history.insert((query.fingerprint, *window), values);
            }
        }
    }

    /// From the measure while it holds the window, else from history, else counted.
    fn measured_in(&mut self, due: &Due, query: &Arc<StreamQuery>, window: TimeRange) -> Values {
        let step_ms = due.rule.step_ms();
        let Some(server) = &mut self.server else { return Vec::new() };
        if let Some(values) = server.measures.read(query, step_ms, window) {
            return values;
        }
        if let Some(values) = self.lived.store.history.get(&(query.fingerprint, window)) {
            return values.clone();
        }
        server.measures.kept(query, step_ms, window);
        let mut counted = Measures::new(self.world.seed);
        counted.add(&due.rule.id, query, step_ms, i64::MIN);
        counted.cover(i64::MIN);
        for at in &self.data.events {
            if let Item { time_ms, what: What::Event(fields), .. } = &self.world.items[*at]
                && (window.start_ms..window.end_ms).contains(time_ms)
            {
                counted.count(*time_ms, fields);
            }
        }
        let values = counted.read(query, step_ms, window).unwrap_or_default();
        if window.end_ms <= due.ask.window.end_ms - due.rule.hold_ms() {
            self.lived.store.history.insert((query.fingerprint, window), values.clone());
        }
        values
    }

    fn sampled(&self, due: &Due, query: &SeriesQuery) -> Result<Vec<Reading>, String> {
        let windows = due.ask.windows();
        let mut groups = SeriesGroups::new(query, &windows)?;
        self.data.series.iter().for_each(|(key, samples)| groups.samples(key, samples));
        Ok(readings(&due.ask, groups.values()))
    }
}
