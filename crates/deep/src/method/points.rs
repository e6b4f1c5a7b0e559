//! Two terms beside the score of any method: how far single values are from the usual one, and how far their mean jumped.
//!
//! Methods that look at the course of values may not care how large these are.

use super::kind::{Expectations, Method, Rows, scores_of};
use crate::store::{Damage, Part, Writer};

/// Rows whose mean is compared with that of as many rows before.
const HALF: usize = 5;

/// From the median of distances to a deviation, if values are normally distributed.
const DEVIATION: f32 = 1.4826;

/// The least deviation of a column, in scaled units: what hardly moved must not decide alone.
const LEAST: f32 = 0.1;

/// The score of training that becomes 1.
const HIGH: f64 = 0.99;

/// A method with both terms: all three are scaled by their own high scores of training, and the mean counts.
///
/// # Source
/// K. Zhang et al., "PAI: preserving amplitude information in representation-based time-series anomaly detection", arXiv 2606.08935,
/// for columns together, and with means of rows before only.
#[derive(Debug)]
pub(crate) struct WithPoints {
    inner: Box<dyn Method>,
    medians: Vec<f32>,
    deviations: Vec<f32>,
    /// The scores of training that become 1: of the method, of values, of jumps.
    highs: [f32; 3],
}

impl WithPoints {
    /// Cost: that of a score of each row.
    pub(crate) fn fit(inner: Box<dyn Method>, rows: &Rows<'_>) -> Self {
        let (mut medians, mut deviations) = (Vec::new(), Vec::new());
        for column in 0..rows.n_columns {
            let mut values = rows.column(column);
            let middle = quantile(&mut values, 0.5);
            values.iter_mut().for_each(|value| *value = (*value - middle).abs());
            medians.push(middle);
            deviations.push((DEVIATION * quantile(&mut values, 0.5)).max(LEAST));
        }
        let mut found = Self { inner, medians, deviations, highs: [1.0; 3] };
        let (mut values, mut jumps): (Vec<f32>, Vec<f32>) = (Vec::new(), Vec::new());
        for piece in rows.pieces(2 * HALF) {
            for window in piece.windows(2 * HALF * rows.n_columns).step_by(rows.n_columns) {
                let [value, jump] = found.terms(window);
                values.push(sum(&value));
                jumps.push(sum(&jump));
            }
        }
        let mut scores = scores_of(&*found.inner, rows);
        let floor = found.inner.floor();
        found.highs = [
            quantile(&mut scores, HIGH).max(floor).max(1e-6),
            quantile(&mut values, HIGH).max(LEAST),
            quantile(&mut jumps, HIGH).max(LEAST),
        ];
        found
    }

    pub(crate) fn read(inner: Box<dyn Method>, part: &Part<'_>, n_columns: usize) -> Result<Self, Damage> {
        let column = |name: &str| match part.get(name)? {
            ([n], values) if *n == n_columns => Ok(values.to_vec()),
            _ => Err(part.misshapen(name)),
        };
        let (medians, deviations) = (column("medians")?, column("deviations")?);
        let highs = match *part.get("highs")?.1 {
            [a, b, c] if a > 0.0 && b > 0.0 && c > 0.0 => [a, b, c],
            _ => return Err(part.misshapen("highs")),
        };
        if deviations.iter().any(|deviation| *deviation <= 0.0) {
            return Err(part.misshapen("deviations"));
        }
        Ok(Self { inner, medians, deviations, highs })
    }

    /// What each column contributes to both terms, by the last rows of a window.
    fn terms(&self, window: &[f32]) -> [Vec<f32>; 2] {
        let n = self.medians.len();
        let last = |rows: usize| window.get(window.len().saturating_sub(rows * n)..).unwrap_or_default();
        let of_columns = self.medians.iter().zip(&self.deviations);
        let values = last(1).iter().zip(of_columns);
        let values = values.map(|(value, (median, deviation))| (value - median).abs() / deviation / n as f32);
        let mut means = vec![0.0; n];
        for (at, row) in last(2 * HALF).chunks_exact(n).enumerate() {
            let sign = if at < HALF { -1.0 } else { 1.0 };
            means.iter_mut().zip(row).for_each(|(mean, value)| *mean += sign * value / HALF as f32);
        }
        let jumps =
            means.iter().zip(&self.deviations).map(|(mean, deviation)| mean.abs() / deviation / n as f32);
        [values.collect(), jumps.collect()]
    }

    /// The end of a window that the method looks at.
    fn end<'a>(&self, window: &'a [f32]) -> &'a [f32] {
        let length = self.inner.window() * self.medians.len();
        window.get(window.len().saturating_sub(length)..).unwrap_or_default()
    }

    fn mean(&self, score: f32, window: &[f32]) -> f32 {
        let [values, jumps] = self.terms(window);
        (score / self.highs[0] + sum(&values) / self.highs[1] + sum(&jumps) / self.highs[2]) / 3.0
    }
}

impl Method for WithPoints {
    fn window(&self) -> usize {
        self.inner.window().max(2 * HALF)
    }

    fn contributions(&self, window: &[f32]) -> Vec<f32> {
        let mut parts = self.inner.contributions(self.end(window));
        let [values, jumps] = self.terms(window);
        for ((part, value), jump) in parts.iter_mut().zip(values).zip(jumps) {
            *part = (*part / self.highs[0] + value / self.highs[1] + jump / self.highs[2]) / 3.0;
        }
        parts
    }

    fn score(&self, window: &[f32]) -> f32 {
        self.mean(self.inner.score(self.end(window)), window)
    }

    fn next(&self, window: &[f32], kept: &mut Vec<f32>) -> f32 {
        self.mean(self.inner.next(self.end(window), kept), window)
    }

    fn scores(&self, rows: &Rows<'_>) -> Vec<f32> {
        let (window, inner) = (self.window(), self.inner.scores(rows));
        let n = rows.n_windows(window);
        let scored = inner.iter().skip(inner.len().saturating_sub(n)).enumerate();
        scored.map(|(first, score)| self.mean(*score, &rows.window(first, window))).collect()
    }

    fn floor(&self) -> f32 {
        self.inner.floor() / self.highs[0] / 3.0
    }

    fn expectations(&self, rows: &Rows<'_>) -> Option<Expectations> {
        self.inner.expectations(rows)
    }

    fn write(&self, part: &mut Writer<'_>) {
        part.put("medians", &[self.medians.len()], &self.medians);
        part.put("deviations", &[self.deviations.len()], &self.deviations);
        part.put("highs", &[3], &self.highs);
        self.inner.write(&mut part.inner("inner"));
    }
}

fn sum(values: &[f32]) -> f32 {
    values.iter().sum()
}

/// 0 of nothing.
fn quantile(values: &mut [f32], share: f64) -> f32 {
    let rank = ((values.len() as f64 * share) as usize).min(values.len().saturating_sub(1));
    if values.is_empty() { 0.0 } else { *values.select_nth_unstable_by(rank, f32::total_cmp).1 }
}
