//! Trained detectors, which rules ask: rows of measures become scores.

use std::collections::BTreeMap;

use lanner_core::time::format_duration;
use lanner_core::{content, reading};
use lanner_deep::{Detector, DetectorFile, Rule};
use lanner_engine::source::RowScorer;
use lanner_wire::api::{AlarmsView, DetectorColumnView, DetectorEntityView, DetectorView};
use serde_json::{Value, json};

/// The family of models that detectors are; each kind below it is a name, such as `detector/web`.
pub(super) const FAMILY: &str = "detector";

/// Limits of rules for which alarms a day are told; 1 is the threshold.
const LIMITS: [f64; 10] = [0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0];

/// A detector in memory, or one for each entity.
#[derive(Debug)]
pub(super) struct Trained {
    name: String,
    /// The label whose values have a detector each; `None` for one detector.
    by: Option<String>,
    /// By entity; the only one by no name. There is at least one, and all look at the same columns and as many rows.
    detectors: BTreeMap<String, Judge>,
}

/// One detector.
#[derive(Debug)]
struct Judge(Detector);

impl Trained {
    /// Reads a file of a detector.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let file = DetectorFile::from_bytes(bytes).map_err(|error| error.to_string())?;
        let name = file.any().notes()["name"].as_str().unwrap_or_default().to_owned();
        if !reading::is_id(&name, "_-.") {
            return Err("names no detector; train it with --name, which rules know it by".to_owned());
        }
        let by = file.by().map(str::to_owned);
        let detectors = match file {
            DetectorFile::One(detector) => BTreeMap::from([(String::new(), Judge(*detector))]),
            DetectorFile::Set(set) => {
                set.into_detectors().into_iter().map(|(entity, detector)| (entity, Judge(detector))).collect()
            }
        };
        Ok(Self { name, by, detectors })
    }

    /// The only one, or one of the set: what is the same of all is that of any.
    fn any(&self) -> &Detector {
        #[expect(clippy::expect_used, reason = "`read` makes none without a detector")]
        let (_, Judge(detector)) = self.detectors.first_key_value().expect("there is a detector");
        detector
    }

    fn all(&self) -> impl Iterator<Item = &Detector> {
        self.detectors.values().map(|Judge(detector)| detector)
    }

    /// The kind of models that it is: which of them scores is said for each name.
    pub(super) fn kind(&self) -> String {
        format!("{FAMILY}/{}", self.name)
    }

    pub(super) fn threshold(&self) -> f64 {
        self.any().threshold()
    }

    /// The fingerprint of the rows; of a set, that of all of its fingerprints.
    pub(super) fn data(&self) -> Option<String> {
        let all: Option<Vec<&str>> = self.all().map(|detector| detector.notes()["data"].as_str()).collect();
        match &all?[..] {
            [one] => Some((*one).to_owned()),
            several => Some(content::sha256(several.concat().as_bytes())),
        }
    }

    /// All that is known of it; of a set, what its detectors come to together.
    pub(super) fn view(&self, id: &str) -> DetectorView {
        let any = self.any();
        let column = |(at, name): (usize, &String)| DetectorColumnView {
            name: name.clone(),
            low: self.all().filter_map(|it| Some(it.usual(at)?[0])).reduce(f64::min),
            high: self.all().filter_map(|it| Some(it.usual(at)?[1])).reduce(f64::max),
        };
        let at = |limit: f64| AlarmsView {
            limit,
            per_day: self.all().map(|it| it.alarms_per_day_above(limit)).sum(),
        };
        let entity = |(name, Judge(detector)): (&String, &Judge)| DetectorEntityView {
            name: name.clone(),
            rows: detector.trained_on().0 as u64,
            expected_alarms_per_day: detector.expected_alarms_per_day(),
            too_alike: detector.is_too_alike(),
        };
        let entities =
            if self.by.is_some() { self.detectors.iter().map(entity).collect() } else { Vec::new() };
        DetectorView {
            id: id.to_owned(),
            name: self.name.clone(),
            method: any.kind().name.to_owned(),
            window: any.window() as u64,
            step: self.row_ms().map(format_duration),
            columns: any.columns().iter().enumerate().map(column).collect(),
            rows: self.all().map(|it| it.trained_on().0 as u64).sum(),
            rows_per_day: any.trained_on().1,
            held_out_rows: self.all().map(|it| it.n_held_out() as u64).sum(),
            set_by: match any.rule() {
                Rule::AlarmsPerDay(budget) => format!("{budget} alarms a day"),
                Rule::PeaksOverThreshold { risk, .. } => {
                    format!("a risk of {risk} for each row, by the highest scores")
                }
                Rule::Epsilon => "what separates the highest scores best".to_owned(),
            },
            too_alike: self.all().any(Detector::is_too_alike),
            alarms: LIMITS.into_iter().map(at).collect(),
            by: self.by.clone(),
            entities,
        }
    }

    pub(super) fn metrics(&self) -> Value {
        let n_rows: usize = self.all().map(|detector| detector.trained_on().0).sum();
        let mut metrics = json!({
            "method": self.any().kind().name,
            "columns": self.any().columns().len(),
            "window": self.any().window(),
            "rows": n_rows,
            "expected_alarms_per_day": self.all().map(Detector::expected_alarms_per_day).sum::<f64>(),
        });
        if let Some(by) = &self.by {
            metrics["by"] = by.as_str().into();
            metrics["entities"] = self.detectors.len().into();
        }
        metrics
    }
}

#[expect(clippy::cast_possible_truncation, reason = "detectors compute in single precision")]
fn narrow(rows: &[f64]) -> Vec<f32> {
    rows.iter().map(|value| *value as f32).collect()
}

impl RowScorer for Judge {
    fn columns(&self) -> &[String] {
        self.0.columns()
    }

    fn n_rows(&self) -> usize {
        self.0.window()
    }

    fn row_ms(&self) -> Option<i64> {
        self.0.notes()["step_ms"].as_i64()
    }

    fn score(&self, rows: &[f64]) -> Option<f64> {
        self.0.score_window(&narrow(rows))
    }

    fn contributions(&self, rows: &[f64]) -> Vec<f64> {
        self.0.explain_window(&narrow(rows))
    }

    fn usual(&self, column: usize) -> Option<[f64; 2]> {
        self.0.usual(column)
    }
}

impl RowScorer for Trained {
    fn columns(&self) -> &[String] {
        self.any().columns()
    }

    fn n_rows(&self) -> usize {
        self.any().window()
    }

    /// Of a set, where all of its detectors say the same.
    fn row_ms(&self) -> Option<i64> {
        let mut all = self.detectors.values().map(Judge::row_ms);
        let first = all.next().flatten()?;
        all.all(|other| other == Some(first)).then_some(first)
    }

    fn score(&self, rows: &[f64]) -> Option<f64> {
        self.only().and_then(|judge| judge.score(rows))
    }

    fn contributions(&self, rows: &[f64]) -> Vec<f64> {
        self.only().map(|judge| judge.contributions(rows)).unwrap_or_default()
    }

    fn usual(&self, column: usize) -> Option<[f64; 2]> {
        self.only().and_then(|judge| judge.usual(column))
    }

    fn by(&self) -> Option<&str> {
        self.by.as_deref()
    }

    fn of(&self, entity: &str) -> Option<&dyn RowScorer> {
        self.by.as_ref()?;
        self.detectors.get(entity).map(|judge| judge as &dyn RowScorer)
    }
}

impl Trained {
    /// The detector that judges all groups; `None` of a set.
    fn only(&self) -> Option<&Judge> {
        if self.by.is_some() { None } else { self.detectors.values().next() }
    }
}
