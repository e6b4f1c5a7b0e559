//! Numbers, ages and addresses, as people read them.

use lanner_core::Labels;
use lanner_core::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, format_time};
use lanner_wire::api::Time;
use maud::{Markup, html};

/// A number in at most six significant digits: `1250`, `0.333333`, `1.2e12`.
///
/// ```
/// use lanner_page::text::number;
/// assert_eq!((number(1250.0), number(1.0 / 3.0), number(-0.0)), ("1250".into(), "0.333333".into(), "0".into()));
/// assert_eq!((number(1.234_567_89e12), number(2.5e-7)), ("1.23457e12".into(), "2.5e-7".into()));
/// ```
#[must_use]
pub fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if !value.is_finite() || (1e-4..1e9).contains(&size) {
        let digits_before = if value.is_finite() { size.log10().floor() } else { 0.0 };
        let decimals = (5.0 - digits_before).clamp(0.0, 9.0) as usize;
        let text = format!("{value:.decimals$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    } else {
        let text = format!("{value:.5e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        format!("{}e{exponent}", digits.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// A number, or a dash where there is none.
#[must_use]
pub fn number_or_dash(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), number)
}

/// How long, in one unit: `40s`, `5m`, `3h`, `12d`.
///
/// ```
/// assert_eq!(lanner_page::text::span(3 * 3_600_000 + 5), "3h");
/// ```
#[must_use]
pub fn span(length_ms: i64) -> String {
    let length_ms = length_ms.max(0);
    match length_ms {
        _ if length_ms < MINUTE_MS => format!("{}s", length_ms / SECOND_MS),
        _ if length_ms < HOUR_MS => format!("{}m", length_ms / MINUTE_MS),
        _ if length_ms < 2 * DAY_MS => format!("{}h", length_ms / HOUR_MS),
        _ => format!("{}d", length_ms / DAY_MS),
    }
}

/// A share as a percentage: `12.5 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{} %", number((share * 1_000.0).round() / 10.0))
}

/// Bytes in the largest unit that leaves a number above one: `1.5 MiB`.
#[must_use]
pub fn bytes(n: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = n as f64;
    let mut at = 0;
    while value >= 1024.0 && at + 1 < units.len() {
        value /= 1024.0;
        at += 1;
    }
    format!("{} {}", number((value * 10.0).round() / 10.0), units.get(at).unwrap_or(&"B"))
}

/// `one alert`, `12 alerts`.
#[must_use]
pub fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// An instant as people read it in a table, to the second: `2026-11-22 07:24:14`.
#[must_use]
pub fn moment(time: Time) -> String {
    let text = format_time(time.0);
    text.get(..19).unwrap_or(&text).replace('T', " ")
}

/// An instant as a machine reads it, to the second: `2026-11-22T07:24:14Z`.
fn machine(time: Time) -> String {
    let text = format_time(time.0);
    format!("{}Z", text.get(..19).unwrap_or(&text))
}

/// How long ago; the script keeps it right while the page is open.
#[must_use]
pub fn ago(time: Time, now_ms: i64) -> Markup {
    html! { time datetime=(machine(time)) { (span(now_ms.saturating_sub(time.0))) } }
}

/// How long something lasts from now, marked where it ends soon.
#[must_use]
pub fn until(time: Time, now_ms: i64) -> Markup {
    let is_soon = time.0.saturating_sub(now_ms) < 15 * MINUTE_MS;
    time_left(time, now_ms, if is_soon { "until soon" } else { "until" })
}

/// How long from now something happens that is as it should be.
#[must_use]
pub fn next(time: Time, now_ms: i64) -> Markup {
    time_left(time, now_ms, "until")
}

fn time_left(time: Time, now_ms: i64, class: &str) -> Markup {
    let left_ms = time.0.saturating_sub(now_ms);
    html! { time class=(class) datetime=(machine(time)) title=(moment(time)) { (span(left_ms)) } }
}

/// An instant in full, with its zone.
#[must_use]
pub fn at(time: Time) -> Markup {
    html! { time.full datetime=(machine(time)) { (moment(time)) " UTC" } }
}

/// Labels as matchers: `bank="hsbc", app="pay"`; those in `except` left out.
#[must_use]
pub fn matchers(labels: &Labels, except: &[&str]) -> String {
    let shown = labels.iter().filter(|(name, _)| !except.contains(name));
    shown.map(|(name, value)| format!("{name}={}", quoted(value))).collect::<Vec<_>>().join(", ")
}

/// Labels as a list of names and values, for reading: `bank=hsbc app=pay`.
#[must_use]
pub fn labels(labels: &Labels) -> String {
    labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

/// A text in double quotes.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// An address: a path whose variable parts are written as they must be, and the query.
///
/// ```
/// use lanner_page::text::link;
/// assert_eq!(link(&["rules", "a/b"], &[("group", "x=1")]), "/rules/a%2Fb?group=x%3D1");
/// assert_eq!(link(&["rules"], &[]), "/rules");
/// ```
#[must_use]
pub fn link(path: &[&str], query: &[(&str, &str)]) -> String {
    let part = |part: &&str| {
        form_urlencoded::byte_serialize(part.as_bytes()).collect::<String>().replace('+', "%20")
    };
    let path = path.iter().map(part).collect::<Vec<_>>().join("/");
    let mut written = form_urlencoded::Serializer::new(String::new());
    written.extend_pairs(query.iter().filter(|(_, value)| !value.is_empty()));
    let query = written.finish();
    if query.is_empty() { format!("/{path}") } else { format!("/{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_not_rounded_away() {
        #[track_caller]
        fn check(value: f64, expected: &str) {
            assert_eq!(number(value), expected);
        }
        check(0.0, "0");
        check(17.0, "17");
        check(0.1 + 0.2, "0.3");
        check(123_456.789, "123457");
        check(12.345_678, "12.3457");
        check(0.000_123_456_7, "0.000123457");
        check(-2.5, "-2.5");
        check(1e9, "1e9");
        check(f64::INFINITY, "inf");
    }

    #[test]
    fn spans_have_one_unit() {
        let spans = [0, 59_999, 60_000, 3_599_999, HOUR_MS, 47 * HOUR_MS, 2 * DAY_MS, -5].map(span);
        assert_eq!(spans, ["0s", "59s", "1m", "59m", "1h", "47h", "2d", "0s"]);
    }
}
