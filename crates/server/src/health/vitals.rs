//! Lanner watches itself: measures how it is, has the engine decide what of that is wrong, and tells people.
//!
//! This runs beside the evaluation loop and needs nothing of it, so it goes on while the loop waits for a full disk or a database.
//! What cannot be written then is kept here, and its messages are sent straight to the receiver.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lanner_core::{Changes, DeliveryOutcome, Notification};
use lanner_engine::vitals::{RECEIVER, RECENT_MS, ReceiverVitals, SwitchNews, SwitchVitals, Vitals};
use lanner_io::store::{Receipt, StoreError};

use super::service::HealthService;
use crate::http::blocking;
use crate::notify::workers::Condition;
use crate::switches::news::{Kind, News, news};
use crate::sync::locked;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(2);
/// How long a message that could not be sent straight waits for its next attempt, in looks.
const LOOKS_BETWEEN_ATTEMPTS: u32 = 15;

/// Runs until the server stops.
pub(crate) async fn run(service: Arc<HealthService>) {
    let mut backlog = Backlog::default();
    while !service.shutdown.has_begun() {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = service.shutdown.begun() => return,
        }
        service.delivery.retry_unusable();
        let watched = Arc::clone(&service);
        let looked = blocking(move || look(&watched, backlog)).await;
        backlog = looked.unwrap_or_else(|panic| {
            tracing::error!("the health check panicked (a bug in Lanner): {panic}; please report it");
            Backlog::default()
        });
        backlog.send_straight(&service).await;
    }
}

/// One look: what changed is written, or kept until it can be.
fn look(service: &HealthService, mut backlog: Backlog) -> Backlog {
    let vitals = vitals(service); // first, for that needs the engine as well
    let changes = service.evaluation.engine().observe(service.now_ms(), &vitals);
    for alert in &changes.alerts {
        let text = alert.content.as_str().unwrap_or_default();
        tracing::warn!(alert = &*alert.rule, state = %alert.state, "{text}");
    }
    backlog.add(changes);
    backlog.write(service);
    backlog
}

fn vitals(service: &HealthService) -> Vitals {
    let now_ms = service.now_ms();
    let (next_ms, elsewhere_ms) = {
        let engine = service.evaluation.engine();
        (engine.next_due_ms(), engine.overdue_elsewhere_ms(now_ms).max(engine.postponed_for_ms(now_ms)))
    };
    let silent_ms = now_ms - service.evaluation.last_turn_ms.load(Ordering::Relaxed);
    let stuck = locked(&service.evaluation.stuck).clone();
    let (stuck, state_away) = if service.state_place.is_some() { (None, stuck) } else { (stuck, None) };
    let unwritable = stuck.or_else(|| locked(&service.upkeep_failed).clone());
    // Whoever waits for a full disk is late for a known reason, which is told already.
    let is_stuck = unwritable.is_some() || state_away.is_some();
    let lag_ms =
        if is_stuck { 0 } else { next_ms.map_or(0, |ms| now_ms - ms).max(silent_ms).max(elsewhere_ms) };
    Vitals {
        unwritable,
        state_away,
        damage: damage(service),
        lag_ms,
        receivers: receivers(service, now_ms),
        limited: limited(service, now_ms),
        heartbeat: locked(&service.heartbeat_failed).clone(),
        switches: switches(service, now_ms),
    }
}

/// Rules whose groups are more than they may be.
fn limited(service: &HealthService, now_ms: i64) -> BTreeMap<Arc<str>, String> {
    let engine = service.evaluation.engine();
    service.evaluation.limits.recent(now_ms, |rule| engine.rule(rule).is_some())
}

/// What there is to tell of switches. Without an answer of the store, what was told stands.
fn switches(service: &HealthService, now_ms: i64) -> SwitchVitals {
    let told = {
        let engine = service.evaluation.engine();
        engine.switch_news().map(|(id, news)| (Arc::from(id), kind_of(news))).collect()
    };
    if service.is_state_away() {
        return locked(&service.told_of).clone();
    }
    let news = news(&service.switches, told, now_ms);
    let mut last = locked(&service.told_of);
    match news {
        Ok(News { now, over }) => *last = SwitchVitals { now: by_news(now), over: by_news(over) },
        Err(error) => tracing::debug!("changes of switches cannot be read: {error}"),
    }
    last.clone()
}

type BySwitch<Kind> = BTreeMap<(Arc<str>, Kind), String>;

fn by_news(told: BySwitch<Kind>) -> BySwitch<SwitchNews> {
    told.into_iter().map(|((id, kind), text)| ((id, news_of(kind)), text)).collect()
}

const fn news_of(kind: Kind) -> SwitchNews {
    match kind {
        Kind::SteppedBack => SwitchNews::SteppedBack,
        Kind::Activated => SwitchNews::Activated,
        Kind::Waits => SwitchNews::Waits,
        Kind::Ends => SwitchNews::Ends,
    }
}

const fn kind_of(news: SwitchNews) -> Kind {
    match news {
        SwitchNews::SteppedBack => Kind::SteppedBack,
        SwitchNews::Activated => Kind::Activated,
        SwitchNews::Waits => Kind::Waits,
        SwitchNews::Ends => Kind::Ends,
    }
}

/// The first damages; there may be many.
fn damage(service: &HealthService) -> Option<String> {
    let lines = service.store.damage().ok()?.unreadable;
    let more = lines.len().checked_sub(3).filter(|n| *n > 0).map(|n| format!("and {n} more"));
    let shown: Vec<String> = lines.into_iter().take(3).chain(more).collect();
    (!shown.is_empty()).then(|| shown.join("; "))
}

fn receivers(service: &HealthService, now_ms: i64) -> BTreeMap<Arc<str>, ReceiverVitals> {
    // Without an answer nothing is known of dead letters; that the store fails is noticed elsewhere.
    let dead = if service.is_state_away() {
        Vec::new()
    } else {
        service.state.outbox_dead_since(now_ms - RECENT_MS).unwrap_or_default()
    };
    let vitals = |name: &Arc<str>, condition: Condition| {
        let own = dead.iter().find(|letters| *letters.receiver == **name);
        ReceiverVitals {
            unusable: condition.unusable,
            failing_since_ms: condition.health.failing_since_ms,
            last_error: condition.health.last_error.map(|(_, why)| why).or_else(|| own?.error.clone()),
            n_dead: own.map_or(0, |letters| letters.count),
        }
    };
    let conditions = service.delivery.conditions();
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

    fn write(&mut self, service: &HealthService) {
        // A database that does not answer would keep what is sent straight waiting.
        if self.changes.is_empty() || service.is_state_away() {
            return;
        }
        let mut changes = self.changes.clone();
        changes.outbox.retain(|message| !self.sent.contains(&message.key));
        let messages = !changes.outbox.is_empty();
        match service.state.apply(changes.into()).and_then(Receipt::wait) {
            Ok(()) => {
                *self = Self::default();
                if messages {
                    service.delivery.wake();
                }
            }
            Err(StoreError::Closed) => {}
            Err(error) => tracing::debug!("alerts about Lanner itself cannot be written yet: {error}"),
        }
    }

    /// Sends what lies here for want of a place to write it.
    async fn send_straight(&mut self, service: &HealthService) {
        let waiting: Vec<Notification> =
            self.changes.outbox.iter().filter(|message| !self.sent.contains(&message.key)).cloned().collect();
        let is_time = self.looks.is_multiple_of(LOOKS_BETWEEN_ATTEMPTS);
        self.looks = if waiting.is_empty() { 0 } else { self.looks + 1 };
        if !is_time {
            return;
        }
        let Some(receiver) = service.delivery.receiver(RECEIVER) else { return };
        for message in waiting {
            match receiver.send(&message).await {
                Ok(()) => {
                    service.evaluation.engine().settle(
                        service.now_ms(),
                        &message.key,
                        DeliveryOutcome::Delivered,
                    );
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
