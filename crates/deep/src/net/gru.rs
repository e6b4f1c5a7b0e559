//! A layer of gated recurrent units, over many windows at once.

use super::buffer::Buffer;
use super::curves::{sigmoid, tanh};
use super::dense::Dense;
use super::layout::Layout;
use crate::packed::Packed;
use crate::wide::{add_product, wide};

/// Gates r and z, and the candidate n, in PyTorch's order:
///
/// ```text
/// r = sigmoid(W_ir x + b_ir + W_hr h + b_hr)          z likewise
/// n = tanh(W_in x + b_in + r (W_hn h + b_hn))         h' = (1 - z) n + z h
/// ```
#[derive(Debug, Clone)]
pub(crate) struct Gru {
    /// From the input to the three gates.
    pub(crate) input: Dense,
    hidden: Dense,
    n: usize,
}

/// What drives the gates at each step, a row for each window: the input mapped to them. Steps come in order.
pub(crate) trait Drive {
    fn at(&mut self, step: usize) -> &[f32];
}

/// What a pass leaves behind. All rows are by step, then by window.
pub(crate) struct Trace {
    /// The state before each step, and after the last.
    states: Buffer,
    /// r, z, n and `W_hn h + b_hn` of each step.
    gates: Buffer,
    n_steps: usize,
}

impl Gru {
    /// Layer `index` of the network named `name`; the state has `n` numbers.
    pub(crate) fn new(layout: &mut Layout, name: &str, index: usize, n_in: usize, n: usize) -> Self {
        let bound = 1.0 / (n as f32).sqrt();
        let mut dense = |which: &str, n_in| {
            let (weight, bias) =
                (format!("{name}.weight_{which}_l{index}"), format!("{name}.bias_{which}_l{index}"));
            Dense::bounded(layout, (&weight, &bias), (n_in, 3 * n), bound)
        };
        Self { input: dense("ih", n_in), hidden: dense("hh", n), n }
    }

    /// Runs over `n_steps` steps from `driven`, the input mapped to the three gates.
    pub(crate) fn forward(&self, params: &[f32], driven: &[f32], n_steps: usize) -> Trace {
        let n = self.n;
        let n_windows = driven.len() / (3 * n * n_steps).max(1);
        let mut states = Buffer::any((n_steps + 1) * n_windows * n);
        part_mut(&mut states, 0, n_windows * n).fill(0.0);
        let mut gates = Buffer::any(n_steps * n_windows * 4 * n);
        let (weights, mut recurrent) = (self.hidden.packed(params), vec![0.0; 3 * n_windows * n]);
        for step in 0..n_steps {
            let (before, after) = states.split_at_mut((step + 1) * n_windows * n);
            let before = before.get(step * n_windows * n..).unwrap_or_default();
            self.hidden.apply(params, &weights, before, &mut recurrent);
            let driven = part(driven, step, n_windows * 3 * n).chunks_exact(3 * n);
            let gates = part_mut(&mut gates, step, n_windows * 4 * n).chunks_exact_mut(4 * n);
            let states = before.chunks_exact(n).zip(after.chunks_exact_mut(n));
            for (((gates, driven), recurrent), (before, after)) in
                gates.zip(driven).zip(recurrent.chunks_exact(3 * n)).zip(states)
            {
                advance(gates, driven, recurrent, before, after);
            }
        }
        Trace { states, gates, n_steps }
    }

    /// The states after the last step, from states of 0: a pass that leaves nothing behind. `packed` are the weights of the states
    /// ([`Gru::packed`]).
    pub(crate) fn last(
        &self,
        params: &[f32],
        packed: &Packed,
        (n_windows, n_steps): (usize, usize),
        drive: &mut dyn Drive,
    ) -> Vec<f32> {
        let n = self.n;
        let mut states = vec![0.0; n_windows * n];
        let mut recurrent = vec![0.0; 3 * states.len()];
        for step in 0..n_steps {
            self.hidden.apply(params, packed, &states, &mut recurrent);
            let rows = drive.at(step).chunks_exact(3 * n).zip(recurrent.chunks_exact(3 * n));
            for ((driven, recurrent), state) in rows.zip(states.chunks_exact_mut(n)) {
                step_on(driven, recurrent, state);
            }
        }
        states
    }

    /// The weights of the states, laid out for [`Gru::last`].
    pub(crate) fn packed(&self, params: &[f32]) -> Packed {
        self.hidden.packed(params)
    }

    /// The gradients of what drove the gates, given those of the state after each step (`None`: only the last one has any).
    ///
    /// Those of the parameters within the layer are added to `grads`.
    pub(crate) fn backward(
        &self,
        params: &[f32],
        grads: &mut [f32],
        trace: &Trace,
        outputs: Outputs<'_>,
    ) -> Buffer {
        let n = self.n;
        let n_windows = trace.states.len() / (n * (trace.n_steps + 1));
        let rows = n_windows * n;
        let mut driven = Buffer::any(trace.n_steps * rows * 3);
        let mut recurrent = Buffer::any(trace.n_steps * rows * 3);
        let (weights, mut state) = (self.hidden.packed_back(params), vec![0.0; rows]);
        for step in (0..trace.n_steps).rev() {
            outputs.add(step, trace.n_steps, &mut state);
            let gates = part(&trace.gates, step, rows * 4).chunks_exact(4 * n);
            let before = part(&trace.states, step, rows).chunks_exact(n);
            let driven = part_mut(&mut driven, step, rows * 3).chunks_exact_mut(3 * n);
            let recurrent_rows = part_mut(&mut recurrent, step, rows * 3).chunks_exact_mut(3 * n);
            for ((((gates, before), driven), recurrent), state) in
                gates.zip(before).zip(driven).zip(recurrent_rows).zip(state.chunks_exact_mut(n))
            {
                retreat(gates, before, state, driven, recurrent);
            }
            weights.add_product(part(&recurrent, step, rows * 3), &mut state);
        }
        let before = trace.states.get(..trace.n_steps * rows).unwrap_or_default();
        self.hidden.learn(grads, before, &recurrent);
        driven
    }
}

/// Gradients of the states of a layer.
#[derive(Clone, Copy)]
pub(crate) enum Outputs<'a> {
    /// Of the state after each step.
    All(&'a [f32]),
    /// Of the last one.
    Last(&'a [f32]),
}

impl Outputs<'_> {
    fn add(self, step: usize, n_steps: usize, state: &mut [f32]) {
        let here = match self {
            Outputs::All(all) => part(all, step, state.len()),
            Outputs::Last(last) if step + 1 == n_steps => last,
            Outputs::Last(_) => return,
        };
        state.iter_mut().zip(here).for_each(|(state, here)| *state += here);
    }
}

impl Trace {
    /// The state after each step.
    pub(crate) fn outputs(&self) -> &[f32] {
        let n = self.states.len() / (self.n_steps + 1);
        self.states.get(n..).unwrap_or_default()
    }

    /// The state after the last step.
    pub(crate) fn last(&self) -> &[f32] {
        part(&self.states, self.n_steps, self.states.len() / (self.n_steps + 1))
    }
}

wide! {
    /// One window's step.
    fn advance(gates: &mut [f32], driven: &[f32], recurrent: &[f32], before: &[f32], after: &mut [f32]) {
        let n = before.len();
        let ([r, z, candidate, inner], [dr, dz, dn], [hr, hz, hn]) =
            (four_mut(gates, n), three(driven, n), three(recurrent, n));
        let after = &mut after[..n];
        for i in 0..n {
            r[i] = sigmoid::<FUSED>(dr[i] + hr[i]);
            z[i] = sigmoid::<FUSED>(dz[i] + hz[i]);
            inner[i] = hn[i];
            candidate[i] = tanh::<FUSED>(add_product::<FUSED>(dn[i], r[i], hn[i]));
            after[i] = add_product::<FUSED>(candidate[i], z[i], before[i] - candidate[i]);
        }
    }
}

wide! {
    /// One window's step, in place.
    fn step_on(driven: &[f32], recurrent: &[f32], state: &mut [f32]) {
        let n = state.len();
        let ([dr, dz, dn], [hr, hz, hn]) = (three(driven, n), three(recurrent, n));
        for i in 0..n {
            let (r, z) = (sigmoid::<FUSED>(dr[i] + hr[i]), sigmoid::<FUSED>(dz[i] + hz[i]));
            let candidate = tanh::<FUSED>(add_product::<FUSED>(dn[i], r, hn[i]));
            state[i] = add_product::<FUSED>(candidate, z, state[i] - candidate);
        }
    }
}

wide! {
    /// One window's step back: `state` holds the gradient of the state after it, and then of that before it, as far as it does not go
    /// through the gates.
    fn retreat(gates: &[f32], before: &[f32], state: &mut [f32], driven: &mut [f32], recurrent: &mut [f32]) {
        let n = before.len();
        let [r, z, candidate, inner] = four(gates, n);
        let ([dr, dz, dn], [hr, hz, hn]) = (three_mut(driven, n), three_mut(recurrent, n));
        let state = &mut state[..n];
        for i in 0..n {
            let gradient = state[i];
            let d_candidate = gradient * (1.0 - z[i]) * (1.0 - candidate[i] * candidate[i]);
            let d_z = gradient * (before[i] - candidate[i]) * z[i] * (1.0 - z[i]);
            let d_r = d_candidate * inner[i] * r[i] * (1.0 - r[i]);
            (dr[i], dz[i], dn[i]) = (d_r, d_z, d_candidate);
            (hr[i], hz[i]) = (d_r, d_z);
            hn[i] = d_candidate * r[i];
            state[i] = gradient * z[i];
        }
    }
}

fn part(rows: &[f32], index: usize, len: usize) -> &[f32] {
    rows.get(index * len..(index + 1) * len).unwrap_or_default()
}

fn part_mut(rows: &mut [f32], index: usize, len: usize) -> &mut [f32] {
    rows.get_mut(index * len..(index + 1) * len).unwrap_or_default()
}

#[inline(always)]
fn three(row: &[f32], n: usize) -> [&[f32]; 3] {
    let (a, rest) = row.split_at(n);
    let (b, c) = rest.split_at(n);
    [a, b, &c[..n]]
}

#[inline(always)]
fn four(row: &[f32], n: usize) -> [&[f32]; 4] {
    let (a, rest) = row.split_at(n);
    let [b, c, d] = three(rest, n);
    [a, b, c, d]
}

#[inline(always)]
fn three_mut(row: &mut [f32], n: usize) -> [&mut [f32]; 3] {
    let (a, rest) = row.split_at_mut(n);
    let (b, c) = rest.split_at_mut(n);
    [a, b, &mut c[..n]]
}

#[inline(always)]
fn four_mut(row: &mut [f32], n: usize) -> [&mut [f32]; 4] {
    let (a, rest) = row.split_at_mut(n);
    let [b, c, d] = three_mut(rest, n);
    [a, b, c, d]
}
