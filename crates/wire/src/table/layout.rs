//! Detects the meaning of columns from the first rows.
//!
//! - **Times**: a column of dates, else of large numbers that rise and are called like times, else of large numbers
//!   that rise; a column of times of day beside one of days belongs to it. Or year, month, day and so on have a column each.
//! - **Long form**: a column `name`, `series`, `metric` or the like and one called `value` (`_measurement`, `_field` and
//!   `_value` in what Influx exports); every other column is a label, unless it differs from row to row.
//! - **Wide form**: every column of numbers is a series. Texts that are the same in every row, or that tell rows of one
//!   time apart, are labels. Identifiers and other texts are left out.

use std::collections::HashSet;

use ::csv::ByteRecord;

use super::error::{DatedCell, TableError};
use super::heading::{self, Heading, nameless};
use super::number::{Decimal, NumberForm, TableDecimal};
use super::options::Options;
use super::order::{Cell, Order};
use super::parts::Parts;
use super::seen::{MAX_TEXTS, Seen, is_called_id, look};
use super::time::{ClockForm, TimeForm, is_time_name, is_zone};
use super::written::DateOrder;
use crate::report::shown;

/// More series in one row are not read: each takes some memory.
pub(super) const MAX_COLUMNS: usize = 10_000;

/// In long form, what the column is called that names the series, and that of values.
const SERIES_NAMES: [&str; 8] =
    ["name", "series", "metric", "__name__", "metric_name", "variable", "measurement", "sensor"];
const VALUE_NAMES: [&str; 6] = ["value", "val", "reading", "wert", "valeur", "valor"];

/// What stands in a column of the halves of days, and what columns of time zones are called.
const HALVES: [&str; 4] = ["am", "pm", "a.m.", "p.m."];
const ZONE_NAMES: [&str; 6] = ["timezone", "time_zone", "time zone", "tz", "zone", "zeitzone"];

/// How things are, which is another the moment something happens, and tells no series apart.
const STATES: [&str; 22] = [
    "true",
    "false",
    "yes",
    "no",
    "ok",
    "okay",
    "good",
    "bad",
    "normal",
    "valid",
    "invalid",
    "error",
    "warning",
    "up",
    "down",
    "on",
    "off",
    "active",
    "inactive",
    "passed",
    "healthy",
    "unhealthy",
];

/// Fewer times do not tell whether a text differs in each row: many series may begin at once.
const MIN_TIMES: usize = 10;

/// Which column is what, counted from 0.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    /// How many of the first rows hold no data.
    pub(super) n_above: usize,
    pub(super) n_columns: usize,
    /// Whether another table with a heading of its own may follow.
    pub(super) is_influx: bool,
    /// The row that names the columns, which some repeat.
    pub(super) heading: Option<ByteRecord>,
    /// Whether a `\r` at the end of a row belongs to its last text.
    pub(super) is_exact: bool,
    /// The names of all columns.
    pub names: Vec<String>,
    /// The column of times.
    pub time: Option<usize>,
    /// The column of times of day, where dates and times of day have a column each.
    pub time_of_day: Option<usize>,
    /// The column of AM and PM, where these have one of their own.
    pub(super) half_of_day: Option<usize>,
    /// The column of the names of time zones.
    pub(super) zone: Option<usize>,
    /// The columns of year, month and so on, where these have a column each; `time` is that of the year.
    pub(super) parts: Option<Parts>,
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
    /// The label that says whose a row is, if the user named one.
    pub entity: Option<usize>,
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

/// Decides by the first rows.
pub(super) fn decide(
    rows: &[(u64, ByteRecord)],
    options: &Options<'_>,
    delimiter: u8,
) -> Result<Layout, TableError> {
    let n_columns = usual_width(rows);
    let first = rows.iter().position(|(_, row)| row.len() == n_columns).ok_or(TableError::Empty)?;
    let heading = heading::texts(&rows[first].1);
    if let Some(mut layout) = long(&heading, first + 1) {
        layout.is_exact = is_own(&layout.names) && !rows[first].1.as_slice().ends_with(b"\r");
        layout.heading = Some(rows[first].1.clone());
        return finish_long(layout, rows, options, delimiter);
    }
    let Heading { n_above, names, seen, is_named } = heading::find(rows, first, n_columns);
    if n_above >= rows.len() {
        return Err(TableError::Empty);
    }
    let heading = (is_named && n_above > first).then(|| rows[first].1.clone());
    let mut layout = Layout { n_above, n_columns, names, heading, ..Layout::default() };
    if let Some((series, value)) = bare_long(&seen).filter(|_| !is_named) {
        (layout.series, layout.values) = (vec![series], vec![value]);
        layout.labels = (0..n_columns).filter(|at| ![series, value].contains(at)).collect();
        return finish_long(layout, rows, options, delimiter);
    }
    layout.assign(rows, &seen, options, delimiter)?;
    Ok(layout)
}

/// The column of names and that of values in rows of a name, a time and a number that nothing stands above, as Graphite writes
/// them.
fn bare_long(seen: &[Seen]) -> Option<(usize, usize)> {
    let is_time = |seen: &Seen| seen.times.form("", false).is_some();
    let only = |is_one: &dyn Fn(&Seen) -> bool| {
        let mut found = (0..seen.len()).filter(|at| is_one(&seen[*at]));
        found.next().filter(|_| found.next().is_none())
    };
    let series = only(&|seen| seen.n_filled > 0 && !seen.is_data())?;
    let value = only(&|seen| seen.n_filled > 0 && seen.is_series() && !is_time(seen))?;
    (seen.len() == 3 && only(&is_time).is_some()).then_some((series, value))
}

fn is_state(text: &str) -> bool {
    STATES.iter().any(|state| text.eq_ignore_ascii_case(state))
}

/// The layout of a table in long form, as its heading tells.
pub(super) fn long(heading: &[String], n_above: usize) -> Option<Layout> {
    let names = heading::names(Some(heading), heading.len());
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
        layout.series = vec![SERIES_NAMES.into_iter().find_map(find)?];
        let value = VALUE_NAMES.into_iter().find_map(find)?;
        (value != layout.series[0]).then_some(value)?
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
    layout.entity = options.entity.map(|name| layout.find(name)).transpose()?;
    layout.labels.retain(|at| Some(*at) != layout.marks);
    if layout.time.is_none() || options.time.is_some() {
        let free: Vec<usize> = layout.labels.clone();
        layout.find_time(&seen, &free, options)?;
    } else if let Some(at) = layout.time {
        let form = seen[at].times.form(&layout.names[at], false).map(|(form, _)| form);
        let form = form.or_else(|| seen[at].times.form_wanted()).unwrap_or(TimeForm::Written);
        layout.times = Some((form, layout.order(&seen[at], at, options)?));
    }
    let of_time: Vec<usize> = layout.of_time().collect();
    layout.labels.retain(|at| !of_time.contains(at));
    if !layout.is_influx && !is_own(&layout.names) {
        layout.leave_out_row_texts(&seen, rows.len() - layout.n_above);
        layout.label_entity();
    }
    layout.find_numbers(&seen, options, delimiter);
    // Whatever a few of the numbers look like.
    if is_own(&layout.names) {
        layout.numbers =
            vec![NumberForm { decimal: options.decimal.unwrap_or_default(), ..NumberForm::default() }];
    }
    Ok(layout)
}

impl Layout {
    /// What differs from row to row while times go on, as numbers of rows and notes do, tells no series apart.
    fn leave_out_row_texts(&mut self, seen: &[Seen], n_rows: usize) {
        let n_times = self.time.map_or(0, |at| seen[at].texts.len());
        let is_of_row = |at: &usize| {
            let n_texts = seen[*at].texts.len();
            n_times >= MIN_TIMES && (n_texts * 2 > n_rows || n_texts > MAX_TEXTS)
        };
        let (texts, labels): (Vec<usize>, Vec<usize>) = self.labels.iter().partition(|at| is_of_row(at));
        (self.texts, self.labels) = (texts, labels);
    }

    fn assign(
        &mut self,
        rows: &[(u64, ByteRecord)],
        seen: &[Seen],
        options: &Options<'_>,
        delimiter: u8,
    ) -> Result<(), TableError> {
        self.marks = options.marks.map(|name| self.find(name)).transpose()?;
        self.entity = options.entity.map(|name| self.find(name)).transpose()?;
        let named = [self.marks, self.entity];
        let is_other = |at: &usize| !named.contains(&Some(*at));
        let wanted: Vec<usize> =
            options.values.iter().map(|name| self.find(name)).collect::<Result<_, _>>()?;
        let free: Vec<usize> =
            (0..self.n_columns).filter(is_other).filter(|at| !wanted.contains(at)).collect();
        self.find_time(seen, &free, options)?;
        if let Some(&at) = wanted.iter().find(|&&at| seen[at].n_filled > 0 && seen[at].numbers.n_numbers == 0)
        {
            let (line, text) = seen[at].first.clone().unwrap_or_default();
            return Err(TableError::NotNumbers { line, column: at + 1, name: self.names[at].clone(), text });
        }
        let of_time: Vec<usize> = self.of_time().collect();
        let is_free = |at: &usize| is_other(at) && !of_time.contains(at);
        // Nothing stands in them, not even a name: what a separator at the end of each row leaves.
        let is_there = |at: &usize| seen[*at].n_filled > 0 || self.names[*at] != nameless(*at);
        let rest: Vec<usize> = (0..self.n_columns).filter(is_free).filter(is_there).collect();
        let (series, texts): (Vec<usize>, Vec<usize>) = rest.iter().partition(|&&at| seen[at].is_series());
        let (identifiers, series): (Vec<usize>, Vec<usize>) =
            series.into_iter().partition(|&at| seen[at].measures_nothing(&self.names[at]));
        // If there is nothing else, they are what is meant.
        let (identifiers, series) =
            if series.is_empty() { (Vec::new(), identifiers) } else { (identifiers, series) };
        self.find_labels(rows, seen, &texts, &identifiers, &wanted);
        self.label_entity();
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

    /// The columns that say when.
    fn of_time(&self) -> impl Iterator<Item = usize> {
        let parts = self.parts.into_iter().flat_map(Parts::columns);
        self.time.into_iter().chain(self.time_of_day).chain(self.half_of_day).chain(self.zone).chain(parts)
    }

    /// What the user says is a label is one.
    fn label_entity(&mut self) {
        self.labels.extend(self.entity);
        self.labels.sort_unstable();
        self.labels.dedup();
        self.texts.retain(|at| Some(*at) != self.entity);
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
            let surest = times.max_by_key(|(how_sure, at, _)| (*how_sure, *at));
            self.parts = Parts::find(&self.names, seen, free);
            match (surest, self.parts.and_then(Parts::year)) {
                // Numbers that only rise may be anything.
                (None | Some((1, ..)), Some(year)) => {
                    self.time = Some(year);
                    self.times = Some((TimeForm::Written, DateOrder::YearFirst));
                    return Ok(());
                }
                (surest, _) => surest.map(|(_, at, form)| (at.0, form)),
            }
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
            let is_half = |at: &&usize| seen[**at].are_all(|text| HALVES.contains(&&*text.to_lowercase()));
            self.half_of_day = free.iter().find(is_half).copied().filter(|_| clock.is_some());
        } else if form == TimeForm::Written {
            let is_zone = |at: &&usize| {
                ZONE_NAMES.contains(&&*self.names[**at].to_lowercase()) && seen[**at].are_all(is_zone)
            };
            self.zone = free.iter().find(is_zone).copied();
        }
        Ok(())
    }

    fn order(&self, seen: &Seen, at: usize, options: &Options<'_>) -> Result<DateOrder, TableError> {
        if let Some(order) = options.date_order {
            return Ok(order);
        }
        decided(seen.times.order(), at + 1, &self.names[at])
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
        let when = |row: &ByteRecord| match self.parts.filter(|parts| parts.year() == Some(time)) {
            Some(parts) => (parts.text(row).into_bytes(), None),
            None => (row[time].to_vec(), self.time_of_day.map(|at| row[at].to_vec())),
        };
        let n_times = rows.iter().map(|row| when(row)).collect::<HashSet<_>>().len();
        let is_repeated = (rows.len() - n_times) * 20 > rows.len();
        let is_label = |at: &usize| {
            let n_texts = seen[*at].texts.len();
            let tells_apart = is_repeated && n_texts * 2 <= rows.len() && n_texts <= MAX_TEXTS;
            let is_whole = seen[*at].n_filled == rows.len();
            // A code may change where an identifier does not.
            let is_constant = n_texts == 1 && rows.len() > 1;
            let may_be_constant = texts.contains(at) || is_called_id(&self.names[*at]);
            let may_change = is_constant && seen[*at].are_all(is_state);
            is_whole && (is_constant && may_be_constant && !may_change || tells_apart)
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

/// The order of a column that is counted from 1; day first where it does not matter.
pub(super) fn decided(order: Order<'_>, column: usize, name: &str) -> Result<DateOrder, TableError> {
    let name = || name.to_owned();
    let cell = |(order, (line, text)): (DateOrder, &Cell)| DatedCell {
        line: *line,
        text: text.clone(),
        first: order.first(),
    };
    match order {
        Order::Known(order) => Ok(order),
        Order::Indifferent => Ok(DateOrder::DayFirst),
        Order::Open((line, text)) => {
            Err(TableError::OpenOrder { line: *line, column, name: name(), text: text.clone() })
        }
        Order::Mixed(one, other) => {
            let cells = Box::new([cell(one), cell(other)]);
            Err(TableError::MixedOrder { column, name: name(), cells })
        }
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
