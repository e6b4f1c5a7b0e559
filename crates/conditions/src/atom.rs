//! A compiled test without negation: the unit that conditions share in an index.

use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::fast::FixedState;

use crate::field::Fields;
use crate::path::PathPattern;
use crate::relation::Relation;
use crate::test::{Members, Test};
use crate::version::with_keys;
use crate::{
    Comparison, EachOp, FieldPath, Literal, MatchOp, Op, Operand, Predicate, Quantifier, Right, Set, Verdict,
};

/// A test of a value. Two atoms are equal when they ask the same of the same value.
#[derive(Debug)]
pub(crate) struct Atom {
    left: Operand,
    ask: Ask,
    /// The operator it was made of; `negated` operators and their opposites make equal atoms.
    op: Op,
    /// Of all of it, so that an index need not read it again.
    hash: u64,
}

/// What is asked of the left side.
#[derive(Debug)]
pub(crate) enum Ask {
    /// By itself.
    Test(Test),
    /// Towards another value of the event.
    Relation(Relation, Operand),
}

impl Atom {
    /// The atom behind a predicate, and whether the operator negates it.
    pub(crate) fn of(predicate: &Predicate) -> (Self, bool) {
        let (ask, is_negated) = Ask::of(&with_keys(&predicate.left, &predicate.op));
        let op = if is_negated { positive(&predicate.op) } else { predicate.op.clone() };
        let left = predicate.left.clone();
        let hash = FixedState::default().hash_one((&left, &op));
        (Self { left, ask, op, hash }, is_negated)
    }

    /// The test and its field, where it is one of a field by itself: what an index looks up.
    pub(crate) const fn of_field(&self) -> Option<(&FieldPath, &Test)> {
        match (&self.left, &self.ask) {
            (Operand::Field(field), Ask::Test(test)) => Some((field, test)),
            _ => None,
        }
    }

    /// Whether it asks if something is there, which is never unknown.
    pub(crate) fn is_exists(&self) -> bool {
        self.op == Op::Exists
    }

    /// Calls `visit` for each field it reads.
    pub(crate) fn each_field<'a>(&'a self, visit: &mut impl FnMut(&'a FieldPath)) {
        self.left.each_field(visit);
        if let Ask::Relation(_, right) = &self.ask {
            right.each_field(visit);
        }
    }

    /// What it says of `fields`.
    #[inline]
    pub(crate) fn verdict(&self, fields: &impl Fields) -> Verdict {
        match (&self.left, &self.ask) {
            (Operand::Field(field), Ask::Test(test)) => test.verdict(field.view(fields)),
            _ => self.computed(fields),
        }
    }

    /// Apart, so that the common case stays small.
    #[inline(never)]
    fn computed(&self, fields: &impl Fields) -> Verdict {
        let left = self.left.value(fields);
        let left = left.as_ref().map(|held| held.view());
        match &self.ask {
            Ask::Test(test) => test.verdict(left),
            Ask::Relation(relation, right) => match (left, right.value(fields)) {
                (Some(left), Some(right)) => relation.verdict(left, right.view()),
                _ => Verdict::Unknown,
            },
        }
    }

    /// What a text must begin with for the test to hold, if that is anything: one of these.
    pub(crate) fn prefixes(&self) -> Option<Vec<Box<[u8]>>> {
        let found: Vec<Box<[u8]>> = match (self.of_field()?.1, &self.op) {
            (Test::StartsWith(start), _) => vec![start.clone()],
            (Test::Below(paths), _) => paths.iter().map(|path| path.prefix().as_bytes().into()).collect(),
            (Test::Pattern(_), Op::Match(pattern)) => vec![pattern.fixed_start().as_bytes().into()],
            _ => return None,
        };
        (!found.is_empty() && found.iter().all(|start| !start.is_empty())).then_some(found)
    }

    /// The order of costs: cheap tests are asked first.
    pub(crate) const fn cost(&self) -> u8 {
        match self.of_field() {
            Some((_, test)) => test.cost(),
            None => u8::MAX - 1,
        }
    }
}

impl Ask {
    fn of(op: &Op) -> (Self, bool) {
        let test = |test| (Self::Test(test), false);
        let relation = |relation, right: &Operand| (Self::Relation(relation, right.clone()), false);
        let negated = |(ask, _)| (ask, true);
        match op {
            Op::Truthy => test(Test::Truthy),
            Op::Exists => test(Test::Exists),
            Op::Compare(comparison, Right::Literal(literal)) => {
                let (test, is_negated) = Test::of_comparison(*comparison, literal);
                (Self::Test(test), is_negated)
            }
            Op::Compare(comparison, Right::Operand(right)) => {
                let (relation, is_negated) = Relation::of_comparison(*comparison);
                (Self::Relation(relation, right.clone()), is_negated)
            }
            Op::In(Set::Items(items)) => test(Test::OneOf(Members::new(items, false))),
            Op::In(Set::Operand(right)) => relation(Relation::In, right),
            Op::NotIn(set) => negated(Self::of(&Op::In(set.clone()))),
            Op::Holds(item) => test(Test::Holds(item.clone())),
            Op::NotHolds(item) => (Self::Test(Test::Holds(item.clone())), true),
            Op::Intersects(Set::Items(items)) => test(Test::OneOf(Members::new(items, true))),
            Op::Intersects(Set::Operand(right)) => relation(Relation::Intersects, right),
            Op::Pmatch(Set::Items(items)) => test(Test::Below(items.iter().filter_map(path).collect())),
            Op::Pmatch(Set::Operand(right)) => relation(Relation::Below, right),
            Op::Text(op, Right::Literal(Literal::Text(text))) => test(Test::of_text(*op, text)),
            Op::Text(op, Right::Literal(other)) => test(Test::of_text(*op, &other.to_string())),
            Op::Text(op, Right::Operand(right)) => relation(Relation::Text(*op), right),
            Op::Match(pattern) => {
                (Self::Test(Test::Pattern(pattern.compiled().clone())), pattern.op().is_negated())
            }
            Op::GlobOf(any_case, right) => relation(Relation::Glob(*any_case), right),
            Op::Each(_, tests) => test(Test::ExactlyOne(tests.iter().map(Test::of_each).collect())),
        }
    }
}

/// A pattern of `pmatch`; the parser has refused what is none.
fn path(item: &Literal) -> Option<PathPattern> {
    match item {
        Literal::Text(text) => PathPattern::new(text).ok(),
        _ => None,
    }
}

/// The several tests of an `anyof` or `allof`, as predicates of their own; `None` for any other predicate.
pub(crate) fn each_of(predicate: &Predicate) -> Option<(Quantifier, Vec<Predicate>)> {
    let Op::Each(quantifier @ (Quantifier::Any | Quantifier::All), tests) = &predicate.op else {
        return None;
    };
    let op = |test: &EachOp| match test {
        EachOp::Compare(comparison, literal) => Op::Compare(*comparison, Right::Literal(literal.clone())),
        EachOp::Text(op, text) => Op::Text(*op, Right::Literal(Literal::Text(text.clone()))),
        EachOp::Match(pattern) => Op::Match(pattern.clone()),
    };
    let members = tests.iter().map(|test| Predicate { left: predicate.left.clone(), op: op(test) });
    Some((*quantifier, members.collect()))
}

/// The operator without its negation, so that `x != 1` and `x == 1` share one atom.
fn positive(op: &Op) -> Op {
    match op {
        Op::Compare(Comparison::NotEqual, right) => Op::Compare(Comparison::Equal, right.clone()),
        Op::NotIn(set) => Op::In(set.clone()),
        Op::NotHolds(item) => Op::Holds(item.clone()),
        Op::Match(pattern) if pattern.op() == MatchOp::NotStart => Op::Match(pattern.with_op(MatchOp::Start)),
        Op::Match(pattern) if pattern.op() == MatchOp::NotSearch => {
            Op::Match(pattern.with_op(MatchOp::Search))
        }
        other => other.clone(),
    }
}

impl PartialEq for Atom {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.left == other.left && self.op == other.op
    }
}

impl Eq for Atom {}

impl Hash for Atom {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}
