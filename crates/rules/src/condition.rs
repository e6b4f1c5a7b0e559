//! A condition ready to be asked: its tests compiled, its verdict three-valued.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::field::Fields;
use crate::test::Test;
use crate::{Expr, FieldPath, Op, Predicate, Problem};

/// What a condition says of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It holds.
    True,
    /// It does not.
    False,
    /// A field that decides is missing, or is not of a kind that could be asked this. Counts as no match.
    Unknown,
}

impl Verdict {
    pub(crate) const fn negate_if(self, is_negated: bool) -> Self {
        match (self, is_negated) {
            (Self::True, true) => Self::False,
            (Self::False, true) => Self::True,
            (verdict, _) => verdict,
        }
    }
}

impl From<bool> for Verdict {
    fn from(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }
}

/// What a test of a missing field comes to. `x exists` is `True` or `False` in both modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Missing {
    /// `Unknown`, and so is its negation; `and` and `or` follow Kleene's logic.
    Kleene,
    /// `False`, whatever is asked, as Falco has it: `x != 1` and `x not in (1)` are false without `x`, and
    /// `not x == 1` is true. What would be `Unknown` for another reason is `False` as well.
    False,
}

impl Missing {
    /// A test's verdict in this mode.
    pub(crate) const fn settle(self, verdict: Verdict) -> Verdict {
        match (self, verdict) {
            (Self::False, Verdict::Unknown) => Verdict::False,
            _ => verdict,
        }
    }
}

/// A compiled condition. Cheap to clone; asking it never fails, never panics and allocates nothing.
///
/// ```
/// use lanner_rules::{Condition, Missing, Verdict};
/// let condition = Condition::compile(r#"status == "ok" and amount > 10"#).unwrap();
/// let event = serde_json::json!({"status": "ok", "amount": 12.5});
/// let event = event.as_object().unwrap();
/// assert!(condition.matches(event, Missing::Kleene));
///
/// let event = serde_json::json!({"status": "ok"});
/// assert_eq!(condition.verdict(event.as_object().unwrap(), Missing::Kleene), Verdict::Unknown);
/// ```
#[derive(Debug, Clone)]
pub struct Condition(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    expr: Expr,
    root: Node,
}

/// A compiled [`Expr`].
#[derive(Debug)]
pub(crate) enum Node {
    Constant(bool),
    Test { atom: Arc<Atom>, is_negated: bool },
    Not(Box<Node>),
    And(Box<[Node]>),
    Or(Box<[Node]>),
}

/// A test of a field, without negation. Two atoms are equal when they ask the same of the same field.
#[derive(Debug)]
pub(crate) struct Atom {
    pub(crate) field: FieldPath,
    pub(crate) test: Test,
    /// The operator it was made of; `negated` operators and their opposites make equal atoms.
    op: Op,
    /// Of field and operator, so that an index need not read them again.
    hash: u64,
}

impl Condition {
    /// Reads and compiles a condition.
    ///
    /// # Errors
    /// Everything that is wrong with the text; see [`parse`](crate::parse()).
    pub fn compile(text: &str) -> Result<Self, Vec<Problem>> {
        crate::parse(text).map(Self::from_expr)
    }

    /// Compiles a condition that was read before.
    #[must_use]
    pub fn from_expr(expr: Expr) -> Self {
        let root = Node::of(&expr);
        Self(Arc::new(Inner { expr, root }))
    }

    /// The condition as it was read; its `Display` is the canonical text.
    #[must_use]
    pub fn expr(&self) -> &Expr {
        &self.0.expr
    }

    /// The fields it mentions, each once, in order of their names.
    #[must_use]
    pub fn fields(&self) -> Vec<FieldPath> {
        let mut fields = BTreeSet::new();
        collect_fields(&self.0.expr, &mut fields);
        fields.into_iter().cloned().collect()
    }

    /// What it says of `fields`. Cost: at most one look-up and one test per predicate; stops early.
    #[must_use]
    pub fn verdict(&self, fields: &impl Fields, missing: Missing) -> Verdict {
        self.0.root.verdict(fields, missing)
    }

    /// Whether it holds for `fields`.
    #[must_use]
    pub fn matches(&self, fields: &impl Fields, missing: Missing) -> bool {
        self.verdict(fields, missing) == Verdict::True
    }

    pub(crate) fn root(&self) -> &Node {
        &self.0.root
    }
}

fn collect_fields<'e>(expr: &'e Expr, fields: &mut BTreeSet<&'e FieldPath>) {
    match expr {
        Expr::Constant(_) => {}
        Expr::Test(predicate) => {
            fields.insert(&predicate.field);
        }
        Expr::Not(inner) => collect_fields(inner, fields),
        Expr::And(members) | Expr::Or(members) => {
            members.iter().for_each(|member| collect_fields(member, fields));
        }
    }
}

impl Node {
    fn of(expr: &Expr) -> Self {
        match expr {
            Expr::Constant(value) => Self::Constant(*value),
            Expr::Test(predicate) => {
                let (atom, is_negated) = Atom::of(predicate);
                Self::Test { atom: Arc::new(atom), is_negated }
            }
            Expr::Not(inner) => Self::Not(Box::new(Self::of(inner))),
            Expr::And(members) => Self::And(members.iter().map(Self::of).collect()),
            Expr::Or(members) => Self::Or(members.iter().map(Self::of).collect()),
        }
    }

    fn verdict(&self, fields: &impl Fields, missing: Missing) -> Verdict {
        match self {
            Self::Constant(value) => (*value).into(),
            Self::Test { atom, is_negated } => {
                let verdict = atom.test.verdict(atom.field.view(fields));
                missing.settle(verdict.negate_if(*is_negated))
            }
            Self::Not(inner) => inner.verdict(fields, missing).negate_if(true),
            Self::And(members) => join(members, Verdict::False, fields, missing),
            Self::Or(members) => join(members, Verdict::True, fields, missing),
        }
    }
}

/// `and` is decided by the first `False`, `or` by the first `True`; else one `Unknown` makes it unknown.
fn join(members: &[Node], decisive: Verdict, fields: &impl Fields, missing: Missing) -> Verdict {
    let mut joined = decisive.negate_if(true);
    for member in members {
        match member.verdict(fields, missing) {
            verdict if verdict == decisive => return decisive,
            Verdict::Unknown => joined = Verdict::Unknown,
            _ => {}
        }
    }
    joined
}

impl Atom {
    fn of(predicate: &Predicate) -> (Self, bool) {
        let (test, is_negated) = Test::of(&predicate.op);
        let op = positive(&predicate.op);
        let field = predicate.field.clone();
        let hash = FixedState::default().hash_one((&field, &op));
        (Self { field, test, op, hash }, is_negated)
    }
}

impl Atom {
    /// What a text must begin with to fit a glob pattern, if that is anything.
    pub(crate) fn glob_prefix(&self) -> Option<&str> {
        let Op::Match(pattern) = &self.op else { return None };
        if pattern.op() != crate::MatchOp::Glob {
            return None;
        }
        let prefix = pattern.text().split(['*', '?', '[', '\\']).next().unwrap_or_default();
        (!prefix.is_empty()).then_some(prefix)
    }
}

/// The operator without its negation, so that `x != 1` and `x == 1` share one atom.
fn positive(op: &Op) -> Op {
    use crate::{Comparison, MatchOp};
    match op {
        Op::Compare(Comparison::NotEqual, literal) => Op::Compare(Comparison::Equal, literal.clone()),
        Op::NotIn(items) => Op::In(items.clone()),
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
        self.hash == other.hash && self.field == other.field && self.op == other.op
    }
}

impl Eq for Atom {}

impl Hash for Atom {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}
