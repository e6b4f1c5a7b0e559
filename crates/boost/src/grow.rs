//! One tree, leaf by leaf: always the leaf whose split lowers the loss most.

use crate::feature::Monotone;
use crate::histogram::{Gradients, Histogram, Sum};
use crate::split::{Bounds, Found, Search};
use crate::tree::{Node, Split, Tree};

/// A tree, and which rows ended in which of its leaves.
pub(crate) struct Grown {
    pub(crate) tree: Tree,
    /// The node of each leaf, with its rows.
    pub(crate) leaves: Vec<(usize, Vec<u32>)>,
}

/// A leaf that may still be split.
struct Leaf {
    node: usize,
    rows: Vec<u32>,
    bounds: Bounds,
    depth: usize,
    histogram: Option<Histogram>,
    split: Option<Found>,
}

struct Growing<'a> {
    search: Search<'a>,
    gradients: &'a Gradients,
    nodes: Vec<Node>,
    leaves: Vec<Leaf>,
}

/// Grows a tree on `rows`, which are numbers of rows as they were binned.
pub(crate) fn grow(search: Search<'_>, gradients: &Gradients, rows: Vec<u32>) -> Grown {
    let mut growing = Growing { search, gradients, nodes: Vec::new(), leaves: Vec::new() };
    let sum = gradients.sum(&rows);
    let histogram = Histogram::new(search.bins, search.features, gradients, &rows);
    growing.add_leaf(rows, sum, Bounds::FREE, 0, Some(histogram));
    while growing.leaves.len() < search.settings.max_leaves {
        let Some(next) = growing.most_promising() else { break };
        growing.divide(next);
    }
    let leaves = growing.leaves.into_iter().map(|leaf| (leaf.node, leaf.rows)).collect();
    Grown { tree: Tree::grown(growing.nodes), leaves }
}

impl Growing<'_> {
    /// The leaf with the largest gain; the first of equals.
    fn most_promising(&self) -> Option<usize> {
        let mut best: Option<(usize, f64)> = None;
        for (i, leaf) in self.leaves.iter().enumerate() {
            if let Some(split) = &leaf.split
                && best.is_none_or(|(_, gain)| split.gain > gain)
            {
                best = Some((i, split.gain));
            }
        }
        best.map(|(i, _)| i)
    }

    fn divide(&mut self, leaf: usize) {
        let leaf = self.leaves.remove(leaf);
        let (Some(found), Some(histogram)) = (leaf.split, leaf.histogram) else { return };
        let column = &self.search.bins.columns[found.feature];
        let (left, right): (Vec<u32>, Vec<u32>) =
            leaf.rows.into_iter().partition(|&row| found.is_left[column.bins[row as usize] as usize]);
        let depth = leaf.depth + 1;
        let (left_histogram, right_histogram) = self.histograms(histogram, &left, &right, depth);
        let (left_bounds, right_bounds) = self.bounds(&found, leaf.bounds);
        let left = self.add_leaf(left, found.left, left_bounds, depth, left_histogram);
        let right = self.add_leaf(right, found.right, right_bounds, depth, right_histogram);
        self.nodes[leaf.node].split = Some(Split {
            feature: found.feature,
            test: found.test,
            is_missing_left: found.is_left[0],
            is_zero_missing: false,
            left,
            right,
        });
    }

    /// Those of two leaves that may be split themselves; only the smaller one is added up.
    fn histograms(
        &self,
        whole: Histogram,
        left: &[u32],
        right: &[u32],
        depth: usize,
    ) -> (Option<Histogram>, Option<Histogram>) {
        let is_full = self.leaves.len() + 2 >= self.search.settings.max_leaves;
        let (may_left, may_right) = (self.may_split(left, depth), self.may_split(right, depth));
        if is_full || !(may_left || may_right) {
            return (None, None);
        }
        let Search { bins, features, .. } = self.search;
        let count = |rows: &[u32]| Histogram::new(bins, features, self.gradients, rows);
        let (left, right) = if left.len() <= right.len() {
            let counted = count(left);
            let rest = counted.rest_of(whole);
            (counted, rest)
        } else {
            let counted = count(right);
            (counted.rest_of(whole), counted)
        };
        (may_left.then_some(left), may_right.then_some(right))
    }

    fn may_split(&self, rows: &[u32], depth: usize) -> bool {
        let settings = self.search.settings;
        depth < settings.max_depth && rows.len() >= 2 * settings.min_leaf_rows
    }

    /// The two sides of a feature with a direction may not pass the middle between them later on.
    fn bounds(&self, found: &Found, own: Bounds) -> (Bounds, Bounds) {
        let middle = (self.search.value(found.left, own) + self.search.value(found.right, own)) / 2.0;
        let (below, above) = (Bounds { high: middle, ..own }, Bounds { low: middle, ..own });
        match found.monotone {
            Monotone::Free => (own, own),
            Monotone::Rising => (below, above),
            Monotone::Falling => (above, below),
        }
    }

    fn add_leaf(
        &mut self,
        rows: Vec<u32>,
        sum: Sum,
        bounds: Bounds,
        depth: usize,
        histogram: Option<Histogram>,
    ) -> usize {
        let node = self.nodes.len();
        let value = self.search.value(sum, bounds) * self.search.settings.learning_rate;
        self.nodes.push(Node { value, cover: f64::from(sum.n), split: None });
        let histogram = histogram.filter(|_| self.may_split(&rows, depth));
        let split = histogram.as_ref().and_then(|histogram| self.search.best(histogram, sum, bounds));
        self.leaves.push(Leaf { node, rows, bounds, depth, histogram, split });
        node
    }
}
