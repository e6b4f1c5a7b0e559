//! What a model is learned from: labelled sessions as rows of features, and how it is learned from them.

use std::collections::HashMap;

use clap::ValueEnum;
use lanner_boost::{Aim, Settings};
use lanner_core::content;
use lanner_traffic::{
    Baseline, Endpoints, Learner, Model, ModelError, Recording, Session, SessionSettings, Templates,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::labels::Labels;
use super::tune::trials;
use crate::failure::{Failure, Result};

/// Fewer sessions of a class teach too little.
const MIN_OF_A_CLASS: usize = 20;

/// How a model is learned.
#[derive(Debug, Clone, clap::Args, Serialize)]
pub(super) struct Learning {
    /// What the threshold is chosen for.
    #[arg(long, value_enum, default_value_t)]
    pub(super) aim: AimName,
    /// Flagged sessions accepted in a day, for --aim alarms.
    #[arg(long, value_name = "NUMBER", default_value_t = 10.0)]
    pub(super) alarms_per_day: f64,
    /// How much worse an anomalous session that is missed is than a normal one that is flagged, for --aim cost.
    #[arg(long, value_name = "NUMBER", default_value_t = 10.0)]
    pub(super) miss_cost: f64,
    /// Trees.
    #[arg(long, value_name = "NUMBER", default_value_t = 150)]
    pub(super) trees: usize,
    /// Try this many settings of trees, and keep those with the best F1 on unseen sessions.
    #[arg(long, value_name = "TRIALS", num_args = 0..=1, default_value_t = 1, default_missing_value = "20", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(super) tune: u16,
    /// Seed of everything drawn by chance.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(super) seed: u64,
}

impl Default for Learning {
    fn default() -> Self {
        Self { aim: AimName::F1, alarms_per_day: 10.0, miss_cost: 10.0, trees: 150, tune: 1, seed: 0 }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum AimName {
    /// The best balance of precision and recall.
    #[default]
    F1,
    /// The least cost of mistakes.
    Cost,
    /// The most found within a number of alarms a day.
    Alarms,
}

impl Learning {
    fn aim(&self, days: f64) -> Aim {
        match self.aim {
            AimName::F1 => Aim::F1,
            AimName::Cost => Aim::Cost { false_alarm: 1.0, miss: self.miss_cost },
            AimName::Alarms => Aim::Alarms { per_day: self.alarms_per_day, days },
        }
    }

    fn settings(&self) -> Settings {
        Settings {
            n_trees: self.trees,
            learning_rate: 0.06,
            max_leaves: 15,
            min_leaf_rows: 5,
            seed: self.seed,
            ..Settings::default()
        }
    }
}

/// Refuses a threshold above everything, by which the model would flag nobody.
fn check(aim: Aim, recall: f64) -> Result<()> {
    let Aim::Alarms { per_day, days } = aim else { return Ok(()) };
    if recall > 0.0 {
        return Ok(());
    }
    let why = format!(
        "no threshold flags anything with {per_day} a day: that is {:.1} sessions in the {days:.2} days of the log, \
         and the most suspicious ones, which are equally likely, are more",
        per_day * days
    );
    Err(Failure::undecided(why).hint("raise --alarms-per-day, learn from a longer log, or take --aim f1"))
}

/// Labelled sessions, as rows beside what is usual among the normal ones.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Examples {
    baseline: Baseline,
    /// A value for each feature; none where it is not known.
    rows: Vec<Vec<Option<f64>>>,
    labels: Vec<bool>,
    /// Rows of one client are one group.
    groups: Vec<u32>,
    /// How long the log is.
    days: f64,
    /// The hash of whose sessions there were, when, with how many calls, and with which labels.
    data: String,
}

impl Examples {
    pub(super) fn new(
        recording: &Recording,
        (templates, endpoints): (&Templates, &Endpoints),
        settings: SessionSettings,
        labels: &Labels,
    ) -> Result<Self> {
        let sessions = recording.traffic(templates, endpoints, settings).sessions;
        let known = labels.of(&sessions, recording);
        let (sessions, labels): (Vec<Session>, Vec<bool>) =
            sessions.into_iter().zip(known).filter_map(|(session, label)| Some((session, label?))).unzip();
        let n_anomalous = labels.iter().filter(|label| **label).count();
        let n_normal = labels.len() - n_anomalous;
        if n_anomalous.min(n_normal) < MIN_OF_A_CLASS {
            return Err(Failure::undecided(format!(
                "{n_anomalous} anomalous and {n_normal} normal sessions have labels; learning needs {MIN_OF_A_CLASS} of each"
            ))
            .hint("`lanner api replay` finds unusual sessions without labels"));
        }
        let labelled = sessions.iter().zip(&labels);
        let normal: Vec<Session> =
            labelled.filter(|(_, label)| !**label).map(|(session, _)| session.clone()).collect();
        let mut learner = Learner::default();
        normal.iter().for_each(|session| learner.add(session));
        let baseline = learner.finish(&normal);
        let known = |value: f64| Some(value).filter(|value| !value.is_nan());
        let rows = Model::rows(&sessions, &labels, &baseline);
        let (first_ms, last_ms) = recording.span_ms().unwrap_or_default();
        Ok(Self {
            rows: rows.into_iter().map(|row| row.into_iter().map(known).collect()).collect(),
            groups: groups(&sessions),
            days: (last_ms - first_ms) as f64 / 86_400_000.0,
            data: fingerprint(&sessions, &labels),
            baseline,
            labels,
        })
    }

    /// Anomalous sessions, and normal ones.
    pub(super) fn counts(&self) -> (usize, usize) {
        let n_anomalous = self.labels.iter().filter(|label| **label).count();
        (n_anomalous, self.labels.len() - n_anomalous)
    }

    /// Learns a model. The same examples and settings give the same one.
    pub(super) fn learn(
        &self,
        templates: &Templates,
        endpoints: &Endpoints,
        how: &Learning,
    ) -> Result<Model> {
        let value = |value: &Option<f64>| value.unwrap_or(f64::NAN);
        let rows: Vec<Vec<f64>> = self.rows.iter().map(|row| row.iter().map(value).collect()).collect();
        let aim = how.aim(self.days);
        let mut model = best(&trials(&how.settings(), how.tune.into()), |settings| {
            let parts = (templates.clone(), endpoints.clone(), self.baseline.clone());
            Model::learn_rows(parts, &rows, &self.labels, self.groups.clone(), (settings, aim))
        })?;
        check(aim, model.notes["recall"].as_f64().unwrap_or_default())?;
        model.notes["data"] = self.data.as_str().into();
        Ok(model)
    }
}

/// The model with the best F1 on unseen sessions; the first of equals.
fn best(
    trials: &[Settings],
    learn: impl Fn(&Settings) -> std::result::Result<Model, ModelError>,
) -> Result<Model> {
    let f1 = |model: &Model| model.notes["f1"].as_f64().unwrap_or_default();
    let mut best: Option<Model> = None;
    for settings in trials {
        let mut model = learn(settings).map_err(|error| Failure::user(error.to_string()))?;
        let Settings { n_trees, max_leaves, max_depth, l2, .. } = settings;
        let chosen = json!({ "trees": n_trees, "leaves": max_leaves, "depth": max_depth, "l2": l2, "trials": trials.len() });
        model.notes["settings"] = chosen;
        if best.as_ref().is_none_or(|known| f1(&model) > f1(known)) {
            best = Some(model);
        }
    }
    best.ok_or_else(|| Failure::program("there was no trial"))
}

fn fingerprint(sessions: &[Session], labels: &[bool]) -> String {
    let line = |(session, label): (&Session, &bool)| {
        format!("{} {} {} {label}\n", session.key, session.first_ms, session.n_calls)
    };
    content::sha256(sessions.iter().zip(labels).map(line).collect::<String>().as_bytes())
}

/// Sessions of one client are one group.
fn groups(sessions: &[Session]) -> Vec<u32> {
    let mut numbers = HashMap::new();
    let number = |session: &Session| {
        let next = numbers.len() as u32;
        *numbers.entry(session.key.clone()).or_insert(next)
    };
    sessions.iter().map(number).collect()
}
