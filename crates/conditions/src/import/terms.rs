//! Tests and functions of one field.

use crate::{Argument, Call, Expr, FieldPath, Function, Op, Operand, Predicate};

/// A test of a field.
pub(super) fn test(field: FieldPath, op: Op) -> Expr {
    Expr::Test(Predicate { left: Operand::Field(field), op })
}

/// A function of a field.
pub(super) fn of_field(function: Function, field: &FieldPath) -> Operand {
    let arguments = vec![Argument::Operand(Operand::Field(field.clone()))];
    Operand::Call(Box::new(Call { function, arguments, key: None }))
}
