//! The kinds of models that a server keeps, and what each does. To add one that scores rows: a type that is a [`Scorer`], and an entry in
//! [`KINDS`]. Detectors, which score rows in their order, are a family of kinds, one for each name.

use std::fmt::Debug;
use std::sync::Arc;

use lanner_boost::{Ensemble, Explainer};
use lanner_traffic::{
    CallGraph, FEATURES, Model, NORMAL_PROBABILITIES, NodeCounts, Orientation, Reason, SEED_FEATURES,
    in_words,
};
use lanner_wire::api::ScoreReason;
use serde::Deserialize;
use serde_json::{Value, json};

use super::detectors::{FAMILY, Trained};

/// From this probability on trees say that a row is anomalous, as they say no other themselves.
const TREES_THRESHOLD: f64 = 0.5;

/// A kind of models.
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// What its files name as their format, with the version that is read.
    format: &'static str,
    read: Read,
}

/// Makes a scorer of the bytes of a model; says what is wrong with them.
type Read = fn(&[u8]) -> Result<Arc<dyn Scorer>, String>;

/// The kind that judges sessions of API traffic.
pub(super) const API: &str = "api";

pub(super) const KINDS: &[Kind] = &[
    Kind { name: API, format: "lanner-api-model/1", read: read_api },
    Kind { name: "trees", format: "lanner-boost/1", read: read_trees },
];

/// Whether there are models of this kind.
pub(super) fn is_kind(name: &str) -> bool {
    KINDS.iter().any(|kind| kind.name == name)
        || name.strip_prefix(FAMILY).is_some_and(|name| name.starts_with('/'))
}

/// The names of kinds, and of families of them, that models are listed by.
pub(super) fn families() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.name).chain([FAMILY])
}

/// A model in memory.
#[derive(Debug, Clone)]
pub(super) enum Loaded {
    /// It scores rows.
    Rows(&'static str, Arc<dyn Scorer>),
    /// It scores rows in their order, and rules ask it.
    Detector(Arc<Trained>),
}

impl Loaded {
    /// The name of its kind.
    pub(super) fn kind(&self) -> String {
        match self {
            Self::Rows(kind, _) => (*kind).to_owned(),
            Self::Detector(trained) => trained.kind(),
        }
    }

    /// From this score on it finds something, in units of its own.
    pub(super) fn threshold(&self) -> f64 {
        match self {
            Self::Rows(_, scorer) => scorer.threshold(),
            Self::Detector(trained) => trained.threshold(),
        }
    }

    /// The fingerprint of the data that it was learned from, if that was kept.
    pub(super) fn data(&self) -> Option<String> {
        match self {
            Self::Rows(_, scorer) => scorer.data(),
            Self::Detector(trained) => trained.data(),
        }
    }

    /// How well it did, and what it saw.
    pub(super) fn metrics(&self) -> Value {
        match self {
            Self::Rows(_, scorer) => scorer.metrics(),
            Self::Detector(trained) => trained.metrics(),
        }
    }
}

/// A model that scores rows.
pub(super) trait Scorer: Debug + Send + Sync {
    /// The names of the values of a row, in their order.
    fn features(&self) -> Vec<&str>;
    /// From this probability on a row is anomalous.
    fn threshold(&self) -> f64;
    /// The fingerprint of the data that it was learned from, if that was kept.
    fn data(&self) -> Option<String>;
    /// How well it did, and what it saw.
    fn metrics(&self) -> Value;
    /// The row of a graph: NaN for what a graph does not tell.
    fn row_of(&self, graph: &CallGraph) -> Vec<f64>;
    /// How likely it is that a row is anomalous, from 0 to 1, and what raises that, strongest first. NaN is a missing value.
    fn score(&self, row: &[f64], n_reasons: usize) -> (f64, Vec<ScoreReason>);
}

#[derive(Deserialize)]
struct Head {
    format: String,
}

/// Reads a file.
///
/// # Errors
/// Why it is no model that is kept here.
pub(super) fn read(bytes: &[u8]) -> Result<Loaded, String> {
    if lanner_deep::is_detector(bytes) {
        return Trained::read(bytes).map(|trained| Loaded::Detector(Arc::new(trained)));
    }
    let names = || KINDS.iter().map(|kind| kind.format).collect::<Vec<_>>().join(", ");
    let Ok(Head { format }) = serde_json::from_slice(bytes) else {
        return Err(format!(
            "is no model: it is not JSON with a format, which should be one of {}, and no detector",
            names()
        ));
    };
    let family = |format: &str| format.split('/').next().map(str::to_owned);
    let Some(kind) = KINDS.iter().find(|kind| family(kind.format) == family(&format)) else {
        return Err(format!(
            "is no model that is kept here: its format is \"{format}\", known are {}",
            names()
        ));
    };
    if format != kind.format {
        return Err(format!("has the format \"{format}\", and this server reads \"{}\"", kind.format));
    }
    let read = (kind.read)(bytes).map_err(|why| format!("cannot be used: {why}"))?;
    Ok(Loaded::Rows(kind.name, read))
}

fn read_api(bytes: &[u8]) -> Result<Arc<dyn Scorer>, String> {
    Model::from_json(bytes).map(|model| Arc::new(model) as Arc<dyn Scorer>).map_err(|error| error.to_string())
}

fn read_trees(bytes: &[u8]) -> Result<Arc<dyn Scorer>, String> {
    let trees = Ensemble::from_json(bytes).map_err(|problems| problems.to_string())?;
    let explainer = Explainer::new(&trees);
    Ok(Arc::new(Trees { trees, explainer }))
}

impl Scorer for Model {
    fn features(&self) -> Vec<&str> {
        FEATURES.iter().map(|feature| feature.name).collect()
    }

    fn threshold(&self) -> f64 {
        self.threshold
    }

    fn data(&self) -> Option<String> {
        self.notes.get("data").and_then(Value::as_str).map(str::to_owned)
    }

    fn metrics(&self) -> Value {
        let mut metrics = self.notes.clone();
        if let Some(notes) = metrics.as_object_mut() {
            notes.remove("data");
            notes.remove(NORMAL_PROBABILITIES);
        }
        metrics
    }

    fn row_of(&self, graph: &CallGraph) -> Vec<f64> {
        self.row_of_graph(graph)
    }

    fn score(&self, row: &[f64], n_reasons: usize) -> (f64, Vec<ScoreReason>) {
        let verdict = self.score_row(row, n_reasons);
        let reason = |Reason { feature, value, normal, odds }: &Reason| ScoreReason {
            feature: FEATURES.get(*feature).map(|info| info.name.to_owned()).unwrap_or_default(),
            value: Some(*value).filter(|value| value.is_finite()),
            low: normal.map(|normal| normal.low),
            high: normal.map(|normal| normal.high),
            odds: *odds,
            text: in_words(*feature, *value, *normal),
        };
        (verdict.probability, verdict.reasons.iter().map(reason).collect())
    }
}

/// Trees over columns of any name.
#[derive(Debug)]
struct Trees {
    trees: Ensemble,
    explainer: Explainer,
}

impl Scorer for Trees {
    fn features(&self) -> Vec<&str> {
        self.trees.features().iter().map(|feature| feature.name.as_str()).collect()
    }

    fn threshold(&self) -> f64 {
        TREES_THRESHOLD
    }

    fn data(&self) -> Option<String> {
        None // trees do not say
    }

    fn metrics(&self) -> Value {
        json!({ "trees": self.trees.trees().len(), "features": self.trees.features().len() })
    }

    /// The published features of a graph, in the direction that their names say; those of other graphs are not known.
    fn row_of(&self, graph: &CallGraph) -> Vec<f64> {
        let values = graph.seed_features(&NodeCounts::default(), Orientation::Corrected);
        let local = |name: &str| !name.contains("_global_");
        let of = |name: &str| {
            let known = SEED_FEATURES.iter().zip(values).find(|(known, _)| **known == name && local(name));
            known.map_or(f64::NAN, |(_, value)| value)
        };
        self.features().into_iter().map(of).collect()
    }

    fn score(&self, row: &[f64], n_reasons: usize) -> (f64, Vec<ScoreReason>) {
        let probability = self.trees.probability(row);
        if n_reasons == 0 {
            return (probability, Vec::new());
        }
        let explanation = self.explainer.explain(row);
        let reason = |feature: usize| {
            let name = self.trees.features().get(feature).map(|it| it.name.clone()).unwrap_or_default();
            let value = row.get(feature).copied().filter(|value| value.is_finite());
            let odds = explanation.contributions.get(feature).map_or(1.0, |margin| margin.exp());
            let said = value.map_or_else(|| "is missing".to_owned(), |value| format!("is {value}"));
            ScoreReason { text: format!("{name} {said}"), feature: name, value, low: None, high: None, odds }
        };
        (probability, explanation.raising(n_reasons).into_iter().map(reason).collect())
    }
}
