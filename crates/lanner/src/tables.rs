//! Shared by all commands that read tables: the options, and the messages about a table.

use std::io::Read;
use std::path::Path;

use clap::ValueEnum;
use jiff::tz::TimeZone;
use lanner_wire::format::{Format, Hints};
use lanner_wire::samples::Samples;
use lanner_wire::table::{DateOrder, Decimal, Options, Table, TableError};

use crate::failure::{Failure, remark};

/// What the user says about a table; everything else is found.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Tables")]
pub(crate) struct TableArgs {
    /// A column of values, by name or number; may be repeated. All columns of measurements, if absent.
    #[arg(long = "value", value_name = "COLUMN")]
    pub(crate) values: Vec<String>,
    /// Whether 01/02/2026 begins with the day or the month; found, if the column tells.
    #[arg(long, value_enum, value_name = "ORDER")]
    date_order: Option<Order>,
    /// The time zone of times without an offset, such as Europe/Berlin, by which findings are also shown, and days
    /// learned; UTC, if absent.
    #[arg(long, visible_alias = "tz", value_name = "ZONE", value_parser = time_zone)]
    pub(crate) time_zone: Option<TimeZone>,
    /// Whether a point or a comma stands before decimals; found, if the column tells.
    #[arg(long, value_enum, value_name = "SIGN")]
    decimal: Option<Sign>,
}

/// Columns that the user named for what they are.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Named<'a> {
    pub(crate) time: Option<&'a str>,
    /// Known incidents.
    pub(crate) marks: Option<&'a str>,
    /// Whose rows they are.
    pub(crate) entity: Option<&'a str>,
}

/// What a date begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Order {
    /// 31/12/2026
    Dmy,
    /// 12/31/2026
    Mdy,
    /// 26/12/31
    Ymd,
}

/// What stands before decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sign {
    /// 1,234.5
    Point,
    /// 1.234,5
    Comma,
}

fn time_zone(text: &str) -> Result<TimeZone, String> {
    TimeZone::get(text).map_err(|_| format!("\"{text}\" is not a time zone; write for example Europe/Berlin"))
}

impl TableArgs {
    /// Opens samples in the given format, or in the one that is found.
    pub(crate) fn open<'a>(
        &self,
        input: impl Read + 'a,
        named: Named<'_>,
        format: Option<&'static Format>,
        hints: Hints,
    ) -> Result<Samples<'a>, TableError> {
        let options = Options {
            time: named.time,
            values: &self.values,
            marks: named.marks,
            entity: named.entity,
            date_order: self.date_order(),
            decimal: self.decimal.map(|sign| match sign {
                Sign::Point => Decimal::Point,
                Sign::Comma => Decimal::Comma,
            }),
            zone: self.time_zone.as_ref(),
            delimiter: None,
        };
        Samples::open(input, &options, format, hints)
    }

    /// The same, where times without an offset are of this zone.
    pub(crate) fn in_zone(&self, zone: TimeZone) -> Self {
        Self { time_zone: Some(zone), ..self.clone() }
    }

    /// What dates begin with, if the user says it.
    pub(crate) fn date_order(&self) -> Option<DateOrder> {
        self.date_order.map(|order| match order {
            Order::Dmy => DateOrder::DayFirst,
            Order::Mdy => DateOrder::MonthFirst,
            Order::Ymd => DateOrder::YearFirst,
        })
    }
}

/// The error as a failure of a command on the table called `name`.
pub(crate) fn failure(name: &str, error: &TableError, new: fn(String) -> Failure) -> Failure {
    let message = match error {
        TableError::NotTimes { .. }
        | TableError::NotNumbers { .. }
        | TableError::OpenOrder { .. }
        | TableError::MixedOrder { .. }
        | TableError::Read(_) => format!("{name}: {error}"),
        _ => format!("{name} {error}"),
    };
    match error.hint() {
        Some(hint) => new(message).hint(hint),
        None => new(message),
    }
}

/// Says how the table was understood, where someone may have meant something else.
pub(crate) fn tell_layout(name: &str, table: &Table<'_>) {
    let layout = &table.layout;
    let names =
        |columns: &[usize]| -> Vec<String> { columns.iter().map(|&at| layout.names[at].clone()).collect() };
    if let (Some(says), Some(at)) = (table.says_of_times(), layout.time) {
        remark(&format!("{name}: times in {} are read {says}", layout.names[at]));
    }
    for (at, text) in layout.taken_for_thousands() {
        let column = &layout.names[at];
        let sign = if text.contains(',') { "comma" } else { "point" };
        remark(&format!(
            "{name}: {column}: the {sign} in \"{text}\" is read as a thousands separator; if it is the decimal separator, use --decimal {sign}"
        ));
    }
    for (at, unit) in layout.half_bare() {
        let column = &layout.names[at];
        remark(&match unit {
            "" => format!(
                "{name}: {column}: many numbers have a unit and most have none; those with one are left out"
            ),
            _ => format!(
                "{name}: {column}: numbers without a unit are read as {unit}, like most of the others"
            ),
        });
    }
    if !layout.texts.is_empty() {
        remark(&format!("{name}: left out, because they contain no numbers: {}", few(&names(&layout.texts))));
    }
    if !layout.identifiers.is_empty() {
        remark(&format!(
            "{name}: left out, because they contain identifiers or more times: {}; include them with --value",
            few(&names(&layout.identifiers))
        ));
    }
}

/// The file's name without folders and endings; none for standard input.
pub(crate) fn stem(path: &Path) -> Option<String> {
    let name = path.file_name().filter(|_| path != Path::new("-"))?.to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let (stem, _) = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).unwrap_or((name, ""));
    Some(stem.to_owned())
}

/// Whether a column's name says nothing of what it measures.
pub(crate) fn is_nameless(name: &str) -> bool {
    ["value", "values", "val", "wert", "_value", "y", "column 2"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

/// The first names, and how many more.
pub(crate) fn few(names: &[String]) -> String {
    let shown = names.iter().take(8).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > 8 { format!("{shown} and {} more", names.len() - 8) } else { shown }
}
