//! The compressed form of a time range of one series.
//!
//! A block holds rows in order of time. A row is an [`Aggregate`]; one that stands for a single sample is
//! just that sample's time and value, so a block of such rows has two columns and no more, whatever its step.

use lanner_core::{Aggregate, Sample};

use super::StoreError;
use super::bytes::{self, Reader};
use super::column::{Times, floats, integers, put_floats, put_integers};

/// The most rows a block has.
pub(super) const MAX_ROWS: usize = 4096;

/// The time at which a row is shown: a single sample's own, otherwise the beginning of its step.
pub(super) fn position(row: &Aggregate, step_ms: i64) -> i64 {
    if row.count == 1 || step_ms <= 1 { row.last_ms } else { row.last_ms.div_euclid(step_ms) * step_ms }
}

/// The decoded rows of a block, in columns.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Rows {
    /// `last_ms` of each row.
    times: Times,
    /// `last` of each row.
    values: Vec<f64>,
    /// Only if some row stands for several samples.
    merged: Option<Box<Merged>>,
}

/// What rows of several samples hold besides their last one; the columns are as long as the block.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Merged {
    counts: Vec<u64>,
    sums: Vec<f64>,
    mins: Vec<f64>,
    maxs: Vec<f64>,
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// How many rows have their time before `limit_ms`.
    pub(super) fn before(&self, limit_ms: i64) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.times.get(middle) < limit_ms { low = middle + 1 } else { high = middle }
        }
        low
    }

    pub(super) fn get(&self, at: usize) -> Aggregate {
        let (last_ms, last) = (self.times.get(at), self.values[at]);
        match &self.merged {
            None => Aggregate::of(Sample::new(last_ms, last)),
            Some(merged) => Aggregate {
                count: merged.counts[at],
                sum: merged.sums[at],
                min: merged.mins[at],
                max: merged.maxs[at],
                last,
                last_ms,
            },
        }
    }

    /// Some rows as samples at equal distances, if that is what they are: the time of the first, the distance, the values.
    pub(super) fn even(&self, rows: std::ops::Range<usize>) -> Option<(i64, i64, &[f64])> {
        match (&self.times, &self.merged) {
            (Times::Regular { step_ms: step_ms @ 1.., .. }, None) => {
                Some((self.times.get(rows.start), *step_ms, self.values.get(rows)?))
            }
            _ => None,
        }
    }

    /// The time at which the first row is shown, and that of the last sample; `None` without rows.
    pub(super) fn span(&self, step_ms: i64) -> Option<(i64, i64)> {
        let last = self.len().checked_sub(1)?;
        Some((position(&self.get(0), step_ms), self.times.get(last)))
    }

    pub(super) fn to_vec(&self) -> Vec<Aggregate> {
        (0..self.len()).map(|at| self.get(at)).collect()
    }

    /// Memory in bytes.
    pub(super) fn size(&self) -> usize {
        let times = if matches!(self.times, Times::Listed(_)) { 8 } else { 0 };
        self.len() * (times + if self.merged.is_some() { 40 } else { 8 }) + 160
    }
}

const WHAT: &str = "a block of samples";
const SINGLE: u8 = 1;
const MERGED: u8 = 2;

/// Compresses rows in order of time.
pub(super) fn encode(rows: &[Aggregate]) -> Result<Vec<u8>, StoreError> {
    let mut out = Vec::with_capacity(64 + 2 * rows.len());
    let several: Vec<&Aggregate> = rows.iter().filter(|row| row.count > 1).collect();
    out.push(if several.is_empty() { SINGLE } else { MERGED });
    bytes::put_varint(&mut out, rows.len() as u64);
    put_integers(&mut out, &rows.iter().map(|row| row.last_ms).collect::<Vec<_>>())?;
    put_floats(&mut out, &rows.iter().map(|row| row.last).collect::<Vec<_>>())?;
    if !several.is_empty() {
        put_integers(&mut out, &rows.iter().map(|row| row.count as i64).collect::<Vec<_>>())?;
        put_floats(&mut out, &several.iter().map(|row| row.sum).collect::<Vec<_>>())?;
        put_floats(&mut out, &several.iter().map(|row| row.min).collect::<Vec<_>>())?;
        put_floats(&mut out, &several.iter().map(|row| row.max).collect::<Vec<_>>())?;
    }
    bytes::seal(&mut out);
    Ok(out)
}

/// Reads what [`encode`] wrote.
pub(super) fn decode(block: &[u8]) -> Result<Rows, StoreError> {
    let mut reader = Reader::new(bytes::unseal(block, WHAT)?, WHAT);
    let kind = reader.byte()?;
    let n = usize::try_from(reader.varint()?).map_err(|_| reader.wrong())?;
    if !(kind == SINGLE || kind == MERGED) || n > MAX_ROWS {
        return Err(reader.wrong());
    }
    let mut rows =
        Rows { times: Times::read(&mut reader, n)?, values: floats(&mut reader, n)?, merged: None };
    if kind == MERGED {
        rows.merged = Some(Box::new(merged(&mut reader, &rows.values)?));
    }
    if reader.is_empty() { Ok(rows) } else { Err(reader.wrong()) }
}

fn merged(reader: &mut Reader<'_>, values: &[f64]) -> Result<Merged, StoreError> {
    let counts = integers(reader, values.len())?;
    if counts.iter().any(|count| *count < 1) {
        return Err(reader.wrong());
    }
    let several = counts.iter().filter(|count| **count > 1).count();
    let mut column = || -> Result<Vec<f64>, StoreError> {
        let mut packed = floats(reader, several)?.into_iter();
        let rows = counts.iter().zip(values);
        Ok(rows.filter_map(|(count, value)| if *count > 1 { packed.next() } else { Some(*value) }).collect())
    };
    let (sums, mins, maxs) = (column()?, column()?, column()?);
    Ok(Merged { counts: counts.into_iter().map(i64::unsigned_abs).collect(), sums, mins, maxs })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn single(time_ms: i64, value: f64) -> Aggregate {
        Aggregate::of(Sample::new(time_ms, value))
    }

    #[test]
    fn simple_blocks_are_tiny() {
        #[track_caller]
        fn check(rows: &[Aggregate], at_most_bytes: usize) {
            let block = encode(rows).unwrap();
            assert!(block.len() <= at_most_bytes, "{} bytes", block.len());
            assert_eq!(decode(&block).unwrap().to_vec(), rows);
        }
        let t = 1_767_225_600_000;
        check(&[single(t, 1.0)], 19);
        check(&[single(t, 0.1)], 26);
        let constant: Vec<_> = (0..4096).map(|at| single(t + 10_000 * at, 42.0)).collect();
        check(&constant, 24);
        let counter: Vec<_> = (0..4096).map(|at| single(t + 10_000 * at, at as f64)).collect();
        check(&counter, 160);
        let gauge: Vec<_> = (0..4096).map(|at| single(t + 10_000 * at, f64::from(at as i32 % 7))).collect();
        check(&gauge, 1_800);
    }

    fn rows() -> impl Strategy<Value = Vec<Aggregate>> {
        let row = (1..2_000_i64, 1..4_u64, any::<[i32; 3]>(), any::<bool>());
        proptest::collection::vec(row, 0..200).prop_map(|rows| {
            let mut last_ms = 1_700_000_000_000;
            rows.into_iter()
                .map(|(gap_ms, count, [a, b, c], single_only)| {
                    last_ms += gap_ms;
                    let mut row = single(last_ms, f64::from(a) / 16.0);
                    if count > 1 && !single_only {
                        row.merge(&single(last_ms - 1, f64::from(b)));
                        row.merge(&single(last_ms - 1, f64::from(c) * 1e-3));
                    }
                    row
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn blocks_round_trip(rows in rows()) {
            prop_assert_eq!(decode(&encode(&rows).unwrap()).unwrap().to_vec(), rows);
        }

        #[test]
        fn odd_numbers_round_trip(
            pairs in proptest::collection::vec((any::<i64>(), any::<f64>()), 1..90)
        ) {
            let rows: Vec<_> = pairs.iter().map(|(t, v)| single(*t, *v)).collect();
            let decoded = decode(&encode(&rows).unwrap()).unwrap();
            for (at, (time_ms, value)) in pairs.iter().enumerate() {
                prop_assert_eq!(decoded.times.get(at), *time_ms);
                prop_assert_eq!(decoded.values[at].to_bits(), value.to_bits());
            }
        }

        #[test]
        fn any_content_under_a_right_checksum_is_read_or_refused(
            kind in 0..3_u8,
            mut block in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            block.insert(0, kind);
            bytes::seal(&mut block);
            let _ = decode(&block);
        }
    }
}
