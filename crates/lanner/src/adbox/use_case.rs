//! Use cases of ADBox, as they are: what to train, and what to predict. What is missing has ADBox's defaults.

use std::path::PathBuf;

use lanner_core::document::{Check, Content, Fields, Node, Problems};
use lanner_core::time::parse_time_ms;
use lanner_deep::{Feature, Fill, Method};

use super::entity::{By, Entity};
use super::times::granularity;

/// A use case. What its file does not name is not run.
#[derive(Debug, Default)]
pub(crate) struct UseCase {
    pub(crate) training: Option<TrainingCase>,
    pub(crate) prediction: Option<PredictionCase>,
    /// Files that are read in training and prediction, unless others are named.
    pub(crate) training_file: Option<PathBuf>,
    pub(crate) prediction_file: Option<PathBuf>,
    /// What ADBox passes over in silence.
    pub(crate) remarks: Vec<String>,
}

/// What to train.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TrainingCase {
    /// Which indices, by date: `2024-08-*`; `None` for this month.
    pub(crate) index_date: Option<String>,
    /// How far back alerts are read; `None` for all.
    pub(crate) lookback_ms: Option<i64>,
    /// Which alerts, in the language of OpenSearch.
    pub(crate) filter: Option<serde_json::Value>,
    /// Fields whose most frequent values become columns of their own.
    pub(crate) categorical: Vec<String>,
    /// How many of the values.
    pub(crate) top: usize,
    pub(crate) columns: Vec<String>,
    pub(crate) features: Vec<Feature>,
    pub(crate) fill: Fill,
    pub(crate) unit_ms: i64,
    pub(crate) display_name: Option<String>,
    pub(crate) settings: Settings,
    /// Whose values have a detector each.
    pub(crate) by: Option<By>,
    /// Whose detector it is, of those.
    pub(crate) entity: Option<Entity>,
}

/// How a detector is trained, by the names of ADBox.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub(crate) struct Settings {
    pub(crate) window_size: usize,
    pub(crate) kernel_size: usize,
    pub(crate) use_gatv2: bool,
    pub(crate) feat_gat_embed_dim: Option<usize>,
    pub(crate) time_gat_embed_dim: Option<usize>,
    pub(crate) gru_n_layers: usize,
    pub(crate) gru_hid_dim: usize,
    pub(crate) fc_n_layers: usize,
    pub(crate) fc_hid_dim: usize,
    pub(crate) recon_n_layers: usize,
    pub(crate) recon_hid_dim: usize,
    pub(crate) alpha: f64,
    pub(crate) epochs: usize,
    pub(crate) val_split: f64,
    pub(crate) bs: usize,
    pub(crate) init_lr: f64,
    pub(crate) dropout: f64,
    pub(crate) gamma: f64,
    pub(crate) level: f64,
    pub(crate) q: f64,
    pub(crate) dynamic_pot: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            window_size: 10,
            kernel_size: 7,
            use_gatv2: true,
            feat_gat_embed_dim: None,
            time_gat_embed_dim: None,
            gru_n_layers: 1,
            gru_hid_dim: 150,
            fc_n_layers: 3,
            fc_hid_dim: 150,
            recon_n_layers: 1,
            recon_hid_dim: 150,
            alpha: 0.2,
            epochs: 30,
            val_split: 0.1,
            bs: 256,
            init_lr: 1e-3,
            dropout: 0.3,
            gamma: 1.0,
            level: 0.99,
            q: 1e-3,
            dynamic_pot: true,
        }
    }
}

/// What to predict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PredictionCase {
    pub(crate) mode: Mode,
    /// `None` for the current detector.
    pub(crate) detector: Option<String>,
    /// `None` for midnight.
    pub(crate) start_ms: Option<i64>,
    /// `None` for now.
    pub(crate) end_ms: Option<i64>,
    pub(crate) batch_size: i64,
    /// How far back history is judged, where no start is given.
    pub(crate) lookback_ms: Option<i64>,
    /// So many units in a row must be beyond the threshold.
    pub(crate) min_consecutive: usize,
}

/// When is predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Once, over a stretch of the past.
    Historical,
    /// Again and again, some units at once.
    Batch,
    /// Each unit when it is over.
    Realtime,
}

impl Mode {
    /// As ADBox writes it in results.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Historical => "HISTORICAL",
            Self::Batch => "BATCH",
            Self::Realtime => "REALTIME",
        }
    }
}

/// Keys of `train_config` that change nothing here: one thread or a GPU, what is printed.
const WITHOUT_EFFECT: [&str; 7] = [
    "spec_res",
    "shuffle_dataset",
    "use_cuda",
    "print_every",
    "log_tensorboard",
    "use_mov_av",
    "scale_scores",
];

impl UseCase {
    /// Reads a use case.
    ///
    /// # Errors
    /// Every mistake in it, with its line.
    pub(super) fn from_node(node: &Node) -> Result<Self, Problems> {
        let mut check = Check::default();
        let mut found = Self::default();
        if node.content != Content::Null {
            found.read(node, &mut check);
        }
        if check.problems.is_empty() { Ok(found) } else { Err(Problems(check.problems)) }
    }

    fn read(&mut self, node: &Node, check: &mut Check) {
        let Content::Map(entries) = &node.content else {
            check.problem(node, "", "should be a map with training, prediction or both");
            return;
        };
        let has = |name: &str| entries.iter().any(|(key, _)| key.name == name);
        let empty = Node::new(node.at, Content::Map(Vec::new()));
        let Some(mut fields) = check.map(node, "") else { return };
        if has("training") {
            let node = fields.get("training").unwrap_or(&empty);
            self.training = self.read_training(node, check);
        }
        if has("prediction") {
            let node = fields.get("prediction").unwrap_or(&empty);
            self.prediction = self.read_prediction(node, check);
        }
        self.pass_over(fields, &["training", "prediction"]);
    }

    /// Notes what nobody asked for: ADBox passes over it in silence.
    pub(super) fn pass_over(&mut self, fields: Fields<'_>, known: &[&str]) {
        let mut check = Check::default();
        fields.finish(known, &mut check);
        self.remarks.extend(check.problems.iter().map(ToString::to_string));
    }

    fn read_training(&mut self, node: &Node, check: &mut Check) -> Option<TrainingCase> {
        let mut fields = check.map(node, "training")?;
        let index_date = fields.read("index_date", check, |node| text(node).and_then(index_date)).flatten();
        let categorical = fields.read("categorical_features", check, boolean).unwrap_or(false);
        let is_aggregated = fields.read("aggregation", check, boolean).unwrap_or(true);
        if !is_aggregated {
            let message =
                "should be true: detectors look at units of time; choose a small granularity, such as 1s";
            check.problem(node, "training.aggregation", message);
        }
        let columns = fields.get("columns");
        let names = columns.map(|node| texts(node, "training.columns", check));
        let display_name = fields.read("display_name", check, text).filter(|name| name != "default");
        // Lanner's own, by the name that SONAR has for it.
        let filter = filter(&mut fields, check);
        let by = read_by(&mut fields, check);
        let config = fields.get("aggregation_config");
        let aggregation = self.read_aggregation(config, check);
        let settings = fields.get("train_config").map(|node| self.read_settings(node, check));
        let (features, fill, unit_ms) = aggregation?;
        let named = names.unwrap_or_else(|| DEFAULT_COLUMNS.map(str::to_owned).to_vec());
        compare(columns.unwrap_or(node), &named, &features, check);
        self.pass_over(
            fields,
            &[
                "index_date",
                "categorical_features",
                "columns",
                "aggregation",
                "aggregation_config",
                "train_config",
                "display_name",
                "alert_filter",
                "by",
                "max_entities",
            ],
        );
        Some(TrainingCase {
            index_date,
            lookback_ms: None,
            filter,
            categorical: if categorical { named.clone() } else { Vec::new() },
            top: 10,
            columns: named,
            features,
            fill,
            unit_ms,
            display_name,
            settings: settings.flatten().unwrap_or_default(),
            by,
            entity: None,
        })
    }

    fn read_aggregation(
        &mut self,
        node: Option<&Node>,
        check: &mut Check,
    ) -> Option<(Vec<Feature>, Fill, i64)> {
        const PATH: &str = "training.aggregation_config";
        let Some(node) = node else { return Some((default_features(), Fill::Zero, MINUTE_MS)) };
        let mut fields = check.map(node, PATH)?;
        let padding = fields.read("padding_value", check, number).unwrap_or(0.0);
        let fill = fields.read("fill_na_method", check, |node| fill(&text(node)?, padding));
        let unit_ms = fields.read("granularity", check, |node| granularity(&text(node)?));
        let features = fields.get("features").map(|node| read_features(node, check));
        self.pass_over(fields, &["padding_value", "fill_na_method", "granularity", "features"]);
        let features = features.unwrap_or_else(|| Some(default_features()))?;
        Some((features, fill.unwrap_or(Fill::Zero), unit_ms.unwrap_or(MINUTE_MS)))
    }

    fn read_settings(&mut self, node: &Node, check: &mut Check) -> Option<Settings> {
        let mut fields = check.map(node, "training.train_config")?;
        let (mut it, of) = (Settings::default(), &mut fields);
        size(of, "window_size", 1..=1_000, &mut it.window_size, check);
        size(of, "kernel_size", 1..=99, &mut it.kernel_size, check);
        flag(of, "use_gatv2", &mut it.use_gatv2, check);
        it.feat_gat_embed_dim = of.read("feat_gat_embed_dim", check, |node| whole(node, 1..=2_000));
        it.time_gat_embed_dim = of.read("time_gat_embed_dim", check, |node| whole(node, 1..=2_000));
        size(of, "gru_n_layers", 1..=8, &mut it.gru_n_layers, check);
        size(of, "gru_hid_dim", 1..=2_000, &mut it.gru_hid_dim, check);
        size(of, "fc_n_layers", 0..=8, &mut it.fc_n_layers, check);
        size(of, "fc_hid_dim", 1..=2_000, &mut it.fc_hid_dim, check);
        size(of, "recon_n_layers", 1..=8, &mut it.recon_n_layers, check);
        size(of, "recon_hid_dim", 1..=2_000, &mut it.recon_hid_dim, check);
        share(of, "alpha", &mut it.alpha, check);
        size(of, "epochs", 1..=1_000, &mut it.epochs, check);
        share(of, "val_split", &mut it.val_split, check);
        size(of, "bs", 1..=10_000, &mut it.bs, check);
        share(of, "init_lr", &mut it.init_lr, check);
        share(of, "dropout", &mut it.dropout, check);
        share(of, "gamma", &mut it.gamma, check);
        probability(of, "level", &mut it.level, check);
        probability(of, "q", &mut it.q, check);
        flag(of, "dynamic_pot", &mut it.dynamic_pot, check);
        for name in WITHOUT_EFFECT {
            let _ = of.get(name);
        }
        if it.kernel_size.is_multiple_of(2) {
            check.problem(
                node,
                "training.train_config.kernel_size",
                "should be odd: an even one makes windows shorter",
            );
        }
        let known = serde_json::to_value(&it).ok();
        let known: Vec<String> =
            known.iter().flat_map(|it| it.as_object()).flat_map(|it| it.keys().cloned()).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).chain(WITHOUT_EFFECT).collect();
        self.pass_over(fields, &known);
        Some(it)
    }

    fn read_prediction(&mut self, node: &Node, check: &mut Check) -> Option<PredictionCase> {
        let mut fields = check.map(node, "prediction")?;
        let mode = fields.read("run_mode", check, |node| mode(&text(node)?)).unwrap_or(Mode::Historical);
        let detector = fields.read("detector_id", check, text).filter(|id| id != "default");
        let _ = fields.get("index_date");
        let start_ms = fields.read("start_time", check, time).flatten();
        let end_ms = fields.read("end_time", check, time).flatten();
        let batch = fields.read("batch_size", check, |node| whole(node, 1..=1_000_000)).unwrap_or(10);
        if start_ms.zip(end_ms).is_some_and(|(start_ms, end_ms)| end_ms <= start_ms) {
            check.problem(node, "prediction.end_time", "should be after start_time");
        }
        self.pass_over(
            fields,
            &["run_mode", "detector_id", "index_date", "start_time", "end_time", "batch_size"],
        );
        Some(PredictionCase {
            mode,
            detector,
            start_ms,
            end_ms,
            batch_size: i64::try_from(batch).unwrap_or(10),
            lookback_ms: None,
            min_consecutive: 1,
        })
    }
}

const MINUTE_MS: i64 = 60_000;

const DEFAULT_COLUMNS: [&str; 2] = ["data.cpu_usage_%", "data.memory_usage_%"];

fn default_features() -> Vec<Feature> {
    let of = |column: &&str| {
        let (average, max) = (feature(column, "average"), feature(column, "max"));
        [average, max].into_iter().flatten().collect::<Vec<_>>()
    };
    DEFAULT_COLUMNS.iter().flat_map(of).collect()
}

/// A column of the rows: named as in ADBox.
pub(crate) fn feature(column: &str, method: &str) -> Option<Feature> {
    let how = match method {
        "average" => Method::Average,
        "max" => Method::Max,
        "min" => Method::Min,
        "count" => Method::Count,
        "sum" => Method::Sum,
        "cardinality" => Method::Distinct,
        _ => return None,
    };
    Some(Feature { name: format!("{column}_{method}"), field: column.to_owned(), method: how })
}

fn read_features(node: &Node, check: &mut Check) -> Option<Vec<Feature>> {
    const PATH: &str = "training.aggregation_config.features";
    let Content::Map(entries) = &node.content else {
        check.problem(node, PATH, "should be a map of columns to methods, for example rule.level: [max]");
        return None;
    };
    let mut features: Vec<Feature> = Vec::new();
    for (key, node) in entries {
        let path = format!("{PATH}.{}", key.name);
        let methods = check.items(node);
        if methods.is_empty() {
            check.problem(node, &path, "names no method; write for example [average, max]");
        }
        for node in methods {
            let method = node.scalar_text().unwrap_or_default();
            match feature(&key.name, &method) {
                Some(feature) if features.iter().any(|other| other.name == feature.name) => {
                    check.problem(node, &path, format!("names {method} twice"));
                }
                Some(feature) => features.push(feature),
                None => {
                    let message =
                        format!("should be average, max, min, count, sum or cardinality, found \"{method}\"");
                    check.problem(node, &path, message);
                }
            }
        }
    }
    Some(features)
}

/// Columns and features must be the same.
fn compare(node: &Node, columns: &[String], features: &[Feature], check: &mut Check) {
    for column in columns.iter().filter(|column| !features.iter().any(|feature| feature.field == **column)) {
        let message = format!("names {column}, for which aggregation_config.features names no method");
        check.problem(node, "training.columns", message);
    }
    let mut missing: Vec<&str> = features.iter().map(|feature| feature.field.as_str()).collect();
    missing.retain(|field| !columns.iter().any(|column| column == field));
    missing.dedup();
    for field in missing {
        let message = format!("lacks {field}, which aggregation_config.features names");
        check.problem(node, "training.columns", message);
    }
}

fn fill(name: &str, padding: f64) -> Result<Fill, String> {
    Ok(match name {
        "Linear" => Fill::Linear,
        "Previous" => Fill::Previous,
        "Subsequent" => Fill::Subsequent,
        "Zero" => Fill::Zero,
        "Fixed" => Fill::Fixed(padding),
        _ => return Err(format!("should be Linear, Previous, Subsequent, Zero or Fixed, found \"{name}\"")),
    })
}

pub(crate) fn mode(name: &str) -> Result<Mode, String> {
    match name.to_ascii_lowercase().as_str() {
        "historical" | "default" => Ok(Mode::Historical),
        "batch" => Ok(Mode::Batch),
        "realtime" => Ok(Mode::Realtime),
        _ => Err(format!("should be historical, batch or realtime, found \"{name}\"")),
    }
}

/// `2024-08-*`; `None` for the default.
fn index_date(text: String) -> Result<Option<String>, String> {
    let parts: Vec<&str> = text.split('-').collect();
    let is_part = |(part, digits): (&&str, usize)| {
        part.contains('*') && part.len() <= digits
            || part.len() == digits && part.bytes().all(|c| c.is_ascii_digit())
    };
    match parts[..] {
        ["default"] => Ok(None),
        [_, _, _] if parts.iter().zip([4, 2, 2]).all(is_part) => Ok(Some(text)),
        _ => Err(format!("should be a date such as 2024-08-30 or 2024-08-*, found \"{text}\"")),
    }
}

fn time(node: &Node) -> Result<Option<i64>, String> {
    let text = text(node)?;
    if text == "default" { Ok(None) } else { parse_time_ms(&text).map(Some) }
}

/// Entities, unless a use case says how many: networks take minutes each.
const N_ENTITIES: usize = 20;

/// `by: agent.name` and `max_entities: 20` of a training, Lanner's own.
pub(super) fn read_by(fields: &mut Fields<'_>, check: &mut Check) -> Option<By> {
    let field = |node: &Node| match text(node)?.trim() {
        "" => Err("should name a field, for example agent.name".to_owned()),
        field => Ok(field.to_owned()),
    };
    let field = fields.read("by", check, field);
    let most = fields.read("max_entities", check, |node| whole(node, 1..=200));
    Some(By { field: field?, most: most.unwrap_or(N_ENTITIES) })
}

/// Which alerts, in the language of OpenSearch, of which only the shape is looked at.
pub(super) fn filter(fields: &mut Fields<'_>, check: &mut Check) -> Option<serde_json::Value> {
    let node = fields.get("alert_filter")?;
    match &node.content {
        Content::Null => None,
        Content::Map(clauses) if !clauses.is_empty() => Some(node.to_json()),
        other => {
            let message = format!(
                "should be a query of OpenSearch, for example {{ terms: {{ rule.groups: [sshd] }} }}, found {}",
                other.kind()
            );
            check.problem(node, "training.alert_filter", message);
            None
        }
    }
}

pub(super) fn text(node: &Node) -> Result<String, String> {
    node.scalar_text().ok_or_else(|| format!("should be text, found {}", node.content.kind()))
}

pub(super) fn texts(node: &Node, path: &str, check: &mut Check) -> Vec<String> {
    let mut found = Vec::new();
    for item in check.items(node) {
        match text(item) {
            Ok(text) => found.push(text),
            Err(message) => check.problem(item, path, message),
        }
    }
    found
}

/// `true`, or as text: `"true"`.
pub(super) fn boolean(node: &Node) -> Result<bool, String> {
    match text(node)?.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(format!("should be true or false, found \"{other}\"")),
    }
}

/// A whole number counts as one with a fraction.
fn number(node: &Node) -> Result<f64, String> {
    node.number().ok_or_else(|| format!("should be a number, found {}", node.content.kind()))
}

pub(super) fn whole(node: &Node, range: std::ops::RangeInclusive<usize>) -> Result<usize, String> {
    let found = number(node)?;
    let whole = (found.fract() == 0.0 && (0.0..1e9).contains(&found)).then_some(found as usize);
    let (low, high) = (range.start(), range.end());
    whole
        .filter(|found| range.contains(found))
        .ok_or_else(|| format!("should be a whole number from {low} to {high}, found {found}"))
}

fn size(
    fields: &mut Fields<'_>,
    name: &str,
    range: std::ops::RangeInclusive<usize>,
    into: &mut usize,
    check: &mut Check,
) {
    *into = fields.read(name, check, |node| whole(node, range)).unwrap_or(*into);
}

fn flag(fields: &mut Fields<'_>, name: &str, into: &mut bool, check: &mut Check) {
    *into = fields.read(name, check, boolean).unwrap_or(*into);
}

fn probability(fields: &mut Fields<'_>, name: &str, into: &mut f64, check: &mut Check) {
    let read = |node: &Node| match number(node)? {
        found if found > 0.0 && found < 1.0 => Ok(found),
        found => Err(format!("should be a number above 0 and below 1, found {found}")),
    };
    *into = fields.read(name, check, read).unwrap_or(*into);
}

fn share(fields: &mut Fields<'_>, name: &str, into: &mut f64, check: &mut Check) {
    let read = |node: &Node| {
        let found = number(node)?;
        if (0.0..=10.0).contains(&found) {
            Ok(found)
        } else {
            Err(format!("should be a number from 0 to 10, found {found}"))
        }
    };
    *into = fields.read(name, check, read).unwrap_or(*into);
}
