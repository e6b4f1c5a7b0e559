//! Lanner watches itself: measures how it is, has the engine decide what of that is wrong, and tells people.
//!
//! This runs beside the evaluation loop and needs nothing of it, so it goes on while the loop waits for a full disk.
//! What cannot be written then is kept here, and its messages are sent straight to the receiver.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lanner_core::{Changes, DeliveryOutcome, Notification};
use lanner_engine::vitals::{RECEIVER, RECENT_MS, ReceiverVitals, SwitchVitals, Vitals};
use lanner_io::store::{Receipt, StoreError};

use crate::app::App;
use crate::http::blocking;
use crate::sync::locked;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(2);
/// How long a message that could not be sent straight waits for its next attempt, in looks.
const LOOKS_BETWEEN_ATTEMPTS: u32 = 15;

/// Runs until the app's alarm is stopped.
pub async fn run(app: Arc<App>) {
    let mut backlog = Backlog::default();
    while !app.alarm.is_stopping() {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = app.alarm.stopped() => return,
        }
        app.deliveries.retry_unusable(&app);
        let watched = Arc::clone(&app);
        let looked = blocking(move || look(&watched, backlog)).await;
        backlog = looked.unwrap_or_else(|panic| {
            tracing::error!("the health check panicked (a bug in Lanner): {panic}; please report it");
            Backlog::default()
        });
        backlog.send_straight(&app).await;
    }
}

/// One look: what changed is written, or kept until it can be.
fn look(app: &App, mut backlog: Backlog) -> Backlog {
    let vitals = vitals(app); // first, for that needs the engine as well
    let changes = app.engine().observe(app.now_ms(), &vitals);
    for alert in &changes.alerts {
        let text = alert.content.as_str().unwrap_or_default();
        tracing::warn!(alert = &*alert.rule, state = %alert.state, "{text}");
    }
    backlog.add(changes);
    backlog.write(app);
    backlog
}

fn vitals(app: &App) -> Vitals {
    let now_ms = app.now_ms();
    let next_ms = app.engine().next_due_ms();
    let silent_ms = now_ms - app.last_turn_ms.load(Ordering::Relaxed);
    let unwritable = locked(&app.stuck).clone().or_else(|| locked(&app.upkeep_failed).clone());
    // Whoever waits for a full disk is late for a known reason, which is told already.
    let lag_ms = if unwritable.is_some() { 0 } else { next_ms.map_or(0, |ms| now_ms - ms).max(silent_ms) };
    Vitals {
        unwritable,
        damage: damage(app),
        lag_ms,
        receivers: receivers(app, now_ms),
        limited: limited(app, now_ms),
        heartbeat: locked(&app.heartbeat_failed).clone(),
        switches: switches(app, now_ms),
    }
}

/// Rules whose groups are more than they may be.
fn limited(app: &App, now_ms: i64) -> std::collections::BTreeMap<Arc<str>, String> {
    let engine = app.engine();
    app.limits.recent(now_ms, |rule| engine.rule(rule).is_some())
}

/// What there is to tell of switches. Without an answer of the store, what was told stands.
fn switches(app: &App, now_ms: i64) -> SwitchVitals {
    let news = crate::switches::news::news(app, now_ms);
    let mut last = locked(&app.switches.told_of);
    match news {
        Ok(news) => *last = news,
        Err(error) => tracing::debug!("changes of switches cannot be read: {error}"),
    }
    last.clone()
}

/// The first damages; there may be many.
fn damage(app: &App) -> Option<String> {
    let lines = app.store.damage().ok()?.unreadable;
    let more = lines.len().checked_sub(3).filter(|n| *n > 0).map(|n| format!("and {n} more"));
    let shown: Vec<String> = lines.into_iter().take(3).chain(more).collect();
    (!shown.is_empty()).then(|| shown.join("; "))
}

fn receivers(app: &App, now_ms: i64) -> std::collections::BTreeMap<Arc<str>, ReceiverVitals> {
    // Without an answer nothing is known of dead letters; that the store fails is noticed elsewhere.
    let dead = app.store.outbox_dead_since(now_ms - RECENT_MS).unwrap_or_default();
    let vitals = |name: &Arc<str>, condition: crate::notify::workers::Condition| {
        let own = dead.iter().find(|letters| *letters.receiver == **name);
        ReceiverVitals {
            unusable: condition.unusable,
            failing_since_ms: condition.health.failing_since_ms,
            last_error: condition.health.last_error.map(|(_, why)| why).or_else(|| own?.error.clone()),
            n_dead: own.map_or(0, |letters| letters.count),
        }
    };
    let conditions = app.deliveries.conditions();
    conditions.into_iter().map(|(name, condition)| (name.clone(), vitals(&name, condition))).collect()
}

/// What could not be written yet. Holds one alert and one record of a name, so it stays small.
#[derive(Debug, Default)]
struct Backlog {
    changes: Changes,
    /// Messages that were sent straight, by key: they are not sent a second time.
    sent: BTreeSet<String>,
    looks: u32,
}

impl Backlog {
    fn add(&mut self, new: Changes) {
        let Changes { alerts, notification_log, .. } = &mut self.changes;
        alerts.retain(|old| {
            !new.alerts.iter().any(|alert| (&alert.rule, &alert.group) == (&old.rule, &old.group))
        });
        notification_log.retain(|old| !new.notification_log.iter().any(|told| told.group == old.group));
        self.changes.extend(new);
    }

    fn write(&mut self, app: &App) {
        if self.changes.is_empty() {
            return;
        }
        let mut changes = self.changes.clone();
        changes.outbox.retain(|message| !self.sent.contains(&message.key));
        let messages = !changes.outbox.is_empty();
        match app.store.apply(changes).and_then(Receipt::wait) {
            Ok(()) => {
                *self = Self::default();
                if messages {
                    app.deliveries.wake();
                }
            }
            Err(StoreError::Closed) => {}
            Err(error) => tracing::debug!("alerts about Lanner itself cannot be written yet: {error}"),
        }
    }

    /// Sends what lies here for want of a place to write it.
    async fn send_straight(&mut self, app: &App) {
        let waiting: Vec<Notification> =
            self.changes.outbox.iter().filter(|message| !self.sent.contains(&message.key)).cloned().collect();
        let is_time = self.looks.is_multiple_of(LOOKS_BETWEEN_ATTEMPTS);
        self.looks = if waiting.is_empty() { 0 } else { self.looks + 1 };
        if !is_time {
            return;
        }
        let Some(receiver) = app.deliveries.receiver(RECEIVER) else { return };
        for message in waiting {
            match receiver.send(&message).await {
                Ok(()) => {
                    app.engine().settle(app.now_ms(), &message.key, DeliveryOutcome::Delivered);
                    self.sent.insert(message.key);
                }
                Err(error) => {
                    tracing::error!(receiver = RECEIVER, key = message.key, %error, "not sent, will retry");
                    return;
                }
            }
        }
    }
}
