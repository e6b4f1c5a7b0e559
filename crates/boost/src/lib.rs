//! Gradient boosted decision trees for two classes: training, exact explanation, import and export.
//!
//! Use it when labelled rows exist and somebody has to be told why a row was flagged. Trees are grown leaf by leaf on
//! histograms, so training is fast on small data and missing values and categories need no preparation.
//!
//! Reading order: [`Table`] (what is learned from), [`train()`] and its [`Settings`], [`Ensemble`] (the model),
//! [`Explainer`] (exact Shapley values), [`cross_validate`] (how good it is), [`find_leaks`] (whether that can be
//! believed); then [`import`] and [`Ensemble::to_json`].
//!
//! Invariants of this crate: the same table, settings and seed give the same model to the last bit on any number of
//! threads; NaN is a missing value, never an error; any model text is read in time and memory linear in its size.
//!
//! ```
//! use lanner_boost::{Explainer, Feature, Settings, Table, train};
//!
//! let x: Vec<f64> = (0..200).map(f64::from).collect();
//! let labels = x.iter().map(|x| *x >= 120.0).collect();
//! let table = Table::new(vec![Feature::number("requests")], vec![x], labels)?;
//! let model = train(&table, &table.all_rows(), &Settings::default())?;
//! assert!(model.probability(&[150.0]) > 0.9 && model.probability(&[50.0]) < 0.1);
//!
//! let explanation = Explainer::new(&model).explain(&[150.0]);
//! let sum = explanation.expected + explanation.contributions.iter().sum::<f64>();
//! assert!((sum - model.margin(&[150.0])).abs() < 1e-9);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bins;
mod calibration;
mod ensemble;
mod explain;
mod feature;
mod folds;
mod forest;
mod grow;
mod histogram;
pub mod import;
mod json;
mod leaks;
mod lookup;
mod problems;
mod quadrature;
mod random;
mod separation;
mod settings;
mod split;
mod table;
mod threshold;
mod train;
mod tree;
mod validation;

pub use calibration::Calibration;
pub use ensemble::Ensemble;
pub use explain::{Explainer, Explanation};
pub use feature::{Feature, Kind, Monotone};
pub use folds::{Folds, grouped_folds};
pub use leaks::{Leak, find_leaks};
pub use problems::Problems;
pub use settings::{EarlyStopping, Settings, Weights};
pub use table::{Table, TableError};
pub use threshold::{Aim, Outcomes, choose_threshold, outcomes_at};
pub use train::{TrainError, train};
pub use tree::{Node, Split, Test, Tree};
pub use validation::{Quality, Validation, cross_validate, predict_out_of_fold};
