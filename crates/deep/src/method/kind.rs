//! What a method is, and what it is given.

use std::fmt::Debug;

use rayon::prelude::*;

use crate::store::{Damage, Part, Writer};

/// A kind of detectors.
#[derive(Debug)]
pub struct Kind {
    /// Its name, in commands and files.
    pub name: &'static str,
    /// What it finds, in some words.
    pub about: &'static str,
    /// Rows that a score looks at, unless told otherwise.
    pub window: usize,
    /// Whether it is too slow to be fitted several times: the last rows are then held out, instead of each part in turn.
    pub(crate) is_slow: bool,
    pub(crate) fit: FitFn,
    pub(crate) read: ReadFn,
}

/// Fits a method.
pub(crate) type FitFn = fn(&Rows<'_>, &Fit, &mut dyn FnMut(Progress)) -> Box<dyn Method>;

/// Reads a method for so many columns.
pub(crate) type ReadFn = fn(&Part<'_>, usize) -> Result<Box<dyn Method>, Damage>;

/// How far a training is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// Pieces done.
    pub n_done: usize,
    /// Pieces in all.
    pub n: usize,
    /// What was last seen, such as losses; may be empty.
    pub note: String,
}

/// What a method is fitted with.
#[derive(Debug, Clone)]
pub(crate) struct Fit {
    pub(crate) window: usize,
    pub(crate) seed: u64,
    pub(crate) n_epochs: usize,
}

/// Scaled rows without gaps, oldest first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) n_columns: usize,
}

impl<'a> Rows<'a> {
    pub(crate) fn n(&self) -> usize {
        self.values.len() / self.n_columns
    }

    /// How many windows of so many rows there are.
    pub(crate) fn n_windows(&self, window: usize) -> usize {
        (self.n() + 1).saturating_sub(window)
    }

    /// The window that begins at row `first`, as one slice.
    pub(crate) fn window(&self, first: usize, window: usize) -> &'a [f32] {
        self.values.get(first * self.n_columns..(first + window) * self.n_columns).unwrap_or_default()
    }
}

/// A fitted method: scores a window, which ends with the row that is judged.
pub(crate) trait Method: Debug + Send + Sync {
    /// Rows in a window.
    fn window(&self) -> usize;

    /// What each column contributes to the score of a window; a contribution may be negative, the sum is not.
    fn contributions(&self, window: &[f32]) -> Vec<f32>;

    /// How strange the last row of a window is: 0 or more.
    fn score(&self, window: &[f32]) -> f32 {
        self.contributions(window).iter().sum::<f32>().max(0.0)
    }

    /// The scores of all windows.
    fn scores(&self, rows: &Rows<'_>) -> Vec<f32> {
        let window = self.window();
        (0..rows.n_windows(window))
            .into_par_iter()
            .map(|first| self.score(rows.window(first, window)))
            .collect()
    }

    /// Writes itself for [`Kind::read`].
    fn write(&self, part: &mut Writer<'_>);
}

/// Adds up the numbers of a window by column.
pub(crate) fn by_column(n_columns: usize, numbers: impl Iterator<Item = f32>) -> Vec<f32> {
    let mut sums = vec![0.0; n_columns];
    for (at, number) in numbers.enumerate() {
        if let Some(sum) = sums.get_mut(at % n_columns) {
            *sum += number;
        }
    }
    sums
}
