//! The weights of all pairs of nodes in GATv2: nearly all of attention's work.

use crate::product::dot;
use crate::wide::{add_product, wide};

/// Pairs that are weighed at once, with as many sums in registers: of some rows on the left with some on the right.
const ROWS: usize = 4;
const COLUMNS: usize = 16;

/// `a · leaky(one + other)` for all pairs of rows of `left` and `right`, row by row.
///
/// `leaky(x)` is `alpha x + (1 - alpha) max(x, 0)`: the first part is a sum over nodes, not pairs, so only the cut at 0 is left for each
/// pair. The inner loop goes over pairs, not along the sum, so that the compiler works on several at once; so `right` is turned.
pub(super) fn weights_of_pairs(a: &[f32], left: &[f32], right: &[f32], alpha: f32, weights: &mut [f32]) {
    let (e, n) = (a.len(), right.len() / a.len());
    let cut: Vec<f32> = a.iter().map(|a| (1.0 - alpha) * a).collect();
    let of_others: Vec<f32> = right.chunks_exact(e).map(|row| alpha * dot(a, row)).collect();
    let others = turned_in_blocks(right, e);
    for (weights, left) in weights.chunks_mut(ROWS * n).zip(left.chunks(ROWS * e)) {
        weights_of_rows(&cut, left, &others, weights, n);
        for (weights, one) in weights.chunks_exact_mut(n).zip(left.chunks_exact(e)) {
            let of_one = alpha * dot(a, one);
            weights.iter_mut().zip(&of_others).for_each(|(weight, other)| *weight += of_one + other);
        }
    }
}

/// Rows of `e` numbers as columns, in blocks of [`COLUMNS`]; the last block is filled up with zeros.
fn turned_in_blocks(rows: &[f32], e: usize) -> Vec<f32> {
    let mut turned = vec![0.0; (rows.len() / e).div_ceil(COLUMNS) * e * COLUMNS];
    for (block, rows) in turned.chunks_exact_mut(e * COLUMNS).zip(rows.chunks(e * COLUMNS)) {
        for (at, row) in rows.chunks_exact(e).enumerate() {
            block.iter_mut().skip(at).step_by(COLUMNS).zip(row).for_each(|(turned, value)| *turned = *value);
        }
    }
    turned
}

#[inline(always)]
fn add_cut<const FUSED: bool>(sums: &mut [f32; COLUMNS], cut: f32, one: f32, others: &[f32; COLUMNS]) {
    for i in 0..COLUMNS {
        let x = one + others[i];
        sums[i] = add_product::<FUSED>(sums[i], cut, if x > 0.0 { x } else { 0.0 });
    }
}

wide! {
    /// `cut · max(one + other, 0)` for up to [`ROWS`] rows with all others.
    fn weights_of_rows(cut: &[f32], rows: &[f32], others: &[f32], weights: &mut [f32], n: usize) {
        let e = cut.len();
        // Where fewer are left, the last one is weighed again, for nothing.
        let last = rows.len() / e - 1;
        let row = |at: usize| &rows[at.min(last) * e..][..e];
        let (r0, r1, r2, r3) = (row(0), row(1), row(2), row(3));
        let (others, _) = others.as_chunks::<COLUMNS>();
        for (at, others) in others.chunks_exact(e).enumerate() {
            let zeros = [0.0_f32; COLUMNS];
            let (mut s0, mut s1, mut s2, mut s3) = (zeros, zeros, zeros, zeros);
            // One after the other by hand, so that all sums stay in registers.
            for i in 0..e {
                add_cut::<FUSED>(&mut s0, cut[i], r0[i], &others[i]);
                add_cut::<FUSED>(&mut s1, cut[i], r1[i], &others[i]);
                add_cut::<FUSED>(&mut s2, cut[i], r2[i], &others[i]);
                add_cut::<FUSED>(&mut s3, cut[i], r3[i], &others[i]);
            }
            for (sums, weights) in [s0, s1, s2, s3].iter().zip(weights.chunks_exact_mut(n)) {
                for (weight, sum) in weights[at * COLUMNS..].iter_mut().zip(sums) {
                    *weight = *sum;
                }
            }
        }
    }
}

/// Adds to the gradients of `a`, and to those of both rows of each pair, which still lack the factor `a`.
pub(super) fn grads_of_pairs(
    weights: &[f32],
    alpha: f32,
    (left, right): (&[f32], &[f32]),
    left_grads: &mut [f32],
    right_grads: &mut [f32],
    a_grads: &mut [f32],
) {
    let e = a_grads.len();
    let rows =
        weights.chunks_exact(right.len() / e).zip(left.chunks_exact(e)).zip(left_grads.chunks_exact_mut(e));
    for ((weights, one), one_grads) in rows {
        grads_of_row((weights, alpha), one, right, one_grads, right_grads, a_grads);
    }
}

wide! {
    /// The same for one row with all others.
    fn grads_of_row(
        weights: (&[f32], f32),
        one: &[f32],
        others: &[f32],
        one_grads: &mut [f32],
        other_grads: &mut [f32],
        a_grads: &mut [f32],
    ) {
        let e = one.len();
        let (one_grads, a_grads) = (&mut one_grads[..e], &mut a_grads[..e]);
        let others = others.chunks_exact(e).zip(other_grads.chunks_exact_mut(e));
        for (weight, (other, other_grads)) in weights.0.iter().zip(others) {
            let low = weight * weights.1;
            for i in 0..e {
                let x = one[i] + other[i];
                let gradient = if x > 0.0 { *weight } else { low };
                one_grads[i] += gradient;
                other_grads[i] += gradient;
                a_grads[i] = add_product::<FUSED>(a_grads[i], gradient, x);
            }
        }
    }
}
