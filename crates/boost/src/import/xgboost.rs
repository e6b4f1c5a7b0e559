//! JSON models of XGBoost.
//!
//! A tree is a set of arrays, one entry a node; a child of -1 marks a leaf, whose value is in `split_conditions`. Values
//! *below* a threshold go left, and both are 32-bit numbers: the same as "at most the next lower one". Categories in a
//! set go right. Covers are sums of hessians.

use serde::Deserialize;

use crate::ensemble::Ensemble;
use crate::feature::{Feature, Kind};
use crate::problems::Problems;
use crate::tree::{Node, Split, Test, Tree};

#[derive(Deserialize)]
struct Written {
    learner: Learner,
}

#[derive(Deserialize)]
struct Learner {
    #[serde(default)]
    feature_names: Vec<String>,
    gradient_booster: Booster,
    learner_model_param: Param,
    objective: Objective,
}

#[derive(Deserialize)]
struct Booster {
    name: String,
    model: Option<Model>,
}

#[derive(Deserialize)]
struct Model {
    trees: Vec<WrittenTree>,
}

#[derive(Deserialize)]
struct Param {
    base_score: String,
    num_feature: String,
}

#[derive(Deserialize)]
struct Objective {
    name: String,
}

#[derive(Deserialize)]
struct WrittenTree {
    left_children: Vec<i64>,
    right_children: Vec<i64>,
    split_indices: Vec<usize>,
    split_conditions: Vec<f32>,
    default_left: Vec<Flag>,
    sum_hessian: Vec<f64>,
    #[serde(default)]
    split_type: Vec<u8>,
    #[serde(default)]
    categories: Vec<u32>,
    #[serde(default)]
    categories_nodes: Vec<usize>,
    #[serde(default)]
    categories_segments: Vec<usize>,
    #[serde(default)]
    categories_sizes: Vec<usize>,
}

/// Older releases write truths, newer ones 0 and 1.
#[derive(Deserialize, Clone, Copy)]
#[serde(untagged)]
enum Flag {
    Truth(bool),
    Number(u8),
}

impl Flag {
    const fn is_set(self) -> bool {
        match self {
            Self::Truth(truth) => truth,
            Self::Number(number) => number != 0,
        }
    }
}

/// Reads a model for two classes. Cost: linear.
///
/// # Errors
/// Every tree that cannot be read, and why; boosters other than `gbtree`; objectives other than `binary:logistic` and
/// `binary:logitraw`.
pub fn from_xgboost(text: &[u8]) -> Result<Ensemble, Problems> {
    let Written { learner } =
        serde_json::from_slice(text).map_err(|error| Problems::one(error.to_string()))?;
    let mut problems = Problems::default();
    let base_score = base_score(&learner, &mut problems);
    let features = features(&learner, &mut problems);
    let written = match (learner.gradient_booster.name.as_str(), learner.gradient_booster.model) {
        ("gbtree", Some(model)) => model.trees,
        (name, _) => {
            return Err(Problems::one(format!("the booster is \"{name}\"; only gbtree can be read")));
        }
    };
    let mut trees = Vec::new();
    for (i, written) in written.iter().enumerate() {
        match tree(written, features.len()) {
            Ok(tree) => trees.push(tree),
            Err(why) => problems.add(format!("tree {i}: {why}")),
        }
    }
    problems.or(())?;
    let splits = trees.iter().flat_map(Tree::nodes).filter_map(|node| node.split.as_ref());
    let mut features = features;
    for split in splits.filter(|split| matches!(split.test, Test::OneOf(_))) {
        features[split.feature].kind = Kind::Category;
    }
    Ok(Ensemble::new(features, base_score, trees)?.single_precision())
}

/// The margin that sums begin with; models name it as a probability.
fn base_score(learner: &Learner, problems: &mut Problems) -> f64 {
    let text = learner.learner_model_param.base_score.trim_matches(['[', ']']);
    let Ok(base) = text.parse::<f32>() else {
        problems.add(format!("base_score is \"{text}\", which is no number"));
        return 0.0;
    };
    let base = f64::from(base);
    match learner.objective.name.as_str() {
        "binary:logistic" => (base / (1.0 - base)).ln(),
        "binary:logitraw" => base,
        name => {
            problems.add(format!("objective is \"{name}\", which should be binary:logistic: two classes"));
            0.0
        }
    }
}

fn features(learner: &Learner, problems: &mut Problems) -> Vec<Feature> {
    let text = &learner.learner_model_param.num_feature;
    let n = text.parse::<usize>().ok().filter(|n| *n <= usize::from(u16::MAX));
    let Some(n) = n else {
        problems.add(format!("num_feature is \"{text}\", which should be a number up to 65535"));
        return Vec::new();
    };
    match learner.feature_names.len() {
        0 => (0..n).map(|i| Feature::number(format!("f{i}"))).collect(),
        found if found == n => learner.feature_names.iter().map(Feature::number).collect(),
        found => {
            problems.add(format!("there are {found} feature_names for {n} features"));
            Vec::new()
        }
    }
}

fn tree(written: &WrittenTree, n_features: usize) -> Result<Tree, String> {
    let n = written.left_children.len();
    let lengths = [
        ("right_children", written.right_children.len()),
        ("split_indices", written.split_indices.len()),
        ("split_conditions", written.split_conditions.len()),
        ("default_left", written.default_left.len()),
        ("sum_hessian", written.sum_hessian.len()),
    ];
    if let Some((name, found)) = lengths.iter().find(|(_, found)| *found != n) {
        return Err(format!("{name} has {found} entries for {n} nodes"));
    }
    let nodes = (0..n).map(|at| node(written, at)).collect::<Result<_, _>>()?;
    Tree::new(nodes, n_features)
}

fn node(written: &WrittenTree, at: usize) -> Result<Node, String> {
    let condition = written.split_conditions[at];
    let cover = written.sum_hessian[at];
    if written.left_children[at] == -1 {
        return Ok(Node { value: f64::from(condition), cover, split: None });
    }
    let child = |child: i64| usize::try_from(child).map_err(|_| format!("node {at} has the child {child}"));
    let (left, right) = (child(written.left_children[at])?, child(written.right_children[at])?);
    let is_missing_left = written.default_left[at].is_set();
    let number = Split {
        feature: written.split_indices[at],
        test: Test::AtMost(f64::from(condition.next_down())),
        is_missing_left,
        is_zero_missing: false,
        left,
        right,
    };
    let split = match written.split_type.get(at) {
        Some(1) => Split {
            test: Test::OneOf(set(written, at)?),
            is_missing_left: !is_missing_left,
            left: right,
            right: left,
            ..number
        },
        _ => number,
    };
    Ok(Node { value: 0.0, cover, split: Some(split) })
}

/// The categories of a node, in ascending order.
fn set(written: &WrittenTree, at: usize) -> Result<Vec<u32>, String> {
    let missing = || format!("node {at} has no categories");
    let i = written.categories_nodes.iter().position(|&node| node == at).ok_or_else(missing)?;
    let begin = *written.categories_segments.get(i).ok_or_else(missing)?;
    let size = *written.categories_sizes.get(i).ok_or_else(missing)?;
    let end = begin.checked_add(size).ok_or_else(missing)?;
    let mut set = written.categories.get(begin..end).ok_or_else(missing)?.to_vec();
    set.sort_unstable();
    Ok(set)
}
