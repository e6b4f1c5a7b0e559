//! The folder of detectors: a folder for each, which of them is the current one, and what they predicted.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use lanner_core::reading::is_id;
use lanner_deep::Detector;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::files::{read_json, write, write_json};
use super::limits::Limits;
use super::results::{RoundResult, Shape};
use super::trained::{About, Trained};
use crate::failure::{Failure, Result, remark};

const CURRENT: &str = "current_detector";
const ABOUT: &str = "about.json";
const MODEL: &str = "training/model.safetensors";
const STATE: &str = "prediction/state.json";

/// A file of results that is larger is followed by another.
const MAX_RESULTS_BYTES: u64 = 16 << 20;

/// Where a use case stands after a round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Until when units were judged.
    pub(crate) judged_until_ms: i64,
    pub(crate) limits: Limits,
    /// Units in a row up to then that were beyond the threshold.
    #[serde(default)]
    pub(crate) n_in_a_row: usize,
    /// When it began, as files of results are named by: a run that goes on adds to the same files.
    #[serde(default)]
    pub(crate) started: String,
}

/// The detectors of a folder.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// All detectors that can be read, the oldest first; a damaged one is told, and costs only itself.
    pub(crate) fn all(&self) -> Result<Vec<About>> {
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Failure::file("read", &self.0, &error)),
        };
        let abouts = entries.flatten().map(|entry| entry.path().join(ABOUT)).filter(|path| path.is_file());
        let read = |path: PathBuf| read_json(&path).map_err(|failure| remark(&failure.text())).ok();
        let mut all: Vec<About> = abouts.filter_map(read).collect();
        all.sort_by(|a, b| (&a.created_time, &a.detector_id).cmp(&(&b.created_time, &b.detector_id)));
        Ok(all)
    }

    /// The detectors of a set, one for each entity, the latest of each; nothing where no set is called so.
    pub(crate) fn members(&self, set: &str) -> Result<Vec<About>> {
        let of_set = |about: About| {
            let value = about.entity.as_ref().filter(|entity| entity.set == set)?.value.clone();
            Some((value, about))
        };
        let members: BTreeMap<String, About> = self.all()?.into_iter().filter_map(of_set).collect();
        Ok(members.into_values().collect())
    }

    /// The detector whose id or name begins so.
    pub(crate) fn find(&self, start: &str) -> Result<About> {
        let mut found = self.all()?;
        let exact = |about: &About| about.detector_id == start || about.display_name == start;
        if found.iter().any(exact) {
            found.retain(exact);
        }
        found.retain(|about| about.detector_id.starts_with(start) || about.display_name == start);
        match (found.pop(), found.len()) {
            (Some(one), 0) => Ok(one),
            (None, _) => Err(match &self.members(start)?[..] {
                [] => Failure::user(format!("there is no detector \"{start}\" in {}", self.0.display()))
                    .hint("see lanner detector list"),
                [first, ..] => {
                    Failure::user(format!("\"{start}\" is a set of detectors, one for each entity"))
                        .hint(format!("name one of them, such as \"{}\"", first.display_name))
                }
            }),
            (Some(_), n) => Err(Failure::user(format!("{} detectors are called \"{start}\"", n + 1))
                .hint("write more of its id")),
        }
    }

    /// The one that was selected; else the last that was trained.
    pub(crate) fn current(&self) -> Result<About> {
        let selected = fs::read_to_string(self.0.join(CURRENT)).unwrap_or_default();
        let all = self.all()?;
        let found = all.iter().find(|about| about.detector_id == selected.trim()).or(all.last());
        found.cloned().ok_or_else(|| {
            Failure::user(format!("there is no detector in {}", self.0.display()))
                .hint("train one: lanner detector run with a use case that has training")
        })
    }

    pub(crate) fn select(&self, about: &About) -> Result<()> {
        write(&self.0.join(CURRENT), format!("{}\n", about.detector_id).as_bytes())
    }

    /// Drops a detector with all that it predicted.
    pub(crate) fn delete(&self, about: &About) -> Result<()> {
        let path = self.of(about)?;
        fs::remove_dir_all(&path).map_err(|error| Failure::file("delete", &path, &error))
    }

    fn of(&self, about: &About) -> Result<PathBuf> {
        let id = &about.detector_id;
        if !is_id(id, "-") {
            return Err(Failure::user(format!("\"{id}\" is no id of a detector")));
        }
        Ok(self.0.join(id))
    }

    pub(crate) fn detector(&self, about: &About) -> Result<Detector> {
        let path = self.of(about)?.join(MODEL);
        let bytes = fs::read(&path).map_err(|error| Failure::file("read", &path, &error))?;
        Detector::from_bytes(&bytes).map_err(|error| Failure::user(format!("{} {error}", path.display())))
    }

    /// Keeps a detector, and selects it.
    pub(crate) fn keep(&self, trained: &Trained, case: &Value) -> Result<()> {
        let folder = self.of(&trained.about)?;
        write_json(&folder.join("input/detector_input_parameters.json"), case)?;
        write_json(&folder.join("input/training_config.json"), &trained.settings)?;
        write(&folder.join(MODEL), &trained.detector.to_bytes())?;
        write_json(&folder.join("training/losses_train_data.json"), &losses(&trained.losses))?;
        write(&folder.join("training/train_losses.svg"), picture(&trained.losses, 0).as_bytes())?;
        write(&folder.join("training/validation_losses.svg"), picture(&trained.losses, 2).as_bytes())?;
        write(&folder.join("training/train_output.csv"), scores(trained).as_bytes())?;
        // What makes it a detector comes last.
        write_json(&folder.join(ABOUT), &trained.about)?;
        self.select(&trained.about)
    }

    /// Adds what was predicted to both files of results.
    pub(crate) fn add(
        &self,
        about: &About,
        case: &str,
        round: &RoundResult,
        (shape, started): (Shape, &str),
    ) -> Result<()> {
        let folder = self.of(about)?.join("prediction");
        let id = &about.detector_id;
        for (what, only_anomalies) in [("predicted_data", false), ("predicted_anomalies_data", true)] {
            let name = |k: usize| folder.join(format!("uc-{case}_{what}-{k}_{started}.json"));
            append(&name, round.to_json(id, shape, only_anomalies))?;
        }
        Ok(())
    }

    /// Where a use case stands; `None` before its first round.
    pub(crate) fn state(&self, about: &About, case: &str) -> Result<Option<State>> {
        Ok(self.states(about)?.remove(case))
    }

    pub(crate) fn set_state(&self, about: &About, case: &str, state: State) -> Result<()> {
        let mut states = self.states(about)?;
        states.insert(case.to_owned(), state);
        write_json(&self.of(about)?.join(STATE), &states)
    }

    fn states(&self, about: &About) -> Result<BTreeMap<String, State>> {
        let path = self.of(about)?.join(STATE);
        if path.exists() { read_json(&path) } else { Ok(BTreeMap::new()) }
    }

    /// Copies a detector into a folder of its own.
    pub(crate) fn export(&self, about: &About, to: &Path) -> Result<()> {
        if to.exists() {
            return Err(Failure::user(format!("{} exists", to.display())).hint("name a folder that does not"));
        }
        copy(&self.of(about)?, to)
    }

    /// Takes in a detector that was exported.
    pub(crate) fn import(&self, from: &Path) -> Result<About> {
        let about: About = read_json(&from.join(ABOUT))?;
        about.features()?;
        let to = self.of(&about)?;
        if to.exists() {
            return Err(Failure::user(format!("the detector {} is there already", about.detector_id)));
        }
        let path = from.join(MODEL);
        let bytes = fs::read(&path).map_err(|error| Failure::file("read", &path, &error))?;
        Detector::from_bytes(&bytes).map_err(|error| Failure::user(format!("{} {error}", path.display())))?;
        copy(from, &to)?;
        Ok(about)
    }
}

/// Adds an item to the list in a file, which is written anew: it is whole at any time.
fn append(name: &dyn Fn(usize) -> PathBuf, item: Value) -> Result<()> {
    let size = |k: &usize| fs::metadata(name(*k)).map(|file| file.len()).unwrap_or(0);
    let k = (1..).find(|k| size(k) < MAX_RESULTS_BYTES).unwrap_or(1);
    let read = |k: usize| -> Result<Vec<Value>> { read_json(&name(k)) };
    let is_same = |other: &Value| other["start_time"] == item["start_time"];
    let (mut k, mut all) = if name(k).exists() { (k, read(k)?) } else { (k, Vec::new()) };
    // A round that was cut short is done again, also the last one of a file that is full.
    if all.is_empty() && k > 1 {
        let before = read(k - 1)?;
        if before.last().is_some_and(is_same) {
            (k, all) = (k - 1, before);
        }
    }
    all.retain(|other| !is_same(other));
    all.push(item);
    write_json(&name(k), &all)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).map_err(|error| Failure::file("make", to, &error))?;
    let entries = fs::read_dir(from).map_err(|error| Failure::file("read", from, &error))?;
    for entry in entries.flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(|error| Failure::file("read", &path, &error))?;
        if kind.is_dir() {
            copy(&path, &target)?;
        } else if kind.is_file() {
            fs::copy(&path, &target).map_err(|error| Failure::file("copy", &path, &error))?;
        }
    }
    Ok(())
}

/// Losses by the names of ADBox.
fn losses(losses: &[[f64; 4]]) -> Value {
    let of = |at: usize| losses.iter().map(|epoch| epoch[at]).collect::<Vec<f64>>();
    let sum = |a: usize, b: usize| losses.iter().map(|epoch| epoch[a] + epoch[b]).collect::<Vec<f64>>();
    json!({
        "train_total": sum(0, 1), "train_forecast": of(0), "train_recon": of(1),
        "val_total": sum(2, 3), "val_forecast": of(2), "val_recon": of(3),
    })
}

/// The losses of forecast and reconstruction, epoch by epoch, as a picture.
fn picture(losses: &[[f64; 4]], first: usize) -> String {
    let highest = losses.iter().flatten().copied().filter(|loss| loss.is_finite()).fold(1e-9, f64::max);
    let step = 580.0 / losses.len().saturating_sub(1).max(1) as f64;
    let line = |at: usize, colour: &str| {
        let place = |(epoch, losses): (usize, &[f64; 4])| {
            format!("{:.1},{:.1}", 40.0 + step * epoch as f64, 290.0 - 250.0 * losses[at] / highest)
        };
        let points: Vec<String> = losses.iter().enumerate().map(place).collect();
        format!(
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" points=\"{}\"/>\n",
            points.join(" ")
        )
    };
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 320\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"640\" height=\"320\" fill=\"white\"/>\n\
         <path d=\"M40 40V290H620\" fill=\"none\" stroke=\"#888\"/>\n\
         <text x=\"40\" y=\"30\">{highest:.4}</text>\n\
         <text x=\"620\" y=\"308\" text-anchor=\"end\">epoch {}</text>\n\
         <text x=\"480\" y=\"30\" fill=\"#1f77b4\">forecast</text>\n\
         <text x=\"550\" y=\"30\" fill=\"#d62728\">reconstruction</text>\n{}{}</svg>\n",
        losses.len(),
        line(first, "#1f77b4"),
        line(first + 1, "#d62728"),
    )
}

/// The score of each row of training, with its time.
fn scores(trained: &Trained) -> String {
    let judged = trained.detector.judge(&trained.units.frame, &mut trained.detector.limit());
    let Ok(judged) = judged else { return String::new() };
    let mut text = String::from("time,score,threshold\n");
    let rows = judged.scores.iter().zip(&judged.thresholds).enumerate();
    for (row, (score, threshold)) in rows.filter(|(_, (score, _))| score.is_finite()) {
        let time =
            lanner_core::time::format_time(trained.units.start_ms + row as i64 * trained.about.unit_ms);
        text.push_str(&format!("{time},{},{threshold}\n", score * threshold));
    }
    text
}
