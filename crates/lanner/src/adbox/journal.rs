//! How far a run of a use case has come, so that one that was interrupted goes on: the rows that it learns from, the epochs that are
//! done, the detector that came of them. A run has a few files of its own beside the detectors, until it is over.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use lanner_core::content;
use lanner_core::time::format_time;
use lanner_deep::{Checkpoint, Damage, Units};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::files::{read_json, write, write_json};
use super::kept::KeptFeature;
use crate::failure::{Failure, Result, remark};
use crate::output::counted;

/// The folder of runs, beside the detectors.
const RUNS: &str = "runs";

/// What is known of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Entry {
    /// A fingerprint of what is trained: a run goes on with no other.
    training: String,
    began_ms: i64,
    /// The features of the rows that are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    features: Option<Vec<KeptFeature>>,
    /// The detector that was trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    detector_id: Option<String>,
}

/// The files of a run.
#[derive(Debug)]
pub(crate) struct Journal {
    /// The number of the use case.
    case: String,
    /// Their path without an ending.
    stem: PathBuf,
    entry: Entry,
    /// Held while the run lasts: two runs of one use case would judge everything twice.
    _lock: File,
}

impl Journal {
    /// Begins a run of a use case, or goes on with one that was interrupted, if that is wanted.
    ///
    /// # Errors
    /// It is running; a training was interrupted and is not to go on; files that cannot be read or written.
    pub(crate) fn open(detectors: &Path, case: &str, training: &Value, run: (bool, i64)) -> Result<Self> {
        let (is_resumed, now_ms) = run;
        let stem = detectors.join(RUNS).join(case);
        let lock = lock(&stem, case)?;
        let training = content::sha256(training.to_string().as_bytes());
        let found = is_resumed.then(|| interrupted(&stem, &training)).transpose()?.flatten();
        if let Some(entry) = found {
            remark(&format!("the run that began {} goes on", format_time(entry.began_ms)));
            return Ok(Self { case: case.to_owned(), stem, entry, _lock: lock });
        }
        check_nothing_is_lost(&stem)?;
        let entry = Entry { training, began_ms: now_ms, features: None, detector_id: None };
        let journal = Self { case: case.to_owned(), stem, entry, _lock: lock };
        journal.keep()?;
        Ok(journal)
    }

    /// The use case.
    pub(crate) fn case(&self) -> &str {
        &self.case
    }

    /// When the run began.
    pub(crate) fn began_ms(&self) -> i64 {
        self.entry.began_ms
    }

    /// The detector that this run has trained.
    pub(crate) fn detector_id(&self) -> Option<&str> {
        self.entry.detector_id.as_deref()
    }

    /// The rows that the training began with.
    pub(crate) fn rows(&self) -> Result<Option<(Units, Vec<KeptFeature>)>> {
        let Some(features) = &self.entry.features else { return Ok(None) };
        let path = ending(&self.stem, "rows");
        let bytes = fs::read(&path).map_err(|error| Failure::file("read", &path, &error))?;
        let units = Units::from_bytes(&bytes).map_err(|damage| unusable(&path, &damage))?;
        Ok(Some((units, features.clone())))
    }

    pub(crate) fn keep_rows(&mut self, units: &Units, features: Vec<KeptFeature>) -> Result<()> {
        write(&ending(&self.stem, "rows"), &units.to_bytes())?;
        self.entry.features = Some(features);
        self.keep()
    }

    /// The epochs that are done.
    pub(crate) fn checkpoint(&self) -> Result<Option<Checkpoint>> {
        let path = ending(&self.stem, "checkpoint");
        if !path.exists() {
            return Ok(None);
        }
        let bytes = fs::read(&path).map_err(|error| Failure::file("read", &path, &error))?;
        let found = Checkpoint::from_bytes(&bytes).map_err(|damage| unusable(&path, &damage))?;
        remark(&format!("{} done before", counted(found.n_done() as u64, "epoch")));
        Ok(Some(found))
    }

    pub(crate) fn keep_checkpoint(&self, reached: &Checkpoint) -> Result<()> {
        write(&ending(&self.stem, "checkpoint"), &reached.to_bytes())
    }

    /// The training is over: its rows and epochs are in the folder of the detector.
    pub(crate) fn set_trained(&mut self, detector_id: &str) -> Result<()> {
        self.entry.detector_id = Some(detector_id.to_owned());
        self.entry.features = None;
        self.keep()?;
        ["rows", "checkpoint"].iter().for_each(|name| _ = fs::remove_file(ending(&self.stem, name)));
        Ok(())
    }

    /// The run is over.
    pub(crate) fn finish(&self) {
        let _ = fs::remove_file(ending(&self.stem, "json"));
    }

    fn keep(&self) -> Result<()> {
        write_json(&ending(&self.stem, "json"), &self.entry)
    }
}

/// The run to go on with, if there is one of the same training.
fn interrupted(stem: &Path, training: &str) -> Result<Option<Entry>> {
    let path = ending(stem, "json");
    if !path.exists() {
        return Ok(None);
    }
    let entry: Entry = read_json(&path)?;
    if entry.training == training {
        return Ok(Some(entry));
    }
    remark(&format!(
        "the training of the use case is another one than that which began {}, so it begins anew",
        format_time(entry.began_ms)
    ));
    Ok(None)
}

/// Epochs that are done may be the work of hours.
fn check_nothing_is_lost(stem: &Path) -> Result<()> {
    let path = ending(stem, "checkpoint");
    if path.exists() {
        let message = format!("{} is left of a training that was interrupted", path.display());
        return Err(
            Failure::user(message).hint("go on with --resume and the use case as it was, or remove the file")
        );
    }
    let _ = fs::remove_file(ending(stem, "rows"));
    Ok(())
}

fn lock(stem: &Path, case: &str) -> Result<File> {
    let path = ending(stem, "lock");
    let failed = |error: std::io::Error| Failure::file("write", &path, &error);
    path.parent().map(fs::create_dir_all).transpose().map_err(failed)?;
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Failure::user(format!("the use case {case} is running"))
            .hint("stop that run first, or give the use case another name")),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn ending(stem: &Path, name: &str) -> PathBuf {
    let mut path = stem.as_os_str().to_owned();
    path.push(".");
    path.push(name);
    path.into()
}

fn unusable(path: &Path, damage: &Damage) -> Failure {
    Failure::user(format!("{} {damage}", path.display()))
        .hint("remove the file, and begin anew without --resume")
}

#[cfg(test)]
mod tests {
    use lanner_deep::Frame;
    use serde_json::json;

    use super::*;

    fn open(folder: &Path, training: &Value, is_resumed: bool, now_ms: i64) -> Result<Journal> {
        Journal::open(folder, "15", training, (is_resumed, now_ms))
    }

    #[test]
    fn a_run_goes_on_with_what_it_had() {
        let (folder, training) = (tempfile::tempdir().unwrap(), json!({ "columns": ["a"] }));
        let mut first = open(folder.path(), &training, true, 5).unwrap();
        let frame = Frame::new(vec!["a".to_owned()], vec![1.0, f32::NAN]).unwrap();
        let units = Units { start_ms: 60_000, frame };
        first.keep_rows(&units, Vec::new()).unwrap();
        assert!(open(folder.path(), &training, true, 6).unwrap_err().text().contains("is running"));
        drop(first);
        let mut next = open(folder.path(), &training, true, 7).unwrap();
        let (kept, _) = next.rows().unwrap().unwrap();
        assert_eq!((next.began_ms(), kept.start_ms, kept.frame.n_rows()), (5, 60_000, 2));
        next.set_trained("2d36a80a").unwrap();
        assert!(next.rows().unwrap().is_none() && !folder.path().join("runs/15.rows").exists());
        drop(next);
        let next = open(folder.path(), &training, true, 8).unwrap();
        assert_eq!(next.detector_id(), Some("2d36a80a"));
        next.finish();
        drop(next);
        assert_eq!(open(folder.path(), &training, true, 9).unwrap().began_ms(), 9);
    }

    #[test]
    fn epochs_are_not_thrown_away() {
        let (folder, training) = (tempfile::tempdir().unwrap(), json!({ "columns": ["a"] }));
        drop(open(folder.path(), &training, false, 5).unwrap());
        // What is trained has changed: nothing is left to go on with.
        assert_eq!(open(folder.path(), &Value::Null, true, 6).unwrap().began_ms(), 6);
        fs::write(folder.path().join("runs/15.checkpoint"), "epochs").unwrap();
        for (training, is_resumed) in [(&Value::Null, false), (&training, true)] {
            let refused = open(folder.path(), training, is_resumed, 7).unwrap_err().text();
            assert!(refused.contains("15.checkpoint is left of a training"), "{refused}");
        }
        let damaged = open(folder.path(), &Value::Null, true, 7).unwrap();
        let refused = damaged.checkpoint().unwrap_err().text();
        assert!(refused.contains("remove the file"), "{refused}");
        drop(damaged);
        fs::write(folder.path().join("runs/15.json"), "{").unwrap();
        assert!(open(folder.path(), &training, true, 7).unwrap_err().text().contains("is damaged"));
    }
}
