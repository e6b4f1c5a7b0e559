//! What a method is, and what it is given.

use std::fmt::Debug;

use rayon::prelude::*;

use crate::checkpoint::Checkpoint;
pub(crate) use crate::rows::Rows;
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
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Progress {
    /// Pieces done.
    pub n_done: usize,
    /// Pieces in all.
    pub n: usize,
    /// What was last seen, such as losses; may be empty.
    pub note: String,
    /// The errors of forecast and reconstruction, and both again on later rows, of kinds that have them.
    pub losses: Option<[f64; 4]>,
    /// Where it can go on from later, of kinds that learn in epochs.
    pub checkpoint: Option<Checkpoint>,
}

/// How the network of mtad-gat is made and trained; the defaults are those of the reference.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkSettings {
    /// Rows that the convolution looks at, an odd number.
    pub kernel: usize,
    /// Whether attention is of the form GATv2, else GAT.
    pub is_v2: bool,
    /// Length of the mapped nodes that are columns; as long as a window, if not given.
    pub feature_embed: Option<usize>,
    /// Length of the mapped nodes that are rows; as many as columns, if not given.
    pub time_embed: Option<usize>,
    /// Layers and state of the encoder.
    pub encoder: (usize, usize),
    /// Layers and width of the forecast.
    pub forecast: (usize, usize),
    /// Layers and state of the decoder.
    pub decoder: (usize, usize),
    /// The slope of attention's curve below 0.
    pub alpha: f32,
    /// The probability that a number is left out in training.
    pub dropout: f32,
    /// Windows that are learned from at once, at most: fewer of few rows.
    pub batch: usize,
    /// How fast is learned.
    pub rate: f32,
    /// The share of windows, the last ones, that say which epoch was best.
    pub validation: f64,
    /// How much the reconstruction counts beside the forecast in a score.
    pub gamma: f32,
}

impl Default for NetworkSettings {
    fn default() -> Self {
        Self {
            kernel: 7,
            is_v2: true,
            feature_embed: None,
            time_embed: None,
            encoder: (1, 150),
            forecast: (3, 150),
            decoder: (1, 150),
            alpha: 0.2,
            dropout: 0.3,
            batch: 256,
            rate: 1e-3,
            validation: 0.1,
            gamma: 1.0,
        }
    }
}

/// What a method is fitted with.
#[derive(Debug, Clone)]
pub(crate) struct Fit {
    pub(crate) window: usize,
    pub(crate) seed: u64,
    pub(crate) n_epochs: usize,
    pub(crate) network: NetworkSettings,
    /// Whether single values and jumps of the mean count beside the method.
    pub(crate) points: bool,
    /// From where a training that was interrupted goes on.
    pub(crate) resume: Option<Checkpoint>,
    /// The parameters that a network begins with, where they are not chosen by chance.
    pub(crate) initial: Option<Vec<f32>>,
}

/// The least noise of measurements, in scaled units: half a percent of the range.
pub(crate) const NOISE: f32 = 0.02;

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

    /// The score of a window that ends with the row after the last one it was asked of. `kept` is what it keeps from one to the next, empty
    /// at first.
    fn next(&self, window: &[f32], _kept: &mut Vec<f32>) -> f32 {
        self.score(window)
    }

    /// The score of a window whose values stray by no more than the least noise of measurements. No threshold is below it.
    fn floor(&self) -> f32 {
        0.0
    }

    /// The scores of all windows of rows in memory.
    fn scores(&self, rows: &Rows<'_>) -> Vec<f32> {
        let window = self.window();
        (0..rows.n_windows(window))
            .into_par_iter()
            .map(|first| self.score(&rows.window(first, window)))
            .collect()
    }

    /// What is expected of each row in memory in place of its values, where it forecasts and reconstructs.
    fn expectations(&self, _rows: &Rows<'_>) -> Option<Expectations> {
        None
    }

    /// Writes itself for [`Kind::read`].
    fn write(&self, part: &mut Writer<'_>);
}

/// The scores of all windows, piece by piece. Memory: that of a piece, and a number for each window.
pub(crate) fn scores_of(method: &dyn Method, rows: &Rows<'_>) -> Vec<f32> {
    let of = |piece: &[f32]| method.scores(&Rows::of(piece, rows.n_columns));
    rows.pieces(method.window()).flat_map(|piece| of(&piece)).collect()
}

/// What is expected of rows, in scaled units; the first row judged is the first that has a whole window before it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expectations {
    pub(crate) forecasts: Vec<f32>,
    pub(crate) reconstructions: Vec<f32>,
    /// What each value contributes to the score of its row.
    pub(crate) errors: Vec<f32>,
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
