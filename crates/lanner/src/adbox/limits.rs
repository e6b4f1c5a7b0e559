//! The thresholds of a detector, of its score and of each feature by itself, as they stand between two rounds.

use lanner_deep::{Detector, Limit};
use serde::{Deserialize, Serialize};

use super::trained::About;

/// Where the thresholds stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Limits {
    pub(crate) score: Limit,
    pub(crate) features: Vec<Limit>,
}

impl Limits {
    /// As training left them.
    pub(crate) fn of(detector: &Detector, about: &About) -> Self {
        Self { score: detector.limit(), features: about.limits.clone() }
    }
}
