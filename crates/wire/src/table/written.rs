//! One date, time of day or both, as people, spreadsheets and programs write them.
//!
//! What a single cell cannot tell stays open: [`Date::Ordered`] waits for the order of day and month, and a clock
//! without an offset for a time zone.

use jiff::civil;

use super::words::{ZONES, is_weekday, month};

/// What was written; at least one of date and clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Written<'a> {
    pub(super) date: Option<Date>,
    /// Milliseconds since midnight; 24:00 is the whole day.
    pub(super) clock_ms: Option<i64>,
    /// Seconds east of UTC.
    pub(super) offset_s: Option<i64>,
    /// What looks like the name of a time zone, such as `Europe/Berlin`, where no offset is written.
    pub(super) zone: Option<&'a str>,
}

/// A date whose numbers are known, and perhaps their order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Date {
    Known(civil::Date),
    /// `31/12/2025`, `12/31/25`: two or three numbers whose order the column tells.
    Ordered {
        parts: [i16; 3],
        /// Whether the last one has four digits, so that it is the year.
        ends_in_year: bool,
    },
}

/// Which of day, month and year comes first where that is not plain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DateOrder {
    /// 31/12/2025
    DayFirst,
    /// 12/31/2025
    MonthFirst,
    /// 25/12/31
    YearFirst,
}

impl DateOrder {
    /// What stands first, for people.
    pub(super) const fn first(self) -> &'static str {
        match self {
            Self::DayFirst => "the day",
            Self::MonthFirst => "the month",
            Self::YearFirst => "the year",
        }
    }
}

impl Date {
    /// The date, if numbers in this order are one.
    pub(super) fn in_order(self, order: DateOrder) -> Option<civil::Date> {
        let (parts, ends_in_year) = match self {
            Self::Known(date) => return Some(date),
            Self::Ordered { parts, ends_in_year } => (parts, ends_in_year),
        };
        let [year, month, day] = match (order, parts) {
            (DateOrder::DayFirst, [day, month, year]) | (DateOrder::MonthFirst, [month, day, year]) => {
                [year, month, day]
            }
            (DateOrder::YearFirst, _) if ends_in_year => return None,
            (DateOrder::YearFirst, parts) => parts,
        };
        civil_date(if ends_in_year { year } else { full_year(year) }, month, day)
    }
}

/// As POSIX has it: 69 is 2069, 70 is 1970.
const fn full_year(two_digits: i16) -> i16 {
    two_digits + if two_digits < 70 { 2000 } else { 1900 }
}

fn civil_date(year: i16, month: i16, day: i16) -> Option<civil::Date> {
    civil::Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok()
}

/// Days since 1970-01-01.
pub(super) fn days_since_1970(date: civil::Date) -> i64 {
    i64::from(date.duration_since(civil::date(1970, 1, 1)).as_hours().div_euclid(24) as i32)
}

/// Reads one cell; `None` when it is no date or time of day from beginning to end. Of two, from one until the other, it is
/// the first.
pub(super) fn parse(text: &str) -> Option<Written<'_>> {
    let mut scan = Scan { rest: text.trim() };
    if !scan.rest.is_ascii() && !scan.rest.chars().any(|c| c.is_ascii_digit()) {
        return None;
    }
    let written = scan.written()?;
    (scan.rest.is_empty() || scan.until().is_some()).then_some(written)
}

enum Dated {
    Whole(Date),
    YearMissing { month: i16, day: i16 },
}

/// What is left to read.
struct Scan<'a> {
    rest: &'a str,
}

/// What may stand before the clock that belongs to a date.
const BEFORE_CLOCK: [&str; 4] = ["at ", "@", "à ", "um "];
/// What may stand before the end of what a row is about.
const BEFORE_END: [&str; 6] = ["- ", "– ", "— ", "/", "to ", "bis "];

impl<'a> Scan<'a> {
    /// A date, a time of day, or both, and spaces after it.
    fn written(&mut self) -> Option<Written<'a>> {
        self.weekday();
        let mut date = self.date();
        let clock_ms = match date {
            Some(_) => {
                self.between();
                if self.rest.is_empty() { None } else { Some(self.clock(true)?) }
            }
            None => Some(self.clock(false)?),
        };
        let zone = if clock_ms.is_some() { self.zone() } else { None };
        let offset_s = if clock_ms.is_some() && zone.is_none() { self.offset()? } else { None };
        if let Some(Dated::YearMissing { month, day }) = date {
            // As ctime writes: Mon Oct 20 14:00:00 2025.
            self.spaces();
            let (year, 4) = self.number()? else { return None };
            date = Some(Dated::Whole(Date::Known(civil_date(year, month, day)?)));
        }
        let date = match date {
            Some(Dated::Whole(date)) => Some(date),
            _ => None,
        };
        self.spaces();
        Some(Written { date, clock_ms, offset_s, zone })
    }

    /// The end, as in `01.01.2025 00:00 - 01.01.2025 00:15`.
    fn until(&mut self) -> Option<()> {
        let begin = BEFORE_END.iter().find(|begin| self.rest.starts_with(**begin))?;
        self.rest = self.rest[begin.len()..].trim_start();
        self.written()?;
        self.rest.is_empty().then_some(())
    }

    fn spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, any_of: &str) -> Option<char> {
        let first = self.rest.chars().next().filter(|first| any_of.contains(*first))?;
        self.rest = &self.rest[first.len_utf8()..];
        Some(first)
    }

    fn digits(&mut self) -> &'a str {
        let end = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        digits
    }

    /// A number of at most four digits, and how many there are.
    fn number(&mut self) -> Option<(i16, usize)> {
        let digits = self.digits();
        (digits.len() <= 4).then_some(())?;
        Some((digits.parse().ok()?, digits.len()))
    }

    fn word(&mut self) -> &'a str {
        let end = self.rest.find(|c: char| !c.is_alphabetic()).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    /// Gives back what was read when `read` finds nothing.
    fn perhaps<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let before = self.rest;
        let found = read(self);
        if found.is_none() {
            self.rest = before;
        }
        found
    }

    fn weekday(&mut self) {
        self.perhaps(|scan| {
            let word = scan.word().to_lowercase();
            is_weekday(&word).then_some(())?;
            scan.eat(".,");
            scan.spaces();
            Some(())
        });
    }

    fn date(&mut self) -> Option<Dated> {
        self.perhaps(Self::compact_date)
            .or_else(|| self.perhaps(Self::year_first))
            .map(|date| Dated::Whole(Date::Known(date)))
            .or_else(|| self.perhaps(Self::numbers).map(Dated::Whole))
            .or_else(|| self.perhaps(Self::month_name))
    }

    /// `20251020`, if a clock follows: alone it is a number, and the column says what that means.
    fn compact_date(&mut self) -> Option<civil::Date> {
        let digits = self.digits();
        (digits.len() == 8 && self.rest.starts_with(['T', 't', ' ', '_', '-'])).then_some(())?;
        civil_date(digits[..4].parse().ok()?, digits[4..6].parse().ok()?, digits[6..].parse().ok()?)
    }

    /// `2025-10-20`, `2025/10/20`, `2025-10`, `2025-W43-1`, `2025-293`, `2025-Oct-20`, `2025年10月20日`.
    fn year_first(&mut self) -> Option<civil::Date> {
        let (year, 4) = self.number()? else { return None };
        if self.eat("年년").is_some() {
            let [month, day] = [self.number_before("月월")?, self.number_before("日일")?];
            return civil_date(year, month, day);
        }
        let separator = self.eat("-/. ")?;
        let separator = separator.encode_utf8(&mut [0; 4]).to_owned();
        if separator == "-" && self.eat("W").is_some() {
            return self.week(year);
        }
        if self.rest.starts_with(char::is_alphabetic) {
            let month = month(self.word())?;
            self.eat(&separator)?;
            return civil_date(year, month, self.number()?.0);
        }
        match self.number()? {
            (day, 3) if separator == "-" => {
                let first = civil::Date::new(year, 1, 1).ok()?;
                let date = first.checked_add(jiff::Span::new().try_days(i64::from(day) - 1).ok()?).ok()?;
                (date.year() == year).then_some(date)
            }
            (month, 1 | 2) if separator != " " => match self.eat(&separator) {
                Some(_) => match self.number()? {
                    (day, 1 | 2) => civil_date(year, month, day),
                    _ => None,
                },
                None => civil_date(year, month, 1).filter(|_| self.rest.is_empty() && separator == "-"),
            },
            _ => None,
        }
    }

    /// A number of one or two digits, and a sign of what it counts.
    fn number_before(&mut self, sign: &str) -> Option<i16> {
        self.spaces();
        let (number, 1 | 2) = self.number()? else { return None };
        self.eat(sign).map(|_| number)
    }

    /// What follows `2025-W`.
    fn week(&mut self, year: i16) -> Option<civil::Date> {
        let (week, 2) = self.number()? else { return None };
        let day = if self.eat("-").is_some() { self.number()?.0 } else { 1 };
        let weekday = civil::Weekday::from_monday_one_offset(day.try_into().ok()?).ok()?;
        Some(civil::ISOWeekDate::new(year, week.try_into().ok()?, weekday).ok()?.date())
    }

    /// `31/12/2025`, `31.12.2025`, `20-Oct-2025`, `20. Oktober 2025`, `20/Oct/2025`.
    fn numbers(&mut self) -> Option<Date> {
        let (first, 1 | 2) = self.number()? else { return None };
        self.perhaps(|scan| {
            let suffix = scan.word();
            ["st", "nd", "rd", "th"].contains(&suffix).then_some(())
        });
        let separator = self.eat("-/. ").map(String::from).unwrap_or_default();
        self.spaces();
        if self.rest.starts_with(char::is_alphabetic) {
            let month = month(self.word())?;
            self.eat(".,");
            self.eat("-/ ");
            self.spaces();
            return Some(Date::Known(civil_date(self.year()?, month, first)?));
        }
        ["-", "/", "."].contains(&separator.as_str()).then_some(())?;
        let (second, 1 | 2) = self.number()? else { return None };
        self.eat(&separator)?;
        let (third, n_digits) = self.number()?;
        let parts = [first, second, third];
        match n_digits {
            // Nobody writes months first with dots.
            4 if separator == "." && second <= 12 => civil_date(third, second, first).map(Date::Known),
            2 if separator == "." && first > 0 && second <= 12 => {
                civil_date(full_year(third), second, first).map(Date::Known)
            }
            4 => Some(Date::Ordered { parts, ends_in_year: true }),
            2 => Some(Date::Ordered { parts, ends_in_year: false }),
            _ => None,
        }
    }

    fn year(&mut self) -> Option<i16> {
        match self.number()? {
            (year, 4) => Some(year),
            (year, 2) => Some(full_year(year)),
            _ => None,
        }
    }

    /// `October 20, 2025`, and `Oct 20` where the year follows the clock.
    fn month_name(&mut self) -> Option<Dated> {
        let word = self.word();
        let month = month(word)?;
        self.eat(".");
        self.eat("-/");
        self.spaces();
        let (day, 1 | 2) = self.number()? else { return None };
        self.perhaps(|scan| ["st", "nd", "rd", "th"].contains(&scan.word()).then_some(()));
        let year = self.perhaps(|scan| {
            scan.eat(",");
            scan.eat("-/");
            scan.spaces();
            let year = scan.year()?;
            (!scan.rest.starts_with(':')).then_some(year)
        });
        match year {
            Some(year) => Some(Dated::Whole(Date::Known(civil_date(year, month, day)?))),
            None => Some(Dated::YearMissing { month, day }),
        }
    }

    /// What stands between date and clock.
    fn between(&mut self) {
        self.eat(",");
        self.spaces();
        if let Some(word) = BEFORE_CLOCK.iter().find(|word| self.rest.starts_with(**word)) {
            self.rest = self.rest[word.len()..].trim_start();
        }
        let before = self.rest;
        self.eat("Tt_:-");
        self.spaces();
        if !self.rest.starts_with(|c: char| c.is_ascii_digit()) {
            self.rest = before;
        }
    }

    /// `14:00`, `14:00:05.250`, `2:00 PM`, and after a date also `1400`, `140005`, `14h05` and `14.05.00`.
    fn clock(&mut self, is_after_date: bool) -> Option<i64> {
        let digits = self.digits();
        let mut hour: i64;
        let (mut minute, mut second, mut ms) = (0, 0, 0);
        let mut has_minutes = false;
        match digits.len() {
            4 | 6 if is_after_date => {
                hour = digits[..2].parse().ok()?;
                minute = digits[2..4].parse().ok()?;
                second = digits[4..].parse().unwrap_or(0);
                ms = if digits.len() == 6 { self.fraction()? } else { 0 };
            }
            1 | 2 => {
                hour = digits.parse().ok()?;
                let separators = if is_after_date { ":.h" } else { ":" };
                if let Some(separator) = self.eat(separators) {
                    let separator = separator.encode_utf8(&mut [0; 4]).to_owned();
                    has_minutes = true;
                    let two = |scan: &mut Self| match scan.number()? {
                        (number, 2) => Some(i64::from(number)),
                        _ => None,
                    };
                    minute = match two(self) {
                        None if separator == "h" && !is_digit(self.rest) => 0,
                        minute => minute?,
                    };
                    if self.rest.starts_with(&separator) && separator != "h" {
                        self.eat(&separator);
                        second = two(self)?;
                        ms = self.fraction()?;
                    }
                } else if !is_after_date {
                    // A number alone is no clock; `2 PM` is.
                    self.rest.trim_start().starts_with(['a', 'A', 'p', 'P']).then_some(())?;
                }
            }
            _ => return None,
        }
        hour = self.half_day(hour, has_minutes)?;
        let is_clock = hour < 24 && minute < 60 && second <= 60;
        let is_midnight = (hour, minute, second, ms) == (24, 0, 0, 0);
        (is_clock || is_midnight).then_some(((hour * 60 + minute) * 60 + second) * 1_000 + ms)
    }

    /// Milliseconds of a second's fraction, rounded down.
    fn fraction(&mut self) -> Option<i64> {
        if !self.rest.starts_with(['.', ',']) || !is_digit(&self.rest[1..]) {
            return Some(0);
        }
        self.rest = &self.rest[1..];
        let digits = self.digits();
        format!("{digits:0<3}").get(..3)?.parse().ok()
    }

    fn half_day(&mut self, hour: i64, has_minutes: bool) -> Option<i64> {
        let is_afternoon = self.perhaps(|scan| {
            scan.spaces();
            let first = scan.eat("aApP")?;
            if scan.eat(".").is_some() {
                scan.spaces();
            }
            // `2:05p` is enough, and `2p` a name of something.
            scan.eat("mM").map(|_| ()).or(has_minutes.then_some(()))?;
            scan.eat(".");
            (!scan.rest.starts_with(char::is_alphabetic)).then_some(first.eq_ignore_ascii_case(&'p'))
        });
        match is_afternoon {
            None => Some(hour),
            Some(_) if !(1..=12).contains(&hour) => None,
            Some(is_afternoon) => Some(hour % 12 + if is_afternoon { 12 } else { 0 }),
        }
    }

    /// A name of an area and a place in it, as time zones have; only whoever knows them all can tell.
    fn zone(&mut self) -> Option<&'a str> {
        self.perhaps(|scan| {
            scan.eat(" \u{a0}");
            scan.spaces();
            let name = scan.rest.trim_end();
            let (area, place) = name.split_once('/')?;
            let is_name = |text: &str| {
                let is_part = |c: char| c.is_ascii_alphanumeric() || "_+-/".contains(c);
                text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(is_part)
            };
            (is_name(area) && is_name(place)).then_some(())?;
            scan.rest = "";
            Some(name)
        })
    }

    /// An offset, if there is one; `None` for an abbreviation that is not known.
    fn offset(&mut self) -> Option<Option<i64>> {
        self.spaces();
        let word = self.perhaps(|scan| {
            let word = scan.word();
            ZONES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, hours)| hours * 3_600)
        });
        if word.is_none() && self.rest.starts_with(char::is_alphabetic) {
            self.rest = self.rest.strip_prefix("Uhr")?;
            return Some(None);
        }
        self.perhaps(|scan| scan.signed_offset()).map(Some).or(Some(word)).inspect(|_| self.annotation())
    }

    fn signed_offset(&mut self) -> Option<i64> {
        let sign = if self.eat("+-−")? == '+' { 1 } else { -1 };
        let digits = self.digits();
        let (hours, minutes) = match digits.len() {
            4 => (digits[..2].parse::<i64>().ok()?, digits[2..].parse::<i64>().ok()?),
            1 | 2 => {
                let minutes = if self.eat(":").is_some() { self.digits().parse().ok()? } else { 0 };
                (digits.parse().ok()?, minutes)
            }
            _ => return None,
        };
        (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60)
    }

    /// `[Europe/Berlin]` or `(Central European Time)` after an offset says nothing new.
    fn annotation(&mut self) {
        self.perhaps(|scan| {
            scan.spaces();
            let end = if scan.eat("[(")? == '[' { ']' } else { ')' };
            let (_, rest) = scan.rest.split_once(end)?;
            scan.rest = rest;
            Some(())
        });
    }
}

fn is_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds since 1970, days first, in UTC unless an offset is written.
    fn read(text: &str) -> Option<i64> {
        let written = parse(text)?;
        let date = written.date?.in_order(DateOrder::DayFirst)?;
        let midnight = jiff::tz::TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
        Some(
            midnight.as_millisecond() + written.clock_ms.unwrap_or(0) - written.offset_s.unwrap_or(0) * 1_000,
        )
    }

    #[test]
    fn one_instant_in_many_forms() {
        const INSTANT: i64 = 1_760_968_800_000; // 2025-10-20T14:00:00Z
        for text in [
            "2025-10-20T14:00:00Z",
            "2025-10-20T16:00:00+02:00",
            "2025-10-20T16:00:00+0200",
            "2025-10-20T16:00:00+02",
            "2025-10-20T16:00:00+02:00[Europe/Berlin]",
            "2025-10-20 14:00:00.000",
            "2025-10-20 14:00:00,000",
            "2025-10-20 14:00",
            "2025-10-20T14",
            "2025-10-20_14:00:00",
            "2025-10-20 14:00:00 UTC",
            "2025-10-20 14:00:00 +0000",
            "2025-10-20 16:00:00 CEST",
            "2025-10-20 16:00:00 MESZ",
            "2025-10-20 23:00:00 JST",
            "Mon Oct 20 2025 14:00:00 GMT+0000 (Coordinated Universal Time)",
            "2025-10-20 14:00:00 GMT+0000 (Coordinated Universal Time)",
            "20251020T140000Z",
            "20251020T1400",
            "20251020 14:00",
            "2025-W43-1T14:00",
            "2025-293 14:00",
            "2025/10/20 14:00:00",
            "2025.10.20 14:00",
            "2025-Oct-20 14:00",
            "20.10.2025 14:00",
            "20.10.2025, 14:00 Uhr",
            "20.10.25 14:00",
            "20/10/2025 14:00",
            "20/10/25 2:00 PM",
            "20-10-2025 14.00.00",
            "20-Oct-2025 14:00:00",
            "20-Oct-25 02:00:00 p.m.",
            "20/10/2025 02:00:00 p. m.",
            "20/10/2025 2:00p",
            "20 Oct 2025 14:00",
            "20. Oktober 2025 14:00",
            "20 octobre 2025 14h00",
            "20/Oct/2025:14:00:00 +0000",
            "Oct 20, 2025, 2:00 PM",
            "October 20, 2025 at 2:00 PM",
            "Oct 20, 2025 @ 14:00:00.000",
            "20 octobre 2025 à 14h00",
            "Mo, 20.10.2025 14:00",
            "lundi 20 octobre 2025 14h00",
            "20. Oktober 2025 um 14:00 Uhr",
            "2025年10月20日 14:00",
            "2025년 10월 20일 14:00",
            "20.10.2025 14:00 - 20.10.2025 14:15",
            "2025-10-20T14:00Z/2025-10-20T15:00Z",
            "2025-10-20 14:00 – 15:00",
            "October 20th 2025 2 PM",
            "Mon, 20 Oct 2025 14:00:00 GMT",
            "Mon, 20 Oct 2025 10:00:00 EDT",
            "Mon Oct 20 14:00:00 2025",
            "Mon Oct 20 14:00:00 UTC 2025",
            " 2025-10-20  14:00 ",
        ] {
            assert_eq!(read(text), Some(INSTANT), "{text}");
        }
    }

    #[test]
    fn edges_of_the_day() {
        #[track_caller]
        fn check(text: &str, clock_ms: Option<i64>) {
            assert_eq!(parse(text).and_then(|written| written.clock_ms), clock_ms, "{text}");
        }
        check("12:00 AM", Some(0));
        check("12:00 PM", Some(43_200_000));
        check("23:59:59.9999", Some(86_399_999));
        check("2025-10-20 24:00", Some(86_400_000));
        check("24:01", None);
        check("13:00 PM", None);
        check("0:05", Some(300_000));
        check("14", None);
        check("14.05", None); // a number
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "-",
            "17",
            "2025",
            "20251020",
            "yesterday",
            "31.02.2025",
            "2025-13-01",
            "2025-10-20 25:00",
            "2025-10-20 14:00 XYZ",
            "2025-10-20 14:00 and so on",
            "2025-10-20 14:00 - later",
            "2025-10-20 14:00 - 15:00 - 16:00",
            "10.0.0.1",
            "1.5",
            "1,190",
            "a-b-c",
            "é1.é1.2026",
            "mark 5",
            "1-2",
            "2025-367",
        ] {
            let read = parse(text).filter(|written| {
                written.date.is_none_or(|date| date.in_order(DateOrder::DayFirst).is_some())
            });
            assert_eq!(read, None, "{text}");
        }
    }

    #[test]
    fn the_order_of_day_and_month_stays_open() {
        let date = parse("12/31/2025").unwrap().date.unwrap();
        assert_eq!(date.in_order(DateOrder::DayFirst), None);
        assert_eq!(date.in_order(DateOrder::MonthFirst), Some(civil::date(2025, 12, 31)));
        let date = parse("25/12/31").unwrap().date.unwrap();
        assert_eq!(date.in_order(DateOrder::YearFirst), Some(civil::date(2025, 12, 31)));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_answered(text in proptest::prelude::any::<String>()) {
            let _ = parse(&text);
        }

        #[test]
        fn anything_like_a_date_is_answered(text in "[0-9]{1,8}[-/. T:,]?([0-9]{0,4}|Oct|é|W)[-/. T:,+]?[0-9]{0,4}([:.]|PM| ){0,2}[0-9]{0,3}") {
            let _ = parse(&text);
        }
    }
}
