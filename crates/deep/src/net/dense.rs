//! Linear maps `y = W x + b` of many rows at once.

use super::layout::{Layout, Slot};
use crate::product::{View, multiply, multiply_few, multiply_few_along, multiply_strided};

/// Rows that are few: those of a stream.
const FEW: usize = 2;

/// A linear map; its weights may be some columns of a wider matrix.
#[derive(Debug, Clone)]
pub(crate) struct Dense {
    weight: Slot,
    bias: Option<Slot>,
    pub(crate) n_in: usize,
    pub(crate) n_out: usize,
    /// Columns of the matrix, and the first of them that is ours.
    stride: usize,
    first: usize,
}

impl Dense {
    /// With parameters named `weight` and `bias`, which begin as PyTorch's do.
    pub(crate) fn new(layout: &mut Layout, weight: &str, bias: &str, n_in: usize, n_out: usize) -> Self {
        Self::bounded(layout, (weight, bias), (n_in, n_out), 1.0 / (n_in as f32).sqrt())
    }

    /// With first values up to `bound`.
    pub(crate) fn bounded(
        layout: &mut Layout,
        (weight, bias): (&str, &str),
        (n_in, n_out): (usize, usize),
        bound: f32,
    ) -> Self {
        let weight = layout.add(weight, &[n_out, n_in], bound);
        let bias = Some(layout.add(bias, &[n_out], bound));
        Self { weight, bias, n_in, n_out, stride: n_in, first: 0 }
    }

    /// The map of the first half of the input, with the bias, and that of the second half, without.
    pub(crate) fn halves(&self) -> (Self, Self) {
        let n_in = self.n_in / 2;
        (Self { n_in, ..self.clone() }, Self { n_in, first: n_in, bias: None, ..self.clone() })
    }

    /// The weights, `n_out` × `n_in`.
    pub(crate) fn weights<'a>(&self, params: &'a [f32]) -> View<'a> {
        let weight = self.weight.of(params).get(self.first..).unwrap_or_default();
        View::strided(weight, self.n_out, self.n_in, self.stride)
    }

    pub(crate) fn weight(&self) -> Slot {
        self.weight
    }

    pub(crate) fn bias<'a>(&self, params: &'a [f32]) -> &'a [f32] {
        self.bias.map(|slot| slot.of(params)).unwrap_or_default()
    }

    pub(crate) fn bias_mut<'a>(&self, grads: &'a mut [f32]) -> &'a mut [f32] {
        self.bias.map(|slot| slot.of_mut(grads)).unwrap_or_default()
    }

    /// One row of `n_out` for each row of `n_in`.
    pub(crate) fn forward(&self, params: &[f32], x: &[f32]) -> Vec<f32> {
        let n_rows = x.len() / self.n_in;
        let mut y = vec![0.0; n_rows * self.n_out];
        if let Some(bias) = self.bias {
            y.chunks_exact_mut(self.n_out).for_each(|row| row.copy_from_slice(bias.of(params)));
        }
        if n_rows <= FEW {
            multiply_few(self.weights(params), x, &mut y);
        } else {
            multiply(View::new(x, n_rows, self.n_in), self.weights(params).transposed(), 1.0, &mut y);
        }
        y
    }

    /// The weights, rows as columns: what [`Dense::apply`] wants.
    pub(crate) fn turned(&self, params: &[f32]) -> Vec<f32> {
        let weight = self.weight.of(params).get(self.first..).unwrap_or_default();
        let columns =
            (0..self.n_in).flat_map(|at| weight.iter().skip(at).step_by(self.stride).take(self.n_out));
        columns.copied().collect()
    }

    /// The same as [`Dense::forward`], into `y`, with weights that were turned: worth it where they are used often.
    pub(crate) fn apply(&self, params: &[f32], turned: &[f32], x: &[f32], y: &mut [f32]) {
        let n_rows = x.len() / self.n_in;
        match self.bias {
            Some(bias) => y.chunks_exact_mut(self.n_out).for_each(|row| row.copy_from_slice(bias.of(params))),
            None => y.fill(0.0),
        }
        let turned = View::new(turned, self.n_in, self.n_out);
        if n_rows <= FEW {
            multiply_few_along(x, turned, y);
        } else {
            multiply(View::new(x, n_rows, self.n_in), turned, 1.0, y);
        }
    }

    /// Adds the gradients of the parameters, given those of the results.
    pub(crate) fn learn(&self, grads: &mut [f32], x: &[f32], dy: &[f32]) {
        let n_rows = x.len() / self.n_in;
        let (x, dy_view) = (View::new(x, n_rows, self.n_in), View::new(dy, n_rows, self.n_out));
        let weight = self.weight.of_mut(grads).get_mut(self.first..).unwrap_or_default();
        multiply_strided(dy_view.transposed(), x, 1.0, weight, self.stride);
        if let Some(bias) = self.bias {
            add_columns(bias.of_mut(grads), dy);
        }
    }

    /// The gradients of the inputs, added to `dx`.
    pub(crate) fn back(&self, params: &[f32], dy: &[f32], dx: &mut [f32]) {
        multiply(View::new(dy, dy.len() / self.n_out, self.n_out), self.weights(params), 1.0, dx);
    }
}

/// Adds the sum of each column of `rows` to `sums`.
pub(crate) fn add_columns(sums: &mut [f32], rows: &[f32]) {
    for row in rows.chunks_exact(sums.len()) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
}
