//! The operand of a test: a field, or a function of fields.

use crate::field::{Fields, View};
use crate::{FieldPath, Function, Literal, Number};

/// A value that comes from the event.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Operand {
    /// `amount`; on the right of an operator `val(amount)`.
    Field(FieldPath),
    /// `tolower(name)`
    Call(Box<Call>),
}

/// A function and what it is given: `join("-", (a, b))`, `getopt(args, "nt:")[t]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Call {
    /// The function.
    pub function: Function,
    /// What it is given; as many and of such kinds as [`Function::accepts`] says.
    pub arguments: Vec<Argument>,
    /// Which part of the result is meant.
    pub key: Option<String>,
}

/// What a function is given.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Argument {
    /// A field, or another function's result.
    Operand(Operand),
    /// A text or a number.
    Literal(Literal),
    /// `(a, "b", 3)`
    List(Vec<Argument>),
}

impl Operand {
    /// Calls `visit` for each field in it.
    pub fn each_field<'o>(&'o self, visit: &mut impl FnMut(&'o FieldPath)) {
        match self {
            Self::Field(field) => visit(field),
            Self::Call(call) => call.arguments.iter().for_each(|argument| argument.each_field(visit)),
        }
    }

    /// Its value among `fields`; `None` when a field is missing or a function cannot be asked this.
    ///
    /// A field costs a look-up. A function's text is made anew each time.
    pub(crate) fn value<'v>(&'v self, fields: &'v impl Fields) -> Option<Held<'v>> {
        match self {
            Self::Field(field) => field.view(fields).map(Held::View),
            Self::Call(call) => call.value(fields),
        }
    }
}

impl Argument {
    fn each_field<'o>(&'o self, visit: &mut impl FnMut(&'o FieldPath)) {
        match self {
            Self::Operand(operand) => operand.each_field(visit),
            Self::Literal(_) => {}
            Self::List(members) => members.iter().for_each(|member| member.each_field(visit)),
        }
    }
}

/// A value in the event, or one that was made of such.
#[derive(Debug)]
pub(crate) enum Held<'v> {
    View(View<'v>),
    Text(String),
    Number(Number),
    List(Vec<serde_json::Value>),
}

impl Held<'_> {
    pub(crate) fn view(&self) -> View<'_> {
        match self {
            Self::View(view) => *view,
            Self::Text(text) => View::Text(text),
            Self::Number(number) => View::Number(*number),
            Self::List(items) => View::List(items),
        }
    }
}
