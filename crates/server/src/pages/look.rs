//! What is wrong now, looked at once for all open pages.
//!
//! However many people look, the alerts are read at most twice a second, and each part of the page is rendered once for all of
//! them. While nobody looks, nothing is read.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::extract::State;
use bytes::Bytes;
use lanner_core::time::HOUR_MS;
use lanner_core::{AlertState, Group, Labels};
use lanner_io::state::EvaluationFilter;
use lanner_page::now::{self, Filter, MAX_IN_FULL, Now, Row};
use lanner_page::spark;
use lanner_switch::{Phase, Switch};
use lanner_wire::api::{AlertView, SilenceStatus};
use tokio::sync::{Mutex, watch};

use crate::api::{alerts, operations};
use crate::http::{ApiError, Json, Path, blocking};
use crate::services::Services;
use crate::silences::handlers as silences;
use crate::switches::{documents, requests};

/// A look that is younger is good enough.
const FRESH: Duration = Duration::from_millis(500);
/// How often it is looked while somebody watches.
const EVERY: Duration = Duration::from_secs(1);
/// Ages are text, and so a part is rendered again after this time.
const OLD: Duration = Duration::from_secs(30);
/// So many alerts get the values that led to them at one look; the others at the next.
const MAX_HISTORIES: usize = 50;
/// More switches that block are on their own page.
const MAX_SWITCHES: usize = 200;
/// For so long it is said that a switch has expired: what it contained may still go on.
const EXPIRED_LATELY_MS: i64 = 6 * HOUR_MS;

/// One look.
#[derive(Debug)]
pub(crate) struct Look {
    made: Instant,
    /// What was seen.
    pub(super) now: Now,
    pub(super) parts: Vec<Part>,
    /// Counts up when a part changes.
    pub(super) version: u64,
}

/// A part of the page, rendered.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) id: &'static str,
    pub(super) html: Arc<str>,
    /// The event that tells of it.
    pub(super) event: Bytes,
    /// The version in which it last changed.
    pub(super) changed: u64,
    rendered: Instant,
}

/// The looks of a server.
#[derive(Debug)]
pub(crate) struct Looks {
    services: Services,
    latest: Mutex<Option<Arc<Look>>>,
    told: watch::Sender<Option<Arc<Look>>>,
    is_watching: AtomicBool,
}

impl Looks {
    /// None yet.
    pub(crate) fn new(services: Services) -> Self {
        Self {
            services,
            latest: Mutex::default(),
            told: watch::Sender::new(None),
            is_watching: AtomicBool::new(false),
        }
    }

    /// How it is now. Who asks while somebody else looks gets what they see.
    pub(super) async fn look(&self) -> Result<Arc<Look>, ApiError> {
        let mut latest = self.latest.lock().await;
        if let Some(look) = latest.as_ref().filter(|look| look.made.elapsed() < FRESH) {
            return Ok(Arc::clone(look));
        }
        let now = read(&self.services, latest.as_deref()).await?;
        let look = Arc::new(next(now, latest.as_deref()));
        *latest = Some(Arc::clone(&look));
        Ok(look)
    }

    /// Comes with every look that shows something new, for as long as this is held.
    pub(super) fn subscribe(self: &Arc<Self>) -> watch::Receiver<Option<Arc<Look>>> {
        let receiver = self.told.subscribe();
        if !self.is_watching.swap(true, Ordering::AcqRel) {
            tokio::spawn(watch(Arc::clone(self)));
        }
        receiver
    }
}

/// Looks while there is somebody to tell.
async fn watch(looks: Arc<Looks>) {
    let shutdown = Arc::clone(&looks.services.base.shutdown);
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = shutdown.begun() => return,
        }
        if looks.told.receiver_count() == 0 {
            looks.is_watching.store(false, Ordering::Release);
            // Somebody may have come between the two lines above.
            if looks.told.receiver_count() == 0 || looks.is_watching.swap(true, Ordering::AcqRel) {
                return;
            }
        }
        let seen = looks.told.borrow().as_ref().map(|look| look.version);
        match looks.look().await {
            Ok(look) if seen != Some(look.version) => drop(looks.told.send_replace(Some(look))),
            Ok(_) => {}
            Err(error) => tracing::warn!("the page cannot look: {}", error.lines().join(": ")),
        }
    }
}

/// Makes a look of what was seen; parts that show what they showed before are not rendered again.
fn next(now: Now, before: Option<&Look>) -> Look {
    let version = before.map_or(0, |before| before.version) + 1;
    let part = |id: &'static str| {
        let known = before.and_then(|before| {
            let part = before.parts.iter().find(|part| part.id == id)?;
            Some((part, now::is_same(id, &before.now, &now)))
        });
        match known {
            Some((part, true)) if part.rendered.elapsed() < OLD => part.clone(),
            Some((part, true)) => Part { changed: part.changed, ..rendered(id, &now, version) },
            _ => rendered(id, &now, version),
        }
    };
    let parts: Vec<Part> = now::PARTS.iter().map(|id| part(id)).collect();
    let changed = parts.iter().map(|part| part.changed).max().unwrap_or(version);
    Look { made: Instant::now(), now, parts, version: changed }
}

fn rendered(id: &'static str, now: &Now, version: u64) -> Part {
    let html: Arc<str> = now::part(id, now, &Filter::default()).into();
    let data = serde_json::to_string(&*html).unwrap_or_default();
    let event = Bytes::from(format!("id: {version}\nevent: part\ndata: {data}\n\n"));
    Part { id, html, event, changed: version, rendered: Instant::now() }
}

async fn read(services: &Services, before: Option<&Look>) -> Result<Now, ApiError> {
    let mut switches = Vec::new();
    for id in in_effect(services) {
        // It may be gone by now.
        let found = documents::show(State(Arc::clone(&services.switches)), Path(id)).await;
        switches.extend(found.ok().map(|Json(view)| view));
    }
    let Json(requests) = requests::list(State(Arc::clone(&services.switches))).await?;
    let Json(mut silences) = silences::list(State(Arc::clone(&services.silences))).await?;
    silences.retain(|silence| silence.status != SilenceStatus::Expired);
    let Json(status) = operations::status(State(Arc::clone(&services.health))).await?;
    let known: HashMap<(String, i64), Vec<Option<f64>>> = before.map(histories).unwrap_or_default();
    let rows = {
        let services = services.clone();
        blocking(move || rows(&services, known)).await?
    };
    Ok(Now { now_ms: services.evaluation.now_ms(), rows, switches, requests, silences, status })
}

/// The switches that block, are in shadow or did until lately, those that block first.
fn in_effect(services: &Services) -> Vec<String> {
    let (current, now_ms) = (services.switches.current(), services.switches.now_ms());
    let of = |phase: Phase| current.set.switches().iter().filter(move |switch| switch.phase(now_ms) == phase);
    let lately = |switch: &&Arc<Switch>| switch.valid.end_ms >= now_ms.saturating_sub(EXPIRED_LATELY_MS);
    of(Phase::Blocking)
        .chain(of(Phase::Shadowing))
        .chain(of(Phase::Expired).filter(lately))
        .take(MAX_SWITCHES)
        .map(|switch| switch.id.to_string())
        .collect()
}

/// What was measured, by alert and the end of its last window.
fn histories(look: &Look) -> HashMap<(String, i64), Vec<Option<f64>>> {
    let known = look.now.rows.iter().filter(|row| !row.recent.is_empty());
    known.map(|row| ((row.alert.fingerprint.clone(), row.alert.window.end.0), row.recent.clone())).collect()
}

fn rows(services: &Services, mut known: HashMap<(String, i64), Vec<Option<f64>>>) -> Vec<Row> {
    let found = alerts::views(&services.evaluation, |alert| alert.state != AlertState::Normal);
    let mut left = MAX_HISTORIES;
    let row = |(at, alert): (usize, AlertView)| {
        let key = (alert.fingerprint.clone(), alert.window.end.0);
        let recent = known.remove(&key).unwrap_or_else(|| {
            if at >= MAX_IN_FULL || left == 0 {
                return Vec::new();
            }
            left -= 1;
            history(services, &alert.rule, &alert.group)
        });
        Row { alert, recent }
    };
    now::sorted(found).into_iter().enumerate().map(row).collect()
}

/// What a rule measured of a group last, the oldest first; none where the store does not say.
fn history(services: &Services, rule: &str, group: &Labels) -> Vec<Option<f64>> {
    let filter = EvaluationFilter {
        rule: Some(rule.into()),
        group: Some(Group::Of(group.clone())),
        limit: spark::MAX_VALUES,
        ..EvaluationFilter::default()
    };
    let found = services.evaluation.state.evaluations(&filter).unwrap_or_default();
    found.into_iter().rev().map(|evaluation| evaluation.value).collect()
}
