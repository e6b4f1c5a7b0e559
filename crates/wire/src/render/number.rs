//! Numbers as Python writes them: the shortest text that reads back the same, `7.0`, `1e+16`, `1e-05`, `-0.0`.

/// Whole numbers below this have all their digits in an `f64`, and Python writes them without an exponent.
const WHOLE_BELOW: f64 = 1e15;

/// Appends a finite number.
pub(super) fn push_float(out: &mut Vec<u8>, value: f64) {
    let whole = value as i64;
    // Compared bit for bit, because -0.0 is not 0.
    if value.abs() < WHOLE_BELOW && (whole as f64).to_bits() == value.to_bits() {
        push_integer(out, whole);
        out.extend_from_slice(b".0");
        return;
    }
    let mut buffer = zmij::Buffer::new();
    let shortest = buffer.format_finite(value);
    if (1e-4..1e16).contains(&value.abs()) || value == 0.0 {
        out.extend_from_slice(shortest.as_bytes());
    } else {
        push_scientific(out, shortest.as_bytes());
    }
}

pub(super) fn push_integer(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Times of ten digits, which are those from 2001 to 2286, as text. Of the next time mostly the end differs.
pub(super) struct Clock {
    /// The time without its last four digits, as in `text`.
    high: i64,
    text: [u8; 10],
}

impl Clock {
    pub(super) const fn new() -> Self {
        Self { high: 100_000, text: *b"1000000000" }
    }

    /// The text of a time, if it has ten digits.
    pub(super) fn text(&mut self, time_s: i64) -> Option<&[u8; 10]> {
        if !(1_000_000_000..10_000_000_000).contains(&time_s) {
            return None;
        }
        let high = time_s / 10_000;
        if high != self.high {
            self.high = high;
            self.put_pair(0, high / 10_000);
            self.put_pair(2, high / 100);
            self.put_pair(4, high);
        }
        self.put_pair(6, time_s / 100);
        self.put_pair(8, time_s);
        Some(&self.text)
    }

    /// Puts the last two digits of a number at a place.
    fn put_pair(&mut self, at: usize, number: i64) {
        let pair = (number % 100) as u8;
        self.text[at] = b'0' + pair / 10;
        self.text[at + 1] = b'0' + pair % 10;
    }
}

/// Appends `shortest`, a number below 0.0001 or from 10^16 on, with an exponent of a sign and two digits.
fn push_scientific(out: &mut Vec<u8>, shortest: &[u8]) {
    let (mantissa, exponent) = match shortest.iter().position(|byte| *byte == b'e') {
        Some(at) => (&shortest[..at], exponent_of(&shortest[at + 1..])),
        None => (shortest, 0),
    };
    let (sign, mantissa) = mantissa.strip_prefix(b"-").map_or((&b""[..], mantissa), |rest| (&b"-"[..], rest));
    let point = mantissa.iter().position(|byte| *byte == b'.').unwrap_or(mantissa.len());
    let first = mantissa.iter().position(|byte| !matches!(byte, b'0' | b'.')).unwrap_or(0);
    // Digits before the point count up, zeros behind it down.
    let shift = if first < point { point as i32 - first as i32 - 1 } else { point as i32 - first as i32 };
    let mut digits: Vec<u8> = mantissa[first..].iter().copied().filter(|byte| *byte != b'.').collect();
    digits.truncate(digits.iter().rposition(|digit| *digit != b'0').map_or(1, |at| at + 1));
    out.extend_from_slice(sign);
    out.push(digits[0]);
    if digits.len() > 1 {
        out.push(b'.');
        out.extend_from_slice(&digits[1..]);
    }
    let exponent = exponent + shift;
    out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
    if exponent.abs() < 10 {
        out.push(b'0');
    }
    push_integer(out, i64::from(exponent.abs()));
}

fn exponent_of(text: &[u8]) -> i32 {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit());
    let size = digits.fold(0, |sum, digit| sum * 10 + i32::from(digit - b'0'));
    if text.first() == Some(&b'-') { -size } else { size }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(value: f64) -> String {
        let mut out = Vec::new();
        push_float(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    /// The right column is what `repr()` of CPython 3.11 writes.
    #[test]
    fn numbers_are_written_as_python_does() {
        #[track_caller]
        fn check(value: f64, expected: &str) {
            assert_eq!(text(value), expected);
            assert_eq!(text(-value), format!("-{expected}"));
        }
        check(0.0, "0.0");
        check(7.0, "7.0");
        check(0.1, "0.1");
        check(1.85, "1.85");
        check(1e14, "100000000000000.0");
        check(1e15, "1000000000000000.0");
        check(123_456_789_012_345.6, "123456789012345.6");
        check(9_007_199_254_740_993.0, "9007199254740992.0");
        check(9_999_999_999_999_998.0, "9999999999999998.0");
        check(1e16, "1e+16");
        check(1.234_567_890_123_456_8e17, "1.2345678901234568e+17");
        check(1e22, "1e+22");
        check(1.5e300, "1.5e+300");
        check(f64::MAX, "1.7976931348623157e+308");
        check(0.0001, "0.0001");
        check(0.000_123_456, "0.000123456");
        check(0.000_099_9, "9.99e-05");
        check(1e-5, "1e-05");
        check(1.234e-5, "1.234e-05");
        check(0.000_012_345_678_901_234, "1.2345678901234e-05");
        check(1e-6, "1e-06");
        check(2.5e-10, "2.5e-10");
        check(f64::MIN_POSITIVE, "2.2250738585072014e-308");
        check(5e-324, "5e-324");
        check(1.0 / 3.0, "0.3333333333333333");
        check(586_297_047_670.781_2, "586297047670.7812"); // ends in ..125, halfway
        check(0.1 + 0.2, "0.30000000000000004");
    }

    /// Random bits, and the numbers around each power of ten, against `repr()`.
    #[test]
    fn the_python_at_hand_agrees() {
        let mut state = 7_u64;
        let mut values: Vec<f64> = (0..20_000)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                f64::from_bits(state ^ (state >> 29))
            })
            .collect();
        for exponent in -323..=308 {
            let power: f64 = format!("1e{exponent}").parse().unwrap();
            values.extend([power, power.next_down(), power.next_up(), -power, power * 1.25]);
        }
        values.retain(|value| value.is_finite());
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_be_bytes()).collect();
        let script = "import struct, sys\n\
            for (x,) in struct.iter_unpack('>d', sys.stdin.buffer.read()): print(repr(x))";
        let Some(printed) = crate::python::run("struct", script, &bytes) else { return };
        let lines: Vec<&str> = std::str::from_utf8(&printed).unwrap().lines().collect();
        assert_eq!(values.iter().map(|value| text(*value)).collect::<Vec<_>>(), lines);
    }

    proptest! {
        #[test]
        fn times_are_written_as_integers_are(start in 999_990_000..10_000_010_000_i64, step in 0..2_000_000_i64) {
            let mut clock = Clock::new();
            for time_s in (0..20).map(|at| start + at * step) {
                let text = clock.text(time_s).map(|text| String::from_utf8_lossy(text).into_owned());
                prop_assert_eq!(text, Some(time_s.to_string()).filter(|text| text.len() == 10));
            }
        }

        #[test]
        fn numbers_read_back_and_have_pythons_form(bits: u64, scale in -30..30_i32) {
            for value in [f64::from_bits(bits), (bits >> 40) as f64 * 10_f64.powi(scale)] {
                if !value.is_finite() {
                    continue;
                }
                let text = text(value);
                prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits(), "{}", text);
                // As few digits as Rust's own, and Python's rule for when to write an exponent. The last digit may
                // differ: halfway between two, Python takes the even one.
                let n_digits = |text: &str| -> usize {
                    let mantissa = text.split('e').next().unwrap_or_default();
                    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
                    digits.trim_matches('0').len()
                };
                prop_assert_eq!(n_digits(&text), n_digits(&format!("{value:e}")), "{}", &text);
                let has_exponent = value != 0.0 && !(1e-4..1e16).contains(&value.abs());
                prop_assert_eq!(text.contains('e'), has_exponent, "{}", text);
            }
        }
    }
}
