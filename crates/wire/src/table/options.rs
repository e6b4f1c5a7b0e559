//! What the user says about a table.

use jiff::tz::TimeZone;

use super::number::Decimal;
use super::written::DateOrder;

/// What the user says about a table; everything else is found.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// The column that holds the time, by name or number.
    pub time: Option<&'a str>,
    /// The columns of values; all columns of measurements, if empty.
    pub values: &'a [String],
    /// A column of 0 and 1 that marks known incidents.
    pub marks: Option<&'a str>,
    /// A column that says whose a row is, such as its host: a label, whatever stands in it.
    pub entity: Option<&'a str>,
    /// Whether day or month comes first.
    pub date_order: Option<DateOrder>,
    /// Whether a point or a comma stands before decimals.
    pub decimal: Option<Decimal>,
    /// The zone of times without an offset; UTC, if absent.
    pub zone: Option<&'a TimeZone>,
    /// What separates cells.
    pub delimiter: Option<u8>,
}
