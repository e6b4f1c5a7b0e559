//! Streams become series: measures kept up to date as events arrive.
//!
//! A rule on events does not scan events at each evaluation. Its measure is a member of its stream; each
//! event is matched once against the conditions of all members through an index, and added to the step it
//! falls into. A window is read as the merge of its steps.
//!
//! A member counts the events that arrive from its registration on. The stored ones from before are counted
//! by [`Measures::past`], off to the side, and joined by [`Measures::absorb`]; until then the member is
//! not ready, and its readers are [waiting](Measures::waiting). The edge takes the snapshot of stored events and registers the member in one
//! moment in which no event is between the two, so nothing is counted twice or missed. Several pasts may be
//! counted at once: each member's is handed out once, and finds back to that member alone.
//!
//! Late events correct what was measured. Steps stay for a while after their windows were judged
//! ([`Rule::hold_ms`](crate::Rule::hold_ms)); what the edge keeps of windows that are older, in its history, is
//! forgotten where an event comes that belongs into them ([`Measures::corrections`]), and counted anew when it is
//! needed. So a window comes to the same whenever somebody asks.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use lanner_conditions::{Condition, FieldPath, Index, Missing, Scratch};
use lanner_core::event::lookup;
use lanner_core::{Group, Labels, Sample, TimeRange};
use serde_json::{Map, Value};

use super::readers::Readers;
use super::seen::Seen;
use super::stretches::{Stretches, moment};
use super::{Bucket, Kind};
use crate::source::StreamQuery;

/// Groups kept per measure; events of further groups are counted as overflow and otherwise ignored.
pub const MAX_GROUPS: usize = 10_000;

/// Corrections that one batch leads to, about and at most, unless more queries than that are concerned.
const CORRECTIONS: usize = 10_000;

/// What happened to one event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Measures that it was added to.
    pub added: u32,
    /// Measures with a window that was judged without it.
    pub late: u32,
    /// Measures whose groups are full.
    pub overflow: u32,
    /// Measures whose field it lacks, or has as something other than a number.
    pub unmeasured: u32,
}

/// What is no longer right in the history of a query: what it keeps of windows that touch `range`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Correction {
    /// The query's fingerprint.
    pub query: u64,
    /// Where events came that are not counted in it.
    pub range: TimeRange,
    /// The longest window of the query, milliseconds.
    pub window_ms: i64,
}

/// The measures of all streams.
#[derive(Debug)]
pub struct Measures {
    seed: u64,
    /// Members registered so far.
    n_registered: u64,
    streams: HashMap<Arc<str>, Stream>,
    /// Where events came after a window that they belong into was judged, by query, since somebody asked.
    late: HashMap<u64, TimeRange>,
}

#[derive(Debug, Default)]
struct Stream {
    members: Vec<Member>,
    /// Where each member stands, by fingerprint and step.
    places: HashMap<(u64, i64), usize>,
    /// The members whose past is not known yet, by fingerprint and step.
    unready: BTreeSet<(u64, i64)>,
    index: Option<Indexed>,
}

#[derive(Debug)]
struct Indexed {
    index: Index,
    unconditional: Vec<u32>,
    /// Names of fields, sorted.
    wanted: Arc<[Box<str>]>,
    scratch: Scratch,
    matched: Vec<u32>,
}

#[derive(Debug)]
struct Member {
    query: Arc<StreamQuery>,
    step_ms: i64,
    /// Unlike that of any earlier member, also one of the same query; its past carries it too.
    serial: u64,
    /// Whether its past is being counted or has been.
    is_handed_out: bool,
    /// Steps from here on are complete; `i64::MAX` until the past was added.
    covered_from_ms: i64,
    /// Rules that read it.
    readers: Readers,
    groups: HashMap<Box<str>, Steps>,
    /// Of a query that looks for new values.
    seen: Seen,
    key: String,
    /// Events of groups beyond [`MAX_GROUPS`], which were not counted, by the start of their step.
    left_out: BTreeMap<i64, u64>,
    /// The end of the latest window that was judged.
    judged_ms: i64,
    /// The end of the latest window of which the edge may keep what was measured, and the longest of them.
    kept_ms: i64,
    window_ms: i64,
}

#[derive(Debug)]
struct Steps {
    group: Group,
    buckets: VecDeque<(i64, Bucket)>,
}

impl Measures {
    /// No measures yet. `seed` keys the hashes of distinct counts; one per installation.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, n_registered: 0, streams: HashMap::new(), late: HashMap::new() }
    }

    /// Registers `rule` as a reader of `query` in steps of `step_ms`, from `needed_from_ms` on.
    ///
    /// Returns whether the measure is new, or has to look farther back than it did: then the stored events from
    /// before this moment are to be counted by [`Self::past`] and joined by [`Self::absorb`].
    pub fn add(
        &mut self,
        rule: &Arc<str>,
        query: &Arc<StreamQuery>,
        step_ms: i64,
        needed_from_ms: i64,
    ) -> bool {
        self.n_registered += 1;
        let serial = self.n_registered;
        let stream = self.streams.entry(query.stream.clone()).or_default();
        if let Some(member) = stream.member(query.fingerprint, step_ms) {
            let is_far_enough = member.reaches_ms() <= needed_from_ms;
            member.readers.set(rule, needed_from_ms);
            if !is_far_enough {
                member.begin_anew(serial);
                stream.unready.insert((query.fingerprint, step_ms));
            }
            return !is_far_enough;
        }
        stream.index = None;
        stream.places.insert((query.fingerprint, step_ms), stream.members.len());
        stream.unready.insert((query.fingerprint, step_ms));
        stream.members.push(Member {
            query: query.clone(),
            step_ms,
            serial,
            is_handed_out: false,
            covered_from_ms: i64::MAX,
            readers: Readers::one(rule, needed_from_ms),
            groups: HashMap::new(),
            seen: Seen::default(),
            key: String::new(),
            left_out: BTreeMap::new(),
            judged_ms: i64::MIN,
            kept_ms: i64::MIN,
            window_ms: 0,
        });
        true
    }

    /// Forgets that `rule` reads `query` in steps of `step_ms`; a member without readers is dropped.
    pub fn remove(&mut self, rule: &str, query: &StreamQuery, step_ms: i64) {
        let Some(stream) = self.streams.get_mut(&query.stream) else { return };
        let place = (query.fingerprint, step_ms);
        let Some(at) = stream.places.get(&place).copied() else { return };
        stream.members[at].readers.remove(rule);
        if !stream.members[at].readers.is_empty() {
            return;
        }
        stream.members.swap_remove(at);
        stream.places.remove(&place);
        stream.unready.remove(&place);
        if let Some(moved) = stream.members.get(at) {
            stream.places.insert(moved.place(), at);
        }
        stream.index = None;
        if stream.members.is_empty() {
            self.streams.remove(&query.stream);
        }
    }

    /// The members of `stream` that were registered since this was last called, to count their past.
    #[must_use]
    pub fn past(&mut self, stream: &str) -> Self {
        let mut past = Self::new(self.seed);
        let Some(stream) = self.streams.get_mut(stream) else { return past };
        for place in &stream.unready {
            let member = stream.places.get(place).and_then(|at| stream.members.get_mut(*at));
            let Some(member) = member.filter(|member| !member.is_handed_out) else { continue };
            member.is_handed_out = true;
            for (rule, needed_from_ms) in member.readers.iter() {
                past.n_registered = member.serial - 1;
                past.add(rule, &member.query, member.step_ms, needed_from_ms);
            }
        }
        past
    }

    /// The rules that read measures whose past is not known yet.
    #[must_use]
    pub fn waiting(&self) -> BTreeSet<Arc<str>> {
        let unready = |stream: &'_ Stream| {
            let places = stream.unready.iter().filter_map(|place| stream.places.get(place));
            places
                .flat_map(|at| stream.members[*at].readers.iter())
                .map(|(rule, _)| rule.clone())
                .collect::<Vec<_>>()
        };
        self.streams.values().flat_map(unready).collect()
    }

    /// Joins what `past` counted; steps from `from_ms` on are complete then. Members that are gone meanwhile stay
    /// gone, also where others of the same query have taken their place. Returns the rules that waited for it.
    pub fn absorb(&mut self, past: Self, from_ms: i64) -> Vec<Arc<str>> {
        let mut ready = Vec::new();
        for (name, stream) in past.streams {
            let Some(own) = self.streams.get_mut(&name) else { continue };
            for member in stream.members {
                let mine = own.member(member.query.fingerprint, member.step_ms);
                let Some(mine) = mine.filter(|mine| mine.serial == member.serial) else { continue };
                mine.covered_from_ms = from_ms.max(mine.readers.needed_from_ms());
                mine.seen.merge(member.seen);
                for (key, steps) in member.groups {
                    let query = &mine.query;
                    let known = mine.groups.entry(key);
                    let known =
                        known.or_insert_with(|| Steps { group: steps.group, buckets: VecDeque::new() });
                    for (start_ms, bucket) in steps.buckets {
                        known.bucket(start_ms, || query.measure.bucket()).merge(&bucket);
                    }
                }
                for (start_ms, n) in member.left_out {
                    *mine.left_out.entry(start_ms).or_default() += n;
                }
                ready.extend(mine.readers.iter().map(|(rule, _)| rule.clone()));
                let place = mine.place();
                own.unready.remove(&place);
            }
        }
        ready
    }

    /// Notes that all measures are complete from `from_ms` on, because nothing came before them.
    pub fn cover(&mut self, from_ms: i64) {
        for member in self.streams.values_mut().flat_map(|stream| &mut stream.members) {
            (member.is_handed_out, member.covered_from_ms) = (true, from_ms);
        }
        self.streams.values_mut().for_each(|stream| stream.unready.clear());
    }

    /// Whether anybody measures the stream.
    #[must_use]
    pub fn is_measured(&self, stream: &str) -> bool {
        self.streams.contains_key(stream)
    }

    /// The streams that are measured.
    pub fn streams(&self) -> impl Iterator<Item = &Arc<str>> {
        self.streams.keys()
    }

    /// The names, sorted, of the fields that matter to the measures of `stream`: an event with only these is
    /// counted like the whole one, until measures are added.
    #[must_use]
    pub fn wanted(&mut self, stream: &str) -> Arc<[Box<str>]> {
        let Some(stream) = self.streams.get_mut(stream) else { return Arc::default() };
        let indexed = stream.index.get_or_insert_with(|| Indexed::build(&stream.members));
        Arc::clone(&indexed.wanted)
    }

    /// Counts an event that arrived. Cost: one look-up in the index of the stream's conditions, and one
    /// addition for each measure that the event belongs to.
    pub fn count(&mut self, stream: &str, time_ms: i64, fields: &Map<String, Value>) -> Counted {
        let mut counted = Counted::default();
        let Some(stream) = self.streams.get_mut(stream) else { return counted };
        let indexed = stream.index.get_or_insert_with(|| Indexed::build(&stream.members));
        indexed.matched.clear();
        indexed.index.matches(fields, &mut indexed.scratch, &mut indexed.matched);
        for at in indexed.matched.iter().chain(&indexed.unconditional) {
            let member = &mut stream.members[*at as usize];
            if time_ms < member.judged_ms {
                counted.late += 1;
                let known = self.late.entry(member.query.fingerprint).or_insert(moment(time_ms));
                *known = known.hull(moment(time_ms));
            }
            match member.count(self.seed, time_ms, fields) {
                Fate::Added => counted.added += 1,
                Fate::Past => {}
                Fate::Overflow => counted.overflow += 1,
                Fate::Unmeasured => counted.unmeasured += 1,
            }
        }
        counted
    }

    /// The value of each group in `window`; `None` when the window is not kept: it begins before what is
    /// covered, or does not consist of whole steps. The edge then reads stored events instead.
    #[must_use]
    pub fn read(
        &self,
        query: &StreamQuery,
        step_ms: i64,
        window: TimeRange,
    ) -> Option<Vec<(Group, Option<f64>)>> {
        let member = self.member(query, step_ms)?;
        let whole = window.start_ms.rem_euclid(step_ms) == 0 && window.end_ms.rem_euclid(step_ms) == 0;
        if window.start_ms < member.covered_from_ms || !whole {
            return None;
        }
        let value = |steps: &Steps| {
            let first = steps.buckets.partition_point(|(start_ms, _)| *start_ms < window.start_ms);
            let mut buckets =
                steps.buckets.range(first..).take_while(|(start_ms, _)| *start_ms < window.end_ms);
            let mut total = buckets.next()?.1.clone();
            buckets.for_each(|(_, bucket)| total.merge(bucket));
            Some((steps.group.clone(), query.measure.value(&total)))
        };
        Some(member.groups.values().filter_map(value).collect())
    }

    /// What is known of the values that were seen in `window`, group by group, where the query looks for new ones: whether
    /// each was seen within the time that is looked back, and if not, whether others of its kind were.
    #[must_use]
    pub fn read_seen(
        &self,
        query: &StreamQuery,
        step_ms: i64,
        window: TimeRange,
    ) -> Vec<(Group, Option<f64>)> {
        let Some(member) = self.member(query, step_ms) else { return Vec::new() };
        let is_asked = |steps: &Steps| {
            let first = steps.buckets.partition_point(|(start_ms, _)| *start_ms < window.start_ms);
            steps.buckets.get(first).is_some_and(|(start_ms, _)| *start_ms < window.end_ms)
        };
        let asked = member.groups.iter().filter(|(_, steps)| is_asked(steps));
        let asked = asked.map(|(key, steps)| (&**key, &steps.group));
        let held_ms = |key: &str| {
            let buckets = &member.groups.get(key)?.buckets;
            let n_before = buckets.partition_point(|(start_ms, _)| *start_ms < window.start_ms);
            buckets.get(n_before.checked_sub(1)?).map(|(start_ms, _)| *start_ms)
        };
        let inner = query.by.split_last().map_or(&[][..], |(_, inner)| inner);
        member.seen.judge(asked, held_ms, window.start_ms.saturating_sub(query.over_ms()), inner)
    }

    /// How many events of `window` were not counted because they belong to groups beyond [`MAX_GROUPS`].
    #[must_use]
    pub fn n_left_out(&self, query: &StreamQuery, step_ms: i64, window: TimeRange) -> u64 {
        let member = self.member(query, step_ms);
        member.map_or(0, |member| member.left_out.range(window.start_ms..window.end_ms).map(|(_, n)| n).sum())
    }

    /// Notes that windows up to this one are read, to be judged or learned: what comes for them from now on is late.
    pub fn judged(&mut self, query: &StreamQuery, step_ms: i64, window: TimeRange) {
        if let Some(member) = self.member_mut(query, step_ms) {
            member.judged_ms = member.judged_ms.max(window.end_ms);
        }
    }

    /// Notes that the edge may keep what was measured of windows like this one, and of all before it.
    pub fn kept(&mut self, query: &StreamQuery, step_ms: i64, window: TimeRange) {
        if let Some(member) = self.member_mut(query, step_ms) {
            member.kept_ms = member.kept_ms.max(window.end_ms);
            member.window_ms = member.window_ms.max(window.length_ms());
        }
    }

    /// Where late events came since this was last asked, by the fingerprint of the query.
    pub fn take_late(&mut self) -> HashMap<u64, TimeRange> {
        std::mem::take(&mut self.late)
    }

    /// What is no longer right of what the edge keeps, once these events are stored. Cost: a look at each time; for
    /// events that are as old as what is kept, that of [`Self::count`].
    pub fn corrections(&mut self, stream: &str, events: &[(i64, Map<String, Value>)]) -> Vec<Correction> {
        let Some(stream) = self.streams.get_mut(stream) else { return Vec::new() };
        let kept_ms = stream.members.iter().map(|member| member.kept_ms).max().unwrap_or(i64::MIN);
        let mut late: HashMap<u64, Stretches> = HashMap::new();
        for (time_ms, fields) in events.iter().filter(|(time_ms, _)| *time_ms < kept_ms) {
            let indexed = stream.index.get_or_insert_with(|| Indexed::build(&stream.members));
            indexed.matched.clear();
            indexed.index.matches(fields, &mut indexed.scratch, &mut indexed.matched);
            for at in indexed.matched.iter().chain(&indexed.unconditional) {
                let member = &stream.members[*at as usize];
                if *time_ms < member.kept_ms {
                    late.entry(member.query.fingerprint).or_default().add(*time_ms, member.window_ms);
                }
            }
        }
        let most = (CORRECTIONS / late.len().max(1)).clamp(1, Stretches::MOST);
        let corrections = late.into_iter().flat_map(|(query, mut late)| {
            late.join(most);
            let window_ms = late.window_ms;
            late.ranges.into_iter().map(move |range| Correction { query, range, window_ms })
        });
        corrections.collect()
    }

    fn member_mut(&mut self, query: &StreamQuery, step_ms: i64) -> Option<&mut Member> {
        self.streams.get_mut(&query.stream)?.member(query.fingerprint, step_ms)
    }

    /// Notes that `rule` no longer needs what came before `needed_from_ms`, and drops what nobody needs.
    pub fn release(&mut self, rule: &str, query: &StreamQuery, step_ms: i64, needed_from_ms: i64) {
        let Some(member) =
            self.streams.get_mut(&query.stream).and_then(|s| s.member(query.fingerprint, step_ms))
        else {
            return;
        };
        member.readers.renew(rule, needed_from_ms);
        let floor_ms = member.readers.needed_from_ms();
        if member.covered_from_ms != i64::MAX {
            member.covered_from_ms = member.covered_from_ms.max(floor_ms);
        }
        let remembers = member.query.remembers.is_some();
        for (key, steps) in &mut member.groups {
            while steps.buckets.front().is_some_and(|(start_ms, _)| start_ms + step_ms <= floor_ms) {
                let gone = steps.buckets.pop_front();
                if let Some((start_ms, _)) = gone.filter(|_| remembers) {
                    member.seen.note(key, || steps.group.clone(), Some(start_ms));
                }
            }
        }
        member.groups.retain(|_, steps| !steps.buckets.is_empty());
        member.left_out = member.left_out.split_off(&floor_ms.saturating_sub(step_ms).saturating_add(1));
        if remembers {
            let from_ms = floor_ms.saturating_sub(member.query.over_ms()).saturating_sub(step_ms);
            member.seen.forget(from_ms, |key| member.groups.contains_key(key));
        }
    }

    fn member(&self, query: &StreamQuery, step_ms: i64) -> Option<&Member> {
        let stream = self.streams.get(&query.stream)?;
        stream.members.get(*stream.places.get(&(query.fingerprint, step_ms))?)
    }

    /// How many measures are kept, and how many of their conditions no index can help.
    pub fn size(&mut self) -> (usize, usize) {
        let mut unindexed = 0;
        for stream in self.streams.values_mut() {
            let indexed = stream.index.get_or_insert_with(|| Indexed::build(&stream.members));
            unindexed += indexed.index.unindexed().len();
        }
        (self.streams.values().map(|stream| stream.members.len()).sum(), unindexed)
    }
}

impl Stream {
    fn member(&mut self, fingerprint: u64, step_ms: i64) -> Option<&mut Member> {
        self.members.get_mut(*self.places.get(&(fingerprint, step_ms))?)
    }
}

impl Indexed {
    fn build(members: &[Member]) -> Self {
        let mut conditions: Vec<(u32, Condition, Missing)> = Vec::new();
        let mut unconditional = Vec::new();
        for (at, member) in members.iter().enumerate() {
            match &member.query.condition {
                Some(condition) => conditions.push((at as u32, condition.clone(), Missing::False)),
                None => unconditional.push(at as u32),
            }
        }
        Self {
            index: Index::build(conditions),
            unconditional,
            wanted: wanted(members),
            scratch: Scratch::default(),
            matched: Vec::new(),
        }
    }
}

/// The names, sorted, of the fields in which the members find what they look for.
fn wanted(members: &[Member]) -> Arc<[Box<str>]> {
    let mut names = BTreeSet::new();
    let mut paths = BTreeSet::new();
    for query in members.iter().map(|member| &member.query) {
        paths.extend(query.condition.iter().flat_map(Condition::fields));
        for name in
            query.measure.field.iter().map(|field| &**field).chain(query.by.iter().map(|name| &**name))
        {
            names.insert(name);
            names.extend(name.split_once('.').map(|(head, _)| head));
        }
    }
    names.extend(paths.iter().flat_map(FieldPath::holders));
    names.into_iter().map(Box::from).collect()
}

enum Fate {
    Added,
    /// It belongs into steps that nobody holds any more.
    Past,
    Overflow,
    Unmeasured,
}

impl Member {
    fn place(&self) -> (u64, i64) {
        (self.query.fingerprint, self.step_ms)
    }

    /// How far back it is counted, or will be.
    fn reaches_ms(&self) -> i64 {
        match self.covered_from_ms {
            _ if !self.is_handed_out => i64::MIN,
            i64::MAX => self.readers.needed_from_ms(),
            covered_from_ms => covered_from_ms,
        }
    }

    /// Forgets what was counted. What arrived too late for its readers so far was never counted, so that a past
    /// from before would not do.
    fn begin_anew(&mut self, serial: u64) {
        (self.serial, self.is_handed_out, self.covered_from_ms) = (serial, false, i64::MAX);
        self.groups.clear();
        self.seen.clear();
        self.left_out.clear();
    }

    fn count(&mut self, seed: u64, time_ms: i64, fields: &Map<String, Value>) -> Fate {
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
