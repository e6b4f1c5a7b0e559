//! What columns are called: the rows above the data, of which there may be several, and which may be narrower than the data.

use std::collections::HashSet;

use ::csv::ByteRecord;

use super::rows::cell;
use super::seen::{Seen, decoded, look, text_of};
use super::time::is_time_name;

/// Rows that a heading may have below its first one.
const MAX_MORE: usize = 2;

/// The rows above the data, and what is below them.
pub(super) struct Heading {
    /// How many of the first rows hold no data.
    pub(super) n_above: usize,
    /// One for each column, none of them twice.
    pub(super) names: Vec<String>,
    pub(super) seen: Vec<Seen>,
    /// Whether a row names the columns.
    pub(super) is_named: bool,
}

/// Looks at the rows from the first one that is as wide as most.
pub(super) fn find(rows: &[(u64, ByteRecord)], first: usize, n_columns: usize) -> Heading {
    let below = look(&rows[first + 1..], n_columns);
    if !is_heading(&rows[first], &below) {
        let seen = look(&rows[first..], n_columns);
        let texts = rows[..first].last().and_then(|(_, row)| widened(row, &seen));
        let names = names(texts.as_deref(), n_columns);
        return Heading { n_above: first, names, seen, is_named: texts.is_some() };
    }
    let data = rows.get(first + 1 + MAX_MORE..).filter(|rows| !rows.is_empty());
    let data = data.map_or(below, |rows| look(rows, n_columns));
    let is_below = |(_, row): &&(u64, ByteRecord)| is_below_heading(row, &data);
    let n_more = rows[first + 1..].iter().take(MAX_MORE).take_while(is_below).count();
    let texts: Vec<Vec<String>> = rows[first..=first + n_more].iter().map(|(_, row)| texts(row)).collect();
    let names = names(Some(&joined(&texts)), n_columns);
    let n_above = first + 1 + n_more;
    Heading { n_above, names, seen: look(&rows[n_above..], n_columns), is_named: true }
}

/// The cells of a row as texts; those of our own exports as they stand.
pub(super) fn texts(row: &ByteRecord) -> Vec<String> {
    let is_own = row.iter().take(3).eq([&b"time"[..], b"name", b"value"]);
    let text = |at: usize| if is_own { decoded(cell(row, at)) } else { text_of(cell(row, at)) };
    (0..row.len()).map(|at| text(at).trim().to_owned()).collect()
}

/// Whether the row names the columns below it.
fn is_heading((line, row): &(u64, ByteRecord), below: &[Seen]) -> bool {
    let is_named = below.iter().enumerate().any(|(at, below)| {
        let mut top = Seen::default();
        top.see(*line, &text_of(cell(row, at)));
        // A word above numbers or times; or above nothing at all.
        top.n_filled > 0 && !top.is_data() && (below.n_filled == 0 || below.is_data())
    });
    is_named || below.iter().all(|below| below.n_filled > 0 && !below.is_data())
}

/// Whether the row belongs to the heading, as one of units does: only words, where others have numbers or times.
fn is_below_heading(row: &ByteRecord, seen: &[Seen]) -> bool {
    let mut n_words = 0;
    row.len() == seen.len()
        && (0..row.len()).filter(|&at| seen[at].is_data()).all(|at| {
            let mut one = Seen::default();
            one.see(0, &text_of(cell(row, at)));
            n_words += one.n_filled;
            !one.is_data()
        })
        && n_words > 0
}

/// What the rows of a heading say together. Where the first one calls several columns the same, as above the columns of one
/// host, the others tell them apart; else these only say units.
fn joined(rows: &[Vec<String>]) -> Vec<String> {
    let [first, rest @ ..] = rows else { return Vec::new() };
    let rest: Vec<&Vec<String>> = rest.iter().filter(|row| row.len() == first.len()).collect();
    if rest.is_empty() || !is_shared(first) {
        return first.clone();
    }
    let name = |at: usize| {
        let parts = std::iter::once(spread(first, at)).chain(rest.iter().map(|row| row[at].as_str()));
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        let time = parts.iter().find(|part| is_time_name(part));
        time.map_or_else(|| parts.join(" "), |time| (*time).to_owned())
    };
    (0..first.len()).map(name).collect()
}

/// Whether a text of the row is that of several columns: twice there, or above empty cells as merged cells are written.
fn is_shared(row: &[String]) -> bool {
    let mut met = HashSet::new();
    let after = row.iter().enumerate().skip_while(|(_, text)| text.is_empty());
    after.skip(1).any(|(at, _)| !met.insert(spread(row, at)))
}

/// The text of a column, or the nearest one to the left of it.
fn spread(row: &[String], at: usize) -> &str {
    row[..=at].iter().rev().find(|text| !text.is_empty()).map_or("", String::as_str)
}

/// The names in a row that is narrower than the data below it: nothing stands in what it leaves out at the end, or it calls date
/// and time of day by one name, or has none for the first column.
fn widened(row: &ByteRecord, seen: &[Seen]) -> Option<Vec<String>> {
    let mut names = texts(row);
    let n_left_out = seen.len().checked_sub(names.len()).filter(|n| (1..=2).contains(n))?;
    let is_word = |text: &String| {
        let mut one = Seen::default();
        one.see(0, text);
        one.n_filled > 0 && !one.is_data()
    };
    names.iter().all(is_word).then_some(())?;
    let are_days = |seen: &Seen| seen.times.form("", true).is_some_and(|(form, _)| seen.times.are_days(form));
    let [first, second, ..] = seen else { return None };
    if seen.iter().rev().take(n_left_out).all(|seen| seen.n_filled == 0) {
        names.resize(seen.len(), String::new());
    } else if n_left_out == 1 && are_days(first) && second.times.clock("").is_some() {
        names.insert(1, String::new());
    } else if n_left_out == 1 {
        names.insert(0, String::new());
    } else {
        return None;
    }
    Some(names)
}

/// What a column without a name is called.
pub(super) fn nameless(at: usize) -> String {
    format!("column {}", at + 1)
}

/// Names without two alike: those of the heading, or `column 1` and so on.
pub(super) fn names(heading: Option<&[String]>, n_columns: usize) -> Vec<String> {
    let mut used = HashSet::new();
    (0..n_columns)
        .map(|at| {
            let written = heading.map(|heading| heading[at].trim());
            let written =
                written.map(|name| if at == 0 { name.trim_start_matches('#').trim() } else { name });
            let numbered = nameless(at);
            let name = match written.unwrap_or_default() {
                "" => numbered,
                name if used.contains(name) => format!("{name} ({numbered})"),
                name => name.to_owned(),
            };
            used.insert(name.clone());
            name
        })
        .collect()
}
