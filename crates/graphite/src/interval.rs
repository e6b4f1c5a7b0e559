//! Durations as people write them: `7d`, `-1h30min`, `5min`.

/// Seconds of `text`, negative where it begins with `-`.
///
/// Units by their beginnings: `s`, `min`, `h`, `d`, `w`, `mon` (30 days), `y` (365 days). Spaces are skipped.
///
/// # Errors
/// For people: what cannot be read, and what could.
///
/// ```
/// use lanner_graphite::interval_s;
/// assert_eq!(interval_s("1h30min"), Ok(5400));
/// assert_eq!(interval_s("-7d"), Ok(-7 * 86_400));
/// assert!(interval_s("5m").is_err() && interval_s("5parsecs").is_err() && interval_s("").is_err());
/// ```
pub fn interval_s(text: &str) -> Result<i64, String> {
    let wrong = |what: &str| format!("'{text}' is not a length of time: {what}");
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (sign, mut rest) = match compact.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, compact.strip_prefix('+').unwrap_or(&compact)),
    };
    if rest.is_empty() {
        return Err(wrong("write 30s, 5min, 1h, 7d, 1w, 1mon or 1y"));
    }
    let mut total_s: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at(digits);
        let letters = after.len() - after.trim_start_matches(char::is_alphabetic).len();
        let (unit, after) = after.split_at(letters);
        let number: i64 = number.parse().map_err(|_| wrong("a number comes before each unit"))?;
        let seconds = unit_s(unit).ok_or_else(|| wrong("units are s, min, h, d, w, mon and y"))?;
        total_s = number
            .checked_mul(seconds)
            .and_then(|part| total_s.checked_add(part))
            .ok_or_else(|| wrong("it is too long"))?;
        rest = after;
    }
    Ok(sign * total_s)
}

/// Seconds of a unit, by its beginning.
fn unit_s(unit: &str) -> Option<i64> {
    let unit = unit.to_ascii_lowercase();
    let units = [
        ("s", 1),
        ("min", 60),
        ("h", 3600),
        ("d", 86_400),
        ("w", 604_800),
        ("mon", 2_592_000),
        ("y", 31_536_000),
    ];
    units.into_iter().find(|(start, _)| unit.starts_with(start)).map(|(_, seconds)| seconds)
}

#[cfg(test)]
mod tests {
    use super::interval_s;

    #[test]
    fn lengths() {
        for (text, expected_s) in [
            ("30s", 30),
            ("5min", 300),
            ("2minutes", 120),
            ("1 hour", 3600),
            ("1d12h", 129_600),
            ("2weeks", 1_209_600),
            ("1mon", 2_592_000),
            ("1y", 31_536_000),
            ("+30min", 1800),
            ("-1s", -1),
        ] {
            assert_eq!(interval_s(text), Ok(expected_s), "{text}");
        }
    }

    #[test]
    fn what_is_wrong() {
        for text in ["", "-", "5", "m", "5m", "5x", "1h-2min", "99999999999999999999s", "9999999999999y"] {
            assert!(interval_s(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text(text in "\\PC{0,20}") {
            let _ = interval_s(&text);
        }
    }
}
