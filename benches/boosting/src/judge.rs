//! A second opinion on exact reasons: the crate `treeshap`, which reads models of LightGBM.
//!
//! Models are written for it as LightGBM writes them. It knows no categories, so a split by a set of them becomes one by a column that
//! says whether a row is in the set. What such columns get is added up for the feature that they are made of; that is exact as long as
//! no path asks for two sets of one feature.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

use lanner_boost::{Ensemble, Explainer, Node, Split, Test};
use serde::Deserialize;
use treeshap::{TreeExplainer, TreeModel};

use crate::table::Table;

/// What may be between two ways of adding up.
const MOST: f64 = 1e-9;

/// Rows of a learned model that are judged.
const N_JUDGED: usize = 200;

/// A recorded model; its trees are read by Lanner.
#[derive(Deserialize)]
struct Recorded {
    inputs: Vec<Vec<Option<f64>>>,
    shap: Vec<Vec<f64>>,
}

/// Judges all recorded models of a folder.
pub(crate) fn recorded(folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut paths: Vec<_> =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    for path in paths {
        let text = std::fs::read(&path)?;
        let recorded: Recorded = serde_json::from_slice(&text)?;
        let model = Ensemble::from_json(&text)?;
        let row = |input: &Vec<Option<f64>>| input.iter().map(|value| value.unwrap_or(f64::NAN)).collect();
        let rows: Vec<Vec<f64>> = recorded.inputs.iter().map(row).collect();
        let (ours, theirs) = (ours(&model, &rows), theirs(&model, &rows)?);
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        told(&format!("{name}, treeshap"), &ours, &theirs)?;
        told(&format!("{name}, as recorded"), &ours, &recorded.shap)?;
    }
    Ok(())
}

/// Judges a model on rows that it has not seen.
pub(crate) fn learned(model: &Ensemble, table: &Table) -> Result<(), Box<dyn Error>> {
    let rows: Vec<Vec<f64>> = table.unseen.rows().take(N_JUDGED).map(<[f64]>::to_vec).collect();
    told("the model just learned, treeshap", &ours(model, &rows), &theirs(model, &rows)?)
}

/// Says how far two opinions are apart; an error if that is too far.
fn told(what: &str, ours: &[Vec<f64>], theirs: &[Vec<f64>]) -> Result<(), Box<dyn Error>> {
    let pairs = ours.iter().flatten().zip(theirs.iter().flatten());
    let most = pairs.clone().map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    println!("exact reasons, {what}: {} values, at most {most:.1e} apart", pairs.count());
    let is_all = ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| a.len() == b.len());
    if is_all && most <= MOST { Ok(()) } else { Err(format!("{what}: opinions differ by {most:e}").into()) }
}

fn ours(model: &Ensemble, rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let explainer = Explainer::new(model);
    rows.iter().map(|row| explainer.explain(row).contributions).collect()
}

fn theirs(model: &Ensemble, rows: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, Box<dyn Error>> {
    let sets = Sets::of(model)?;
    let judged =
        TreeModel::from_lightgbm_text(&as_lightgbm(model, &sets)).map_err(|error| format!("{error:?}"))?;
    let explainer = TreeExplainer::path_dependent(&judged).map_err(|error| format!("{error:?}"))?;
    let one = |row: &Vec<f64>| -> Result<Vec<f64>, Box<dyn Error>> {
        let values = explainer.shap_values(&sets.widened(row), 0).map_err(|error| format!("{error:?}"))?;
        Ok(sets.narrowed(&values, row.len()))
    };
    rows.iter().map(one).collect()
}

/// The splits of a model by sets of categories, each of which becomes a column behind the others.
struct Sets(Vec<Split>);

impl Sets {
    fn of(model: &Ensemble) -> Result<Self, Box<dyn Error>> {
        let mut sets = Self(Vec::new());
        for tree in model.trees() {
            sets.add(tree.nodes(), 0, &mut Vec::new())?;
        }
        Ok(sets)
    }

    /// Adds the splits below a node; `above` are those on the way to it.
    fn add(&mut self, nodes: &[Node], at: usize, above: &mut Vec<Split>) -> Result<(), Box<dyn Error>> {
        let Some(split) = &nodes[at].split else { return Ok(()) };
        let is_set = matches!(split.test, Test::OneOf(_));
        if is_set && above.iter().any(|other| other.feature == split.feature && !is_same(other, split)) {
            return Err(format!("column {} is asked for two sets on one path", split.feature).into());
        }
        if is_set {
            self.0.push(split.clone());
            above.push(split.clone());
        }
        self.add(nodes, split.left, above)?;
        self.add(nodes, split.right, above)?;
        if is_set {
            above.pop();
        }
        Ok(())
    }

    /// The column of a split, of `n_features` that there were before.
    fn column(&self, split: &Split, n_features: usize) -> usize {
        let place = self.0.iter().position(|known| is_same(known, split));
        place.map_or(split.feature, |place| n_features + place)
    }

    /// A row with 0 for each set that it is in, and 1 for each other.
    fn widened(&self, row: &[f64]) -> Vec<f64> {
        let is_out = |split: &Split| f64::from(u8::from(!split.goes_left(row[split.feature])));
        row.iter().copied().chain(self.0.iter().map(is_out)).collect()
    }

    fn narrowed(&self, values: &[f64], n_features: usize) -> Vec<f64> {
        let mut sums = values[..n_features].to_vec();
        for (split, value) in self.0.iter().zip(&values[n_features..]) {
            sums[split.feature] += value;
        }
        sums
    }
}

/// Whether two splits ask the same of a row.
fn is_same(one: &Split, other: &Split) -> bool {
    one.feature == other.feature && one.test == other.test && one.is_missing_left == other.is_missing_left
}

/// A model as LightGBM writes it.
fn as_lightgbm(model: &Ensemble, sets: &Sets) -> String {
    let n_features = model.features().len();
    let names: Vec<String> = (0..n_features + sets.0.len()).map(|column| format!("f{column}")).collect();
    let mut text =
        format!("tree\nnum_class=1\nobjective=binary sigmoid:1\nfeature_names={}\n", names.join(" "));
    for (at, tree) in model.trees().iter().enumerate() {
        let _ =
            write!(text, "\nTree={at}\n{}", tree_text(tree.nodes(), |split| sets.column(split, n_features)));
    }
    text + "\nend of trees\n"
}

fn tree_text(nodes: &[Node], column: impl Fn(&Split) -> usize) -> String {
    // Inner nodes and leaves are counted apart; a leaf is written as minus its number, less one.
    let (inner, leaves): (Vec<usize>, Vec<usize>) =
        (0..nodes.len()).partition(|at| nodes[*at].split.is_some());
    let number = |at: usize| match inner.binary_search(&at) {
        Ok(place) => place as i64,
        Err(_) => -(leaves.binary_search(&at).unwrap_or_default() as i64) - 1,
    };
    let splits: Vec<&Split> = inner.iter().filter_map(|at| nodes[*at].split.as_ref()).collect();
    let threshold = |split: &&Split| match split.test {
        Test::AtMost(threshold) => threshold,
        Test::OneOf(_) => 0.5,
    };
    // NaN is missing, and goes left or right.
    let decision = |split: &&Split| if split.is_missing_left { 10 } else { 8 };
    let lines = [
        ("num_leaves", leaves.len().to_string()),
        ("num_cat", "0".to_owned()),
        ("split_feature", joined(splits.iter().map(|split| column(split)))),
        ("threshold", joined(splits.iter().map(threshold))),
        ("decision_type", joined(splits.iter().map(decision))),
        ("left_child", joined(splits.iter().map(|split| number(split.left)))),
        ("right_child", joined(splits.iter().map(|split| number(split.right)))),
        ("leaf_value", joined(leaves.iter().map(|at| nodes[*at].value))),
        ("leaf_count", joined(leaves.iter().map(|at| nodes[*at].cover))),
        ("internal_count", joined(inner.iter().map(|at| nodes[*at].cover))),
    ];
    lines.iter().map(|(name, values)| format!("{name}={values}\n")).collect()
}

/// Values with blanks between them; numbers read back as they were.
fn joined(values: impl Iterator<Item = impl ToString>) -> String {
    values.map(|value| value.to_string()).collect::<Vec<_>>().join(" ")
}
