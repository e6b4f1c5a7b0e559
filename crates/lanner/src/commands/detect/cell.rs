//! What one cell may hold: a number, a time, a mark, or nothing.

use std::borrow::Cow;

use lanner_wire::instant;

/// What people write where there is no value.
const GAPS: [&str; 8] = ["", "nan", "null", "na", "n/a", "none", "nil", "-"];

/// Numbers of this size and more may be times since 1970: in seconds, from 1973 on.
const SMALLEST_EPOCH: f64 = 1e8;

/// Whether the cell says that there is no value.
pub(super) fn is_gap(cell: &str) -> bool {
    let cell = cell.trim();
    cell.len() <= 4 && GAPS.iter().any(|gap| cell.eq_ignore_ascii_case(gap))
}

/// A number, NaN for a gap or for one that is infinite; `None` for anything else.
pub(super) fn number(cell: &str, has_decimal_comma: bool) -> Option<f64> {
    let cell = cell.trim();
    if is_gap(cell) {
        return Some(f64::NAN);
    }
    let number = match cell.parse::<f64>() {
        Err(_) if has_decimal_comma && cell.bytes().filter(|byte| *byte == b',').count() == 1 => {
            cell.replace(',', ".").parse::<f64>()
        }
        parsed => parsed,
    };
    number.ok().map(|number| if number.is_finite() { number } else { f64::NAN })
}

/// A time in milliseconds since 1970; UTC, unless it says otherwise.
pub(super) fn time_ms(cell: &str) -> Option<i64> {
    let cell = cell.trim();
    let cell = cell.strip_suffix("UTC").map_or(cell, str::trim_end);
    if let Ok(number) = cell.parse::<f64>()
        && number.abs() < SMALLEST_EPOCH
    {
        return None;
    }
    instant::parse_guessing(&with_dashes(cell)).ok()
}

/// Whether a time is written as a date, not as a number.
pub(super) fn is_written_out(cell: &str) -> bool {
    cell.trim().parse::<f64>().is_err()
}

/// `2026/12/01 …` and `01.12.2026 …` as `2026-12-01 …`.
fn with_dashes(cell: &str) -> Cow<'_, str> {
    match cell.as_bytes() {
        [_, _, _, _, b'/', _, _, b'/', ..] => cell.replacen('/', "-", 2).into(),
        [_, _, b'.', _, _, b'.', _, _, _, _, ..] if cell.is_ascii() => {
            format!("{}-{}-{}{}", &cell[6..10], &cell[3..5], &cell[..2], &cell[10..]).into()
        }
        _ => cell.into(),
    }
}

/// Whether an incident is marked: 1, 0, true, false and the like; a gap is no mark.
pub(super) fn mark(cell: &str) -> Option<bool> {
    let cell = cell.trim();
    let is_one_of = |words: &[&str]| words.iter().any(|word| cell.eq_ignore_ascii_case(word));
    if is_one_of(&["true", "yes", "anomaly"]) {
        return Some(true);
    }
    if is_one_of(&["false", "no", "normal"]) {
        return Some(false);
    }
    number(cell, false).map(|number| number != 0.0 && !number.is_nan())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers() {
        #[track_caller]
        fn check(cell: &str, has_decimal_comma: bool, expected: Option<f64>) {
            assert_eq!(number(cell, has_decimal_comma), expected, "{cell}");
        }
        check(" 1.5 ", false, Some(1.5));
        check("-2e3", false, Some(-2e3));
        check("1,5", true, Some(1.5));
        check("1,5", false, None);
        check("1,234,567", true, None);
        check("5 %", false, None);
        for gap in ["", " ", "NaN", "null", "N/A", "-", "inf", "1e999"] {
            assert!(number(gap, false).is_some_and(f64::is_nan), "{gap}");
        }
    }

    #[test]
    fn times() {
        #[track_caller]
        fn check(cell: &str, expected: Option<i64>) {
            assert_eq!(time_ms(cell), expected, "{cell}");
        }
        let new_year = 1_767_225_600_000;
        check("2026-01-01T00:00:00Z", Some(new_year));
        check("2026-01-01T01:00:00+01:00", Some(new_year));
        check("2026-01-01 00:00:00", Some(new_year));
        check("2026-01-01 00:00:00 UTC", Some(new_year));
        check("2026-01-01 00:00", Some(new_year));
        check("2026-01-01", Some(new_year));
        check("2026/01/01 00:00", Some(new_year));
        check("01.01.2026 00:00", Some(new_year));
        check("01.01.2026", Some(new_year));
        check("1767225600", Some(new_year));
        check("1767225600.0", Some(new_year));
        check("1767225600000", Some(new_year));
        check("1767225600000000", Some(new_year));
        check("1767225600000000000", Some(new_year));
        check("17", None); // a row's number
        check("2026", None);
        check("01/02/2026", None); // January or February?
        check("", None);
        check("é1.é1.2026", None);
    }

    #[test]
    fn marks() {
        assert_eq!(["1", "0", "1.0", "True", "no", "", "maybe"].map(mark), {
            [Some(true), Some(false), Some(true), Some(true), Some(false), Some(false), None]
        });
    }

    proptest! {
        #[test]
        fn any_text_is_read(cell in any::<String>()) {
            let _ = (number(&cell, true), time_ms(&cell), mark(&cell), is_written_out(&cell));
        }
    }
}
