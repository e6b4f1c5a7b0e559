//! `lanner api learn`: a model from a log and its labels.

use std::path::PathBuf;

use clap::ValueEnum;
use lanner_boost::{Aim, Settings};
use lanner_core::content;
use lanner_traffic::{Learner, Model, ModelError, Session};
use serde_json::json;

use super::labels::Labels;
use super::log::{Log, LogArgs};
use super::tune::trials;
use crate::failure::{Failure, Outcome, Result};
use crate::output;

/// Fewer sessions of a class teach too little.
const MIN_OF_A_CLASS: usize = 20;

/// Learn a model of anomalous sessions from an access log with labels.
///
/// The labels are a table with the columns label (anomalous or normal) and session (as the log names it) or client (an
/// address), as `lanner api labels` writes it of what was said on a server; where it has a column started, a label is of the session
/// that began then. The model holds the learned paths, what is usual among normal sessions, trees, and a threshold that was
/// chosen by cross-validation; its quality there is shown.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner api learn access.log --labels labels.csv --output model.json
  lanner api learn access.log --labels labels.csv --output model.json --aim alarms --alarms-per-day 5
  lanner api learn access.log --labels labels.csv --output model.json --aim cost --miss-cost 20")]
pub(super) struct Args {
    #[command(flatten)]
    log: LogArgs,
    /// Table of labels.
    #[arg(long, value_name = "FILE")]
    labels: PathBuf,
    /// File for the model.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    aim: AimArgs,
    /// Trees.
    #[arg(long, value_name = "NUMBER", default_value_t = 150)]
    trees: usize,
    /// Try this many settings of trees, and keep those with the best F1 on unseen sessions.
    #[arg(long, value_name = "TRIALS", num_args = 0..=1, default_value_t = 1, default_missing_value = "20", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    tune: u16,
    /// Seed of everything drawn by chance.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    seed: u64,
}

/// What a threshold is chosen for.
#[derive(Debug, clap::Args)]
pub(super) struct AimArgs {
    /// What the threshold is chosen for.
    #[arg(long, value_enum, default_value_t)]
    aim: AimName,
    /// Flagged sessions accepted in a day, for --aim alarms.
    #[arg(long, value_name = "NUMBER", default_value_t = 10.0)]
    alarms_per_day: f64,
    /// How much worse an anomalous session that is missed is than a normal one that is flagged, for --aim cost.
    #[arg(long, value_name = "NUMBER", default_value_t = 10.0)]
    miss_cost: f64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum AimName {
    /// The best balance of precision and recall.
    #[default]
    F1,
    /// The least cost of mistakes.
    Cost,
    /// The most found within a number of alarms a day.
    Alarms,
}

impl AimArgs {
    pub(super) fn aim(&self, log: &Log) -> Aim {
        let (first_ms, last_ms) = log.recording.span_ms().unwrap_or_default();
        match self.aim {
            AimName::F1 => Aim::F1,
            AimName::Cost => Aim::Cost { false_alarm: 1.0, miss: self.miss_cost },
            AimName::Alarms => {
                Aim::Alarms { per_day: self.alarms_per_day, days: (last_ms - first_ms) as f64 / 86_400_000.0 }
            }
        }
    }
}

impl AimArgs {
    /// Refuses a threshold above everything, by which the model would flag nobody.
    fn check(&self, aim: Aim, recall: f64) -> Result<()> {
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
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let log = args.log.read()?;
    let labels = Labels::read(&args.labels)?;
    let (model, notes) = learn(&log, &labels, args)?;
    super::model::save(&model, &args.output)?;
    output::line(&notes)?;
    Ok(Outcome::Fine)
}

fn learn(log: &Log, labels: &Labels, args: &Args) -> Result<(Model, String)> {
    let (templates, endpoints) = log.recording.learn(&log.known_paths);
    let sessions = log.recording.traffic(&templates, &endpoints, log.settings).sessions;
    let known = labels.of(&sessions, &log.recording);
    let (sessions, labels): (Vec<Session>, Vec<bool>) = sessions
        .into_iter()
        .zip(known)
        .filter_map(|(session, label)| label.map(|label| (session, label)))
        .unzip();
    let n_anomalous = labels.iter().filter(|label| **label).count();
    let n_normal = labels.len() - n_anomalous;
    if n_anomalous.min(n_normal) < MIN_OF_A_CLASS {
        return Err(Failure::undecided(format!(
            "{n_anomalous} anomalous and {n_normal} normal sessions have labels; learning needs {MIN_OF_A_CLASS} of each"
        ))
        .hint("`lanner api replay` finds unusual sessions without labels"));
    }
    let mut learner = Learner::default();
    let normal: Vec<Session> = sessions
        .iter()
        .zip(&labels)
        .filter(|(_, label)| !**label)
        .map(|(session, _)| session.clone())
        .collect();
    normal.iter().for_each(|session| learner.add(session));
    let baseline = learner.finish(&normal);
    let settings = Settings {
        n_trees: args.trees,
        learning_rate: 0.06,
        max_leaves: 15,
        min_leaf_rows: 5,
        seed: args.seed,
        ..Settings::default()
    };
    let (parts, groups, aim) = ((templates, endpoints, baseline), groups(&sessions), args.aim.aim(log));
    let mut model = best(&trials(&settings, args.tune.into()), |settings| {
        Model::learn(parts.clone(), &sessions, &labels, groups.clone(), (settings, aim))
    })?;
    args.aim.check(aim, model.notes["recall"].as_f64().unwrap_or_default())?;
    model.notes["data"] = fingerprint(&sessions, &labels).into();
    let note = |name: &str| model.notes[name].as_f64().unwrap_or_default();
    let notes = format!(
        "{}: {n_anomalous} anomalous and {n_normal} normal sessions; unseen ones: F1 {:.3} (precision {:.3}, recall {:.3}), \
         {:.2} % of normal sessions flagged, threshold {:.3}",
        args.output.display(),
        note("f1"),
        note("precision"),
        note("recall"),
        note("false_alarm_rate") * 100.0,
        model.threshold
    );
    Ok((model, notes))
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

/// What was learned from: the hash of whose sessions there were, when, with how many calls, and with which labels.
fn fingerprint(sessions: &[Session], labels: &[bool]) -> String {
    let line = |(session, label): (&Session, &bool)| {
        format!("{} {} {} {label}\n", session.key, session.first_ms, session.n_calls)
    };
    content::sha256(sessions.iter().zip(labels).map(line).collect::<String>().as_bytes())
}

/// Sessions of one client are one group.
fn groups(sessions: &[Session]) -> Vec<u32> {
    let mut numbers = std::collections::HashMap::new();
    sessions
        .iter()
        .map(|session| {
            let next = numbers.len() as u32;
            *numbers.entry(session.key.clone()).or_insert(next)
        })
        .collect()
}
