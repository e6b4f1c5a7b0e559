//! Trained detectors, which rules ask: rows of measures become scores.

use lanner_core::reading;
use lanner_core::time::format_duration;
use lanner_deep::{Detector, Rule};
use lanner_engine::source::RowScorer;
use lanner_wire::api::{AlarmsView, DetectorColumnView, DetectorView};
use serde_json::{Value, json};

/// The family of models that detectors are; each kind below it is a name, such as `detector/web`.
pub(super) const FAMILY: &str = "detector";

/// Limits of rules for which alarms a day are told; 1 is the threshold.
const LIMITS: [f64; 10] = [0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0];

/// A detector in memory.
#[derive(Debug)]
pub(super) struct Trained {
    detector: Detector,
    name: String,
}

impl Trained {
    /// Reads a file of a detector.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let detector = Detector::from_bytes(bytes).map_err(|error| error.to_string())?;
        let name = detector.notes()["name"].as_str().unwrap_or_default().to_owned();
        if !reading::is_id(&name, "_-.") {
            return Err("names no detector; train it with --name, which rules know it by".to_owned());
        }
        Ok(Self { detector, name })
    }

    /// The kind of models that it is: which of them scores is said for each name.
    pub(super) fn kind(&self) -> String {
        format!("{FAMILY}/{}", self.name)
    }

    pub(super) fn threshold(&self) -> f64 {
        self.detector.threshold()
    }

    pub(super) fn data(&self) -> Option<String> {
        self.detector.notes()["data"].as_str().map(str::to_owned)
    }

    /// All that is known of it.
    pub(super) fn view(&self, id: &str) -> DetectorView {
        let detector = &self.detector;
        let (n_rows, rows_per_day) = detector.trained_on();
        let column = |(at, name): (usize, &String)| DetectorColumnView {
            name: name.clone(),
            low: detector.usual(at).map(|[low, _]| low),
            high: detector.usual(at).map(|[_, high]| high),
        };
        let at = |limit: f64| AlarmsView { limit, per_day: detector.alarms_per_day_above(limit) };
        DetectorView {
            id: id.to_owned(),
            name: self.name.clone(),
            method: detector.kind().name.to_owned(),
            window: detector.window() as u64,
            step: self.row_ms().map(format_duration),
            columns: detector.columns().iter().enumerate().map(column).collect(),
            rows: n_rows as u64,
            rows_per_day,
            held_out_rows: detector.n_held_out() as u64,
            set_by: match detector.rule() {
                Rule::AlarmsPerDay(budget) => format!("{budget} alarms a day"),
                Rule::PeaksOverThreshold { risk, .. } => {
                    format!("a risk of {risk} for each row, by the highest scores")
                }
                Rule::Epsilon => "what separates the highest scores best".to_owned(),
            },
            too_alike: detector.is_too_alike(),
            alarms: LIMITS.into_iter().map(at).collect(),
        }
    }

    pub(super) fn metrics(&self) -> Value {
        let (n_rows, _) = self.detector.trained_on();
        json!({
            "method": self.detector.kind().name,
            "columns": self.detector.columns().len(),
            "window": self.detector.window(),
            "rows": n_rows,
            "expected_alarms_per_day": self.detector.expected_alarms_per_day(),
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "detectors compute in single precision")]
fn narrow(rows: &[f64]) -> Vec<f32> {
    rows.iter().map(|value| *value as f32).collect()
}

impl RowScorer for Trained {
    fn columns(&self) -> &[String] {
        self.detector.columns()
    }

    fn n_rows(&self) -> usize {
        self.detector.window()
    }

    fn row_ms(&self) -> Option<i64> {
        self.detector.notes()["step_ms"].as_i64()
    }

    fn score(&self, rows: &[f64]) -> Option<f64> {
        self.detector.score_window(&narrow(rows))
    }

    fn contributions(&self, rows: &[f64]) -> Vec<f64> {
        self.detector.explain_window(&narrow(rows))
    }

    fn usual(&self, column: usize) -> Option<[f64; 2]> {
        self.detector.usual(column)
    }
}
