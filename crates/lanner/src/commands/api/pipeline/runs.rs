//! What earlier runs came to: listed, and compared.

use std::collections::BTreeSet;
use std::path::Path;

use lanner_core::time::format_time;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::steps::{Done, Kept};
use crate::adbox::files;
use crate::failure::{Failure, Result, remark};
use crate::list::{Cell, Row};

/// Runs that are listed, and those of them whose steps are kept.
const MAX_RUNS: usize = 1_000;
const N_KEPT: usize = 10;

const FILE: &str = "runs.jsonl";

/// A run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Run {
    /// Its number, from 1 on.
    pub(super) run: u64,
    /// When it ended; milliseconds since the Unix epoch.
    at_ms: i64,
    /// The SHA-256 of its model, which is the model's id on a server.
    pub(super) model: String,
    /// Files with the hash of their content, and settings.
    inputs: Map<String, Value>,
    /// How good the model is.
    metrics: Map<String, Value>,
    /// The files of its steps.
    files: Vec<String>,
    #[serde(skip)]
    pub(super) steps: Vec<Done>,
}

impl Run {
    /// A run that has not been noted yet.
    pub(super) fn new(
        inputs: Map<String, Value>,
        metrics: Map<String, Value>,
        model: String,
        steps: Vec<Done>,
    ) -> Self {
        let files = steps.iter().map(|step| step.file.clone()).collect();
        Self { run: 0, at_ms: 0, model, inputs, metrics, files, steps }
    }

    fn metric(&self, name: &str) -> Option<f64> {
        self.metrics.get(name).and_then(Value::as_f64)
    }
}

/// Notes a run, unless it is the last one again, and removes what no run of late needs.
pub(super) fn note(kept: &Kept, mut run: Run) -> Result<Run> {
    let mut runs = all(kept.folder())?;
    let is_again =
        |last: &Run| (&last.model, &last.inputs, &last.metrics) == (&run.model, &run.inputs, &run.metrics);
    if let Some(last) = runs.last().filter(|last| is_again(last)) {
        (run.run, run.at_ms) = (last.run, last.at_ms);
    } else {
        run.run = runs.last().map_or(1, |last| last.run + 1);
        run.at_ms = lanner_server::Clock::default().now_ms();
        runs.push(run.clone());
    }
    let late = runs.iter().rev().take(N_KEPT);
    kept.clean(&late.flat_map(|run| run.files.iter().map(String::as_str)).collect::<BTreeSet<&str>>())?;
    let first = runs.len().saturating_sub(MAX_RUNS);
    let lines = runs[first..].iter().map(|run| serde_json::to_string(run).map(|line| line + "\n"));
    let text: String =
        lines.collect::<std::result::Result<_, _>>().map_err(|error| Failure::program(error.to_string()))?;
    files::write(&kept.folder().join(FILE), text.as_bytes())?;
    Ok(run)
}

/// All runs, the first one first.
pub(super) fn all(folder: &Path) -> Result<Vec<Run>> {
    let path = folder.join(FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::file("read", &path, &error)),
    };
    let read = |(n, line): (usize, &str)| {
        let wrong = |error| Failure::user(format!("{}:{}: {error}", path.display(), n + 1));
        serde_json::from_str(line).map_err(|error| wrong(error).hint("remove the line"))
    };
    text.lines().enumerate().map(read).collect()
}

/// A run, as it is listed.
#[derive(Debug, Serialize)]
pub(super) struct RunRow<'a> {
    /// Inputs that are not as in the run before.
    changed: Vec<String>,
    #[serde(flatten)]
    run: &'a Run,
}

impl Row for RunRow<'_> {
    const COLUMNS: &'static [&'static str] =
        &["run", "at", "changed", "f1", "false alarms", "f1 evaluated", "auc evaluated", "model"];

    fn cells(&self) -> Vec<Cell> {
        let Run { run, at_ms, model, .. } = self.run;
        let metric =
            |name: &str| -> Cell { self.run.metric(name).map(|value| (value * 1e4).round() / 1e4).into() };
        vec![
            (*run).into(),
            format_time(*at_ms).into(),
            self.changed.join("\n").into(),
            metric("f1"),
            metric("false_alarm_rate"),
            metric("evaluate.f1"),
            metric("evaluate.auc_roc"),
            model.chars().take(12).collect::<String>().into(),
        ]
    }
}

pub(super) fn rows(runs: &[Run]) -> Vec<RunRow<'_>> {
    let before = std::iter::once(None).chain(runs.iter().map(Some));
    let changed = |(before, run): (Option<&Run>, &Run)| match before {
        None => Vec::new(),
        Some(before) => {
            let differ = differing(&before.inputs, &run.inputs);
            differ.into_iter().map(|(name, _, now)| format!("{name} {}", plain(now))).collect()
        }
    };
    before.zip(runs).map(|(before, run)| RunRow { changed: changed((before, run)), run }).collect()
}

/// Something in which two runs differ.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Difference {
    name: String,
    before: Value,
    after: Value,
}

impl Row for Difference {
    const COLUMNS: &'static [&'static str] = &["name", "before", "after"];

    fn cells(&self) -> Vec<Cell> {
        let cell = |value: &Value| match value {
            Value::Null => Cell::Nothing,
            Value::Number(number) => number.as_f64().into(),
            other => plain(Some(other)).into(),
        };
        vec![self.name.as_str().into(), cell(&self.before), cell(&self.after)]
    }
}

pub(super) fn differences(before: &Run, after: &Run) -> Vec<Difference> {
    let differ = differing(&before.inputs, &after.inputs)
        .into_iter()
        .chain(differing(&before.metrics, &after.metrics));
    let value = |value: Option<&Value>| value.cloned().unwrap_or(Value::Null);
    let difference = |(name, before, after): (&str, _, _)| Difference {
        name: name.to_owned(),
        before: value(before),
        after: value(after),
    };
    let mut all: Vec<Difference> = differ.map(difference).collect();
    if before.model != after.model {
        all.push(Difference {
            name: "model".to_owned(),
            before: before.model.clone().into(),
            after: after.model.clone().into(),
        });
    }
    all
}

/// Names whose values differ, with both.
fn differing<'a>(
    before: &'a Map<String, Value>,
    after: &'a Map<String, Value>,
) -> Vec<(&'a str, Option<&'a Value>, Option<&'a Value>)> {
    let names = after.keys().chain(before.keys().filter(|name| !after.contains_key(*name)));
    let both = names.map(|name| (name.as_str(), before.get(name), after.get(name)));
    both.filter(|(_, before, after)| before != after).collect()
}

fn plain(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "(none)".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Says what a run came to.
pub(super) fn tell(run: &Run) {
    let metric = |name: &str| run.metric(name).unwrap_or(f64::NAN);
    let evaluated = match run.metric("evaluate.f1") {
        Some(f1) => format!("; on the other log F1 {f1:.3}, AUC {:.3}", metric("evaluate.auc_roc")),
        None => String::new(),
    };
    let id: String = run.model.chars().take(12).collect();
    remark(&format!(
        "run {}: model {id}, F1 {:.3} on unseen sessions, {:.2} % of normal ones flagged{evaluated}",
        run.run,
        metric("f1"),
        metric("false_alarm_rate") * 100.0,
    ));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(inputs: Value, f1: f64, model: &str) -> Run {
        let map = |value: Value| value.as_object().cloned().unwrap_or_default();
        Run::new(map(inputs), map(json!({ "f1": f1 })), model.to_owned(), Vec::new())
    }

    #[test]
    fn runs_are_compared_by_what_differs() {
        let before = run(json!({ "learn.seed": 1, "parse.log": "a 1" }), 0.9, "m");
        let after = run(json!({ "learn.seed": 2, "parse.log": "a 1", "learn.tune": 3 }), 0.9, "n");
        let names: Vec<String> = differences(&before, &after).into_iter().map(|it| it.name).collect();
        assert_eq!(names, ["learn.seed", "learn.tune", "model"]);
        assert_eq!(differences(&before, &before), []);
        let runs = [before, after];
        assert_eq!(rows(&runs)[1].changed, ["learn.seed 2", "learn.tune 3"]);
    }

    #[test]
    fn a_run_that_is_the_last_one_again_is_not_noted_twice() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::open(folder.path()).unwrap();
        for (seed, number) in [(1, 1), (1, 1), (2, 2), (1, 3)] {
            let noted = note(&kept, run(json!({ "learn.seed": seed }), 0.9, "m")).unwrap();
            assert_eq!(noted.run, number);
        }
        assert_eq!(all(folder.path()).unwrap().len(), 3);
        assert!(Kept::open(folder.path()).is_err(), "two runs at once");
    }
}
