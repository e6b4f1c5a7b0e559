//! Isolation forest: strange rows are separated from the others by few cuts.

use std::borrow::Cow;

use rayon::prelude::*;

use super::kind::{Fit, Kind, Method, Progress, Rows};
use crate::random::Random;
use crate::store::{Damage, Part, Writer};

pub(super) const KIND: Kind = Kind {
    name: "isolation-forest",
    about: "rows that few cuts separate from all others",
    window: 1,
    is_slow: false,
    fit: |rows, fit, _: &mut dyn FnMut(Progress)| Box::new(Isolation::fit(rows, fit)),
    read: |part, n_columns| Ok(Box::new(Isolation::read(part, n_columns)?)),
};

const N_TREES: usize = 100;

/// Rows that a tree is grown from.
const N_SAMPLED: usize = 256;

/// Cuts on a path at most, the binary logarithm of the sample.
const MAX_DEPTH: usize = 8;

/// Nodes of a tree, its root first. Below the last cut a leaf counts its rows.
type Tree = Vec<Node>;

#[derive(Debug, Clone, Copy)]
enum Node {
    /// Rows below `at` go to the node `left`, others to the one after it.
    Cut { column: usize, at: f32, left: usize },
    /// How many cuts more the rows here would have needed.
    Leaf { depth: f32 },
}

/// # Source
/// F. T. Liu, K. M. Ting, Z.-H. Zhou, "Isolation forest", ICDM 2008.
#[derive(Debug)]
struct Isolation {
    n_columns: usize,
    /// The mean number of cuts that separate a row of a sample.
    usual_depth: f32,
    trees: Vec<Tree>,
    /// Between these the values of training lay: no cut tells how far beyond a value is.
    lows: Vec<f32>,
    highs: Vec<f32>,
}

impl Isolation {
    /// Cost: O(trees × sample × depth).
    fn fit(rows: &Rows<'_>, fit: &Fit) -> Self {
        let grow = |index| {
            let mut random = Random::fork(fit.seed, index);
            let sample = random.sample(N_SAMPLED, rows.n());
            let sample: Vec<Cow<'_, [f32]>> = sample.into_iter().map(|row| rows.window(row, 1)).collect();
            let sample = sample.iter().map(AsRef::as_ref).collect();
            let mut tree = vec![Node::Leaf { depth: 0.0 }];
            split(&mut tree, 0, sample, 0, &mut random);
            tree
        };
        let trees = (0..N_TREES).into_par_iter().map(grow).collect();
        let fold = |from: f32, of: fn(f32, f32) -> f32| {
            let mut ends = vec![from; rows.n_columns];
            for piece in rows.pieces(1) {
                for row in piece.chunks_exact(rows.n_columns) {
                    ends.iter_mut().zip(row).for_each(|(end, value)| *end = of(*end, *value));
                }
            }
            ends
        };
        Self {
            n_columns: rows.n_columns,
            usual_depth: usual_depth(N_SAMPLED.min(rows.n())).max(1.0),
            trees,
            lows: fold(f32::MAX, f32::min),
            highs: fold(f32::MIN, f32::max),
        }
    }

    fn read(part: &Part<'_>, n_columns: usize) -> Result<Self, Damage> {
        let (_, nodes) = part.rows("nodes", &[3])?;
        let (_, sizes) = part.rows("trees", &[])?;
        let (_, usual) = part.rows("usual_depth", &[])?;
        let mut nodes = nodes.as_chunks::<3>().0.iter();
        let mut trees = Vec::new();
        for size in sizes {
            let tree: Tree = nodes.by_ref().take(*size as usize).map(read_node).collect();
            let is_whole = tree.iter().enumerate().all(|(at, node)| match node {
                // Nodes come after those above them, so paths end.
                Node::Cut { column, left, .. } => *column < n_columns && *left > at && left + 1 < tree.len(),
                Node::Leaf { .. } => true,
            });
            if !is_whole || tree.is_empty() {
                return Err(part.misshapen("nodes"));
            }
            trees.push(tree);
        }
        let ends = |name: &str| match part.get(name)? {
            ([n], ends) if *n == n_columns => Ok(ends.to_vec()),
            _ => Err(part.misshapen(name)),
        };
        let usual_depth = usual.first().copied().unwrap_or(1.0);
        Ok(Self { n_columns, usual_depth, trees, lows: ends("lows")?, highs: ends("highs")? })
    }

    /// How far each value lies beyond the values of training, in their range.
    fn beyond<'a>(&'a self, row: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        let ends = self.lows.iter().zip(&self.highs);
        row.iter().zip(ends).map(|(value, (low, high))| 0.25 * (low - value).max(value - high).max(0.0))
    }

    /// How few cuts separate a row.
    fn shortness(&self, row: &[f32]) -> f32 {
        let depths: f32 = self.trees.iter().map(|tree| Self::path(tree, row).1).sum();
        (-depths / self.trees.len() as f32 / self.usual_depth).exp2()
    }

    /// The columns cut on a row's way through a tree, and its depth.
    fn path(tree: &Tree, row: &[f32]) -> (Vec<usize>, f32) {
        let (mut columns, mut at) = (Vec::new(), 0);
        while let Some(Node::Cut { column, at: cut, left }) = tree.get(at) {
            columns.push(*column);
            at = left + usize::from(row.get(*column).is_some_and(|value| value >= cut));
        }
        let below = match tree.get(at) {
            Some(Node::Leaf { depth }) => *depth,
            _ => 0.0,
        };
        let depth = columns.len() as f32 + below;
        (columns, depth)
    }
}

fn split(tree: &mut Tree, at: usize, rows: Vec<&[f32]>, depth: usize, random: &mut Random) {
    let Some((column, cut)) = choose(&rows, random).filter(|_| depth < MAX_DEPTH && rows.len() > 1) else {
        if let Some(node) = tree.get_mut(at) {
            *node = Node::Leaf { depth: usual_depth(rows.len()) };
        }
        return;
    };
    let (left, right): (Vec<&[f32]>, Vec<&[f32]>) =
        rows.into_iter().partition(|row| row.get(column).is_some_and(|value| *value < cut));
    let below = tree.len();
    tree.extend([Node::Leaf { depth: 0.0 }; 2]);
    if let Some(node) = tree.get_mut(at) {
        *node = Node::Cut { column, at: cut, left: below };
    }
    split(tree, below, left, depth + 1, random);
    split(tree, below + 1, right, depth + 1, random);
}

/// A column in which the rows differ, and where to cut it.
fn choose(rows: &[&[f32]], random: &mut Random) -> Option<(usize, f32)> {
    let n_columns = rows.first()?.len();
    let range = |column: usize| {
        let values = || rows.iter().filter_map(|row| row.get(column).copied());
        (values().fold(f32::INFINITY, f32::min), values().fold(f32::NEG_INFINITY, f32::max))
    };
    let ranges: Vec<(usize, (f32, f32))> =
        (0..n_columns).map(|column| (column, range(column))).filter(|(_, (low, high))| high > low).collect();
    let (column, (low, high)) = *ranges.get(random.below(ranges.len().max(1)))?;
    // Above the lowest, so that both sides have rows.
    let cut = low + (high - low) * random.unit();
    Some((column, if cut > low { cut } else { high }))
}

/// The mean depth of a row among `n` in a tree that separates all.
#[expect(clippy::cast_possible_truncation, reason = "a depth is a small number")]
fn usual_depth(n: usize) -> f32 {
    const EULER: f64 = 0.577_215_664_901_532_9;
    if n < 2 {
        return 0.0;
    }
    let below = (n - 1) as f64;
    (2.0 * (below.ln() + EULER) - 2.0 * below / n as f64) as f32
}

impl Method for Isolation {
    fn window(&self) -> usize {
        1
    }

    /// Each cut on a path counts for its column, the more the shorter the path; and so does what lies beyond all cuts.
    fn contributions(&self, window: &[f32]) -> Vec<f32> {
        let mut sums = vec![0.0; self.n_columns];
        for tree in &self.trees {
            let (columns, depth) = Self::path(tree, window);
            let worth = (-depth).exp2() / columns.len().max(1) as f32;
            for column in columns {
                if let Some(sum) = sums.get_mut(column) {
                    *sum += worth;
                }
            }
        }
        let (sum, score) = (sums.iter().sum::<f32>(), self.shortness(window));
        if sum > 0.0 {
            sums.iter_mut().for_each(|value| *value *= score / sum);
        }
        sums.iter_mut().zip(self.beyond(window)).for_each(|(value, beyond)| *value += beyond);
        sums
    }

    fn score(&self, window: &[f32]) -> f32 {
        self.shortness(window) + self.beyond(window).sum::<f32>()
    }

    fn write(&self, part: &mut Writer<'_>) {
        let nodes: Vec<f32> = self.trees.iter().flatten().flat_map(write_node).collect();
        let sizes: Vec<f32> = self.trees.iter().map(|tree| tree.len() as f32).collect();
        part.put("nodes", &[nodes.len() / 3, 3], &nodes);
        part.put("trees", &[sizes.len()], &sizes);
        part.put("usual_depth", &[1], &[self.usual_depth]);
        part.put("lows", &[self.n_columns], &self.lows);
        part.put("highs", &[self.n_columns], &self.highs);
    }
}

/// Numbers below 2^24 are exact. No node is left of the root, so a leaf is one without a left child.
fn write_node(node: &Node) -> [f32; 3] {
    match *node {
        Node::Cut { column, at, left } => [column as f32, at, left as f32],
        Node::Leaf { depth } => [0.0, depth, 0.0],
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "they were whole numbers; others are refused as misshapen"
)]
fn read_node(&[column, at, left]: &[f32; 3]) -> Node {
    if left > 0.0 {
        Node::Cut { column: column as usize, at, left: left as usize }
    } else {
        Node::Leaf { depth: at }
    }
}
