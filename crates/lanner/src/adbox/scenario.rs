//! Scenarios of SONAR, the successor of ADBox, as use cases.

use lanner_core::document::{Check, Content, Fields, Node, Problems};
use lanner_deep::{Feature, Fill, Method};

use super::derived;
use super::use_case::{
    Mode, PredictionCase, Settings, TrainingCase, UseCase, boolean, feature, filter, mode, read_by, text,
    texts, whole,
};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// The fields of a scenario.
const FIELDS: [&str; 8] =
    ["name", "description", "enabled", "model_name", "training", "detection", "shipping", "debug"];

const TRAINING: [&str; 16] = [
    "lookback_hours",
    "numeric_fields",
    "max_numeric_fields",
    "categorical_fields",
    "categorical_top_k",
    "bucket_minutes",
    "sliding_window",
    "alert_filter",
    "epochs",
    "derived_features",
    "device",
    "fill_with_synthetic",
    "synthetic_count",
    "synthetic_mode",
    "by",
    "max_entities",
];

const DETECTION: [&str; 5] =
    ["mode", "lookback_minutes", "polling_interval_seconds", "threshold", "min_consecutive"];

/// Reads a use case, or a scenario.
///
/// # Errors
/// Every mistake in it, with its line.
pub(crate) fn from_yaml(text: &str) -> Result<UseCase, Problems> {
    let node = Node::from_yaml(text).map_err(|problem| Problems(vec![problem]))?;
    if is_scenario(&node) { read(&node) } else { UseCase::from_node(&node) }
}

/// Whether a document is a scenario: use cases have `prediction` where scenarios have `detection`, and no name.
fn is_scenario(node: &Node) -> bool {
    let Content::Map(entries) = &node.content else { return false };
    let has = |name: &str| entries.iter().any(|(key, _)| key.name == name);
    !has("prediction") && (has("detection") || has("name") || has("model_name"))
}

fn read(node: &Node) -> Result<UseCase, Problems> {
    let mut check = Check::default();
    let mut found = UseCase::default();
    read_into(node, &mut found, &mut check);
    if check.problems.is_empty() { Ok(found) } else { Err(Problems(check.problems)) }
}

fn read_into(node: &Node, found: &mut UseCase, check: &mut Check) -> Option<()> {
    let mut fields = check.map(node, "")?;
    let name = fields.read("name", check, text);
    let model = fields.read("model_name", check, text);
    for known in ["description", "enabled", "shipping"] {
        let _ = fields.get(known);
    }
    let display_name = model.or(name);
    if let Some(node) = fields.get("training") {
        found.training = read_training(node, display_name.clone(), found, check);
    }
    if let Some(node) = fields.get("detection") {
        found.prediction = read_detection(node, display_name, found, check);
    }
    if let Some(node) = fields.get("debug") {
        read_debug(node, found, check);
    }
    found.pass_over(fields, &FIELDS);
    Some(())
}

fn read_training(
    node: &Node,
    display_name: Option<String>,
    found: &mut UseCase,
    check: &mut Check,
) -> Option<TrainingCase> {
    let mut fields = check.map(node, "training")?;
    let hours = fields.read("lookback_hours", check, |node| whole(node, 1..=87_600)).unwrap_or(24);
    let list = |name: &str, fields: &mut Fields<'_>, check: &mut Check| {
        let node = fields.get(name);
        node.map(|node| texts(node, &format!("training.{name}"), check)).unwrap_or_default()
    };
    // SONAR's own default.
    let numeric = match fields.get("numeric_fields") {
        Some(node) => texts(node, "training.numeric_fields", check),
        None => vec!["rule.level".to_owned()],
    };
    let highest = read_highest(&mut fields, &numeric, found, check);
    let categorical = list("categorical_fields", &mut fields, check);
    let top = fields.read("categorical_top_k", check, |node| whole(node, 1..=100)).unwrap_or(10);
    let minutes = fields.read("bucket_minutes", check, |node| whole(node, 1..=1_440)).unwrap_or(5);
    let window = fields.read("sliding_window", check, |node| whole(node, 1..=1_000)).unwrap_or(200);
    let epochs = fields.read("epochs", check, |node| whole(node, 1..=1_000));
    let filter = filter(&mut fields, check);
    let by = read_by(&mut fields, check);
    let is_derived = fields.read("derived_features", check, boolean).unwrap_or(true);
    if numeric.is_empty() && categorical.is_empty() && !is_derived {
        let message = "names neither numeric_fields nor categorical_fields, and derived_features is false";
        check.problem(node, "training", message);
    }
    // Where SONAR computes; there is no choice here.
    let _ = fields.get("device");
    if fields.read("fill_with_synthetic", check, boolean).unwrap_or(false) {
        found.remarks.push("training.fill_with_synthetic is not known here".to_owned());
    }
    for unused in ["synthetic_count", "synthetic_mode"] {
        let _ = fields.get(unused);
    }
    found.pass_over(fields, &TRAINING);
    let mut features: Vec<Feature> = numeric.iter().filter_map(|field| feature(field, "average")).collect();
    features.extend(highest);
    features.extend(derived::features().filter(|_| is_derived));
    let mut columns: Vec<String> = features.iter().map(|feature| feature.field.clone()).collect();
    columns.extend(categorical.iter().cloned());
    let settings = Settings { window_size: window, ..Settings::default() };
    Some(TrainingCase {
        index_date: Some("*-*-*".to_owned()),
        lookback_ms: i64::try_from(hours).ok().map(|hours| hours * HOUR_MS),
        filter,
        categorical,
        top,
        columns,
        features,
        // Nothing happened in a bucket without alerts.
        fill: Fill::Zero,
        unit_ms: i64::try_from(minutes).unwrap_or(5) * MINUTE_MS,
        display_name,
        settings: Settings { epochs: epochs.unwrap_or(settings.epochs), ..settings },
        by,
        entity: None,
    })
}

/// Fields of which the highest value in a bucket is a column as well, called `<field>__max`.
fn read_highest(
    fields: &mut Fields<'_>,
    numeric: &[String],
    found: &mut UseCase,
    check: &mut Check,
) -> Vec<Feature> {
    let Some(node) = fields.get("max_numeric_fields") else { return Vec::new() };
    if node.number().is_some() {
        let message = "should be a list of fields, for example [\"data.cpu_usage_%\"], found a number";
        check.problem(node, "training.max_numeric_fields", message);
        return Vec::new();
    }
    let mut highest: Vec<Feature> = Vec::new();
    for field in texts(node, "training.max_numeric_fields", check) {
        let of_derived = derived::features().find(|derived| derived.name == field);
        if of_derived.is_none() && !numeric.contains(&field) {
            found.remarks.push(format!("training.max_numeric_fields: {field} is none of numeric_fields"));
            continue;
        }
        let name = format!("{field}__max");
        let column = of_derived.map_or(field, |derived| derived.field);
        if !highest.iter().any(|known| known.name == name) {
            highest.push(Feature { name, field: column, method: Method::Max });
        }
    }
    highest
}

fn read_detection(
    node: &Node,
    name: Option<String>,
    found: &mut UseCase,
    check: &mut Check,
) -> Option<PredictionCase> {
    let mut fields = check.map(node, "detection")?;
    let mode = fields.read("mode", check, |node| mode(&text(node)?)).unwrap_or(Mode::Historical);
    let lookback = fields.read("lookback_minutes", check, |node| whole(node, 1..=10_000_000));
    let _ = fields.get("polling_interval_seconds");
    if fields.get("threshold").is_some() {
        found.remarks.push(
            "detection.threshold: thresholds are set by rows that were held out in training".to_owned(),
        );
    }
    let consecutive = fields.read("min_consecutive", check, |node| whole(node, 1..=1_000)).unwrap_or(1);
    found.pass_over(fields, &DETECTION);
    let lookback_ms =
        lookback.and_then(|minutes| i64::try_from(minutes).ok()).map(|minutes| minutes * MINUTE_MS);
    Some(PredictionCase {
        mode,
        detector: name.filter(|_| found.training.is_none()),
        start_ms: None,
        end_ms: None,
        batch_size: 1,
        lookback_ms,
        min_consecutive: consecutive,
    })
}

fn read_debug(node: &Node, found: &mut UseCase, check: &mut Check) -> Option<()> {
    let mut fields = check.map(node, "debug")?;
    let is_on = fields.read("enabled", check, boolean).unwrap_or(false);
    let folder = fields.read("data_dir", check, text).unwrap_or_default();
    let file = |name: &str, fields: &mut Fields<'_>, check: &mut Check| {
        let file = fields.read(name, check, text)?;
        Some(std::path::Path::new(&folder).join(file))
    };
    let training = file("training_data_file", &mut fields, check);
    let detection = file("detection_data_file", &mut fields, check);
    if is_on {
        (found.training_file, found.prediction_file) = (training, detection);
    }
    found.pass_over(fields, &["enabled", "data_dir", "training_data_file", "detection_data_file"]);
    Some(())
}
