//! Streams become series: measures kept up to date as events arrive.
//!
//! A rule on events does not scan events at each evaluation. Its measure is a member of its stream;
//! each event is matched once against the conditions of all members through an index, and added to
//! the step it falls into. A window is read as the merge of its steps.
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
//!
//! Streams share nothing, so that the edge may guard each with a lock of its own.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use lanner_core::{Group, TimeRange};
use serde_json::{Map, Value};

use super::indexed::Indexed;
use super::member::{Fate, Member};
pub use super::member::{MAX_GROUPS, label};
use super::stretches::{Stretches, moment};
use crate::source::StreamQuery;

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

/// The measures of one stream, kept up to date as its events arrive.
#[derive(Debug)]
pub struct Measures {
    seed: u64,
    members: Vec<Member>,
    /// Where each member stands, by fingerprint and step.
    places: HashMap<(u64, i64), usize>,
    /// The members whose past is not known yet, by fingerprint and step.
    unready: BTreeSet<(u64, i64)>,
    index: Option<Indexed>,
    /// Where events came after a window that they belong into was judged, by query, since somebody asked.
    late: HashMap<u64, TimeRange>,
}

impl Measures {
    /// No measures yet. `seed` keys the hashes of distinct counts; one per installation.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            members: Vec::new(),
            places: HashMap::new(),
            unready: BTreeSet::new(),
            index: None,
            late: HashMap::new(),
        }
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
        let place = (query.fingerprint, step_ms);
        if let Some(member) = self.member_mut(query, step_ms) {
            let is_far_enough = member.reaches_ms() <= needed_from_ms;
            member.readers.set(rule, needed_from_ms);
            if !is_far_enough {
                member.begin_anew();
                self.unready.insert(place);
            }
            return !is_far_enough;
        }
        let mut member = Member::new(query, step_ms, Arc::default());
        member.readers.set(rule, needed_from_ms);
        self.push(member);
        true
    }

    fn push(&mut self, member: Member) {
        self.index = None;
        self.places.insert(member.place(), self.members.len());
        self.unready.insert(member.place());
        self.members.push(member);
    }

    /// Forgets that `rule` reads `query` in steps of `step_ms`; a member without readers is dropped.
    pub fn remove(&mut self, rule: &str, query: &StreamQuery, step_ms: i64) {
        let place = (query.fingerprint, step_ms);
        let Some(at) = self.places.get(&place).copied() else { return };
        self.members[at].readers.remove(rule);
        if !self.members[at].readers.is_empty() {
            return;
        }
        self.members.swap_remove(at);
        self.places.remove(&place);
        self.unready.remove(&place);
        if let Some(moved) = self.members.get(at) {
            self.places.insert(moved.place(), at);
        }
        self.index = None;
    }

    /// Whether nobody measures the stream.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The members that were registered since this was last called, to count their past.
    #[must_use]
    pub fn past(&mut self) -> Self {
        let mut past = Self::new(self.seed);
        for place in &self.unready {
            let member = self.places.get(place).and_then(|at| self.members.get_mut(*at));
            let Some(member) = member.filter(|member| !member.is_handed_out) else { continue };
            member.is_handed_out = true;
            past.push(member.empty());
        }
        past
    }

    /// The rules that read measures whose past is not known yet.
    #[must_use]
    pub fn waiting(&self) -> BTreeSet<Arc<str>> {
        let unready = self.unready.iter().filter_map(|place| self.places.get(place));
        unready.flat_map(|at| self.members[*at].readers.iter()).map(|(rule, _)| rule.clone()).collect()
    }

    /// Joins what `past` counted; steps from `from_ms` on are complete then. Members that are gone meanwhile stay
    /// gone, also where others of the same query have taken their place. Returns the rules that waited for it.
    pub fn absorb(&mut self, past: Self, from_ms: i64) -> Vec<Arc<str>> {
        let mut ready = Vec::new();
        for past in past.members {
            let place = past.place();
            let mine = self.places.get(&place).and_then(|at| self.members.get_mut(*at));
            let Some(mine) = mine.filter(|mine| mine.is_same(&past)) else { continue };
            mine.absorb(past, from_ms);
            ready.extend(mine.readers.iter().map(|(rule, _)| rule.clone()));
            self.unready.remove(&place);
        }
        ready
    }

    /// Notes that all measures are complete from `from_ms` on, because nothing came before them.
    pub fn cover(&mut self, from_ms: i64) {
        for member in &mut self.members {
            (member.is_handed_out, member.covered_from_ms) = (true, from_ms);
        }
        self.unready.clear();
    }

    /// The names, sorted, of the fields that matter to the measures: an event with only these is counted like the
    /// whole one, until measures are added.
    #[must_use]
    pub fn wanted(&mut self) -> Arc<[Box<str>]> {
        Arc::clone(&self.indexed().wanted)
    }

    fn indexed(&mut self) -> &mut Indexed {
        self.index.get_or_insert_with(|| Indexed::build(&self.members))
    }

    /// Counts an event that arrived. Cost: one look-up in the index of the stream's conditions, and one
    /// addition for each measure that the event belongs to.
    pub fn count(&mut self, time_ms: i64, fields: &Map<String, Value>) -> Counted {
        let mut counted = Counted::default();
        let indexed = self.index.get_or_insert_with(|| Indexed::build(&self.members));
        for at in indexed.matches(fields) {
            let member = &mut self.members[at as usize];
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
        self.member(query, step_ms)?.read(window)
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
        self.member(query, step_ms).map_or_else(Vec::new, |member| member.read_seen(window))
    }

    /// How many events of `window` were not counted because they belong to groups beyond [`MAX_GROUPS`].
    #[must_use]
    pub fn n_left_out(&self, query: &StreamQuery, step_ms: i64, window: TimeRange) -> u64 {
        self.member(query, step_ms).map_or(0, |member| member.n_left_out(window))
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
    pub fn corrections(&mut self, events: &[(i64, Map<String, Value>)]) -> Vec<Correction> {
        let kept_ms = self.members.iter().map(|member| member.kept_ms).max().unwrap_or(i64::MIN);
        let mut late: HashMap<u64, Stretches> = HashMap::new();
        for (time_ms, fields) in events.iter().filter(|(time_ms, _)| *time_ms < kept_ms) {
            let indexed = self.index.get_or_insert_with(|| Indexed::build(&self.members));
            for at in indexed.matches(fields) {
                let member = &self.members[at as usize];
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

    /// Notes that `rule` no longer needs what came before `needed_from_ms`, and drops what nobody needs.
    pub fn release(&mut self, rule: &str, query: &StreamQuery, step_ms: i64, needed_from_ms: i64) {
        if let Some(member) = self.member_mut(query, step_ms) {
            member.release(rule, needed_from_ms);
        }
    }

    fn member(&self, query: &StreamQuery, step_ms: i64) -> Option<&Member> {
        self.members.get(*self.places.get(&(query.fingerprint, step_ms))?)
    }

    fn member_mut(&mut self, query: &StreamQuery, step_ms: i64) -> Option<&mut Member> {
        self.members.get_mut(*self.places.get(&(query.fingerprint, step_ms))?)
    }

    /// How many measures are kept, and how many of their conditions no index can help.
    pub fn size(&mut self) -> (usize, usize) {
        let n_unindexed = self.indexed().n_unindexed();
        (self.members.len(), n_unindexed)
    }
}
