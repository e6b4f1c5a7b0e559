//! Linear maps `y = W x + b` of many rows at once.

use super::buffer::Buffer;
use super::layout::{Layout, Slot};
use crate::packed::Packed;
use crate::product::{View, dot, multiply_strided};

/// Rows that are fewer do not repay that the weights are laid out for them.
const FEW: usize = 3;

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

    /// The map of the first `n_in` numbers of the input, with the bias, and that of the others, without.
    pub(crate) fn split(&self, n_in: usize) -> (Self, Self) {
        let rest = Self { n_in: self.n_in - n_in, first: self.first + n_in, bias: None, ..self.clone() };
        (Self { n_in, ..self.clone() }, rest)
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
        let mut y = vec![0.0; x.len() / self.n_in * self.n_out];
        if x.len() / self.n_in >= FEW {
            self.apply(params, &self.packed(params), x, &mut y);
            return y;
        }
        self.begin(params, &mut y);
        let weight = self.weight.of(params).get(self.first..).unwrap_or_default();
        for (x, y) in x.chunks_exact(self.n_in).zip(y.chunks_exact_mut(self.n_out)) {
            for (y, weights) in y.iter_mut().zip(weight.chunks(self.stride)) {
                *y += dot(x, weights.get(..self.n_in).unwrap_or_default());
            }
        }
        y
    }

    /// The same as [`Dense::forward`], of many rows.
    pub(crate) fn map(&self, params: &[f32], x: &[f32]) -> Buffer {
        let mut y = Buffer::any(x.len() / self.n_in * self.n_out);
        self.apply(params, &self.packed(params), x, &mut y);
        y
    }

    /// The weights as [`Dense::apply`] wants them.
    pub(crate) fn packed(&self, params: &[f32]) -> Packed {
        Packed::new(self.weights(params).transposed())
    }

    /// The same as [`Dense::forward`], into `y`, with weights that were laid out before: worth it where they are used often.
    pub(crate) fn apply(&self, params: &[f32], packed: &Packed, x: &[f32], y: &mut [f32]) {
        self.begin(params, y);
        packed.add_product(x, y);
    }

    /// Sets each row to the bias.
    fn begin(&self, params: &[f32], y: &mut [f32]) {
        match self.bias {
            Some(bias) => y.chunks_exact_mut(self.n_out).for_each(|row| row.copy_from_slice(bias.of(params))),
            None => y.fill(0.0),
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
        self.packed_back(params).add_product(dy, dx);
    }

    /// The weights for gradients of inputs: their product with a row of gradients of results.
    pub(crate) fn packed_back(&self, params: &[f32]) -> Packed {
        Packed::new(self.weights(params))
    }
}

/// Adds the sum of each column of `rows` to `sums`.
pub(crate) fn add_columns(sums: &mut [f32], rows: &[f32]) {
    for row in rows.chunks_exact(sums.len()) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
}
