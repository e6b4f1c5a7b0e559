//! A finding in one sentence: `fell to 297, about 14,097 expected (-98 %), for 3 h 30 min`.

use lanner_detect::automatic::View;

use crate::list::short;

/// How long a finding lasted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// One sample.
    Once,
    /// From its beginning to its end.
    For(Within),
    /// Samples here and there.
    Times(u64, Within),
}

/// From the first sample to the end of the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    /// Milliseconds.
    Time(i64),
    /// Where there are no times.
    Rows(i64),
}

/// The most improbable value of a finding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Worst {
    pub(super) value: f64,
    pub(super) expected: f64,
    pub(super) view: View,
    /// Whether values are what a counter grew by.
    pub(super) is_increase: bool,
}

/// What happened, and for how long.
pub(super) fn sentence(worst: Worst, length: Length) -> String {
    let Worst { value, expected, is_increase, .. } = worst;
    let what = match worst.view {
        View::Stuck => format!("stuck at {}", grouped(&short(value))),
        View::Spread => format!("varied more than usual: {}", what(value, expected, is_increase)),
        View::Value | View::Shift | View::Missing => what(value, expected, is_increase),
    };
    let of = |within| match within {
        Within::Time(length_ms) if length_ms > 0 => Some(duration(length_ms)),
        Within::Time(_) => None,
        Within::Rows(n_rows) => Some(format!("{n_rows} rows")),
    };
    match length {
        Length::Once => what,
        Length::For(within) => of(within).map_or(what.clone(), |long| format!("{what}, for {long}")),
        Length::Times(n, within) => {
            of(within).map_or(what.clone(), |long| format!("{what}, {n} times within {long}"))
        }
    }
}

fn what(value: f64, expected: f64, is_increase: bool) -> String {
    let verb = match (is_increase, value < expected) {
        (false, false) => "rose to",
        (false, true) => "fell to",
        (true, false) => "increase rose to",
        (true, true) => "increase fell to",
    };
    let change = change(value, expected).map_or_else(String::new, |change| format!(" ({change})"));
    let rounded = format!("{expected:.4e}").parse().unwrap_or(expected);
    if short(rounded) == short(value) {
        // Only all digits tell them apart.
        return format!("{verb} {}, {} expected{change}", all_digits(value), all_digits(expected));
    }
    format!("{verb} {}, about {} expected{change}", grouped(&short(value)), grouped(&short(rounded)))
}

fn all_digits(number: f64) -> String {
    grouped(&number.to_string())
}

/// How much more or less that is; `None` where a share says nothing.
fn change(value: f64, expected: f64) -> Option<String> {
    let share = (value - expected) / expected.abs();
    // Beside nearly nothing everything is a large share.
    if !share.is_finite() || share.abs() >= 1_000.0 {
        return None;
    }
    let percent = 100.0 * share;
    Some(match percent.abs() {
        size if size >= 1_000.0 && value.signum() == expected.signum() => {
            format!("{} times as much", short((value / expected).round()))
        }
        size if size >= 9.95 => format!("{percent:+.0} %"),
        size if size >= 0.095 => format!("{percent:+.1} %"),
        _ => return None,
    })
}

/// Groups of three digits before the point: `14,097.5`.
pub(super) fn grouped(number: &str) -> String {
    let (sign, rest) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (whole, fraction) = rest.split_at(end);
    let mut text = sign.to_owned();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + fraction
}

/// The two largest units: `3 h 30 min`, `2 d`, `45 s`.
pub(super) fn duration(length_ms: i64) -> String {
    const UNITS: [(&str, i64); 5] =
        [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000), ("ms", 1)];
    let first = UNITS.iter().position(|(_, unit_ms)| length_ms >= *unit_ms).unwrap_or(UNITS.len() - 1);
    let mut rest_ms = length_ms;
    let mut parts = Vec::new();
    for (name, unit_ms) in UNITS.iter().skip(first).take(2) {
        let count = rest_ms / unit_ms;
        rest_ms %= unit_ms;
        if count > 0 {
            parts.push(format!("{count} {name}"));
        }
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: f64, expected: f64, length: Length, is_increase: bool, text: &str) {
        assert_eq!(sentence(Worst { value, expected, view: View::Value, is_increase }, length), text);
    }

    #[test]
    fn what_is_no_single_value() {
        let hour = Length::For(Within::Time(3_600_000));
        let worst = Worst { value: 7_300.0, expected: 7_000.0, view: View::Stuck, is_increase: false };
        assert_eq!(sentence(worst, hour), "stuck at 7,300, for 1 h");
        let scattered = "varied more than usual: rose to 7,300, about 7,000 expected (+4.3 %), for 1 h";
        assert_eq!(sentence(Worst { view: View::Spread, ..worst }, hour), scattered);
    }

    #[test]
    fn findings_in_words() {
        let long = Length::For(Within::Time(12_600_000));
        let once = Length::Once;
        check(297.0, 14_096.8, long, false, "fell to 297, about 14,097 expected (-98 %), for 3 h 30 min");
        check(60.0, 4.5, once, false, "rose to 60, about 4.5 expected (13 times as much)");
        check(
            3.0,
            1.5,
            Length::For(Within::Rows(7)),
            false,
            "rose to 3, about 1.5 expected (+100 %), for 7 rows",
        );
        check(2.0, 1.0, Length::For(Within::Time(0)), false, "rose to 2, about 1 expected (+100 %)");
        let times = Length::Times(3, Within::Time(7_200_000));
        check(3.0, 1.5, times, false, "rose to 3, about 1.5 expected (+100 %), 3 times within 2 h");
        check(7.0, 0.0, once, false, "rose to 7, about 0 expected");
        check(-7.0, 0.0, once, false, "fell to -7, about 0 expected");
        check(-30.0, 15.0, once, false, "fell to -30, about 15 expected (-300 %)");
        check(0.0, 1_240.0, long, true, "increase fell to 0, about 1,240 expected (-100 %), for 3 h 30 min");
        check(1.05, 1.0, once, false, "rose to 1.05, about 1 expected (+5.0 %)");
        check(1e9, 1e-7, once, false, "rose to 1,000,000,000, about 1.00000e-7 expected");
        check(1.000_000_01, 1.0, once, false, "rose to 1.00000001, 1 expected");
        check(123_456.0, 123_458.4, once, false, "fell to 123,456, about 123,460 expected");
    }

    #[test]
    fn durations() {
        let texts = [1, 45_000, 60_000, 90_000, 12_600_000, 86_400_000, 93_784_000].map(duration);
        assert_eq!(texts, ["1 ms", "45 s", "1 min", "1 min 30 s", "3 h 30 min", "1 d", "1 d 2 h"]);
    }

    #[test]
    fn groups_of_digits() {
        let texts = ["0", "999", "1000", "-1234567.25", "1.5e300"].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "-1,234,567.25", "1.5e300"]);
    }
}
