//! Detects the time format of a column from its cells at the start of the table.
//!
//! A number alone can be read in several ways: `202510200000` is a minute of 2025 or, as milliseconds, an instant of
//! 1976. A column is read in one way only, and a cell that does not follow it is refused.

use jiff::civil;
use jiff::tz::TimeZone;

use super::number::is_gap;
use super::order::{ORDERS, Order, OrderSeen};
use super::written::{self, Date, DateOrder, Written, days_since_1970};
use crate::instant::within_bounds;
use crate::report::shown;

/// Columns of these names hold times if their cells may be times at all.
const NAMES: [&str; 28] = [
    "time",
    "_time",
    "timestamp",
    "@timestamp",
    "datetime",
    "date",
    "ts",
    "epoch",
    "date time",
    "date_time",
    "date/time",
    "when",
    "day",
    "period",
    "unix",
    "unixtime",
    "created_at",
    "datum",
    "zeit",
    "zeitpunkt",
    "zeitstempel",
    "datum/zeit",
    "datum und uhrzeit",
    "fecha",
    "horodatage",
    "data",
    "start_time",
    "event_time",
];

/// Numbers of this size and more may be times since 1970: in seconds, from 1973 on.
const SMALLEST_EPOCH: f64 = 1e8;

/// Days since the end of 1899 that are 1954 to 2119, as spreadsheets count them.
const SERIAL_DAYS: std::ops::Range<f64> = 20_000.0..80_500.0;

const DAY_MS: i64 = 86_400_000;

/// A number in another unit than the others says a time no farther than this from the last one, or is a mistake.
const NEAR_MS: u64 = 366 * 86_400_000;

/// Whether a column of this name is one of times.
pub(super) fn is_time_name(name: &str) -> bool {
    let name = name.trim().trim_start_matches('<').trim_end_matches('>');
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// The unit of a number since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Millis,
    Micros,
    Nanos,
}

impl Unit {
    /// The one in which a number lies between 1973 and 5138.
    fn of(number: f64) -> Self {
        match number.abs() {
            n if n < 1e11 => Self::Seconds,
            n if n < 1e14 => Self::Millis,
            n if n < 1e17 => Self::Micros,
            _ => Self::Nanos,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Millis => "milliseconds",
            Self::Micros => "microseconds",
            Self::Nanos => "nanoseconds",
        }
    }
}

/// How times of day are written in a column of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClockForm {
    /// `14:05`, `2:05 PM`
    Written,
    /// `1405`, `140500`
    Digits,
    /// 0 to 23, or 1 to 24
    Hours,
}

/// How the cells of a column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeForm {
    /// Dates, perhaps with a time of day.
    Written,
    /// `20251020`, `2025102014`, `202510201405`, `20251020140500`
    Compact,
    /// A number since 1970.
    Epoch(Unit),
    /// Days as spreadsheets count them.
    SerialDays,
}

/// What a column's cells were seen to hold, in all ways that they may be read.
#[derive(Debug, Clone, Default)]
pub(super) struct TimesSeen {
    n_filled: usize,
    n_written: usize,
    n_with_clock: usize,
    /// Times of day without a date.
    pub(super) n_clocks: usize,
    n_compact: usize,
    /// Compact ones that are days, without an hour.
    n_compact_days: usize,
    /// By unit.
    n_epoch: [usize; 4],
    n_serial: usize,
    n_fractions: usize,
    n_rising: usize,
    n_falling: usize,
    /// Whole numbers up to 24, and those that are hours and minutes, perhaps seconds.
    n_hours: usize,
    n_of_day: usize,
    last_number: Option<f64>,
    order: OrderSeen,
}

impl TimesSeen {
    /// Looks at one cell.
    pub(super) fn see(&mut self, line: u64, cell: &str) {
        let cell = trimmed(cell);
        if is_gap(cell) {
            return;
        }
        self.n_filled += 1;
        if let Some(number) = days_or_number(cell) {
            self.see_number(cell, number);
        } else if let Some(written) = written::parse(cell) {
            match written.date {
                Some(date) if ORDERS.iter().all(|order| date.in_order(*order).is_none()) => {}
                Some(date) => {
                    self.n_written += 1;
                    self.n_with_clock += usize::from(written.clock_ms.is_some());
                    self.order.see(line, cell, date, written.clock_ms);
                }
                None => self.n_clocks += 1,
            }
        }
    }

    fn see_number(&mut self, cell: &str, number: f64) {
        if let Some((_, has_clock)) = compact(cell) {
            self.n_compact += 1;
            self.n_compact_days += usize::from(!has_clock);
        }
        // Twelve digits that begin like a year are a date, or a mistake in one, and not an instant of 1976.
        let begins_like_year = cell.len() == 12 && (cell.starts_with("19") || cell.starts_with("20"));
        if number >= SMALLEST_EPOCH && !begins_like_year {
            self.n_epoch[Unit::of(number) as usize] += 1;
        }
        self.n_serial += usize::from(SERIAL_DAYS.contains(&number));
        self.n_fractions += usize::from(number.fract() != 0.0);
        self.n_rising += usize::from(self.last_number.is_none_or(|last| last <= number));
        self.n_falling += usize::from(self.last_number.is_none_or(|last| last >= number));
        self.n_hours += usize::from(number.fract() == 0.0 && (0.0..=24.0).contains(&number));
        self.n_of_day += usize::from(digits_of_day(cell).is_some());
        self.last_number = Some(number);
    }

    /// How these are times, and how surely: 3 for dates, 2 for numbers under a name of times, 1 for numbers that rise.
    pub(super) fn form(&self, name: &str, is_first: bool) -> Option<(TimeForm, u8)> {
        let is_nearly_all = |part: usize| nearly(part, self.n_filled);
        if is_nearly_all(self.n_written) {
            return Some((TimeForm::Written, 3));
        }
        let is_called_so = is_time_name(name);
        let is_rising = self.n_filled > 1 && is_nearly_all(self.n_rising.max(self.n_falling));
        let sureness = if is_called_so { 2 } else { 1 };
        if is_nearly_all(self.n_compact) && (is_called_so || is_rising) {
            return Some((TimeForm::Compact, sureness));
        }
        let n_epoch: usize = self.n_epoch.iter().sum();
        if is_nearly_all(n_epoch) && (is_called_so || is_rising) {
            return Some((TimeForm::Epoch(self.unit()), sureness));
        }
        let is_serial = is_nearly_all(self.n_serial) && is_rising;
        let may_be = is_called_so || (is_first && self.n_filled > 2 && self.n_fractions * 2 > self.n_filled);
        (is_serial && may_be).then_some((TimeForm::SerialDays, sureness))
    }

    /// How the column is read when the user says that it holds times.
    pub(super) fn form_wanted(&self) -> Option<TimeForm> {
        let by_size = || {
            if self.n_compact > 0 && nearly(self.n_compact, self.n_filled) {
                Some(TimeForm::Compact)
            } else if self.n_epoch.iter().any(|count| *count > 0) {
                Some(TimeForm::Epoch(self.unit()))
            } else if self.n_serial > 0 {
                Some(TimeForm::SerialDays)
            } else {
                // Small numbers: seconds since 1970, which the user vouches for.
                self.last_number.map(|_| TimeForm::Epoch(Unit::Seconds))
            }
        };
        if self.n_written > 0 { Some(TimeForm::Written) } else { by_size() }
    }

    fn unit(&self) -> Unit {
        const UNITS: [Unit; 4] = [Unit::Seconds, Unit::Millis, Unit::Micros, Unit::Nanos];
        let most = UNITS.iter().max_by_key(|unit| self.n_epoch[**unit as usize]);
        most.copied().unwrap_or(Unit::Seconds)
    }

    /// Whether these are dates that wait for a time of day in another column.
    pub(super) fn are_days(&self, form: TimeForm) -> bool {
        match form {
            TimeForm::Written => self.n_with_clock == 0,
            TimeForm::Compact => self.n_compact_days == self.n_compact,
            _ => false,
        }
    }

    /// How these are times of day, if they are.
    pub(super) fn clock(&self, name: &str) -> Option<ClockForm> {
        let is_called = |names: &[&str]| names.iter().any(|known| name.trim().eq_ignore_ascii_case(known));
        if nearly(self.n_clocks, self.n_filled) {
            Some(ClockForm::Written)
        } else if is_called(&["hour", "hours", "stunde", "heure", "hora"])
            && nearly(self.n_hours, self.n_filled)
        {
            Some(ClockForm::Hours)
        } else if is_called(&["time", "<time>", "uhrzeit", "zeit", "hhmm"])
            && nearly(self.n_of_day, self.n_filled)
        {
            Some(ClockForm::Digits)
        } else {
            None
        }
    }

    /// What the cells tell of the order of day and month.
    pub(super) fn order(&self) -> Order<'_> {
        self.order.decide()
    }
}

/// What a time is without blanks around it, and without the colon that some programs write behind it.
fn trimmed(cell: &str) -> &str {
    let is_around = |c: char| c.is_whitespace() || c == '\u{200b}' || c == '\u{feff}';
    cell.trim_matches(is_around).trim_end_matches(':')
}

/// Whether this is the name of an area and a place in it whose clocks are known.
pub(super) fn is_zone(name: &str) -> bool {
    name.contains('/') && TimeZone::get(name).is_ok()
}

/// The time zone that the name of a column says: `Time (UTC+02:00)`, `MTU (CET/CEST)`, `time [Europe/Berlin]`.
pub(super) fn zone_in(name: &str) -> Option<TimeZone> {
    let (_, rest) = name.split_once(['(', '['])?;
    let (said, _) = rest.split_once([')', ']'])?;
    let said = if said.eq_ignore_ascii_case("CET/CEST") { "Europe/Brussels" } else { said.trim() };
    let text = format!("2000-01-01 00:00 {said}");
    let Written { offset_s, zone, .. } = written::parse(&text)?;
    match (zone, offset_s) {
        (Some(name), _) => TimeZone::get(name).ok(),
        (None, Some(seconds)) => {
            let offset = jiff::tz::Offset::from_seconds(i32::try_from(seconds).ok()?).ok()?;
            Some(TimeZone::fixed(offset))
        }
        (None, None) => None,
    }
}

/// All but one in twenty; of few, all but one.
fn nearly(part: usize, whole: usize) -> bool {
    part * 2 > whole && whole - part <= (whole / 20).max(1)
}

/// Digits that are a date (1900 to 2199) and perhaps a time of day: milliseconds since 1970 by the wall clock, and
/// whether there is a time of day.
pub(crate) fn compact(digits: &str) -> Option<(i64, bool)> {
    if !matches!(digits.len(), 8 | 10 | 12 | 14 | 17) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part =
        |range: std::ops::Range<usize>| digits.get(range).map_or(Some(0), |part| part.parse::<i64>().ok());
    let year = i16::try_from(part(0..4)?).ok().filter(|year| (1900..2200).contains(year))?;
    let date = civil::Date::new(year, part(4..6)?.try_into().ok()?, part(6..8)?.try_into().ok()?).ok()?;
    let [hour, minute, second, ms] = [part(8..10)?, part(10..12)?, part(12..14)?, part(14..17)?];
    let is_clock = hour < 24 && minute < 60 && second < 60;
    let clock_ms = ((hour * 60 + minute) * 60 + second) * 1_000 + ms;
    is_clock.then_some((days_since_1970(date) * DAY_MS + clock_ms, digits.len() > 8))
}

/// Reads the times of one table.
#[derive(Debug, Clone)]
pub(super) struct TimeReader {
    pub(super) form: TimeForm,
    pub(super) order: DateOrder,
    /// Of times without an offset.
    pub(super) zone: TimeZone,
    is_utc: bool,
    /// The last one read: tells the two hours that a clock set back shows twice, and numbers that are written in another unit.
    last_ms: Option<i64>,
    /// How far the clocks that the last cell was written by are ahead of UTC; 0 where nothing says so.
    pub(super) offset_ms: i64,
}

impl TimeReader {
    pub(super) fn new(form: TimeForm, order: DateOrder, zone: TimeZone) -> Self {
        let is_utc = zone == TimeZone::UTC;
        Self { form, order, zone, is_utc, last_ms: None, offset_ms: 0 }
    }

    /// The instant in a cell, with the time of day that stands in another; in milliseconds since 1970.
    pub(super) fn read(&mut self, cell: &str, clock: Option<(ClockForm, &str)>) -> Result<i64, String> {
        let cell = trimmed(cell);
        let time_ms = match self.form {
            TimeForm::Written => self.written(cell, clock)?,
            TimeForm::Compact => {
                let (wall_ms, _) = compact(cell).ok_or_else(|| self.wrong(cell))?;
                self.zoned(wall_ms + of_day(clock)?, cell)?
            }
            TimeForm::Epoch(unit) => self.epoch(cell, unit).ok_or_else(|| self.wrong(cell))?,
            TimeForm::SerialDays => {
                let wall_ms = serial_days(cell).ok_or_else(|| self.wrong(cell))?;
                self.zoned(wall_ms + of_day(clock)?, cell)?
            }
        };
        within_bounds(time_ms).ok_or_else(|| format!("the time \"{}\" is outside 1900 to 2200", shown(cell)))
    }

    fn written(&mut self, cell: &str, clock: Option<(ClockForm, &str)>) -> Result<i64, String> {
        let Some(Written { date: Some(date), clock_ms, offset_s, zone }) = written::parse(cell) else {
            return Err(self.wrong(cell));
        };
        let date = date.in_order(self.order).ok_or_else(|| self.in_other_order(cell, date))?;
        let clock_ms = match clock_ms {
            Some(clock_ms) => clock_ms,
            None => of_day(clock)?,
        };
        let wall_ms = days_since_1970(date) * DAY_MS + clock_ms;
        self.offset_ms = offset_s.unwrap_or(0) * 1_000;
        if let Some(zone) = zone {
            return self.in_named_zone(wall_ms, zone, cell);
        }
        match offset_s {
            Some(_) => Ok(wall_ms - self.offset_ms),
            None => self.zoned(wall_ms, cell),
        }
    }

    /// The instant at which clocks of a zone that the cell names show this.
    fn in_named_zone(&mut self, wall_ms: i64, name: &str, cell: &str) -> Result<i64, String> {
        if self.zone.iana_name() != Some(name) {
            self.zone = TimeZone::get(name).map_err(|_| {
                format!("\"{}\" names no time zone; write for example Europe/Berlin", shown(cell))
            })?;
            self.is_utc = self.zone == TimeZone::UTC;
        }
        self.zoned(wall_ms, cell)
    }

    /// The instant that a number says: in the unit of the column, or in the one that makes it go on where the last one was.
    fn epoch(&mut self, cell: &str, unit: Unit) -> Option<i64> {
        let other = cell.parse().ok().map(Unit::of).filter(|other| *other != unit);
        let is_near = |time_ms: &i64| self.last_ms.is_some_and(|last_ms| time_ms.abs_diff(last_ms) < NEAR_MS);
        let in_other = other.and_then(|other| epoch(cell, other)).filter(is_near);
        let time_ms = in_other.or_else(|| epoch(cell, unit))?;
        self.last_ms = Some(time_ms);
        Some(time_ms)
    }

    /// The instant at which clocks of the zone show this.
    fn zoned(&mut self, wall_ms: i64, cell: &str) -> Result<i64, String> {
        if self.is_utc {
            return Ok(wall_ms);
        }
        let outside = || format!("the time \"{}\" is outside 1900 to 2200", shown(cell));
        let utc = jiff::Timestamp::from_millisecond(wall_ms).map_err(|_| outside())?;
        let shown_there = self.zone.to_ambiguous_timestamp(TimeZone::UTC.to_datetime(utc));
        let earlier = shown_there.earlier().map_err(|_| outside())?.as_millisecond();
        let later = shown_there.later().map_err(|_| outside())?.as_millisecond();
        let is_second_time = self.last_ms.is_some_and(|last_ms| earlier < last_ms && last_ms <= later);
        let time_ms = if is_second_time { later } else { earlier };
        self.last_ms = Some(time_ms);
        self.offset_ms = wall_ms - time_ms;
        Ok(time_ms)
    }

    /// Why this is no date in the order of the column.
    fn in_other_order(&self, cell: &str, date: Date) -> String {
        match ORDERS.iter().find(|order| date.in_order(**order).is_some()) {
            Some(order) => format!(
                "\"{}\" begins with {}, where the others begin with {}; write them alike",
                shown(cell),
                order.first(),
                self.order.first()
            ),
            None => self.wrong(cell),
        }
    }

    fn wrong(&self, cell: &str) -> String {
        let others = match self.form {
            TimeForm::Written => match self.order {
                DateOrder::DayFirst => {
                    "2026-12-31T08:00:00Z, 2026-12-31 08:00 or 31/12/2026 08:00".to_owned()
                }
                DateOrder::MonthFirst => {
                    "2026-12-31T08:00:00Z, 2026-12-31 08:00 or 12/31/2026 08:00 AM".to_owned()
                }
                DateOrder::YearFirst => "2026-12-31T08:00:00Z, 2026-12-31 08:00 or 26/12/31 08:00".to_owned(),
            },
            TimeForm::Compact => {
                "digits of year, month, day, hour and minute as in the other rows, such as 202612310800"
                    .to_owned()
            }
            TimeForm::Epoch(unit) => format!("{} since 1970, as in the other rows", unit.name()),
            TimeForm::SerialDays => "days as spreadsheets count them, such as 46387.5".to_owned(),
        };
        format!("\"{}\" is not a time; write {others}", shown(cell))
    }

    /// How times are read, for people; nothing where there is no doubt.
    pub(super) fn says(&self) -> Option<String> {
        match self.form {
            TimeForm::Written => None,
            TimeForm::Compact => Some("as year, month, day and so on".to_owned()),
            TimeForm::Epoch(unit) => Some(format!("as {} since 1970", unit.name())),
            TimeForm::SerialDays => Some("as days counted by a spreadsheet".to_owned()),
        }
    }
}

/// The time of day in a cell of its own.
fn of_day(clock: Option<(ClockForm, &str)>) -> Result<i64, String> {
    let Some((form, cell)) = clock else { return Ok(0) };
    let cell = cell.trim();
    let (clock_ms, example) = match form {
        ClockForm::Written => (written::parse(cell).and_then(|written| written.clock_ms), "14:05 or 2:05 PM"),
        ClockForm::Digits => (digits_of_day(cell), "1405 or 140500"),
        // Whoever counts hours from 1 has a 24th.
        ClockForm::Hours => (
            cell.parse().ok().filter(|hour| (0..=24).contains(hour)).map(|hour: i64| hour * 3_600_000),
            "0 to 24",
        ),
    };
    clock_ms.ok_or_else(|| format!("\"{}\" is not a time of day; write {example}", shown(cell)))
}

/// `1405` or `140500`; spreadsheets leave zeros at the front out.
fn digits_of_day(cell: &str) -> Option<i64> {
    let number: i64 =
        (cell.len() <= 6 && cell.bytes().all(|byte| byte.is_ascii_digit())).then(|| cell.parse().ok())??;
    let [hour, minute, second] = match cell.len() {
        0..=4 => [number / 100, number % 100, 0],
        _ => [number / 10_000, number / 100 % 100, number % 100],
    };
    (hour < 24 && minute < 60 && second < 60).then_some(((hour * 60 + minute) * 60 + second) * 1_000)
}

/// Days since the end of 1899, as milliseconds since 1970.
/// A number; that of days may have a decimal comma.
fn days_or_number(cell: &str) -> Option<f64> {
    cell.parse().ok().or_else(|| {
        let (days, fraction) = cell.split_once(',')?;
        let is_of_days = days.len() == 5 && !fraction.contains('.');
        if is_of_days { format!("{days}.{fraction}").parse().ok() } else { None }
    })
}

fn serial_days(cell: &str) -> Option<i64> {
    let days = days_or_number(cell).filter(|days| SERIAL_DAYS.contains(days))?;
    let wall_ms = ((days - DAY_OF_1970) * DAY_MS as f64).round() as i64;
    // A second is no decimal fraction of a day: what is nearly a whole one was one.
    let nearest = (wall_ms + 500).div_euclid(1_000) * 1_000;
    Some(if (wall_ms - nearest).abs() <= 20 { nearest } else { wall_ms })
}

/// 1970-01-01, as spreadsheets count days.
const DAY_OF_1970: f64 = 25_569.0;

fn epoch(cell: &str, unit: Unit) -> Option<i64> {
    // Digit by digit where there is no fraction: nanoseconds are more than a float holds.
    let time_ms = if let Ok(number) = cell.parse::<i64>() {
        match unit {
            Unit::Seconds => number.checked_mul(1_000)?,
            Unit::Millis => number,
            Unit::Micros => number.div_euclid(1_000),
            Unit::Nanos => number.div_euclid(1_000_000),
        }
    } else {
        let number = cell.parse::<f64>().ok()?;
        let micros = match unit {
            Unit::Seconds => number * 1e6,
            Unit::Millis => number * 1e3,
            Unit::Micros => number,
            Unit::Nanos => number / 1e3,
        };
        // Rounded to microseconds first: 1.001 s is a little less than that in binary, and means 1001 ms.
        let ms = (micros.round() / 1e3).floor();
        ms.is_finite().then_some(ms as i64)?
    };
    // A number of another size was written in another unit.
    let is_same_unit = |time_ms: i64| within_bounds(time_ms).is_some();
    is_same_unit(time_ms).then_some(time_ms)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The times of a column of this name; `None` when it holds none.
    fn column(name: &str, cells: &[&str]) -> Option<Vec<Result<i64, String>>> {
        let mut seen = TimesSeen::default();
        cells.iter().for_each(|cell| seen.see(1, cell));
        let (form, _) = seen.form(name, true)?;
        let order = if let Order::Known(order) = seen.order() { order } else { DateOrder::DayFirst };
        let mut reader = TimeReader::new(form, order, TimeZone::UTC);
        Some(cells.iter().map(|cell| reader.read(cell, None)).collect())
    }

    #[track_caller]
    fn check(name: &str, cells: &[&str], expected: &[&str]) {
        let expected: Vec<_> = expected.iter().map(|text| crate::instant::parse_guessing(text)).collect();
        assert_eq!(column(name, cells), Some(expected), "{cells:?}");
    }

    #[test]
    fn mistaken_dates_are_no_instants_of_1976() {
        for cells in [["202513400000", "202513400100"], ["202602300000", "202602300005"]] {
            assert_eq!(column("time", &cells), None, "{cells:?}");
        }
    }

    #[test]
    fn digits_are_read_as_the_column_tells() {
        check("time", &["20250101", "20250102"], &["2025-01-01", "2025-01-02"]);
        check("time", &["2025010100", "2025010101"], &["2025-01-01T00:00", "2025-01-01T01:00"]);
        check("time", &["202510200000", "202510200005"], &["2025-10-20", "2025-10-20T00:05"]);
        check("t", &["20251020000000", "20251020000500"], &["2025-10-20", "2025-10-20T00:05"]);
        check(
            "t",
            &["20251020000000250", "20251020000500000"],
            &["2025-10-20T00:00:00.25", "2025-10-20T00:05"],
        );
        check("t", &["1767225600", "1767225660"], &["2026-01-01", "2026-01-01T00:01"]);
        check("t", &["1767225600000", "1767225660000"], &["2026-01-01", "2026-01-01T00:01"]);
        check("t", &["1767225600000000", "1767225660000000"], &["2026-01-01", "2026-01-01T00:01"]);
        check("t", &["1767225600000000000", "1767225660000000000"], &["2026-01-01", "2026-01-01T00:01"]);
        check("t", &["1767225600.5", "1767225660"], &["2026-01-01T00:00:00.5", "2026-01-01T00:01"]);
        check("Datum", &["45950", "45950.5"], &["2025-10-20", "2025-10-20T12:00"]);
        check("Datum", &["45950", "45950,5"], &["2025-10-20", "2025-10-20T12:00"]);
        check(
            "Datum",
            &["45950.00347222222", "45950.00694444445"],
            &["2025-10-20T00:05", "2025-10-20T00:10"],
        );
        assert_eq!(column("value", &["17", "18"]), None);
        assert_eq!(column("value", &["45950", "45951", "45952"]), None);
        assert_eq!(column("time", &["2024", "2025"]), None);
    }

    #[test]
    fn a_number_in_another_unit_than_the_rest_is_refused() {
        let mut cells = vec!["1767225600"; 40];
        cells.push("176722560000"); // 1975, if each cell were read alone
        let read = column("time", &cells).unwrap();
        assert!(read[40].as_ref().is_err_and(|why| why.contains("seconds since 1970")), "{:?}", read[40]);
        let mut cells = vec!["202510200000"; 40];
        cells.push("202513200000");
        assert!(column("time", &cells).unwrap()[40].is_err());
    }

    #[test]
    fn numbers_that_go_on_in_another_unit_are_read() {
        let cells = ["1767225600000", "1767225660000", "1767225720000", "1767225780000000000", "1767225840"];
        let expected = (0..5).map(|minute| Ok(1_767_225_600_000 + minute * 60_000)).collect::<Vec<_>>();
        assert_eq!(column("time", &cells), Some(expected));
    }

    #[test]
    fn an_offset_is_that_of_the_last_time() {
        let mut reader = TimeReader::new(TimeForm::Written, DateOrder::DayFirst, TimeZone::UTC);
        let mut offset_ms = |text: &str| {
            reader.read(text, None).unwrap();
            reader.offset_ms
        };
        assert_eq!(offset_ms("2025-10-26T00:00+02:00"), 7_200_000);
        assert_eq!(offset_ms("2025-10-26T00:00-03:30"), -12_600_000);
        assert_eq!(offset_ms("2025-10-26T00:00"), 0);
    }

    #[test]
    fn a_zone_is_that_of_times_without_an_offset() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let mut reader = TimeReader::new(TimeForm::Written, DateOrder::DayFirst, zone);
        let mut read = |text: &str| reader.read(text, None).unwrap() - 1_761_436_800_000; // 2025-10-26T00:00Z
        const HOUR: i64 = 3_600_000;
        assert_eq!(read("2025-10-26 02:00"), 0);
        assert_eq!(read("2025-10-26 02:30"), HOUR / 2);
        assert_eq!(read("2025-10-26 02:00"), HOUR); // clocks were set back
        assert_eq!(read("2025-10-26 02:30"), HOUR * 3 / 2);
        assert_eq!(read("2025-10-26 03:00"), 2 * HOUR);
        assert_eq!(read("2025-10-26T03:00Z"), 3 * HOUR);
    }

    proptest! {
        /// Whatever the digits: what is read lies in the century that is written, or is said to be epoch time.
        #[test]
        fn digits_never_mean_another_century_silently(
            year in 1950_i64..2100, month in 1_i64..13, day in 1_i64..29, hour in 0_i64..24, minute in 0_i64..60,
            length in prop::sample::select(vec![8_usize, 10, 12, 14]), n_rows in 1_usize..5, name in "time|x",
        ) {
            let cells: Vec<String> = (0..n_rows)
                .map(|row| format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{row:02}")[..length].to_owned())
                .collect();
            let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
            if let Some(read) = column(&name, &cells) {
                for time_ms in read {
                    let time = jiff::Timestamp::from_millisecond(time_ms.unwrap()).unwrap();
                    let there = TimeZone::UTC.to_datetime(time);
                    prop_assert_eq!((i64::from(there.year()), i64::from(there.month()), i64::from(there.day())), (year, month, day));
                }
            }
        }

        #[test]
        fn epochs_are_read_back(time_ms in 1_000_000_000_000_i64..1_900_000_000_000, factor in prop::sample::select(vec![1_i64, 1_000, 1_000_000])) {
            let cells = [time_ms, time_ms + 61_000, time_ms + 122_000].map(|time_ms| (time_ms * factor).to_string());
            let read = column("ts", &cells.each_ref().map(String::as_str)).unwrap();
            prop_assert_eq!(read, [Ok(time_ms), Ok(time_ms + 61_000), Ok(time_ms + 122_000)]);
        }
    }
}
