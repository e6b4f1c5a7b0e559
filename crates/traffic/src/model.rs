//! A model of sessions: the baseline they are seen by, the trees that score them, and the threshold.

use lanner_boost::{
    Aim, Calibration, Ensemble, Explainer, Feature, Settings, Table, TableError, TrainError,
    choose_threshold, outcomes_at, predict_out_of_fold, train,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::baseline::{Baseline, NormalRange};
use crate::endpoints::Endpoints;
use crate::features::{FEATURES, features};
use crate::from_graph::features_of_graph;
use crate::graph::CallGraph;
use crate::session::Session;
use crate::templates::Templates;

/// The form of files, with its version.
const FORMAT: &str = "lanner-api-model/1";

/// Parts in which sessions are scored that set the threshold.
const N_FOLDS: usize = 5;

/// A model as it is kept in a file.
#[derive(Debug, Clone)]
pub struct Model {
    /// The paths it knows.
    pub templates: Templates,
    /// The endpoints, by number.
    pub endpoints: Endpoints,
    /// What is usual.
    pub baseline: Baseline,
    /// From this probability on a session is flagged.
    pub threshold: f64,
    /// What is known of how it was made and how good it was then.
    pub notes: Value,
    trees: Ensemble,
    calibration: Calibration,
    explainer: Explainer,
}

/// Why a model can neither be learned nor read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// It cannot be learned.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// Its table is wrong.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A file is no model.
    #[error("{0}")]
    File(String),
    /// A model describes sessions by other features.
    #[error("the model was made for other features: {0}")]
    Features(String),
}

/// What a model says of a session.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// How likely it is that the session is anomalous, from 0 to 1.
    pub probability: f64,
    /// Whether that is enough to flag it.
    pub is_flagged: bool,
    /// What raises it, strongest first.
    pub reasons: Vec<Reason>,
}

/// One reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// The feature.
    pub feature: usize,
    /// Its value, NaN if there is none.
    pub value: f64,
    /// Where nine of ten normal sessions lie.
    pub normal: Option<NormalRange>,
    /// By what the odds are multiplied.
    pub odds: f64,
}

/// What would have to be different for a session not to be flagged.
#[derive(Debug, Clone, PartialEq)]
pub struct Counterfactual {
    /// Features, and the values that they would have to have.
    pub changes: Vec<(usize, f64)>,
    /// The probability then, below the threshold.
    pub probability: f64,
}

/// More changes make another session.
const MAX_CHANGES: usize = 5;

/// Halvings in the search for the least change.
const N_HALVINGS: usize = 30;

#[derive(Serialize, Deserialize)]
struct Written {
    format: String,
    features: Vec<String>,
    threshold: f64,
    calibration: Calibration,
    notes: Value,
    templates: Templates,
    endpoints: Endpoints,
    baseline: Baseline,
    trees: Value,
}

impl Model {
    /// Learns from sessions and their labels, `true` for anomalous. `baseline` should be that of the normal ones;
    /// groups are rows of one client.
    ///
    /// # Errors
    /// Too few sessions of a class.
    ///
    /// # Panics
    /// If there is not one label and one group for each session.
    pub fn learn(
        (templates, endpoints, baseline): (Templates, Endpoints, Baseline),
        sessions: &[Session],
        labels: &[bool],
        groups: Vec<u32>,
        (settings, aim): (&Settings, Aim),
    ) -> Result<Self, ModelError> {
        let rows: Vec<Vec<f64>> = sessions
            .iter()
            .zip(labels)
            .map(|(session, label)| features(session, &baseline, !label)) // only normal ones are in the baseline
            .collect();
        let columns = (0..FEATURES.len()).map(|i| rows.iter().map(|row| row[i]).collect()).collect();
        let names = FEATURES.iter().map(|feature| Feature::number(feature.name)).collect();
        let table = Table::new(names, columns, labels.to_vec())?.grouped(groups)?;
        let all = table.all_rows();
        let unseen = predict_out_of_fold(&table, &all, settings, N_FOLDS, settings.seed)?;
        let margins: Vec<f64> =
            unseen.iter().map(|p| p.clamp(1e-9, 1.0 - 1e-9)).map(|p| (p / (1.0 - p)).ln()).collect();
        let calibration = Calibration::fit(&margins, labels);
        let probabilities: Vec<f64> = margins.iter().map(|margin| calibration.probability(*margin)).collect();
        let threshold = choose_threshold(&probabilities, labels, aim);
        let outcomes = outcomes_at(&probabilities, labels, threshold);
        let trees = train(&table, &all, settings)?;
        let explainer = Explainer::new(&trees);
        let notes = json!({
            "n_sessions": labels.len(), "n_anomalous": labels.iter().filter(|label| **label).count(),
            "f1": outcomes.f1(), "precision": outcomes.precision(), "recall": outcomes.recall(),
            "false_alarm_rate": outcomes.false_alarm_rate(),
        });
        Ok(Self { templates, endpoints, baseline, threshold, notes, trees, calibration, explainer })
    }

    /// Scores a session, with up to `n_reasons` reasons; none are computed for 0.
    #[must_use]
    pub fn score(&self, session: &Session, n_reasons: usize) -> Verdict {
        self.score_row(&features(session, &self.baseline, false), n_reasons)
    }

    /// Scores values of all [`FEATURES`] in their order, NaN for what is not known; else as [`Model::score`].
    ///
    /// # Panics
    /// If there are fewer values than features.
    #[must_use]
    pub fn score_row(&self, row: &[f64], n_reasons: usize) -> Verdict {
        let probability = self.probability(row);
        let reasons = if n_reasons == 0 { Vec::new() } else { self.reasons(row, n_reasons) };
        Verdict { probability, is_flagged: probability >= self.threshold, reasons }
    }

    /// The values of all [`FEATURES`] for a graph whose nodes are endpoints as the model names them, such as `GET /cart`. What a
    /// graph does not tell, such as answers and times, is NaN; other endpoints tell neither for nor against it.
    #[must_use]
    pub fn row_of_graph(&self, graph: &CallGraph) -> Vec<f64> {
        features_of_graph(graph, &self.endpoints, &self.baseline)
    }

    fn reasons(&self, row: &[f64], n: usize) -> Vec<Reason> {
        let explanation = self.explainer.explain(row);
        let reason = |feature: usize| Reason {
            feature,
            value: row[feature],
            normal: self.baseline.normal(feature),
            odds: (self.calibration.slope * explanation.contributions[feature]).exp(),
        };
        explanation.raising(n).into_iter().map(reason).collect()
    }

    /// The least that would have to be different for a flagged session to pass: the strongest reasons moved into their normal
    /// range one after the other, or a single one as far as needed. `None` if the session is not flagged, or if five changes
    /// are not enough. Cost: some tens of scores.
    #[must_use]
    pub fn counterfactual(&self, session: &Session) -> Option<Counterfactual> {
        let row = features(session, &self.baseline, false);
        if self.probability(&row) < self.threshold {
            return None;
        }
        let (mut changed, mut changes) = (row.clone(), Vec::new());
        for Reason { feature, value, normal, .. } in self.reasons(&row, FEATURES.len()) {
            let Some(NormalRange { low, high }) = normal else { continue };
            let usual = value.clamp(low, high);
            if usual == value || value.is_nan() || changes.len() >= MAX_CHANGES {
                continue;
            }
            changed[feature] = usual;
            changes.push((feature, usual));
            if self.probability(&changed) >= self.threshold {
                continue;
            }
            if let [(feature, usual)] = changes[..] {
                changed[feature] = self.least_change(&row, feature, usual);
                changes[0].1 = changed[feature];
            }
            return Some(Counterfactual { changes, probability: self.probability(&changed) });
        }
        None
    }

    /// The value nearest to a row's own, towards `usual`, at which it is not flagged.
    fn least_change(&self, row: &[f64], feature: usize, usual: f64) -> f64 {
        let (mut flagged, mut passing, mut changed) = (row[feature], usual, row.to_vec());
        for _ in 0..N_HALVINGS {
            let middle = f64::midpoint(flagged, passing);
            changed[feature] = middle;
            if self.probability(&changed) < self.threshold { passing = middle } else { flagged = middle }
        }
        passing
    }

    fn probability(&self, row: &[f64]) -> f64 {
        self.calibration.probability(self.trees.margin(row))
    }

    /// The model as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!(Written {
            format: FORMAT.to_owned(),
            features: FEATURES.iter().map(|feature| feature.name.to_owned()).collect(),
            threshold: self.threshold,
            calibration: self.calibration,
            notes: self.notes.clone(),
            templates: self.templates.clone(),
            endpoints: self.endpoints.clone(),
            baseline: self.baseline.clone(),
            trees: self.trees.to_json(),
        })
    }

    /// Reads what [`Model::to_json`] wrote.
    ///
    /// # Errors
    /// Text of another form; a model for other features, with the difference named.
    pub fn from_json(text: &[u8]) -> Result<Self, ModelError> {
        let written: Written =
            serde_json::from_slice(text).map_err(|error| ModelError::File(error.to_string()))?;
        if written.format != FORMAT {
            return Err(ModelError::File(format!(
                "format is \"{}\", which should be \"{FORMAT}\"",
                written.format
            )));
        }
        if let Some(difference) = difference(&written.features) {
            return Err(ModelError::Features(difference));
        }
        let trees = Ensemble::from_json(written.trees.to_string().as_bytes());
        let trees = trees.map_err(|problems| ModelError::File(problems.to_string()))?;
        if trees.features().len() != FEATURES.len() {
            return Err(ModelError::File(format!("its trees have {} features", trees.features().len())));
        }
        Ok(Self {
            templates: written.templates,
            endpoints: written.endpoints,
            baseline: written.baseline,
            threshold: written.threshold,
            notes: written.notes,
            explainer: Explainer::new(&trees),
            trees,
            calibration: written.calibration,
        })
    }
}

/// How a list of features differs from ours.
fn difference(found: &[String]) -> Option<String> {
    let ours: Vec<&str> = FEATURES.iter().map(|feature| feature.name).collect();
    if found.iter().map(String::as_str).eq(ours.iter().copied()) {
        return None;
    }
    let lacking: Vec<&str> =
        ours.iter().copied().filter(|name| !found.iter().any(|other| other == name)).collect();
    let strange: Vec<&str> = found.iter().map(String::as_str).filter(|name| !ours.contains(name)).collect();
    Some(match (lacking.is_empty(), strange.is_empty()) {
        (true, true) => "they are in another order".to_owned(),
        _ => format!("it lacks [{}] and has [{}]", lacking.join(", "), strange.join(", ")),
    })
}
