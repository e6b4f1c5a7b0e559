//! Numbers as JSON has them, compared exactly.
//!
//! An integer is never rounded to a float on the way to a comparison, so `9007199254740993` and
//! `9007199254740992.0` differ. There is no NaN: what is not a number has no [`Number`].

use std::cmp::Ordering;
use std::fmt;

/// A whole number of 64 bits, or a float. Equal values are equal however they were written: `5 == 5.0`.
///
/// ```
/// use lanner_conditions::Number;
/// assert_eq!(Number::from(5_i64), Number::from_f64(5.0).unwrap());
/// assert!(Number::from(i64::MAX) > Number::from_f64(9.2e18).unwrap());
/// assert!(Number::from_f64(f64::NAN).is_none());
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number(Repr);

/// Whole values from -2^63 to below 2^63 are always `Int`, those from there to below 2^64 always `Large`;
/// `Float` is all else and never NaN. (One `i128` for both would double the size of every value.)
#[derive(Debug, Clone, Copy, PartialEq)]
enum Repr {
    Int(i64),
    Large(u64),
    Float(f64),
}

const INT_START: f64 = -9_223_372_036_854_775_808.0;
const LARGE_START: f64 = 9_223_372_036_854_775_808.0;
const LARGE_END: f64 = 18_446_744_073_709_551_616.0;

impl Number {
    /// The number `value`; `None` for NaN.
    #[must_use]
    pub fn from_f64(value: f64) -> Option<Self> {
        if value.is_nan() {
            return None;
        }
        let is_whole = value.trunc() == value;
        Some(Self(match value {
            INT_START..LARGE_START if is_whole => Repr::Int(value as i64),
            LARGE_START..LARGE_END => Repr::Large(value as u64), // no float is so large and has a fraction
            _ => Repr::Float(value),
        }))
    }

    /// The number as JSON holds it; `None` only for a NaN, which JSON cannot write.
    #[must_use]
    pub fn from_json(number: &serde_json::Number) -> Option<Self> {
        if let Some(value) = number.as_i64() {
            return Some(value.into());
        }
        if let Some(value) = number.as_u64() {
            return Some(value.into());
        }
        Self::from_f64(number.as_f64()?)
    }

    /// The number with the other sign; `None` where that would be rounded.
    pub(crate) fn negated(self) -> Option<Self> {
        let whole = match self.0 {
            Repr::Int(value) => -i128::from(value),
            Repr::Large(value) => -i128::from(value),
            Repr::Float(value) => return Self::from_f64(-value),
        };
        if let Ok(value) = i64::try_from(whole) {
            return Some(value.into());
        }
        let float = whole as f64;
        if float as i128 == whole { Self::from_f64(float) } else { None }
    }

    /// The number as a whole one of 64 bits; `None` if it is none.
    pub(crate) const fn as_i64(self) -> Option<i64> {
        match self.0 {
            Repr::Int(value) => Some(value),
            Repr::Large(_) | Repr::Float(_) => None,
        }
    }

    /// The nearest float. Keeps order, but numbers that differ may become equal.
    #[must_use]
    pub const fn to_f64(self) -> f64 {
        match self.0 {
            Repr::Int(value) => value as f64,
            Repr::Large(value) => value as f64,
            Repr::Float(value) => value,
        }
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self(Repr::Int(value))
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self(i64::try_from(value).map_or(Repr::Large(value), Repr::Int))
    }
}

impl Eq for Number {}

impl std::hash::Hash for Number {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        match self.0 {
            Repr::Int(value) => state.write_u64(value as u64),
            Repr::Large(value) => state.write_u64(value ^ 1), // or -1 and 2^64 - 1 would meet
            Repr::Float(value) => state.write_u64(value.to_bits()),
        }
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.0, other.0) {
            (Repr::Int(a), Repr::Int(b)) => a.cmp(&b),
            (Repr::Large(a), Repr::Large(b)) => a.cmp(&b),
            (Repr::Int(_), Repr::Large(_)) => Ordering::Less,
            (Repr::Large(_), Repr::Int(_)) => Ordering::Greater,
            (Repr::Float(a), Repr::Float(b)) => a.total_cmp(&b), // no NaN and no zero among them
            (Repr::Int(a), Repr::Float(b)) => int_to_float(a.into(), b),
            (Repr::Large(a), Repr::Float(b)) => int_to_float(a.into(), b),
            (Repr::Float(a), Repr::Int(b)) => int_to_float(b.into(), a).reverse(),
            (Repr::Float(a), Repr::Large(b)) => int_to_float(b.into(), a).reverse(),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// How `int` compares with a float that is not whole, or whole but outside the integers' range.
fn int_to_float(int: i128, float: f64) -> Ordering {
    if float >= LARGE_END {
        Ordering::Less
    } else if float < INT_START || int > float.floor() as i128 {
        Ordering::Greater
    } else {
        Ordering::Less
    }
}

/// Shortest text that reads back as the same number.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Repr::Int(value) => write!(f, "{value}"),
            Repr::Large(value) => write!(f, "{value}"),
            Repr::Float(value) => write!(f, "{value:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_exact() {
        #[track_caller]
        fn check(smaller: &str, larger: &str) {
            let read = |text: &str| Number::from_json(&serde_json::from_str(text).unwrap()).unwrap();
            let (a, b) = (read(smaller), read(larger));
            assert_eq!((a.cmp(&b), b.cmp(&a)), (Ordering::Less, Ordering::Greater), "{a} {b}");
        }
        check("9007199254740992.0", "9007199254740993"); // equal as floats
        check("-1", "0.5");
        check("0.5", "1");
        check("-1.5", "-1");
        check("18446744073709551615", "18446744073709551616.0");
        check("-1e300", "-9223372036854775808");
        check("18446744073709551615", "1e300");
        check("-0.25", "-0.0");
    }

    #[test]
    fn the_other_sign() {
        let number = |text: &str| Number::from_json(&serde_json::from_str(text).unwrap()).unwrap();
        #[track_caller]
        fn check(number: Number, negated: Option<Number>) {
            assert_eq!(number.negated(), negated, "{number}");
        }
        check(number("5"), Some(number("-5")));
        check(number("9007199254740993"), Some(number("-9007199254740993")));
        check(number("-9223372036854775808"), Some(number("9223372036854775808")));
        check(number("9223372036854775808"), Some(number("-9223372036854775808")));
        check(number("9223372036854775809"), None);
        check(number("0.5"), Some(number("-0.5")));
    }

    #[test]
    fn one_value_is_one_number() {
        let read = |text: &str| Number::from_json(&serde_json::from_str(text).unwrap()).unwrap();
        assert_eq!(read("5"), read("5.0"));
        assert_eq!(read("0"), read("-0.0"));
        assert_eq!(read("5.0").to_string(), "5");
        assert_eq!(read("1e300").to_string(), "1e300");
    }
}
