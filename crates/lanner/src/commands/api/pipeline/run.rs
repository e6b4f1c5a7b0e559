//! What each step does.

use std::path::Path;

use lanner_boost::outcomes_at;
use lanner_core::content;
use lanner_quality::{Scored, auc_pr, auc_roc};
use lanner_traffic::{Endpoints, Model, Recording, SessionSettings, Templates};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::examples::Examples;
use super::super::labels::Labels;
use super::super::log::{LogArgs, known_paths};
use super::file::Pipeline;
use super::runs::{self, Run};
use super::steps::{Done, KEPT, Kept, Made, TO_DO, hash_of};
use crate::failure::{Failure, Result};

#[derive(Serialize, Deserialize)]
struct Paths {
    templates: Templates,
    endpoints: Endpoints,
}

/// Does what is to be done, and notes the run.
pub(super) fn run(pipeline: &Pipeline, kept: &mut Kept) -> Result<Run> {
    let mut steps = Vec::new();
    let model = learn(pipeline, kept, &mut steps)?;
    let mut metrics = notes(&read_model(&model)?);
    if let Some((log, labels)) = &pipeline.evaluate {
        let quality = evaluate(pipeline, kept, (log, labels), &model, &mut steps)?;
        let quality: serde_json::Map<String, Value> = quality.json()?;
        metrics.extend(quality.into_iter().map(|(name, value)| (format!("evaluate.{name}"), value)));
    }
    if let Some(path) = &pipeline.output {
        std::fs::write(path, model.read()?).map_err(|error| Failure::file("write", path, &error))?;
    }
    runs::note(kept, Run::new(inputs(pipeline)?, metrics, model.hash, steps))
}

/// What a run would do.
pub(super) fn status(pipeline: &Pipeline, kept: &Kept) -> Result<Vec<Done>> {
    let mut steps = Vec::new();
    let mut look = |step: &str, inputs: Option<Vec<String>>| -> Option<String> {
        let file =
            inputs.map(|inputs| Kept::name(step, &inputs.iter().map(String::as_str).collect::<Vec<_>>()));
        let made = file.as_ref().and_then(|file| kept.find(file)).map(|made| made.hash);
        let state = if made.is_some() { KEPT } else { TO_DO };
        let file = file.unwrap_or_default();
        steps.push(Done { step: step.to_owned(), state, seconds: None, made: made.clone(), file });
        made
    };
    let parsed = look(PARSE, Some(parse_inputs(pipeline, &pipeline.log)?));
    let paths = parsed.clone().map(|parsed| templates_inputs(pipeline, parsed)).transpose()?;
    let paths = look(TEMPLATES, paths);
    let examples = paths
        .clone()
        .zip(parsed)
        .map(|(paths, parsed)| features_inputs(pipeline, parsed, paths))
        .transpose()?;
    let examples = look(FEATURES, examples);
    let model =
        look(LEARN, examples.zip(paths).map(|(examples, paths)| learn_inputs(pipeline, examples, paths)));
    if let Some((log, labels)) = &pipeline.evaluate {
        let parsed = look(PARSE_OTHER, Some(parse_inputs(pipeline, log)?));
        let quality =
            model.zip(parsed).map(|(model, parsed)| evaluate_inputs(pipeline, labels, model, parsed));
        look(EVALUATE, quality.transpose()?);
    }
    Ok(steps)
}

const PARSE: &str = "parse";
const TEMPLATES: &str = "templates";
const FEATURES: &str = "features";
const LEARN: &str = "learn";
const PARSE_OTHER: &str = "parse-other";
const EVALUATE: &str = "evaluate";

fn parse_inputs(pipeline: &Pipeline, log: &Path) -> Result<Vec<String>> {
    Ok(vec![hash_of(log)?, pipeline.log_format.clone().unwrap_or_default(), pipeline.key.name()])
}

fn templates_inputs(pipeline: &Pipeline, parsed: String) -> Result<Vec<String>> {
    Ok(vec![parsed, pipeline.openapi.as_deref().map(hash_of).transpose()?.unwrap_or_default()])
}

fn features_inputs(pipeline: &Pipeline, parsed: String, paths: String) -> Result<Vec<String>> {
    Ok(vec![parsed, paths, hash_of(&pipeline.labels)?, pipeline.idle_ms.to_string()])
}

fn learn_inputs(pipeline: &Pipeline, examples: String, paths: String) -> Vec<String> {
    vec![examples, paths, content::canonical(&json!(pipeline.learning))]
}

fn evaluate_inputs(pipeline: &Pipeline, labels: &Path, model: String, parsed: String) -> Result<Vec<String>> {
    Ok(vec![model, parsed, hash_of(labels)?, pipeline.idle_ms.to_string()])
}

/// The steps up to the model.
fn learn(pipeline: &Pipeline, kept: &Kept, steps: &mut Vec<Done>) -> Result<Made> {
    let parsed =
        step(kept, PARSE, &parse_inputs(pipeline, &pipeline.log)?, steps, || parse(pipeline, &pipeline.log))?;
    let inputs = templates_inputs(pipeline, parsed.hash.clone())?;
    let paths = step(kept, TEMPLATES, &inputs, steps, || {
        let known = known_paths(pipeline.openapi.as_deref())?;
        let (templates, endpoints) = recording(&parsed)?.learn(&known);
        json_of(&Paths { templates, endpoints })
    })?;
    let inputs = features_inputs(pipeline, parsed.hash.clone(), paths.hash.clone())?;
    let examples = step(kept, FEATURES, &inputs, steps, || {
        let Paths { templates, endpoints } = paths.json()?;
        let labels = Labels::read(&pipeline.labels)?;
        json_of(&Examples::new(&recording(&parsed)?, (&templates, &endpoints), sessions(pipeline), &labels)?)
    })?;
    let inputs = learn_inputs(pipeline, examples.hash.clone(), paths.hash.clone());
    step(kept, LEARN, &inputs, steps, || {
        let Paths { templates, endpoints } = paths.json()?;
        let model = examples.json::<Examples>()?.learn(&templates, &endpoints, &pipeline.learning)?;
        Ok(model.to_json().to_string().into_bytes())
    })
}

fn evaluate(
    pipeline: &Pipeline,
    kept: &Kept,
    (log, labels): (&Path, &Path),
    model: &Made,
    steps: &mut Vec<Done>,
) -> Result<Made> {
    let parsed = step(kept, PARSE_OTHER, &parse_inputs(pipeline, log)?, steps, || parse(pipeline, log))?;
    let inputs = evaluate_inputs(pipeline, labels, model.hash.clone(), parsed.hash.clone())?;
    step(kept, EVALUATE, &inputs, steps, || {
        let (model, labels, recording) = (read_model(model)?, Labels::read(labels)?, recording(&parsed)?);
        let found = recording.traffic(&model.templates, &model.endpoints, sessions(pipeline)).sessions;
        let known = labels.of(&found, &recording);
        let score = |(session, label): (_, Option<bool>)| Some((model.score(session, 0).probability, label?));
        let (scores, labels): (Vec<f64>, Vec<bool>) = found.iter().zip(known).filter_map(score).unzip();
        let scored = Scored::new(&labels, &scores).map_err(|error| Failure::undecided(error.to_string()))?;
        let outcomes = outcomes_at(&scores, &labels, model.threshold);
        json_of(&json!({
            "n_sessions": labels.len(), "n_anomalous": labels.iter().filter(|label| **label).count(),
            "f1": outcomes.f1(), "precision": outcomes.precision(), "recall": outcomes.recall(),
            "false_alarm_rate": outcomes.false_alarm_rate(), "auc_roc": auc_roc(&scored), "auc_pr": auc_pr(&scored),
        }))
    })
}

fn step(
    kept: &Kept,
    name: &str,
    inputs: &[String],
    steps: &mut Vec<Done>,
    make: impl FnOnce() -> Result<Vec<u8>>,
) -> Result<Made> {
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let made = kept.step((name, &inputs), steps, make);
    made.map_err(|failure| failure.of(&format!("step {name}")))
}

fn parse(pipeline: &Pipeline, log: &Path) -> Result<Vec<u8>> {
    let log = LogArgs::new(log, pipeline.log_format.as_deref(), pipeline.key)?.read()?;
    let mut bytes = Vec::new();
    log.recording.write(&mut bytes);
    Ok(bytes)
}

fn recording(parsed: &Made) -> Result<Recording> {
    let damaged = || {
        Failure::program("what the step parse made cannot be read").hint("remove the folder, and run again")
    };
    Recording::read(&parsed.read()?).ok_or_else(damaged)
}

fn read_model(model: &Made) -> Result<Model> {
    Model::from_json(&model.read()?).map_err(|error| Failure::program(error.to_string()))
}

fn sessions(pipeline: &Pipeline) -> SessionSettings {
    SessionSettings { idle_ms: pipeline.idle_ms, ..SessionSettings::default() }
}

fn json_of(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Failure::program(error.to_string()))
}

/// What the model says of itself: how good it is on sessions that it was not learned from.
fn notes(model: &Model) -> serde_json::Map<String, Value> {
    let mut notes: serde_json::Map<String, Value> =
        ["n_sessions", "n_anomalous", "f1", "precision", "recall", "false_alarm_rate"]
            .into_iter()
            .map(|name| (name.to_owned(), model.notes[name].clone()))
            .collect();
    notes.insert("threshold".to_owned(), model.threshold.into());
    notes
}

/// Files, with the hash of their content, and settings.
fn inputs(pipeline: &Pipeline) -> Result<serde_json::Map<String, Value>> {
    let mut all = serde_json::Map::new();
    let (log, labels) = pipeline.evaluate.as_ref().map(|(log, labels)| (log, labels)).unzip();
    let files = [
        ("parse.log", Some(&pipeline.log)),
        ("templates.openapi", pipeline.openapi.as_ref()),
        ("features.labels", Some(&pipeline.labels)),
        ("evaluate.log", log),
        ("evaluate.labels", labels),
    ];
    for (name, path) in files {
        if let Some(path) = path {
            let name_of = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            all.insert(name.to_owned(), format!("{name_of} {}", &hash_of(path)?[..12]).into());
        }
    }
    all.insert("parse.log_format".to_owned(), pipeline.log_format.clone().into());
    all.insert("parse.key".to_owned(), pipeline.key.name().into());
    all.insert("features.idle".to_owned(), lanner_core::time::format_duration(pipeline.idle_ms).into());
    if let Value::Object(learning) = json!(pipeline.learning) {
        all.extend(learning.into_iter().map(|(name, value)| (format!("learn.{name}"), value)));
    }
    Ok(all)
}
