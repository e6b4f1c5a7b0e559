//! Stored series for the expression language: one value per slot, at the step of an archive.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use lanner_core::{Aggregate, Sample, TimeRange};
use lanner_engine::source::Stored;
use lanner_graphite::{EventTags, Points, Source, TagCondition, slots};
use lanner_io::data::{DataStore, Piece, StoreError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::events;
use super::paths::{Paths, PathsCache};
use crate::base::Base;
use crate::clock::Clock;
use crate::settings::schemas::{Schemas, View};
use crate::shutdown::Shutdown;
use crate::sources::Sources;

/// Clients' expressions that are worked on at once.
const N_AT_ONCE: usize = 4;
/// How long anybody waits for an expression.
const PATIENCE: Duration = Duration::from_secs(30);

/// The store as expressions read it.
#[derive(Debug)]
pub struct Expressions {
    pub(crate) data: Arc<dyn DataStore>,
    /// Keys hashes of values.
    pub(crate) secret: u64,
    clock: Clock,
    /// The names of all series.
    paths: PathsCache,
    schemas: Arc<Schemas>,
    /// The time zone of times of day that name none.
    pub(crate) zone: TimeZone,
    pub(crate) shutdown: Arc<Shutdown>,
    /// Clients' expressions that may be worked on at once, as each may take much memory; the others wait.
    turns: Arc<Semaphore>,
    /// Servers elsewhere that queries ask.
    pub(crate) sources: Arc<Sources>,
}

impl Expressions {
    /// The series of the store, seen as finely as the settings say.
    #[must_use]
    pub fn new(base: &Base) -> Self {
        Self {
            data: Arc::clone(&base.data),
            secret: base.state.secret(),
            clock: base.clock(),
            paths: PathsCache::default(),
            schemas: Arc::clone(&base.settings.schemas),
            zone: base.settings.time_zone.clone(),
            shutdown: Arc::clone(&base.shutdown),
            turns: Arc::new(Semaphore::new(N_AT_ONCE)),
            sources: Arc::clone(&base.sources),
        }
    }

    /// Now, milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Waits until an expression may be worked on for a client; for as long as what is returned lives.
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.turns).acquire_owned().await.ok()
    }

    /// The names of all series as they are now.
    pub(crate) fn paths(&self) -> Result<Arc<Paths>, StoreError> {
        self.paths.get(&*self.data)
    }

    /// The store as it is now.
    pub(crate) fn source(&self) -> Result<StoreSource, StoreError> {
        Ok(StoreSource {
            data: Arc::clone(&self.data),
            paths: self.paths()?,
            schemas: Arc::clone(&self.schemas),
            zone: self.zone.clone(),
            asker: None,
        })
    }
}

/// Whoever waits for an answer, as long as that lasts.
#[derive(Debug)]
pub(crate) struct Asker {
    deadline: Instant,
    has_left: AtomicBool,
}

impl Asker {
    /// Someone who waits from now on, and something to drop when they do no more.
    pub(crate) fn waiting() -> (Arc<Self>, Leaving) {
        let asker = Arc::new(Self { deadline: Instant::now() + PATIENCE, has_left: AtomicBool::new(false) });
        (Arc::clone(&asker), Leaving(asker))
    }

    /// Whether they still wait; else why not.
    pub(crate) fn still_waits(&self) -> Result<(), String> {
        if self.has_left.load(Ordering::Relaxed) {
            return Err("whoever asked has left".to_owned());
        }
        if Instant::now() > self.deadline {
            return Err(format!(
                "this takes longer than {} s: ask for fewer series or less time",
                PATIENCE.as_secs()
            ));
        }
        Ok(())
    }
}

/// Tells the work for somebody that they have left, when it is dropped.
pub(crate) struct Leaving(Arc<Asker>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.has_left.store(true, Ordering::Relaxed);
    }
}

/// The store, seen by one request.
#[derive(Clone)]
pub(crate) struct StoreSource {
    pub(crate) data: Arc<dyn DataStore>,
    pub(crate) paths: Arc<Paths>,
    /// How finely series are seen.
    pub(crate) schemas: Arc<Schemas>,
    /// The time zone of times of day that name none.
    zone: TimeZone,
    /// Who waits for the answer; a rule waits as long as it takes.
    asker: Option<Arc<Asker>>,
}

impl StoreSource {
    /// The same for somebody who may leave.
    pub(crate) fn asked_by(self, asker: Arc<Asker>) -> Self {
        Self { asker: Some(asker), ..self }
    }
}

impl Source for StoreSource {
    fn still_wanted(&self) -> Result<(), String> {
        self.asker.as_ref().map_or(Ok(()), |asker| asker.still_waits())
    }

    fn find(&self, pattern: &str) -> Result<Vec<String>, String> {
        Ok(self.paths.matching(pattern))
    }

    fn find_tagged(&self, conditions: &[&str]) -> Result<Vec<String>, String> {
        let conditions = TagCondition::parse_all(conditions)?;
        Ok(self.paths.with_tags(&conditions).collect())
    }

    fn read(&self, name: &str, from_s: i64, until_s: i64, now_s: i64) -> Result<Option<Points>, String> {
        let Some(id) = self.paths.series(name) else { return Ok(None) };
        let view = self.schemas.view(name, now_s.saturating_sub(from_s));
        let (start_s, n_slots) = slots(from_s, until_s, view.step_s)?;
        let end_s = start_s.saturating_add(view.step_s.saturating_mul(n_slots as i64));
        let range = TimeRange::new(start_s.saturating_mul(1000), end_s.saturating_mul(1000));
        let mut slots = Slots { start_s, view, n_slots, values: Vec::with_capacity(n_slots), open: None };
        let visited = self.data.pieces(id, range, &mut |piece| match piece {
            Piece::Row(time_ms, row) => slots.row(time_ms, row),
            Piece::Even { first_ms, step_ms, values } => slots.even(first_ms, step_ms, values),
        });
        visited.map_err(|error: StoreError| error.to_string())?;
        let values = slots.close();
        Ok(Some(Points { start_s, step_s: view.step_s, values }))
    }

    fn events(&self, tags: EventTags<'_>, from_s: i64, until_s: i64) -> Result<Vec<i64>, String> {
        let mut times = Vec::new();
        let visited = events::visit(&*self.data, from_s, until_s, |event| {
            if tags.want(&event.tags) {
                times.push(event.when);
            }
            ControlFlow::Continue(())
        });
        visited.map_err(|error| error.to_string())?;
        Ok(times)
    }
}

impl Stored for StoreSource {
    fn first_s(&self, name: &str) -> Result<Option<i64>, String> {
        let Some(id) = self.paths.series(name) else { return Ok(None) };
        let first_ms = self.data.first_ms(id).map_err(|error| error.to_string())?;
        Ok(first_ms.map(|first_ms| first_ms.div_euclid(1000)))
    }

    fn zone(&self) -> TimeZone {
        self.zone.clone()
    }
}

/// Values as they are filled in. Rows come in order of time, so a slot is complete when the next one begins.
struct Slots {
    start_s: i64,
    view: View,
    n_slots: usize,
    /// Of the first slots, as far as they are complete.
    values: Vec<f64>,
    open: Option<Open>,
}

/// The slot that is not complete.
struct Open {
    at: usize,
    end_ms: i64,
    /// What lies in it so far.
    samples: Aggregate,
}

impl Slots {
    fn at(&self, time_ms: i64) -> usize {
        usize::try_from((time_ms.div_euclid(1000) - self.start_s) / self.view.step_s).unwrap_or(usize::MAX)
    }

    fn row(&mut self, time_ms: i64, row: &Aggregate) {
        let step_ms = self.view.step_s.saturating_mul(1000);
        let (at, end_ms) = match &mut self.open {
            Some(open) if time_ms < open.end_ms => return open.samples.merge(row),
            // Mostly it is the next one: no need to divide.
            Some(open) if time_ms < open.end_ms.saturating_add(step_ms) => (open.at + 1, open.end_ms),
            _ => {
                let at = self.at(time_ms);
                (at, self.start_s.saturating_mul(1000).saturating_add(step_ms.saturating_mul(at as i64)))
            }
        };
        self.put();
        self.open = Some(Open { at, end_ms: end_ms.saturating_add(step_ms), samples: *row });
    }

    /// Samples at equal distances: of those a slot apart only the first and the last can share theirs with others.
    fn even(&mut self, first_ms: i64, step_ms: i64, values: &[f64]) {
        let mut time_ms = first_ms;
        let mut rest = values;
        if let [first, inner @ .., _] = values
            && step_ms == self.view.step_s.saturating_mul(1000)
        {
            self.sample(first_ms, *first);
            self.put();
            let at = self.at(first_ms).saturating_add(1);
            if let Some(room) = self.n_slots.checked_sub(at) {
                self.values.resize(at, f64::NAN);
                self.values.extend(inner.iter().take(room));
            }
            let n_done = inner.len() + 1;
            time_ms = time_ms.saturating_add(step_ms.saturating_mul(n_done as i64));
            rest = &values[n_done..];
        }
        for value in rest {
            self.sample(time_ms, *value);
            time_ms = time_ms.saturating_add(step_ms);
        }
    }

    fn sample(&mut self, time_ms: i64, value: f64) {
        self.row(time_ms, &Aggregate::of(Sample::new(time_ms, value)));
    }

    fn put(&mut self) {
        if let Some(open) = self.open.take().filter(|open| open.at < self.n_slots) {
            self.values.resize(open.at, f64::NAN);
            self.values.push(self.view.value(&open.samples));
        }
    }

    fn close(mut self) -> Vec<f64> {
        self.put();
        self.values.resize(self.n_slots, f64::NAN);
        self.values
    }
}

#[cfg(test)]
mod tests {
    use lanner_wire::whisper::Aggregation;

    use super::*;

    /// A row at a time in seconds, then samples at equal distances, seen at steps of a minute from 0 on; -1 is a gap.
    #[track_caller]
    fn check(before: Option<(i64, f64)>, (first_s, step_s): (i64, i64), values: &[f64], expected: [f64; 4]) {
        let view = View { step_s: 60, aggregation: Aggregation::Average, n_needed: 0 };
        let mut slots = Slots { start_s: 0, view, n_slots: 4, values: Vec::new(), open: None };
        if let Some((time_s, value)) = before {
            slots.sample(time_s * 1000, value);
        }
        slots.even(first_s * 1000, step_s * 1000, values);
        let found: Vec<f64> =
            slots.close().into_iter().map(|value| if value.is_nan() { -1.0 } else { value }).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn samples_find_their_slots() {
        check(None, (0, 60), &[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]);
        check(None, (59, 60), &[1.0, 2.0, 3.0], [1.0, 2.0, 3.0, -1.0]);
        check(Some((10, 3.0)), (30, 60), &[1.0, 2.0, 3.0], [2.0, 2.0, 3.0, -1.0]);
        check(Some((10, 3.0)), (60, 60), &[1.0, 2.0], [3.0, 1.0, 2.0, -1.0]);
        check(None, (60, 30), &[1.0, 3.0, 5.0], [-1.0, 2.0, 5.0, -1.0]);
        check(None, (0, 59), &[1.0, 2.0, 3.0], [1.5, 3.0, -1.0, -1.0]);
        check(None, (0, 120), &[1.0, 2.0], [1.0, -1.0, 2.0, -1.0]);
        check(None, (180, 60), &[7.0], [-1.0, -1.0, -1.0, 7.0]);
        check(Some((61, 1.0)), (240, 60), &[], [-1.0, 1.0, -1.0, -1.0]);
    }
}
