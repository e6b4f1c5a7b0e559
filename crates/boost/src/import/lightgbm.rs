//! Text models of LightGBM.
//!
//! A model is a list of `key=value` lines, one block for all and one for each tree. In a tree, a child below zero is leaf
//! `-child - 1`. `decision_type` has bit 0 for categories, bit 1 for missing values to the left, and bits 2 and 3 for what
//! is missing: nothing, zero, or NaN. Sets of categories are bits in `cat_threshold`.

use std::collections::HashMap;
use std::str::FromStr;

use crate::ensemble::Ensemble;
use crate::feature::{Feature, Kind};
use crate::problems::Problems;
use crate::tree::{Node, Split, Test, Tree};

/// Reads a model for two classes. Cost: linear.
///
/// # Errors
/// Every tree that cannot be read, and why; objectives other than `binary`; linear trees.
pub fn from_lightgbm(text: &[u8]) -> Result<Ensemble, Problems> {
    let text = std::str::from_utf8(text).map_err(|_| Problems::one("the model is not UTF-8"))?;
    let text = text.split("\nend of trees").next().unwrap_or(text);
    let mut blocks = text.split("\nTree=");
    let head = Block::new(blocks.next().unwrap_or_default());
    let mut problems = Problems::default();
    let names: Vec<&str> =
        head.fields.get("feature_names").map(|names| names.split(' ').collect()).unwrap_or_default();
    if names.is_empty() {
        problems.add("feature_names is missing");
    }
    let scale = scale(&head, &mut problems);
    let mut trees = Vec::new();
    for block in blocks {
        let (number, block) = block.split_once('\n').unwrap_or((block, ""));
        match tree(&Block::new(block), names.len(), scale) {
            Ok(tree) => trees.push(tree),
            Err(why) => problems.add(format!("tree {number}: {why}")),
        }
    }
    if trees.is_empty() {
        problems.add("there are no trees");
    }
    problems.or(())?;
    let kind = |column| {
        let mut splits = trees.iter().flat_map(Tree::nodes).filter_map(|node| node.split.as_ref());
        let is_category = splits.any(|split| split.feature == column && matches!(split.test, Test::OneOf(_)));
        if is_category { Kind::Category } else { Kind::Number }
    };
    let features = names.iter().enumerate();
    let features = features.map(|(i, name)| Feature { kind: kind(i), ..Feature::number(*name) }).collect();
    Ensemble::new(features, 0.0, trees)
}

/// What sums are multiplied with before they become odds.
fn scale(head: &Block<'_>, problems: &mut Problems) -> f64 {
    let objective = head.fields.get("objective").copied().unwrap_or_default();
    let mut words = objective.split(' ');
    if words.next() != Some("binary") {
        problems.add(format!("objective is \"{objective}\", which should be binary: two classes"));
    }
    if head.text.lines().any(|line| line == "average_output") {
        problems.add("the trees are averaged, as in a random forest; only boosted ones can be read");
    }
    let sigmoid = words.find_map(|word| word.strip_prefix("sigmoid:"));
    sigmoid.and_then(|sigmoid| sigmoid.parse().ok()).unwrap_or(1.0)
}

/// Lines of `key=value`.
struct Block<'a> {
    text: &'a str,
    fields: HashMap<&'a str, &'a str>,
}

impl<'a> Block<'a> {
    fn new(text: &'a str) -> Self {
        let fields = text.lines().filter_map(|line| line.split_once('=')).collect();
        Self { text, fields }
    }

    /// The numbers of a field, which are so many.
    fn list<T: FromStr>(&self, name: &str, length: usize) -> Result<Vec<T>, String> {
        let text = self.fields.get(name).ok_or_else(|| format!("{name} is missing"))?;
        let parse =
            |word: &str| word.parse().map_err(|_| format!("{name} contains \"{word}\", which is no number"));
        let numbers: Vec<T> = text.split_ascii_whitespace().map(parse).collect::<Result<_, _>>()?;
        match numbers.len() == length {
            true => Ok(numbers),
            false => Err(format!("{name} has {} numbers, which should be {length}", numbers.len())),
        }
    }

    fn number(&self, name: &str) -> Result<usize, String> {
        Ok(self.list(name, 1)?[0])
    }
}

fn tree(block: &Block<'_>, n_features: usize, scale: f64) -> Result<Tree, String> {
    if block.fields.get("is_linear").is_some_and(|is_linear| *is_linear != "0") {
        return Err("its leaves are linear models, which cannot be read".to_owned());
    }
    let n_leaves = block.number("num_leaves")?;
    if n_leaves == 0 || n_leaves > block.text.len() {
        return Err(format!("num_leaves is {n_leaves}"));
    }
    let values: Vec<f64> = block.list("leaf_value", n_leaves)?;
    let n_inner = n_leaves - 1;
    // A tree of a single leaf has no counts.
    let leaf_covers: Vec<f64> = if n_inner == 0 { vec![0.0] } else { block.list("leaf_count", n_leaves)? };
    let leaves = values.iter().zip(leaf_covers).map(|(value, cover)| Node {
        value: value * scale,
        cover,
        split: None,
    });
    let inner = if n_inner == 0 { Vec::new() } else { inner(block, n_inner)? };
    Tree::new(inner.into_iter().chain(leaves).collect(), n_features)
}

fn inner(block: &Block<'_>, n: usize) -> Result<Vec<Node>, String> {
    let features: Vec<usize> = block.list("split_feature", n)?;
    let thresholds: Vec<f64> = block.list("threshold", n)?;
    let decisions: Vec<u8> = block.list("decision_type", n)?;
    let (left, right): (Vec<i64>, Vec<i64>) = (block.list("left_child", n)?, block.list("right_child", n)?);
    let covers: Vec<f64> = block.list("internal_count", n)?;
    let sets = sets(block)?;
    let place = |child: i64| match usize::try_from(child) {
        Ok(child) => child,
        Err(_) => n.saturating_add(usize::try_from(-(child + 1)).unwrap_or(usize::MAX)),
    };
    let node = |i: usize| {
        let is_category = decisions[i] & 1 != 0;
        let test = if is_category {
            let set = sets
                .get(thresholds[i] as usize)
                .ok_or_else(|| format!("node {i} has no set of categories"))?;
            Test::OneOf(set.clone())
        } else {
            Test::AtMost(thresholds[i])
        };
        let split = Split {
            feature: features[i],
            test,
            // Of categories, missing ones are in no set.
            is_missing_left: !is_category && decisions[i] & 2 != 0,
            is_zero_missing: !is_category && decisions[i] & 12 == 4,
            left: place(left[i]),
            right: place(right[i]),
        };
        let reads_missing_as_zero = !is_category && decisions[i] & 12 == 0;
        let split = if reads_missing_as_zero { split.missing_as(0.0) } else { split };
        Ok(Node { value: 0.0, cover: covers[i], split: Some(split) })
    };
    (0..n).map(node).collect()
}

/// The sets of categories of a tree.
fn sets(block: &Block<'_>) -> Result<Vec<Vec<u32>>, String> {
    let n = block.number("num_cat").unwrap_or(0);
    if n == 0 {
        return Ok(Vec::new());
    }
    if n > block.text.len() {
        return Err(format!("num_cat is {n}"));
    }
    let bounds: Vec<usize> = block.list("cat_boundaries", n + 1)?;
    let words: Vec<u32> = block.list("cat_threshold", bounds[n])?;
    let set = |bounds: &[usize]| {
        let words = words.get(bounds[0]..bounds[1]).ok_or("cat_boundaries are out of order")?;
        let bits =
            (0..).zip(words).flat_map(|(i, &word)| (0..32).map(move |bit| (i * 32 + bit, word >> bit & 1)));
        Ok(bits.filter(|(_, is_set)| *is_set == 1).map(|(code, _)| code).collect())
    };
    bounds.windows(2).map(set).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = "tree\nversion=v4\nobjective=binary sigmoid:1\nfeature_names=a b\n\nTree=0\nnum_leaves=3\n\
        num_cat=1\nsplit_feature=0 1\nthreshold=1.5 0\ndecision_type=2 1\nleft_child=-1 -2\nright_child=1 -3\n\
        leaf_value=-1 0.5 2\nleaf_count=5 3 2\ninternal_count=10 5\ncat_boundaries=0 2\ncat_threshold=5 1\n\
        is_linear=0\n\nend of trees\n\nparameters:\nend of parameters\n";

    #[test]
    fn rows_take_their_way() {
        let model = from_lightgbm(MODEL.as_bytes()).unwrap();
        #[track_caller]
        fn check(model: &Ensemble, row: [f64; 2], margin: f64) {
            assert_eq!(model.margin(&row), margin, "{row:?}");
        }
        check(&model, [1.0, 0.0], -1.0);
        check(&model, [f64::NAN, 0.0], -1.0); // read as zero
        for (code, margin) in [(0.0, 0.5), (1.0, 2.0), (2.0, 0.5), (32.0, 0.5), (33.0, 2.0), (f64::NAN, 2.0)]
        {
            check(&model, [2.0, code], margin);
        }
        let doubled = from_lightgbm(MODEL.replace("sigmoid:1", "sigmoid:2").as_bytes()).unwrap();
        check(&doubled, [1.0, 0.0], -2.0);
    }

    #[test]
    fn mistakes_are_named() {
        #[track_caller]
        fn check(change: (&str, &str), expected: &[&str]) {
            let text = MODEL.replace(change.0, change.1);
            assert_eq!(from_lightgbm(text.as_bytes()).unwrap_err().list(), expected);
        }
        check(
            ("=binary", "=regression"),
            &["objective is \"regression sigmoid:1\", which should be binary: two classes"],
        );
        check(
            ("threshold=1.5 0", "threshold=1.5 x"),
            &["tree 0: threshold contains \"x\", which is no number", "there are no trees"],
        );
        check(
            ("leaf_count=5 3 2", "leaf_count=5"),
            &["tree 0: leaf_count has 1 numbers, which should be 3", "there are no trees"],
        );
        check(
            ("left_child=-1 -2", "left_child=0 -2"),
            &["tree 0: node 0 is reached twice", "there are no trees"],
        );
        check(
            ("is_linear=0", "is_linear=1"),
            &["tree 0: its leaves are linear models, which cannot be read", "there are no trees"],
        );
        check(
            ("cat_boundaries=0 2", "cat_boundaries=3 2"),
            &["tree 0: cat_boundaries are out of order", "there are no trees"],
        );
        check(
            ("num_leaves=3", "num_leaves=99999999"),
            &["tree 0: num_leaves is 99999999", "there are no trees"],
        );
    }
}
