//! Numbers as they stand in names and tags: shortest decimals, and six digits.

/// `value` in the fewest digits that read back as the same number: `2.0`, `0.1`, `1e-05`, `1e+16`, `inf`.
///
/// It always shows that it is not a whole number by kind: tags and lines are called by it (`-1.0`).
///
/// ```
/// use lanner_graphite::shortest;
/// assert_eq!(shortest(-1.0), "-1.0");
/// assert_eq!(shortest(227.902_000_000_000_02), "227.90200000000002");
/// assert_eq!(shortest(1e-5), "1e-05");
/// ```
#[must_use]
pub fn shortest(value: f64) -> String {
    let Some((digits, exponent)) = split(&format!("{value:e}")) else { return odd(value) };
    if !(-4..16).contains(&exponent) {
        return scientific(&digits, exponent);
    }
    let plain = value.to_string();
    if plain.contains('.') { plain } else { plain + ".0" }
}

/// `value` in at most six digits, as `%g` writes it: `2`, `0.001`, `1e-05`, `1e+06`.
///
/// ```
/// use lanner_graphite::six_digits;
/// assert_eq!(six_digits(-150.0), "-150");
/// assert_eq!(six_digits(1_234_567.0), "1.23457e+06");
/// ```
#[must_use]
pub fn six_digits(value: f64) -> String {
    digits(value, 6)
}

/// `value` in at most `n` significant digits (at least 1), without zeros at the end: `%.{n}g`.
pub(super) fn digits(value: f64, n: usize) -> String {
    let n = i32::try_from(n).unwrap_or(64).clamp(1, 64);
    let in_digits = |n: i32| usize::try_from(n).unwrap_or(0);
    let Some((mantissa, exponent)) = split(&format!("{value:.*e}", in_digits(n - 1))) else {
        return odd(value);
    };
    if !(-4..n).contains(&exponent) {
        return scientific(without_zeros(&mantissa), exponent);
    }
    let decimals = in_digits(n - 1 - exponent);
    without_zeros(&format!("{value:.decimals$}")).to_owned()
}

/// Digits and exponent of `d.ddde-5`.
fn split(scientific: &str) -> Option<(String, i32)> {
    let (mantissa, exponent) = scientific.split_once('e')?;
    Some((mantissa.to_owned(), exponent.parse().ok()?))
}

/// Exponents have a sign and two digits at least.
pub(super) fn scientific(mantissa: &str, exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

fn odd(value: f64) -> String {
    match value {
        _ if value.is_nan() => "nan",
        _ if value > 0.0 => "inf",
        _ => "-inf",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names() {
        #[track_caller]
        fn check(value: f64, expected_shortest: &str, expected_six: &str) {
            assert_eq!((&*shortest(value), &*six_digits(value)), (expected_shortest, expected_six));
        }
        //    value          shortest           six digits
        check(0.0, "0.0", "0");
        check(-0.0, "-0.0", "-0");
        check(5.0, "5.0", "5");
        check(10.5, "10.5", "10.5");
        check(0.001, "0.001", "0.001");
        check(0.0001, "0.0001", "0.0001");
        check(0.000_01, "1e-05", "1e-05");
        check(123_456.0, "123456.0", "123456");
        check(999_999.5, "999999.5", "1e+06");
        check(1_234_567.0, "1234567.0", "1.23457e+06");
        check(1.0 / 3.0, "0.3333333333333333", "0.333333");
        check(1e15, "1000000000000000.0", "1e+15");
        check(1e16, "1e+16", "1e+16");
        check(-1.5e300, "-1.5e+300", "-1.5e+300");
        check(f64::INFINITY, "inf", "inf");
        check(f64::NAN, "nan", "nan");
    }

    proptest::proptest! {
        #[test]
        fn shortest_reads_back(value: f64) {
            let back: f64 = shortest(value).parse().unwrap();
            proptest::prop_assert!(back == value || value.is_nan());
            six_digits(value).parse::<f64>().unwrap();
        }
    }
}
