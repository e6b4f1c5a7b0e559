//! Patches of rows as points: an encoder that puts patches close together that follow each other, and others apart.
//!
//! Two convolutions along time, of what they find the mean and the last, and a linear map: the mean is the course, the last the row that is judged.

use rayon::prelude::*;

use crate::net::{Adam, Convolution, Dense, Layout};
use crate::random::Random;
use crate::rows::Rows;

/// Rows that a convolution looks at, what it finds in them, and the dimensions of a point.
const KERNEL: usize = 5;
const N_CHANNELS: usize = 32;
const N_DIMENSIONS: usize = 32;

/// Steps of learning, and triples of patches in one.
const N_STEPS: usize = 150;
const N_TRIPLES: usize = 48;

/// Triples that one thread works on. A constant, so that sums are added up in the same order on any number of threads.
const SHARD: usize = 16;

/// So many rows apart, two patches are alike at most.
const ALIKE_WITHIN: usize = 3;

/// How much farther the other patch should be than the alike one.
const MARGIN: f32 = 1.0;

const RATE: f32 = 1e-3;

/// An encoder of patches of `window` rows.
#[derive(Debug, Clone)]
pub(crate) struct Encoder {
    pub(crate) layout: Layout,
    pub(crate) window: usize,
    pub(crate) n_columns: usize,
    first: Convolution,
    second: Convolution,
    last: Dense,
}

/// What a pass leaves behind.
struct Trace {
    first: Vec<f32>,
    second: Vec<f32>,
    /// Of each patch the mean, and the last.
    found: Vec<f32>,
    points: Vec<f32>,
}

impl Encoder {
    /// The shortest patch that both convolutions leave something of.
    pub(crate) const MIN_WINDOW: usize = 2 * KERNEL - 1;

    pub(crate) fn new(n_columns: usize, window: usize) -> Self {
        let mut layout = Layout::default();
        let first = Convolution::new(&mut layout, "first", KERNEL, n_columns, N_CHANNELS);
        let second = Convolution::new(&mut layout, "second", KERNEL, N_CHANNELS, N_CHANNELS);
        let last = Dense::new(&mut layout, "last.weight", "last.bias", 2 * N_CHANNELS, N_DIMENSIONS);
        Self { layout, window, n_columns, first, second, last }
    }

    /// Numbers of a point.
    pub(crate) const N_DIMENSIONS: usize = N_DIMENSIONS;

    fn pass(&self, params: &[f32], patches: &[f32]) -> Trace {
        let first = self.first.forward(params, patches, self.window);
        let n = self.first.n_rows(self.window);
        let second = self.second.forward(params, &first, n);
        let n_rows = self.second.n_rows(n);
        let mut found = vec![0.0; 2 * second.len() / n_rows];
        for (found, rows) in
            found.chunks_exact_mut(2 * N_CHANNELS).zip(second.chunks_exact(n_rows * N_CHANNELS))
        {
            let (mean, last) = found.split_at_mut(N_CHANNELS);
            for row in rows.chunks_exact(N_CHANNELS) {
                mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += value / n_rows as f32);
                last.copy_from_slice(row);
            }
        }
        let points = self.last.forward(params, &found);
        Trace { first, second, found, points }
    }

    /// A point for each patch.
    pub(crate) fn points(&self, params: &[f32], patches: &[f32]) -> Vec<f32> {
        self.pass(params, patches).points
    }

    /// The points of the patches that begin at these rows, in their order.
    pub(crate) fn points_of(&self, params: &[f32], rows: &Rows<'_>, firsts: &[usize]) -> Vec<f32> {
        let points =
            firsts.par_chunks(64).flat_map_iter(|part| self.points(params, &gather(rows, part, self.window)));
        points.collect()
    }

    /// Adds the gradients of the parameters to `grads`, given those of the points.
    fn back(&self, params: &[f32], grads: &mut [f32], patches: &[f32], trace: &Trace, points: &[f32]) {
        self.last.learn(grads, &trace.found, points);
        let mut found = vec![0.0; trace.found.len()];
        self.last.back(params, points, &mut found);
        let n = self.first.n_rows(self.window);
        let n_rows = self.second.n_rows(n);
        let mut second = vec![0.0; trace.second.len()];
        for (found, rows) in
            found.chunks_exact(2 * N_CHANNELS).zip(second.chunks_exact_mut(n_rows * N_CHANNELS))
        {
            let (mean, last) = found.split_at(N_CHANNELS);
            for (at, row) in rows.chunks_exact_mut(N_CHANNELS).enumerate() {
                row.iter_mut().zip(mean).for_each(|(value, mean)| *value = mean / n_rows as f32);
                if at + 1 == n_rows {
                    row.iter_mut().zip(last).for_each(|(value, last)| *value += last);
                }
            }
        }
        let first = self.second.backward((params, grads), (&trace.first, &trace.second), second, n);
        self.first.backward((params, grads), (patches, &trace.first), first, self.window);
    }

    /// Learns from rows; the same rows and seed give the same parameters on any number of threads.
    ///
    /// # Source
    /// J. Park, S. Kang, "PaAno: patch-based representation learning for time-series anomaly detection", ICLR 2026: its triplet loss,
    /// without its second task; points are not scaled to one length, so that they keep how large values are.
    pub(crate) fn learn(&self, rows: &Rows<'_>, seed: u64) -> Vec<f32> {
        let mut random = Random::new(seed);
        let mut params = self.layout.initial(&mut random);
        let mut adam = Adam::new(params.len(), RATE);
        let n = rows.n_windows(self.window).saturating_sub(ALIKE_WITHIN);
        for _ in 0..if n > 0 { N_STEPS } else { 0 } {
            let triples: Vec<[usize; 3]> = (0..N_TRIPLES)
                .map(|_| {
                    let anchor = random.below(n);
                    [anchor, anchor + 1 + random.below(ALIKE_WITHIN), random.below(n)]
                })
                .collect();
            let (_, grads) = self.loss(&params, rows, &triples);
            adam.step(&mut params, &grads);
        }
        params
    }

    /// The mean over triples of by how much the other patch is not far enough, and its gradients.
    fn loss(&self, params: &[f32], rows: &Rows<'_>, triples: &[[usize; 3]]) -> (f32, Vec<f32>) {
        let share = 1.0 / triples.len() as f32;
        let parts: Vec<(f32, Vec<f32>)> = triples
            .par_chunks(SHARD)
            .map(|part| {
                let patches = gather(rows, &part.concat(), self.window);
                let trace = self.pass(params, &patches);
                let mut point_grads = vec![0.0; trace.points.len()];
                let length = 3 * N_DIMENSIONS;
                let pairs = trace.points.chunks_exact(length).zip(point_grads.chunks_exact_mut(length));
                let loss = pairs.map(|(points, grads)| triplet(points, grads, share)).sum();
                let mut grads = vec![0.0; params.len()];
                self.back(params, &mut grads, &patches, &trace, &point_grads);
                (loss, grads)
            })
            .collect();
        let mut sum = vec![0.0; params.len()];
        for (_, grads) in &parts {
            sum.iter_mut().zip(grads).for_each(|(sum, gradient)| *sum += gradient);
        }
        (parts.iter().map(|(loss, _)| loss).sum(), sum)
    }
}

/// Patches that begin at these rows, one after the other.
fn gather(rows: &Rows<'_>, firsts: &[usize], window: usize) -> Vec<f32> {
    let mut patches = Vec::with_capacity(firsts.len() * window * rows.n_columns);
    firsts.iter().for_each(|first| patches.extend_from_slice(&rows.window(*first, window)));
    patches
}

/// By how much the third point is not far enough from the first, beside the second, times `share`; and the gradients of all three.
fn triplet(points: &[f32], grads: &mut [f32], share: f32) -> f32 {
    let (anchor, rest) = points.split_at(N_DIMENSIONS);
    let (alike, other) = rest.split_at(N_DIMENSIONS);
    let distance = |b: &[f32]| (crate::product::distance2(anchor, b) + 1e-6).sqrt();
    let (near, far) = (distance(alike), distance(other));
    let loss = near - far + MARGIN;
    if loss <= 0.0 {
        return 0.0;
    }
    for i in 0..N_DIMENSIONS {
        let (to_alike, to_other) =
            (share * (anchor[i] - alike[i]) / near, share * (anchor[i] - other[i]) / far);
        grads[i] = to_alike - to_other;
        grads[N_DIMENSIONS + i] = -to_alike;
        grads[2 * N_DIMENSIONS + i] = to_other;
    }
    share * loss
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_are_slopes() {
        let encoder = Encoder::new(3, 12);
        let mut random = Random::new(3);
        let params = encoder.layout.initial(&mut random);
        let values: Vec<f32> = (0..300).map(|_| random.unit() - 0.5).collect();
        let rows = Rows::of(&values, 3);
        let triples: Vec<[usize; 3]> = (0..40).map(|at| [at, at + 2, 80 - at]).collect();
        let (loss, grads) = encoder.loss(&params, &rows, &triples);
        assert!(loss > 0.1, "{loss}");
        let mut n_off = 0;
        for entry in &encoder.layout.entries {
            let mut direction = vec![0.0; params.len()];
            entry.slot.of_mut(&mut direction).iter_mut().for_each(|value| *value = random.unit() - 0.5);
            let moved =
                |by: f32| -> Vec<f32> { params.iter().zip(&direction).map(|(p, d)| p + by * d).collect() };
            let at = |by: f32| f64::from(encoder.loss(&moved(by), &rows, &triples).0);
            let slope = (at(1e-3) - at(-1e-3)) / 2e-3;
            let expected: f64 = grads.iter().zip(&direction).map(|(g, d)| f64::from(g * d)).sum();
            if (slope - expected).abs() > 1e-3 + 0.02 * expected.abs() {
                eprintln!("{}: {slope} is not {expected}", entry.name);
                n_off += 1;
            }
        }
        // Curves have corners; a step over one is no slope.
        assert!(n_off <= 1, "{n_off} gradients are off");
    }

    #[test]
    fn neighbours_come_closer_than_others() {
        // Two courses that alternate every hundred rows.
        let value = |at: usize| {
            if (at / 100).is_multiple_of(2) { (at as f32 / 3.0).sin() } else { (at as f32 / 7.0).sin() }
        };
        let values: Vec<f32> = (0..2_000).flat_map(|at| [value(at), 0.1 * value(at + 3)]).collect();
        let rows = Rows::of(&values, 2);
        let encoder = Encoder::new(2, 16);
        let params = encoder.learn(&rows, 1);
        let triples: Vec<[usize; 3]> = (0..50).map(|at| [10 + at, 12 + at, 110 + at]).collect();
        let (before, _) = encoder.loss(&encoder.layout.initial(&mut Random::new(1)), &rows, &triples);
        let (after, _) = encoder.loss(&params, &rows, &triples);
        assert!(after < 0.2 && before > 3.0 * after, "{before} {after}");
    }
}
