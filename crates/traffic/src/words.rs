//! Features as people read them: `93 % of calls refused (4xx), usually at most 4 %`.

use crate::baseline::NormalRange;
use crate::features::{FEATURES, Tail};

/// A feature's value and its normal range in words.
///
/// ```
/// use lanner_traffic::{FEATURES, NormalRange, in_words};
///
/// let feature = FEATURES.iter().position(|feature| feature.name == "client_error_share").unwrap();
/// let normal = Some(NormalRange { low: 0.0, high: 0.04 });
/// assert_eq!(in_words(feature, 0.93, normal), "93 % of calls refused (4xx), usually at most 4 %");
/// ```
#[must_use]
pub fn in_words(feature: usize, value: f64, normal: Option<NormalRange>) -> String {
    let info = &FEATURES[feature];
    let is_share = info.words.starts_with("of ");
    let number = |value: f64| if is_share { format!("{} %", short(value * 100.0)) } else { short(value) };
    let said = if value.is_nan() {
        format!("unknown {}{}, as there are too few calls", if is_share { "share " } else { "" }, info.words)
    } else {
        format!("{} {}", number(value), info.words)
    };
    let Some(NormalRange { low, high }) = normal else { return said };
    let range = match info.tail {
        Tail::High if low <= 0.0 || value > high => format!("usually at most {}", number(high)),
        Tail::Low if value < low => format!("usually at least {}", number(low)),
        _ => format!("usually {} to {}", number(low), number(high)),
    };
    format!("{said}, {range}")
}

/// A number in three digits.
fn short(value: f64) -> String {
    if value == 0.0 || value.abs() >= 100.0 {
        return format!("{value:.0}");
    }
    let decimals = (2 - value.abs().log10().floor() as i32).clamp(0, 4) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_ranges() {
        #[track_caller]
        fn check(name: &str, value: f64, normal: Option<(f64, f64)>, expected: &str) {
            let feature = FEATURES.iter().position(|feature| feature.name == name).unwrap();
            let normal = normal.map(|(low, high)| NormalRange { low, high });
            assert_eq!(in_words(feature, value, normal), expected);
        }
        check("n_calls", 312.0, Some((2.0, 40.0)), "312 calls, usually at most 40");
        check("n_calls", 3.0, Some((2.0, 40.0)), "3 calls, usually 2 to 40");
        check(
            "gap_variation",
            0.012,
            Some((0.5, 2.25)),
            "0.012 spread of pauses, in units of their mean, usually at least 0.5",
        );
        check("n_objects", 61.0, None, "61 different objects at one endpoint");
        check(
            "gap_variation",
            f64::NAN,
            None,
            "unknown spread of pauses, in units of their mean, as there are too few calls",
        );
        check(
            "client_error_share",
            f64::NAN,
            None,
            "unknown share of calls refused (4xx), as there are too few calls",
        );
    }
}
