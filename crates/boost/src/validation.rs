//! How good a model is on rows that it has not seen.

use rayon::prelude::*;

use crate::folds::{Folds, grouped_folds};
use crate::separation::separation;
use crate::settings::Settings;
use crate::table::Table;
use crate::threshold::{Aim, Outcomes, choose_threshold, outcomes_at};
use crate::train::{TrainError, train};

/// How a model is tried on rows that it has not seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Validation {
    /// Parts of the table, each scored by a model of the others. Default 5.
    pub n_folds: usize,
    /// Parts of what a model learns from, by which its threshold is chosen. Default 3.
    pub n_inner_folds: usize,
    /// What the threshold is chosen for. Default F1.
    pub aim: Aim,
    /// What the parts are drawn with.
    pub seed: u64,
}

impl Default for Validation {
    fn default() -> Self {
        Self { n_folds: 5, n_inner_folds: 3, aim: Aim::F1, seed: 0 }
    }
}

/// How good models were on rows that they had not seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Quality {
    /// How often a positive row scores above another.
    pub auc_roc: f64,
    /// What thresholds chosen without the rows in question did to them, all parts together.
    pub outcomes: Outcomes,
    /// The probability of each row, in the order of rows, by a model that had not seen its group.
    pub probabilities: Vec<f64>,
}

/// Grouped, stratified cross-validation with thresholds from inner parts: no row takes part in anything that it is
/// judged by. Cost: `n_folds × (n_inner_folds + 1)` trainings, on all threads.
///
/// # Errors
/// Settings out of range, or a part with one class only.
pub fn cross_validate(
    table: &Table,
    rows: &[usize],
    settings: &Settings,
    validation: Validation,
) -> Result<Quality, TrainError> {
    let Validation { n_folds, n_inner_folds, aim, seed } = validation;
    let folds = grouped_folds(table, rows, n_folds, seed);
    let judged: Vec<(Vec<f64>, Outcomes)> = (0..n_folds)
        .into_par_iter()
        .map(|fold| {
            let (inside, outside) = (folds.fold(fold), folds.others(fold));
            let inner = predict_out_of_fold(table, &outside, settings, n_inner_folds, seed + 1)?;
            let threshold = choose_threshold(&inner, &labels_of(table, &outside), aim);
            let scores = scores_of(table, &outside, &inside, settings)?;
            let outcomes = outcomes_at(&scores, &labels_of(table, &inside), threshold);
            Ok((scores, outcomes))
        })
        .collect::<Result<_, TrainError>>()?;
    let (scores, outcomes): (Vec<Vec<f64>>, Vec<Outcomes>) = judged.into_iter().unzip();
    let probabilities = put_together(&folds, rows, &scores);
    let outcomes = outcomes.into_iter().fold(Outcomes::default(), |a, b| Outcomes {
        hits: a.hits + b.hits,
        false_alarms: a.false_alarms + b.false_alarms,
        misses: a.misses + b.misses,
        passes: a.passes + b.passes,
    });
    let labels = labels_of(table, rows);
    Ok(Quality { auc_roc: separation(&probabilities, &labels), outcomes, probabilities })
}

/// The probability of each row by a model of the other parts, in the order of `rows`. Cost: `n_folds` trainings.
///
/// # Errors
/// Settings out of range, or a part with one class only.
pub fn predict_out_of_fold(
    table: &Table,
    rows: &[usize],
    settings: &Settings,
    n_folds: usize,
    seed: u64,
) -> Result<Vec<f64>, TrainError> {
    let folds = grouped_folds(table, rows, n_folds, seed);
    let scores = (0..n_folds)
        .into_par_iter()
        .map(|fold| scores_of(table, &folds.others(fold), &folds.fold(fold), settings))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(put_together(&folds, rows, &scores))
}

fn scores_of(
    table: &Table,
    known: &[usize],
    asked: &[usize],
    settings: &Settings,
) -> Result<Vec<f64>, TrainError> {
    let model = train(table, known, settings)?;
    Ok(asked.iter().map(|&row| model.probability(&table.row(row))).collect())
}

fn labels_of(table: &Table, rows: &[usize]) -> Vec<bool> {
    rows.iter().map(|&row| table.labels()[row]).collect()
}

/// What was found out fold by fold, in the order of `rows`.
fn put_together(folds: &Folds, rows: &[usize], scores: &[Vec<f64>]) -> Vec<f64> {
    let mut by_row: Vec<(usize, f64)> = (0..folds.n_folds())
        .flat_map(|fold| folds.fold(fold).into_iter().zip(scores[fold].iter().copied()))
        .collect();
    by_row.sort_unstable_by_key(|(row, _)| *row);
    let score =
        |row: &usize| by_row.binary_search_by_key(row, |(row, _)| *row).map_or(f64::NAN, |at| by_row[at].1);
    rows.iter().map(score).collect()
}
