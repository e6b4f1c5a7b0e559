//! Conditions in SQL: rows of a table are events, and their columns the fields.
//!
//! | a column of | is, as a field |
//! | --- | --- |
//! | text | that text, compared byte by byte whatever the collation |
//! | whole numbers | that number, to the last digit |
//! | floating point | that number; `null` where it is NaN or infinite, which JSON cannot write |
//! | decimals | the nearest floating-point number, as JSON is read; to the last digit where it has no digits behind the point |
//! | truth values | `true` or `false` |
//! | another type | there, and `null` or not; nothing else can be asked of it |
//!
//! SQL's NULL is `null`: the field is there. So `bank != "a"` holds for a row without a bank, as it does for an event with
//! `"bank": null`, where SQL's own `bank <> 'a'` does not. Every test is written so that it is true or false and never NULL;
//! `and`, `or` and `not` then mean what they mean here.
//!
//! No value becomes a part of the statement: each is a parameter. Names are quoted.
//!
//! Reading order: [`Columns`], [`Dialect`], [`Writer`].

mod column;
mod compare;
mod dialect;
mod param;
mod test;
mod writer;

pub use column::{Columns, Kind};
pub use dialect::Dialect;
pub use param::Param;
pub use writer::Writer;

use super::Refused;
use crate::Expr;

/// Refuses a condition that no table could be asked, whatever types its columns have.
///
/// # Errors
/// What cannot be said in this dialect.
///
/// ```
/// use lanner_conditions::Condition;
/// use lanner_conditions::export::sql::{Dialect, check};
/// let of = |text: &str| Condition::compile(text).unwrap();
/// assert!(check(of(r#"status == "ok" and amount > 5"#).expr(), Dialect::MySql).is_ok());
/// let why = check(of(r#"path =~ "/api/v[0-9]+""#).expr(), Dialect::MySql).unwrap_err().to_string();
/// assert!(why.contains("regular expressions mean something else in MySQL"), "{why}");
/// ```
pub fn check(expr: &Expr, dialect: Dialect) -> Result<(), Refused> {
    Writer::new(dialect, &Columns::Assumed).condition(expr).map(drop)
}
