//! Writes expressions of a statement, and keeps the values that stand for its placeholders.

use super::super::Refused;
use super::column::{Columns, Kind};
use super::dialect::Dialect;
use super::param::Param;
use crate::{Expr, Predicate};

/// More values in one statement are refused: a database takes some more.
const MAX_PARAMS: usize = 10_000;

/// Writes expressions over the columns of one table. Where placeholders have no numbers their order counts: what is written first
/// has to stand first.
#[derive(Debug)]
pub struct Writer<'c> {
    pub(super) dialect: Dialect,
    pub(super) columns: &'c Columns,
    params: Vec<Param>,
}

impl<'c> Writer<'c> {
    /// Nothing written yet.
    #[must_use]
    pub const fn new(dialect: Dialect, columns: &'c Columns) -> Self {
        Self { dialect, columns, params: Vec::new() }
    }

    /// The values, in the order of their placeholders.
    #[must_use]
    pub fn into_params(self) -> Vec<Param> {
        self.params
    }

    /// What stands for a value.
    pub fn bind(&mut self, param: Param) -> String {
        let placeholder = self.dialect.placeholder(&param, self.params.len() + 1);
        self.params.push(param);
        placeholder
    }

    /// A condition: an expression that is true or false for every row, and never NULL.
    ///
    /// # Errors
    /// What cannot be said in SQL with the same meaning.
    pub fn condition(&mut self, expr: &Expr) -> Result<String, Refused> {
        let written = self.expr(expr)?;
        if self.params.len() > MAX_PARAMS {
            return Err(Refused::new(
                format!("the condition has {} values, more than {MAX_PARAMS}", self.params.len()),
                "make a view that holds fewer rows",
            ));
        }
        Ok(written)
    }

    fn expr(&mut self, expr: &Expr) -> Result<String, Refused> {
        Ok(match expr {
            Expr::Constant(value) => truth(*value).to_owned(),
            Expr::Test(predicate) => self.test(predicate)?,
            Expr::Not(inner) => format!("NOT ({})", self.expr(inner)?),
            Expr::And(members) => self.all_of(members, " AND ")?,
            Expr::Or(members) => self.all_of(members, " OR ")?,
        })
    }

    fn all_of(&mut self, members: &[Expr], between: &str) -> Result<String, Refused> {
        let members = members.iter().map(|member| self.expr(member));
        Ok(format!("({})", members.collect::<Result<Vec<_>, _>>()?.join(between)))
    }

    /// Tests of which one has to hold, or all.
    pub(super) fn tests(&mut self, predicates: &[Predicate], between: &str) -> Result<String, Refused> {
        let tests = predicates.iter().map(|predicate| self.test(predicate));
        Ok(format!("({})", tests.collect::<Result<Vec<_>, _>>()?.join(between)))
    }

    /// A table, as a name or several with points between them.
    ///
    /// # Errors
    /// What is no name of a table.
    pub fn table(&self, name: &str) -> Result<String, Refused> {
        let parts: Vec<&str> = name.split('.').collect();
        if parts.len() > 3 || parts.iter().any(|part| part.trim().is_empty() || part.contains('\0')) {
            return Err(Refused::new(
                format!("\"{name}\" is no name of a table"),
                "write payments, or shop.payments",
            ));
        }
        let quoted = parts.into_iter().map(|part| self.dialect.quoted(part));
        Ok(quoted.collect::<Vec<_>>().join("."))
    }

    /// A column of times: points in time, or whole milliseconds since 1970.
    ///
    /// # Errors
    /// That it is not there, or is no time.
    pub fn time(&self, name: &str) -> Result<(String, Kind), Refused> {
        let kind = self.columns.find(name, &Kind::Instant)?;
        match kind {
            Kind::Instant | Kind::Whole => Ok((self.dialect.quoted(name), kind)),
            _ => Err(Refused::new(
                format!("`{name}` is {}, and no time", kind.phrase()),
                "name a column of timestamps, or of milliseconds since 1970",
            )),
        }
    }

    /// A column of times to the millisecond, which is what an event has.
    ///
    /// # Errors
    /// That it is not there, or is no time.
    pub fn millisecond(&self, name: &str) -> Result<String, Refused> {
        let (column, kind) = self.time(name)?;
        Ok(if kind == Kind::Instant { self.dialect.millisecond(&column) } else { column })
    }

    /// The value of a column as a label: a text, which is empty where there is no value.
    ///
    /// # Errors
    /// That it is not there, or that its values are not written in one way only.
    pub fn label(&self, name: &str) -> Result<String, Refused> {
        let (column, kind) = (self.dialect.quoted(name), self.columns.find(name, &Kind::Text)?);
        match kind {
            Kind::Text => Ok(format!("COALESCE({}, '')", self.dialect.text(&column))),
            Kind::Whole | Kind::Truth => Ok(format!("COALESCE({}, '')", self.dialect.digits(&column))),
            _ => Err(Refused::new(
                format!("`{name}` is {}, and its values form no groups", kind.phrase()),
                "group by texts, whole numbers or truth values; a view can make such a column",
            )),
        }
    }

    /// The number in a column; NULL where there is none.
    ///
    /// # Errors
    /// That it is not there, or holds no numbers.
    pub fn number(&self, name: &str) -> Result<String, Refused> {
        let (column, kind) = (self.dialect.quoted(name), self.columns.find(name, &Kind::Float)?);
        match kind {
            Kind::Whole => Ok(column),
            Kind::Float | Kind::Single | Kind::Decimal => Ok(self.dialect.float(&kind, &column)),
            _ => Err(Refused::new(
                format!("`{name}` is {}, and no number", kind.phrase()),
                "measure a column of numbers; a view can make one",
            )),
        }
    }

    /// The value of a column, of which equal ones are one; NULL where there is none.
    ///
    /// # Errors
    /// That it is not there, or that equal values may be written differently.
    pub fn value(&self, name: &str) -> Result<String, Refused> {
        let (column, kind) = (self.dialect.quoted(name), self.columns.find(name, &Kind::Text)?);
        match kind {
            Kind::Text => Ok(self.dialect.text(&column)),
            Kind::Whole | Kind::Truth => Ok(column),
            Kind::Float => Ok(self.dialect.float(&kind, &column)),
            _ => Err(Refused::new(
                format!("`{name}` is {}, of which one value may be written in several ways", kind.phrase()),
                "count texts, whole numbers or truth values; a view can make such a column",
            )),
        }
    }
}

pub(super) const fn truth(value: bool) -> &'static str {
    if value { "TRUE" } else { "FALSE" }
}
