//! Durations of Prometheus, Grafana and `ElastAlert`.

use super::tree::entries;
use lanner_core::document::Node;

/// Milliseconds of `1h30m`, `90s`, `500ms`; `None` for anything else.
pub(super) fn of_text(text: &str) -> Option<i64> {
    let (mut total_ms, mut rest) = (0_i64, text.trim());
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let n_digits = rest.chars().take_while(char::is_ascii_digit).count();
        let (digits, after) = rest.split_at(n_digits);
        let n_letters = after.chars().take_while(char::is_ascii_lowercase).count();
        let (unit, after) = after.split_at(n_letters);
        total_ms = total_ms.checked_add(digits.parse::<i64>().ok()?.checked_mul(unit_ms(unit)?)?)?;
        rest = after;
    }
    Some(total_ms)
}

fn unit_ms(unit: &str) -> Option<i64> {
    Some(match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        "y" => 365 * 86_400_000,
        _ => return None,
    })
}

/// Milliseconds of `{ hours: 1, minutes: 30 }`.
pub(super) fn of_map(node: &Node) -> Option<i64> {
    let mut total_ms = 0_i64;
    for (key, value) in entries(node) {
        let unit = key.name.trim_end_matches('s');
        let unit = ["second", "minute", "hour", "day", "week"].iter().position(|known| *known == unit)?;
        let unit_ms = *[1_000_i64, 60_000, 3_600_000, 86_400_000, 604_800_000].get(unit)?;
        let ms = value.number()? * unit_ms as f64;
        // Beyond a century nothing is meant.
        total_ms = total_ms.checked_add(if ms.abs() < 3.2e12 { ms as i64 } else { return None })?;
    }
    (total_ms > 0).then_some(total_ms)
}

/// As Lanner writes it.
pub(super) fn written(ms: i64) -> String {
    lanner_core::time::format_duration(ms)
}

/// How many steps of `every_ms` a duration takes, rounded up.
pub(super) fn steps(ms: i64, every_ms: i64) -> i64 {
    ms.div_euclid(every_ms.max(1)) + i64::from(ms.rem_euclid(every_ms.max(1)) > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        for (text, ms) in
            [("5m", Some(300_000)), ("1h30m", Some(5_400_000)), ("0s", Some(0)), ("1d", Some(86_400_000))]
        {
            assert_eq!(of_text(text), ms, "{text}");
        }
        for text in ["", "5", "m", "5 m", "1M", "99999999999999999999s", "9223372036854775807w"] {
            assert_eq!(of_text(text), None, "{text}");
        }
        assert_eq!([steps(0, 60), steps(60, 60), steps(61, 60)], [0, 1, 2]);
        let map = Node::from_yaml("{ hours: 1, minutes: 0.5 }").unwrap();
        assert_eq!(of_map(&map), Some(3_630_000));
        assert_eq!(of_map(&Node::from_yaml("{ fortnights: 1 }").unwrap()), None);
    }
}
