//! Detects the meaning of columns from the first rows.
//!
//! - **Times**: a column of dates, else of large numbers that rise and are called like times, else of large numbers
//!   that rise; a column of times of day beside one of days belongs to it.
//! - **Long form**: a column `name`, `series` or `metric` and one called `value` (`_measurement`, `_field` and `_value`
//!   in what Influx exports); every other column is a label.
//! - **Wide form**: every column of numbers is a series. Texts that are the same in every row, or that tell rows of one
//!   time apart, are labels. Identifiers and other texts are left out.

use std::collections::HashSet;

use ::csv::ByteRecord;

use super::error::TableError;
use super::number::{Decimal, NumberForm, NumbersSeen, TableDecimal, is_gap};
use super::options::Options;
use super::rows::cell;
use super::time::{ClockForm, TimeForm, TimesSeen, is_time_name};
use super::written::DateOrder;
use crate::report::shown;

/// More series in one row are not read: each takes some memory.
pub(super) const MAX_COLUMNS: usize = 10_000;

/// A text column with more different texts among the first rows is no label.
const MAX_TEXTS: usize = 500;

/// Which column is what, counted from 0.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    /// How many of the first rows hold no data.
    pub(super) n_above: usize,
    pub(super) n_columns: usize,
    /// Whether another table with a heading of its own may follow.
    pub(super) is_influx: bool,
    /// Whether a `\r` at the end of a row belongs to its last text.
    pub(super) is_exact: bool,
    /// The names of all columns.
    pub names: Vec<String>,
    /// The column of times.
    pub time: Option<usize>,
    /// The column of times of day, where dates and times of day have a column each.
    pub time_of_day: Option<usize>,
    /// The columns of values.
    pub values: Vec<usize>,
    /// Of [`Self::values`]: whether it is a total that only grows, or starts again.
    pub totals: Vec<bool>,
    /// The columns whose texts name the series, in long form.
    pub(super) series: Vec<usize>,
    /// The columns whose texts are labels.
    pub labels: Vec<usize>,
    /// The column of marks.
    pub(super) marks: Option<usize>,
    /// Columns that hold no numbers.
    pub texts: Vec<usize>,
    /// Columns of numbers that measure nothing, such as `id`.
    pub identifiers: Vec<usize>,
    pub(super) times: Option<(TimeForm, DateOrder)>,
    pub(super) clock: Option<ClockForm>,
    pub(super) numbers: Vec<NumberForm>,
    /// Why there are no times, if there are none: the cell that looked most like one.
    pub no_time: Option<String>,
}

/// What was seen of a column.
#[derive(Debug, Clone, Default)]
struct Seen {
    n_filled: usize,
    first: Option<(u64, String)>,
    times: TimesSeen,
    numbers: NumbersSeen,
    texts: HashSet<String>,
    whole: Whole,
}

/// What the whole numbers of a column do from row to row.
#[derive(Debug, Clone, Default)]
struct Whole {
    n: usize,
    last: Option<f64>,
    n_up: usize,
    n_down: usize,
    n_by_one: usize,
    n_negative: usize,
}

impl Whole {
    fn see(&mut self, number: f64) {
        self.n += usize::from(number.fract() == 0.0);
        self.n_negative += usize::from(number < 0.0);
        if let Some(last) = self.last.replace(number) {
            self.n_up += usize::from(number > last);
            self.n_down += usize::from(number < last);
            self.n_by_one += usize::from(number - last == 1.0);
        }
    }
}

impl Seen {
    fn see(&mut self, line: u64, text: &str) {
        if is_gap(text) {
            return;
        }
        self.n_filled += 1;
        self.first.get_or_insert_with(|| (line, shown(text)));
        self.times.see(text);
        if self.numbers.see(text)
            && let Ok(number) = text.trim().parse::<f64>()
        {
            self.whole.see(number);
        }
        if self.texts.len() <= MAX_TEXTS && !self.texts.contains(text) {
            self.texts.insert(text.to_owned());
        }
    }

    /// Whether these are numbers, or nothing so far.
    fn is_series(&self) -> bool {
        let n_others = self.n_filled - self.numbers.n_numbers;
        n_others * 10 <= self.n_filled || (n_others == 1 && self.n_filled > 2)
    }

    /// Whether these are mostly numbers or times.
    fn is_data(&self) -> bool {
        self.n_filled > 0
            && (self.is_series() || self.times.form("", false).is_some() || self.times.clock("").is_some())
    }

    /// Whether these are whole numbers that name something.
    fn is_identifier(&self, name: &str) -> bool {
        let is_counted = self.n_filled >= 20 && self.whole.n_by_one + 1 == self.n_filled;
        self.n_filled > 0 && self.whole.n == self.n_filled && (is_counted || is_identifier_name(name))
    }

    /// Whether this is a total that only grows, or starts again from about nothing.
    fn is_total(&self, name: &str) -> bool {
        let n_steps = self.n_filled.saturating_sub(1);
        let falls = |one_in: usize| self.whole.n_down * one_in <= n_steps;
        let name = name.to_lowercase();
        let is_called_so = ["total", "_count", "_sum", "counter"].iter().any(|end| name.ends_with(end));
        let grows = self.whole.n_up * 10 >= n_steps * if is_called_so { 5 } else { 9 };
        n_steps > 1
            && self.whole.n_negative == 0
            && grows
            && if is_called_so {
                falls(20)
            } else {
                self.whole.n_down == 0 && self.whole.n == self.n_filled && n_steps >= 100
            }
    }
}

fn is_identifier_name(name: &str) -> bool {
    const WORDS: [&str; 19] = [
        "id",
        "uuid",
        "guid",
        "index",
        "idx",
        "row",
        "no",
        "nr",
        "pid",
        "zip",
        "plz",
        "port",
        "code",
        "status",
        "key",
        "unnamed: 0",
        "line",
        "seq",
        "sequence",
    ];
    let lower = name.trim().to_lowercase();
    let last = lower.rsplit(['_', '-', ' ', '.']).next().unwrap_or_default();
    WORDS.contains(&lower.as_str()) || ["code", "key", "no", "nr"].contains(&last) || is_called_id(name)
}

fn is_called_id(name: &str) -> bool {
    let lower = name.trim().to_lowercase();
    let last = lower.rsplit(['_', '-', ' ', '.']).next().unwrap_or_default();
    ["id", "uuid", "guid"].contains(&last) || name.ends_with("Id") || name.ends_with("ID")
}

/// A cell as text; what is not UTF-8 was written on an older Windows.
pub(super) fn text_of(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into(),
    }
}

/// Decides by the first rows.
pub(super) fn decide(
    rows: &[(u64, ByteRecord)],
    options: &Options<'_>,
    delimiter: u8,
) -> Result<Layout, TableError> {
    let n_columns = usual_width(rows);
    let first = rows.iter().position(|(_, row)| row.len() == n_columns).ok_or(TableError::Empty)?;
    let heading: Vec<String> =
        (0..n_columns).map(|at| text_of(cell(&rows[first].1, at)).into_owned()).collect();
    if let Some(mut layout) = long(&heading, first + 1) {
        layout.is_exact = is_own(&layout.names) && !rows[first].1.as_slice().ends_with(b"\r");
        return finish_long(layout, rows, options, delimiter);
    }
    let below = look(&rows[first + 1..], n_columns);
    let is_named = is_heading(&rows[first], &below);
    let seen = if is_named { below } else { look(&rows[first..], n_columns) };
    let mut layout = Layout {
        n_above: first + usize::from(is_named),
        n_columns,
        names: names(is_named.then_some(&heading[..]), n_columns),
        ..Layout::default()
    };
    if is_named {
        layout.n_above +=
            rows[layout.n_above..].iter().take(2).take_while(|(_, row)| is_below_heading(row, &seen)).count();
    }
    if layout.n_above >= rows.len() {
        return Err(TableError::Empty);
    }
    layout.assign(rows, &seen, options, delimiter)?;
    Ok(layout)
}

fn look(rows: &[(u64, ByteRecord)], n_columns: usize) -> Vec<Seen> {
    let mut seen = vec![Seen::default(); n_columns];
    for (line, row) in rows.iter().filter(|(_, row)| row.len() == n_columns) {
        seen.iter_mut().enumerate().for_each(|(at, seen)| seen.see(*line, &text_of(cell(row, at))));
    }
    seen
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

/// The layout of a table in long form, as its heading tells.
pub(super) fn long(heading: &[String], n_above: usize) -> Option<Layout> {
    let names = names(Some(heading), heading.len());
    let find = |wanted: &str| names.iter().position(|name| name.eq_ignore_ascii_case(wanted));
    let n_columns = names.len();
    let mut layout = Layout { n_above, n_columns, ..Layout::default() };
    let influx = [find("_measurement"), find("_field")];
    let value = if is_own(&names) {
        (layout.time, layout.series) = (Some(0), vec![1]);
        2
    } else if let (Some(value), Some(time), [_, Some(_)] | [Some(_), _]) =
        (find("_value"), find("_time"), influx)
    {
        layout.is_influx = true;
        (layout.time, layout.series) = (Some(time), influx.into_iter().flatten().collect());
        value
    } else {
        layout.series = vec![["name", "series", "metric"].into_iter().find_map(find)?];
        find("value")?
    };
    layout.values = vec![value];
    // What Influx says of its answer, not of the series; and its first column, which has no name.
    let is_of_answer =
        |name: &str| ["result", "table", "_start", "_stop"].contains(&name) || name.starts_with("column ");
    let taken = [value].into_iter().chain(layout.series.iter().copied()).chain(layout.time);
    let taken: Vec<usize> = taken.collect();
    let is_label = |at: &usize| !(taken.contains(at) || layout.is_influx && is_of_answer(&names[*at]));
    layout.labels = (0..n_columns).filter(is_label).collect();
    layout.names = names;
    Some(layout)
}

/// Whether these are the columns of our own exports, which hold everything to the last bit.
fn is_own(names: &[String]) -> bool {
    names.starts_with(&["time", "name", "value"].map(str::to_owned))
}

/// Adds what the rows tell to what the heading said.
pub(super) fn finish_long(
    mut layout: Layout,
    rows: &[(u64, ByteRecord)],
    options: &Options<'_>,
    delimiter: u8,
) -> Result<Layout, TableError> {
    let seen = look(rows.get(layout.n_above..).unwrap_or_default(), layout.n_columns);
    layout.marks = options.marks.map(|name| layout.find(name)).transpose()?;
    layout.labels.retain(|at| Some(*at) != layout.marks);
    if layout.time.is_none() || options.time.is_some() {
        let free: Vec<usize> = layout.labels.clone();
        layout.find_time(&seen, &free, options)?;
    } else if let Some(at) = layout.time {
        let form = seen[at].times.form(&layout.names[at], false).map(|(form, _)| form);
        let form = form.or_else(|| seen[at].times.form_wanted()).unwrap_or(TimeForm::Written);
        layout.times = Some((form, layout.order(&seen[at], at, options)?));
    }
    let (time, clock) = (layout.time, layout.time_of_day);
    layout.labels.retain(|at| Some(*at) != time && Some(*at) != clock);
    layout.find_numbers(&seen, options, delimiter);
    // Whatever a few of the numbers look like.
    if is_own(&layout.names) {
        layout.numbers =
            vec![NumberForm { decimal: options.decimal.unwrap_or_default(), ..NumberForm::default() }];
    }
    Ok(layout)
}

impl Layout {
    fn assign(
        &mut self,
        rows: &[(u64, ByteRecord)],
        seen: &[Seen],
        options: &Options<'_>,
        delimiter: u8,
    ) -> Result<(), TableError> {
        self.marks = options.marks.map(|name| self.find(name)).transpose()?;
        let wanted: Vec<usize> =
            options.values.iter().map(|name| self.find(name)).collect::<Result<_, _>>()?;
        let free: Vec<usize> =
            (0..self.n_columns).filter(|at| Some(*at) != self.marks && !wanted.contains(at)).collect();
        self.find_time(seen, &free, options)?;
        if let Some(&at) = wanted.iter().find(|&&at| seen[at].n_filled > 0 && seen[at].numbers.n_numbers == 0)
        {
            let (line, text) = seen[at].first.clone().unwrap_or_default();
            return Err(TableError::NotNumbers { line, column: at + 1, name: self.names[at].clone(), text });
        }
        let is_free = |at: &usize| ![self.time, self.time_of_day, self.marks].contains(&Some(*at));
        // Nothing stands in them, not even a name: what a separator at the end of each row leaves.
        let is_there = |at: &usize| seen[*at].n_filled > 0 || self.names[*at] != nameless(*at);
        let rest: Vec<usize> = (0..self.n_columns).filter(is_free).filter(is_there).collect();
        let (series, texts): (Vec<usize>, Vec<usize>) = rest.iter().partition(|&&at| seen[at].is_series());
        let (identifiers, series): (Vec<usize>, Vec<usize>) =
            series.into_iter().partition(|&at| seen[at].is_identifier(&self.names[at]));
        // If there is nothing else, they are what is meant.
        let (identifiers, series) =
            if series.is_empty() { (Vec::new(), identifiers) } else { (identifiers, series) };
        self.find_labels(rows, seen, &texts, &identifiers, &wanted);
        let is_left = |at: &usize| !self.labels.contains(at) && !wanted.contains(at) && wanted.is_empty();
        self.texts = texts.into_iter().filter(is_left).collect();
        self.identifiers = identifiers.into_iter().filter(is_left).collect();
        self.values = if wanted.is_empty() { series } else { wanted };
        if self.values.is_empty() {
            return Err(TableError::NoNumbers { columns: self.columns() });
        }
        if self.values.len() > MAX_COLUMNS {
            return Err(TableError::TooManySeries { count: self.values.len() });
        }
        self.totals = self.values.iter().map(|&at| seen[at].is_total(&self.names[at])).collect();
        self.find_numbers(seen, options, delimiter);
        Ok(())
    }

    /// The surest column of times, and the first of those; and the times of day that belong to it.
    fn find_time(&mut self, seen: &[Seen], free: &[usize], options: &Options<'_>) -> Result<(), TableError> {
        let form = if let Some(name) = options.time {
            let at = self.find(name)?;
            let form = seen[at].times.form(&self.names[at], true).map(|(form, _)| form);
            let Some(form) = form.or_else(|| seen[at].times.form_wanted()) else {
                let (line, text) = seen[at].first.clone().unwrap_or_default();
                return Err(TableError::NotTimes {
                    line,
                    column: at + 1,
                    name: self.names[at].clone(),
                    text,
                });
            };
            Some((at, form))
        } else {
            let times = free.iter().filter_map(|&at| {
                let (form, how_sure) = seen[at].times.form(&self.names[at], at == 0)?;
                Some((how_sure, std::cmp::Reverse(at), form))
            });
            times.max_by_key(|(how_sure, at, _)| (*how_sure, *at)).map(|(_, at, form)| (at.0, form))
        };
        let Some((at, form)) = form else {
            let looks_so = free.iter().find(|&&at| is_time_name(&self.names[at]) && seen[at].n_filled > 0);
            self.no_time = looks_so.and_then(|&at| {
                let (line, text) = seen[at].first.clone()?;
                Some(format!("line {line}, column {}: {}: \"{text}\" is not a time", at + 1, self.names[at]))
            });
            return Ok(());
        };
        self.time = Some(at);
        self.times = Some((form, self.order(&seen[at], at, options)?));
        if seen[at].times.are_days(form) {
            let clocks = free.iter().filter(|other| **other != at);
            let clock = clocks
                .filter_map(|&other| Some((other, seen[other].times.clock(&self.names[other])?)))
                .min_by_key(|(other, _)| other.abs_diff(at));
            self.time_of_day = clock.map(|(other, _)| other);
            self.clock = clock.map(|(_, form)| form);
        }
        Ok(())
    }

    fn order(&self, seen: &Seen, at: usize, options: &Options<'_>) -> Result<DateOrder, TableError> {
        match (options.date_order, seen.times.order()) {
            (Some(order), _) | (None, Ok(order)) => Ok(order),
            (None, Err(None)) => Ok(DateOrder::DayFirst),
            (None, Err(Some(text))) => Err(TableError::OpenOrder {
                column: at + 1,
                name: self.names[at].clone(),
                text: text.to_owned(),
            }),
        }
    }

    /// Texts that are always the same or tell rows of one time apart.
    fn find_labels(
        &mut self,
        rows: &[(u64, ByteRecord)],
        seen: &[Seen],
        texts: &[usize],
        identifiers: &[usize],
        wanted: &[usize],
    ) {
        let Some(time) = self.time else { return };
        let rows: Vec<&ByteRecord> = rows[self.n_above..]
            .iter()
            .map(|(_, row)| row)
            .filter(|row| row.len() == self.n_columns)
            .collect();
        let when = |row: &ByteRecord| (row[time].to_vec(), self.time_of_day.map(|at| row[at].to_vec()));
        let n_times = rows.iter().map(|row| when(row)).collect::<HashSet<_>>().len();
        let is_repeated = (rows.len() - n_times) * 20 > rows.len();
        let is_label = |at: &usize| {
            let n_texts = seen[*at].texts.len();
            let tells_apart = is_repeated && n_texts * 2 <= rows.len() && n_texts <= MAX_TEXTS;
            let is_whole = seen[*at].n_filled == rows.len();
            // A code may change where an identifier does not.
            let is_constant = n_texts == 1 && rows.len() > 1;
            let may_be_constant = texts.contains(at) || is_called_id(&self.names[*at]);
            is_whole && (is_constant && may_be_constant || tells_apart)
        };
        let candidates = texts.iter().chain(identifiers).filter(|at| !wanted.contains(at));
        self.labels = candidates.copied().filter(is_label).collect();
        self.labels.sort_unstable();
    }

    fn find_numbers(&mut self, seen: &[Seen], options: &Options<'_>, delimiter: u8) {
        let decimals = seen.iter().fold([0, 0], |[points, commas], seen| {
            [points + seen.numbers.decimals[0], commas + seen.numbers.decimals[1]]
        });
        let of_table = match (options.decimal, decimals) {
            (Some(decimal), _) => TableDecimal::Told(decimal),
            // Whoever writes decimals with a comma cannot separate cells with it.
            (None, [0, 0]) if delimiter == b';' => TableDecimal::Guessed(Decimal::Comma),
            (None, [points, commas]) if points == commas => TableDecimal::Guessed(Decimal::Point),
            (None, [points, commas]) if commas > points => TableDecimal::Told(Decimal::Comma),
            (None, _) => TableDecimal::Told(Decimal::Point),
        };
        for &at in &self.values {
            let mut form = seen[at].numbers.form(of_table);
            if let Some(decimal) = options.decimal {
                (form.decimal, form.taken_for_thousands) = (decimal, None);
            }
            self.numbers.push(form);
        }
        self.totals.resize(self.values.len(), false);
    }

    /// Columns in which a cell such as `1,234` was taken for a thousand though nothing told, with that cell.
    pub fn taken_for_thousands(&self) -> impl Iterator<Item = (usize, &str)> {
        self.forms().filter_map(|(at, form)| Some((at, form.taken_for_thousands.as_deref()?)))
    }

    /// Columns in which many numbers have a unit and many have none, with the unit of all.
    pub fn half_bare(&self) -> impl Iterator<Item = (usize, &str)> {
        self.forms().filter(|(_, form)| form.is_half_bare).map(|(at, form)| (at, form.unit.as_str()))
    }

    fn forms(&self) -> impl Iterator<Item = (usize, &NumberForm)> {
        self.values.iter().copied().zip(&self.numbers)
    }

    /// The column of this name, or of this number counted from 1.
    pub(super) fn find(&self, wanted: &str) -> Result<usize, TableError> {
        let by_name = self
            .names
            .iter()
            .position(|name| name == wanted)
            .or_else(|| self.names.iter().position(|name| name.eq_ignore_ascii_case(wanted)));
        let by_number =
            || wanted.parse::<usize>().ok()?.checked_sub(1).filter(|number| *number < self.n_columns);
        by_name
            .or_else(by_number)
            .ok_or_else(|| TableError::NoColumn { name: shown(wanted), columns: self.columns() })
    }

    /// The names of the columns, for people.
    pub(super) fn columns(&self) -> String {
        let shown: Vec<&str> = self.names.iter().take(20).map(String::as_str).collect();
        let more = if self.names.len() > shown.len() { ", …" } else { "" };
        format!("{}{more}", shown.join(", "))
    }
}

/// The number of cells that most rows have; of equally frequent ones the first.
fn usual_width(rows: &[(u64, ByteRecord)]) -> usize {
    let mut counts: Vec<(usize, usize)> = Vec::new();
    for (_, row) in rows {
        match counts.iter_mut().find(|(width, _)| *width == row.len()) {
            Some((_, count)) => *count += 1,
            None => counts.push((row.len(), 1)),
        }
    }
    let first_best = |best: (usize, usize), &(width, count): &(usize, usize)| {
        if count > best.1 { (width, count) } else { best }
    };
    counts.iter().fold((0, 0), first_best).0
}

fn nameless(at: usize) -> String {
    format!("column {}", at + 1)
}

/// Names without two alike: those of the heading, or `column 1` and so on.
fn names(heading: Option<&[String]>, n_columns: usize) -> Vec<String> {
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
