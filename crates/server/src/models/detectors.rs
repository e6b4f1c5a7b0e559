//! Trained detectors, which rules ask: rows of measures become scores.

use lanner_core::reading;
use lanner_deep::Detector;
use lanner_engine::source::RowScorer;
use serde_json::{Value, json};

/// The family of models that detectors are; each kind below it is a name, such as `detector/web`.
pub(super) const FAMILY: &str = "detector";

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
