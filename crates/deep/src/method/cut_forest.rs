//! Random cut forest: how far a window lies outside the boxes around others.
//!
//! Cuts fall evenly over the edges of a box, so columns that vary little are rarely cut, and an outlier is cut off early. Whether
//! a new point would be cut off at a node has an exact probability; a score is a mean over all cuts that could be, so no
//! chance is left in it.

use std::borrow::Cow;

use rayon::prelude::*;

use super::kind::{Fit, Kind, Method, Progress, Rows, by_column};
use crate::random::Random;
use crate::store::{Damage, Part, Writer};

pub(super) const KIND: Kind = Kind {
    name: "random-cut-forest",
    about: "windows that lie outside of all others",
    window: 2,
    is_slow: false,
    fit: |rows, fit, _: &mut dyn FnMut(Progress)| Box::new(CutForest::fit(rows, fit)),
    read: |part, n_columns| Ok(Box::new(CutForest::read(part, n_columns)?)),
};

const N_TREES: usize = 40;

/// Windows that a tree is grown from.
const N_SAMPLED: usize = 128;

/// # Source
/// S. Guha, N. Mishra, G. Roy, O. Schrijvers, "Robust random cut forest based anomaly detection on streams", ICML 2016.
#[derive(Debug)]
struct CutForest {
    window: usize,
    n_columns: usize,
    trees: Vec<Tree>,
}

/// A tree, its root first.
#[derive(Debug, Default)]
struct Tree {
    nodes: Vec<Node>,
    /// The lowest and then the highest corner of each node's box.
    boxes: Vec<f32>,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    /// Where it is cut: left below or at that value. `left` is 0 for a leaf, whose points are all the same.
    axis: usize,
    at: f32,
    left: usize,
    /// Points below it.
    mass: f32,
}

impl CutForest {
    /// Cost: O(trees × sample × numbers in a window × depth).
    fn fit(rows: &Rows<'_>, fit: &Fit) -> Self {
        let grow = |index| {
            let mut random = Random::fork(fit.seed, index);
            let sample = random.sample(N_SAMPLED, rows.n_windows(fit.window));
            let points: Vec<Cow<'_, [f32]>> =
                sample.into_iter().map(|first| rows.window(first, fit.window)).collect();
            let points: Vec<&[f32]> = points.iter().map(AsRef::as_ref).collect();
            let mut tree = Tree::default();
            tree.add(&points);
            tree.split(0, points, &mut random);
            tree
        };
        let trees = (0..N_TREES).into_par_iter().map(grow).collect();
        Self { window: fit.window, n_columns: rows.n_columns, trees }
    }

    fn read(part: &Part<'_>, n_columns: usize) -> Result<Self, Damage> {
        let (_, nodes) = part.rows("nodes", &[4])?;
        let (_, sizes) = part.rows("trees", &[])?;
        let (shape, boxes) = part.get("boxes")?;
        let [n, 2, window, columns] = shape else { return Err(part.misshapen("boxes")) };
        if *columns != n_columns || *window == 0 || n * 4 != nodes.len() {
            return Err(part.misshapen("boxes"));
        }
        let length = window * n_columns;
        let (mut nodes, mut boxes) = (nodes.as_chunks::<4>().0.iter(), boxes.chunks_exact(2 * length));
        let mut trees = Vec::new();
        for size in sizes {
            let size = *size as usize;
            let tree = Tree {
                nodes: nodes.by_ref().take(size).map(read_node).collect(),
                boxes: boxes.by_ref().take(size).flatten().copied().collect(),
            };
            if !tree.is_whole(length) {
                return Err(part.misshapen("nodes"));
            }
            trees.push(tree);
        }
        Ok(Self { window: *window, n_columns, trees })
    }
}

impl Tree {
    fn add(&mut self, points: &[&[f32]]) {
        let length = points.first().map_or(0, |point| point.len());
        let corner = |start: f32, choose: fn(f32, f32) -> f32| {
            let mut corner = vec![start; length];
            for point in points {
                corner.iter_mut().zip(*point).for_each(|(corner, value)| *corner = choose(*corner, *value));
            }
            corner
        };
        self.boxes.extend(corner(f32::INFINITY, f32::min));
        self.boxes.extend(corner(f32::NEG_INFINITY, f32::max));
        self.nodes.push(Node { axis: 0, at: 0.0, left: 0, mass: points.len() as f32 });
    }

    fn split(&mut self, index: usize, points: Vec<&[f32]>, random: &mut Random) {
        let length = points.first().map_or(0, |point| point.len());
        let Some((axis, at)) = self.choose(index, length, random) else { return };
        let (left, right): (Vec<&[f32]>, Vec<&[f32]>) =
            points.into_iter().partition(|point| point.get(axis).is_some_and(|value| *value <= at));
        let below = self.nodes.len();
        if let Some(node) = self.nodes.get_mut(index) {
            *node = Node { axis, at, left: below, ..*node };
        }
        self.add(&left);
        self.add(&right);
        self.split(below, left, random);
        self.split(below + 1, right, random);
    }

    /// A cut by chance, each edge of the box as likely as it is long.
    fn choose(&self, index: usize, length: usize, random: &mut Random) -> Option<(usize, f32)> {
        let (low, high) = self.corners(index, length)?;
        let perimeter: f32 = low.iter().zip(high).map(|(low, high)| high - low).sum();
        let mut left = random.unit() * perimeter;
        let edges = low.iter().zip(high).enumerate().filter(|(_, (low, high))| high > low);
        let mut chosen = None;
        for (axis, (low, high)) in edges {
            chosen = Some((axis, if low + left < *high { low + left } else { *low }));
            left -= high - low;
            if left < 0.0 {
                break;
            }
        }
        chosen
    }

    fn corners(&self, index: usize, length: usize) -> Option<(&[f32], &[f32])> {
        let corners = self.boxes.get(2 * index * length..2 * (index + 1) * length)?;
        Some(corners.split_at(length))
    }

    /// Adds to `parts` what each number of a point contributes to its score.
    fn score(&self, point: &[f32], parts: &mut [f32]) {
        let (mut index, mut depth, mut reached) = (0, 0.0, 1.0);
        while let (Some(node), Some((low, high))) = (self.nodes.get(index), self.corners(index, point.len()))
        {
            let edges = low.iter().zip(high).zip(point);
            let outside =
                |((low, high), value): ((&f32, &f32), &f32)| (low - value).max(value - high).max(0.0);
            let sum: f32 = edges.clone().map(outside).sum();
            let perimeter: f32 = low.iter().zip(high).map(|(low, high)| high - low).sum();
            if sum > 0.0 {
                // Cut off here, with this probability: the cut falls between the box and the point.
                let worth = reached / (depth + 1.0) / (sum + perimeter);
                parts.iter_mut().zip(edges).for_each(|(part, edge)| *part += worth * outside(edge));
                reached *= perimeter / (sum + perimeter);
            }
            if node.left == 0 {
                let share = reached / (depth + (node.mass + 1.0).log2()) / point.len() as f32;
                parts.iter_mut().for_each(|part| *part += share);
                return;
            }
            index = node.left + usize::from(point.get(node.axis).is_some_and(|value| *value > node.at));
            depth += 1.0;
        }
    }

    /// Whether every path ends, and every node has its box.
    fn is_whole(&self, length: usize) -> bool {
        let n = self.nodes.len();
        let ends = |(at, node): (usize, &Node)| node.left == 0 || (node.left > at && node.left + 1 < n);
        n > 0 && self.boxes.len() == 2 * n * length && self.nodes.iter().enumerate().all(ends)
    }
}

impl Method for CutForest {
    fn window(&self) -> usize {
        self.window
    }

    fn contributions(&self, window: &[f32]) -> Vec<f32> {
        let mut parts = vec![0.0; window.len()];
        self.trees.iter().for_each(|tree| tree.score(window, &mut parts));
        by_column(self.n_columns, parts.iter().map(|part| part / self.trees.len() as f32))
    }

    fn write(&self, part: &mut Writer<'_>) {
        let nodes = self.trees.iter().flat_map(|tree| &tree.nodes);
        let nodes: Vec<f32> =
            nodes.flat_map(|node| [node.axis as f32, node.at, node.left as f32, node.mass]).collect();
        let boxes: Vec<f32> = self.trees.iter().flat_map(|tree| &tree.boxes).copied().collect();
        let sizes: Vec<f32> = self.trees.iter().map(|tree| tree.nodes.len() as f32).collect();
        part.put("nodes", &[nodes.len() / 4, 4], &nodes);
        part.put("boxes", &[nodes.len() / 4, 2, self.window, self.n_columns], &boxes);
        part.put("trees", &[sizes.len()], &sizes);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "they were whole numbers; others are refused as misshapen"
)]
fn read_node(&[axis, at, left, mass]: &[f32; 4]) -> Node {
    Node { axis: axis as usize, at, left: left as usize, mass }
}
