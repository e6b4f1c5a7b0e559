//! What the principal components of windows do not explain.

use super::kind::{Fit, Kind, Method, NOISE, Progress, Rows, by_column};
use crate::product::dot;
use crate::store::{Damage, Part, Writer};
use crate::symmetric::{components, second_moments};

pub(super) const KIND: Kind = Kind {
    name: "window-pca",
    about: "windows that are no mixture of the usual patterns",
    window: 10,
    is_slow: false,
    fit: |rows, fit, _: &mut dyn FnMut(Progress)| Box::new(WindowPca::fit(rows, fit)),
    read: |part, n_columns| Ok(Box::new(WindowPca::read(part, n_columns)?)),
};

/// The share of the variance that counts as usual patterns, and how many of them at most.
const SHARE: f64 = 0.9;
const MAX_COMPONENTS: usize = 60;

/// Numbers in a window at most; the window becomes shorter for more columns.
const MAX_LENGTH: usize = 1_000;

#[derive(Debug)]
struct WindowPca {
    window: usize,
    n_columns: usize,
    /// Patterns, each of length 1 and as many numbers as a window.
    axes: Vec<f32>,
}

impl WindowPca {
    /// Cost: O(rows × length²), where a window has `length` numbers.
    fn fit(rows: &Rows<'_>, fit: &Fit) -> Self {
        let window = fit.window.min(MAX_LENGTH / rows.n_columns).max(1);
        let moments = second_moments(rows, window);
        let axes = components(&moments, window * rows.n_columns, SHARE, MAX_COMPONENTS, fit.seed);
        Self { window, n_columns: rows.n_columns, axes }
    }

    fn read(part: &Part<'_>, n_columns: usize) -> Result<Self, Damage> {
        match part.get("axes")? {
            ([_, window, columns], axes) if *columns == n_columns && *window > 0 => {
                Ok(Self { window: *window, n_columns, axes: axes.to_vec() })
            }
            _ => Err(part.misshapen("axes")),
        }
    }
}

impl Method for WindowPca {
    fn window(&self) -> usize {
        self.window
    }

    fn contributions(&self, window: &[f32]) -> Vec<f32> {
        let n = window.len() as f32;
        let mut rest = window.to_vec();
        for axis in self.axes.chunks_exact(window.len()) {
            let along = dot(axis, window);
            rest.iter_mut().zip(axis).for_each(|(rest, axis)| *rest -= along * axis);
        }
        by_column(self.n_columns, rest.iter().map(|rest| rest * rest / n))
    }

    fn floor(&self) -> f32 {
        NOISE * NOISE
    }

    fn write(&self, part: &mut Writer<'_>) {
        let length = self.window * self.n_columns;
        part.put("axes", &[self.axes.len() / length, self.window, self.n_columns], &self.axes);
    }
}
