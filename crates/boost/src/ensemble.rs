//! A model: trees whose leaves are added up.

use crate::feature::Feature;
use crate::forest::Forest;
use crate::problems::Problems;
use crate::tree::Tree;

/// Boosted trees over named columns; the sum of a row's leaves is the logarithm of its odds.
#[derive(Debug, Clone, PartialEq)]
pub struct Ensemble {
    features: Vec<Feature>,
    base_score: f64,
    trees: Vec<Tree>,
    is_single_precision: bool,
    forest: Forest,
}

impl Ensemble {
    /// Joins checked trees.
    ///
    /// # Errors
    /// More trees or columns than can be counted, a name given twice, or a base score that is not finite.
    pub fn new(features: Vec<Feature>, base_score: f64, trees: Vec<Tree>) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        if !base_score.is_finite() {
            problems.add(format!("the base score is {base_score}, which is not finite"));
        }
        let mut names: Vec<&str> = features.iter().map(|feature| feature.name.as_str()).collect();
        names.sort_unstable();
        for pair in names.windows(2).filter(|pair| pair[0] == pair[1]) {
            problems.add(format!("the feature \"{}\" is named twice", pair[0]));
        }
        let n_features = features.len();
        for (i, tree) in trees.iter().enumerate() {
            let splits = tree.nodes().iter().filter_map(|node| node.split.as_ref());
            if let Some(split) = splits.into_iter().find(|split| split.feature >= n_features) {
                problems
                    .add(format!("tree {i} asks for column {}, but there are {n_features}", split.feature));
            }
        }
        let Some(forest) = Forest::new(&trees) else {
            return Err(Problems::one("the model has more nodes or columns than can be numbered"));
        };
        problems.or(Self { features, base_score, trees, is_single_precision: false, forest })
    }

    /// The same model for values that are rounded to 32 bits first, as XGBoost does.
    #[must_use]
    pub fn single_precision(self) -> Self {
        Self { is_single_precision: true, ..self }
    }

    /// The columns of a row, in their order: a row that is scored has one value for each.
    #[must_use]
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// The trees, in the order in which they were learned. Each adds to the margin.
    #[must_use]
    pub fn trees(&self) -> &[Tree] {
        &self.trees
    }

    /// What the margin begins with, before any tree: a logarithm of odds.
    #[must_use]
    pub const fn base_score(&self) -> f64 {
        self.base_score
    }

    /// Whether values are rounded to 32 bits.
    #[must_use]
    pub const fn is_single_precision(&self) -> bool {
        self.is_single_precision
    }

    /// The logarithm of the odds that `row` is positive: one value for each feature, NaN where it is missing.
    ///
    /// Cost: the depth of each tree, below a microsecond for 60 small ones.
    ///
    /// # Panics
    /// If the row has fewer values than there are features.
    #[must_use]
    pub fn margin(&self, row: &[f64]) -> f64 {
        assert!(row.len() >= self.features.len(), "a row needs {} values", self.features.len());
        if self.is_single_precision {
            return self.base_score + self.forest.sum(&rounded(row));
        }
        self.base_score + self.forest.sum(row)
    }

    /// The share of positive rows among those like `row`, in `[0, 1]`; see [`Ensemble::margin`].
    #[must_use]
    pub fn probability(&self, row: &[f64]) -> f64 {
        sigmoid(self.margin(row))
    }
}

/// Values as 32 bits hold them.
pub(crate) fn rounded(row: &[f64]) -> Vec<f64> {
    row.iter().map(|value| f64::from(*value as f32)).collect()
}

/// Odds as a probability.
pub(crate) fn sigmoid(margin: f64) -> f64 {
    1.0 / (1.0 + (-margin).exp())
}
