//! Models as JSON: flat lists of nodes, which other programs read and write as easily.
//!
//! ```json
//! {
//!   "format": "lanner-boost/1", "link": "sigmoid", "base_score": -0.9,
//!   "feature_names": ["requests", "method"], "feature_kinds": ["number", "category"],
//!   "trees": [[
//!     { "feature": 0, "op": "<=", "threshold": 9.5, "missing_type": "NaN", "missing_left": true,
//!       "left": 1, "right": 2, "cover": 200, "value": 0.0 },
//!     { "leaf": true, "value": -0.4, "cover": 150 },
//!     { "leaf": true, "value": 1.1, "cover": 50 }
//!   ]]
//! }
//! ```
//!
//! `op` is `<=` with `threshold`, or `==` with `cats`. `missing_type` says which values are missing: `NaN`; `Zero`, zero
//! too; `None`, no value, so that NaN is read as zero. Fields that are not listed here are not looked at.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::ensemble::Ensemble;
use crate::feature::{Feature, Kind, Monotone};
use crate::problems::Problems;
use crate::tree::{Node, Split, Test, Tree};

/// The name of the form, with its version.
const FORMAT: &str = "lanner-boost/1";

#[derive(Serialize, Deserialize)]
struct Written<N> {
    #[serde(default = "format")]
    format: String,
    #[serde(default = "link")]
    link: String,
    base_score: f64,
    #[serde(default)]
    single_precision: bool,
    feature_names: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    feature_kinds: Vec<Kind>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    monotone: Vec<Monotone>,
    trees: Vec<Vec<N>>,
}

fn format() -> String {
    FORMAT.to_owned()
}

fn link() -> String {
    "sigmoid".to_owned()
}

#[derive(Serialize)]
#[serde(untagged)]
enum WrittenNode {
    Inner(WrittenSplit),
    Leaf { leaf: bool, value: f64, cover: f64 },
}

#[derive(Serialize)]
struct WrittenSplit {
    feature: usize,
    op: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cats: Option<Vec<u32>>,
    missing_type: String,
    missing_left: bool,
    left: usize,
    right: usize,
    cover: f64,
    value: f64,
}

/// A node as it is read, leaf or split, so that what is missing has a name.
#[derive(Deserialize)]
struct ReadNode {
    #[serde(default)]
    leaf: bool,
    feature: Option<usize>,
    op: Option<String>,
    threshold: Option<f64>,
    cats: Option<Vec<u32>>,
    missing_type: Option<String>,
    missing_left: Option<bool>,
    left: Option<usize>,
    right: Option<usize>,
    cover: Option<f64>,
    value: Option<f64>,
}

impl Ensemble {
    /// The model as a JSON value; read back it scores the same to the last bit.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let features = self.features();
        let written = Written {
            format: format(),
            link: link(),
            base_score: self.base_score(),
            single_precision: self.is_single_precision(),
            feature_names: features.iter().map(|feature| feature.name.clone()).collect(),
            feature_kinds: features.iter().map(|feature| feature.kind).collect(),
            monotone: features.iter().map(|feature| feature.monotone).collect(),
            trees: self.trees().iter().map(|tree| tree.nodes().iter().map(written).collect()).collect(),
        };
        json!(written)
    }

    /// Reads a model that [`Ensemble::to_json`] wrote, or another program in the same form.
    ///
    /// # Errors
    /// Every tree that is wrong, with the node and what is wrong with it; or where the text is not of this form.
    pub fn from_json(text: &[u8]) -> Result<Self, Problems> {
        let written: Written<ReadNode> =
            serde_json::from_slice(text).map_err(|error| Problems::one(for_people(&error.to_string())))?;
        let mut problems = Problems::default();
        if written.format != FORMAT {
            problems.add(format!("format is \"{}\", which should be \"{FORMAT}\"", written.format));
        }
        if written.link != "sigmoid" {
            problems.add(format!("link is \"{}\", which should be \"sigmoid\": two classes", written.link));
        }
        let features = features(&written, &mut problems);
        let mut trees = Vec::new();
        for (i, nodes) in written.trees.into_iter().enumerate() {
            match tree(nodes, features.len()) {
                Ok(tree) => trees.push(tree),
                Err(why) => problems.add(format!("tree {i}: {why}")),
            }
        }
        let model = problems.or(()).and_then(|()| Self::new(features, written.base_score, trees))?;
        Ok(if written.single_precision { model.single_precision() } else { model })
    }
}

/// What the reader of JSON says, without the names of our types.
fn for_people(said: &str) -> String {
    let plain = [
        ("expected f64", "expected a number"),
        ("expected usize", "expected a whole number"),
        ("expected u32", "expected a whole number"),
        ("expected struct Written", "expected an object"),
        ("expected struct ReadNode", "expected an object"),
        ("expected a sequence", "expected a list"),
    ];
    plain.iter().fold(said.to_owned(), |said, (ours, theirs)| said.replace(ours, theirs))
}

fn features(written: &Written<ReadNode>, problems: &mut Problems) -> Vec<Feature> {
    let n = written.feature_names.len();
    for (name, length) in
        [("feature_kinds", written.feature_kinds.len()), ("monotone", written.monotone.len())]
    {
        if length != 0 && length != n {
            problems.add(format!("{name} has {length} entries, but there are {n} feature_names"));
        }
    }
    let of_column = |column| {
        let mut splits = written.trees.iter().flatten().filter(|node| !node.leaf);
        let is_category =
            splits.any(|split| split.feature == Some(column) && split.op.as_deref() == Some("=="));
        if is_category { Kind::Category } else { Kind::Number }
    };
    let names = written.feature_names.iter().enumerate();
    names
        .map(|(column, name)| Feature {
            name: name.clone(),
            kind: written.feature_kinds.get(column).copied().unwrap_or_else(|| of_column(column)),
            monotone: written.monotone.get(column).copied().unwrap_or_default(),
        })
        .collect()
}

fn tree(nodes: Vec<ReadNode>, n_features: usize) -> Result<Tree, String> {
    let nodes = nodes.into_iter().enumerate().map(|(at, node)| {
        let node = if node.leaf { leaf(&node) } else { inner(node) };
        node.map_err(|why| format!("node {at}: {why}"))
    });
    Tree::new(nodes.collect::<Result<_, _>>()?, n_features)
}

fn leaf(read: &ReadNode) -> Result<Node, String> {
    let needs = |name: &str| format!("a leaf needs {name}");
    let value = read.value.ok_or_else(|| needs("value"))?;
    Ok(Node { value, cover: read.cover.ok_or_else(|| needs("cover"))?, split: None })
}

fn inner(read: ReadNode) -> Result<Node, String> {
    let needs = |name: &str| format!("a node that is no leaf needs {name}");
    let op = read.op.ok_or_else(|| needs("op"))?;
    let test = match (op.as_str(), read.threshold, read.cats) {
        ("<=", Some(threshold), _) => Test::AtMost(threshold),
        ("==", _, Some(mut codes)) => {
            codes.sort_unstable();
            Test::OneOf(codes)
        }
        ("<=", None, _) => return Err("`<=` needs a threshold".to_owned()),
        ("==", _, None) => return Err("`==` needs cats".to_owned()),
        (op, ..) => return Err(format!("op is \"{op}\", which should be \"<=\" or \"==\"")),
    };
    let missing_type = read.missing_type.ok_or_else(|| needs("missing_type"))?;
    let split = Split {
        feature: read.feature.ok_or_else(|| needs("feature"))?,
        test,
        is_missing_left: read.missing_left.ok_or_else(|| needs("missing_left"))?,
        is_zero_missing: missing_type == "Zero",
        left: read.left.ok_or_else(|| needs("left"))?,
        right: read.right.ok_or_else(|| needs("right"))?,
    };
    let split = match missing_type.as_str() {
        "NaN" | "Zero" => split,
        "None" => split.missing_as(0.0),
        other => return Err(format!("missing_type is \"{other}\", which should be NaN, Zero or None")),
    };
    let cover = read.cover.ok_or_else(|| needs("cover"))?;
    Ok(Node { value: read.value.unwrap_or_default(), cover, split: Some(split) })
}

fn written(node: &Node) -> WrittenNode {
    let Some(split) = &node.split else {
        return WrittenNode::Leaf { leaf: true, value: node.value, cover: node.cover };
    };
    let (op, threshold, cats) = match &split.test {
        Test::AtMost(threshold) => ("<=", Some(*threshold), None),
        Test::OneOf(codes) => ("==", None, Some(codes.clone())),
    };
    WrittenNode::Inner(WrittenSplit {
        feature: split.feature,
        op: op.to_owned(),
        threshold,
        cats,
        missing_type: if split.is_zero_missing { "Zero" } else { "NaN" }.to_owned(),
        missing_left: split.is_missing_left,
        left: split.left,
        right: split.right,
        cover: node.cover,
        value: node.value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = r#"{"format":"lanner-boost/1","base_score":0.1,"feature_names":["a","b"],"trees":[[
        {"feature":1,"op":"==","cats":[2,0],"missing_type":"None","missing_left":false,"left":1,"right":2,"cover":3},
        {"leaf":true,"value":-0.3,"cover":1},{"leaf":true,"value":0.30000000000000004,"cover":2}]]}"#;

    #[test]
    fn what_is_written_reads_back() {
        let model = Ensemble::from_json(MODEL.as_bytes()).unwrap();
        assert_eq!(model.features()[1].kind, Kind::Category);
        assert_eq!(model.margin(&[0.0, 1.0]), 0.1 + 0.300_000_000_000_000_04);
        assert_eq!(model.margin(&[0.0, f64::NAN]), 0.1 - 0.3); // read as zero
        let again = Ensemble::from_json(model.to_json().to_string().as_bytes()).unwrap();
        assert_eq!(again, model);
    }

    #[test]
    fn every_problem_is_told() {
        #[track_caller]
        fn check(change: (&str, &str), expected: &[&str]) {
            let text = MODEL.replace(change.0, change.1);
            assert_eq!(Ensemble::from_json(text.as_bytes()).unwrap_err().list(), expected);
        }
        check(("boost/1", "boost/9"), &["format is \"lanner-boost/9\", which should be \"lanner-boost/1\""]);
        check(
            (r#""op":"==""#, r#""op":"~""#),
            &["tree 0: node 0: op is \"~\", which should be \"<=\" or \"==\""],
        );
        check((r#","cats":[2,0]"#, ""), &["tree 0: node 0: `==` needs cats"]);
        check((r#""left":1"#, r#""left":9"#), &["tree 0: node 9 does not exist"]);
        check((r#"["a","b"]"#, r#"["a"]"#), &["tree 0: node 0 asks for column 1, but there are 1"]);
        check((r#"["a","b"]"#, r#"["a","a"]"#), &["the feature \"a\" is named twice"]);
        check(
            ("None", "Maybe"),
            &["tree 0: node 0: missing_type is \"Maybe\", which should be NaN, Zero or None"],
        );
        check((r#""left":1,"#, ""), &["tree 0: node 0: a node that is no leaf needs left"]);
        check((r#""leaf":true,"#, ""), &["tree 0: node 1: a node that is no leaf needs op"]);
        assert_eq!(
            for_people("invalid type: string \"x\", expected f64 at line 1 column 9"),
            "invalid type: string \"x\", expected a number at line 1 column 9"
        );
        assert!(Ensemble::from_json(b"{").is_err());
        assert!(Ensemble::from_json(b"[1e999]").is_err());
    }
}
