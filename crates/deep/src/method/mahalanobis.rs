//! Mahalanobis' distance of a window from the mean, all principal components weighed by their variance.
//!
//! One product with the inverse covariance does what a principal component analysis with all its components would.

use super::kind::{Fit, Kind, Method, NOISE, Progress, Rows, by_column};
use crate::product::dot;
use crate::store::{Damage, Part, Writer};
use crate::symmetric::{inverse, second_moments};

pub(super) const KIND: Kind = Kind {
    name: "mahalanobis",
    about: "rows whose columns do not go together as they used to",
    window: 5,
    is_slow: false,
    fit: |rows, fit, _: &mut dyn FnMut(Progress)| Box::new(Mahalanobis::fit(rows, fit)),
    read: |part, n_columns| Ok(Box::new(Mahalanobis::read(part, n_columns)?)),
};

/// What is added to each variance, in squared scaled units: columns that hardly moved must not decide alone.
const RIDGE: f64 = 0.01;

/// Numbers in a window at most; the window becomes shorter for more columns.
const MAX_LENGTH: usize = 1_000;

#[derive(Debug)]
pub(super) struct Mahalanobis {
    window: usize,
    n_columns: usize,
    /// The inverse covariance of windows.
    inverse: Vec<f32>,
}

impl Mahalanobis {
    /// Cost: O(rows × length² + length³), where a window has `length` numbers.
    #[expect(clippy::cast_possible_truncation, reason = "distances are computed in single precision")]
    pub(super) fn fit(rows: &Rows<'_>, fit: &Fit) -> Self {
        let window = fit.window.min(MAX_LENGTH / rows.n_columns).max(1);
        let length = window * rows.n_columns;
        let mut moments = second_moments(rows, window);
        moments.iter_mut().step_by(length + 1).for_each(|variance| *variance += RIDGE);
        // With the ridge it is positive definite; numbers that are too large for that leave nothing to say.
        let inverse = inverse(&moments, length).unwrap_or_else(|| vec![0.0; length * length]);
        let inverse = inverse.into_iter().map(|value| value as f32).collect();
        Self { window, n_columns: rows.n_columns, inverse }
    }

    pub(super) fn read(part: &Part<'_>, n_columns: usize) -> Result<Self, Damage> {
        let (shape, inverse) = part.get("inverse")?;
        match shape {
            [a, b] if a == b && *a > 0 && a.is_multiple_of(n_columns) => {
                Ok(Self { window: a / n_columns, n_columns, inverse: inverse.to_vec() })
            }
            _ => Err(part.misshapen("inverse")),
        }
    }
}

impl Method for Mahalanobis {
    fn window(&self) -> usize {
        self.window
    }

    fn contributions(&self, window: &[f32]) -> Vec<f32> {
        let n = window.len() as f32;
        let rows = self.inverse.chunks_exact(window.len());
        by_column(self.n_columns, window.iter().zip(rows).map(|(value, row)| value * dot(row, window) / n))
    }

    fn floor(&self) -> f32 {
        NOISE * NOISE / RIDGE as f32
    }

    fn write(&self, part: &mut Writer<'_>) {
        let length = self.window * self.n_columns;
        part.put("inverse", &[length, length], &self.inverse);
    }
}
