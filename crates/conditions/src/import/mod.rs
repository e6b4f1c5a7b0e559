//! Conditions from other languages.
//!
//! Each is read by a reader of its own, as the original reads it, and becomes an [`Expr`], whose text is
//! a condition. What has no counterpart here is reported with its place and never left out in silence.
//!
//! Reading order: [`rule_engine()`], [`json_logic()`], [`flagd()`] (whole files of the latter).

mod choices;
mod flagd;
mod json_logic;
mod rule_engine;
mod share;
mod terms;
mod two_valued;

pub use self::flagd::{Case, Flag, FlagdFile, Variant, flagd};
pub use self::json_logic::{PointedProblem, json_logic};
pub use self::rule_engine::{Release, rule_engine};

use crate::{Comparison, Expr, Literal, MAX_TESTS, Problem};

/// A condition that can be written and read again: one that stays below the limits.
///
/// # Errors
/// Which limit it exceeds.
fn within_limits(expr: Expr) -> Result<Expr, Problem> {
    match crate::parse(&expr.to_string()) {
        Ok(_) => Ok(expr),
        Err(problems) => {
            let problem = problems.into_iter().next();
            Err(problem
                .map_or_else(|| Problem::whole("it is too large"), |problem| Problem::whole(problem.message)))
        }
    }
}

/// Why a literal does not mean here what it means in languages that know neither networks nor an order of all values.
fn differs(comparison: Comparison, literal: &Literal) -> Option<&'static str> {
    let has_order = matches!(literal, Literal::Number(_) | Literal::Text(_) | Literal::Time(_));
    if comparison.is_order() {
        return (!has_order).then_some("this has no order here");
    }
    literal.network().map(|_| "this would equal every address that it stands for")
}

/// How many tests a condition has; at least one.
fn n_tests(expr: &Expr) -> usize {
    let mut n = 1;
    expr.each_test(&mut |_| n += 1);
    n
}

/// `asked ? yes : no`, as short as it can be said.
fn choose(asked: Expr, yes: Expr, no: Expr) -> Expr {
    let not = |expr: Expr| Expr::Not(Box::new(expr));
    match (yes, no) {
        (Expr::Constant(true), Expr::Constant(false)) => asked,
        (Expr::Constant(false), Expr::Constant(true)) => not(asked),
        (Expr::Constant(yes), Expr::Constant(_)) => Expr::Constant(yes),
        (Expr::Constant(true), no) => Expr::or(vec![asked, no]),
        (Expr::Constant(false), no) => Expr::and(vec![not(asked), no]),
        (yes, Expr::Constant(false)) => Expr::and(vec![asked, yes]),
        (yes, Expr::Constant(true)) => Expr::or(vec![not(asked), yes]),
        // Said twice it would be larger with each choice of a choice; so large it is refused whatever it says.
        (yes, no) if n_tests(&asked) > MAX_TESTS => Expr::and(vec![asked, yes, no]),
        (yes, no) => Expr::or(vec![Expr::and(vec![asked.clone(), yes]), Expr::and(vec![not(asked), no])]),
    }
}
