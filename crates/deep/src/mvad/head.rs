//! Attention of the first form with scores of two vectors: `e_ij = leaky(key · v_i + query · v_j)`.

use crate::net::{Layout, Slot, softmax};
use crate::product::{View, dot, multiply};
use crate::random::Random;

/// The slope of `leaky` below 0, and the probability that a share is left out in training.
const ALPHA: f32 = 0.2;
const DROPOUT: f32 = 0.5;

/// One head over nodes that are not learned: rows or columns of a window.
#[derive(Debug, Clone)]
pub(super) struct Head {
    key: Slot,
    query: Slot,
    n_nodes: usize,
    n_values: usize,
}

/// What a pass leaves behind.
pub(super) struct Trace {
    /// `key · v_i + query · v_j` of all pairs, before the curve.
    raw: Vec<f32>,
    shares: Vec<f32>,
    /// What dropout multiplied the shares with; empty without.
    mask: Vec<f32>,
    /// A row for each node: what it sees.
    pub(super) nodes: Vec<f32>,
}

impl Head {
    pub(super) fn new(layout: &mut Layout, name: &str, n_nodes: usize, n_values: usize) -> Self {
        let bound = (6.0 / (n_values + 1) as f32).sqrt();
        let key = layout.add(format!("{name}.key"), &[n_values], bound);
        let query = layout.add(format!("{name}.query"), &[n_values], bound);
        Self { key, query, n_nodes, n_values }
    }

    /// Looks at the nodes of many windows, one window after the other.
    pub(super) fn forward(&self, params: &[f32], nodes: &[f32], random: Option<&mut Random>) -> Trace {
        let (n, d) = (self.n_nodes, self.n_values);
        let n_windows = nodes.len() / (n * d);
        let mut raw = vec![0.0; n_windows * n * n];
        for (nodes, raw) in nodes.chunks_exact(n * d).zip(raw.chunks_exact_mut(n * n)) {
            let along = |by: Slot| nodes.chunks_exact(d).map(move |node| dot(by.of(params), node));
            let queries: Vec<f32> = along(self.query).collect();
            for (row, key) in raw.chunks_exact_mut(n).zip(along(self.key)) {
                row.iter_mut().zip(&queries).for_each(|(raw, query)| *raw = key + query);
            }
        }
        let mut shares: Vec<f32> = raw.iter().map(|x| if *x > 0.0 { *x } else { ALPHA * x }).collect();
        shares.chunks_exact_mut(n).for_each(softmax);
        let mask: Vec<f32> = random.map(|random| mask(shares.len(), random)).unwrap_or_default();
        let dropped = masked(&shares, &mask);
        let mut seen = vec![0.0; nodes.len()];
        let pairs = dropped.chunks_exact(n * n).zip(nodes.chunks_exact(n * d));
        for ((shares, nodes), seen) in pairs.zip(seen.chunks_exact_mut(n * d)) {
            multiply(View::new(shares, n, n), View::new(nodes, n, d), 0.0, seen);
        }
        Trace { raw, shares, mask, nodes: seen }
    }

    /// Adds the gradients of both vectors to `grads`, given those of what the nodes see.
    pub(super) fn backward(&self, grads: &mut [f32], nodes: &[f32], trace: &Trace, seen: &[f32]) {
        let (n, d) = (self.n_nodes, self.n_values);
        let mut weights = vec![0.0; trace.shares.len()];
        let pairs = seen.chunks_exact(n * d).zip(nodes.chunks_exact(n * d));
        for ((seen, nodes), weights) in pairs.zip(weights.chunks_exact_mut(n * n)) {
            multiply(View::new(seen, n, d), View::new(nodes, n, d).transposed(), 0.0, weights);
        }
        if !trace.mask.is_empty() {
            weights.iter_mut().zip(&trace.mask).for_each(|(weight, mask)| *weight *= mask);
        }
        for (weights, shares) in weights.chunks_exact_mut(n).zip(trace.shares.chunks_exact(n)) {
            let mean = dot(weights, shares);
            weights.iter_mut().zip(shares).for_each(|(weight, share)| *weight = share * (*weight - mean));
        }
        let below = weights.iter_mut().zip(&trace.raw).filter(|(_, raw)| **raw <= 0.0);
        below.for_each(|(weight, _)| *weight *= ALPHA);
        for (weights, nodes) in weights.chunks_exact(n * n).zip(nodes.chunks_exact(n * d)) {
            let mut of_queries = vec![0.0; n];
            for (weights, node) in weights.chunks_exact(n).zip(nodes.chunks_exact(d)) {
                add(self.key.of_mut(grads), node, weights.iter().sum());
                of_queries.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight);
            }
            for (weight, node) in of_queries.into_iter().zip(nodes.chunks_exact(d)) {
                add(self.query.of_mut(grads), node, weight);
            }
        }
    }
}

fn add(sums: &mut [f32], values: &[f32], by: f32) {
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += by * value);
}

fn mask(n: usize, random: &mut Random) -> Vec<f32> {
    (0..n).map(|_| if random.unit() < DROPOUT { 0.0 } else { 1.0 / (1.0 - DROPOUT) }).collect()
}

fn masked(numbers: &[f32], mask: &[f32]) -> Vec<f32> {
    if mask.is_empty() {
        return numbers.to_vec();
    }
    numbers.iter().zip(mask).map(|(number, mask)| number * mask).collect()
}
