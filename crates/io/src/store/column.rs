//! One column of a block: integers or floats, compressed.
//!
//! Regular integers, such as the times of samples, and constant floats take a few bytes. Floats that people wrote as decimals,
//! which most are, become integers with a common exponent: that is smaller, and faster in both directions. All else is
//! compressed by `pco`, or lies plain where that is shorter (few rows).
//!
//! Source of the decimals: Afroozeh, Kuffó, Boncz, "ALP: Adaptive Lossless floating-Point Compression", SIGMOD 2023.

use super::StoreError;
use super::bytes::{self, Reader};

const REGULAR: u8 = 0;
const PCO: u8 = 1;
const PLAIN: u8 = 2;
const DECIMAL: u8 = 3;

/// Below this many numbers the plain form is tried as well.
const FEW: usize = 48;

/// How hard `pco` looks for the shortest form: on the real series of the Numenta Anomaly Benchmark 0.3 % longer than at its
/// default of 8, and written in half the time.
const PCO_LEVEL: usize = 6;

/// The powers of ten by which decimals become integers; all of them are exact.
const POWERS: [f64; 16] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Integers up to here are exact as floats.
const MAX_EXACT: u64 = 1 << 53;

/// Rising times; regular ones, which are the common ones, take no room.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Times {
    Regular { first_ms: i64, step_ms: i64 },
    Listed(Box<[i64]>),
}

impl Default for Times {
    fn default() -> Self {
        Self::Regular { first_ms: 0, step_ms: 0 }
    }
}

impl Times {
    pub(super) fn get(&self, at: usize) -> i64 {
        match self {
            Self::Regular { first_ms, step_ms } => first_ms.wrapping_add(step_ms.wrapping_mul(at as i64)),
            Self::Listed(times) => times[at],
        }
    }

    /// Reads a column of `n` integers as times.
    pub(super) fn read(reader: &mut Reader<'_>, n: usize) -> Result<Self, StoreError> {
        if n == 0 {
            return Ok(Self::default());
        }
        match reader.byte()? {
            REGULAR => Ok(Self::Regular { first_ms: reader.zigzag()?, step_ms: reader.zigzag()? }),
            form => Ok(Self::Listed(listed(reader, n, form)?.into())),
        }
    }
}

pub(super) fn put_integers(out: &mut Vec<u8>, numbers: &[i64]) -> Result<(), StoreError> {
    let Some(&first) = numbers.first() else { return Ok(()) };
    let delta = numbers.get(1).map_or(0, |second| second.wrapping_sub(first));
    if numbers.array_windows().all(|[a, b]| b.wrapping_sub(*a) == delta) {
        out.push(REGULAR);
        bytes::put_zigzag(out, first);
        bytes::put_zigzag(out, delta);
        return Ok(());
    }
    let mut plain = Vec::new();
    if numbers.len() < FEW {
        let mut before = 0_i64;
        for &number in numbers {
            bytes::put_zigzag(&mut plain, number.wrapping_sub(before));
            before = number;
        }
    }
    put_shorter(out, &plain, numbers)
}

pub(super) fn put_floats(out: &mut Vec<u8>, numbers: &[f64]) -> Result<(), StoreError> {
    let Some(&first) = numbers.first() else { return Ok(()) };
    if numbers.iter().all(|number| number.to_bits() == first.to_bits()) {
        out.push(REGULAR);
        // Whole numbers have zero low bytes: cut them off.
        let high = first.to_bits().swap_bytes();
        bytes::put_varint(out, high);
        return Ok(());
    }
    if let Some((exponent, integers)) = decimals(numbers) {
        out.extend([DECIMAL, exponent]);
        return put_integers(out, &integers);
    }
    let plain = if numbers.len() < FEW {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    } else {
        Vec::new()
    };
    put_shorter(out, &plain, numbers)
}

/// Integers that give the same floats, bit for bit, when they are divided by a power of ten; the smallest such power.
fn decimals(numbers: &[f64]) -> Option<(u8, Vec<i64>)> {
    let mut integers = Vec::with_capacity(numbers.len());
    for (exponent, power) in (0..).zip(POWERS) {
        integers.clear();
        // Stops at the first that does not fit, so numbers that are no decimals cost a few steps each.
        integers.extend(numbers.iter().map_while(|number| scaled(*number, power)));
        if integers.len() == numbers.len() {
            return Some((exponent, integers));
        }
    }
    None
}

fn scaled(number: f64, power: f64) -> Option<i64> {
    let product = number * power;
    // What is not a number becomes 0, what is too large the largest integer; neither gives the number back.
    let integer = (product + 0.5_f64.copysign(product)) as i64;
    let is_same = (integer as f64 / power).to_bits() == number.to_bits();
    (is_same && integer.unsigned_abs() <= MAX_EXACT).then_some(integer)
}

/// Appends the plain form (if there is one) or the compressed one, whichever is shorter.
fn put_shorter<T: pco::data_types::Number>(
    out: &mut Vec<u8>,
    plain: &[u8],
    numbers: &[T],
) -> Result<(), StoreError> {
    let config = pco::ChunkConfig::default().with_compression_level(PCO_LEVEL);
    let packed = pco::standalone::simple_compress(numbers, &config)
        .map_err(|error| StoreError::Database { detail: format!("compressing a block: {error}") })?;
    if !plain.is_empty() && plain.len() <= packed.len() + 1 {
        out.push(PLAIN);
        out.extend_from_slice(plain);
    } else {
        out.push(PCO);
        bytes::put_bytes(out, &packed);
    }
    Ok(())
}

/// Reads what [`put_integers`] wrote of `n` numbers.
pub(super) fn integers(reader: &mut Reader<'_>, n: usize) -> Result<Vec<i64>, StoreError> {
    match Times::read(reader, n)? {
        Times::Listed(numbers) => Ok(numbers.into_vec()),
        regular @ Times::Regular { .. } => Ok((0..n).map(|at| regular.get(at)).collect()),
    }
}

fn listed(reader: &mut Reader<'_>, n: usize, form: u8) -> Result<Vec<i64>, StoreError> {
    match form {
        PLAIN => {
            let mut number = 0_i64;
            (0..n)
                .map(|_| {
                    number = number.wrapping_add(reader.zigzag()?);
                    Ok(number)
                })
                .collect()
        }
        PCO => packed(reader, n),
        _ => Err(reader.wrong()),
    }
}

/// Reads what [`put_floats`] wrote of `n` numbers.
pub(super) fn floats(reader: &mut Reader<'_>, n: usize) -> Result<Vec<f64>, StoreError> {
    if n == 0 {
        return Ok(Vec::new());
    }
    match reader.byte()? {
        REGULAR => Ok(vec![f64::from_bits(reader.varint()?.swap_bytes()); n]),
        DECIMAL => {
            let exponent = usize::from(reader.byte()?);
            let power = *POWERS.get(exponent).ok_or_else(|| reader.wrong())?;
            Ok(integers(reader, n)?.into_iter().map(|integer| integer as f64 / power).collect())
        }
        PLAIN => Ok(reader.chunks::<8>(n)?.iter().map(|number| f64::from_le_bytes(*number)).collect()),
        PCO => packed(reader, n),
        _ => Err(reader.wrong()),
    }
}

fn packed<T: pco::data_types::Number + Default>(
    reader: &mut Reader<'_>,
    n: usize,
) -> Result<Vec<T>, StoreError> {
    let bytes = reader.bytes()?;
    let mut numbers = vec![T::default(); n];
    let progress = pco::standalone::simple_decompress_into(bytes, &mut numbers)
        .map_err(|error| StoreError::corrupt(format!("a column of numbers: {error}")))?;
    if progress.n_processed == n { Ok(numbers) } else { Err(reader.wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn round_trip(numbers: &[f64]) -> Vec<u8> {
        let mut column = Vec::new();
        put_floats(&mut column, numbers).unwrap();
        let mut reader = Reader::new(&column, "a column");
        let read = floats(&mut reader, numbers.len()).unwrap();
        assert!(reader.is_empty());
        let bits = |numbers: &[f64]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&read), bits(numbers));
        column
    }

    #[test]
    fn decimals_are_integers() {
        #[track_caller]
        fn check(numbers: &[f64], exponent: Option<u8>) {
            let column = round_trip(numbers);
            assert_eq!((column[0] == DECIMAL).then(|| column[1]), exponent, "{numbers:?}");
        }
        check(&[1.0, 2.0, 4.0], Some(0));
        check(&[0.1, 0.25, -17.0], Some(2));
        check(&[9e14, 1.5], Some(1));
        check(&[1e16, 1.5], None);
        check(&[9_007_199_254_740_992.0, 1.0], Some(0));
        check(&[1e17, 1.0], None);
        check(&[1e-15, 1.0], Some(15));
        check(&[1e-16, 1.0], None);
        check(&[0.1 + 0.2, 1.0], None);
        check(&[-0.0, 1.0], None);
        check(&[f64::NAN, 1.0], None);
        check(&[f64::INFINITY, 1.0], None);
        check(&[5.0, 5.0], None); // a constant takes less
    }

    proptest! {
        #[test]
        fn decimals_come_back(integers in proptest::collection::vec(-1_i64 << 40..1 << 40, 1..200), exponent in 0..16_usize) {
            let numbers: Vec<f64> = integers.iter().map(|integer| *integer as f64 / POWERS[exponent]).collect();
            round_trip(&numbers);
            prop_assert!(decimals(&numbers).is_some());
        }

        #[test]
        fn any_floats_come_back(bits in proptest::collection::vec(any::<u64>(), 1..200)) {
            round_trip(&bits.into_iter().map(f64::from_bits).collect::<Vec<_>>());
        }
    }
}
