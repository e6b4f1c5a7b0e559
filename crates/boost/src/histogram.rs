//! Sums of gradients by bin: all that a split is chosen from.

use rayon::prelude::*;

use crate::bins::{Bins, Column};

/// Below this many additions one thread is faster than several.
const MIN_PARALLEL: usize = 1 << 18;

/// What is known of a set of rows: gradients, hessians, and how many.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Sum {
    pub(crate) gradient: f64,
    pub(crate) hessian: f64,
    pub(crate) n: u32,
}

impl Sum {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            gradient: self.gradient + other.gradient,
            hessian: self.hessian + other.hessian,
            n: self.n + other.n,
        }
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        Self {
            gradient: self.gradient - other.gradient,
            hessian: self.hessian - other.hessian,
            n: self.n - other.n,
        }
    }
}

/// The first and second derivative of the loss, one of each a row.
#[derive(Debug, Default)]
pub(crate) struct Gradients {
    pub(crate) gradient: Vec<f64>,
    pub(crate) hessian: Vec<f64>,
}

impl Gradients {
    pub(crate) fn sum(&self, rows: &[u32]) -> Sum {
        let add = |sum: Sum, &row: &u32| {
            let row = row as usize;
            sum.plus(Sum { gradient: self.gradient[row], hessian: self.hessian[row], n: 1 })
        };
        rows.iter().fold(Sum::default(), add)
    }
}

/// The sums of each bin of each feature in use.
#[derive(Debug, Clone)]
pub(crate) struct Histogram(pub(crate) Vec<Vec<Sum>>);

impl Histogram {
    /// Adds up `rows`. Each feature is summed by one thread, in the order of rows, so threads change no bit.
    pub(crate) fn new(bins: &Bins, features: &[usize], gradients: &Gradients, rows: &[u32]) -> Self {
        let of_feature = |&feature: &usize| sums(&bins.columns[feature], gradients, rows);
        if rows.len() * features.len() < MIN_PARALLEL {
            return Self(features.iter().map(of_feature).collect());
        }
        Self(features.par_iter().map(of_feature).collect())
    }

    /// The rows of a parent that are not in `self`: cheaper than adding them up.
    pub(crate) fn rest_of(&self, parent: Self) -> Self {
        let mut rest = parent;
        for (rest, own) in rest.0.iter_mut().zip(&self.0) {
            for (rest, own) in rest.iter_mut().zip(own) {
                *rest = rest.minus(*own);
            }
        }
        rest
    }
}

fn sums(column: &Column, gradients: &Gradients, rows: &[u32]) -> Vec<Sum> {
    let mut sums = vec![Sum::default(); column.n_bins];
    for &row in rows {
        let row = row as usize;
        let sum = &mut sums[column.bins[row] as usize];
        sum.gradient += gradients.gradient[row];
        sum.hessian += gradients.hessian[row];
        sum.n += 1;
    }
    sums
}
