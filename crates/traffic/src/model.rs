//! A model of sessions: the baseline they are seen by, the trees that score them, and the threshold.

use lanner_boost::{
    Aim, Calibration, Ensemble, Explainer, Feature, Settings, Table, TableError, TrainError,
    choose_threshold, outcomes_at, predict_out_of_fold, train,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_64;

use crate::account::{Amount, Unit, Waterfall, largest_first};
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
    /// The trees found nothing by which the sessions differ.
    #[error(
        "nothing tells the anomalous sessions from the others, so no tree was learned; label more sessions"
    )]
    NoTrees,
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

/// The note that holds the [probabilities](Model::normal_probabilities) of normal sessions.
pub const NORMAL_PROBABILITIES: &str = "normal_probabilities";

/// Probabilities of normal sessions that are kept.
const N_PROBABILITIES: usize = 101;

/// More changes make another session.
const MAX_CHANGES: usize = 5;

/// Halvings in the search for the least change.
const N_HALVINGS: usize = 30;

#[derive(Serialize, Deserialize)]
struct Written {
    format: String,
    /// The [`checksum`] of all the rest.
    check: String,
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
    /// Too few sessions of a class, or nothing by which the classes differ.
    ///
    /// # Panics
    /// If there is not one label and one group for each session.
    pub fn learn(
        parts: (Templates, Endpoints, Baseline),
        sessions: &[Session],
        labels: &[bool],
        groups: Vec<u32>,
        how: (&Settings, Aim),
    ) -> Result<Self, ModelError> {
        let rows = Self::rows(sessions, labels, &parts.2);
        Self::learn_rows(parts, &rows, labels, groups, how)
    }

    /// The rows of sessions that a model is learned from: the values of all [`FEATURES`] beside the baseline of the normal ones.
    #[must_use]
    pub fn rows(sessions: &[Session], labels: &[bool], baseline: &Baseline) -> Vec<Vec<f64>> {
        let labelled = sessions.iter().zip(labels);
        // Only normal ones are in the baseline.
        labelled.map(|(session, label)| features(session, baseline, !label)).collect()
    }

    /// As [`Model::learn`], from [rows](Model::rows) that were made before.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Panics
    /// If a row has fewer values than there are features.
    pub fn learn_rows(
        (templates, endpoints, baseline): (Templates, Endpoints, Baseline),
        rows: &[Vec<f64>],
        labels: &[bool],
        groups: Vec<u32>,
        (settings, aim): (&Settings, Aim),
    ) -> Result<Self, ModelError> {
        let columns = (0..FEATURES.len()).map(|i| rows.iter().map(|row| row[i]).collect()).collect();
        let names = FEATURES.iter().map(|feature| Feature::number(feature.name)).collect();
        let table = Table::new(names, columns, labels.to_vec())?.grouped(groups)?;
        let all = table.all_rows();
        let unseen = predict_out_of_fold(&table, &all, settings, N_FOLDS, settings.seed)?;
        let margins: Vec<f64> =
            unseen.iter().map(|p| p.clamp(1e-9, 1.0 - 1e-9)).map(|p| (p / (1.0 - p)).ln()).collect();
        let calibration = Calibration::fit(&margins, labels);
        let probabilities: Vec<f64> = margins.iter().map(|margin| calibration.probability(*margin)).collect();
        // Above 1 where it is best to flag none.
        let threshold = choose_threshold(&probabilities, labels, aim).min(1.0);
        let outcomes = outcomes_at(&probabilities, labels, threshold);
        let trees = train(&table, &all, settings)?;
        if trees.trees().is_empty() {
            return Err(ModelError::NoTrees);
        }
        let explainer = Explainer::new(&trees);
        let mut normal: Vec<f64> =
            probabilities.iter().zip(labels).filter(|(_, label)| !**label).map(|(p, _)| *p).collect();
        normal.sort_unstable_by(f64::total_cmp);
        let notes = json!({
            NORMAL_PROBABILITIES: spaced(&normal),
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

    /// How the probability of a session comes about, in logarithms of odds: where it begins, and what each feature adds, exactly.
    #[must_use]
    pub fn waterfall(&self, session: &Session) -> Waterfall {
        let row = features(session, &self.baseline, false);
        let (explanation, Calibration { slope, shift }) = (self.explainer.explain(&row), self.calibration);
        let amount = |(feature, contribution): (usize, &f64)| Amount {
            feature,
            value: row[feature],
            normal: self.baseline.normal(feature),
            amount: slope * contribution,
        };
        Waterfall {
            model: None,
            decides: false,
            unit: Unit::LogOdds,
            base: slope * explanation.expected + shift,
            amounts: largest_first(explanation.contributions.iter().enumerate().map(amount).collect()),
            total: slope * self.trees.margin(&row) + shift,
            threshold: (self.threshold / (1.0 - self.threshold)).ln(),
        }
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

    /// The probabilities that it gave to normal sessions that it had not seen when it was learned, in ascending order; none where the
    /// model does not hold them.
    #[must_use]
    pub fn normal_probabilities(&self) -> Vec<f64> {
        let kept = self.notes[NORMAL_PROBABILITIES].as_array().into_iter().flatten();
        let mut kept: Vec<f64> = kept.filter_map(Value::as_f64).collect();
        kept.sort_unstable_by(f64::total_cmp);
        kept
    }

    fn probability(&self, row: &[f64]) -> f64 {
        self.calibration.probability(self.trees.margin(row))
    }

    /// The model as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut written = json!(Written {
            format: FORMAT.to_owned(),
            check: String::new(),
            features: FEATURES.iter().map(|feature| feature.name.to_owned()).collect(),
            threshold: self.threshold,
            calibration: self.calibration,
            notes: self.notes.clone(),
            templates: self.templates.clone(),
            endpoints: self.endpoints.clone(),
            baseline: self.baseline.clone(),
            trees: self.trees.to_json(),
        });
        written[CHECK] = checksum(&mut written.clone()).into();
        written
    }

    /// Reads what [`Model::to_json`] wrote.
    ///
    /// # Errors
    /// Text of another form, or damaged; a model for other features, with the difference named; one that says what no model
    /// that was learned says, such as a threshold of 0.
    pub fn from_json(text: &[u8]) -> Result<Self, ModelError> {
        let mut json: Value = serde_json::from_slice(text)
            .map_err(|error| ModelError::File(format!("it is not JSON: {error}")))?;
        check_head(&json)?;
        check_sum(&mut json)?;
        let written: Written = serde_json::from_value(json)
            .map_err(|error| ModelError::File(format!("it is no model of sessions: {error}")))?;
        let trees = Ensemble::from_json(written.trees.to_string().as_bytes())
            .map_err(|problems| ModelError::File(problems.to_string()))?;
        if let Some(problem) = problem(&written, &trees) {
            return Err(ModelError::File(problem));
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

/// Values in ascending order, thinned to so many that stand for all.
fn spaced(sorted: &[f64]) -> Vec<f64> {
    let Some(last) = sorted.len().checked_sub(1) else { return Vec::new() };
    let n = sorted.len().min(N_PROBABILITIES);
    (0..n).map(|i| sorted[i * last / (n - 1).max(1)]).collect()
}

/// Whether a file is of this form, and for our features.
fn check_head(json: &Value) -> Result<(), ModelError> {
    let format = json.get("format").and_then(Value::as_str).unwrap_or_default();
    if format != FORMAT {
        return Err(ModelError::File(format!("its format is \"{format}\", which should be \"{FORMAT}\"")));
    }
    let names = json.get("features").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
    difference(&names).map_or(Ok(()), |difference| Err(ModelError::Features(difference)))
}

/// The field of a file that holds its [`checksum`].
const CHECK: &str = "check";

/// Whether a file is what was written.
fn check_sum(json: &mut Value) -> Result<(), ModelError> {
    let Some(Value::String(check)) = json.get(CHECK).cloned() else {
        return Err(ModelError::File("it has no checksum (check); learn it again".to_owned()));
    };
    if checksum(json) == check {
        return Ok(());
    }
    Err(ModelError::File("its checksum does not match; copy it again, or learn it again".to_owned()))
}

/// The checksum of a file: of its shortest JSON, in which `check` is empty. Leaves it so.
fn checksum(json: &mut Value) -> String {
    json[CHECK] = "".into();
    format!("{:016x}", xxh3_64(json.to_string().as_bytes()))
}

/// What no model says that was learned.
fn problem(written: &Written, trees: &Ensemble) -> Option<String> {
    let Written { threshold, calibration: Calibration { slope, .. }, .. } = written;
    if !(*threshold > 0.0 && *threshold <= 1.0) {
        return Some(format!("its threshold is {threshold}, which should be above 0 and at most 1"));
    }
    if *slope <= 0.0 {
        return Some(format!("its calibration has the slope {slope}, which should be above 0"));
    }
    if trees.trees().is_empty() {
        return Some("it has no trees".to_owned());
    }
    let columns: Vec<&str> = trees.features().iter().map(|feature| feature.name.as_str()).collect();
    difference(&columns).map(|difference| format!("its trees are for other features: {difference}"))
}

/// How a list of features differs from ours.
fn difference(found: &[&str]) -> Option<String> {
    let ours: Vec<&str> = FEATURES.iter().map(|feature| feature.name).collect();
    if found == ours {
        return None;
    }
    let lacking: Vec<&str> = ours.iter().copied().filter(|name| !found.contains(name)).collect();
    let strange: Vec<&str> = found.iter().copied().filter(|name| !ours.contains(name)).collect();
    Some(match (lacking.is_empty(), strange.is_empty()) {
        (true, true) => "they are in another order".to_owned(),
        _ => format!("it lacks [{}] and has [{}]", lacking.join(", "), strange.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use lanner_testkit::{ApiClient, api_traffic};

    use super::*;
    use crate::{KeyBy, Learner, Recording, Request, SessionSettings};

    /// A model of a day of generated traffic.
    fn learned() -> Model {
        let requests = api_traffic(1, 0, "10.1", &[(ApiClient::Human, 60), (ApiClient::Enumerator, 20)]);
        let mut recording = Recording::new(KeyBy::Client);
        for of in &requests {
            recording.add(&Request {
                time_ms: of.time_ms,
                client: of.client.as_str().into(),
                method: of.method.into(),
                path: of.path.as_str().into(),
                status: Some(of.status),
                ..Request::default()
            });
        }
        let (templates, endpoints) = recording.learn(&[]);
        let sessions = recording.traffic(&templates, &endpoints, SessionSettings::default()).sessions;
        let of = |session: &Session| {
            requests.iter().find(|request| *request.client == *session.key).map(|request| request.of)
        };
        let labels: Vec<bool> =
            sessions.iter().map(|session| of(session) != Some(ApiClient::Human)).collect();
        let normal: Vec<Session> = sessions
            .iter()
            .zip(&labels)
            .filter(|(_, label)| !**label)
            .map(|(session, _)| session.clone())
            .collect();
        let mut learner = Learner::default();
        normal.iter().for_each(|session| learner.add(session));
        let baseline = learner.finish(&normal);
        let groups = (0..).take(sessions.len()).collect();
        let growing = Settings { n_trees: 5, min_leaf_rows: 3, ..Settings::default() };
        Model::learn((templates, endpoints, baseline), &sessions, &labels, groups, (&growing, Aim::F1))
            .unwrap()
    }

    #[test]
    fn only_what_was_learned_is_read() {
        let whole = learned().to_json();
        let read = |json: &Value| Model::from_json(json.to_string().as_bytes());
        assert_eq!(read(&whole).unwrap().to_json(), whole);
        let check = |path: &str, value: Value, expected: &str| {
            let mut json = whole.clone();
            *json.pointer_mut(path).unwrap() = value;
            let damaged = read(&json).unwrap_err().to_string();
            assert!(damaged.contains("checksum does not match"), "{path}: {damaged}");
            json[CHECK] = checksum(&mut json.clone()).into();
            let said = read(&json).unwrap_err().to_string();
            assert!(said.contains(expected), "{path}: {said}");
        };
        for threshold in [0.0, -1.0, 1.5, 1e308] {
            check("/threshold", json!(threshold), "which should be above 0 and at most 1");
        }
        check("/calibration/slope", json!(-1.0), "has the slope -1, which should be above 0");
        check("/trees/trees", json!([]), "it has no trees");
        let mut reversed = whole["features"].as_array().unwrap().clone();
        reversed.reverse();
        check("/trees/feature_names", Value::from(reversed), "for other features: they are in another order");
        let mut unsigned = whole.clone();
        unsigned.as_object_mut().unwrap().shift_remove(CHECK);
        assert!(read(&unsigned).unwrap_err().to_string().contains("it has no checksum"));
    }

    #[test]
    fn no_flipped_bit_makes_another_model() {
        let whole = learned().to_json();
        let text = whole.to_string().into_bytes();
        for n in 0..1_000 {
            let (at, bit) = (n * 7_919 % text.len(), n % 7);
            let mut flipped = text.clone();
            flipped[at] ^= 1 << bit;
            // Digits beyond what a number holds change nothing.
            if let Ok(read) = Model::from_json(&flipped) {
                assert_eq!(read.to_json(), whole, "bit {bit} of byte {at}");
            }
        }
    }
}
