//! Flushing one group: what there is to send now, what is held back, and when to look again.

use std::collections::HashSet;
use std::sync::Arc;

use lanner_core::{Acknowledgement, Notification, NotifiedAlert, Omitted};

use super::group::GroupKey;
use super::record::{Known, Record};
use super::{MAX_LISTED, MAX_LISTED_BYTES, Mute, Notifier, Route};

/// What there is to say of a group.
#[derive(Default)]
struct Found {
    /// Alerts that run and may be sent.
    open: Vec<Open>,
    /// Alerts whose end is to be sent.
    ended: Vec<Arc<NotifiedAlert>>,
    /// Whether the receiver is muted by the time.
    held: bool,
    /// Whether something is held back, and when the first of it may be sent.
    muted: bool,
    unmute_ms: Option<i64>,
}

/// An alert that runs and may be sent.
struct Open {
    alert: Arc<NotifiedAlert>,
    is_news: bool,
    /// Who has taken it on, so that it is left out of repetitions.
    acknowledged: Option<Acknowledgement>,
}

/// What room a message still has for alerts.
struct Room {
    n: usize,
    n_bytes: usize,
}

impl Room {
    /// How many of these alerts are listed, in this order; the room is less by them.
    fn take<'a>(&mut self, alerts: impl Iterator<Item = &'a Arc<NotifiedAlert>>) -> usize {
        let fits = |alert: &&Arc<NotifiedAlert>| {
            let left = self.n_bytes.checked_sub(weight(alert)).or((self.n == MAX_LISTED).then_some(0));
            let Some(left) = left.filter(|_| self.n > 0) else { return false };
            (self.n, self.n_bytes) = (self.n - 1, left);
            true
        };
        alerts.take_while(fits).count()
    }
}

/// The bytes of an alert in a message, whatever it is that is long: labels, annotations, content or evidence.
fn weight(alert: &NotifiedAlert) -> usize {
    serde_json::to_vec(alert).map_or(0, |json| json.len())
}

impl Notifier {
    /// Flushes a group that is due: writes its message if there is something to say.
    pub(super) fn flush(&mut self, now_ms: i64, key: &GroupKey) -> Option<Notification> {
        self.set_due(key, None);
        let mut record = self.groups.remove(key)?;
        self.inhibitions.wait_no_more(key, std::mem::take(&mut record.causes));
        let route = self.route(&key.0);
        let phase = self.phase(&route, now_ms);
        let held_ms = phase.holds.then_some(phase.time.end_ms);
        let mut found = self.find(&mut record, &route, held_ms, now_ms);
        record.causes.iter().for_each(|cause| self.inhibitions.wait(key, cause));
        let message = found.message(&mut record, &route, key, now_ms);
        record.tidy();
        if let Some(message) = &message {
            self.under_way.insert(message.key.clone(), key.clone());
        }
        let last_ms = record.head.last_sent_ms;
        let repeat_ms = last_ms.zip(route.repeat_ms).map(|(at, r)| at + r);
        let repeat_ms = repeat_ms.zip(found.repeats_from_ms()).map(|(at, from)| at.max(from));
        let due_ms = [repeat_ms, found.unmute_ms].into_iter().flatten().min();
        self.groups.insert(key.clone(), record);
        self.set_due(key, due_ms.map(|due_ms| due_ms.max(now_ms + 1)));
        self.forget_if_over(key);
        message
    }

    /// What there is to say; nothing is sent before `held_ms`.
    fn find(&self, record: &mut Record, route: &Route, held_ms: Option<i64>, now_ms: i64) -> Found {
        let held = held_ms.is_some();
        let mut found = Found { held, muted: held, unmute_ms: held_ms, ..Found::default() };
        let mute = |alert: &NotifiedAlert| match held_ms {
            Some(until_ms) => Some(Mute::Until(until_ms)),
            None => self.mute(route, &alert.labels, now_ms),
        };
        let given_up = record.head.given_up;
        for (fingerprint, member) in &mut record.members {
            let mut changed = false;
            if let Some(alert) = member.running.clone() {
                if !route.wants(&alert) {
                    changed = member.follow(&alert);
                } else if let Some(mute) = mute(&alert) {
                    found.muted = true;
                    match mute {
                        Mute::Until(end_ms) => {
                            found.unmute_ms = Some(found.unmute_ms.map_or(end_ms, |ms| ms.min(end_ms)));
                        }
                        Mute::By(cause) => {
                            record.causes.insert(cause);
                        }
                    }
                } else {
                    let is_news = member.is_news(&alert, given_up);
                    let running = self.running.get(&**fingerprint);
                    let acknowledged = running.and_then(|running| running.acknowledged.clone());
                    let acknowledged = acknowledged.filter(|it| it.holds(now_ms));
                    found.open.push(Open { alert, is_news, acknowledged });
                }
            }
            let n_before = member.ended.len();
            let mut ended = std::mem::take(&mut member.ended);
            ended.retain(|alert| {
                let is_new = || !member.was_refused(alert) && route.wants(alert) && mute(alert).is_none();
                // Who wants to hear of no ends still hears of what came and went between two messages.
                if member.was_notified(alert) { route.send_resolved } else { is_new() }
            });
            found.ended.extend(ended.iter().cloned());
            member.ended = ended;
            if changed || member.ended.len() < n_before {
                record.changed.insert(fingerprint.clone());
            }
        }
        record.head.muted = found.muted;
        found
    }
}

impl Found {
    /// Whether there is something to repeat.
    fn repeats(&self) -> bool {
        self.open.iter().any(|open| open.acknowledged.is_none())
    }

    /// From when on there is something to repeat, if ever: what somebody has taken on waits until that ends.
    fn repeats_from_ms(&self) -> Option<i64> {
        let from_ms = |open: &Open| match &open.acknowledged {
            None => Some(i64::MIN),
            Some(acknowledged) => acknowledged.until_ms,
        };
        self.open.iter().filter_map(from_ms).min()
    }

    /// The message that says what was found, if that is worth one; notes what it says.
    fn message(
        &mut self,
        record: &mut Record,
        route: &Route,
        key: &GroupKey,
        now_ms: i64,
    ) -> Option<Notification> {
        let news = self.open.iter().any(|open| open.is_news) || !self.ended.is_empty();
        let repeat_ms = record.head.last_sent_ms.zip(route.repeat_ms).map(|(last, every)| last + every);
        let repeats = self.repeats() && repeat_ms.is_some_and(|due_ms| now_ms >= due_ms);
        if self.held || (!news && !repeats) {
            return None;
        }
        if !news {
            self.open.retain(|open| open.acknowledged.is_none());
        }
        let head = &mut record.head;
        head.n_sent += 1;
        head.last_sent_ms = Some(now_ms);
        let message_key = self.key(key, head.n_sent);
        head.under_way = Some(message_key.clone());
        let give_up_ms = head.failing_since_ms.unwrap_or(now_ms).saturating_add(route.give_up_after_ms);
        let mut is_repeat = !news;
        for Open { alert, .. } in &self.open {
            let Some(member) = record.members.get_mut(alert.fingerprint.as_str()) else { continue };
            if member.is_news(alert, false) {
                is_repeat = false; // what was given up is new to the receiver
                member.offered = Some(Known::of(alert));
                record.changed.insert(alert.fingerprint.as_str().into());
            }
        }
        for alert in &self.ended {
            if let Some(member) = record.members.get_mut(alert.fingerprint.as_str()) {
                member.n_offered = member.ended.len();
                record.changed.insert(alert.fingerprint.as_str().into());
            }
        }
        let (alerts, omitted) = self.listed();
        Some(Notification {
            key: message_key,
            receiver: key.0.clone(),
            group: key.1.clone(),
            alerts,
            omitted,
            repeat: is_repeat,
            created_ms: now_ms,
            give_up_ms: Some(give_up_ms),
        })
    }

    /// The alerts that are listed, and how many are not: first those that run, then those that resolved, and last those
    /// that resolved and fired again meanwhile. A receiver that works through the list, as one that keeps an incident for
    /// each alert does, is left with what is true. Where not all fit, news goes before what is known.
    fn listed(&self) -> (Vec<NotifiedAlert>, Omitted) {
        let running = |is_news: bool| {
            self.open.iter().filter(move |open| open.is_news == is_news).map(|open| &open.alert)
        };
        let mut room = Room { n: MAX_LISTED, n_bytes: MAX_LISTED_BYTES };
        let mut n_new_left = room.take(running(true));
        let n_ended = room.take(self.ended.iter());
        let mut n_old = room.take(running(false));
        let open = self.open.iter().filter(|open| {
            let left = if open.is_news { &mut n_new_left } else { &mut n_old };
            let fits = *left > 0;
            *left = left.saturating_sub(1);
            fits
        });
        let listed = |open: &Open| NotifiedAlert {
            acknowledged: open.acknowledged.clone(),
            ..NotifiedAlert::clone(&open.alert)
        };
        let ended = &self.ended[..n_ended];
        let has_ended: HashSet<&str> = ended.iter().map(|alert| &*alert.fingerprint).collect();
        let (again, mut alerts): (Vec<NotifiedAlert>, Vec<NotifiedAlert>) =
            open.map(listed).partition(|alert| has_ended.contains(&*alert.fingerprint));
        let omitted = Omitted {
            firing: (self.open.len() - alerts.len() - again.len()) as u64,
            resolved: (self.ended.len() - n_ended) as u64,
        };
        alerts.extend(ended.iter().map(|alert| NotifiedAlert::clone(alert)));
        alerts.extend(again);
        (alerts, omitted)
    }

    /// The idempotency key: a hash of what is said, listed or not.
    fn key(&self, (receiver, group): &GroupKey, n_sent: u64) -> String {
        let mut identity = format!("{receiver}\u{0}{group}\u{0}{n_sent}");
        for alert in self.open.iter().map(|open| &open.alert).chain(&self.ended) {
            // Messages and episodes are counted anew when a group was forgotten; beginnings differ.
            let NotifiedAlert { fingerprint, episode, state, started_ms, .. } = &**alert;
            identity.push_str(&format!("\u{0}{fingerprint}/{episode}/{state}/{started_ms}"));
        }
        format!("{:032x}", xxhash_rust::xxh3::xxh3_128(identity.as_bytes()))
    }
}
