//! The trees of a model in one block of memory, to score rows fast.
//!
//! A step takes 16 bytes, and the two that follow it lie side by side, so that a model of 60 trees stays in the first
//! cache.

use crate::tree::{Node, Split, Test, Tree};

/// All trees.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Forest {
    /// Where each tree begins.
    roots: Vec<u32>,
    steps: Vec<Step>,
    /// Splits other than by a plain threshold.
    rare: Vec<Split>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Step {
    /// A threshold, the value of a leaf, or the number of a rare split.
    number: f64,
    /// The step to the left; the one to the right follows it.
    left: u32,
    feature: u16,
    kind: Kind,
    is_missing_left: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Leaf,
    Threshold,
    Rare,
}

impl Forest {
    /// `None` if there are more nodes or columns than a step can name.
    pub(crate) fn new(trees: &[Tree]) -> Option<Self> {
        let mut forest = Self { roots: Vec::new(), steps: Vec::new(), rare: Vec::new() };
        for tree in trees {
            forest.roots.push(u32::try_from(forest.steps.len()).ok()?);
            forest.add(tree)?;
        }
        u32::try_from(forest.steps.len()).ok()?;
        Some(forest)
    }

    fn add(&mut self, tree: &Tree) -> Option<()> {
        let nodes = tree.nodes();
        let mut open = vec![(0, self.steps.len())];
        self.steps.push(Step::EMPTY);
        while let Some((node, at)) = open.pop() {
            let left = self.steps.len();
            self.steps[at] = self.step(&nodes[node], left)?;
            if let Some(split) = &nodes[node].split {
                self.steps.extend([Step::EMPTY; 2]);
                open.extend([(split.right, left + 1), (split.left, left)]);
            }
        }
        Some(())
    }

    fn step(&mut self, node: &Node, left: usize) -> Option<Step> {
        let Some(split) = &node.split else { return Some(Step { number: node.value, ..Step::EMPTY }) };
        let (number, kind) = match &split.test {
            Test::AtMost(threshold) if !split.is_zero_missing => (*threshold, Kind::Threshold),
            _ => {
                self.rare.push(split.clone());
                ((self.rare.len() - 1) as f64, Kind::Rare)
            }
        };
        let (left, feature) = (u32::try_from(left).ok()?, u16::try_from(split.feature).ok()?);
        Some(Step { number, left, feature, kind, is_missing_left: split.is_missing_left })
    }

    /// The sum of the leaves of a row. Cost: the depth of each tree.
    pub(crate) fn sum(&self, row: &[f64]) -> f64 {
        self.roots.iter().map(|&root| self.leaf(root as usize, row)).sum()
    }

    fn leaf(&self, root: usize, row: &[f64]) -> f64 {
        let mut step = self.steps[root];
        while step.kind != Kind::Leaf {
            let value = row[step.feature as usize];
            let goes_left = match step.kind {
                Kind::Rare => self.rare[step.number as usize].goes_left(value),
                _ => value <= step.number || (value.is_nan() && step.is_missing_left),
            };
            step = self.steps[step.left as usize + usize::from(!goes_left)];
        }
        step.number
    }
}

impl Step {
    const EMPTY: Self = Self { number: 0.0, left: 0, feature: 0, kind: Kind::Leaf, is_missing_left: false };
}
