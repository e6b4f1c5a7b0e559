//! Many switches behind one index.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use lanner_core::document::Check;
use lanner_core::time::SECOND_MS;
use lanner_core::{Problem, Problems};
use serde_json::{Map, Value};

use crate::explain::Explanation;
use crate::lookup::{Lookup, Work, answers_before, is_found_alike};
use crate::slots::Slots;
use crate::snapshot::{Document, Snapshot};
use crate::sorted::{Keyed, Sorted, side_by_side};
use crate::switch::{OnUnavailable, Phase, Switch};
use crate::verdict::{Staleness, Verdict};

/// The switches of one snapshot, ready to be asked. Immutable: compile a new one when they change.
///
/// Cost of asking: a few look-ups, however many switches there are (see [`lanner_conditions::Index`]); what blocks nothing allocates
/// nothing.
///
/// Cost of a later set: that of what changed, as it shares the rest with the one before.
#[derive(Debug)]
pub struct SwitchSet {
    snapshot: Snapshot,
    held: Sorted<Held>,
    slots: Slots,
    lookup: Arc<Lookup>,
    /// How many of the switches want to be asked again after so many milliseconds.
    paces: BTreeMap<i64, usize>,
    /// Once somebody wants all of them in the order in which they answer.
    in_order: OnceLock<Box<[Arc<Switch>]>>,
}

/// A switch and where it is found.
#[derive(Debug, Clone)]
struct Held {
    document: Document,
    switch: Arc<Switch>,
    slot: u32,
}

impl Keyed for Held {
    fn id(&self) -> &str {
        self.document.id()
    }

    fn is_same(&self, other: &Self) -> bool {
        self.document.is_same(&other.document)
    }
}

/// How often clients ask where nothing says otherwise, milliseconds.
const EVERY_MS: i64 = 30 * SECOND_MS;

thread_local! {
    static WORK: RefCell<Work> = RefCell::default();
}

impl Default for SwitchSet {
    fn default() -> Self {
        Self {
            snapshot: Snapshot::new(0, Vec::new()),
            held: Sorted::default(),
            slots: Slots::default(),
            lookup: Arc::default(),
            paces: BTreeMap::new(),
            in_order: OnceLock::new(),
        }
    }
}

impl SwitchSet {
    /// Reads and indexes the switches of a snapshot. Cost: a few microseconds each.
    ///
    /// # Errors
    /// Every problem in any of them; a snapshot is taken whole or not at all.
    pub fn compile(snapshot: &Snapshot) -> Result<Self, Problems> {
        Self::default().compile_next(snapshot)
    }

    /// As [`SwitchSet::compile`], where this set is of an earlier snapshot: what is in both is not read again. Cost: as
    /// [`SwitchSet::compile_beside`], and now and then an index of all.
    ///
    /// # Errors
    /// As there.
    pub fn compile_next(&self, snapshot: &Snapshot) -> Result<Self, Problems> {
        let set = self.compile_beside(snapshot)?;
        Ok(if set.is_worn() { set.indexed_anew() } else { set })
    }

    /// As [`SwitchSet::compile_next`], for whoever cannot wait for an index of all: what is new is indexed beside what
    /// was, and once that is much the set [is worn](SwitchSet::is_worn). Cost: reading and indexing what is new, where
    /// the snapshot came of the one of this set; otherwise also a walk through all.
    ///
    /// # Errors
    /// As there.
    pub fn compile_beside(&self, snapshot: &Snapshot) -> Result<Self, Problems> {
        let (mut check, mut last) = (Check::default(), None);
        let (mut fresh, mut gone, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
        for (old, new) in side_by_side(self.snapshot.sorted(), snapshot.sorted()) {
            let Some(new) = new else {
                gone.extend(old.map(Document::id));
                continue;
            };
            if old != Some(new) {
                match read(new, "") {
                    Ok(switch) => fresh.push((new.clone(), switch)),
                    Err(_) => wrong.push(new),
                }
            }
            if last == Some(new.id()) {
                let path = format!("switches.{}", new.id());
                check.push(None, &path, "is the id of two switches".to_owned(), None);
            }
            last = Some(new.id());
        }
        if !wrong.is_empty() {
            check.problems.extend(problems(snapshot, &wrong));
        }
        if check.problems.is_empty() {
            Ok(self.next(fresh, &gone, snapshot.clone()))
        } else {
            Err(Problems(check.problems))
        }
    }

    /// The switch of a document that stands at `path`: the one that this set holds, if it is of the same document.
    ///
    /// # Errors
    /// Every problem in it.
    pub fn read(&self, document: &Document, path: &str) -> Result<Arc<Switch>, Problems> {
        match self.held.find(document.id()).filter(|held| held.document == *document) {
            Some(held) => Ok(Arc::clone(&held.switch)),
            None => read(document, path),
        }
    }

    /// The set in which these switches are new or others, and those with these ids are gone.
    fn next(&self, fresh: Vec<(Document, Arc<Switch>)>, gone: &[&str], snapshot: Snapshot) -> Self {
        let (mut slots, mut paces) = (self.slots.clone(), self.paces.clone());
        let (mut changes, mut added) = (BTreeMap::new(), Vec::new());
        for (document, switch) in fresh {
            *paces.entry(switch.every_ms).or_default() += 1;
            let id = document.id().to_owned();
            let old = self.held.find(&id);
            let slot = match old.filter(|old| is_found_alike(&old.switch, &switch)) {
                Some(old) => {
                    slots.put(old.slot, Some(Arc::clone(&switch)));
                    old.slot
                }
                None => {
                    added.push(slots.push(Arc::clone(&switch)));
                    slots.len() as u32 - 1
                }
            };
            changes.insert(id, Some(Held { document, switch, slot }));
        }
        changes.extend(gone.iter().map(|id| ((*id).to_owned(), None)));
        let mut is_same = added.is_empty();
        for (id, new) in &changes {
            let Some(old) = self.held.find(id) else { continue };
            if let Some(n) = paces.get_mut(&old.switch.every_ms) {
                *n -= 1;
            }
            if new.as_ref().is_none_or(|new| new.slot != old.slot) {
                slots.put(old.slot, None);
                is_same = false;
            }
        }
        paces.retain(|_, n| *n > 0);
        let lookup =
            if is_same { Arc::clone(&self.lookup) } else { Arc::new(self.lookup.next(added, &slots)) };
        let held = self.held.with(changes);
        Self { snapshot, held, slots, lookup, paces, in_order: OnceLock::new() }
    }

    /// Whether so many switches were added, changed or removed that a set [indexed anew](SwitchSet::indexed_anew) is faster.
    #[must_use]
    pub fn is_worn(&self) -> bool {
        self.lookup.is_worn(&self.slots, self.held.len())
    }

    /// The same switches behind one index of all. Cost: a few microseconds each.
    #[must_use]
    pub fn indexed_anew(&self) -> Self {
        let mut slots = Slots::default();
        let again = |held: &Held| {
            let (document, switch) = (held.document.clone(), Arc::clone(&held.switch));
            Held { slot: slots.push(Arc::clone(&switch)), document, switch }
        };
        let held = Sorted::of(self.held.iter().map(again).collect());
        let lookup = Arc::new(Lookup::of(&slots));
        let (snapshot, paces) = (self.snapshot.clone(), self.paces.clone());
        Self { snapshot, held, slots, lookup, paces, in_order: OnceLock::new() }
    }

    /// Whether both hold switches with the same ids and conditions, so that what was made for those of one is good
    /// for those of the other.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.lookup, &other.lookup)
    }

    /// The snapshot that it was compiled from.
    #[must_use]
    pub const fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The snapshot's revision.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.snapshot.revision()
    }

    /// The snapshot's tag, by which HTTP tells whether anything changed; see [`Snapshot::tag`].
    #[must_use]
    pub fn tag(&self) -> String {
        self.snapshot.tag()
    }

    /// All switches, the highest priority first. Cost: sorting them, once.
    #[must_use]
    pub fn switches(&self) -> &[Arc<Switch>] {
        self.in_order.get_or_init(|| {
            let mut switches: Vec<Arc<Switch>> = self.iter().cloned().collect();
            switches.sort_by(|a, b| answers_before(a).cmp(&answers_before(b)));
            switches.into()
        })
    }

    /// All switches, in order of ids.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Switch>> {
        self.held.iter().map(|held| &held.switch)
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The switch called `id`; `None` if there is none. Cost: O(log n).
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Arc<Switch>> {
        self.held.find(id).map(|held| &held.switch)
    }

    /// How often those who ask should ask again, milliseconds: the shortest time that any switch wants.
    #[must_use]
    pub fn every_ms(&self) -> i64 {
        self.paces.keys().next().copied().unwrap_or(EVERY_MS)
    }

    /// How many switches no look-up finds, so that each context asks them.
    #[must_use]
    pub fn n_unindexed(&self) -> usize {
        self.lookup.n_unindexed(&self.slots)
    }

    /// What the switches say of `context` at `now_ms`, milliseconds since the Unix epoch.
    #[must_use]
    pub fn evaluate(&self, context: &Map<String, Value>, now_ms: i64) -> Verdict {
        self.evaluate_stale(context, now_ms, Staleness::default())
    }

    /// As [`SwitchSet::evaluate`], for whoever only wants to know: nothing counts towards a limit, and what a switch with a limit
    /// matches is not blocked by it.
    #[must_use]
    pub fn evaluate_apart(&self, context: &Map<String, Value>, now_ms: i64) -> Verdict {
        let mut verdict = Verdict { revision: self.revision(), ..Verdict::default() };
        let mut work = Work::default();
        self.lookup.find(context, &self.slots, &mut work);
        let found = work.found.iter().filter_map(|slot| self.slots.get(*slot));
        for switch in found.filter(|switch| switch.limit.is_none()) {
            verdict.note(switch, effect(switch, context, now_ms, Staleness::default()));
        }
        verdict
    }

    /// As [`SwitchSet::evaluate`], where nobody confirmed the switches for a while.
    #[must_use]
    pub fn evaluate_stale(&self, context: &Map<String, Value>, now_ms: i64, staleness: Staleness) -> Verdict {
        let judged = WORK.try_with(|work| {
            let mut work = work.try_borrow_mut().ok()?;
            Some(self.judge(context, now_ms, staleness, &mut work))
        });
        // A thread that ends has no memory of its own any more.
        judged.ok().flatten().unwrap_or_else(|| self.judge(context, now_ms, staleness, &mut Work::default()))
    }

    fn judge(
        &self,
        context: &Map<String, Value>,
        now_ms: i64,
        staleness: Staleness,
        work: &mut Work,
    ) -> Verdict {
        self.lookup.find(context, &self.slots, work);
        let mut verdict = Verdict { revision: self.revision(), staleness, ..Verdict::default() };
        for switch in work.found.iter().filter_map(|slot| self.slots.get(*slot)) {
            verdict.note(switch, effect(switch, context, now_ms, staleness));
        }
        verdict
    }

    /// Why the switches say what they say: each of them, in order, with its phase and each test's value.
    #[must_use]
    pub fn explain(&self, context: &Map<String, Value>, now_ms: i64) -> Vec<Explanation> {
        self.switches().iter().map(|switch| Explanation::new(switch, context, now_ms)).collect()
    }
}

fn read(document: &Document, path: &str) -> Result<Arc<Switch>, Problems> {
    Switch::stored(document.value(), path).map(Arc::new)
}

/// What is wrong with some documents of a snapshot, which are in its order, each with its place there.
fn problems(snapshot: &Snapshot, wrong: &[&Document]) -> Vec<Problem> {
    let mut wrong = wrong.iter().peekable();
    let placed = snapshot.switches().enumerate();
    let read = |(at, document): (usize, &Document)| {
        wrong.next_if(|wrong| wrong.is_same(document))?;
        read(document, &format!("switches[{at}]")).err()
    };
    placed.filter_map(read).flat_map(|Problems(problems)| problems).collect()
}

impl Verdict {
    fn note(&mut self, switch: &Arc<Switch>, effect: Effect) {
        match effect {
            Effect::Blocks => self.blocking.push(Arc::clone(switch)),
            Effect::WouldBlock => self.shadow.push(Arc::clone(switch)),
            Effect::Tags => self.tagging.push(Arc::clone(switch)),
            Effect::None => {}
        }
    }
}

/// What a switch whose condition holds does.
#[derive(Clone, Copy)]
enum Effect {
    Blocks,
    WouldBlock,
    Tags,
    None,
}

fn effect(switch: &Switch, context: &Map<String, Value>, now_ms: i64, staleness: Staleness) -> Effect {
    let phase = match switch.on_unavailable {
        OnUnavailable::Open if staleness.is_too_old => return Effect::None,
        OnUnavailable::Closed if staleness.is_too_old => Phase::Blocking,
        _ => switch.phase(now_ms),
    };
    let is_active = match phase {
        Phase::Blocking => true,
        Phase::Shadowing => false,
        _ => return Effect::None,
    };
    if !switch.is_rolled_out_to(context) || switch.limit.as_ref().is_some_and(|limit| limit.passes(now_ms)) {
        return Effect::None;
    }
    match (is_active, &switch.tag) {
        (true, None) => Effect::Blocks,
        (true, Some(_)) => Effect::Tags,
        (false, _) => Effect::WouldBlock,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn set(switches: Vec<Value>) -> SwitchSet {
        SwitchSet::compile(&Snapshot::new(1, switches)).unwrap()
    }

    fn ids(switches: &[Arc<Switch>]) -> Vec<&str> {
        switches.iter().map(|switch| &*switch.id).collect()
    }

    #[test]
    fn some_pass_with_a_tag_and_some_until_a_limit() {
        let set = set(vec![
            json!({"id": "mark", "when": "x == 1", "tag": "suspicious"}),
            json!({"id": "mark-too", "when": "x exists", "tag": "suspicious"}),
            json!({"id": "slow", "when": "x == 2", "limit": {"requests": 2}}),
            json!({"id": "try", "when": "x == 3", "limit": {"requests": 1}, "status": "shadow"}),
        ]);
        let ask = |x: i64, at_ms: i64| {
            let verdict = set.evaluate(json!({"x": x}).as_object().unwrap(), at_ms);
            (verdict.is_blocked(), verdict.tags().join(" "), ids(verdict.shadow()).join(" "))
        };
        let says = |blocked: bool, tags: &str, shadow: &str| (blocked, tags.to_owned(), shadow.to_owned());
        assert_eq!(ask(1, 0), says(false, "suspicious", ""));
        let asked = [0, 1, 2, 31_000].map(|at_ms| ask(2, at_ms).0);
        assert_eq!(asked, [false, false, true, false]);
        // Whoever only wants to know uses nothing up.
        for _ in 0..9 {
            assert!(!set.evaluate_apart(json!({"x": 2}).as_object().unwrap(), 90_000).is_blocked());
        }
        assert!(!ask(2, 90_000).0);
        assert_eq!((ask(3, 0), ask(3, 0)), (says(false, "suspicious", ""), says(false, "suspicious", "try")));
        let verdict = set.evaluate(json!({"x": 1}).as_object().unwrap(), 0).to_json();
        assert_eq!((&verdict["blocked"], &verdict["tags"]), (&json!(false), &json!(["suspicious"])));
    }

    #[test]
    fn the_highest_priority_answers() {
        let set = set(vec![
            json!({"id": "b", "when": "x == 1"}),
            json!({"id": "a", "when": "x == 1"}),
            json!({"id": "z", "when": "x in (1, 2)", "priority": 9, "reason": "the last one", "answer": {"status": 451}}),
            json!({"id": "watch", "when": "x > 0", "status": "shadow"}),
            json!({"id": "off", "when": "x == 1", "status": "inactive"}),
        ]);
        let context = json!({"x": 1});
        let verdict = set.evaluate(context.as_object().unwrap(), 0);
        assert_eq!((ids(verdict.blocking()), ids(verdict.shadow())), (vec!["z", "a", "b"], vec!["watch"]));
        assert_eq!((verdict.reason(), verdict.revision()), (Some("the last one"), 1));
        assert_eq!(verdict.answer().map(|answer| answer.status), Some(451));
        let context = json!({"x": "1"});
        let verdict = set.evaluate(context.as_object().unwrap(), 0);
        assert!(!verdict.is_blocked() && verdict.reason().is_none() && verdict.answer().is_none());
    }

    #[test]
    fn what_is_too_old_follows_each_switch() {
        let set = set(vec![
            json!({"id": "kept", "when": "x == 1"}),
            json!({"id": "open", "when": "x == 1", "on_unavailable": "open"}),
            json!({"id": "closed", "when": "x == 1", "status": "inactive", "on_unavailable": "closed"}),
        ]);
        let context = json!({"x": 1});
        let context = context.as_object().unwrap();
        let blocking = |is_too_old| {
            let staleness = Staleness { for_ms: 5, is_too_old };
            ids(set.evaluate_stale(context, 0, staleness).blocking()).join(" ")
        };
        assert_eq!((blocking(false).as_str(), blocking(true).as_str()), ("kept open", "closed kept"));
        let nothing = Staleness { for_ms: i64::MAX, is_too_old: true };
        assert!(Verdict::unavailable(OnUnavailable::Closed, 0, nothing).is_blocked());
        assert!(!Verdict::unavailable(OnUnavailable::LastGood, 0, nothing).is_blocked());
    }

    #[test]
    fn a_snapshot_is_taken_whole_or_not_at_all() {
        let switches = vec![
            json!({"id": "a", "when": "x =="}),
            json!({"id": "b", "when": "x"}),
            json!({"id": "b", "when": "x"}),
        ];
        let problems = SwitchSet::compile(&Snapshot::new(1, switches)).unwrap_err().to_string();
        assert!(
            problems.contains("switches[0].when: character") && problems.contains("id of two"),
            "{problems}"
        );
        // Also beside one that is held.
        let held = set(vec![json!({"id": "b", "when": "x"})]);
        for other in ["x", "y"] {
            let twice = vec![json!({"id": "b", "when": other}), json!({"id": "b", "when": "x"})];
            let problems = held.compile_next(&Snapshot::new(2, twice)).unwrap_err().to_string();
            assert!(problems.contains("id of two"), "{problems}");
        }
    }

    #[test]
    fn many_new_switches_stand_beside_the_index_until_somebody_has_the_time() {
        let switch =
            |n: usize| json!({"id": format!("s{n:05}"), "when": format!("x == {n}"), "priority": n % 3});
        let snapshot = |n: usize| Snapshot::new(n as u64, (0..n).map(switch).collect());
        let held = SwitchSet::compile(&snapshot(2_000)).unwrap();
        // In pieces and one by one.
        let ns = (2_000..6_000).step_by(400).chain(6_000..6_100);
        let beside = ns.fold(held, |set, n| set.compile_beside(&snapshot(n)).unwrap());
        let anew = beside.indexed_anew();
        assert!(beside.is_worn() && !anew.is_worn());
        assert_eq!(anew.snapshot(), beside.snapshot());
        // Whoever waited for the index while one more came has that beside it.
        let later = anew.compile_beside(&snapshot(6_100)).unwrap();
        assert!(!later.is_worn());
        for n in [0, 1_999, 2_000, 4_321, 6_098, 6_099] {
            let context = json!({ "x": n });
            for (set, is_known) in [(&beside, n < 6_099), (&anew, n < 6_099), (&later, true)] {
                let verdict = set.evaluate(context.as_object().unwrap(), 0);
                assert_eq!(verdict.blocking().first().map(|switch| &*switch.id).is_some(), is_known, "{n}");
                assert_eq!(set.get(&format!("s{n:05}")).is_some(), is_known, "{n}");
            }
        }
    }

    fn any_condition() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            (0..4, 0..3).prop_map(|(f, v)| format!("f{f} == {v}")),
            (0..4, 0..3).prop_map(|(f, v)| format!("f{f} != \"t{v}\"")),
            (0..4, 0..3).prop_map(|(f, v)| format!("f{f} in ({v}, \"t{v}\")")),
            (0..4, 0..3).prop_map(|(f, v)| format!("f{f} < {v}")),
            (0..4).prop_map(|f| format!("f{f} exists")),
            (0..4).prop_map(|f| format!("f{f} startswith \"t\"")),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                inner.clone().prop_map(|text| format!("not ({text})")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) and ({b})")),
                (inner.clone(), inner).prop_map(|(a, b)| format!("({a}) or ({b})")),
            ]
        })
    }

    fn any_switch() -> impl Strategy<Value = Value> {
        let rest = (
            prop_oneof![Just("active"), Just("inactive"), Just("shadow")],
            -1..2_i64,
            prop_oneof![Just("last_good"), Just("open"), Just("closed")],
            1..3_i64,
            1..=100_u32,
        );
        (prop::collection::vec(any_condition(), 1..3), rest).prop_map(|(when, rest)| {
            let (status, priority, policy, day, percent) = rest;
            json!({
                "when": when, "status": status, "priority": priority, "on_unavailable": policy,
                "valid": {"from": format!("1970-01-0{day}")}, "rollout": {"share": format!("{percent}%"), "by": "f0"},
            })
        })
    }

    fn any_context() -> impl Strategy<Value = Value> {
        let value = prop_oneof![
            (0..3).prop_map(|n| json!(n)),
            (0..3).prop_map(|n| json!(format!("t{n}"))),
            Just(Value::Null),
            Just(json!([1])),
        ];
        prop::collection::hash_map("f[0-3]", value, 0..4)
            .prop_map(|fields| Value::Object(fields.into_iter().collect()))
    }

    proptest! {
        #[test]
        fn the_index_says_what_asking_each_switch_says(
            mut switches in prop::collection::vec(any_switch(), 0..12),
            mut before in prop::collection::vec(any_switch(), 0..12),
            kept in prop::collection::vec(any::<bool>(), 12),
            contexts in prop::collection::vec(any_context(), 1..6),
            now_ms in 0..200_000_000_i64,
            is_too_old: bool,
            indexed in 0..3,
        ) {
            for (at, switch) in switches.iter_mut().enumerate() {
                switch["id"] = json!(format!("s{at}"));
            }
            // An earlier set with some of them as they are, some different, some gone.
            for (at, old) in before.iter_mut().enumerate() {
                match switches.get(at).filter(|_| kept[at]) {
                    Some(same) => *old = same.clone(),
                    None => old["id"] = json!(format!("s{}", at * 2)),
                }
            }
            before.sort_by_key(|old| old["id"].to_string());
            before.dedup_by_key(|old| old["id"].to_string());
            let before = set(before);
            let next = Snapshot::new(2, switches);
            let set = match indexed {
                0 => before.compile_next(&next).unwrap(),
                1 => before.compile_beside(&next).unwrap().indexed_anew(),
                // One after the other, as many layers as there are switches.
                _ => (0..=next.n_switches()).fold(SwitchSet::default(), |set, n| {
                    set.compile_beside(&Snapshot::of(2, next.switches().take(n).cloned().collect())).unwrap()
                }),
            };
            let staleness = Staleness { for_ms: 1, is_too_old };
            for context in &contexts {
                let context = context.as_object().unwrap();
                let verdict = set.evaluate_stale(context, now_ms, staleness);
                let (mut blocking, mut shadow) = (Vec::new(), Vec::new());
                for switch in set.switches().iter().filter(|switch| switch.matches(context)) {
                    match effect(switch, context, now_ms, staleness) {
                        Effect::Blocks => blocking.push(&*switch.id),
                        Effect::WouldBlock => shadow.push(&*switch.id),
                        Effect::Tags | Effect::None => {}
                    }
                }
                prop_assert_eq!(ids(verdict.blocking()), blocking);
                prop_assert_eq!(ids(verdict.shadow()), shadow);
            }
        }
    }
}
