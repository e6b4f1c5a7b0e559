//! Conditions of languages in which every test is either true or false.

use super::terms::{of_field, test};
use crate::expr::{EachOp, Quantifier, Right, Set};
use crate::{Comparison, Expr, FieldPath, Function, Literal, Op, Operand, Predicate};

/// The same condition, but false where it would be unknown: under a `not` each test asks for its fields as well, and
/// whether they are of a kind that can be asked this. Elsewhere what is unknown does not match anyway.
pub(super) fn two_valued(expr: Expr) -> Expr {
    settled(expr, false)
}

fn settled(expr: Expr, is_negated: bool) -> Expr {
    let all = |members: Vec<Expr>| members.into_iter().map(|member| settled(member, is_negated)).collect();
    match expr {
        Expr::Not(inner) => Expr::Not(Box::new(settled(*inner, !is_negated))),
        Expr::And(members) => Expr::and(all(members)),
        Expr::Or(members) => Expr::or(all(members)),
        Expr::Test(predicate) if is_negated && predicate.op != Op::Exists => {
            let mut members = Vec::new();
            guard(&predicate.left, &mut members);
            if let Some(right) = predicate.op.right_operand() {
                guard(right, &mut members);
            }
            members.extend(of_kind(&predicate));
            members.push(Expr::Test(predicate));
            Expr::and(members)
        }
        other => other,
    }
}

/// Asks whether there is a value; for a function also whether there is one of what it is given.
fn guard(operand: &Operand, members: &mut Vec<Expr>) {
    let exists = Expr::Test(Predicate { left: operand.clone(), op: Op::Exists });
    if !members.contains(&exists) {
        members.push(exists);
    }
}

/// Asks whether the fields are of a kind that can be asked this, where not all are.
fn of_kind(predicate: &Predicate) -> Option<Expr> {
    let Operand::Field(field) = &predicate.left else { return None };
    Some(match &predicate.op {
        Op::Compare(comparison, Right::Literal(literal)) if comparison.is_order() => match literal {
            Literal::Number(_) => is_of(field, &["number"]),
            _ => is_of(field, &["text"]),
        },
        Op::Compare(comparison, Right::Operand(Operand::Field(right))) if comparison.is_order() => {
            let kind = Right::Operand(of_field(Function::Type, right));
            let left = of_field(Function::Type, field);
            let same = Expr::Test(Predicate { left, op: Op::Compare(Comparison::Equal, kind) });
            Expr::and(vec![is_of(field, &["number", "text"]), same])
        }
        Op::Text(_, Right::Operand(Operand::Field(right))) => {
            Expr::and(vec![is_of(field, &["text"]), is_of(right, &["text"])])
        }
        Op::Text(..) => is_of(field, &["text"]),
        Op::Holds(Literal::Text(_)) => is_of(field, &["text", "list", "object"]),
        Op::Holds(_) => is_of(field, &["list", "object"]),
        Op::In(Set::Operand(Operand::Field(container))) => Expr::or(vec![
            is_of(container, &["list"]),
            Expr::and(vec![is_of(container, &["text", "object"]), is_of(field, &["text"])]),
        ]),
        _ => return None,
    })
}

/// Whether a field, which is there, is of one of the kinds.
pub(super) fn is_of(field: &FieldPath, kinds: &[&str]) -> Expr {
    let kind = |kind: &&str| Literal::Text((*kind).to_owned());
    let op = match kinds {
        [only] => Op::Compare(Comparison::Equal, Right::Literal(kind(only))),
        _ => {
            let each = kinds.iter().map(|word| EachOp::Compare(Comparison::Equal, kind(word)));
            Op::Each(Quantifier::Any, each.collect())
        }
    };
    Expr::Test(Predicate { left: of_field(Function::Type, field), op })
}

/// Whether a field is there and of that kind.
pub(super) fn is_there_as(field: &FieldPath, kind: &str) -> Expr {
    Expr::and(vec![test(field.clone(), Op::Exists), is_of(field, &[kind])])
}
