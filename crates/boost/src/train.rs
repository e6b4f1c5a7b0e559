//! Boosting: each tree corrects the sum of those before it.

use crate::bins::Bins;
use crate::ensemble::{Ensemble, sigmoid};
use crate::feature::Monotone;
use crate::folds::grouped_folds;
use crate::grow::{Grown, grow};
use crate::histogram::Gradients;
use crate::problems::Problems;
use crate::random::Random;
use crate::settings::{EarlyStopping, Settings, Weights};
use crate::split::Search;
use crate::table::Table;
use crate::tree::Tree;

/// Why nothing can be learned from a table with these settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// Settings are out of range.
    #[error("{}", .0.join("\n"))]
    Settings(Vec<String>),
    /// A class is missing.
    #[error("{n_rows} rows with {n_positive} positive ones: learning needs rows of both classes")]
    OneClass {
        /// Rows to learn from.
        n_rows: usize,
        /// Positive ones among them.
        n_positive: usize,
    },
    /// The result is too large.
    #[error("{0}")]
    Model(#[from] Problems),
}

/// Learns to tell positive rows from the others, from some `rows` of a table.
///
/// The loss is the logarithm of the likelihood; leaves take one Newton step. Missing values go to the side that lowers the
/// loss; where training had none, to the side of most rows. Covers are numbers of rows. The same table, rows and
/// settings give the same model on any number of threads, whatever the order of `rows`.
///
/// Cost: O(trees × rows × features × depth).
///
/// # Errors
/// Settings out of range, or rows of one class only.
///
/// # Panics
/// If `rows` names a row that does not exist.
///
/// # Source
/// J. Friedman, "Greedy function approximation: a gradient boosting machine", Annals of Statistics 29, 2001; histograms
/// and growth by leaves as in G. Ke et al., "LightGBM", NIPS 2017; gains and missing values as in T. Chen and C. Guestrin,
/// "XGBoost", KDD 2016.
pub fn train(table: &Table, rows: &[usize], settings: &Settings) -> Result<Ensemble, TrainError> {
    let problems = settings.problems();
    if !problems.is_empty() {
        return Err(TrainError::Settings(problems));
    }
    let (rows, aside) = set_aside(table, rows, settings);
    let n_positive = rows.iter().filter(|&&row| table.labels()[row]).count();
    if n_positive == 0 || n_positive == rows.len() {
        return Err(TrainError::OneClass { n_rows: rows.len(), n_positive });
    }
    let mut boosting = Boosting::new(table, rows, aside, settings);
    for _ in 0..settings.n_trees {
        if !boosting.add_tree() {
            break;
        }
    }
    Ok(Ensemble::new(table.features().to_vec(), boosting.base_score, boosting.kept())?)
}

/// The rows to learn from, and those that say when to stop.
fn set_aside(table: &Table, rows: &[usize], settings: &Settings) -> (Vec<usize>, Vec<usize>) {
    let mut rows = rows.to_vec();
    rows.sort_unstable();
    let Some(EarlyStopping { share, .. }) = settings.early_stopping else { return (rows, Vec::new()) };
    let n_folds = (1.0 / share).round().max(2.0) as usize;
    let folds = grouped_folds(table, &rows, n_folds, settings.seed);
    (folds.others(0), folds.fold(0))
}

struct Boosting<'a> {
    table: &'a Table,
    settings: &'a Settings,
    rows: Vec<usize>,
    bins: Bins,
    monotone: Vec<Monotone>,
    weights: (f64, f64),
    base_score: f64,
    /// The sum so far of each row.
    margins: Vec<f64>,
    gradients: Gradients,
    random: Random,
    trees: Vec<Tree>,
    aside: Aside,
}

/// Rows that are not learned from.
struct Aside {
    rows: Vec<usize>,
    margins: Vec<f64>,
    best: f64,
    /// The number of trees that was best.
    n_best: usize,
}

impl<'a> Boosting<'a> {
    fn new(table: &'a Table, rows: Vec<usize>, aside: Vec<usize>, settings: &'a Settings) -> Self {
        let n_positive = rows.iter().filter(|&&row| table.labels()[row]).count() as f64;
        let n_other = rows.len() as f64 - n_positive;
        let weights = match settings.weights {
            Weights::Equal => (1.0, 1.0),
            Weights::Balanced => {
                let half = rows.len() as f64 / 2.0;
                (half / n_positive, half / n_other)
            }
            Weights::Positive(weight) => (weight, 1.0),
        };
        let base_score = (weights.0 * n_positive / (weights.1 * n_other)).ln();
        Self {
            bins: Bins::new(table, &rows, settings.max_bins),
            monotone: table.features().iter().map(|feature| feature.monotone).collect(),
            margins: vec![base_score; rows.len()],
            aside: Aside {
                margins: vec![base_score; aside.len()],
                rows: aside,
                best: f64::INFINITY,
                n_best: 0,
            },
            gradients: Gradients::default(),
            random: Random::new(settings.seed),
            trees: Vec::new(),
            table,
            settings,
            rows,
            weights,
            base_score,
        }
    }

    /// Adds a tree, unless nothing is left to learn.
    fn add_tree(&mut self) -> bool {
        self.differentiate();
        let all: Vec<u32> = (0..self.rows.len() as u32).collect();
        let sample = self.random.sample(&all, self.settings.row_share);
        let columns: Vec<usize> = (0..self.bins.columns.len()).collect();
        let features = self.random.sample(&columns, self.settings.feature_share);
        let search = Search {
            bins: &self.bins,
            features: &features,
            monotone: &self.monotone,
            settings: self.settings,
        };
        let is_sampled = sample.len() < all.len();
        let grown = grow(search, &self.gradients, sample);
        // With all features in view, another tree would find nothing either.
        if grown.tree.nodes().len() == 1 && !is_sampled && features.len() == columns.len() {
            return false;
        }
        self.add_up(&grown, is_sampled);
        self.trees.push(grown.tree);
        self.is_still_better()
    }

    fn differentiate(&mut self) {
        let labels = self.table.labels();
        self.gradients.gradient.clear();
        self.gradients.hessian.clear();
        for (&row, &margin) in self.rows.iter().zip(&self.margins) {
            let probability = sigmoid(margin);
            let (weight, target) = if labels[row] { (self.weights.0, 1.0) } else { (self.weights.1, 0.0) };
            self.gradients.gradient.push(weight * (probability - target));
            self.gradients.hessian.push(weight * probability * (1.0 - probability));
        }
    }

    fn add_up(&mut self, grown: &Grown, is_sampled: bool) {
        let nodes = grown.tree.nodes();
        let value_of = |row: usize| grown.tree.leaf(|feature| self.table.column(feature)[row]).value;
        if is_sampled {
            self.rows.iter().zip(&mut self.margins).for_each(|(&row, margin)| *margin += value_of(row));
        } else {
            for (leaf, rows) in &grown.leaves {
                rows.iter().for_each(|&row| self.margins[row as usize] += nodes[*leaf].value);
            }
        }
        let aside = &mut self.aside;
        aside.rows.iter().zip(&mut aside.margins).for_each(|(&row, margin)| *margin += value_of(row));
    }

    /// Whether the rows set aside give reason to go on.
    fn is_still_better(&mut self) -> bool {
        let Some(EarlyStopping { patience, .. }) = self.settings.early_stopping else { return true };
        let labels = self.table.labels();
        let rows = self.aside.rows.iter().zip(&self.aside.margins);
        let loss = rows.map(|(&row, &margin)| {
            let (weight, sign) = if labels[row] { (self.weights.0, -1.0) } else { (self.weights.1, 1.0) };
            weight * (sign * margin).exp().ln_1p()
        });
        let loss: f64 = loss.sum();
        if loss < self.aside.best {
            (self.aside.best, self.aside.n_best) = (loss, self.trees.len());
        }
        self.trees.len() < self.aside.n_best + patience
    }

    /// The trees up to the best.
    fn kept(mut self) -> Vec<Tree> {
        if self.settings.early_stopping.is_some() {
            self.trees.truncate(self.aside.n_best);
        }
        self.trees
    }
}
