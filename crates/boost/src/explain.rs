//! Exact Shapley values of trees (TreeSHAP), by the paths of leaves.
//!
//! A row's score is the mean score of all training rows plus what each of its values adds, where a value's part is the
//! mean of what it adds over all orders in which values could become known. A value that is not known yet sends a row
//! both ways, in proportion to the covers of the two nodes.
//!
//! A leaf with value `v` and the distinct features `F` on its path, `d` of them, contributes alone. Feature `j` passes
//! the leaf's conditions (`p[j] = 1`) or not (`p[j] = 0`); `z[j]` is the share of training rows that would pass. With the features
//! `S` known, the leaf is worth `v` times the product of `p` over `S` and of `z` over the others. So feature `i` gets
//!
//! `v · (p[i] - z[i]) · Σ over S without i of |S|! (d-|S|-1)! / d! · ∏ p[j] over S · ∏ z[j] over the others without i`.
//!
//! The weight of a subset is `∫ t^|S| (1-t)^(d-1-|S|) dt` from 0 to 1, and the sum over all subsets under the integral is a product:
//!
//! `v · (p[i] - z[i]) · ∫ ∏ over j ≠ i of (t p[j] + (1-t) z[j]) dt`.
//!
//! That is a polynomial of a degree below `d`, so half as many points of Gauss and Legendre integrate it exactly. All factors and
//! weights are positive, so nothing cancels, and nothing is divided: leaves that no training row reached are no special case. Where a
//! node has no cover at all, both ways count half, so that contributions still add up to the score.
//!
//! Source: S. Lundberg et al., "From local explanations to global understanding with explainable AI for trees", Nature
//! Machine Intelligence 2, 2020 (path-dependent). The integral is ours.

use crate::ensemble::{Ensemble, rounded};
use crate::quadrature::gauss_legendre;
use crate::tree::{Split, Test, Tree};

/// Explains rows of one model. Build it once: it takes the paths apart.
#[derive(Debug, Clone)]
pub struct Explainer {
    n_features: usize,
    base_score: f64,
    is_single_precision: bool,
    expected: f64,
    splits: Vec<Split>,
    /// In the order of the lengths of their paths, so that a processor foresees these.
    leaves: Vec<Leaf>,
    conditions: Vec<Condition>,
    steps: Vec<Step>,
    /// For each number of blocks, the points that integrate paths of up to twice as many features.
    points: Vec<Vec<Block>>,
}

/// Why a row has its score: exact Shapley values, by the paths of the trees.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The mean margin of training rows.
    pub expected: f64,
    /// What each feature adds to it, in units of the margin (logarithm of odds). Their sum and `expected` are the
    /// margin, to about 1e-12.
    pub contributions: Vec<f64>,
}

impl Explanation {
    /// The features that raise the score most, strongest first; at most `n`, and none that does not raise it.
    #[must_use]
    pub fn raising(&self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> =
            (0..self.contributions.len()).filter(|&i| self.contributions[i] > 0.0).collect();
        order.sort_by(|&a, &b| self.contributions[b].total_cmp(&self.contributions[a]));
        order.truncate(n);
        order
    }
}

/// Points at which all factors of a leaf are taken together.
const AT_ONCE: usize = 2;

/// Points between 0 and 1, and how much each counts.
#[derive(Debug, Clone)]
struct Block {
    points: [f64; AT_ONCE],
    weights: [f64; AT_ONCE],
}

#[derive(Debug, Clone)]
struct Leaf {
    value: f64,
    conditions: std::ops::Range<usize>,
}

/// All that a path asks of one feature.
#[derive(Debug, Clone)]
struct Condition {
    feature: usize,
    /// The share of training rows that would pass.
    share: f64,
    asked: Asked,
}

/// What a value has to be.
#[derive(Debug, Clone)]
enum Asked {
    /// In a range, which is all that thresholds ask; `above` is NaN where there is no lower end.
    Range { above: f64, at_most: f64, allows_missing: bool },
    /// One that goes these ways.
    Steps(std::ops::Range<usize>),
}

#[derive(Debug, Clone, Copy)]
struct Step {
    split: usize,
    is_left: bool,
}

/// A split taken, to which side, and the share of rows that go there.
type Entry = (Step, f64);

impl Explainer {
    /// Takes the paths of a model apart. Cost and memory: the sum of the lengths of all paths.
    #[must_use]
    pub fn new(model: &Ensemble) -> Self {
        let mut explainer = Self {
            n_features: model.features().len(),
            base_score: model.base_score(),
            is_single_precision: model.is_single_precision(),
            expected: 0.0,
            splits: Vec::new(),
            leaves: Vec::new(),
            conditions: Vec::new(),
            steps: Vec::new(),
            points: Vec::new(),
        };
        model.trees().iter().for_each(|tree| explainer.add(tree));
        explainer.expected =
            explainer.base_score + explainer.leaves.iter().map(|leaf| explainer.mean(leaf)).sum::<f64>();
        explainer.put_in_order();
        explainer.points = (0..=n_blocks(explainer.longest())).map(blocks).collect();
        explainer
    }

    /// Leaves with paths of the same length follow on each other.
    fn put_in_order(&mut self) {
        self.leaves.sort_by_key(|leaf| leaf.conditions.len());
        let mut conditions = Vec::with_capacity(self.conditions.len());
        for leaf in &mut self.leaves {
            let begin = conditions.len();
            conditions.extend_from_slice(&self.conditions[leaf.conditions.clone()]);
            leaf.conditions = begin..conditions.len();
        }
        self.conditions = conditions;
    }

    /// The most features that a path asks for.
    fn longest(&self) -> usize {
        self.leaves.iter().map(|leaf| leaf.conditions.len()).max().unwrap_or(0)
    }

    /// The mean margin of training rows, a logarithm of odds: where an explanation begins.
    #[must_use]
    pub const fn expected(&self) -> f64 {
        self.expected
    }

    /// Explains the margin of `row`: one value for each feature, NaN where it is missing.
    ///
    /// Cost: for each leaf the square of the number of features on its path.
    ///
    /// # Panics
    /// If the row has fewer values than there are features.
    #[must_use]
    pub fn explain(&self, row: &[f64]) -> Explanation {
        assert!(row.len() >= self.n_features, "a row needs {} values", self.n_features);
        let narrow = self.is_single_precision.then(|| rounded(row));
        let row = narrow.as_deref().unwrap_or(row);
        // Where paths ask for ranges only, nobody wants to know.
        let splits = if self.steps.is_empty() { &[] } else { &self.splits[..] };
        let is_left: Vec<bool> = splits.iter().map(|split| split.goes_left(row[split.feature])).collect();
        let mut contributions = vec![0.0; self.n_features];
        let mut work = vec![Factor::default(); self.longest()];
        for leaf in &self.leaves {
            self.add_leaf(leaf, row, &is_left, &mut work, &mut contributions);
        }
        Explanation { expected: self.expected, contributions }
    }

    fn add_leaf(
        &self,
        leaf: &Leaf,
        row: &[f64],
        is_left: &[bool],
        work: &mut [Factor],
        contributions: &mut [f64],
    ) {
        let conditions = &self.conditions[leaf.conditions.clone()];
        let work = &mut work[..conditions.len()];
        for (condition, factor) in conditions.iter().zip(&mut *work) {
            let passes = f64::from(u8::from(self.holds(condition, row, is_left)));
            factor.difference = passes - condition.share;
        }
        for block in &self.points[n_blocks(conditions.len())] {
            let mut before = block.weights.map(|weight| weight * leaf.value);
            for (condition, factor) in conditions.iter().zip(&mut *work) {
                factor.before = before;
                factor.values = block.points.map(|t| condition.share + t * factor.difference);
                before = product(before, factor.values);
            }
            let mut after = [1.0; AT_ONCE];
            for (condition, factor) in conditions.iter().zip(&*work).rev() {
                let others: f64 = product(factor.before, after).iter().sum();
                contributions[condition.feature] += factor.difference * others;
                after = product(after, factor.values);
            }
        }
    }

    /// Whether a row passes; without a branch that depends on its values where that can be.
    #[inline]
    fn holds(&self, condition: &Condition, row: &[f64], is_left: &[bool]) -> bool {
        match &condition.asked {
            Asked::Range { above, at_most, allows_missing } => {
                let value = row[condition.feature];
                let is_inside = ((value > *above) | above.is_nan()) & (value <= *at_most);
                is_inside | (value.is_nan() & allows_missing)
            }
            Asked::Steps(steps) => {
                self.steps[steps.clone()].iter().all(|step| is_left[step.split] == step.is_left)
            }
        }
    }

    /// What a leaf adds to the mean.
    fn mean(&self, leaf: &Leaf) -> f64 {
        self.conditions[leaf.conditions.clone()].iter().map(|condition| condition.share).product::<f64>()
            * leaf.value
    }

    fn add(&mut self, tree: &Tree) {
        let nodes = tree.nodes();
        let mut path: Vec<Entry> = Vec::new();
        let mut open: Vec<(usize, usize, Option<Entry>)> = vec![(0, 0, None)];
        while let Some((at, depth, entry)) = open.pop() {
            path.truncate(depth.saturating_sub(1));
            path.extend(entry);
            let Some(split) = &nodes[at].split else {
                self.add_path(nodes[at].value, &path);
                continue;
            };
            let (left, right) = (nodes[split.left].cover, nodes[split.right].cover);
            let share = if left + right > 0.0 { left / (left + right) } else { 0.5 };
            let step = |is_left| Step { split: self.splits.len(), is_left };
            open.push((split.right, depth + 1, Some((step(false), 1.0 - share))));
            open.push((split.left, depth + 1, Some((step(true), share))));
            self.splits.push(split.clone());
        }
    }

    /// Adds a leaf; the entries of its path are put together by feature.
    fn add_path(&mut self, value: f64, path: &[Entry]) {
        let begin = self.conditions.len();
        let mut by_feature: Vec<(usize, Step, f64)> =
            path.iter().map(|&(step, share)| (self.splits[step.split].feature, step, share)).collect();
        by_feature.sort_by_key(|(feature, ..)| *feature);
        for same in by_feature.chunk_by(|a, b| a.0 == b.0) {
            let share = same.iter().map(|(.., share)| share).product();
            let steps = same.iter().map(|(_, step, _)| *step);
            let asked = self.range(steps.clone()).unwrap_or_else(|| {
                let first = self.steps.len();
                self.steps.extend(steps);
                Asked::Steps(first..self.steps.len())
            });
            self.conditions.push(Condition { feature: same[0].0, share, asked });
        }
        self.leaves.push(Leaf { value, conditions: begin..self.conditions.len() });
    }

    /// The range that steps ask for together; `None` if one of them asks for something else.
    fn range(&self, steps: impl Iterator<Item = Step>) -> Option<Asked> {
        let (mut above, mut at_most, mut allows_missing) = (f64::NAN, f64::INFINITY, true);
        for step in steps {
            let split = &self.splits[step.split];
            let Test::AtMost(threshold) = split.test else { return None };
            if split.is_zero_missing {
                return None;
            }
            if step.is_left {
                at_most = at_most.min(threshold);
            } else {
                above = above.max(threshold);
            }
            allows_missing &= split.is_missing_left == step.is_left;
        }
        Some(Asked::Range { above, at_most, allows_missing })
    }
}

/// One feature of a leaf at some points.
#[derive(Debug, Clone, Copy, Default)]
struct Factor {
    /// `p - z`.
    difference: f64,
    /// `t p + (1-t) z`.
    values: [f64; AT_ONCE],
    /// The product of the value of the leaf, the weights, and the factors before this one.
    before: [f64; AT_ONCE],
}

#[inline]
fn product(a: [f64; AT_ONCE], b: [f64; AT_ONCE]) -> [f64; AT_ONCE] {
    std::array::from_fn(|i| a[i] * b[i])
}

/// How many blocks of points integrate the product of all but one of so many factors.
const fn n_blocks(n_factors: usize) -> usize {
    n_factors.div_ceil(2 * AT_ONCE)
}

/// So many blocks of points from 0 to 1.
fn blocks(n: usize) -> Vec<Block> {
    let rule: Vec<(f64, f64)> = gauss_legendre(n * AT_ONCE);
    let block = |rule: &[(f64, f64); AT_ONCE]| Block {
        points: rule.map(|(point, _)| point),
        weights: rule.map(|(_, weight)| weight),
    };
    rule.as_chunks().0.iter().map(block).collect()
}
