//! A compiled condition with a three-valued verdict.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::atom::{Atom, each_of};
use crate::field::{Fields, Found, View};
use crate::short::Short;
use crate::test::Test;
use crate::{
    Expr, FieldPath, Literal, Missing, Op, Operand, Predicate, Problem, Quantifier, Right, Scope, Set,
    Verdict, version,
};

/// A compiled condition. Cheap to clone; asking it never fails and never panics, and allocates only what
/// functions such as `tolower` make, and searches in any case in texts that would take long otherwise.
///
/// ```
/// use lanner_conditions::{Condition, Missing, Verdict};
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
    Test { atom: Arc<Atom>, quick: Option<TextIs>, is_negated: bool },
    Not(Box<Node>),
    And(Box<[Node]>),
    Or(Box<[Node]>),
}

/// A field is a text: the commonest test by far, with all that it needs side by side.
#[derive(Debug)]
pub(crate) struct TextIs {
    field: FieldPath,
    text: Short,
}

impl TextIs {
    /// The test behind an atom, if it is one.
    fn of(atom: &Atom) -> Option<Self> {
        match atom.of_field()? {
            (field, Test::Equal(Literal::Text(text))) => {
                Some(Self { field: field.clone(), text: Short::new(text.as_str()) })
            }
            _ => None,
        }
    }

    #[inline]
    fn verdict(&self, fields: &impl Fields) -> Verdict {
        match self.field.view(fields) {
            Some(View::Text(text)) => self.text.is(text).into(),
            Some(_) => Verdict::False,
            None => Verdict::Unknown,
        }
    }

    #[inline(always)] // the text goes through registers
    fn holds(&self, fields: &impl Fields) -> bool {
        matches!(fields.text(&self.field), Found::Text(text) if self.text.is(text))
    }
}

impl Condition {
    /// Reads and compiles a condition.
    ///
    /// # Errors
    /// Everything that is wrong with the text; see [`parse`](crate::parse()).
    pub fn compile(text: &str) -> Result<Self, Vec<Problem>> {
        crate::parse(text).map(Self::from_expr)
    }

    /// As [`Self::compile`], with declared fields, lists and macros.
    ///
    /// # Errors
    /// Everything that is wrong with the text, and what contradicts the declarations.
    pub fn compile_in(text: &str, scope: &Scope) -> Result<Self, Vec<Problem>> {
        crate::parse_in(text, scope).map(Self::from_expr)
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
        self.0.expr.each_test(&mut |predicate| {
            predicate.each_field(&mut |field| {
                fields.insert(field);
            });
        });
        fields.into_iter().cloned().collect()
    }

    /// What is allowed in it and hardly meant, each as a lower-case fragment.
    ///
    /// ```
    /// let condition = lanner_conditions::Condition::compile(r#"version < "1.10.0""#).unwrap();
    /// assert!(condition.warnings()[0].ends_with(r#"semver(version) < "1.10.0" compares versions"#));
    /// ```
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        self.0.expr.each_test(&mut |predicate| warnings.extend(version::warning(predicate)));
        warnings
    }

    /// What it says of `fields`. Cost: at most one look-up and one test per predicate; stops early.
    #[must_use]
    #[inline]
    pub fn verdict(&self, fields: &impl Fields, missing: Missing) -> Verdict {
        self.0.root.verdict(fields, missing)
    }

    /// Whether it holds for `fields`.
    #[must_use]
    #[inline]
    pub fn matches(&self, fields: &impl Fields, missing: Missing) -> bool {
        self.0.root.holds(fields, missing)
    }

    pub(crate) fn root(&self) -> &Node {
        &self.0.root
    }
}

impl Predicate {
    /// Calls `visit` for each field it reads.
    pub fn each_field<'p>(&'p self, visit: &mut impl FnMut(&'p FieldPath)) {
        self.left.each_field(visit);
        if let Some(right) = self.op.right_operand() {
            right.each_field(visit);
        }
    }
}

impl Op {
    /// What stands on the right, if that comes from the event as well.
    pub(crate) const fn right_operand(&self) -> Option<&Operand> {
        match self {
            Self::Compare(_, Right::Operand(right))
            | Self::Text(_, Right::Operand(right))
            | Self::GlobOf(_, right)
            | Self::In(Set::Operand(right))
            | Self::NotIn(Set::Operand(right))
            | Self::Intersects(Set::Operand(right))
            | Self::Pmatch(Set::Operand(right)) => Some(right),
            _ => None,
        }
    }
}

impl Node {
    pub(crate) fn of(expr: &Expr) -> Self {
        match expr {
            Expr::Constant(value) => Self::Constant(*value),
            Expr::Test(predicate) => Self::of_test(predicate),
            Expr::Not(inner) => Self::Not(Box::new(Self::of(inner))),
            Expr::And(members) => Self::And(members.iter().map(Self::of).collect()),
            Expr::Or(members) => Self::Or(members.iter().map(Self::of).collect()),
        }
    }

    /// Tests of `anyof` and `allof` become members of their own, so that an index can look each up.
    fn of_test(predicate: &Predicate) -> Self {
        match each_of(predicate) {
            Some((_, members)) if members.is_empty() => Self::Constant(false),
            Some((quantifier, members)) => {
                let members = members.iter().map(Self::of_test).collect();
                if quantifier == Quantifier::All { Self::And(members) } else { Self::Or(members) }
            }
            None => {
                let (atom, is_negated) = Atom::of(predicate);
                Self::Test { quick: TextIs::of(&atom), atom: Arc::new(atom), is_negated }
            }
        }
    }

    #[inline]
    pub(crate) fn verdict(&self, fields: &impl Fields, missing: Missing) -> Verdict {
        // The commonest come first, one by one: a jump through a table is mispredicted where they take turns.
        if let Self::Test { quick: Some(test), is_negated, .. } = self {
            return missing.settle(test.verdict(fields).negate_if(*is_negated));
        }
        if let Self::And(members) = self {
            return join(members, Verdict::False, fields, missing);
        }
        self.other_verdict(fields, missing)
    }

    /// Whether the verdict is `True`, which for `and` takes that of each member, whatever else they could be.
    #[inline]
    fn holds(&self, fields: &impl Fields, missing: Missing) -> bool {
        match self {
            Self::And(members) => members.iter().all(|member| member.holds_by_itself(fields, missing)),
            _ => self.holds_by_itself(fields, missing),
        }
    }

    #[inline(always)]
    fn holds_by_itself(&self, fields: &impl Fields, missing: Missing) -> bool {
        match self {
            Self::Test { quick: Some(test), is_negated: false, .. } => test.holds(fields),
            _ => self.verdict(fields, missing) == Verdict::True,
        }
    }

    #[inline(never)]
    fn other_verdict(&self, fields: &impl Fields, missing: Missing) -> Verdict {
        match self {
            Self::Test { atom, is_negated, .. } => {
                missing.settle(atom.verdict(fields).negate_if(*is_negated))
            }
            Self::And(members) => join(members, Verdict::False, fields, missing),
            Self::Or(members) => join(members, Verdict::True, fields, missing),
            Self::Not(inner) => inner.verdict(fields, missing).negate_if(true),
            Self::Constant(value) => (*value).into(),
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
