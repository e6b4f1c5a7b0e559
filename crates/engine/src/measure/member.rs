//! One measure on a stream, step by step and group by group.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use lanner_core::event::lookup;
use lanner_core::{Group, Labels, TimeRange};
use serde_json::{Map, Value};

use super::accumulator::Taken;
use super::kind::Takes;
use super::readers::Readers;
use super::seen::Seen;
use super::steps::Steps;
use crate::source::StreamQuery;

/// Groups kept per measure; events of further groups are counted as overflow and otherwise ignored.
pub const MAX_GROUPS: usize = 10_000;

/// One measure on a stream, in steps of one length.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) query: Arc<StreamQuery>,
    step_ms: i64,
    /// Shared with its past alone: an earlier member of the same query has another, and so has that one's past.
    registration: Arc<()>,
    /// Whether its past is being counted or has been.
    pub(super) is_handed_out: bool,
    /// Steps from here on are complete; `i64::MAX` until the past was added.
    pub(super) covered_from_ms: i64,
    /// Rules that read it.
    pub(super) readers: Readers,
    groups: HashMap<Box<str>, Counted>,
    /// Of a query that looks for new values.
    seen: Seen,
    key: String,
    /// Events of groups beyond [`MAX_GROUPS`], which were not counted, by the start of their step.
    left_out: BTreeMap<i64, u64>,
    /// The end of the latest window that was judged.
    pub(super) judged_ms: i64,
    /// The end of the latest window of which the edge may keep what was measured, and the longest of them.
    pub(super) kept_ms: i64,
    pub(super) window_ms: i64,
}

/// What is counted of one group.
#[derive(Debug)]
struct Counted {
    group: Group,
    steps: Steps,
}

/// What becomes of an event at one member.
pub(super) enum Fate {
    Added,
    /// It belongs into steps that nobody holds any more.
    Past,
    Overflow,
    Unmeasured,
}

impl Member {
    /// Nothing counted, nobody reading.
    pub(super) fn new(query: &Arc<StreamQuery>, step_ms: i64, registration: Arc<()>) -> Self {
        Self {
            query: query.clone(),
            step_ms,
            registration,
            is_handed_out: false,
            covered_from_ms: i64::MAX,
            readers: Readers::default(),
            groups: HashMap::new(),
            seen: Seen::default(),
            key: String::new(),
            left_out: BTreeMap::new(),
            judged_ms: i64::MIN,
            kept_ms: i64::MIN,
            window_ms: 0,
        }
    }

    /// The same member with the same readers and nothing counted, to count its past.
    pub(super) fn empty(&self) -> Self {
        let mut past = Self::new(&self.query, self.step_ms, Arc::clone(&self.registration));
        self.readers.iter().for_each(|(rule, from_ms)| past.readers.set(rule, from_ms));
        past
    }

    /// Whether `past` was made for this member.
    pub(super) fn is_same(&self, past: &Self) -> bool {
        Arc::ptr_eq(&self.registration, &past.registration)
    }

    /// The query's fingerprint, and the step.
    pub(super) fn place(&self) -> (u64, i64) {
        (self.query.fingerprint, self.step_ms)
    }

    /// How far back it is counted, or will be.
    pub(super) fn reaches_ms(&self) -> i64 {
        match self.covered_from_ms {
            _ if !self.is_handed_out => i64::MIN,
            i64::MAX => self.readers.needed_from_ms(),
            covered_from_ms => covered_from_ms,
        }
    }

    /// Forgets what was counted. What arrived too late for its readers so far was never counted, so that a past
    /// from before would not do.
    pub(super) fn begin_anew(&mut self) {
        (self.registration, self.is_handed_out, self.covered_from_ms) = (Arc::default(), false, i64::MAX);
        self.groups.clear();
        self.seen.clear();
        self.left_out.clear();
    }

    /// Joins what was counted of its past; steps from `from_ms` on are complete then.
    pub(super) fn absorb(&mut self, past: Self, from_ms: i64) {
        self.covered_from_ms = from_ms.max(self.readers.needed_from_ms());
        self.seen.merge(past.seen);
        for (key, past) in past.groups {
            match self.groups.entry(key) {
                Entry::Occupied(mut known) => known.get_mut().steps.merge(&past.steps),
                Entry::Vacant(group) => _ = group.insert(past),
            }
        }
        for (start_ms, n) in past.left_out {
            *self.left_out.entry(start_ms).or_default() += n;
        }
    }

    /// The value of each group in `window`, if it consists of whole steps that are all held.
    pub(super) fn read(&self, window: TimeRange) -> Option<Vec<(Group, Option<f64>)>> {
        let is_whole =
            window.start_ms.rem_euclid(self.step_ms) == 0 && window.end_ms.rem_euclid(self.step_ms) == 0;
        if window.start_ms < self.covered_from_ms || !is_whole {
            return None;
        }
        let value = |counted: &Counted| {
            Some((counted.group.clone(), counted.steps.value(window.start_ms, window.end_ms)?))
        };
        Some(self.groups.values().filter_map(value).collect())
    }

    /// What is known of the values that were seen in `window`.
    pub(super) fn read_seen(&self, window: TimeRange) -> Vec<(Group, Option<f64>)> {
        let is_asked = |counted: &Counted| {
            counted.steps.last_before(window.end_ms).is_some_and(|start_ms| start_ms >= window.start_ms)
        };
        let asked = self.groups.iter().filter(|(_, counted)| is_asked(counted));
        let asked = asked.map(|(key, counted)| (&**key, &counted.group));
        let held_ms = |key: &str| self.groups.get(key)?.steps.last_before(window.start_ms);
        let inner = self.query.by.split_last().map_or(&[][..], |(_, inner)| inner);
        self.seen.judge(asked, held_ms, window.start_ms.saturating_sub(self.query.over_ms()), inner)
    }

    /// How many events of `window` were not counted.
    pub(super) fn n_left_out(&self, window: TimeRange) -> u64 {
        self.left_out.range(window.start_ms..window.end_ms).map(|(_, n)| n).sum()
    }

    /// Notes what `rule` still needs, and drops what nobody needs.
    pub(super) fn release(&mut self, rule: &str, needed_from_ms: i64) {
        self.readers.renew(rule, needed_from_ms);
        let (floor_ms, step_ms) = (self.readers.needed_from_ms(), self.step_ms);
        if self.covered_from_ms != i64::MAX {
            self.covered_from_ms = self.covered_from_ms.max(floor_ms);
        }
        let remembers = self.query.remembers.is_some();
        for (key, counted) in &mut self.groups {
            // Steps that end by then.
            let gone_ms = counted.steps.drop_before(floor_ms.saturating_sub(step_ms).saturating_add(1));
            if gone_ms.is_some() && remembers {
                self.seen.note(key, || counted.group.clone(), gone_ms);
            }
        }
        self.groups.retain(|_, counted| !counted.steps.is_empty());
        self.left_out = self.left_out.split_off(&floor_ms.saturating_sub(step_ms).saturating_add(1));
        if remembers {
            let from_ms = floor_ms.saturating_sub(self.query.over_ms()).saturating_sub(step_ms);
            self.seen.forget(from_ms, |key| self.groups.contains_key(key));
        }
    }

    /// Adds an event that belongs here.
    pub(super) fn count(&mut self, seed: u64, time_ms: i64, fields: &Map<String, Value>) -> Fate {
        let start_ms = time_ms.div_euclid(self.step_ms) * self.step_ms;
        if self.lacks_value(fields) {
            return Fate::Unmeasured;
        }
        if start_ms + self.step_ms <= self.readers.needed_from_ms() {
            if self.query.remembers.is_some() {
                // Too late for a window, and not for what is known.
                self.group_key(fields);
                self.remember(fields, Some(start_ms));
            }
            return Fate::Past;
        }
        let Some(taken) = self.taken(seed, fields) else { return Fate::Unmeasured };
        self.group_key(fields);
        if self.query.remembers.is_some() && !self.remember(fields, None) {
            *self.left_out.entry(start_ms).or_default() += 1;
            return Fate::Overflow;
        }
        if let Some(counted) = self.groups.get_mut(self.key.as_str()) {
            counted.steps.add(start_ms, time_ms, taken);
            return Fate::Added;
        }
        if self.groups.len() >= MAX_GROUPS {
            *self.left_out.entry(start_ms).or_default() += 1;
            return Fate::Overflow;
        }
        let mut steps = self.query.measure.steps();
        steps.add(start_ms, time_ms, taken);
        let counted = Counted { group: self.group(fields), steps };
        self.groups.insert(self.key.as_str().into(), counted);
        Fate::Added
    }

    /// Notes that the group in `key` was seen, in a step that is not held if `start_ms` says so; `false` where there are too
    /// many groups already.
    fn remember(&mut self, fields: &Map<String, Value>, start_ms: Option<i64>) -> bool {
        if self.seen.contains(&self.key) {
            self.seen.note(&self.key, Group::default, start_ms);
            return true;
        }
        let has_room = self.seen.len() < MAX_GROUPS;
        if has_room {
            let group = self.group(fields);
            self.seen.note(&self.key, || group, start_ms);
        }
        has_room
    }

    /// Whether an event lacks the field whose values are looked at: then there is nothing to be new.
    fn lacks_value(&self, fields: &Map<String, Value>) -> bool {
        let field = self.query.remembers.as_ref().map(|remembers| &remembers.field);
        field.is_some_and(|field| lookup(fields, field).is_none_or(Value::is_null))
    }

    /// What the measure takes of an event; `None` where it has nothing to measure.
    fn taken(&self, seed: u64, fields: &Map<String, Value>) -> Option<Taken> {
        let measure = &self.query.measure;
        let Some(field) = &measure.field else { return Some(Taken::Number(1.0)) };
        let value = lookup(fields, field)?;
        if measure.kind.of_events == Some(Takes::AnyValue) {
            return hash(value, seed).map(Taken::Hash);
        }
        value.as_f64().filter(|value| value.is_finite()).map(Taken::Number)
    }

    /// Writes the group's identity into `key`: each value with its length before it.
    fn group_key(&mut self, fields: &Map<String, Value>) {
        use std::fmt::Write as _;
        self.key.clear();
        for name in &self.query.by {
            // Writing to a text cannot fail.
            let _ = match lookup(fields, name) {
                Some(Value::String(text)) => write!(self.key, "{}:{text}", text.len()),
                Some(Value::Null) | None => write!(self.key, "0:"),
                Some(other) => write!(self.key, "_:{other}"),
            };
        }
    }

    fn group(&self, fields: &Map<String, Value>) -> Group {
        let labels = self.query.by.iter().map(|name| (name.as_str(), label(lookup(fields, name))));
        Group::of(&self.query.by, Labels::new(labels))
    }
}

/// Texts are apart from what else is written the same.
fn hash(value: &Value, seed: u64) -> Option<u64> {
    use xxhash_rust::xxh3::xxh3_64_with_seed;
    match value {
        Value::Null => None,
        Value::String(text) => Some(xxh3_64_with_seed(text.as_bytes(), seed)),
        other => Some(xxh3_64_with_seed(other.to_string().as_bytes(), seed ^ 1)),
    }
}

/// A field's value as a label: text as it is, numbers and truth values as written, anything else as JSON.
#[must_use]
pub fn label(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}
