//! `lanner detector train`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use lanner_core::reading::is_id;
use lanner_deep::{
    Detector, DetectorFile, DetectorSet, KINDS, Kind, MAX_ENTITIES, Progress as Step, RowSource, TrainError,
    Training, Weights,
};
use serde_json::json;

use super::checkpoints::Checkpoints;
use super::limit::LimitArgs;
use super::sheet::{Lesson, Room};
use super::table::Tables;
use super::{inspect, kept, telling};
use crate::client::ServerArgs;
use crate::failure::{Failure, Outcome, Result, remark};
use crate::list::Format;
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
    /// Train a detector for each value of this column, such as each host, side by side: what is usual is each one's own.
    #[arg(long, value_name = "COLUMN", conflicts_with = "tell")]
    by: Option<String>,
    /// Values of that column at most; those that come later in the table are left out, and named.
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 100,
        requires = "by",
        value_parser = clap::value_parser!(u16).range(1..=MAX_ENTITIES as i64)
    )]
    max_entities: u16,
    #[command(flatten)]
    limit: LimitArgs,
    /// Rows that a score looks at; by default what suits the kind.
    #[arg(long, value_name = "ROWS")]
    window: Option<usize>,
    /// Passes over all rows, for mtad-gat and mvad.
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    epochs: usize,
    /// Begin with the weights of a network that was trained elsewhere, in safetensors, for mtad-gat; with --epochs 0 it keeps them.
    #[arg(long, value_name = "FILE", conflicts_with = "by")]
    weights: Option<PathBuf>,
    /// Also count how far single values are from the usual one, and how far their mean jumps.
    #[arg(long)]
    points: bool,
    /// Go on with a training that was interrupted, from the checkpoint beside --out, for mtad-gat and mvad.
    #[arg(long)]
    resume: bool,
    /// Memory for rows, in MiB; the rows of a table that is larger go to disk, beside --out, while it is learned from. Learning takes
    /// about twice as much beside.
    #[arg(long, value_name = "MIB", default_value_t = 512)]
    memory: u32,
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
    let name = args.name.clone().unwrap_or_else(|| name_of(&args.out));
    let checkpoints = Checkpoints::open(&args.out, args.by.is_some(), args.resume)?;
    let folder = args.out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let room = Room::new(u64::from(args.memory) << 20, folder.to_owned());
    let file = match &args.by {
        None => {
            let lesson = args.tables.lesson(room)?;
            let detector = train_one(args, &name, lesson, &checkpoints)?;
            DetectorFile::One(Box::new(detector))
        }
        Some(by) => {
            let lessons = args.tables.lessons(by, usize::from(args.max_entities), room)?;
            DetectorFile::Set(train_each(args, &name, by, &lessons, &checkpoints)?)
        }
    };
    tell_alike(&file);
    kept::save(&args.out, &file)?;
    checkpoints.drop();
    inspect::tell(&args.out, &file, args.format)?;
    Ok(Outcome::Fine)
}

/// A detector for all rows.
fn train_one(args: &Args, name: &str, lesson: Lesson, checkpoints: &Checkpoints) -> Result<Detector> {
    let mut training = training(args, lesson.step_ms());
    training.resume = checkpoints.read(None)?;
    training.weights = args.weights.as_deref().map(weights).transpose()?;
    tell_timeless(&lesson);
    let notes = notes(name, &lesson);
    let kept = checkpoints.clone();
    let work = move |tell: &mut dyn FnMut(&Step)| {
        let detector = fit(&lesson, &training, &kept, tell);
        lesson.check().map(|()| detector)
    };
    let detector = if args.tell { telling::told(&args.server, name, work)?? } else { work(&mut |_| ())? };
    Ok(detector.map_err(|error| Failure::user(error.to_string()))?.with_notes(notes))
}

/// The weights of another program.
fn weights(path: &Path) -> Result<Weights> {
    let bytes = std::fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
    Weights::from_bytes(&bytes).map_err(|damage| Failure::user(format!("{} {damage}", path.display())))
}

/// A detector for each entity, side by side.
fn train_each(
    args: &Args,
    name: &str,
    by: &str,
    lessons: &BTreeMap<String, Lesson>,
    checkpoints: &Checkpoints,
) -> Result<DetectorSet> {
    if let Some(lesson) = lessons.values().next() {
        tell_timeless(lesson);
    }
    let mut trainings = BTreeMap::new();
    for (entity, lesson) in lessons {
        let resume = checkpoints.read(Some(entity))?;
        trainings.insert(entity.as_str(), Training { resume, ..training(args, lesson.step_ms()) });
    }
    // How far each is, and what is told of them all.
    let state = Mutex::new((BTreeMap::new(), Progress::new("training", "", Some(1_000)), Ok(())));
    let progress = |entity: &str, step: Step| {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let (done, progress, kept) = &mut *state;
        if !step.note.is_empty() {
            remark(&format!("{entity}: {}", step.note));
        }
        if let Some(reached) = &step.checkpoint {
            *kept = std::mem::replace(kept, Ok(())).and_then(|()| checkpoints.keep(Some(entity), reached));
        }
        done.insert(entity.to_owned(), step.n_done as f64 / step.n.max(1) as f64);
        let share = done.values().sum::<f64>() / lessons.len().max(1) as f64;
        progress.at((share * 1_000.0) as u64, 0);
    };
    let sources: Vec<(String, RowSource<'_>)> =
        lessons.iter().map(|(entity, lesson)| (entity.clone(), lesson.source())).collect();
    let training = |entity: &str| trainings.get(entity).cloned().unwrap_or_default();
    let (set, failed) = DetectorSet::train(by, &sources, &training, &progress);
    let (_, progress, kept) = state.into_inner().unwrap_or_else(PoisonError::into_inner);
    drop(progress);
    tell_not_kept(kept);
    lessons.values().try_for_each(Lesson::check)?;
    refuse_settings(&failed)?;
    for (entity, error) in &failed {
        remark(&format!("{by} {entity} has no detector: {error}"));
    }
    let Some(set) = set else {
        return Err(Failure::user(format!("no value of {by} has rows that can be learned from"))
            .hint("give more rows, or train one detector for all without --by"));
    };
    let with_notes = |entity: &str, detector: Detector| {
        Ok(match lessons.get(entity) {
            Some(lesson) => detector.with_notes(notes(name, lesson)),
            None => detector,
        })
    };
    set.map(&with_notes).map_err(Failure::program)
}

/// What is wrong with settings is wrong with all.
fn refuse_settings(failed: &[(String, TrainError)]) -> Result<()> {
    let wrong = failed
        .iter()
        .find(|(_, error)| matches!(error, TrainError::Settings(_) | TrainError::OtherCheckpoint));
    wrong.map_or(Ok(()), |(_, error)| Err(Failure::user(error.to_string())))
}

/// Trains, with a checkpoint after each pass, and tells each step.
fn fit(
    lesson: &Lesson,
    training: &Training,
    checkpoints: &Checkpoints,
    tell: &mut dyn FnMut(&Step),
) -> std::result::Result<Detector, TrainError> {
    let mut progress = Progress::new("training", "", Some(1_000));
    let mut kept = Ok(());
    let detector = Detector::train_on(lesson.source(), training, &mut |step| {
        if !step.note.is_empty() {
            remark(&step.note);
        }
        if let Some(reached) = &step.checkpoint {
            // A disk that is full ends no training; it is told once.
            kept = std::mem::replace(&mut kept, Ok(())).and_then(|()| checkpoints.keep(None, reached));
        }
        progress.at((step.n_done * 1_000 / step.n.max(1)) as u64, 0);
        tell(&step);
    });
    drop(progress);
    tell_not_kept(kept);
    detector
}

fn tell_not_kept(kept: Result<()>) {
    if let Err(failure) = kept {
        remark(&format!("{}; the training could not have gone on from there", failure.text()));
    }
}

fn tell_timeless(lesson: &Lesson) {
    if lesson.step_ms().is_none() {
        remark("the table has no times; alarms a day are told for a row a minute");
    }
}

fn tell_alike(file: &DetectorFile) {
    let alike = file.all().into_iter().filter(|(_, detector)| detector.is_too_alike());
    let whose: Vec<String> =
        alike.map(|(entity, _)| entity.map(|it| format!(" of {it}")).unwrap_or_default()).collect();
    if let Some(whose) = whose.first() {
        remark(&format!(
            "the rows{whose} follow a course without any noise, so they do not say how far usual rows stray; train on measured rows"
        ));
    }
}

fn training(args: &Args, step_ms: Option<i64>) -> Training {
    let rows_per_day = step_ms.map_or(ROWS_PER_DAY, |step_ms| DAY_MS / step_ms as f64);
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
        ..default
    }
}

/// What later commands need to know of the rows, and a fingerprint of them.
fn notes(name: &str, lesson: &Lesson) -> serde_json::Value {
    json!({ "name": name, "data": lesson.data(), "step_ms": lesson.step_ms(), "totals": lesson.totals() })
}
