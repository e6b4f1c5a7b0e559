//! Conditions as monotone trees over shared tests.
//!
//! With every negation pushed down to the tests, a condition is `True` exactly when a tree of `all` and
//! `any` over *literals* is: a literal is a test and the verdicts of it that count as yes. Kleene's logic
//! and the mode for missing fields are both settled in that set, so the trees need no third value.
//! Equal trees exist once, whatever the order of their members.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::atom::Atom;
use crate::condition::Node;
use crate::test::as_view;
use crate::{FieldPath, Literal, Missing, Verdict};

/// Where a tree lies in the forest.
pub(super) type TreeId = u32;
/// The field of a test that is about more than one field by itself.
pub(super) const NO_FIELD: u32 = u32::MAX;
/// The tree of a condition that cannot hold.
pub(super) const NEVER: TreeId = 0;
/// The tree of a condition that always holds.
pub(super) const ALWAYS: TreeId = 1;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Tree {
    Never,
    Always,
    Literal(LiteralOf),
    All(Box<[TreeId]>),
    Any(Box<[TreeId]>),
}

/// A test, and the verdicts of it that count as yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct LiteralOf {
    pub(super) atom: u32,
    pub(super) accept: Accept,
}

/// A set of verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Accept(u8);

impl Accept {
    /// `True` alone: the literal can hold only where its test does.
    pub(super) const TRUE: Self = Self(1);

    #[inline]
    pub(super) const fn has(self, verdict: Verdict) -> bool {
        self.0 & Self::bit(verdict) != 0
    }

    const fn bit(verdict: Verdict) -> u8 {
        match verdict {
            Verdict::True => 1,
            Verdict::False => 2,
            Verdict::Unknown => 4,
        }
    }

    /// The verdicts of a test for which the literal around it is `True`.
    fn of(atom: &Atom, op_negates: bool, missing: Missing, is_negated: bool) -> Self {
        let mut bits = 0;
        for verdict in [Verdict::True, Verdict::False, Verdict::Unknown] {
            let can_be = !(atom.is_exists() && verdict == Verdict::Unknown);
            let settled = missing.settle(verdict.negate_if(op_negates)).negate_if(is_negated);
            if can_be && settled == Verdict::True {
                bits |= Self::bit(verdict);
            }
        }
        Self(bits)
    }
}

/// All trees of an index, its tests and its fields; each once.
#[derive(Debug, Default)]
pub(super) struct Forest {
    trees: Vec<Tree>,
    tree_ids: HashMap<Tree, TreeId, FixedState>,
    /// Each test, and the number of its field if it is a test of one field by itself; else [`NO_FIELD`].
    pub(super) atoms: Vec<(Arc<Atom>, u32)>,
    atom_ids: HashMap<Arc<Atom>, u32, FixedState>,
    pub(super) fields: Vec<FieldPath>,
    field_ids: HashMap<FieldPath, u32, FixedState>,
}

impl Forest {
    /// With room for about `n` conditions.
    pub(super) fn with_capacity(n: usize) -> Self {
        let mut forest = Self::default();
        forest.tree_ids.reserve(2 * n);
        forest.atom_ids.reserve(n);
        forest.intern(Tree::Never);
        forest.intern(Tree::Always);
        forest
    }

    pub(super) fn tree(&self, id: TreeId) -> &Tree {
        &self.trees[id as usize]
    }

    pub(super) fn atom(&self, literal: LiteralOf) -> &Atom {
        &self.atoms[literal.atom as usize].0
    }

    fn intern(&mut self, tree: Tree) -> TreeId {
        if let Some(&id) = self.tree_ids.get(&tree) {
            return id;
        }
        let id = self.trees.len() as TreeId;
        self.trees.push(tree.clone());
        self.tree_ids.insert(tree, id);
        id
    }

    /// The tree of a condition, or of its negation.
    pub(super) fn add(&mut self, node: &Node, missing: Missing, is_negated: bool) -> TreeId {
        match node {
            Node::Constant(value) => {
                if *value == is_negated {
                    NEVER
                } else {
                    ALWAYS
                }
            }
            Node::Test { atom, is_negated: op_negates, .. } => {
                let accept = Accept::of(atom, *op_negates, missing, is_negated);
                let atom = self.add_atom(atom);
                self.intern(Tree::Literal(LiteralOf { atom, accept }))
            }
            Node::Not(inner) => self.add(inner, missing, !is_negated),
            Node::And(members) | Node::Or(members) => {
                let is_all = matches!(node, Node::And(_)) != is_negated;
                let members = members.iter().map(|member| self.add(member, missing, is_negated)).collect();
                self.join(is_all, members)
            }
        }
    }

    fn add_atom(&mut self, atom: &Arc<Atom>) -> u32 {
        if let Some(&id) = self.atom_ids.get(atom) {
            return id;
        }
        let mut field = NO_FIELD;
        atom.each_field(&mut |path| {
            let next = self.fields.len() as u32;
            field = *self.field_ids.entry(path.clone()).or_insert(next);
            if field == next {
                self.fields.push(path.clone());
            }
        });
        if atom.of_field().is_none() {
            field = NO_FIELD;
        }
        let id = self.atoms.len() as u32;
        self.atoms.push((Arc::clone(atom), field));
        self.atom_ids.insert(Arc::clone(atom), id);
        id
    }

    /// All of `members`, or any of them; cheap ones first.
    fn join(&mut self, is_all: bool, mut members: Vec<TreeId>) -> TreeId {
        let (neutral, decisive) = if is_all { (ALWAYS, NEVER) } else { (NEVER, ALWAYS) };
        if members.contains(&decisive) {
            return decisive;
        }
        members.retain(|&member| member != neutral);
        members.sort_unstable_by_key(|&member| (self.cost(member), member));
        members.dedup();
        match members[..] {
            [] => neutral,
            [only] => only,
            _ => self.intern(if is_all { Tree::All(members.into()) } else { Tree::Any(members.into()) }),
        }
    }

    fn cost(&self, tree: TreeId) -> u8 {
        match self.tree(tree) {
            Tree::Never | Tree::Always => 0,
            Tree::Literal(literal) => self.atom(*literal).cost(),
            Tree::All(_) | Tree::Any(_) => u8::MAX,
        }
    }

    /// What is left of `tree` where `field` is known to equal `value`: nothing asks for that field any more.
    pub(super) fn assume(&mut self, tree: TreeId, field: u32, value: &Literal) -> TreeId {
        let (is_all, members) = match self.tree(tree) {
            Tree::Never | Tree::Always => return tree,
            Tree::Literal(literal) => {
                let (atom, field_of) = &self.atoms[literal.atom as usize];
                let Some((_, test)) = atom.of_field().filter(|_| *field_of == field) else { return tree };
                let is_yes = literal.accept.has(test.verdict(as_view(value)));
                return if is_yes { ALWAYS } else { NEVER };
            }
            Tree::All(members) => (true, members.clone()),
            Tree::Any(members) => (false, members.clone()),
        };
        let left: Vec<TreeId> = members.iter().map(|&member| self.assume(member, field, value)).collect();
        if left[..] == members[..] { tree } else { self.join(is_all, left) }
    }
}
