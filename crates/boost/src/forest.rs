//! Trees in one block of memory, where they are too large for a [table](crate::lookup).
//!
//! A step takes 16 bytes, and the two that follow it lie side by side. Where a row goes cannot be foreseen, so a processor that
//! has to guess it guesses wrong as often as not: some trees are walked at once, without a branch that depends on the row, until
//! all of them are at a leaf.

use crate::tree::{Node, Split, Test, Tree};

/// Trees that are walked at once, enough to have the processor work on one while it waits for another.
const AT_ONCE: usize = 8;

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
    /// The step to the left; the one to the right follows it. Of a leaf, the leaf itself.
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
            self.steps[at] = self.step(&nodes[node], at, left)?;
            if let Some(split) = &nodes[node].split {
                self.steps.extend([Step::EMPTY; 2]);
                open.extend([(split.right, left + 1), (split.left, left)]);
            }
        }
        Some(())
    }

    fn step(&mut self, node: &Node, at: usize, left: usize) -> Option<Step> {
        let Some(split) = &node.split else {
            return Some(Step { number: node.value, left: u32::try_from(at).ok()?, ..Step::EMPTY });
        };
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
        if !self.rare.is_empty() {
            return self.roots.iter().map(|&root| self.leaf(root as usize, row)).sum();
        }
        self.roots.chunks(AT_ONCE).fold(0.0, |sum, roots| {
            let mut places = [0; AT_ONCE];
            places[..roots.len()].copy_from_slice(roots);
            while self.advance(&mut places, row) {}
            places[..roots.len()].iter().fold(sum, |sum, &at| sum + self.steps[at as usize].number)
        })
    }

    /// Goes one step further in each of some trees, in which all splits are by a threshold; whether there was one to go.
    #[inline]
    fn advance(&self, places: &mut [u32; AT_ONCE], row: &[f64]) -> bool {
        let mut is_any_split = false;
        for at in places {
            let step = self.steps[*at as usize];
            let is_split = step.kind != Kind::Leaf;
            let goes_right = is_split & !step.goes_left(row);
            *at = step.left + u32::from(goes_right);
            is_any_split |= is_split;
        }
        is_any_split
    }

    fn leaf(&self, root: usize, row: &[f64]) -> f64 {
        let mut step = self.steps[root];
        while step.kind != Kind::Leaf {
            let goes_left = match step.kind {
                Kind::Rare => self.rare[step.number as usize].goes_left(row[step.feature as usize]),
                _ => step.goes_left(row),
            };
            step = self.steps[step.left as usize + usize::from(!goes_left)];
        }
        step.number
    }
}

impl Step {
    /// Whether a row is at most the threshold.
    #[inline]
    fn goes_left(self, row: &[f64]) -> bool {
        // A row of a model without features is empty, and all its trees are leaves.
        let value = row.get(self.feature as usize).copied().unwrap_or(f64::NAN);
        (value <= self.number) | (value.is_nan() & self.is_missing_left)
    }

    const EMPTY: Self = Self { number: 0.0, left: 0, feature: 0, kind: Kind::Leaf, is_missing_left: false };
}
