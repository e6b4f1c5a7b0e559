//! A matrix that many others are multiplied with, laid out once as the processor reads it.
//!
//! A recurrent layer multiplies with the same weights at every step. The library would lay them out anew each time, which takes a fifth of
//! the work where rows are few; beyond that, this is its method: a block of sums stays in registers, while a strip of the matrix stays in the cache.

use crate::product::View;
use crate::wide::{add_product, wide};

/// Columns of a strip, and rows of the other matrix that it is multiplied with at once: as many sums as there are registers for.
const COLUMNS: usize = 16;
const ROWS: usize = 6;

/// Strips that one row by itself is multiplied with at once.
const STRIPS: usize = 4;

/// Rows that are multiplied with all strips before the next ones, so that they stay in the cache.
const BLOCK: usize = 96;

/// The strips of a matrix, one after the other, each row by row. The last one is filled up with zeros.
#[derive(Debug, Clone)]
pub(crate) struct Packed {
    strips: Vec<f32>,
    n_rows: usize,
    n_columns: usize,
}

impl Packed {
    pub(crate) fn new(matrix: View<'_>) -> Self {
        let (n_rows, n_columns) = matrix.shape();
        let mut strips = vec![0.0; n_columns.div_ceil(COLUMNS) * n_rows * COLUMNS];
        for (at, strip) in strips.chunks_exact_mut((n_rows * COLUMNS).max(1)).enumerate() {
            for (row, numbers) in strip.as_chunks_mut::<COLUMNS>().0.iter_mut().enumerate() {
                let values = matrix.row_from(row, at * COLUMNS);
                numbers.iter_mut().zip(values).for_each(|(number, value)| *number = value);
            }
        }
        Self { strips, n_rows, n_columns }
    }

    /// `c = c + a b`, where this is `b`, and the rows of `a` and of `c` lie one after the other.
    pub(crate) fn add_product(&self, a: &[f32], c: &mut [f32]) {
        let (k, n) = (self.n_rows, self.n_columns);
        debug_assert!(a.len() * n == c.len() * k, "matrices of these shapes have no product");
        if k == 0 || n == 0 {
            return;
        }
        if a.len() <= 2 * k {
            a.chunks_exact(k).zip(c.chunks_exact_mut(n)).for_each(|(a, c)| row_times(a, &self.strips, c));
            return;
        }
        for (a, c) in a.chunks(BLOCK * k).zip(c.chunks_mut(BLOCK * n)) {
            for (at, strip) in self.strips.chunks_exact(k * COLUMNS).enumerate() {
                rows_times(a, strip, c, n, at * COLUMNS);
            }
        }
    }
}

#[inline(always)]
fn add<const FUSED: bool>(sums: &mut [f32; COLUMNS], x: f32, row: &[f32; COLUMNS]) {
    for i in 0..COLUMNS {
        sums[i] = add_product::<FUSED>(sums[i], x, row[i]);
    }
}

/// Adds sums to the columns that begin here, of which the last ones may not be there.
#[inline(always)]
fn put(c: &mut [f32], sums: &[f32; COLUMNS]) {
    if let Some(c) = c.first_chunk_mut::<COLUMNS>() {
        for i in 0..COLUMNS {
            c[i] += sums[i];
        }
    } else {
        for (c, sum) in c.iter_mut().zip(sums) {
            *c += sum;
        }
    }
}

wide! {
    /// All rows times one strip, to the columns of `c` from `first` on.
    fn rows_times(a: &[f32], strip: &[f32], c: &mut [f32], n: usize, first: usize) {
        let (strip, _) = strip.as_chunks::<COLUMNS>();
        let k = strip.len();
        for (a, c) in a.chunks(ROWS * k).zip(c.chunks_mut(ROWS * n)) {
            // Where fewer are left, the last one is multiplied again, for nothing.
            let last = a.len() / k - 1;
            let row = |at: usize| &a[at.min(last) * k..][..k];
            let (a0, a1, a2, a3, a4, a5) = (row(0), row(1), row(2), row(3), row(4), row(5));
            let zeros = [0.0_f32; COLUMNS];
            let (mut s0, mut s1, mut s2, mut s3, mut s4, mut s5) = (zeros, zeros, zeros, zeros, zeros, zeros);
            // One after the other by hand, so that all sums stay in registers.
            for at in 0..k {
                let b = &strip[at];
                add::<FUSED>(&mut s0, a0[at], b);
                add::<FUSED>(&mut s1, a1[at], b);
                add::<FUSED>(&mut s2, a2[at], b);
                add::<FUSED>(&mut s3, a3[at], b);
                add::<FUSED>(&mut s4, a4[at], b);
                add::<FUSED>(&mut s5, a5[at], b);
            }
            for (sums, c) in [s0, s1, s2, s3, s4, s5].iter().zip(c.chunks_exact_mut(n)) {
                put(&mut c[first..], sums);
            }
        }
    }
}

wide! {
    /// One row times all strips.
    fn row_times(a: &[f32], strips: &[f32], c: &mut [f32]) {
        let (rows, _) = strips.as_chunks::<COLUMNS>();
        let k = a.len();
        for (strips, c) in rows.chunks(STRIPS * k).zip(c.chunks_mut(STRIPS * COLUMNS)) {
            let last = strips.len() / k - 1;
            let strip = |at: usize| &strips[at.min(last) * k..][..k];
            let (b0, b1, b2, b3) = (strip(0), strip(1), strip(2), strip(3));
            let zeros = [0.0_f32; COLUMNS];
            let (mut s0, mut s1, mut s2, mut s3) = (zeros, zeros, zeros, zeros);
            for at in 0..k {
                let x = a[at];
                add::<FUSED>(&mut s0, x, &b0[at]);
                add::<FUSED>(&mut s1, x, &b1[at]);
                add::<FUSED>(&mut s2, x, &b2[at]);
                add::<FUSED>(&mut s3, x, &b3[at]);
            }
            for (sums, c) in [s0, s1, s2, s3].iter().zip(c.chunks_mut(COLUMNS)) {
                put(c, sums);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::multiply;
    use crate::random::Random;

    #[test]
    fn the_same_as_by_the_library() {
        let mut random = Random::new(3);
        for (m, k, n) in
            [(1, 5, 3), (2, 9, 70), (1, 3, 16), (3, 4, 16), (6, 7, 17), (13, 150, 45), (200, 8, 20)]
        {
            let mut numbers = |n: usize| (0..n).map(|_| random.unit() - 0.5).collect::<Vec<f32>>();
            let (a, b, c) = (numbers(m * k), numbers(k * n), numbers(m * n));
            let turned: Vec<f32> =
                (0..n).flat_map(|column| b.iter().skip(column).step_by(n).copied()).collect();
            let mut expected = c.clone();
            multiply(View::new(&a, m, k), View::new(&b, k, n), 1.0, &mut expected);
            for matrix in [View::new(&b, k, n), View::new(&turned, n, k).transposed()] {
                let mut found = c.clone();
                Packed::new(matrix).add_product(&a, &mut found);
                assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-5), "{m} {k} {n}");
            }
        }
        Packed::new(View::new(&[], 0, 3)).add_product(&[], &mut [0.0; 3]);
    }
}
