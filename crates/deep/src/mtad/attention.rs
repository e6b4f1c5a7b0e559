//! Graph attention over the complete graph of a window's features, or of its steps.
//!
//! A node is a row of `n_values` numbers. Each node looks at all nodes, as far as their weights say:
//!
//! ```text
//! GATv2: e_ij = a · leaky(W [v_i, v_j] + c) + b_ij        GAT: e_ij = leaky(a · [W v_i + c, W v_j + c]) + b_ij
//! h_i = sigmoid(sum_j softmax_j(e_ij) v_j)
//! ```
//!
//! `W [v_i, v_j]` is `W_left v_i + W_right v_j`, so each node is mapped twice instead of each pair once. It is exact, and at
//! 38 features and 100 steps saves 98 % of the work of the map.

use super::pairs::{grads_of_pairs, weights_of_pairs};
use crate::net::{Buffer, Dense, Layout, Slot, add_columns, sigmoids, softmax};
use crate::packed::Packed;
use crate::product::{View, dot, multiply};
use crate::random::Random;

/// One head.
#[derive(Debug, Clone)]
pub(crate) struct Attention {
    form: Form,
    /// What pairs are weighed with.
    a: Slot,
    bias: Slot,
    n_nodes: usize,
    n_values: usize,
    n_embed: usize,
    /// The slope of `leaky` below 0.
    alpha: f32,
}

#[derive(Debug, Clone)]
enum Form {
    V1 { map: Dense },
    V2 { left: Dense, right: Dense },
}

/// What a pass leaves behind.
pub(crate) struct Trace {
    /// The mapped nodes: of GATv2 left and right, of GAT one and nothing.
    left: Buffer,
    right: Buffer,
    /// Shares, a row for each node, before dropout.
    pub(crate) shares: Buffer,
    /// What dropout multiplied them with; empty without.
    mask: Vec<f32>,
    /// The result, a row for each node.
    pub(crate) nodes: Buffer,
}

/// The numbers of a head.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) n_nodes: usize,
    pub(crate) n_values: usize,
    pub(crate) n_embed: usize,
}

/// The linear maps of a head, laid out for use.
#[derive(Debug)]
pub(super) struct Maps(Vec<(Dense, Packed)>);

impl Maps {
    pub(super) fn new(head: &Attention, params: &[f32]) -> Self {
        let maps = match &head.form {
            Form::V1 { map } => vec![map],
            Form::V2 { left, right } => vec![left, right],
        };
        Self(maps.into_iter().map(|map| (map.clone(), map.packed(params))).collect())
    }

    /// The nodes by each map; where there is only one, there is nothing for the other.
    pub(super) fn apply(&self, params: &[f32], nodes: &[f32]) -> [Vec<f32>; 2] {
        let mut maps = self.0.iter().map(|(map, packed)| {
            let mut mapped = vec![0.0; nodes.len() / map.n_in * map.n_out];
            map.apply(params, packed, nodes, &mut mapped);
            mapped
        });
        [maps.next().unwrap_or_default(), maps.next().unwrap_or_default()]
    }
}

impl Attention {
    pub(crate) fn new(layout: &mut Layout, name: &str, size: Size, is_v2: bool, alpha: f32) -> Self {
        let Size { n_nodes, n_values, n_embed } = size;
        let (weight, bias) = (format!("{name}.lin.weight"), format!("{name}.lin.bias"));
        let n_a = 2 * n_embed;
        // Xavier's, with the gain of the reference.
        let a = layout.add(format!("{name}.a"), &[n_a, 1], 1.414 * (6.0 / (n_a + 1) as f32).sqrt());
        let pairs = layout.add(format!("{name}.bias"), &[n_nodes, n_nodes], 0.0);
        let (form, n_embed) = if is_v2 {
            let map = Dense::new(layout, &weight, &bias, 2 * n_values, n_a);
            let (left, right) = map.split(n_values);
            (Form::V2 { left, right }, n_a)
        } else {
            (Form::V1 { map: Dense::new(layout, &weight, &bias, n_values, n_embed) }, n_embed)
        };
        Self { form, a, bias: pairs, n_nodes, n_values, n_embed, alpha }
    }

    /// Looks at the nodes of many windows, one window after the other; `dropout` is how likely a share is left out.
    pub(crate) fn forward(
        &self,
        params: &[f32],
        nodes: &[f32],
        dropout: Option<(f32, &mut Random)>,
    ) -> Trace {
        let (left, right) = match &self.form {
            Form::V1 { map } => (map.map(params, nodes), Buffer::any(0)),
            Form::V2 { left, right } => (left.map(params, nodes), right.map(params, nodes)),
        };
        let (n, d) = (self.n_nodes, self.n_values);
        let n_windows = nodes.len() / (n * d);
        let mut shares = Buffer::any(n_windows * n * n);
        for (window, shares) in shares.chunks_exact_mut(n * n).enumerate() {
            self.weigh(params, self.of(&left, window), self.of(&right, window), shares);
        }
        let mask = dropout.map(|(p, random)| mask(shares.len(), p, random)).unwrap_or_default();
        let dropped = masked(&shares, &mask);
        let mut seen = Buffer::any(nodes.len());
        let pairs = dropped.chunks_exact(n * n).zip(nodes.chunks_exact(n * d));
        for ((shares, nodes), seen) in pairs.zip(seen.chunks_exact_mut(n * d)) {
            multiply(View::new(shares, n, n), View::new(nodes, n, d), 0.0, seen);
        }
        sigmoids(&mut seen);
        Trace { left, right, shares, mask, nodes: seen }
    }

    /// Adds the gradients of the parameters to `grads` and those of the nodes to `node_grads`, given those of the result.
    pub(crate) fn backward(
        &self,
        (params, grads): (&[f32], &mut [f32]),
        nodes: &[f32],
        trace: &Trace,
        result: &[f32],
        node_grads: &mut [f32],
    ) {
        let (n, d) = (self.n_nodes, self.n_values);
        let mut inner = Buffer::any(result.len());
        for (inner, (dy, y)) in inner.iter_mut().zip(result.iter().zip(trace.nodes.iter())) {
            *inner = dy * y * (1.0 - y);
        }
        let dropped = masked(&trace.shares, &trace.mask);
        let mut weights = Buffer::any(trace.shares.len());
        for (window, weights) in weights.chunks_exact_mut(n * n).enumerate() {
            let block = |all: &'_ [f32], len: usize| window * len..((window + 1) * len).min(all.len());
            let inner = View::new(inner.get(block(&inner, n * d)).unwrap_or_default(), n, d);
            let nodes_here = View::new(nodes.get(block(nodes, n * d)).unwrap_or_default(), n, d);
            multiply(inner, nodes_here.transposed(), 0.0, weights);
            let shares = View::new(dropped.get(block(&dropped, n * n)).unwrap_or_default(), n, n);
            let range = block(node_grads, n * d);
            multiply(shares.transposed(), inner, 1.0, node_grads.get_mut(range).unwrap_or_default());
        }
        if !trace.mask.is_empty() {
            weights.iter_mut().zip(&trace.mask).for_each(|(weight, mask)| *weight *= mask);
        }
        for (weights, shares) in weights.chunks_exact_mut(n).zip(trace.shares.chunks_exact(n)) {
            let mean = dot(weights, shares);
            weights.iter_mut().zip(shares).for_each(|(weight, share)| *weight = share * (*weight - mean));
        }
        add_columns(self.bias.of_mut(grads), &weights);
        self.unmap((params, grads), nodes, trace, &weights, node_grads);
    }

    fn of<'a>(&self, mapped: &'a [f32], window: usize) -> &'a [f32] {
        let len = self.n_nodes * self.n_embed;
        mapped.get(window * len..(window + 1) * len).unwrap_or_default()
    }

    /// The shares of one window, given its mapped nodes.
    pub(super) fn weigh(&self, params: &[f32], left: &[f32], right: &[f32], shares: &mut [f32]) {
        let (e, a) = (self.n_embed, self.a.of(params));
        let bias = self.bias.of(params).chunks_exact(self.n_nodes);
        match &self.form {
            Form::V2 { .. } => {
                weights_of_pairs(a, left, right, self.alpha, shares);
                for (shares, bias) in shares.chunks_exact_mut(self.n_nodes).zip(bias) {
                    shares.iter_mut().zip(bias).for_each(|(share, bias)| *share += bias);
                    softmax(shares);
                }
            }
            Form::V1 { .. } => {
                let (a_one, a_other) = a.split_at(e);
                let others: Vec<f32> = left.chunks_exact(e).map(|other| dot(a_other, other)).collect();
                let rows = shares.chunks_exact_mut(self.n_nodes).zip(bias).zip(left.chunks_exact(e));
                for ((shares, bias), one) in rows {
                    let one = dot(a_one, one);
                    for ((share, bias), other) in shares.iter_mut().zip(bias).zip(&others) {
                        *share = leaky(one + other, self.alpha) + bias;
                    }
                    softmax(shares);
                }
            }
        }
    }

    /// From the gradients of the weights of pairs to those of the map, of `a` and of the nodes.
    fn unmap(
        &self,
        (params, grads): (&[f32], &mut [f32]),
        nodes: &[f32],
        trace: &Trace,
        weights: &[f32],
        node_grads: &mut [f32],
    ) {
        let mut left_grads = Buffer::zeros(trace.left.len());
        let mut right_grads = Buffer::zeros(trace.right.len());
        let mut a_grads = vec![0.0; self.a.of(params).len()];
        let len = self.n_nodes * self.n_embed;
        let lefts = left_grads.chunks_exact_mut(len);
        let windows = weights.chunks_exact(self.n_nodes * self.n_nodes).zip(lefts).enumerate();
        match &self.form {
            Form::V2 { left, right } => {
                for ((window, (weights, left)), right) in windows.zip(right_grads.chunks_exact_mut(len)) {
                    let mapped = (self.of(&trace.left, window), self.of(&trace.right, window));
                    grads_of_pairs(weights, self.alpha, mapped, left, right, &mut a_grads);
                }
                let a = self.a.of(params);
                for rows in [&mut left_grads, &mut right_grads] {
                    for row in rows.chunks_exact_mut(self.n_embed) {
                        row.iter_mut().zip(a).for_each(|(value, a)| *value *= a);
                    }
                }
                for (map, map_grads) in [(left, &left_grads), (right, &right_grads)] {
                    map.learn(grads, nodes, map_grads);
                    map.back(params, map_grads, node_grads);
                }
            }
            Form::V1 { map } => {
                for (window, (weights, left)) in windows {
                    self.unweigh_v1(params, weights, self.of(&trace.left, window), left, &mut a_grads);
                }
                map.learn(grads, nodes, &left_grads);
                map.back(params, &left_grads, node_grads);
            }
        }
        self.a.of_mut(grads).iter_mut().zip(&a_grads).for_each(|(sum, gradient)| *sum += gradient);
    }

    fn unweigh_v1(
        &self,
        params: &[f32],
        weights: &[f32],
        mapped: &[f32],
        mapped_grads: &mut [f32],
        a_grads: &mut [f32],
    ) {
        let (n, e) = (self.n_nodes, self.n_embed);
        let (a_one, a_other) = self.a.of(params).split_at(e);
        let (da_one, da_other) = a_grads.split_at_mut(e);
        let ones: Vec<f32> = mapped.chunks_exact(e).map(|node| dot(a_one, node)).collect();
        let others: Vec<f32> = mapped.chunks_exact(e).map(|node| dot(a_other, node)).collect();
        let (mut one_grads, mut other_grads) = (vec![0.0; n], vec![0.0; n]);
        for ((weights, one), one_grad) in weights.chunks_exact(n).zip(&ones).zip(&mut one_grads) {
            for ((weight, other), other_grad) in weights.iter().zip(&others).zip(&mut other_grads) {
                let gradient = weight * slope(one + other, self.alpha);
                *one_grad += gradient;
                *other_grad += gradient;
            }
        }
        let nodes = mapped.chunks_exact(e).zip(mapped_grads.chunks_exact_mut(e));
        for ((node, node_grads), (one, other)) in nodes.zip(one_grads.iter().zip(&other_grads)) {
            for i in 0..e {
                da_one[i] += one * node[i];
                da_other[i] += other * node[i];
                node_grads[i] += one * a_one[i] + other * a_other[i];
            }
        }
    }
}

fn leaky(x: f32, alpha: f32) -> f32 {
    if x > 0.0 { x } else { alpha * x }
}

fn slope(x: f32, alpha: f32) -> f32 {
    if x > 0.0 { 1.0 } else { alpha }
}

/// 0 with probability `p`, else what keeps the mean.
pub(crate) fn mask(n: usize, p: f32, random: &mut Random) -> Vec<f32> {
    let kept = 1.0 / (1.0 - p);
    (0..n).map(|_| if random.unit() < p { 0.0 } else { kept }).collect()
}

/// The numbers times the mask; as they are, if that is empty.
pub(crate) fn masked<'a>(numbers: &'a [f32], mask: &[f32]) -> std::borrow::Cow<'a, [f32]> {
    if mask.is_empty() {
        return numbers.into();
    }
    numbers.iter().zip(mask).map(|(number, mask)| number * mask).collect::<Vec<f32>>().into()
}
