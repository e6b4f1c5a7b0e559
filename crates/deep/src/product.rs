//! Products of matrices, by the crate `matrixmultiply`: and sums of products.

use crate::wide::{add_product, wide};

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

    /// Rows and columns.
    pub(crate) const fn shape(self) -> (usize, usize) {
        (self.n_rows, self.n_columns)
    }

    /// The numbers of a row from a column on.
    pub(crate) fn row_from(self, row: usize, column: usize) -> impl Iterator<Item = f32> + 'a {
        let first = row * self.row_stride + column * self.column_stride;
        let n = self.n_columns.saturating_sub(column);
        self.data.iter().skip(first).step_by(self.column_stride.max(1)).take(n).copied()
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

wide! {
    /// The sum of products of two slices.
    pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
        let mut sums = [0.0_f32; LANES];
        let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
        for (a, b) in a.iter().zip(b) {
            for i in 0..LANES {
                sums[i] = add_product::<FUSED>(sums[i], a[i], b[i]);
            }
        }
        a_rest.iter().zip(b_rest).fold(sums.iter().sum(), |sum, (a, b)| sum + a * b)
    }
}

wide! {
    /// The squared distance of two points.
    pub(crate) fn distance2(a: &[f32], b: &[f32]) -> f32 {
        let mut sums = [0.0_f32; LANES];
        let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
        for (a, b) in a.iter().zip(b) {
            for i in 0..LANES {
                sums[i] = add_product::<FUSED>(sums[i], a[i] - b[i], a[i] - b[i]);
            }
        }
        a_rest.iter().zip(b_rest).fold(sums.iter().sum(), |sum, (a, b)| sum + (a - b) * (a - b))
    }
}

wide! {
    /// Adds a multiple of one row to another.
    pub(crate) fn add_multiple(sums: &mut [f32], factor: f32, row: &[f32]) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum = add_product::<FUSED>(*sum, factor, *value);
        }
    }
}

/// Sums side by side, in a loop over indices, which is compiled for wide registers: the compiler may not reorder a single one, and so would add up one number at a time.
const LANES: usize = 32;

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
        let mut sums = [1.0, 2.0];
        add_multiple(&mut sums, 2.0, &[3.0, 4.0]);
        assert_eq!(sums, [7.0, 10.0]);
    }

    #[test]
    #[should_panic(expected = "larger than its slice")]
    fn a_matrix_that_its_slice_does_not_hold() {
        View::new(&[0.0; 5], 2, 3);
    }
}
