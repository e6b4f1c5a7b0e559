//! Rounding to decimal places.

/// `value` to the nearest number with so many decimal places, halves of the exact binary value to the even digit;
/// negative places are tens, hundreds, ... Cheap where `value` is not within rounding error of a half.
///
/// ```
/// use lanner_graphite::round_to;
/// assert_eq!(round_to(2.675, 2), 2.67); // the nearest double to 2.675 is a little less
/// assert_eq!(round_to(0.5, 0), 0.0);
/// assert_eq!(round_to(250.0, -2), 200.0);
/// ```
#[must_use]
pub fn round_to(value: f64, places: i32) -> f64 {
    /// Powers of ten up to this are exact doubles.
    const EXACT: i32 = 22;
    /// Nearer to a half than this, a scaled value may lie on its other side.
    const CLOSE: f64 = 1e-4;
    if !value.is_finite() || places > 308 {
        return value;
    }
    if places < 0 {
        return round_to_tens(value, places);
    }
    if places <= EXACT {
        let scale = 10_f64.powi(places);
        let scaled = value * scale;
        if scaled.abs() < 1e11 && ((scaled - scaled.floor()) - 0.5).abs() > CLOSE {
            return scaled.round_ties_even() / scale;
        }
    }
    let places = usize::try_from(places).unwrap_or(0);
    format!("{value:.places$}").parse().unwrap_or(value)
}

fn round_to_tens(value: f64, places: i32) -> f64 {
    if places < -308 {
        return 0.0_f64.copysign(value);
    }
    let unit = 10_f64.powi(-places);
    let rest = (value % unit).abs();
    let below = (value.abs() - rest) / unit;
    let is_even = (below.round() % 2.0).abs() < 0.5;
    let up = rest > unit / 2.0 || (rest >= unit / 2.0 && !is_even);
    ((below.round() + f64::from(u8::from(up))) * unit).copysign(value)
}

#[cfg(test)]
mod tests {
    use super::round_to;

    #[test]
    fn halves_and_places() {
        #[track_caller]
        fn check(value: f64, places: i32, expected: f64) {
            assert_eq!(round_to(value, places).to_bits(), expected.to_bits(), "{value} to {places}");
        }
        check(1.5, 0, 2.0);
        check(2.5, 0, 2.0);
        check(-2.5, 0, -2.0);
        check(0.125, 2, 0.12);
        check(1.005, 2, 1.0); // a little less than it looks
        check(0.000_000_5, 6, 0.0); // a little less than it looks
        check(1e300, 6, 1e300);
        check(1234.5678, -2, 1200.0);
        check(1250.0, -2, 1200.0);
        check(1350.0, -2, 1400.0);
        check(-1350.0, -2, -1400.0);
        check(1.0, -400, 0.0);
        check(1.0, 400, 1.0);
    }

    proptest::proptest! {
        #[test]
        fn as_decimals_are_written(value in -1e9..1e9, places in 0_i32..9) {
            let written: f64 = format!("{value:.0$}", places as usize).parse().unwrap();
            proptest::prop_assert_eq!(round_to(value, places).to_bits(), written.to_bits());
        }
        #[test]
        fn any_number(value: f64, places: i32) {
            let _ = round_to(value, places);
        }
    }
}
