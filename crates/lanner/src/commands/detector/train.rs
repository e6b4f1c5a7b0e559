//! `lanner detector train`

use std::path::{Path, PathBuf};

use lanner_core::content;
use lanner_core::reading::is_id;
use lanner_deep::{Checkpoint, Damage, Detector, Frame, KINDS, Kind, Progress as Step, TrainError, Training};
use serde_json::json;

use super::limit::LimitArgs;
use super::table::{Rows, Tables};
use super::{inspect, kept, telling};
use crate::client::ServerArgs;
use crate::failure::{Failure, Outcome, Result, remark};
use crate::list::Format;
use crate::output::counted;
use crate::progress::Progress;

/// Rows a day where the table has no times: one a minute.
const ROWS_PER_DAY: f64 = 1_440.0;

const DAY_MS: f64 = 86_400_000.0;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    tables: Tables,
    /// File to write.
    #[arg(long, value_name = "DETECTOR")]
    out: PathBuf,
    /// Name that rules know it by; by default that of the file.
    #[arg(long, value_name = "NAME", value_parser = name)]
    name: Option<String>,
    /// Kind of detector: ensemble (the default), mahalanobis, window-pca, neighbours, k-means, isolation-forest,
    /// random-cut-forest, patches, mtad-gat or mvad.
    #[arg(long, value_name = "KIND", value_parser = kind, default_value = "ensemble", hide_default_value = true)]
    kind: &'static Kind,
    #[command(flatten)]
    limit: LimitArgs,
    /// Rows that a score looks at; by default what suits the kind.
    #[arg(long, value_name = "ROWS")]
    window: Option<usize>,
    /// Passes over all rows, for mtad-gat and mvad.
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    epochs: usize,
    /// Also count how far single values are from the usual one, and how far their mean jumps.
    #[arg(long)]
    points: bool,
    /// Go on with a training that was interrupted, from the checkpoint beside --out, for mtad-gat and mvad.
    #[arg(long)]
    resume: bool,
    /// Seed of what is chosen by chance. The same rows and seed give the same detector.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    seed: u64,
    /// Tell the server how it goes, for mtad-gat and mvad; the page of the detector draws it.
    #[arg(long)]
    tell: bool,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) fn kind(name: &str) -> std::result::Result<&'static Kind, String> {
    Kind::named(name).ok_or_else(|| {
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        format!("should be one of {}", names.join(", "))
    })
}

fn name(name: &str) -> std::result::Result<String, String> {
    let wrong = || "should be 1 to 200 letters, digits, _, - and .".to_owned();
    if is_id(name, "_-.") { Ok(name.to_owned()) } else { Err(wrong()) }
}

/// The name of a file without its ending, with `-` for what no name may have.
fn name_of(path: &Path) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    stem.chars().take(200).map(|c| if is_id(c.encode_utf8(&mut [0; 4]), "_-.") { c } else { '-' }).collect()
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    kept::check_new(&args.out)?;
    let checkpoint = Checkpoints::beside(&args.out);
    let resume = checkpoint.read(args.resume)?;
    let rows = args.tables.read()?;
    let training = training(args, &rows, resume);
    if rows.step_ms.is_none() {
        remark("the table has no times; alarms a day are told for a row a minute");
    }
    let name = args.name.clone().unwrap_or_else(|| name_of(&args.out));
    let notes = notes(&name, &rows);
    let kept = checkpoint.clone();
    let detector = if args.tell {
        telling::told(&args.server, &name, move |tell| fit(&rows.frame, &training, &kept, tell))?
    } else {
        fit(&rows.frame, &training, &kept, &mut |_| ())
    };
    let detector = detector.map_err(|error| Failure::user(error.to_string()))?.with_notes(notes);
    if detector.is_too_alike() {
        remark(
            "the rows follow a course without any noise, so they do not say how far usual rows stray; train on measured rows",
        );
    }
    kept::save(&args.out, &detector)?;
    checkpoint.drop();
    inspect::tell(&args.out, &detector, args.format)?;
    Ok(Outcome::Fine)
}

/// Trains, with a checkpoint after each pass, and tells each step.
fn fit(
    frame: &Frame,
    training: &Training,
    checkpoint: &Checkpoints,
    tell: &mut dyn FnMut(&Step),
) -> std::result::Result<Detector, TrainError> {
    let mut progress = Progress::new("training", "", Some(1_000));
    let mut kept = Ok(());
    let detector = Detector::train(frame, training, &mut |step| {
        if !step.note.is_empty() {
            remark(&step.note);
        }
        if let Some(reached) = &step.checkpoint {
            // A disk that is full ends no training; it is told once.
            kept = std::mem::replace(&mut kept, Ok(())).and_then(|()| checkpoint.keep(reached));
        }
        progress.at((step.n_done * 1_000 / step.n.max(1)) as u64, 0);
        tell(&step);
    });
    drop(progress);
    if let Err(failure) = kept {
        remark(&format!("{}; the training could not have gone on from there", failure.text()));
    }
    detector
}

fn training(args: &Args, rows: &Rows, resume: Option<Checkpoint>) -> Training {
    let rows_per_day = rows.step_ms.map_or(ROWS_PER_DAY, |step_ms| DAY_MS / step_ms as f64);
    let default = Training::default();
    Training {
        kind: args.kind,
        window: args.window,
        seed: args.seed,
        n_epochs: args.epochs,
        rows_per_day,
        rule: args.limit.rule().unwrap_or(default.rule),
        follow: args.limit.follow(rows_per_day).unwrap_or(default.follow),
        points: args.points,
        resume,
        ..default
    }
}

/// The file of an unfinished training, beside that of the detector.
#[derive(Debug, Clone)]
struct Checkpoints(PathBuf);

impl Checkpoints {
    fn beside(out: &Path) -> Self {
        let mut name = out.as_os_str().to_owned();
        name.push(".checkpoint");
        Self(name.into())
    }

    /// What is there, if it is wanted. One that is not wanted is not written over: it may be the work of hours.
    fn read(&self, is_wanted: bool) -> Result<Option<Checkpoint>> {
        let name = self.0.display();
        match (is_wanted, self.0.exists()) {
            (false, false) => Ok(None),
            (false, true) => Err(Failure::user(format!("{name} is left of a training that was interrupted"))
                .hint("go on with --resume, or remove the file")),
            (true, false) => Err(Failure::user(format!("there is no {name} to go on from"))
                .hint("leave --resume out; only mtad-gat and mvad learn in epochs")),
            (true, true) => {
                let bytes = std::fs::read(&self.0).map_err(|error| Failure::file("read", &self.0, &error))?;
                let found = Checkpoint::from_bytes(&bytes);
                let found = found.map_err(|damage| match damage {
                    Damage::Other => Failure::user(format!("{name} is no checkpoint")),
                    damage => Failure::user(format!("{name} {damage}")),
                })?;
                remark(&format!("{} done before", counted(found.n_done() as u64, "epoch")));
                Ok(Some(found))
            }
        }
    }

    fn keep(&self, reached: &Checkpoint) -> Result<()> {
        kept::write(&self.0, &reached.to_bytes())
    }

    /// The training is over.
    fn drop(&self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What later commands need to know of the rows, and a fingerprint of them.
fn notes(name: &str, rows: &Rows) -> serde_json::Value {
    let bytes: Vec<u8> = rows.frame.values().iter().flat_map(|value| value.to_le_bytes()).collect();
    json!({ "name": name, "data": content::sha256(&bytes), "step_ms": rows.step_ms, "totals": rows.totals })
}
