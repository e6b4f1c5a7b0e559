//! Comparisons: of a column with fixed values, and of two columns.

use super::super::Refused;
use super::column::Kind;
use super::dialect::Dialect;
use super::param::Param;
use super::writer::{Writer, truth};
use crate::{Comparison, Literal, Number, Operand};

/// A value of each row.
pub(super) struct Value {
    /// As the condition has it.
    pub(super) shown: String,
    pub(super) kind: Kind,
    /// What is compared: a text by bytes, a number that is one.
    pub(super) sql: String,
    /// The column as it is.
    pub(super) column: String,
    /// Whether NULL means that there is no value, as for a function of `null`, and not `null` itself.
    pub(super) is_missing_when_null: bool,
}

impl Value {
    /// Cannot be asked this.
    pub(super) fn unfit(&self, hint: &str) -> Refused {
        Refused::new(format!("`{}` is {}, and cannot be asked this", self.shown, self.kind.phrase()), hint)
    }

    pub(super) fn in_bytes(&self) -> Refused {
        let what = format!("`{}` cannot be searched for bytes that are no text", self.shown);
        Refused::new(what, "write contains or startswith with a text")
    }

    /// A test that is NULL where a side is NULL, as one that never is. A missing value passes neither a test nor its opposite;
    /// `null` is a value, which equals nothing else.
    fn settled(&self, test: &str, is_negated: bool) -> String {
        let is = match (is_negated, self.is_missing_when_null) {
            (false, _) => "IS TRUE",
            (true, false) => "IS NOT TRUE",
            (true, true) => "IS FALSE",
        };
        format!("({test}) {is}")
    }
}

impl Writer<'_> {
    /// A comparison with a fixed value.
    pub(super) fn compared(
        &mut self,
        left: &Operand,
        comparison: Comparison,
        literal: &Literal,
    ) -> Result<String, Refused> {
        let value = self.value_of(left, &assumed(literal))?;
        let (symbol, is_negated) = symbol(comparison);
        match (&value.kind, literal) {
            (_, Literal::Null | Literal::Bool(_)) if comparison.is_order() => Ok(truth(false).to_owned()),
            _ if comparison.is_order() => {
                let test = self.ordered(&value, symbol, literal)?;
                Ok(value.settled(&test, false))
            }
            (_, Literal::Null) => {
                Ok(format!("{} IS {}", self.nullable(&value)?, if is_negated { "NOT NULL" } else { "NULL" }))
            }
            _ => {
                let test = self.equal(&value, literal)?;
                Ok(value.settled(&test, is_negated))
            }
        }
    }

    fn ordered(&mut self, value: &Value, symbol: &str, literal: &Literal) -> Result<String, Refused> {
        match (&value.kind, literal) {
            (Kind::Text, Literal::Text(text)) => {
                Ok(format!("{} {symbol} {}", value.sql, self.bind_text(text)?))
            }
            (_, Literal::Number(number)) => self.numeric(value, symbol, *number),
            _ => Err(unlike(value, literal)),
        }
    }

    fn equal(&mut self, value: &Value, literal: &Literal) -> Result<String, Refused> {
        match (&value.kind, literal) {
            (Kind::Text, Literal::Text(text)) => {
                no_network(value, literal)?;
                Ok(format!("{} = {}", value.sql, self.bind_text(text)?))
            }
            (Kind::Truth, Literal::Bool(wanted)) => Ok(format!("{} = {}", value.sql, truth(*wanted))),
            (_, Literal::Number(number)) => self.numeric(value, "=", *number),
            _ => Err(unlike(value, literal)),
        }
    }

    /// A comparison with a number, exact as long as the column is.
    fn numeric(&mut self, value: &Value, symbol: &str, number: Number) -> Result<String, Refused> {
        match &value.kind {
            Kind::Whole => Ok(format!("{} {symbol} {}", value.sql, self.bind_number(number))),
            Kind::Float | Kind::Single => {
                let float = exact_float(value, number)?;
                Ok(format!("{} {symbol} {}", value.sql, self.bind(Param::Float(float))))
            }
            Kind::Decimal => self.decimal(value, symbol, number),
            _ => Err(unlike(value, &Literal::Number(number))),
        }
    }

    /// Decimals are floating-point numbers as JSON is read, but for those without digits behind the point.
    fn decimal(&mut self, value: &Value, symbol: &str, number: Number) -> Result<String, Refused> {
        let (float, column) = (exact_float(value, number)?, &value.column);
        let of_floats = self.dialect.float(&value.kind, column);
        Ok(match self.dialect {
            Dialect::MySql => format!("{of_floats} {symbol} {}", self.bind(Param::Float(float))),
            Dialect::PostgreSql => {
                let whole = format!("{column} {symbol} {}", self.bind_number(number));
                let other = format!("{of_floats} {symbol} {}", self.bind(Param::Float(float)));
                format!("CASE WHEN scale({column}) = 0 THEN {whole} ELSE {other} END")
            }
        })
    }

    /// Binds a number that whole numbers are compared with.
    fn bind_number(&mut self, number: Number) -> String {
        let param = match (number.as_i64(), self.dialect) {
            (Some(whole), _) => Param::Int(whole),
            // Larger than the largest of them, or between two of them.
            (None, Dialect::MySql) if number.to_string().contains(['.', 'e']) => {
                Param::Float(number.to_f64())
            }
            (None, _) => Param::Decimal(number.to_string()),
        };
        self.bind(param)
    }

    /// Whether a value is one of several.
    pub(super) fn among(
        &mut self,
        left: &Operand,
        items: &[Literal],
        is_negated: bool,
    ) -> Result<String, Refused> {
        let first = items.iter().find(|item| **item != Literal::Null);
        let value = self.value_of(left, &first.map_or(Kind::Text, assumed))?;
        let mut tests = Vec::new();
        if items.contains(&Literal::Null) {
            tests.push(format!("{} IS NULL", self.nullable(&value)?));
        }
        let others: Vec<&Literal> = items.iter().filter(|item| **item != Literal::Null).collect();
        if value.kind == Kind::Text
            && others.iter().all(|item| matches!(item, Literal::Text(_)))
            && !others.is_empty()
        {
            let mut texts = Vec::new();
            for item in others {
                no_network(&value, item)?;
                let Literal::Text(text) = item else { continue };
                texts.push(self.bind_text(text)?);
            }
            tests.push(format!("{} IN ({})", value.sql, texts.join(", ")));
        } else {
            for item in others {
                tests.push(self.equal(&value, item)?);
            }
        }
        let any = if tests.is_empty() { truth(false).to_owned() } else { tests.join(" OR ") };
        Ok(value.settled(&any, is_negated))
    }

    /// A comparison of two values of a row.
    pub(super) fn related(
        &self,
        left: &Operand,
        comparison: Comparison,
        right: &Operand,
    ) -> Result<String, Refused> {
        let (a, b) = (self.value_of(left, &Kind::Whole)?, self.value_of(right, &Kind::Whole)?);
        let (symbol, is_negated) = symbol(comparison);
        let is_order = comparison.is_order();
        let is_known = match (&a.kind, &b.kind) {
            (Kind::Whole, Kind::Whole) | (Kind::Float | Kind::Single, Kind::Float | Kind::Single) => true,
            (Kind::Text, Kind::Text) => is_order,
            (Kind::Truth, Kind::Truth) => !is_order,
            _ => false,
        };
        if !is_known || !is_order && (a.is_missing_when_null || b.is_missing_when_null) {
            let what = format!(
                "`{}` is {}, and `{}` is {}: {} cannot compare them with the same meaning",
                a.shown,
                a.kind.phrase(),
                b.shown,
                b.kind.phrase(),
                self.dialect.name()
            );
            return Err(Refused::new(what, "make a view with a column that says it"));
        }
        let test = format!("{} {symbol} {}", a.sql, b.sql);
        if is_order {
            return Ok(a.settled(&test, false));
        }
        // Two of `null` are equal.
        Ok(a.settled(&format!("{test} OR ({} IS NULL AND {} IS NULL)", a.sql, b.sql), is_negated))
    }

    /// What is NULL where the value is `null`.
    fn nullable(&self, value: &Value) -> Result<String, Refused> {
        match &value.kind {
            _ if value.is_missing_when_null => {
                Err(value.unfit("write `exists`, as its result is never null"))
            }
            Kind::Float | Kind::Single | Kind::Decimal => Ok(self.dialect.float(&value.kind, &value.column)),
            _ => Ok(value.column.clone()),
        }
    }
}

/// The kind of column that a value is compared with where nobody knows better.
fn assumed(literal: &Literal) -> Kind {
    match literal {
        Literal::Bool(_) => Kind::Truth,
        Literal::Number(_) => Kind::Whole,
        Literal::Null | Literal::Text(_) | Literal::Time(_) => Kind::Text,
    }
}

/// The operator, and whether it is negated.
const fn symbol(comparison: Comparison) -> (&'static str, bool) {
    match comparison {
        Comparison::Equal => ("=", false),
        Comparison::NotEqual => ("=", true),
        Comparison::Less => ("<", false),
        Comparison::LessEqual => ("<=", false),
        Comparison::Greater => (">", false),
        Comparison::GreaterEqual => (">=", false),
    }
}

/// A number that floating-point numbers can be compared with, none of its digits lost.
fn exact_float(value: &Value, number: Number) -> Result<f64, Refused> {
    let float = number.to_f64();
    if Number::from_f64(float) == Some(number) {
        return Ok(float);
    }
    let what =
        format!("`{}` is {}, which is not exact enough for {number}", value.shown, value.kind.phrase());
    Err(Refused::new(what, format!("write {float}")))
}

/// A text that names a network equals every address in it.
fn no_network(value: &Value, literal: &Literal) -> Result<(), Refused> {
    if literal.network().is_none() {
        return Ok(());
    }
    let what =
        format!("`{}` and {literal}: that is a network, which equals every address in it", value.shown);
    Err(Refused::new(what, "make a view with a column that says whether an address is in it"))
}

/// They could never be equal, and have no order: a mistake. Times are texts here, which are read in a way of our own.
fn unlike(value: &Value, literal: &Literal) -> Refused {
    if matches!(literal, Literal::Time(_)) {
        let what =
            format!("`{}` and {literal}: a time is a text that is read in a way of its own", value.shown);
        return Refused::new(what, "make a view with a column that says whether it is before or after");
    }
    let hint = match (&value.kind, literal) {
        (Kind::Text, Literal::Number(_) | Literal::Bool(_)) => format!("write \"{literal}\" in quotes"),
        (Kind::Whole | Kind::Float | Kind::Single | Kind::Decimal, Literal::Text(text))
            if text.parse::<f64>().is_ok() =>
        {
            format!("write {text} without quotes")
        }
        (Kind::Whole, Literal::Bool(_)) => "write 1 or 0".to_owned(),
        _ => "compare it with a value of its own kind; a view can make a column of another".to_owned(),
    };
    Refused::new(format!("`{}` is {}, and {literal} is none", value.shown, value.kind.phrase()), hint)
}
