//! Builds an index: decides which test of a condition is looked up and which are evaluated afterwards.
//!
//! A *guard* is a look-up that must succeed for a condition to hold: a field equals a value, begins with a
//! prefix, lies in an interval or a network. A *cover* of a tree is a set of guards of which one at least succeeds
//! whenever the tree holds: that of an `all` is the cheapest of its members' covers, that of an `any` is
//! all of theirs. A condition is filed under each guard of its cover, together with what is left to ask.
//! Where many are filed under one value, they get a node of their own, built in the same way from what is
//! left; so `status == "ok" and bank == "b17"` is found by its bank, and a hundred conditions on that bank
//! by what else they ask.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::forest::{ALWAYS, Accept, Forest, LiteralOf, NEVER, NO_FIELD, Tree, TreeId};
use super::parts::{Node, Posting, Step, point_key};
use super::tables::{Intervals, Networks, Prefixes, Span, Values};
use crate::atom::Atom;
use crate::test::{Members, Test};
use crate::time::as_f64;
use crate::{Literal, Network};

/// A list under one value that is longer than this becomes a node, if there is anything left to ask.
const LONG_LIST: usize = 8;
/// Nodes are nested at most this deep.
const MAX_NODE_DEPTH: usize = 12;
/// What is left is worked out for each guard of a cover up to this size; else the whole tree is asked.
const MAX_ASSUMED: usize = 64;

/// What one test can be looked up by.
#[derive(Debug)]
pub(super) enum Access {
    None,
    Point(u32),
    Points(Box<[u32]>),
    /// The numbers of prefixes of one field.
    Prefixes(Box<[u32]>),
    Interval(Scale, f64, f64),
    /// Any of these: values, networks and instants that one list may hold.
    Mixed(Box<[GuardKind]>),
}

/// What an interval is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Scale {
    Number,
    /// Instants, in nanoseconds since 1970.
    Time,
}

/// A look-up in one field that must succeed. The order brings equal ones together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Guard {
    field: u32,
    kind: GuardKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum GuardKind {
    /// The number of a value.
    Point(u32),
    /// The number of a prefix.
    Prefix(u32),
    /// The number of a network.
    Network(u32),
    /// Both ends as bits.
    Interval(Scale, u64, u64),
}

/// The cheapest covers of the conditions of one node.
#[derive(Debug, Default)]
struct Covers {
    /// Guard, place of the item, and whether its cover is small.
    guards: Vec<(Guard, u32, bool)>,
    /// Places of the items that have no cover.
    uncovered: Vec<u32>,
}

/// A condition and what is left to ask of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    pub(super) condition: u32,
    pub(super) tree: TreeId,
}

/// How often each guard occurs among the conditions of one node.
#[derive(Debug, Default)]
struct Counts {
    points: HashMap<u32, u64, FixedState>,
    prefixes: HashMap<u32, u64, FixedState>,
    networks: HashMap<u32, u64, FixedState>,
    intervals: HashMap<(u32, Scale), u64, FixedState>,
}

/// The parts of an index as they grow.
#[derive(Debug)]
pub(super) struct Builder {
    pub(super) forest: Forest,
    pub(super) access: Vec<Access>,
    pub(super) values: Vec<Values>,
    /// The value behind each value's number: its field, an atom, and a place in that one's list.
    literals: Vec<(u32, Arc<Atom>, usize)>,
    /// The prefix behind each prefix's number.
    prefixes: Vec<Box<[u8]>>,
    /// The network behind each network's number.
    networks: Vec<Network>,
    pub(super) nodes: Vec<Node>,
    pub(super) points: HashMap<u64, Posting, FixedState>,
    /// The lists of all nodes and look-ups, one after the other.
    pub(super) filed: Vec<Item>,
    /// How many more entries nested nodes may take; keeps memory in proportion to the conditions' size.
    budget: usize,
}

impl Builder {
    /// Prepares the look-ups of every test in `forest`.
    pub(super) fn new(forest: Forest) -> Self {
        let mut values: Vec<Values> = Vec::new();
        values.resize_with(forest.fields.len(), Values::default);
        let mut look_ups = LookUps { values, ..LookUps::default() };
        let access = forest.atoms.iter().map(|(atom, field)| look_ups.of(atom, *field)).collect();
        let LookUps { values, literals, prefixes, networks, .. } = look_ups;
        Self {
            forest,
            access,
            values,
            literals,
            prefixes,
            networks,
            nodes: Vec::new(),
            points: HashMap::default(),
            filed: Vec::new(),
            budget: usize::MAX,
        }
    }

    /// Builds the root. Returns the conditions that no look-up finds.
    pub(super) fn root(&mut self, items: &[Item]) -> Vec<u32> {
        let covers = self.covers(items);
        self.budget = covers.guards.len().saturating_mul(8).saturating_add(1024);
        let uncovered = covers.uncovered.iter().map(|&at| items[at as usize]);
        let unindexed = uncovered.filter(|item| item.tree != ALWAYS).map(|item| item.condition).collect();
        self.node(items, covers, 0);
        unindexed
    }

    /// For each field the conditions with an `in` or `intersects` on it that look-ups find by single values.
    pub(super) fn of_lists(&self, items: &[Item]) -> Vec<Vec<Item>> {
        let mut of_lists = vec![Vec::new(); self.values.len()];
        let mut fields = Vec::new();
        for item in items {
            self.list_fields(item.tree, &mut fields);
            fields.sort_unstable();
            fields.dedup();
            fields.drain(..).for_each(|field: u32| of_lists[field as usize].push(*item));
        }
        of_lists
    }

    fn list_fields(&self, tree: TreeId, fields: &mut Vec<u32>) {
        match self.forest.tree(tree) {
            Tree::Never | Tree::Always => {}
            Tree::Literal(literal) => {
                if matches!(self.access_of(*literal), Access::Points(_) | Access::Mixed(_)) {
                    fields.push(self.field_of(*literal));
                }
            }
            Tree::All(members) | Tree::Any(members) => {
                members.iter().for_each(|&member| self.list_fields(member, fields));
            }
        }
    }

    /// Builds one node and all below it.
    fn node(&mut self, items: &[Item], mut covers: Covers, depth: usize) -> u32 {
        let id = self.nodes.len() as u32;
        self.nodes.push(Node::default());
        let linear = self.list(covers.uncovered.iter().map(|&at| items[at as usize]));
        covers.guards.sort_unstable();
        covers.guards.dedup();
        let fields = covers.guards.chunk_by(|a, b| a.0.field == b.0.field);
        let steps = fields.map(|guards| self.step(id, items, guards, depth)).collect();
        self.nodes[id as usize] = Node { linear, steps };
        id
    }

    fn list(&mut self, items: impl IntoIterator<Item = Item>) -> Span {
        let start = self.filed.len() as u32;
        self.filed.extend(items);
        Span { start, end: self.filed.len() as u32 }
    }

    /// Files what is found by one field, each kind of look-up in its table.
    fn step(&mut self, node: u32, items: &[Item], guards: &[(Guard, u32, bool)], depth: usize) -> Step {
        let (mut prefixes, mut networks, mut has_points) = (Vec::new(), Vec::new(), false);
        let (mut numbers, mut times) = (Vec::new(), Vec::new());
        for group in guards.chunk_by(|a, b| a.0 == b.0) {
            let all = group.iter().map(|&(_, at, _)| items[at as usize]);
            match group[0].0.kind {
                GuardKind::Point(value) => {
                    has_points = true;
                    let left =
                        group.iter().map(|&(_, at, is_small)| self.left(items[at as usize], value, is_small));
                    let left: Vec<Item> = left.filter(|item| item.tree != NEVER).collect();
                    let posting = self.posting(&left, depth);
                    self.points.insert(point_key(node, value), posting);
                }
                GuardKind::Prefix(prefix) => {
                    let span = self.list(all);
                    prefixes.push((self.prefixes[prefix as usize].clone(), span));
                }
                GuardKind::Network(network) => {
                    networks.push((self.networks[network as usize], self.list(all)));
                }
                GuardKind::Interval(scale, low, high) => {
                    let table = if scale == Scale::Number { &mut numbers } else { &mut times };
                    table.push((f64::from_bits(low), f64::from_bits(high), self.list(all)));
                }
            }
        }
        Step {
            field: guards[0].0.field,
            has_points,
            prefixes: (!prefixes.is_empty()).then(|| Prefixes::new(prefixes)),
            networks: (!networks.is_empty()).then(|| Networks::new(networks)),
            numbers: (!numbers.is_empty()).then(|| Intervals::new(numbers)),
            times: (!times.is_empty()).then(|| Intervals::new(times)),
        }
    }

    /// What is left to ask where a value was found.
    fn left(&mut self, item: Item, value: u32, is_small: bool) -> Item {
        if !is_small {
            return item;
        }
        let (field, atom, place) = &self.literals[value as usize];
        let literal = match atom.of_field() {
            Some((_, Test::Equal(literal))) => literal,
            Some((_, Test::OneOf(members))) => &members.items[*place],
            _ => return item, // no other test has a value
        };
        Item { tree: self.forest.assume(item.tree, *field, literal), ..item }
    }

    /// A list, or a node of its own where that is worth it and affordable.
    fn posting(&mut self, items: &[Item], depth: usize) -> Posting {
        let is_worth_it = items.len() > LONG_LIST && items.iter().any(|item| item.tree != ALWAYS);
        if is_worth_it && depth < MAX_NODE_DEPTH {
            let covers = self.covers(items);
            let n_guards = covers.guards.len();
            if n_guards > 0 && n_guards <= self.budget {
                self.budget -= n_guards;
                return Posting::Node(self.node(items, covers, depth + 1));
            }
        }
        Posting::List(self.list(items.iter().copied()))
    }

    fn covers(&self, items: &[Item]) -> Covers {
        let mut counts = Counts::default();
        for item in items {
            self.count(item.tree, &mut counts);
        }
        let (mut covers, mut guards) = (Covers::default(), Vec::new());
        for (at, item) in (0..).zip(items) {
            if self.cost(item.tree, &counts).is_none() {
                covers.uncovered.push(at);
                continue;
            }
            self.collect(item.tree, &counts, &mut guards);
            let is_small = guards.len() <= MAX_ASSUMED;
            covers.guards.extend(guards.drain(..).map(|guard| (guard, at, is_small)));
        }
        covers
    }

    fn count(&self, tree: TreeId, counts: &mut Counts) {
        match self.forest.tree(tree) {
            Tree::Never | Tree::Always => {}
            Tree::Literal(literal) => match self.access_of(*literal) {
                Access::None => {}
                Access::Point(value) => *counts.points.entry(*value).or_default() += 1,
                Access::Points(points) => {
                    points.iter().for_each(|&value| *counts.points.entry(value).or_default() += 1);
                }
                Access::Prefixes(prefixes) => {
                    prefixes.iter().for_each(|&prefix| *counts.prefixes.entry(prefix).or_default() += 1);
                }
                Access::Interval(scale, ..) => {
                    *counts.intervals.entry((self.field_of(*literal), *scale)).or_default() += 1;
                }
                Access::Mixed(kinds) => {
                    kinds.iter().for_each(|kind| *counts.of(self.field_of(*literal), *kind) += 1);
                }
            },
            Tree::All(members) | Tree::Any(members) => {
                members.iter().for_each(|&member| self.count(member, counts));
            }
        }
    }

    /// About how many conditions a look-up by this tree's cover would bring along; `None` without a cover.
    fn cost(&self, tree: TreeId, counts: &Counts) -> Option<u64> {
        match self.forest.tree(tree) {
            Tree::Never => Some(0),
            Tree::Always => None,
            Tree::Literal(literal) => match self.access_of(*literal) {
                Access::None => None,
                Access::Point(value) => Some(2 * counts.points[value]),
                // An event meets one of the points at most; each takes a place in the table.
                Access::Points(points) => {
                    let most = points.iter().map(|value| counts.points[value]).max().unwrap_or(0);
                    Some(2 * most + points.len() as u64 / 8)
                }
                Access::Prefixes(prefixes) => {
                    Some(prefixes.iter().map(|prefix| 4 * counts.prefixes[prefix] + 1).sum())
                }
                // Half of them may lie around the value.
                Access::Interval(scale, ..) => Some(8 + counts.intervals[&(self.field_of(*literal), *scale)]),
                // As values, as prefixes, as intervals.
                Access::Mixed(kinds) => {
                    Some(kinds.iter().map(|kind| 4 + counts.so_far(self.field_of(*literal), *kind)).sum())
                }
            },
            Tree::All(members) => members.iter().filter_map(|&member| self.cost(member, counts)).min(),
            Tree::Any(members) => members.iter().map(|&member| self.cost(member, counts)).sum(),
        }
    }

    /// Appends the guards of the cover that [`Self::cost`] found.
    fn collect(&self, tree: TreeId, counts: &Counts, guards: &mut Vec<Guard>) {
        match self.forest.tree(tree) {
            Tree::Never | Tree::Always => {}
            Tree::Literal(literal) => self.collect_literal(*literal, &[], guards),
            Tree::All(members) => {
                let costs = members.iter().filter_map(|&member| Some((self.cost(member, counts)?, member)));
                let Some((_, best)) = costs.min_by_key(|&(cost, _)| cost) else { return };
                match self.forest.tree(best) {
                    Tree::Literal(literal) => self.collect_literal(*literal, members, guards),
                    _ => self.collect(best, counts, guards),
                }
            }
            Tree::Any(members) => members.iter().for_each(|&member| self.collect(member, counts, guards)),
        }
    }

    /// The guards of a literal, narrowed by the intervals of its siblings in an `all`.
    fn collect_literal(&self, literal: LiteralOf, siblings: &[TreeId], guards: &mut Vec<Guard>) {
        let field = self.field_of(literal);
        match self.access_of(literal) {
            Access::None => {}
            Access::Point(value) => guards.push(Guard { field, kind: GuardKind::Point(*value) }),
            Access::Points(points) => {
                guards.extend(points.iter().map(|&value| Guard { field, kind: GuardKind::Point(value) }));
            }
            Access::Prefixes(prefixes) => {
                guards
                    .extend(prefixes.iter().map(|&prefix| Guard { field, kind: GuardKind::Prefix(prefix) }));
            }
            Access::Mixed(kinds) => guards.extend(kinds.iter().map(|&kind| Guard { field, kind })),
            Access::Interval(scale, low, high) => {
                let (mut low, mut high) = (*low, *high);
                for &sibling in siblings {
                    let Tree::Literal(sibling) = self.forest.tree(sibling) else { continue };
                    match (self.field_of(*sibling) == field, self.access_of(*sibling)) {
                        (true, Access::Interval(other, l, h)) if other == scale => {
                            (low, high) = (low.max(*l), high.min(*h));
                        }
                        _ => {}
                    }
                }
                if low <= high {
                    let kind = GuardKind::Interval(*scale, low.to_bits(), high.to_bits());
                    guards.push(Guard { field, kind });
                }
            }
        }
    }

    /// What a literal can be looked up by: nothing unless it holds only where its test does.
    fn access_of(&self, literal: LiteralOf) -> &Access {
        if literal.accept == Accept::TRUE { &self.access[literal.atom as usize] } else { &Access::None }
    }

    fn field_of(&self, literal: LiteralOf) -> u32 {
        self.forest.atoms[literal.atom as usize].1
    }
}

impl Counts {
    /// The count of one guard.
    fn of(&mut self, field: u32, kind: GuardKind) -> &mut u64 {
        match kind {
            GuardKind::Point(value) => self.points.entry(value).or_default(),
            GuardKind::Prefix(prefix) => self.prefixes.entry(prefix).or_default(),
            GuardKind::Network(network) => self.networks.entry(network).or_default(),
            GuardKind::Interval(scale, ..) => self.intervals.entry((field, scale)).or_default(),
        }
    }

    fn so_far(&self, field: u32, kind: GuardKind) -> u64 {
        let count = match kind {
            GuardKind::Point(value) => self.points.get(&value),
            GuardKind::Prefix(prefix) => self.prefixes.get(&prefix),
            GuardKind::Network(network) => self.networks.get(&network),
            GuardKind::Interval(scale, ..) => self.intervals.get(&(field, scale)),
        };
        count.copied().unwrap_or_default()
    }
}

/// The look-ups of tests, as they are prepared one test after the other.
#[derive(Default)]
struct LookUps {
    values: Vec<Values>,
    literals: Vec<(u32, Arc<Atom>, usize)>,
    prefixes: Vec<Box<[u8]>>,
    prefix_ids: HashMap<(u32, Box<[u8]>), u32, FixedState>,
    networks: Vec<Network>,
    network_ids: HashMap<(u32, Network), u32, FixedState>,
}

impl LookUps {
    fn of(&mut self, atom: &Arc<Atom>, field: u32) -> Access {
        let Some((_, test)) = atom.of_field().filter(|_| field != NO_FIELD) else { return Access::None };
        match test {
            Test::Equal(literal) => Access::Point(self.value(atom, field, 0, literal)),
            Test::OneOf(members) if members.are_plain() => {
                let items = members.items.iter().enumerate();
                let mut points: Vec<u32> =
                    items.map(|(place, item)| self.value(atom, field, place, item)).collect();
                points.sort_unstable();
                Access::Points(points.into())
            }
            Test::OneOf(members) => Access::Mixed(self.mixed(atom, field, members)),
            Test::Within(text, network) => {
                let text = Literal::Text(text.to_string());
                let value = GuardKind::Point(self.value(atom, field, 0, &text));
                Access::Mixed([value, self.network(field, *network)].into())
            }
            Test::Order { than: Literal::Number(number), want, .. } => {
                ray(Scale::Number, number.to_f64(), want.is_lt())
            }
            Test::Order { than: Literal::Time(time), want, .. } => {
                ray(Scale::Time, as_f64(*time), want.is_lt())
            }
            Test::At(time) => Access::Interval(Scale::Time, as_f64(*time), as_f64(*time)),
            _ => match atom.prefixes() {
                Some(prefixes) => {
                    let mut numbers: Vec<u32> =
                        prefixes.into_iter().map(|prefix| self.prefix(field, prefix)).collect();
                    numbers.sort_unstable();
                    numbers.dedup();
                    Access::Prefixes(numbers.into())
                }
                None => Access::None,
            },
        }
    }

    /// A list in which there are more than plain values: each item is looked up as what it equals.
    fn mixed(&mut self, atom: &Arc<Atom>, field: u32, members: &Members) -> Box<[GuardKind]> {
        let mut kinds = Vec::with_capacity(members.items.len());
        for (place, item) in members.items.iter().enumerate() {
            if let Literal::Time(time) = item {
                let bits = as_f64(*time).to_bits();
                kinds.push(GuardKind::Interval(Scale::Time, bits, bits));
                continue;
            }
            kinds.push(GuardKind::Point(self.value(atom, field, place, item)));
            if let Some(network) = item.network() {
                kinds.push(self.network(field, network));
            }
        }
        kinds.into()
    }

    fn network(&mut self, field: u32, network: Network) -> GuardKind {
        let next = self.networks.len() as u32;
        let id = *self.network_ids.entry((field, network)).or_insert(next);
        if id == next {
            self.networks.push(network);
        }
        GuardKind::Network(id)
    }

    /// The number of a value of a field.
    fn value(&mut self, atom: &Arc<Atom>, field: u32, place: usize, literal: &Literal) -> u32 {
        let next = self.literals.len() as u32;
        let id = self.values[field as usize].intern(literal, next);
        if id == next {
            self.literals.push((field, Arc::clone(atom), place));
        }
        id
    }

    /// The number of a prefix of a field.
    fn prefix(&mut self, field: u32, prefix: Box<[u8]>) -> u32 {
        let next = self.prefixes.len() as u32;
        let id = *self.prefix_ids.entry((field, prefix.clone())).or_insert(next);
        if id == next {
            self.prefixes.push(prefix);
        }
        id
    }
}

/// All that is below (or above) an end, which is part of it: rounding to floats keeps order, not difference.
const fn ray(scale: Scale, end: f64, is_below: bool) -> Access {
    if is_below {
        Access::Interval(scale, f64::NEG_INFINITY, end)
    } else {
        Access::Interval(scale, end, f64::INFINITY)
    }
}
