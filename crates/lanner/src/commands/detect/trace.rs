//! The data of a chart of one series, in bounded memory however long the series is.
//!
//! Each bucket holds what so many rows have in common: the range of values, of the band, the greatest score. When there
//! are too many buckets, neighbours become one. So nothing that stands out is ever lost.

use lanner_detect::Scored;

/// What is drawn of one row, or of some together; NaN where there is nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bucket {
    /// When it begins.
    pub(super) at: i64,
    pub(super) least: f64,
    pub(super) greatest: f64,
    pub(super) expected: f64,
    pub(super) lower: f64,
    pub(super) upper: f64,
    pub(super) score: f64,
}

impl Bucket {
    fn new(at: i64, y: f64, judged: Option<Scored>) -> Self {
        let of = |read: fn(&Scored) -> f64| judged.as_ref().map_or(f64::NAN, read);
        Self {
            at,
            least: y,
            greatest: y,
            expected: of(|judged| judged.expected),
            lower: of(|judged| judged.lower),
            upper: of(|judged| judged.upper),
            score: of(|judged| judged.score.value()),
        }
    }

    /// Both together. The band is that of both, the expected value that of the stranger one.
    fn join(self, next: Self) -> Self {
        let is_stranger = next.score > self.score || self.expected.is_nan();
        Self {
            at: self.at,
            // `min` and `max` of a number and NaN are the number.
            least: self.least.min(next.least),
            greatest: self.greatest.max(next.greatest),
            expected: if is_stranger { next.expected } else { self.expected },
            lower: self.lower.min(next.lower),
            upper: self.upper.max(next.upper),
            score: self.score.max(next.score),
        }
    }
}

/// The buckets of one series.
#[derive(Debug, Clone)]
pub(super) struct Trace {
    pub(super) buckets: Vec<Bucket>,
    max_buckets: usize,
    /// Rows in a full bucket.
    pub(super) n_together: u64,
    /// Rows in the last bucket.
    n_in_last: u64,
}

impl Trace {
    /// An empty one, of at most `max_buckets`, which is at least 2.
    pub(super) fn new(max_buckets: usize) -> Self {
        Self { buckets: Vec::new(), max_buckets: max_buckets.max(2), n_together: 1, n_in_last: 0 }
    }

    pub(super) fn push(&mut self, at: i64, y: f64, judged: Option<Scored>) {
        let new = Bucket::new(at, y, judged);
        match self.buckets.last_mut() {
            Some(last) if self.n_in_last < self.n_together => {
                *last = last.join(new);
                self.n_in_last += 1;
            }
            _ => {
                if self.buckets.len() == self.max_buckets {
                    self.halve();
                    return self.push(at, y, judged);
                }
                self.buckets.push(new);
                self.n_in_last = 1;
            }
        }
    }

    fn halve(&mut self) {
        let is_odd = self.buckets.len() % 2 == 1;
        let joined = self.buckets.chunks(2).map(|pair| match *pair {
            [first, second] => first.join(second),
            _ => pair[0],
        });
        self.buckets = joined.collect();
        // The last bucket was full, and is now the half of one, if it had no neighbour.
        self.n_in_last = if is_odd { self.n_together } else { 2 * self.n_together };
        self.n_together *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_stands_out_is_lost() {
        #[track_caller]
        fn check(max_buckets: usize, n_rows: u64) {
            let mut trace = Trace::new(max_buckets);
            for row in 0..n_rows {
                let y = if row == 77 { 1e6 } else { f64::NAN };
                trace.push(row as i64, y, None);
            }
            assert!(trace.buckets.len() <= max_buckets);
            assert_eq!(trace.buckets.iter().filter(|bucket| bucket.greatest == 1e6).count(), 1);
            let starts = (0..).step_by(trace.n_together as usize);
            assert!(trace.buckets.iter().zip(starts).all(|(bucket, start)| bucket.at == start), "{trace:?}");
            assert_eq!(trace.buckets.len() as u64, n_rows.div_ceil(trace.n_together));
        }
        check(1_000, 500);
        check(10, 1_000);
        check(7, 1_001);
        check(2, 100);
    }
}
