//! Many conditions asked at once of one event.
//!
//! A loop over ten thousand conditions asks ten thousand times. Here an event's values are looked up, and
//! only the conditions found that way are asked the rest: see `build` for how the look-ups are chosen.
//! Each field is fetched and each distinct test asked at most once per event, however many conditions
//! share it.
//!
//! Reading order: `forest` (conditions as trees over shared tests), `build` (what is looked up), `tables`
//! (the look-ups), then [`Index::matches`].
//!
//! Invariant, held by a property test: an index answers what asking each condition in turn would.

mod build;
mod forest;
mod tables;

use std::borrow::Borrow;
use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use self::build::{Access, Builder, Item};
use self::forest::{Accept, Forest, LiteralOf, NEVER, Tree, TreeId};
use self::tables::{Intervals, NO_VALUE, Prefixes, Span, Values};
use crate::condition::Atom;
use crate::field::View;
use crate::{Condition, FieldPath, Fields, Missing, Verdict};

/// Finds which of many conditions hold for an event.
///
/// Immutable: build a new one when the conditions change. Building costs a few microseconds a condition;
/// memory is in proportion to the conditions' text.
#[derive(Debug)]
pub struct Index {
    /// The callers' numbers, those of one distinct condition side by side.
    ids: Box<[u32]>,
    conditions: Box<[Span]>,
    fields: Box<[Field]>,
    tests: Box<[IndexedTest]>,
    /// Members of trees, those of one tree side by side.
    codes: Box<[Code]>,
    entries: Box<[Entry]>,
    /// The root is the first; there always is one.
    nodes: Box<[Node]>,
    /// What is filed under a node and a value.
    points: HashMap<u64, Posting, FixedState>,
    unindexed: Box<[u32]>,
}

#[derive(Debug)]
struct Field {
    path: FieldPath,
    values: Values,
}

/// A distinct test of a field.
#[derive(Debug)]
struct IndexedTest {
    field: u32,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The field's value has one of these numbers, sorted.
    OneOf(Box<[u32]>),
    /// Anything else; the verdict is remembered.
    Other(Arc<Atom>),
}

/// A tree to ask.
#[derive(Debug, Clone, Copy)]
enum Code {
    /// Nothing is left to ask.
    Done,
    /// The field's value has this number: the test that is by far the commonest, without detour.
    Equal {
        field: u32,
        value: u32,
        accept: Accept,
    },
    Literal(LiteralOf),
    /// All of a run of `Index::codes`.
    All(Span),
    /// Any of them.
    Any(Span),
}

/// A condition filed under a look-up, and what is left to ask.
#[derive(Debug, Clone, Copy)]
struct Entry {
    condition: u32,
    rest: Code,
}

/// What is filed under a value.
#[derive(Debug, Clone, Copy)]
enum Posting {
    List(Span),
    Node(u32),
}

/// The conditions that are told apart by further look-ups.
#[derive(Debug)]
struct Node {
    /// Those that no look-up finds.
    linear: Span,
    steps: Box<[Step]>,
}

impl Default for Node {
    fn default() -> Self {
        Self { linear: Span { start: 0, end: 0 }, steps: Box::default() }
    }
}

/// The look-ups of one field.
#[derive(Debug, Default)]
struct Step {
    field: u32,
    has_points: bool,
    prefixes: Option<Prefixes>,
    intervals: Option<Intervals>,
}

const fn point_key(node: u32, value: u32) -> u64 {
    (node as u64) << 32 | value as u64
}

/// Working memory of [`Index::matches`]: keep one per thread, for one index or many in turn.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The number of the current event; what carries an older one is stale.
    generation: u32,
    states: Vec<FieldState>,
    /// Generation and verdict of each test.
    verdicts: Vec<u32>,
    /// The generation in which a condition was last found to hold.
    told: Vec<u32>,
    /// Empty between calls; kept for its memory.
    values: Vec<View<'static>>,
}

/// What is known of a field of the current event.
#[derive(Debug, Clone, Copy, Default)]
struct FieldState {
    generation: u32,
    /// Where its value lies, or [`MISSING`].
    slot: u32,
    /// The number of its value among those that rules mention, or [`NO_VALUE`].
    value: u32,
}

const MISSING: u32 = u32::MAX;
/// Generations leave two bits for a verdict.
const MAX_GENERATION: u32 = u32::MAX >> 2;

impl Scratch {
    /// Makes room for `index` and begins a new event.
    fn begin(&mut self, index: &Index) {
        if self.generation == MAX_GENERATION {
            *self = Self { values: std::mem::take(&mut self.values), ..Self::default() };
        }
        self.generation += 1;
        fit(&mut self.states, index.fields.len());
        fit(&mut self.verdicts, index.tests.len());
        fit(&mut self.told, index.conditions.len());
    }
}

/// Makes `slots` at least `n` long; new slots are of no generation.
fn fit<T: Clone + Default>(slots: &mut Vec<T>, n: usize) {
    if slots.len() < n {
        slots.resize(n, T::default());
    }
}

/// The memory of a list of values, for values that live elsewhere.
///
/// Collecting an emptied list into one of the same layout reuses its memory; a test holds that.
fn recycle<'b>(mut values: Vec<View<'_>>) -> Vec<View<'b>> {
    values.clear();
    values.into_iter().map(|_| View::Null).collect()
}

impl Index {
    /// Builds an index over conditions with numbers of the caller's own. Equal conditions are asked once.
    pub fn build<C: Borrow<Condition>>(conditions: impl IntoIterator<Item = (u32, C, Missing)>) -> Self {
        let conditions = conditions.into_iter();
        let mut forest = Forest::with_capacity(conditions.size_hint().0);
        let mut condition_of = HashMap::<TreeId, u32, FixedState>::default();
        let (mut items, mut pairs) = (Vec::new(), Vec::new());
        for (id, condition, missing) in conditions {
            let tree = forest.add(condition.borrow().root(), missing, false);
            let next = items.len() as u32;
            let at = *condition_of.entry(tree).or_insert(next);
            if at == next {
                items.push(Item { condition: at, tree });
            }
            pairs.push((at, id));
        }
        items.retain(|item| item.tree != NEVER);
        let ids = Ids::new(pairs);
        let mut builder = Builder::new(forest);
        let linear = builder.root(&items);
        let mut unindexed: Vec<u32> = linear.into_iter().flat_map(|at| ids.of(at)).copied().collect();
        unindexed.sort_unstable();
        finish(builder, ids, unindexed)
    }

    /// The numbers of the conditions that hold for `fields`, in ascending order; `found` is emptied first.
    ///
    /// Exactly those for which [`Condition::matches`] is true. Allocates only while `scratch` and `found`
    /// grow to their size.
    ///
    /// Cost: one look-up for each field that conditions are found by, and asking the rest of those found.
    pub fn matches<F: Fields>(&self, fields: &F, scratch: &mut Scratch, found: &mut Vec<u32>) {
        found.clear();
        scratch.begin(self);
        let values = recycle(std::mem::take(&mut scratch.values));
        let mut call = Call { index: self, fields, values, scratch, found };
        call.visit(0);
        let values = call.values;
        scratch.values = recycle(values);
        if found.len() > 1 {
            found.sort_unstable();
        }
    }

    /// The numbers of the conditions that no look-up finds, so that every event asks them; ascending.
    ///
    /// Conditions without `==`, `in`, `startswith`, a glob with a fixed start or a numeric comparison, or
    /// with those in only one branch of an `or`.
    #[must_use]
    pub fn unindexed(&self) -> &[u32] {
        &self.unindexed
    }

    /// How many conditions it holds, equal ones counted each.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

/// Freezes what was built.
fn finish(builder: Builder, ids: Ids, unindexed: Vec<u32>) -> Index {
    let Builder { forest, access, values, nodes, points, filed, .. } = builder;
    let mut program =
        Program { forest: &forest, access: &access, codes: Vec::new(), done: HashMap::default() };
    let entries =
        filed.iter().map(|item| Entry { condition: item.condition, rest: program.code(item.tree) }).collect();
    let codes = program.codes.into();
    let tests = forest.atoms.iter().zip(access).map(|((atom, field), access)| {
        let kind = match access {
            Access::Points(points) => Kind::OneOf(points),
            _ => Kind::Other(Arc::clone(atom)),
        };
        IndexedTest { field: *field, kind }
    });
    Index {
        ids: ids.flat.into(),
        conditions: ids.spans.into(),
        tests: tests.collect(),
        fields: forest.fields.into_iter().zip(values).map(|(path, values)| Field { path, values }).collect(),
        codes,
        entries,
        nodes: nodes.into(),
        points,
        unindexed: unindexed.into(),
    }
}

/// The callers' numbers by distinct condition.
struct Ids {
    flat: Vec<u32>,
    spans: Vec<Span>,
}

impl Ids {
    /// From pairs of condition and number, each condition from 0 on at least once.
    fn new(mut pairs: Vec<(u32, u32)>) -> Self {
        pairs.sort_unstable();
        let mut ids = Self { flat: Vec::with_capacity(pairs.len()), spans: Vec::new() };
        for run in pairs.chunk_by(|a, b| a.0 == b.0) {
            let start = ids.flat.len() as u32;
            ids.flat.extend(run.iter().map(|(_, id)| id));
            ids.spans.push(Span { start, end: ids.flat.len() as u32 });
        }
        ids
    }

    fn of(&self, condition: u32) -> &[u32] {
        let Span { start, end } = self.spans[condition as usize];
        &self.flat[start as usize..end as usize]
    }
}

/// Trees on their way into an index; those that nothing refers to stay behind.
struct Program<'b> {
    forest: &'b Forest,
    access: &'b [Access],
    codes: Vec<Code>,
    done: HashMap<TreeId, Code, FixedState>,
}

impl Program<'_> {
    fn code(&mut self, tree: TreeId) -> Code {
        match self.forest.tree(tree) {
            Tree::Always => Code::Done,
            Tree::Never => Code::Any(Span { start: 0, end: 0 }),
            Tree::Literal(literal) => match &self.access[literal.atom as usize] {
                Access::Point(value) => {
                    let field = self.forest.atoms[literal.atom as usize].1;
                    Code::Equal { field, value: *value, accept: literal.accept }
                }
                _ => Code::Literal(*literal),
            },
            Tree::All(members) => self.joined(tree, members, Code::All),
            Tree::Any(members) => self.joined(tree, members, Code::Any),
        }
    }

    fn joined(&mut self, tree: TreeId, members: &[TreeId], join: fn(Span) -> Code) -> Code {
        if let Some(code) = self.done.get(&tree) {
            return *code;
        }
        let codes: Vec<Code> = members.iter().map(|&member| self.code(member)).collect();
        let start = self.codes.len() as u32;
        self.codes.extend(codes);
        let code = join(Span { start, end: self.codes.len() as u32 });
        self.done.insert(tree, code);
        code
    }
}

/// One event being looked up.
struct Call<'c, F> {
    index: &'c Index,
    fields: &'c F,
    /// The values of the fields fetched so far.
    values: Vec<View<'c>>,
    scratch: &'c mut Scratch,
    found: &'c mut Vec<u32>,
}

impl<F: Fields> Call<'_, F> {
    fn visit(&mut self, node: u32) {
        let index = self.index;
        let Node { linear, steps } = &index.nodes[node as usize];
        self.ask(*linear);
        for step in steps {
            let state = self.state(step.field);
            if state.slot == MISSING {
                continue;
            }
            if step.has_points && state.value != NO_VALUE {
                match index.points.get(&point_key(node, state.value)) {
                    Some(Posting::List(span)) => self.ask(*span),
                    Some(Posting::Node(inner)) => self.visit(*inner),
                    None => {}
                }
            }
            match (self.values[state.slot as usize], &step.prefixes, &step.intervals) {
                (View::Text(text), Some(prefixes), _) => prefixes.visit(text, |span| self.ask(span)),
                (View::Number(number), _, Some(intervals)) => {
                    intervals.visit(number.to_f64(), |span| self.ask(span));
                }
                _ => {}
            }
        }
    }

    /// Asks the rest of each condition in a list.
    #[inline]
    fn ask(&mut self, span: Span) {
        let index = self.index;
        for entry in &index.entries[span.start as usize..span.end as usize] {
            if self.holds(entry.rest) {
                self.tell(entry.condition);
            }
        }
    }

    fn tell(&mut self, condition: u32) {
        let told = &mut self.scratch.told[condition as usize];
        if *told != self.scratch.generation {
            *told = self.scratch.generation;
            let Span { start, end } = self.index.conditions[condition as usize];
            self.found.extend_from_slice(&self.index.ids[start as usize..end as usize]);
        }
    }

    /// The common cases, inlined where they are asked.
    #[inline]
    fn holds(&mut self, code: Code) -> bool {
        match code {
            Code::Done => true,
            Code::Equal { field, value, accept } => {
                accept.has(self.value_verdict(field, |found| found == value))
            }
            Code::Literal(literal) => literal.accept.has(self.verdict(literal.atom)),
            Code::All(_) | Code::Any(_) => self.joined_holds(code),
        }
    }

    fn joined_holds(&mut self, code: Code) -> bool {
        let index = self.index;
        let members = |span: Span| index.codes[span.start as usize..span.end as usize].iter();
        match code {
            Code::All(span) => members(span).all(|&member| self.holds(member)),
            Code::Any(span) => members(span).any(|&member| self.holds(member)),
            other => self.holds(other),
        }
    }

    #[inline]
    fn verdict(&mut self, test: u32) -> Verdict {
        let index = self.index;
        let IndexedTest { field, kind } = &index.tests[test as usize];
        match kind {
            Kind::OneOf(values) => self.value_verdict(*field, |found| values.binary_search(&found).is_ok()),
            Kind::Other(atom) => self.remembered(test, *field, atom),
        }
    }

    #[inline]
    fn value_verdict(&mut self, field: u32, is_it: impl FnOnce(u32) -> bool) -> Verdict {
        let state = self.state(field);
        if state.slot == MISSING { Verdict::Unknown } else { is_it(state.value).into() }
    }

    /// The verdict of a test, asked only the first time.
    fn remembered(&mut self, test: u32, field: u32, atom: &Atom) -> Verdict {
        let remembered = self.scratch.verdicts[test as usize];
        if remembered >> 2 == self.scratch.generation {
            return match remembered & 3 {
                0 => Verdict::False,
                1 => Verdict::True,
                _ => Verdict::Unknown,
            };
        }
        let state = self.state(field);
        let value = (state.slot != MISSING).then(|| self.values[state.slot as usize]);
        let verdict = atom.test.verdict(value);
        let bits = match verdict {
            Verdict::False => 0,
            Verdict::True => 1,
            Verdict::Unknown => 2,
        };
        self.scratch.verdicts[test as usize] = self.scratch.generation << 2 | bits;
        verdict
    }

    /// What is known of a field, fetched only the first time.
    #[inline]
    fn state(&mut self, field: u32) -> FieldState {
        let state = self.scratch.states[field as usize];
        if state.generation == self.scratch.generation { state } else { self.fetch(field) }
    }

    fn fetch(&mut self, field: u32) -> FieldState {
        let index = self.index;
        let Field { path, values } = &index.fields[field as usize];
        let mut state = FieldState { generation: self.scratch.generation, slot: MISSING, value: NO_VALUE };
        if let Some(view) = path.view(self.fields) {
            state.slot = self.values.len() as u32;
            state.value = values.id(view);
            self.values.push(view);
        }
        self.scratch.states[field as usize] = state;
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_recycled() {
        let mut values: Vec<View<'static>> = Vec::with_capacity(37);
        values.push(View::Text("x"));
        let at = values.as_ptr() as usize;
        let recycled = recycle(values);
        assert!(recycled.is_empty());
        assert_eq!((recycled.capacity(), recycled.as_ptr() as usize), (37, at));
    }

    #[test]
    fn generations_begin_again() {
        let condition = Condition::compile("a == 1 or b contains x").unwrap();
        let index = Index::build([(3, condition, Missing::Kleene)]);
        let event = serde_json::json!({"a": 1, "b": "x"});
        let mut scratch = Scratch { generation: MAX_GENERATION - 2, ..Scratch::default() };
        let mut found = Vec::new();
        for _ in 0..5 {
            index.matches(event.as_object().unwrap(), &mut scratch, &mut found);
            assert_eq!(found, [3]);
        }
        assert!(scratch.generation < 5);
    }

    #[test]
    fn what_no_look_up_finds() {
        #[track_caller]
        fn check(text: &str, is_indexed: bool) {
            let condition = Condition::compile(text).unwrap();
            let index = Index::build([(1, &condition, Missing::Kleene)]);
            assert_eq!(index.unindexed().is_empty(), is_indexed, "{text}");
        }
        check("a == 1", true);
        check("a == null and b contains x", true);
        check("not a != 1", true);
        check("a in (1, x) or b startswith x", true);
        check("a > 5", true);
        check("a glob \"x*\"", true);
        check("not (a != 1 and b != 2)", true);
        check("(a == 1 or b contains x) and c < 5", true);
        check("true", true); // nothing to ask
        check("a glob \"*x\"", false);
        check("a != 1", false);
        check("a == 1 or b contains x", false);
        check("a exists", false);
        check("a > \"x\"", false);
    }
}
