//! A detector as a use case trains it, and what is kept beside it.

use lanner_core::time::format_time;
use lanner_core::{TimeRange, content};
use lanner_deep::{
    Checkpoint, Detector, Feature, Follow, Frame, Kind, Limit, NetworkSettings, Progress, Rule, Training,
    Units,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::entity::Entity;
use super::journal::Journal;
use super::kept::{KeptFeature, KeptFill};
use super::rows::{Rows, Values};
use super::times::Grid;
use super::use_case::{Settings, TrainingCase};
use super::wazuh::{Asked, DataArgs};
use crate::failure::{Failure, Result, remark};
use crate::output::counted;
use crate::tables::few;

const DAY_MS: f64 = 86_400_000.0;

/// The share of rows, the last ones, that the thresholds of single features are set by.
const HELD_OUT: f64 = 0.2;

/// What is known of a detector beside its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) detector_id: String,
    pub(crate) display_name: String,
    pub(crate) created_time: String,
    pub(crate) last_updated_time: String,
    pub(crate) unit_ms: i64,
    pub(crate) window_size: usize,
    pub(crate) fill: KeptFill,
    pub(crate) features: Vec<KeptFeature>,
    /// The threshold of each feature as training left it, in units of its contribution.
    pub(crate) limits: Vec<Limit>,
    /// Whether results may be sent: templates were.
    pub(crate) ships: bool,
    /// Which documents are looked at, in the language of OpenSearch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) filter: Option<Value>,
    /// Whose detector it is, where each entity has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) entity: Option<Entity>,
}

impl About {
    pub(crate) fn features(&self) -> Result<Vec<Feature>> {
        let all = self.features.iter().map(KeptFeature::feature).collect::<Option<Vec<_>>>();
        all.ok_or_else(|| {
            Failure::user(format!("the detector {} was written by another version", self.detector_id))
        })
    }

    pub(crate) fn feature_names(&self) -> impl Iterator<Item = &str> {
        self.features.iter().map(|feature| feature.name.as_str())
    }

    pub(crate) fn grid(&self) -> Grid {
        Grid { unit_ms: self.unit_ms, window: i64::try_from(self.window_size).unwrap_or(1) }
    }
}

/// A detector that was just trained.
pub(crate) struct Trained {
    pub(crate) detector: Detector,
    pub(crate) about: About,
    pub(crate) settings: Settings,
    /// Epoch by epoch: forecast and reconstruction, and both on later rows.
    pub(crate) losses: Vec<[f64; 4]>,
    pub(crate) units: Units,
}

/// Trains what a use case asks for, from where the run has come to.
pub(crate) fn train(
    case: &TrainingCase,
    data: &DataArgs,
    journal: &mut Journal,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Trained> {
    let began_ms = journal.began_ms();
    let (units, features) = match journal.rows()? {
        Some(kept) => kept,
        None => {
            let (units, features) = gather(case, data, began_ms)?;
            let features: Vec<KeptFeature> = features.iter().map(KeptFeature::from).collect();
            journal.keep_rows(&units, features.clone())?;
            (units, features)
        }
    };
    let resume = journal.checkpoint()?;
    let mut losses = resume.as_ref().map(|checkpoint| checkpoint.losses().to_vec()).unwrap_or_default();
    let training = training(case, resume);
    let mut kept = Ok(());
    let detector = Detector::train(&units.frame, &training, &mut |step| {
        losses.extend(step.losses);
        if let Some(reached) = &step.checkpoint {
            // A disk that is full ends no training; it is told once.
            kept = std::mem::replace(&mut kept, Ok(())).and_then(|()| journal.keep_checkpoint(reached));
        }
        progress(&step);
    });
    if let Err(failure) = kept {
        remark(&format!("{}; the training could not have gone on from there", failure.text()));
    }
    let detector = detector.map_err(|error| Failure::user(error.to_string()))?;
    let limits = limits(&detector, &units.frame, training.rows_per_day)?;
    let (id, created_time) = (id_of(&detector, journal), format_time(began_ms));
    let name = case.display_name.clone().unwrap_or_else(|| format!("detector_{created_time}"));
    let notes = json!({ "name": id, "display_name": name, "step_ms": case.unit_ms });
    let about = About {
        detector_id: id,
        display_name: name,
        last_updated_time: created_time.clone(),
        created_time,
        unit_ms: case.unit_ms,
        window_size: case.settings.window_size,
        fill: case.fill.into(),
        features,
        limits,
        ships: false,
        filter: case.filter.clone(),
        entity: case.entity.clone(),
    };
    Ok(Trained {
        detector: detector.with_notes(notes),
        about,
        settings: case.settings.clone(),
        losses,
        units,
    })
}

fn training(case: &TrainingCase, resume: Option<Checkpoint>) -> Training {
    let settings = &case.settings;
    Training {
        kind: Kind::named("mtad-gat").unwrap_or(&lanner_deep::KINDS[0]),
        window: Some(settings.window_size),
        n_epochs: settings.epochs,
        rows_per_day: DAY_MS / case.unit_ms as f64,
        rule: Rule::PeaksOverThreshold { risk: settings.q, level: Some(settings.level) },
        follow: if settings.dynamic_pot { Follow::Peaks } else { Follow::Stay },
        network: network(settings),
        resume,
        ..Training::default()
    }
}

fn network(settings: &Settings) -> NetworkSettings {
    NetworkSettings {
        kernel: settings.kernel_size,
        is_v2: settings.use_gatv2,
        feature_embed: settings.feat_gat_embed_dim,
        time_embed: settings.time_gat_embed_dim,
        encoder: (settings.gru_n_layers, settings.gru_hid_dim),
        forecast: (settings.fc_n_layers, settings.fc_hid_dim),
        decoder: (settings.recon_n_layers, settings.recon_hid_dim),
        alpha: settings.alpha as f32,
        dropout: settings.dropout as f32,
        batch: settings.bs,
        rate: settings.init_lr as f32,
        validation: settings.val_split,
        gamma: settings.gamma as f32,
    }
}

/// Which documents are learned from.
pub(crate) fn asked(case: &TrainingCase, data: &DataArgs, now_ms: i64) -> Asked {
    let this_month = || format_time(now_ms).get(..8).map(|month| format!("{month}*"));
    let index_date = case.index_date.clone().or_else(this_month);
    let range = case.lookback_ms.filter(|_| !data.is_files()).map(|ms| TimeRange::new(now_ms - ms, now_ms));
    Asked { index_date, range, filter: case.filter.clone(), fields: case.columns.clone() }
}

/// The rows to learn from, and their features.
fn gather(case: &TrainingCase, data: &DataArgs, now_ms: i64) -> Result<(Units, Vec<Feature>)> {
    let asked = asked(case, data, now_ms);
    let range = asked.range;
    for field in data.without_place(&case.columns) {
        remark(&format!("Wazuh 5 has no field for {field}, so its columns stay without values"));
    }
    let mut features = case.features.clone();
    if !case.categorical.is_empty() {
        let mut values = Values::default();
        data.read(&asked, &mut |document| values.add(document, &case.categorical))?;
        features.extend(values.features(case.top));
    }
    let mut rows = Rows::new(&features, case.unit_ms);
    data.read(&asked, &mut |document| rows.add(document, range))?;
    let (n_documents, n_timeless) = (rows.n_documents, rows.n_timeless);
    if n_timeless > 0 {
        remark(&format!("{} without a time left out", counted(n_timeless, "document")));
    }
    let units = rows.finish(case.fill, None)?;
    let units = units.ok_or_else(|| {
        let asked = asked.index_date.as_deref().unwrap_or_default();
        Failure::undecided("there are no documents to learn from")
            .hint(format!("check training.index_date ({asked}), --wazuh, --index and --data"))
    })?;
    remark(&format!(
        "{} in {}",
        counted(n_documents, "document"),
        counted(units.frame.n_rows() as u64, "row")
    ));
    tell_empty(&units.frame);
    Ok((units, features))
}

/// Columns that say nothing, which is worth a word.
fn tell_empty(frame: &Frame) {
    let mut constant = Vec::new();
    for (at, name) in frame.columns().iter().enumerate() {
        let mut values =
            frame.values().iter().skip(at).step_by(frame.n_columns()).filter(|value| value.is_finite());
        match values.next() {
            None => remark(&format!("the column {name} is never there")),
            Some(first) if values.all(|value| value == first) => constant.push((name, *first)),
            Some(_) => {}
        }
    }
    match &constant[..] {
        [] => {}
        [(name, value)] => remark(&format!("the column {name} is always {value}")),
        several => {
            let names: Vec<String> =
                several.iter().map(|(name, value)| format!("{name} ({value})")).collect();
            remark(&format!("{} columns are always the same: {}", names.len(), few(&names)));
        }
    }
}

/// From which contribution on a feature is unusual by itself: set as that of the score, and going on likewise.
fn limits(detector: &Detector, frame: &Frame, rows_per_day: f64) -> Result<Vec<Limit>> {
    let details = detector.details(frame).map_err(|error| Failure::program(error.to_string()))?;
    let (details, n) = (details.map(|details| details.errors).unwrap_or_default(), frame.n_columns());
    let n_rows = details.len() / n;
    let from = n_rows - (n_rows as f64 * HELD_OUT) as usize;
    let of = |at: usize| {
        let errors: Vec<f32> =
            details.iter().skip(from * n + at).step_by(n).map(|error| error * n as f32).collect();
        Limit::new(detector.rule(), detector.follow(), &errors, rows_per_day, f64::MIN_POSITIVE)
    };
    Ok((0..n).map(of).collect())
}

/// An id in the form of a UUID, of what the detector is, and by which run it was trained.
fn id_of(detector: &Detector, journal: &Journal) -> String {
    let mut bytes = detector.to_bytes();
    bytes.extend(journal.began_ms().to_le_bytes());
    bytes.extend(journal.case().as_bytes());
    let hash = content::sha256(&bytes);
    let part = |from: usize, to: usize| hash.get(from..to).unwrap_or_default();
    format!("{}-{}-4{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

/// Rows as they are now, by a detector's features: all of the range, whether documents came or not.
pub(crate) fn rows_of(about: &About, data: &DataArgs, range: Option<TimeRange>) -> Result<Option<Units>> {
    let features = about.features()?;
    let mut fields: Vec<String> = features.iter().map(|feature| feature.field.clone()).collect();
    fields.dedup();
    let mut rows = Rows::new(&features, about.unit_ms);
    let asked = Asked { index_date: None, range, filter: about.filter.clone(), fields };
    data.read(&asked, &mut |document: &Value| rows.add(document, range))?;
    rows.finish(about.fill.fill(), range)
}
