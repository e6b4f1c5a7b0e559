//! One measure on a stream, step by step and group by group.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use lanner_core::event::lookup;
use lanner_core::{Group, Labels, Sample, TimeRange};
use serde_json::{Map, Value};

use super::readers::Readers;
use super::seen::Seen;
use super::{Bucket, Kind};
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
    groups: HashMap<Box<str>, Steps>,
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

#[derive(Debug)]
struct Steps {
    group: Group,
    buckets: VecDeque<(i64, Bucket)>,
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
        for (key, steps) in past.groups {
            let known = self.groups.entry(key);
            let known = known.or_insert_with(|| Steps { group: steps.group, buckets: VecDeque::new() });
            for (start_ms, bucket) in steps.buckets {
                known.bucket(start_ms, || self.query.measure.bucket()).merge(&bucket);
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
        let value = |steps: &Steps| {
            let first = steps.buckets.partition_point(|(start_ms, _)| *start_ms < window.start_ms);
            let mut buckets =
                steps.buckets.range(first..).take_while(|(start_ms, _)| *start_ms < window.end_ms);
            let mut total = buckets.next()?.1.clone();
            buckets.for_each(|(_, bucket)| total.merge(bucket));
            Some((steps.group.clone(), self.query.measure.value(&total)))
        };
        Some(self.groups.values().filter_map(value).collect())
    }

    /// What is known of the values that were seen in `window`.
    pub(super) fn read_seen(&self, window: TimeRange) -> Vec<(Group, Option<f64>)> {
        let is_asked = |steps: &Steps| {
            let first = steps.buckets.partition_point(|(start_ms, _)| *start_ms < window.start_ms);
            steps.buckets.get(first).is_some_and(|(start_ms, _)| *start_ms < window.end_ms)
        };
        let asked = self.groups.iter().filter(|(_, steps)| is_asked(steps));
        let asked = asked.map(|(key, steps)| (&**key, &steps.group));
        let held_ms = |key: &str| {
            let buckets = &self.groups.get(key)?.buckets;
            let n_before = buckets.partition_point(|(start_ms, _)| *start_ms < window.start_ms);
            buckets.get(n_before.checked_sub(1)?).map(|(start_ms, _)| *start_ms)
        };
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
        for (key, steps) in &mut self.groups {
            while steps.buckets.front().is_some_and(|(start_ms, _)| start_ms + step_ms <= floor_ms) {
                let gone = steps.buckets.pop_front();
                if let Some((start_ms, _)) = gone.filter(|_| remembers) {
                    self.seen.note(key, || steps.group.clone(), Some(start_ms));
                }
            }
        }
        self.groups.retain(|_, steps| !steps.buckets.is_empty());
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
        let Some(value) = self.value(seed, fields) else { return Fate::Unmeasured };
        self.group_key(fields);
        if self.query.remembers.is_some() && !self.remember(fields, None) {
            *self.left_out.entry(start_ms).or_default() += 1;
            return Fate::Overflow;
        }
        if !self.groups.contains_key(self.key.as_str()) {
            if self.groups.len() >= MAX_GROUPS {
                *self.left_out.entry(start_ms).or_default() += 1;
                return Fate::Overflow;
            }
            let steps = Steps { group: self.group(fields), buckets: VecDeque::new() };
            self.groups.insert(self.key.as_str().into(), steps);
        }
        let Some(steps) = self.groups.get_mut(self.key.as_str()) else { return Fate::Overflow };
        let bucket = steps.bucket(start_ms, || self.query.measure.bucket());
        match (bucket, value) {
            (Bucket::Distinct(hashes), Measured::Hash(hash)) => hashes.add(hash),
            (bucket, Measured::Number(value)) => bucket.add(Sample::new(time_ms, value)),
            (_, Measured::Hash(_)) => return Fate::Unmeasured,
        }
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

    fn value(&self, seed: u64, fields: &Map<String, Value>) -> Option<Measured> {
        let measure = &self.query.measure;
        let Some(field) = &measure.field else { return Some(Measured::Number(1.0)) };
        let value = lookup(fields, field)?;
        if measure.kind == Kind::Distinct {
            let hash = match value {
                Value::Null => return None,
                Value::String(text) => xxhash_rust::xxh3::xxh3_64_with_seed(text.as_bytes(), seed),
                other => xxhash_rust::xxh3::xxh3_64_with_seed(other.to_string().as_bytes(), seed ^ 1),
            };
            return Some(Measured::Hash(hash));
        }
        value.as_f64().filter(|value| value.is_finite()).map(Measured::Number)
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

enum Measured {
    Number(f64),
    Hash(u64),
}

impl Steps {
    /// The bucket that starts at `start_ms`; events mostly come in order, so the search begins at the end.
    fn bucket(&mut self, start_ms: i64, empty: impl FnOnce() -> Bucket) -> &mut Bucket {
        let at = match self.buckets.back() {
            Some((last_ms, _)) if *last_ms == start_ms => self.buckets.len() - 1,
            Some((last_ms, _)) if *last_ms < start_ms => {
                self.buckets.push_back((start_ms, empty()));
                self.buckets.len() - 1
            }
            _ => {
                let at = self.buckets.partition_point(|(other_ms, _)| *other_ms < start_ms);
                if self.buckets.get(at).is_none_or(|(other_ms, _)| *other_ms != start_ms) {
                    self.buckets.insert(at, (start_ms, empty()));
                }
                at
            }
        };
        &mut self.buckets[at].1
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
