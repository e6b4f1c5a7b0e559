//! Trained detectors over many columns, which `lanner detector train` writes.

use lanner_deep::{Detector, is_detector};

use super::kind::{Facts, Kind};
use crate::output::counted;

pub(crate) const KIND: Kind = Kind {
    name: "detector",
    about: "trained detectors over many columns, from `lanner detector train`",
    format: None,
    is_one: |start| is_detector(start.bytes),
    read,
};

fn read(bytes: &[u8]) -> Result<Facts, String> {
    let detector = Detector::from_bytes(bytes).map_err(|error| error.to_string())?;
    let n_columns = counted(detector.columns().len() as u64, "column");
    let mut metrics = detector.notes().clone();
    if let Some(notes) = metrics.as_object_mut() {
        notes.insert("rows".to_owned(), detector.trained_on().0.into());
        notes.insert("expected_alarms_per_day".to_owned(), detector.expected_alarms_per_day().into());
    }
    let data = metrics.as_object_mut().and_then(|notes| notes.remove("data"));
    Ok(Facts {
        about: format!("{} over {n_columns}, windows of {} rows", detector.kind().name, detector.window()),
        data: data.as_ref().and_then(serde_json::Value::as_str).map(str::to_owned),
        threshold: Some(detector.threshold()),
        metrics,
    })
}
