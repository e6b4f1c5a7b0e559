//! The tests of a condition: which can be said in SQL, and how.

use super::super::Refused;
use super::column::{Kind, column_of};
use super::compare::Value;
use super::param::Param;
use super::writer::{Writer, truth};
use crate::atom::each_of;
use crate::{
    Argument, Call, Expr, FieldPath, Function, Literal, Op, Operand, Predicate, Quantifier, Right, Set,
    TextOp,
};

impl Writer<'_> {
    /// A test, as an expression that is never NULL.
    pub(super) fn test(&mut self, predicate: &Predicate) -> Result<String, Refused> {
        let Predicate { left, op } = predicate;
        match op {
            Op::Truthy => self.truthy(left),
            Op::Exists => self.exists(left),
            Op::Compare(comparison, Right::Literal(literal)) => self.compared(left, *comparison, literal),
            Op::Compare(comparison, Right::Operand(right)) => self.related(left, *comparison, right),
            Op::In(Set::Items(items)) | Op::Intersects(Set::Items(items)) => self.among(left, items, false),
            Op::NotIn(Set::Items(items)) => self.among(left, items, true),
            Op::Holds(Literal::Text(part)) => self.found(left, TextOp::Contains, part, false),
            Op::NotHolds(Literal::Text(part)) => self.found(left, TextOp::Contains, part, true),
            Op::Text(op, Right::Literal(Literal::Text(part))) => self.found(left, *op, part, false),
            Op::Text(op, Right::Operand(right)) => self.found_in(left, *op, right),
            Op::Each(quantifier, _) => match (quantifier, each_of(predicate)) {
                (_, Some((_, members))) if members.is_empty() => Ok(truth(false).to_owned()),
                (Quantifier::All, Some((_, members))) => self.tests(&members, " AND "),
                (_, Some((_, members))) => self.tests(&members, " OR "),
                (_, None) => Err(self.refused(
                    predicate,
                    "no engine counts how many of several tests hold",
                    "write anyof or allof, or the tests one by one",
                )),
            },
            Op::Match(pattern) if pattern.op().is_regex() => Err(self.refused(
                predicate,
                &format!("regular expressions mean something else in {}", self.dialect.name()),
                "write ==, startswith, endswith or contains, or make a view with a column that says it",
            )),
            _ => Err(self.refused(
                predicate,
                &format!("{} has nothing that means the same", self.dialect.name()),
                "write ==, in, startswith, endswith or contains, or make a view with a column that says it",
            )),
        }
    }

    /// Refuses a test as it is written.
    pub(super) fn refused(&self, predicate: &Predicate, why: &str, hint: &str) -> Refused {
        Refused::new(format!("`{}`: {why}", Expr::Test(predicate.clone())), hint)
    }

    /// The value of an operand, which is `assumed` to be of a kind where nobody knows.
    pub(super) fn value_of(&self, operand: &Operand, assumed: &Kind) -> Result<Value, Refused> {
        match operand {
            Operand::Field(field) => self.value_of_field(field, assumed),
            Operand::Call(call) => self.value_of_call(call),
        }
    }

    fn value_of_field(&self, field: &FieldPath, assumed: &Kind) -> Result<Value, Refused> {
        let name = column_of(field);
        let kind = self.columns.find(name, assumed)?;
        let column = self.dialect.quoted(name);
        let sql = match &kind {
            Kind::Text => self.dialect.text(&column),
            Kind::Float | Kind::Single => self.dialect.float(&kind, &column),
            _ => column.clone(),
        };
        Ok(Value { shown: field.to_string(), kind, sql, column, is_missing_when_null: false })
    }

    fn value_of_call(&self, call: &Call) -> Result<Value, Refused> {
        let shown = call.to_string();
        let refused = || {
            Refused::new(
                format!("`{shown}`: {} has no function that means the same", self.dialect.name()),
                "make a view with a column that holds its result",
            )
        };
        let [Argument::Operand(Operand::Field(field))] = call.arguments.as_slice() else {
            return Err(refused());
        };
        let value = self.value_of_field(field, &Kind::Text)?;
        if value.kind != Kind::Text {
            return Err(Refused::new(
                format!("`{field}` is {}, and no text", value.kind.phrase()),
                "compare it as it is",
            ));
        }
        let (kind, sql) = match call.function {
            Function::Len => (Kind::Whole, self.dialect.length(&value.column)),
            Function::ToLower => (Kind::Text, self.dialect.ascii_case("lower", &value.sql)?),
            Function::ToUpper => (Kind::Text, self.dialect.ascii_case("upper", &value.sql)?),
            _ => return Err(refused()),
        };
        Ok(Value { shown, kind, column: sql.clone(), sql, is_missing_when_null: true })
    }

    fn truthy(&self, left: &Operand) -> Result<String, Refused> {
        let value = self.value_of(left, &Kind::Truth)?;
        match &value.kind {
            Kind::Truth => Ok(format!("({}) IS TRUE", value.sql)),
            Kind::Text => Ok(format!("(LENGTH({}) > 0) IS TRUE", value.sql)),
            Kind::Whole | Kind::Float | Kind::Single => Ok(format!("({} <> 0) IS TRUE", value.sql)),
            Kind::Decimal => Ok(format!("({} <> 0) IS TRUE", self.dialect.float(&value.kind, &value.column))),
            _ => Err(value.unfit("write exists, or compare it with null")),
        }
    }

    /// Every column is there for every row.
    fn exists(&self, left: &Operand) -> Result<String, Refused> {
        let value = self.value_of(left, &Kind::Text)?;
        Ok(if value.is_missing_when_null {
            format!("({}) IS NOT NULL", value.sql)
        } else {
            truth(true).to_owned()
        })
    }

    fn found(&mut self, left: &Operand, op: TextOp, part: &str, is_negated: bool) -> Result<String, Refused> {
        let value = self.text_of(left)?;
        let folded = if op == TextOp::Icontains { part.to_ascii_lowercase() } else { part.to_owned() };
        let text = self.folded(&value, op)?;
        let found = match op {
            TextOp::Contains | TextOp::Icontains => {
                let part = self.bind_text(&folded)?;
                self.dialect.holds(&text, &part)
            }
            TextOp::StartsWith | TextOp::EndsWith => {
                let side = if op == TextOp::StartsWith { "LEFT" } else { "RIGHT" };
                let (first, second) = (self.bind_text(&folded)?, self.bind_text(&folded)?);
                format!("{side}({text}, LENGTH({first})) = {second}")
            }
            TextOp::Bcontains | TextOp::BstartsWith => return Err(value.in_bytes()),
        };
        // A value that is no text cannot be asked this, and neither can its opposite.
        Ok(format!("({found}) IS {}", truth(!is_negated)))
    }

    fn found_in(&self, left: &Operand, op: TextOp, right: &Operand) -> Result<String, Refused> {
        let (value, part) = (self.text_of(left)?, self.text_of(right)?);
        let (text, part) = (self.folded(&value, op)?, self.folded(&part, op)?);
        let found = match op {
            TextOp::Contains | TextOp::Icontains => self.dialect.holds(&text, &part),
            TextOp::StartsWith => format!("LEFT({text}, LENGTH({part})) = {part}"),
            TextOp::EndsWith => format!("RIGHT({text}, LENGTH({part})) = {part}"),
            TextOp::Bcontains | TextOp::BstartsWith => return Err(value.in_bytes()),
        };
        Ok(format!("({found}) IS TRUE"))
    }

    fn folded(&self, value: &Value, op: TextOp) -> Result<String, Refused> {
        if op == TextOp::Icontains {
            self.dialect.ascii_case("lower", &value.sql)
        } else {
            Ok(value.sql.clone())
        }
    }

    fn text_of(&self, operand: &Operand) -> Result<Value, Refused> {
        let value = self.value_of(operand, &Kind::Text)?;
        if value.kind == Kind::Text { Ok(value) } else { Err(value.unfit("compare it with ==, < or in")) }
    }

    /// Binds a text; one that no database can hold is refused.
    pub(super) fn bind_text(&mut self, text: &str) -> Result<String, Refused> {
        if text.contains('\0') {
            return Err(Refused::new("a text with a byte of zero stands in no column", "leave it out"));
        }
        Ok(self.bind(Param::Text(text.to_owned())))
    }
}
