//! Which column is what, as the first rows tell.
//!
//! The time is a column of dates, else of large numbers that rise and are called like times, else of large
//! numbers that rise. Every other column of numbers is a series.

use csv::ByteRecord;
use lanner_wire::csv::rows::cell;

use super::cell;
use crate::failure::{Failure, Result};

const TIME_NAMES: [&str; 7] = ["time", "timestamp", "@timestamp", "datetime", "date", "ts", "epoch"];

/// More series are not looked at at once: each takes some memory.
const MAX_SERIES: usize = 10_000;

/// Columns that the user named.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) time: Option<String>,
    /// All columns of numbers, if empty.
    pub(super) values: Vec<String>,
    /// Marks of incidents.
    pub(super) label: Option<String>,
}

/// Which column is what, counted from 0.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    /// How many of the first rows hold no data.
    pub(super) n_above: usize,
    pub(super) n_columns: usize,
    pub(super) time: Option<usize>,
    pub(super) values: Vec<usize>,
    pub(super) label: Option<usize>,
    /// Columns that hold something else.
    pub(super) others: Vec<usize>,
    pub(super) names: Vec<String>,
    pub(super) has_decimal_comma: bool,
}

/// What separates cells, judged by whole lines at the start of the input.
pub(super) fn delimiter(start: &[u8]) -> u8 {
    let mut lines: Vec<&[u8]> = start.split(|byte| *byte == b'\n').take(20).collect();
    if lines.len() > 1 {
        // It may be cut, or be what follows the last line break.
        lines.pop();
    }
    let in_each = |delimiter: u8| {
        let counts = lines.iter().map(|line| line.iter().filter(|byte| **byte == delimiter).count());
        (counts.clone().min().unwrap_or(0), counts.sum::<usize>().min(1))
    };
    // Of equally good ones the last is taken: a comma may stand within numbers, so a semicolon goes before it.
    b",|\t;".iter().copied().max_by_key(|delimiter| in_each(*delimiter)).unwrap_or(b',')
}

/// What was seen of a column.
#[derive(Debug, Clone, Default)]
struct Seen {
    n_filled: usize,
    n_numbers: usize,
    n_times: usize,
    n_written_out: usize,
    n_rising: usize,
    last_ms: Option<i64>,
}

impl Seen {
    fn see(&mut self, text: &str, has_decimal_comma: bool) {
        if cell::is_gap(text) {
            return;
        }
        self.n_filled += 1;
        self.n_numbers += usize::from(cell::number(text, has_decimal_comma).is_some());
        if let Some(time_ms) = cell::time_ms(text) {
            self.n_times += 1;
            self.n_written_out += usize::from(cell::is_written_out(text));
            self.n_rising += usize::from(self.last_ms.is_none_or(|last_ms| last_ms <= time_ms));
            self.last_ms = Some(time_ms);
        }
    }

    /// How surely these are times; `None` when they are not.
    fn as_time(&self, name: &str) -> Option<usize> {
        // All but one in twenty; of few, all but one.
        let nearly = |part: usize, whole: usize| part * 2 > whole && whole - part <= (whole / 20).max(1);
        if !nearly(self.n_times, self.n_filled) {
            return None;
        }
        let is_called_so = TIME_NAMES.iter().any(|known| name.eq_ignore_ascii_case(known));
        match () {
            () if nearly(self.n_written_out, self.n_times) => Some(3),
            () if is_called_so => Some(2),
            () if self.n_times > 1 && nearly(self.n_rising, self.n_times) => Some(1),
            () => None,
        }
    }

    /// Whether these are numbers, or nothing so far.
    fn is_series(&self) -> bool {
        self.n_numbers * 10 >= self.n_filled * 9
    }
}

/// Decides by the first rows; `input` is the name of the file, for messages.
pub(super) fn decide(
    input: &str,
    rows: &[(u64, ByteRecord)],
    wanted: &Wanted,
    has_decimal_comma: bool,
) -> Result<Layout> {
    let n_columns = usual_width(rows);
    let Some(first) = rows.iter().position(|(_, row)| row.len() == n_columns) else {
        return Err(Failure::user(format!("{input} holds no rows"))
            .hint("it needs a column of numbers, and better one of times as well"));
    };
    let (_, heading) = &rows[first];
    let text = |row: &ByteRecord, at: usize| String::from_utf8_lossy(cell(row, at)).into_owned();
    let seen = |rows: &[(u64, ByteRecord)]| {
        let mut seen = vec![Seen::default(); n_columns];
        for (_, row) in rows.iter().filter(|(_, row)| row.len() == n_columns) {
            seen.iter_mut().enumerate().for_each(|(at, seen)| seen.see(&text(row, at), has_decimal_comma));
        }
        seen
    };
    let below = seen(&rows[first + 1..]);
    let is_named = (0..n_columns).any(|at| {
        let mut top = Seen::default();
        top.see(&text(heading, at), has_decimal_comma);
        let is_data = if below[at].as_time("").is_some() { top.n_times > 0 } else { top.n_numbers > 0 };
        // A word above numbers or times; or above nothing at all.
        top.n_filled > 0 && !is_data && (below[at].n_filled == 0 || below[at].is_data())
    });
    let is_named = is_named || (0..n_columns).all(|at| below[at].n_filled > 0 && !below[at].is_data());
    let seen = if is_named { below } else { seen(&rows[first..]) };
    let heading: Vec<String> = (0..n_columns).map(|at| text(heading, at)).collect();
    let names = names(is_named.then_some(&heading[..]), n_columns);
    let mut layout = Layout {
        n_above: if is_named { first + 1 } else { first },
        n_columns,
        time: None,
        values: Vec::new(),
        label: None,
        others: Vec::new(),
        names,
        has_decimal_comma,
    };
    layout.assign(input, &seen, wanted)?;
    Ok(layout)
}

impl Seen {
    /// Whether these are mostly numbers or times.
    fn is_data(&self) -> bool {
        self.n_filled > 0 && (self.is_series() || self.as_time("").is_some())
    }
}

impl Layout {
    fn assign(&mut self, input: &str, seen: &[Seen], wanted: &Wanted) -> Result<()> {
        self.label = wanted.label.as_deref().map(|name| self.find(input, name)).transpose()?;
        let values: Vec<usize> =
            wanted.values.iter().map(|name| self.find(input, name)).collect::<Result<_>>()?;
        self.time = match &wanted.time {
            Some(name) => Some(self.find(input, name)?),
            None => self.find_time(seen, &values),
        };
        if let Some(at) = self.time.filter(|&at| seen[at].n_times == 0) {
            let message = format!("{input}: the column {} holds no times", self.names[at]);
            return Err(Failure::user(message).hint(
                "times are written 2026-12-01T08:00:00Z, 2026-12-01 08:00:00, 2026-12-01, or as a number since 1970",
            ));
        }
        if let Some(&at) = values.iter().find(|&&at| seen[at].n_filled > 0 && seen[at].n_numbers == 0) {
            let message = format!("{input}: the column {} holds no numbers", self.names[at]);
            return Err(Failure::user(message).hint("leave --value out to take every column of numbers"));
        }
        let rest = (0..self.n_columns).filter(|at| Some(*at) != self.time && Some(*at) != self.label);
        let (series, others): (Vec<usize>, Vec<usize>) = rest.partition(|&at| seen[at].is_series());
        (self.values, self.others) = if values.is_empty() { (series, others) } else { (values, Vec::new()) };
        if self.values.is_empty() {
            let message = format!("{input} has no column of numbers beside the time");
            return Err(Failure::user(message).hint(format!("the columns are {}", self.columns())));
        }
        if self.values.len() > MAX_SERIES {
            let message = format!("{input} has {} series, more than {MAX_SERIES}", self.values.len());
            return Err(Failure::user(message).hint("name those to look at with --value"));
        }
        Ok(())
    }

    /// The surest column of times, and the first of those.
    fn find_time(&self, seen: &[Seen], values: &[usize]) -> Option<usize> {
        let free = (0..self.n_columns).filter(|at| Some(*at) != self.label && !values.contains(at));
        let times = free.filter_map(|at| Some((seen[at].as_time(&self.names[at])?, at)));
        times.max_by_key(|(how_sure, at)| (*how_sure, std::cmp::Reverse(*at))).map(|(_, at)| at)
    }

    /// The column of this name, or of this number counted from 1.
    fn find(&self, input: &str, wanted: &str) -> Result<usize> {
        let by_name = self
            .names
            .iter()
            .position(|name| name == wanted)
            .or_else(|| self.names.iter().position(|name| name.eq_ignore_ascii_case(wanted)));
        let by_number =
            || wanted.parse::<usize>().ok()?.checked_sub(1).filter(|number| *number < self.n_columns);
        by_name.or_else(by_number).ok_or_else(|| {
            Failure::user(format!("{input} has no column \"{wanted}\""))
                .hint(format!("the columns are {}", self.columns()))
        })
    }

    /// The names of the columns, for people.
    fn columns(&self) -> String {
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

/// Names without two alike: those of the heading, or `column 1` and so on.
fn names(heading: Option<&[String]>, n_columns: usize) -> Vec<String> {
    let mut used = std::collections::HashSet::new();
    (0..n_columns)
        .map(|at| {
            let written = heading.map(|heading| heading[at].trim_start_matches('\u{feff}').trim());
            let shortened: String = written.unwrap_or_default().chars().take(100).collect();
            let numbered = format!("column {}", at + 1);
            let name = match shortened.as_str() {
                "" => numbered,
                name if used.contains(name) => format!("{name} ({numbered})"),
                name => name.to_owned(),
            };
            used.insert(name.clone());
            name
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters() {
        #[track_caller]
        fn check(start: &str, expected: u8) {
            assert_eq!(delimiter(start.as_bytes()), expected, "{start}");
        }
        check("a,b\n1,2\n", b',');
        check("a;b\n1,5;2,5\n", b';');
        check("2026-01-01;1,5\n2026-01-02;2,5\n", b';');
        check("a\tb, c\n1\t2\n", b'\t');
        check("a|b\n1|2\n", b'|');
        check("1\n2\n", b';'); // no matter
        check("a,b", b',');
        check("a,b\n1,2\n1;", b',');
        check("", b';');
    }

    fn layout(text: &str, wanted: &Wanted) -> Result<Layout> {
        let delimiter = delimiter(text.as_bytes());
        let row = |line: &str| ByteRecord::from(line.split(char::from(delimiter)).collect::<Vec<_>>());
        let rows: Vec<_> = (1..).zip(text.lines().map(row)).collect();
        decide("it", &rows, wanted, delimiter == b';')
    }

    /// The number of rows above the data, the time and the values.
    #[track_caller]
    fn check(text: &str, n_above: usize, time: Option<usize>, values: &[usize]) {
        let found = layout(text, &Wanted::default()).unwrap();
        assert_eq!((found.n_above, found.time, found.values.as_slice()), (n_above, time, values), "{text}");
    }

    #[test]
    fn layouts() {
        check("timestamp,value\n2026-01-01 00:00,1\n2026-01-01 00:05,2\n", 1, Some(0), &[1]);
        check("2026-01-01 00:00,1\n2026-01-01 00:05,2\n", 0, Some(0), &[1]);
        check("1767225600,1\n1767225660,2\n", 0, Some(0), &[1]);
        check("a,ts\n1767225600,1767225600\n5,1767225660\n", 1, Some(1), &[0]);
        check("no,host,when,cpu\n1,x,2026-01-01,5\n2,y,2026-01-02,6\n", 1, Some(2), &[0, 3]);
        check("zeit;wert\n2026-01-01;1,5\n2026-01-02;-\n", 1, Some(0), &[1]);
        check("value\n1\n2\n", 1, None, &[0]);
        check("1\n2\n", 0, None, &[0]);
        check("time,1,2\n2026-01-01,5,6\n", 1, Some(0), &[1, 2]);
        check("export\ntime,a\n2026-01-01,5\n2026-01-02,\n", 2, Some(0), &[1]);
        check("2026-01-02,5\n2026-01-01,6\n", 0, Some(0), &[1]); // newest first
        check("time,a,b\n2026-01-01,5,\n2026-01-02,6,\n", 1, Some(0), &[1, 2]); // nothing in b so far
    }

    #[test]
    fn columns_may_be_named() {
        let wanted = |time: &str, values: &[&str], label: Option<&str>| Wanted {
            time: Some(time.to_owned()),
            values: values.iter().map(|&name| name.to_owned()).collect(),
            label: label.map(str::to_owned),
        };
        let text = "a,b,c,is_anomaly\n2026-01-01,2026-02-01,5,0\n2026-01-02,2026-02-02,6,1\n";
        let found = layout(text, &wanted("B", &["3"], Some("is_anomaly"))).unwrap();
        assert_eq!((found.time, found.values, found.label), (Some(1), vec![2], Some(3)));
        assert!(layout(text, &wanted("d", &[], None)).is_err());
        assert!(layout(text, &wanted("c", &[], None)).is_err());
        assert!(layout(text, &wanted("a", &["b"], None)).is_err());
        assert!(layout("a,b\nx,y\n", &Wanted::default()).is_err());
        assert!(layout("", &Wanted::default()).is_err());
    }

    #[test]
    fn names_differ() {
        let heading = ["\u{feff}a", "a", "", " b "].map(str::to_owned).to_vec();
        assert_eq!(names(Some(&heading), 4), ["a", "a (column 2)", "column 3", "b"]);
        assert_eq!(names(None, 2), ["column 1", "column 2"]);
    }
}
