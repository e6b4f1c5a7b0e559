//! How trees are grown.

/// Settings of [`train()`](crate::train()). The defaults suit some hundred to some hundred thousand rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Trees at most. Default 100, from 1 to 10,000.
    pub n_trees: usize,
    /// What each tree's values are multiplied with. Default 0.1, above 0 and at most 1.
    pub learning_rate: f64,
    /// Leaves of a tree at most. Default 31, from 2 to 4,096.
    pub max_leaves: usize,
    /// Levels of a tree at most. Default 64, from 1 to 64.
    pub max_depth: usize,
    /// Rows in a leaf at least. Default 20, from 1.
    pub min_leaf_rows: usize,
    /// Hessian in a leaf at least, about four times the uncertain rows. Default 0.001.
    pub min_leaf_hessian: f64,
    /// How strongly values of leaves are drawn to zero. Default 1, 0 or more.
    pub l2: f64,
    /// Bins of a column at most. Default 255, from 2.
    pub max_bins: usize,
    /// The share of rows that each tree sees. Default 1, above 0.
    pub row_share: f64,
    /// The share of features that each tree sees. Default 1, above 0.
    pub feature_share: f64,
    /// How much positive rows count.
    pub weights: Weights,
    /// When to stop before `n_trees`.
    pub early_stopping: Option<EarlyStopping>,
    /// What chance is seeded with.
    pub seed: u64,
}

/// How much positive rows count beside the others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Weights {
    /// Each row counts once.
    Equal,
    /// Both classes count the same in total.
    Balanced,
    /// A positive row counts this much, another 1.
    Positive(f64),
}

/// Growing stops when rows set aside are scored no better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EarlyStopping {
    /// Trees without a better loss.
    pub patience: usize,
    /// The share of rows set aside, by groups. Above 0 and at most 0.5.
    pub share: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            n_trees: 100,
            learning_rate: 0.1,
            max_leaves: 31,
            max_depth: 64,
            min_leaf_rows: 20,
            min_leaf_hessian: 1e-3,
            l2: 1.0,
            max_bins: 255,
            row_share: 1.0,
            feature_share: 1.0,
            weights: Weights::Balanced,
            early_stopping: None,
            seed: 0,
        }
    }
}

impl Settings {
    /// Everything that is out of its range, a sentence each; empty when a training may begin.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        // Written as `low < x && x < high`, so that NaN is refused as well.
        let mut require = |ok: bool, name: &str, range: &str, found: String| {
            if !ok {
                problems.push(format!("{name} is {found}, which should be {range}"));
            }
        };
        let share = |x: f64| 0.0 < x && x <= 1.0;
        let is_in = |x: usize, low, high| low <= x && x <= high;
        require(is_in(self.n_trees, 1, 10_000), "n_trees", "from 1 to 10000", self.n_trees.to_string());
        require(
            share(self.learning_rate),
            "learning_rate",
            "above 0 and at most 1",
            self.learning_rate.to_string(),
        );
        require(
            is_in(self.max_leaves, 2, 4_096),
            "max_leaves",
            "from 2 to 4096",
            self.max_leaves.to_string(),
        );
        require(is_in(self.max_depth, 1, 64), "max_depth", "from 1 to 64", self.max_depth.to_string());
        require(self.min_leaf_rows > 0, "min_leaf_rows", "1 or more", self.min_leaf_rows.to_string());
        let hessian = self.min_leaf_hessian;
        require(hessian >= 0.0 && hessian.is_finite(), "min_leaf_hessian", "0 or more", hessian.to_string());
        require(self.l2 >= 0.0 && self.l2.is_finite(), "l2", "0 or more", self.l2.to_string());
        require(is_in(self.max_bins, 2, 255), "max_bins", "from 2 to 255", self.max_bins.to_string());
        require(share(self.row_share), "row_share", "above 0 and at most 1", self.row_share.to_string());
        require(
            share(self.feature_share),
            "feature_share",
            "above 0 and at most 1",
            self.feature_share.to_string(),
        );
        if let Weights::Positive(weight) = self.weights {
            require(
                weight > 0.0 && weight.is_finite(),
                "the weight of positive rows",
                "above 0",
                weight.to_string(),
            );
        }
        if let Some(EarlyStopping { patience, share }) = self.early_stopping {
            require(patience > 0, "early_stopping.patience", "1 or more", patience.to_string());
            require(
                0.0 < share && share <= 0.5,
                "early_stopping.share",
                "above 0 and at most 0.5",
                share.to_string(),
            );
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_problems_at_once() {
        assert_eq!(Settings::default().problems(), Vec::<String>::new());
        let early_stopping = Some(EarlyStopping { patience: 0, share: f64::NAN });
        let weights = Weights::Positive(0.0);
        let wrong = Settings {
            n_trees: 0,
            learning_rate: 2.0,
            l2: f64::NAN,
            early_stopping,
            weights,
            ..Settings::default()
        };
        let expected = [
            "n_trees is 0, which should be from 1 to 10000",
            "learning_rate is 2, which should be above 0 and at most 1",
            "l2 is NaN, which should be 0 or more",
            "the weight of positive rows is 0, which should be above 0",
            "early_stopping.patience is 0, which should be 1 or more",
            "early_stopping.share is NaN, which should be above 0 and at most 0.5",
        ];
        assert_eq!(wrong.problems(), expected);
    }
}
