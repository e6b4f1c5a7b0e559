//! Stored series as the expression language wants them: one value a slot, at the step of an archive.

use std::ops::ControlFlow;
use std::sync::Arc;

use lanner_core::{Aggregate, TimeRange};
use lanner_engine::expression::Stored;
use lanner_io::store::{Store, StoreError};
use lanner_series::graphite::{Points, Source, TagCondition, slots};

use super::events;
use super::paths::Paths;
use super::schemas::Schemas;
use crate::app::App;

/// The store, seen by one request.
pub(crate) struct StoreSource {
    pub(super) store: Store,
    pub(super) paths: Arc<Paths>,
    /// How finely series are seen.
    pub(super) schemas: Arc<Schemas>,
}

impl StoreSource {
    /// The store of `app` as it is now.
    pub(crate) fn of(app: &App) -> Result<Self, StoreError> {
        Ok(Self {
            store: app.store.clone(),
            paths: app.paths.get(&app.store)?,
            schemas: Arc::clone(&app.settings.schemas),
        })
    }
}

impl Source for StoreSource {
    fn find(&self, pattern: &str) -> Result<Vec<String>, String> {
        Ok(self.paths.matching(pattern))
    }

    fn find_tagged(&self, conditions: &[&str]) -> Result<Vec<String>, String> {
        let conditions = TagCondition::parse_all(conditions)?;
        Ok(self.paths.with_tags(&conditions).map(str::to_owned).collect())
    }

    fn read(&self, name: &str, from_s: i64, until_s: i64, now_s: i64) -> Result<Option<Points>, String> {
        let Some(id) = self.paths.series(name) else { return Ok(None) };
        let view = self.schemas.view(name, now_s.saturating_sub(from_s));
        let (start_s, n_slots) = slots(from_s, until_s, view.step_s)?;
        let mut values = vec![f64::NAN; n_slots];
        let end_s = start_s.saturating_add(view.step_s.saturating_mul(n_slots as i64));
        let range = TimeRange::new(start_s.saturating_mul(1000), end_s.saturating_mul(1000));
        // Rows come in order of time, so a slot is complete when the next one begins.
        let mut current: Option<(usize, Aggregate)> = None;
        let mut close = |slot: Option<(usize, Aggregate)>| {
            if let Some((at, samples)) = slot
                && let Some(value) = values.get_mut(at)
            {
                *value = view.value(&samples);
            }
        };
        let visited = self.store.points(id, range, |time_ms, row| {
            let at =
                usize::try_from((time_ms.div_euclid(1000) - start_s) / view.step_s).unwrap_or(usize::MAX);
            match &mut current {
                Some((open, samples)) if *open == at => samples.merge(row),
                _ => close(current.replace((at, *row))),
            }
        });
        close(current);
        visited.map_err(|error: StoreError| error.to_string())?;
        Ok(Some(Points { start_s, step_s: view.step_s, values }))
    }

    fn events(&self, tags: &[&str], from_s: i64, until_s: i64) -> Result<Vec<i64>, String> {
        let mut times = Vec::new();
        let visited = events::visit(&self.store, from_s, until_s, |event| {
            if tags.contains(&"*") || event.tags.iter().any(|tag| tags.contains(&tag.as_str())) {
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
        let first_ms = self.store.first_ms(id).map_err(|error| error.to_string())?;
        Ok(first_ms.map(|first_ms| first_ms.div_euclid(1000)))
    }
}
