//! The evaluation of one switch.

use std::borrow::Cow;
use std::sync::Arc;

use lanner_conditions::{Condition, FieldPath, Missing, Number};
use lanner_core::time::MINUTE_MS;
use lanner_core::{Labels, TimeRange};
use serde_json::{Map, Value};

use crate::flag::Flag;
use crate::limit::RateLimit;
use crate::window::Window;

/// A kill switch, checked. Made by [`Switch::from_json`] or [`Switch::check`].
#[derive(Debug, Clone)]
pub struct Switch {
    /// Its name, unique among switches.
    pub id: Arc<str>,
    /// For people.
    pub description: String,
    /// What it blocks: all that was written under `when`, joined by `and`.
    pub condition: Condition,
    /// Whether it is meant to block.
    pub status: Status,
    /// The switch with the highest priority answers; equal ones in order of their ids.
    pub priority: i64,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Why; what callers are told.
    pub reason: Option<String>,
    /// Whether it was thrown in an emergency: it then has an owner and a reason, and [`change`](crate::change) sees
    /// to it that it ends.
    pub is_emergency: bool,
    /// When it holds.
    pub valid: TimeRange,
    /// When it recurs within `valid`; always, if empty.
    pub schedule: Vec<Window>,
    /// Which share of what it matches is blocked; all, if absent.
    pub rollout: Option<Rollout>,
    /// What a blocked caller answers.
    pub answer: Answer,
    /// What it matches passes with this tag, if there is one.
    pub tag: Option<Arc<str>>,
    /// Only what comes faster is blocked, if there is a limit.
    pub limit: Option<RateLimit>,
    /// For grouping and for callers that ask for some switches only.
    pub labels: Labels,
    /// What counts once what is known is too old.
    pub on_unavailable: OnUnavailable,
    /// How often those who ask should ask again, milliseconds.
    pub every_ms: i64,
    /// The values that it chooses from for OpenFeature's clients; with them it blocks nothing.
    pub flag: Option<Flag>,
}

/// Whether a switch is meant to block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// It blocks.
    Active,
    /// It does nothing.
    Inactive,
    /// It only says what it would block.
    Shadow,
}

impl Status {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Shadow => "shadow",
        }
    }
}

/// What counts once nobody has heard of the switches for longer than is tolerated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnUnavailable {
    /// What was known last.
    #[default]
    LastGood,
    /// Nothing is blocked.
    Open,
    /// What the condition matches is blocked, whatever status and validity were.
    Closed,
}

impl OnUnavailable {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LastGood => "last_good",
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }

    /// Reads `last_good`, `open` or `closed`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::LastGood, Self::Open, Self::Closed].into_iter().find(|policy| policy.name() == text)
    }
}

/// A share of contexts, chosen by one of their fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollout {
    /// Above 0, up to 1.
    pub share: f64,
    /// The field; contexts in which it is missing, `null` or an empty text are left alone unless the share is 1.
    pub by: FieldPath,
}

/// What a blocked caller answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status, 100 to 599.
    pub status: u16,
    /// HTTP headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; `None` for a sentence of the caller's own.
    pub body: Option<String>,
}

impl Default for Answer {
    fn default() -> Self {
        Self { status: 503, headers: Vec::new(), body: None }
    }
}

/// What a switch does at some time, by its status, validity and schedule together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// It blocks what it matches.
    Blocking,
    /// It only says what it would block.
    Shadowing,
    /// Switched off.
    Inactive,
    /// Before its validity.
    Waiting,
    /// After its validity.
    Expired,
    /// Outside its recurring windows.
    Paused,
}

impl Phase {
    /// Each of them.
    pub const ALL: [Self; 6] =
        [Self::Blocking, Self::Shadowing, Self::Inactive, Self::Waiting, Self::Expired, Self::Paused];

    /// As the API and the command line show it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blocking => "blocking",
            Self::Shadowing => "shadow",
            Self::Inactive => "inactive",
            Self::Waiting => "waiting",
            Self::Expired => "expired",
            Self::Paused => "paused",
        }
    }
}

/// How conditions of switches see a missing field: what is not known matches nothing.
pub(crate) const MISSING: Missing = Missing::Kleene;

impl Switch {
    /// What it does at `now_ms`, milliseconds since the Unix epoch. Cost: a look at each window of its schedule.
    #[must_use]
    pub fn phase(&self, now_ms: i64) -> Phase {
        match self.status {
            Status::Inactive => Phase::Inactive,
            _ if now_ms < self.valid.start_ms => Phase::Waiting,
            _ if now_ms >= self.valid.end_ms => Phase::Expired,
            _ if !self.schedule.is_empty() && !self.schedule.iter().any(|window| window.contains(now_ms)) => {
                Phase::Paused
            }
            Status::Active => Phase::Blocking,
            Status::Shadow => Phase::Shadowing,
        }
    }

    /// When it blocks next, or would in shadow, where it is on and does not now, milliseconds since the Unix epoch: when its
    /// validity or one of its windows begins. `None` when that is not within eight days. Cost: a look at each minute.
    #[must_use]
    pub fn next_ms(&self, now_ms: i64) -> Option<i64> {
        let does = |at_ms: i64| matches!(self.phase(at_ms), Phase::Blocking | Phase::Shadowing);
        if self.status == Status::Inactive || does(now_ms) {
            return None;
        }
        let from_ms = now_ms.max(self.valid.start_ms);
        let first_minute = from_ms.div_euclid(MINUTE_MS) + 1;
        let minutes = (first_minute..first_minute + 8 * 24 * 60).map(|minute| minute * MINUTE_MS);
        std::iter::once(from_ms).chain(minutes).find(|at_ms| does(*at_ms))
    }

    /// Whether the condition holds for `context`, leaving time and rollout aside.
    #[must_use]
    pub fn matches(&self, context: &Map<String, Value>) -> bool {
        self.condition.matches(context, MISSING)
    }

    /// Whether `context` belongs to the share that is blocked. The same context always gets the same answer.
    #[must_use]
    pub fn is_rolled_out_to(&self, context: &Map<String, Value>) -> bool {
        let Some(Rollout { share, by }) = &self.rollout else { return true };
        if *share >= 1.0 {
            return true;
        }
        let key = by.find(context).and_then(key);
        key.is_some_and(|key| position(&self.id, &key) < *share)
    }
}

/// The text by which a context is in a share or not; nothing where it does not say who it is about, or all of these would
/// be in or out together. Equal numbers have one text, however they are written.
fn key(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Number::from_json(number).map(|number| Cow::Owned(number.to_string())),
        other => Some(Cow::Owned(other.to_string())),
    }
}

/// Where a text lies among all texts of a switch, in [0, 1): evenly spread, the same on every machine.
fn position(id: &str, text: &str) -> f64 {
    let mut hash = xxhash_rust::xxh3::Xxh3::new();
    hash.update(id.as_bytes());
    hash.update(&[0]);
    hash.update(text.as_bytes());
    (hash.digest() >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_when_it_blocks_next() {
        #[track_caller]
        fn check(fields: &Value, next: Option<&str>) {
            let mut document = json!({"id": "a", "when": "x"});
            document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            let now_ms = parse_time_ms("2026-01-05T12:00:30Z").unwrap(); // a Monday
            let found = Switch::from_json(&document).unwrap().next_ms(now_ms);
            assert_eq!(found.map(lanner_core::time::format_time).as_deref(), next, "{document}");
        }
        check(&json!({}), None);
        check(&json!({"status": "inactive", "valid": {"from": "2026-02-01"}}), None);
        check(&json!({"valid": {"from": "2026-02-01"}}), Some("2026-02-01T00:00:00Z"));
        check(&json!({"valid": {"to": "2026-01-01"}}), None);
        let nights = json!([{"from": "22:00", "to": "06:00", "tz": "UTC"}]);
        check(&json!({ "schedule": nights }), Some("2026-01-05T22:00:00Z"));
        check(&json!({"schedule": nights, "valid": {"to": "2026-01-05T20:00:00Z"}}), None);
    }
    use lanner_core::time::parse_time_ms;
    use serde_json::json;

    fn context(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn the_phase_follows_status_validity_and_schedule() {
        #[track_caller]
        fn check(fields: &Value, phases: [&str; 3]) {
            let mut document = json!({"id": "a", "when": "true"});
            document.as_object_mut().unwrap().extend(context(fields));
            let switch = Switch::from_json(&document).unwrap();
            let at = |time: &str| switch.phase(parse_time_ms(time).unwrap()).name();
            // A Thursday, a Friday and a Saturday, all at noon.
            assert_eq!([at("2026-01-01T12:00Z"), at("2026-01-02T12:00Z"), at("2026-01-03T12:00Z")], phases);
        }
        check(&json!({}), ["blocking"; 3]);
        check(&json!({"status": "inactive", "valid": {"to": "2026-01-02"}}), ["inactive"; 3]);
        check(&json!({"status": "shadow", "valid": {"to": "2026-01-02"}}), ["shadow", "expired", "expired"]);
        check(
            &json!({"valid": {"from": "2026-01-02T12:00Z", "to": "2026-01-03T12:00Z"}}),
            ["waiting", "blocking", "expired"],
        );
        check(
            &json!({"schedule": {"days": "mon-thu"}, "valid": {"to": "2026-01-03"}}),
            ["blocking", "paused", "expired"],
        );
        check(&json!({"schedule": [{"days": "thu"}, {"days": "sat"}]}), ["blocking", "paused", "blocking"]);
    }

    #[test]
    fn a_share_is_kept_and_grows() {
        let of = |share: &str| {
            let rollout = json!({"share": share, "by": "user.id"});
            Switch::from_json(&json!({"id": "a", "when": "true", "rollout": rollout})).unwrap()
        };
        let (tenth, half, all) = (of("10%"), of("50%"), of("100%"));
        let users: Vec<Map<String, Value>> =
            (0..10_000).map(|n| context(&json!({"user": {"id": format!("user {n}")}}))).collect();
        let count = |switch: &Switch| users.iter().filter(|user| switch.is_rolled_out_to(user)).count();
        assert!((900..1_100).contains(&count(&tenth)), "{}", count(&tenth));
        assert!((4_800..5_200).contains(&count(&half)), "{}", count(&half));
        assert_eq!(count(&all), 10_000);
        // Whoever is in a small share is in a larger one.
        assert!(users.iter().all(|user| !tenth.is_rolled_out_to(user) || half.is_rolled_out_to(user)));
        let nobody = context(&json!({}));
        assert!(!half.is_rolled_out_to(&nobody) && all.is_rolled_out_to(&nobody));
        // The same on every machine and in every release.
        assert_eq!((position("a", "user 1") * 1e6) as u64, POSITION_OF_USER_1);
    }

    #[test]
    fn who_belongs_to_a_share() {
        let of = |id: usize, share: &str, user: &Value| {
            let document =
                json!({"id": format!("s{id}"), "when": "true", "rollout": {"share": share, "by": "user"}});
            Switch::from_json(&document).unwrap().is_rolled_out_to(&context(&json!({ "user": user })))
        };
        // Whoever is nobody is in no share, and in all of it.
        for nobody in [json!(null), json!("")] {
            assert!((0..100).all(|id| !of(id, "99%", &nobody) && of(id, "100%", &nobody)), "{nobody}");
        }
        // The same number is the same user.
        for (a, b) in [
            (json!(2), json!(2.0)),
            (json!(0), json!(-0.0)),
            (json!(1e3), json!(1000)),
            (json!("2"), json!(2)),
        ] {
            assert!((0..100).all(|id| of(id, "50%", &a) == of(id, "50%", &b)), "{a} and {b}");
        }
        assert!((0..100).any(|id| of(id, "50%", &json!(2)) != of(id, "50%", &json!(2.5))));
    }

    const POSITION_OF_USER_1: u64 = 776_219;
}
