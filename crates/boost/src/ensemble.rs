//! A model: trees whose leaves are added up.

use crate::feature::Feature;
use crate::forest::Forest;
use crate::lookup::Lookup;
use crate::problems::Problems;
use crate::tree::Tree;

/// Boosted trees over named columns; the sum of a row's leaves is the logarithm of its odds.
#[derive(Debug, Clone, PartialEq)]
pub struct Ensemble {
    features: Vec<Feature>,
    base_score: f64,
    trees: Vec<Tree>,
    is_single_precision: bool,
    layout: Layout,
}

/// The same trees, laid out to be scored fast.
#[derive(Debug, Clone, PartialEq)]
enum Layout {
    /// As a table.
    Lookup(Lookup),
    /// As steps, where a table would be too large.
    Forest(Forest),
}

impl Layout {
    /// `None` if there are more nodes or columns than can be numbered.
    fn new(trees: &[Tree]) -> Option<Self> {
        Lookup::new(trees).map(Self::Lookup).or_else(|| Forest::new(trees).map(Self::Forest))
    }

    /// The sum of the leaves of a row.
    fn sum(&self, row: &[f64]) -> f64 {
        match self {
            Self::Lookup(lookup) => lookup.sum(row),
            Self::Forest(forest) => forest.sum(row),
        }
    }
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
        let Some(layout) = Layout::new(&trees) else {
            return Err(Problems::one("the model has more nodes or columns than can be numbered"));
        };
        problems.or(Self { features, base_score, trees, is_single_precision: false, layout })
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
    /// Cost: below a microsecond for 60 small trees; trees of more than 32 leaves cost their depth each.
    ///
    /// # Panics
    /// If the row has fewer values than there are features.
    #[must_use]
    pub fn margin(&self, row: &[f64]) -> f64 {
        assert!(row.len() >= self.features.len(), "a row needs {} values", self.features.len());
        if self.is_single_precision {
            return self.base_score + self.layout.sum(&rounded(row));
        }
        self.base_score + self.layout.sum(row)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tree::{Node, Split, Test};

    /// Values that splits tell apart only just.
    const VALUES: [f64; 10] =
        [f64::NAN, f64::NEG_INFINITY, -1.0, -1e-36, 0.0, 1.0, 1.999_999_999, 2.0, 3.0, f64::INFINITY];

    /// A tree of any shape: each choice is a split, or a leaf.
    fn tree(choices: &[u16]) -> Tree {
        let leaf = |value| Node { value, cover: 1.0, split: None };
        let (mut nodes, mut open) = (vec![leaf(0.1)], vec![0]);
        for choice in choices {
            let Some(at) = open.pop() else { break };
            let (left, right) = (nodes.len(), nodes.len() + 1);
            if choice & 3 == 0 {
                continue;
            }
            let value = VALUES[1 + usize::from(choice >> 2) % 9];
            let test = if choice & 3 == 1 { Test::OneOf(vec![0, 2]) } else { Test::AtMost(value) };
            let (is_missing_left, is_zero_missing) = (choice & 0x100 != 0, choice & 0x600 == 0);
            let feature = usize::from(choice >> 11) % 3;
            nodes[at].split = Some(Split { feature, test, is_missing_left, is_zero_missing, left, right });
            nodes.extend([leaf(left as f64 / 7.0), leaf(right as f64 / 7.0)]);
            open.splice(..0, [right, left]);
        }
        Tree::new(nodes, 3).unwrap()
    }

    proptest! {
        #[test]
        fn layouts_score_as_trees_are_walked(
            choices in prop::collection::vec(prop::collection::vec(any::<u16>(), 0..60), 0..20),
            places in prop::collection::vec(0..VALUES.len(), 3),
        ) {
            let trees: Vec<Tree> = choices.iter().map(|choices| tree(choices)).collect();
            let row: Vec<f64> = places.iter().map(|place| VALUES[*place]).collect();
            let walked = trees.iter().fold(0.0, |sum, tree| sum + tree.leaf(|feature| row[feature]).value);
            prop_assert_eq!(Forest::new(&trees).unwrap().sum(&row).to_bits(), walked.to_bits());
            if let Some(lookup) = Lookup::new(&trees) {
                prop_assert_eq!(lookup.sum(&row).to_bits(), walked.to_bits());
            }
            let small: Vec<Tree> = choices.iter().map(|choices| tree(&choices[..choices.len().min(31)])).collect();
            let walked = small.iter().fold(0.0, |sum, tree| sum + tree.leaf(|feature| row[feature]).value);
            prop_assert_eq!(Lookup::new(&small).unwrap().sum(&row).to_bits(), walked.to_bits());
        }
    }
}
