//! Exact Shapley values of trees (TreeSHAP), by the paths of leaves.
//!
//! A row's score is the mean score of all training rows plus what each of its values adds, where a value's part is the
//! mean of what it adds over all orders in which values could become known. A value that is not known yet sends a row
//! both ways, in proportion to the covers of the two nodes.
//!
//! A leaf with value `v` and the distinct features `F` on its path, `d` of them, contributes alone. Feature `j` passes
//! the leaf's conditions or not; `z[j]` is the share of training rows that would pass. Let `A` be those passed and
//! `P` the product of `z` over those not passed. A known value that is not passed makes the leaf unreachable, so only
//! subsets of `A` count, and the sums over them are the coefficients `p[s]` of the polynomial `∏ (z[j] + x)` over `A`:
//!
//! - a feature not passed gets `-v · P · Σ w[s] p[s]`, the same for all of them;
//! - a feature `i` passed gets `v · (1 - z[i]) · P · Σ w[s] q[s]`, where `q` is `p` divided by `(z[i] + x)`.
//!
//! `w[s] = s! (d-s-1)! / d!`. Division from the highest coefficient only multiplies by numbers up to 1, so it is
//! stable, and nothing is divided by `z`: leaves that no training row reached are no special case. Where a node has no cover
//! at all, both ways count half, so that contributions still add up to the score.
//!
//! Source: S. Lundberg et al., "From local explanations to global understanding with explainable AI for trees", Nature
//! Machine Intelligence 2, 2020 (path-dependent). The sums by polynomials are ours.

use crate::ensemble::{Ensemble, rounded};
use crate::tree::{Split, Test, Tree};

/// Explains rows of one model. Build it once: it takes the paths apart.
#[derive(Debug, Clone)]
pub struct Explainer {
    n_features: usize,
    base_score: f64,
    is_single_precision: bool,
    expected: f64,
    splits: Vec<Split>,
    leaves: Vec<Leaf>,
    conditions: Vec<Condition>,
    steps: Vec<Step>,
    /// `w[s]` for each number of features on a path.
    weights: Vec<Vec<f64>>,
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
            weights: Vec::new(),
        };
        model.trees().iter().for_each(|tree| explainer.add(tree));
        let deepest = explainer.leaves.iter().map(|leaf| leaf.conditions.len()).max().unwrap_or(0);
        explainer.weights = (0..=deepest).map(weights).collect();
        explainer.expected =
            explainer.base_score + explainer.leaves.iter().map(|leaf| explainer.mean(leaf)).sum::<f64>();
        explainer
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
        let mut work = Work::default();
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
        work: &mut Work,
        contributions: &mut [f64],
    ) {
        let conditions = &self.conditions[leaf.conditions.clone()];
        work.begin(leaf.value);
        for condition in conditions {
            work.take(condition.share, self.holds(condition, row, is_left));
        }
        let weights = &self.weights[conditions.len()];
        let lost = dot(weights, &work.polynomial);
        for (condition, passed) in conditions.iter().zip(&work.passed) {
            let Condition { feature, share, .. } = *condition;
            contributions[feature] +=
                if *passed { (1.0 - share) * divided(weights, &work.polynomial, share) } else { -lost };
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

/// What is reused from leaf to leaf.
#[derive(Default)]
struct Work {
    /// Whether each condition of the leaf is passed.
    passed: Vec<bool>,
    /// `v · P` times the coefficients of `∏ (z + x)` over those passed, lowest first, and zeros behind them.
    polynomial: Vec<f64>,
}

impl Work {
    fn begin(&mut self, value: f64) {
        self.passed.clear();
        self.polynomial.clear();
        self.polynomial.push(value);
    }

    /// Multiplies with `z + x` if a condition is passed, else with `z`.
    fn take(&mut self, share: f64, passed: bool) {
        self.passed.push(passed);
        let (x, mut below) = (f64::from(u8::from(passed)), 0.0);
        self.polynomial.push(0.0);
        for coefficient in &mut self.polynomial {
            let before = *coefficient;
            *coefficient = below * x + share * before;
            below = before;
        }
    }
}

/// `s! (d-s-1)! / d!` for each `s` below `d`.
fn weights(d: usize) -> Vec<f64> {
    let mut weights = Vec::with_capacity(d);
    let mut weight = 1.0 / d as f64;
    for s in 0..d {
        weights.push(weight);
        weight *= (s + 1) as f64 / (d - s - 1).max(1) as f64;
    }
    weights
}

fn dot(weights: &[f64], coefficients: &[f64]) -> f64 {
    weights.iter().zip(coefficients).map(|(weight, coefficient)| weight * coefficient).sum()
}

/// The weighted sum of the coefficients of `polynomial / (share + x)`, highest first.
fn divided(weights: &[f64], polynomial: &[f64], share: f64) -> f64 {
    let mut sum = 0.0;
    let mut coefficient = 0.0;
    for s in (1..polynomial.len()).rev() {
        coefficient = polynomial[s] - share * coefficient;
        sum += weights[s - 1] * coefficient;
    }
    sum
}
