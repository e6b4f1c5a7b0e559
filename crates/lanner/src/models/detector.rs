//! Trained detectors over many columns, which `lanner detector train` writes.

use lanner_deep::{DetectorFile, is_detector};

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
    let file = DetectorFile::from_bytes(bytes).map_err(|error| error.to_string())?;
    let (all, detector) = (file.all(), file.any());
    let n_columns = counted(detector.columns().len() as u64, "column");
    let mut metrics = detector.notes().clone();
    if let Some(notes) = metrics.as_object_mut() {
        let n_rows: usize = all.iter().map(|(_, detector)| detector.trained_on().0).sum();
        let per_day: f64 = all.iter().map(|(_, detector)| detector.expected_alarms_per_day()).sum();
        notes.insert("rows".to_owned(), n_rows.into());
        notes.insert("expected_alarms_per_day".to_owned(), per_day.into());
    }
    let data = metrics.as_object_mut().and_then(|notes| notes.remove("data"));
    let whose = file.by().map(|by| format!(", for each {by}: {}", all.len())).unwrap_or_default();
    Ok(Facts {
        about: format!(
            "{} over {n_columns}, windows of {} rows{whose}",
            detector.kind().name,
            detector.window()
        ),
        data: data.as_ref().and_then(serde_json::Value::as_str).map(str::to_owned),
        // Each entity has its own.
        threshold: file.by().is_none().then(|| detector.threshold()),
        metrics,
    })
}
