//! Trees as one table: which leaves of each tree a value leaves possible.
//!
//! Splits only ask how a value lies beside thresholds, so a column has few values that differ: one more than the model has thresholds for
//! it, and a missing one. For each of these a line of the table holds a mask for each tree: its leaves that are possible where no other
//! column is known. A row is scored by one line for each column. What all of them leave possible is one leaf of each tree. No tree is walked
//! and no way is guessed, and a processor takes several trees in one step.
//!
//! Source: C. Lucchese et al., "QuickScorer: a fast algorithm to rank documents with additive ensembles of regression trees", SIGIR
//! 2015. It joins the masks of splits for each row; here they are joined beforehand.

use std::collections::BTreeMap;
use std::iter::once;

use crate::tree::{Node, Split, Tree};

/// Trees with more leaves are walked.
const MAX_LEAVES: usize = u32::BITS as usize;

/// Larger tables, of 4 MiB, would not stay near the processor.
const MAX_MASKS: usize = 1 << 20;

/// All trees of a model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lookup {
    /// The columns that are asked for, in ascending order.
    columns: Vec<Column>,
    /// Line after line, of one mask for each tree.
    masks: Vec<u32>,
    /// The values of the leaves of each tree, from left to right.
    leaves: Vec<[f64; MAX_LEAVES]>,
}

#[derive(Debug, Clone, PartialEq)]
struct Column {
    feature: usize,
    /// The largest of each group of values that no split tells apart, in ascending order; the last group has no end.
    ends: Vec<f64>,
    /// Where the line of missing values begins; behind it is one for each group.
    begin: usize,
}

impl Lookup {
    /// `None` if a tree has too many leaves, or all of them together too many thresholds. Cost: thresholds times trees.
    pub(crate) fn new(trees: &[Tree]) -> Option<Self> {
        let n_leaves = |tree: &Tree| tree.nodes().iter().filter(|node| node.split.is_none()).count();
        if trees.iter().any(|tree| n_leaves(tree) > MAX_LEAVES) {
            return None;
        }
        let (columns, n_lines) = columns(trees);
        let n_masks = n_lines.checked_mul(trees.len()).filter(|n| *n <= MAX_MASKS)?;
        let leaves = vec![[0.0; MAX_LEAVES]; trees.len()];
        let mut lookup = Self { columns, masks: vec![u32::MAX; n_masks], leaves };
        for (tree, nodes) in trees.iter().map(Tree::nodes).enumerate() {
            lookup.add(tree, nodes, 0, &mut 0);
        }
        Some(lookup)
    }

    /// Adds what is below a node of a tree, from left to right, after `n` leaves. Returns its leaves.
    fn add(&mut self, tree: usize, nodes: &[Node], at: usize, n: &mut usize) -> u32 {
        let Some(split) = &nodes[at].split else {
            self.leaves[tree][*n] = nodes[at].value;
            *n += 1;
            return 1 << (*n - 1);
        };
        let left = self.add(tree, nodes, split.left, n);
        let right = self.add(tree, nodes, split.right, n);
        self.rule_out(tree, split, left, right);
        left | right
    }

    /// Takes out of each line the leaves on that side of a split where its values do not go.
    fn rule_out(&mut self, tree: usize, split: &Split, left: u32, right: u32) {
        let n_trees = self.leaves.len();
        let Some(column) = self.columns.iter().find(|column| column.feature == split.feature) else { return };
        let values = once(f64::NAN).chain(column.ends.iter().copied()).chain(once(f64::INFINITY));
        for (value, line) in values.zip(self.masks[column.begin..].chunks_exact_mut(n_trees)) {
            line[tree] &= if split.goes_left(value) { !right } else { !left };
        }
    }

    /// The sum of the leaves of a row, tree by tree. Cost: columns times trees, of which a processor takes several at once.
    pub(crate) fn sum(&self, row: &[f64]) -> f64 {
        let mut possible = vec![u32::MAX; self.leaves.len()];
        for column in &self.columns {
            let begin = column.begin + column.line(row[column.feature]) * possible.len();
            let line = &self.masks[begin..begin + possible.len()];
            possible.iter_mut().zip(line).for_each(|(possible, mask)| *possible &= mask);
        }
        let leaves = possible.iter().zip(&self.leaves);
        leaves.fold(0.0, |sum, (leaf, values)| sum + values[leaf.trailing_zeros() as usize % MAX_LEAVES])
    }
}

impl Column {
    /// Which of its lines a value has.
    #[inline]
    fn line(&self, value: f64) -> usize {
        let group = 1 + self.ends.partition_point(|end| *end < value);
        if value.is_nan() { 0 } else { group }
    }
}

/// The columns that trees ask for, and how many lines they have.
fn columns(trees: &[Tree]) -> (Vec<Column>, usize) {
    let mut ends: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for split in trees.iter().flat_map(Tree::nodes).filter_map(|node| node.split.as_ref()) {
        ends.entry(split.feature).or_default().extend(split.ends());
    }
    let mut n_lines = 0;
    let column = |(feature, mut ends): (usize, Vec<f64>)| {
        ends.sort_unstable_by(f64::total_cmp);
        ends.dedup();
        let begin = n_lines * trees.len();
        n_lines += ends.len() + 2;
        Column { feature, ends, begin }
    };
    let columns = ends.into_iter().map(column).collect();
    (columns, n_lines)
}
