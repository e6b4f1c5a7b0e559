//! What is measured of a program.

use std::error::Error;

/// Levels of a tree at most.
pub(crate) const MAX_DEPTH: usize = 9;

/// What a program needs.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    pub(crate) learn_ms: f64,
    /// One row after the other.
    pub(crate) row_ns: f64,
    /// With exact Shapley values; `None` where the program has none.
    pub(crate) reasons_us: Option<f64>,
    /// Many rows at once.
    pub(crate) rows_per_s: f64,
    /// The area under the ROC curve on rows that it has not seen.
    pub(crate) auc: f64,
}

/// The figures of a program, or why there are none.
pub(crate) type Measured = Result<Figures, Box<dyn Error>>;
