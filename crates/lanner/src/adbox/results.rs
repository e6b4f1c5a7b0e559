//! What a detector says of rows, in the two forms that ADBox has written.

use lanner_core::TimeRange;
use lanner_core::time::format_time;
use lanner_deep::{Detector, Units};
use serde_json::{Map, Value, json};

use super::limits::Limits;
use super::trained::About;
use super::use_case::Mode;
use crate::failure::{Failure, Result};

/// The two forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Shape {
    /// All values of a row beside its time, as since ADBox 0.1.4.
    Flat,
    /// The values of a row below `prediction_values`, as before.
    Nested,
}

/// What was said of one unit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) time_ms: i64,
    pub(crate) is_anomaly: bool,
    pub(crate) score: f64,
    pub(crate) threshold: f64,
    /// What is said of each feature, under ADBox's names.
    pub(crate) values: Map<String, Value>,
}

/// One round.
#[derive(Debug)]
pub(crate) struct RoundResult {
    pub(crate) mode: Mode,
    pub(crate) range: TimeRange,
    /// For batches: how many units one has.
    pub(crate) batch_size: Option<i64>,
    pub(crate) verdicts: Vec<Verdict>,
}

/// Judges the units of a range, and lets the thresholds go on.
pub(crate) fn judge(
    detector: &Detector,
    about: &About,
    units: &Units,
    out: TimeRange,
    limits: &mut Limits,
) -> Result<Vec<Verdict>> {
    let failed = |error: lanner_deep::ColumnsError| Failure::user(error.to_string());
    let Some(details) = detector.details(&units.frame).map_err(failed)? else {
        return Err(Failure::user(format!("the detector {} makes no forecasts", about.detector_id)));
    };
    let n = units.frame.n_columns();
    let mut verdicts = Vec::new();
    for row in details.first..units.frame.n_rows() {
        let time_ms = units.start_ms + row as i64 * about.unit_ms;
        if !out.contains(time_ms) {
            continue;
        }
        let at = (row - details.first) * n;
        let part =
            |of: &[f32]| -> Vec<f64> { of.iter().skip(at).take(n).map(|value| f64::from(*value)).collect() };
        let row_values: Vec<f64> = units.frame.row(row).iter().map(|value| f64::from(*value)).collect();
        let (forecasts, recons, errors) =
            (part(&details.forecasts), part(&details.reconstructions), part(&details.errors));
        // A unit of nothing but gaps says nothing.
        let is_gap = units.frame.row(row).iter().all(|value| !value.is_finite());
        let score = if is_gap { 0.0 } else { details.errors.iter().skip(at).take(n).sum::<f32>() };
        let threshold = limits.score.value();
        if !is_gap {
            limits.score.push(score);
        }
        let score = f64::from(score);
        let mut values = Map::new();
        for (column, name) in detector.columns().iter().enumerate() {
            let get = |of: &[f64]| of.get(column).copied().unwrap_or(f64::NAN);
            let scaled = |value: f64| number(detector.share_of_range(column, value));
            let error = get(&errors) * n as f64;
            let limit = limits.features.get_mut(column).map_or(f64::NAN, |limit| {
                let value = limit.value();
                if !is_gap {
                    limit.push(error as f32);
                }
                value
            });
            values.insert(format!("Forecast_{name}"), scaled(get(&forecasts)));
            values.insert(format!("Recon_{name}"), scaled(get(&recons)));
            values.insert(format!("True_{name}"), scaled(get(&row_values)));
            values.insert(format!("A_Score_{name}"), number(error));
            values.insert(format!("Thresh_{name}"), number(limit));
            values.insert(format!("A_Pred_{name}"), json!(u8::from(error > limit)));
            values.insert(format!("Value_{name}"), number(get(&row_values)));
            values.insert(format!("Expected_{name}"), number(get(&forecasts)));
        }
        verdicts.push(Verdict { time_ms, is_anomaly: score > threshold, score, threshold, values });
    }
    Ok(verdicts)
}

/// What is no number is nothing.
fn number(value: f64) -> Value {
    serde_json::Number::from_f64(value).map_or(Value::Null, Value::Number)
}

impl Verdict {
    /// As a document with all values beside each other.
    pub(crate) fn flat(&self) -> Value {
        let mut all = Map::new();
        all.insert("timestamp".to_owned(), format_time(self.time_ms).into());
        all.insert("is_anomaly".to_owned(), self.is_anomaly.into());
        all.insert("anomaly_score".to_owned(), number(self.score));
        all.insert("threshold".to_owned(), number(self.threshold));
        all.extend(self.values.clone());
        Value::Object(all)
    }

    fn nested(&self) -> Value {
        let mut values = self.values.clone();
        values.insert("A_Score_Global".to_owned(), number(self.score));
        values.insert("Thresh_Global".to_owned(), number(self.threshold));
        values.insert("A_Pred_Global".to_owned(), json!(u8::from(self.is_anomaly)));
        json!({
            "timestamp": format_time(self.time_ms), "is_anomaly": self.is_anomaly, "score": number(self.score),
            "prediction_values": values,
        })
    }
}

impl RoundResult {
    /// As ADBox writes it; with all verdicts, or those that are anomalies.
    pub(crate) fn to_json(&self, detector_id: &str, shape: Shape, only_anomalies: bool) -> Value {
        let shown = self.verdicts.iter().filter(|verdict| verdict.is_anomaly || !only_anomalies);
        let results: Vec<Value> = shown
            .map(|verdict| match shape {
                Shape::Flat => verdict.flat(),
                Shape::Nested => verdict.nested(),
            })
            .collect();
        let [start, end] = [self.range.start_ms, self.range.end_ms].map(format_time);
        let mut round = json!({
            "run_mode": self.mode.name(), "detector_id": detector_id, "start_time": start, "end_time": end,
        });
        if shape == Shape::Nested {
            round["index_date"] = start.get(..10).unwrap_or_default().into();
        }
        if let Some(batch_size) = self.batch_size {
            round["batch_size"] = batch_size.to_string().into();
        }
        round["results"] = results.into();
        round
    }
}
