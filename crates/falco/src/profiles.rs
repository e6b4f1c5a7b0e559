//! Lanner's own profiles: what each says of the event at hand, before it learns it.

use std::time::Duration;

use falco_event::types::SystemTime;
use lanner_conditions::{Condition, Missing, Verdict};
use lanner_core::document::{Check, Node};
use lanner_core::time::format_time;
use lanner_profile::{Answer, Filter, Profile, Seed, Spec};
use serde_json::{Map, Value, json};

use crate::event::{KINDS, Kind};
use crate::field::Field;
use crate::scene::Scene;

/// What a profile said of an event.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) status: &'static str,
    pub(crate) is_rare: bool,
    /// How often the behaviour was seen before; 15 is 15 and more.
    pub(crate) seen: u64,
    pub(crate) first_seen_ms: Option<i64>,
    pub(crate) last_seen_ms: Option<i64>,
    pub(crate) rarity_bits: f64,
    pub(crate) novelty_rate: f64,
    /// What makes a behaviour new that was never seen.
    reason: Option<String>,
    time_ms: i64,
}

impl Said {
    fn of(answer: &Answer<'_>, time_ms: i64) -> Self {
        let is_new = answer.ever().is_never();
        Self {
            status: answer.status.name(),
            is_rare: answer.is_rare,
            seen: answer.ever().value().into(),
            first_seen_ms: answer.first_seen_ms,
            last_seen_ms: answer.last_seen_ms,
            rarity_bits: answer.rarity_bits,
            novelty_rate: answer.novelty_rate,
            reason: is_new.then(|| answer.reason()),
            time_ms,
        }
    }

    /// Why, in one sentence.
    pub(crate) fn reason(&self) -> String {
        self.reason.clone().unwrap_or_else(|| {
            let last =
                self.last_seen_ms.map_or_else(String::new, |at| format!(", last at {}", format_time(at)));
            format!("seen {} times before{last}", self.seen)
        })
    }

    /// How long ago the behaviour was seen before.
    pub(crate) fn age(&self) -> Option<Duration> {
        let age_ms = self.time_ms.saturating_sub(self.last_seen_ms?);
        Some(Duration::from_millis(u64::try_from(age_ms).unwrap_or(0)))
    }

    /// When the behaviour was first seen before.
    pub(crate) fn first_seen(&self) -> Option<SystemTime> {
        u64::try_from(self.first_seen_ms?).ok()?.checked_mul(1_000_000).map(SystemTime)
    }
}

/// A profile, and what of an event it needs.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) profile: Profile,
    fields: Vec<(String, Field)>,
    /// The kinds of events that its condition can hold for.
    events: Vec<u16>,
}

/// The condition of a profile.
pub(crate) fn filter(node: &Node, path: &str, check: &mut Check) -> Option<Filter> {
    let condition = Condition::read(node, path, check)?;
    Some(Filter::new(move |event| condition.matches(event, Missing::False)))
}

impl Kept {
    /// A profile that has learned nothing. What it reads must be fields that the plugin can find.
    pub(crate) fn read(node: &Node, path: &str, seed: &Seed, check: &mut Check) -> Option<Self> {
        let spec = Spec::read_document(node, path, &filter, check)?;
        let mut names: Vec<String> =
            spec.parts.iter().chain(&spec.by).map(|part| part.field().to_owned()).collect();
        let condition = spec.filter.as_ref().and_then(|(text, _)| Condition::compile(text).ok());
        let asked = condition.iter().flat_map(Condition::fields).map(|field| field.to_string());
        names.extend(asked);
        names.sort_unstable();
        names.dedup();
        let mut fields = Vec::new();
        for name in names {
            match Field::parse(&name) {
                Ok(field) => fields.push((name, field)),
                Err(why) => check.problem(node, path, why),
            }
        }
        let events =
            KINDS.into_iter().filter(|kind| can_hold(condition.as_ref(), *kind)).map(|kind| kind.code);
        Some(Self { profile: Profile::new(spec, seed), fields, events: events.collect() })
    }

    /// What the profile says of an event, which it then learns if it `learns`; `None` for events that are not its own.
    pub(crate) fn look(&mut self, scene: &Scene<'_>, learns: bool) -> Option<Said> {
        if !self.events.contains(&scene.kind()?.code) {
            return None;
        }
        let mut event = Map::with_capacity(self.fields.len());
        for (name, field) in &self.fields {
            if let Some(value) = scene.value(field) {
                event.insert(name.clone(), value);
            }
        }
        let time_ms = scene.time_ms();
        let answer =
            if learns { self.profile.observe(&event, time_ms) } else { self.profile.ask(&event, time_ms) };
        answer.map(|answer| Said::of(&answer, time_ms))
    }
}

/// Whether a condition may hold for events of a kind, as far as their type decides.
fn can_hold(condition: Option<&Condition>, kind: Kind) -> bool {
    let known = json!({ "evt.type": kind.name });
    let Value::Object(known) = known else { return true };
    condition.is_none_or(|condition| condition.verdict(&known, Missing::Kleene) != Verdict::False)
}
