//! Products of matrices, by the crate `matrixmultiply`: and sums of products.

use crate::wide::wide;

/// A matrix that is read: `n_rows` × `n_columns` numbers, at given strides of a slice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    data: &'a [f32],
    n_rows: usize,
    n_columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> View<'a> {
    /// Row by row without space between.
    pub(crate) fn new(data: &'a [f32], n_rows: usize, n_columns: usize) -> Self {
        Self::strided(data, n_rows, n_columns, n_columns)
    }

    /// Row by row, rows beginning `row_stride` numbers apart.
    ///
    /// # Panics
    /// If the slice is shorter than that.
    pub(crate) fn strided(data: &'a [f32], n_rows: usize, n_columns: usize, row_stride: usize) -> Self {
        assert!(reach(n_rows, n_columns, row_stride) <= data.len(), "the matrix is larger than its slice");
        Self { data, n_rows, n_columns, row_stride, column_stride: 1 }
    }

    /// Rows as columns; nothing is copied.
    pub(crate) fn transposed(self) -> Self {
        Self {
            n_rows: self.n_columns,
            n_columns: self.n_rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// How many numbers of a slice such a matrix reaches over.
fn reach(n_rows: usize, n_columns: usize, row_stride: usize) -> usize {
    if n_rows == 0 || n_columns == 0 { 0 } else { (n_rows - 1) * row_stride + n_columns }
}

/// `c = keep * c + a b`, where `c` has rows `stride` numbers apart. `keep` 0 forgets what `c` was, NaN too.
///
/// # Panics
/// If the shapes do not fit.
pub(crate) fn multiply_strided(a: View<'_>, b: View<'_>, keep: f32, c: &mut [f32], stride: usize) {
    let (m, k, n) = (a.n_rows, a.n_columns, b.n_columns);
    assert!(k == b.n_rows && stride >= n, "matrices of these shapes have no product");
    assert!(reach(m, n, stride) <= c.len(), "the product is larger than its slice");
    if m == 0 || n == 0 {
        return;
    }
    // Strides of slices fit: a slice has at most `isize::MAX` bytes.
    #[expect(clippy::cast_possible_wrap, reason = "a stride is at most the length of a slice")]
    let signed = |stride: usize| stride as isize;
    #[expect(
        unsafe_code,
        reason = "the kernel takes pointers; `View` and the checks above say that they are in bounds"
    )]
    // SAFETY: `a` and `b` were checked when they were made, and `transposed` only swaps their strides; `c` was checked
    // above, and is borrowed alone, so nothing else reads or writes it.
    unsafe {
        matrixmultiply::sgemm(
            m,
            k,
            n,
            1.0,
            a.data.as_ptr(),
            signed(a.row_stride),
            signed(a.column_stride),
            b.data.as_ptr(),
            signed(b.row_stride),
            signed(b.column_stride),
            keep,
            c.as_mut_ptr(),
            signed(stride),
            1,
        );
    }
}

/// `c = keep * c + a b`, row by row without space between.
pub(crate) fn multiply(a: View<'_>, b: View<'_>, keep: f32, c: &mut [f32]) {
    let stride = b.n_columns;
    multiply_strided(a, b, keep, c, stride);
}

/// The sum of products of two slices.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    wide(|| sum_of(a, b, |a, b| a * b))
}

/// The squared distance of two points.
pub(crate) fn distance2(a: &[f32], b: &[f32]) -> f32 {
    wide(|| sum_of(a, b, |a, b| (a - b) * (a - b)))
}

/// Products of each row of a matrix with each of a few rows, where packing the matrix for the library would cost more than using it.
pub(crate) fn multiply_few(rows: View<'_>, few: &[f32], products: &mut [f32]) {
    let results = few.chunks_exact(rows.n_columns).zip(products.chunks_exact_mut(rows.n_rows));
    for (one, products) in results {
        for (at, product) in products.iter_mut().enumerate() {
            let row = rows.data.get(at * rows.row_stride..).unwrap_or_default();
            *product += dot(row.get(..rows.n_columns).unwrap_or_default(), one);
        }
    }
}

/// Adds to each row of `products` the product of one of `few` rows with a matrix of as many rows as that has numbers: along the rows
/// of the matrix, so that nothing is added up across a register, and sums stay in registers.
pub(crate) fn multiply_few_along(few: &[f32], matrix: View<'_>, products: &mut [f32]) {
    let results = few.chunks_exact(matrix.n_rows).zip(products.chunks_exact_mut(matrix.n_columns));
    for (one, products) in results {
        wide(|| sum_of_rows(one, matrix.data, matrix.row_stride, products));
    }
}

/// Numbers of a product that are summed at once.
const BLOCK: usize = 64;

#[inline(always)]
fn sum_of_rows(factors: &[f32], matrix: &[f32], stride: usize, sums: &mut [f32]) {
    let (blocks, rest) = sums.as_chunks_mut::<BLOCK>();
    let n_blocks = blocks.len();
    for (at, block) in blocks.iter_mut().enumerate() {
        let mut sum = *block;
        for (factor, row) in factors.iter().zip(matrix.chunks(stride)) {
            if let Some(row) = row.get(at * BLOCK..).and_then(|row| row.first_chunk::<BLOCK>()) {
                for i in 0..BLOCK {
                    sum[i] += factor * row[i];
                }
            }
        }
        *block = sum;
    }
    for (factor, row) in factors.iter().zip(matrix.chunks(stride)) {
        let row = row.iter().skip(n_blocks * BLOCK);
        rest.iter_mut().zip(row).for_each(|(sum, value)| *sum += factor * value);
    }
}

/// Sums side by side, in a loop over indices, which is compiled for wide registers: the compiler may not reorder a single one, and so would add up one number at a time.
const LANES: usize = 32;

#[inline(always)]
fn sum_of(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for i in 0..LANES {
            sums[i] += term(a[i], b[i]);
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| term(*a, *b)).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products() {
        let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let b = [1.0, 0.0, 2.0, 1.0, 0.0, 3.0];
        let mut c = [f32::NAN; 4];
        multiply(View::new(&a, 2, 3), View::new(&b, 3, 2), 0.0, &mut c);
        assert_eq!(c, [5.0, 11.0, 14.0, 23.0]);
        multiply(View::new(&a, 2, 3), View::new(&a, 2, 3).transposed(), 1.0, &mut c);
        assert_eq!(c, [19.0, 43.0, 46.0, 100.0]);
        let mut wide = [0.0; 6];
        multiply_strided(View::strided(&a, 2, 1, 3), View::new(&b, 1, 2), 0.0, &mut wide, 3);
        assert_eq!(wide, [1.0, 0.0, 0.0, 4.0, 0.0, 0.0]);
    }

    #[test]
    fn sums() {
        for n in [0_u8, 1, 19, 32, 77] {
            let a: Vec<f32> = (0..n).map(f32::from).collect();
            let sum = |power: i32| (0..n).map(|i| f32::from(i).powi(power)).sum::<f32>();
            assert_eq!(dot(&a, &a), sum(2));
            assert_eq!(distance2(&a, &vec![1.0; a.len()]), sum(2) - 2.0 * sum(1) + f32::from(n));
        }
        let mut few = [1.0; 4];
        multiply_few(View::new(&[1.0, 2.0, 3.0, 4.0], 2, 2), &[1.0, 0.0, 1.0, 1.0], &mut few);
        assert_eq!(few, [2.0, 4.0, 4.0, 8.0]);
        // As with single sums, also where there is a whole block and a rest.
        let number = |at: usize| (at * 7_919 % 101) as f32 - 50.0;
        let (rows, few): (Vec<f32>, Vec<f32>) =
            ((0..3 * 70).map(number).collect(), (0..6).map(number).collect());
        let mut along = vec![1.0; 140];
        multiply_few_along(&few, View::new(&rows, 3, 70), &mut along);
        for (at, found) in along.iter().enumerate() {
            let (row, column) = (at / 70, at % 70);
            let expected: f32 = (0..3).map(|i| few[3 * row + i] * rows[70 * i + column]).sum();
            assert_eq!(*found, 1.0 + expected);
        }
    }

    #[test]
    #[should_panic(expected = "larger than its slice")]
    fn a_matrix_that_its_slice_does_not_hold() {
        View::new(&[0.0; 5], 2, 3);
    }
}
