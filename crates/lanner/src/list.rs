//! Lists in the requested format: a table for people, JSON or CSV for programs.
//!
//! A type becomes listable by [`Row`]: the names of its columns and a cell for each. Tables shorten numbers; JSON
//! is the API's own and CSV holds every digit.

use std::io::{self, IsTerminal as _};

use clap::ValueEnum;
use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use lanner_core::Labels;
use lanner_core::printable::printable;
use lanner_wire::api::{MutedView, Time, WindowView};
use serde::Serialize;

use crate::failure::{Failure, Result};
use crate::output::{self, json, line};

/// The form of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs, everything.
    Json,
    /// For spreadsheets, the columns of the table.
    Csv,
}

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Text(String),
    Number(f64),
    Count(u64),
    /// There is no value.
    Nothing,
    /// Several words, of which people see the first few.
    Words(Vec<String>),
}

impl Cell {
    pub(crate) fn for_people(&self) -> String {
        match self {
            Self::Text(text) => printable(text).into_owned(),
            Self::Number(number) => short(*number),
            Self::Count(count) => count.to_string(),
            Self::Words(words) => first_words(words),
            Self::Nothing => "-".to_owned(),
        }
    }

    fn exact(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Count(count) => count.to_string(),
            Self::Words(words) => words.join(" "),
            Self::Nothing => String::new(),
        }
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Into::into)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<u64> for Cell {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<Time> for Cell {
    fn from(time: Time) -> Self {
        Self::Text(time_text(time))
    }
}

impl From<WindowView> for Cell {
    fn from(window: WindowView) -> Self {
        Self::Text(format!("{}/{}", time_text(window.start), time_text(window.end)))
    }
}

impl From<&Labels> for Cell {
    fn from(labels: &Labels) -> Self {
        if labels.is_empty() { Self::Nothing } else { Self::Text(labels.to_string()) }
    }
}

/// Something that can stand in a list.
pub(crate) trait Row: Serialize {
    /// The names of the columns, in lower case.
    const COLUMNS: &'static [&'static str];
    /// A cell for each.
    fn cells(&self) -> Vec<Cell>;
}

/// Writes a list to standard output; `nothing` is what people read when it is empty.
pub(crate) fn list<R: Row>(format: Format, rows: &[R], nothing: &str) -> Result<()> {
    match format {
        Format::Json => json(&rows),
        Format::Csv => csv(R::COLUMNS, &mut rows.iter().map(Row::cells)),
        Format::Table if rows.is_empty() => line(nothing),
        Format::Table => table(R::COLUMNS, &mut rows.iter().map(Row::cells)),
    }
}

/// A row that may say whose it is, where several were looked at apart, such as hosts.
#[derive(Debug, Serialize)]
pub(crate) struct Of<R> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) entity: Option<String>,
    #[serde(flatten)]
    pub(crate) row: R,
}

/// Writes a list whose rows say whose they are, in a first column of the name `by`; without that like any other list.
pub(crate) fn list_by<R: Row>(format: Format, by: Option<&str>, rows: &[Of<R>], nothing: &str) -> Result<()> {
    let columns: Vec<&str> = by.into_iter().chain(R::COLUMNS.iter().copied()).collect();
    let cells = |of: &Of<R>| {
        let whose = by.map(|_| Cell::from(of.entity.as_deref()));
        whose.into_iter().chain(of.row.cells()).collect()
    };
    match format {
        Format::Json => json(&rows),
        Format::Csv => csv(&columns, &mut rows.iter().map(cells)),
        Format::Table if rows.is_empty() => line(nothing),
        Format::Table => table(&columns, &mut rows.iter().map(cells)),
    }
}

/// Writes a table.
pub(crate) fn table(columns: &[&str], rows: &mut dyn Iterator<Item = Vec<Cell>>) -> Result<()> {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    if io::stdout().is_terminal()
        && let Some((terminal_size::Width(width), _)) = terminal_size::terminal_size()
    {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table.set_header(columns);
    for cells in rows {
        table.add_row(cells.iter().map(|cell| {
            let aligned = comfy_table::Cell::new(cell.for_people());
            match cell {
                Cell::Number(_) | Cell::Count(_) => aligned.set_alignment(comfy_table::CellAlignment::Right),
                _ => aligned,
            }
        }));
    }
    line(&table.trim_fmt())
}

/// Writes CSV.
pub(crate) fn csv(columns: &[&str], rows: &mut dyn Iterator<Item = Vec<Cell>>) -> Result<()> {
    let mut writer = csv::Writer::from_writer(output::data());
    // As an error of the output, the kind of which says whether anybody still reads.
    let wrong = |error: csv::Error| match error.into_kind() {
        csv::ErrorKind::Io(error) => Failure::from(error),
        kind => Failure::program(format!("cannot write CSV: {kind:?}")),
    };
    writer.write_record(columns).map_err(wrong)?;
    for cells in rows {
        writer.write_record(cells.iter().map(Cell::exact)).map_err(wrong)?;
    }
    Ok(writer.flush()?)
}

/// Writes one thing: JSON, or its fields one under the other; CSV is a list of one.
pub(crate) fn one<R: Row>(format: Format, row: &R) -> Result<()> {
    match format {
        Format::Json => json(row),
        Format::Csv => csv(R::COLUMNS, &mut std::iter::once(row.cells())),
        Format::Table => {
            let width = R::COLUMNS.iter().map(|name| name.len()).max().unwrap_or(0);
            let fields = R::COLUMNS.iter().zip(row.cells());
            fields.map(|(name, cell)| (name, cell.for_people())).try_for_each(|(name, value)| {
                let value = value.replace('\n', &format!("\n{:width$}  ", ""));
                line(&format!("{name:width$}  {value}"))
            })
        }
    }
}

/// Until when and by what people are not notified: `until 2026-12-01T10:00:00Z by nights`.
pub(crate) fn muted(muted: &MutedView) -> String {
    let receiver = muted.receiver.as_ref().map_or_else(String::new, |name| format!("{name} "));
    let until = muted.until.map_or_else(String::new, |until| format!("until {} ", time_text(until)));
    format!("{receiver}{until}by {}", muted.by)
}

/// RFC 3339.
pub(crate) fn time_text(time: Time) -> String {
    lanner_core::time::format_time(time.0)
}

/// A number in at most six significant digits.
pub(crate) fn short(number: f64) -> String {
    let size = number.abs();
    if number.fract() == 0.0 && size < 1e15 {
        format!("{number:.0}")
    } else if (1e-4..1e15).contains(&size) {
        let decimals = (5 - size.log10().floor() as i32).clamp(0, 9) as usize;
        let text = format!("{number:.decimals$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    } else {
        format!("{number:.5e}")
    }
}

/// So many words as a table has room for.
fn first_words(words: &[String]) -> String {
    const ROOM: usize = 3;
    let more = words.len().saturating_sub(ROOM);
    let shown = printable(&words[..words.len() - more].join(" ")).into_owned();
    match more {
        _ if words.is_empty() => "-".to_owned(),
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shortened() {
        #[track_caller]
        fn check(number: f64, expected: &str) {
            assert_eq!(short(number), expected);
        }
        check(0.0, "0");
        check(150.0, "150");
        check(1_234_567.0, "1234567");
        check(2.345_678_9, "2.34568");
        check(123_456.789, "123457");
        check(0.012_345_678, "0.0123457");
        check(-0.5, "-0.5");
        check(1e-9, "1.00000e-9");
        check(1e300, "1.00000e300");
    }

    /// On a terminal too, where a table has colours of its own.
    #[test]
    fn what_acts_on_a_terminal_is_shown() {
        let (bad, shown) = ("a\u{1b}[31m\u{202e}".to_owned(), "a\\u{1b}[31m\\u{202e}");
        assert_eq!(Cell::Text(bad.clone()).for_people(), shown);
        assert_eq!(Cell::Words(vec![bad.clone()]).for_people(), shown);
        assert_eq!(Cell::Text(bad.clone()).exact(), bad);
    }

    #[test]
    fn many_words_are_counted() {
        #[track_caller]
        fn check(words: &[&str], people: &str, exact: &str) {
            let cell = Cell::Words(words.iter().map(|word| (*word).to_owned()).collect());
            assert_eq!((cell.for_people().as_str(), cell.exact().as_str()), (people, exact));
        }
        check(&[], "-", "");
        check(&["a", "b", "c"], "a b c", "a b c");
        check(&["a", "b", "c", "d", "e"], "a b c and 2 more", "a b c d e");
    }
}
