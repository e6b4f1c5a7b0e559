//! `lanner detector run`: use cases of ADBox are trained, predicted, or both; several side by side.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use lanner_core::document::Node;
use serde_json::Value;

use super::rounds::Task;
use super::run_args::{Args, now_ms};
use crate::adbox::entity::{By, Entity};
use crate::adbox::files::{read_json, write_json};
use crate::adbox::folder::Folder;
use crate::adbox::journal::Journal;
use crate::adbox::split::{self, Watch};
use crate::adbox::trained::{self, About};
use crate::adbox::use_case::{Mode, PredictionCase, TrainingCase, UseCase};
use crate::adbox::wazuh::DataArgs;
use crate::adbox::{scenario, shipping};
use crate::failure::{Failure, Outcome, Result, remark};
use crate::list;
use crate::output::counted;
use crate::problems;
use crate::progress::Progress;

/// A use case that was read.
struct Case {
    /// Its number, or its name.
    number: String,
    use_case: UseCase,
    /// What is trained, as it is written.
    training: Value,
    /// Who looks for new entities, of several use cases that one was split into.
    watch: Option<Watch>,
}

/// Use cases with a detector for each entity become one for each.
fn split_up(args: &Args, cases: Vec<Case>) -> Result<Vec<Case>> {
    let folder = Folder::at(&args.folder.detectors);
    let mut all = Vec::new();
    for case in cases {
        let by = case.use_case.training.as_ref().and_then(|training| training.by.clone());
        match by {
            Some(by) => all.extend(split_training(args, &case, &by)?),
            None => match members(&folder, &case)? {
                Some(members) => all.extend(split_prediction(&case, &members)),
                None => all.push(case),
            },
        }
    }
    Ok(all)
}

/// A use case for each entity that has documents. A run that goes on has those that it began with.
fn split_training(args: &Args, case: &Case, by: &By) -> Result<Vec<Case>> {
    let Some(training) = &case.use_case.training else { return Ok(Vec::new()) };
    let path = args.folder.detectors.join(format!("runs/{}.entities.json", case.number));
    let before: Vec<String> = if args.resume && path.exists() { read_json(&path)? } else { Vec::new() };
    let run_of = |value: &String| {
        let number = split::number_of(&case.number, value);
        args.folder.detectors.join(format!("runs/{number}.json"))
    };
    let values = if before.iter().any(|value| run_of(value).exists()) {
        before
    } else {
        let data = args.data.or_file(case.use_case.training_file.as_deref());
        let found = split::entities(&data, &trained::asked(training, &data, now_ms()), by)?;
        write_json(&path, &found)?;
        found
    };
    if values.is_empty() {
        return Err(Failure::undecided(format!("no document has a value of {}", by.field))
            .hint("check training.by, training.index_date and --data"));
    }
    remark(&format!(
        "{} of {}, each with a detector of its own",
        counted(values.len() as u64, "value"),
        by.field
    ));
    let set = training.display_name.clone().unwrap_or_else(|| case.number.clone());
    let of = |(at, value): (usize, &String)| {
        let entity = Entity { field: by.field.clone(), value: value.clone(), set: set.clone() };
        let mut written = case.training.clone();
        written["entity"] = value.as_str().into();
        let watch = || Watch::new(&by.field, values.clone(), training.filter.clone());
        Case {
            number: split::number_of(&case.number, value),
            use_case: UseCase {
                training: Some(split::training_of(training, entity)),
                prediction: case.use_case.prediction.clone(),
                training_file: case.use_case.training_file.clone(),
                prediction_file: case.use_case.prediction_file.clone(),
                remarks: Vec::new(),
            },
            training: written,
            watch: (at == 0).then(watch),
        }
    };
    Ok(values.iter().enumerate().map(of).collect())
}

/// The detectors of a set, where that predicts.
fn members(folder: &Folder, case: &Case) -> Result<Option<Vec<About>>> {
    let (None, Some(prediction)) = (&case.use_case.training, &case.use_case.prediction) else {
        return Ok(None);
    };
    let found = match &prediction.detector {
        Some(name) => folder.members(name)?,
        None => match folder.current().ok().and_then(|about| about.entity) {
            Some(entity) => folder.members(&entity.set)?,
            None => Vec::new(),
        },
    };
    Ok(Some(found).filter(|found| !found.is_empty()))
}

fn split_prediction(case: &Case, members: &[About]) -> Vec<Case> {
    let values: Vec<String> =
        members.iter().filter_map(|about| Some(about.entity.as_ref()?.value.clone())).collect();
    let of = |(at, about): (usize, &About)| {
        let entity = about.entity.as_ref()?;
        let prediction = case.use_case.prediction.clone();
        let detector = Some(about.detector_id.clone());
        let filter = split::filter_of_all(about.filter.as_ref());
        let watch = || Watch::new(&entity.field, values.clone(), filter.clone());
        Some(Case {
            number: split::number_of(&case.number, &entity.value),
            use_case: UseCase {
                prediction: prediction.map(|prediction| PredictionCase { detector, ..prediction }),
                prediction_file: case.use_case.prediction_file.clone(),
                ..UseCase::default()
            },
            training: Value::Null,
            watch: (at == 0).then(watch),
        })
    };
    members.iter().enumerate().filter_map(of).collect()
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    // Mistakes are told before anything runs.
    let cases = args.use_cases.iter().map(|path| read(path)).collect::<Result<Vec<Case>>>()?;
    let mut numbers = BTreeSet::new();
    if let Some(twice) = cases.iter().find(|case| !numbers.insert(&case.number)) {
        return Err(Failure::user(format!("two use cases are called {}", twice.number))
            .hint("their results would mix; give one another name"));
    }
    let cases = split_up(args, cases)?;
    let turns = Turns::new(thread::available_parallelism().map_or(1, usize::from));
    if let [case] = &cases[..] {
        return run_one(args, case, &turns, false);
    }
    let (turns, mut results) = (&turns, Vec::new());
    thread::scope(|scope| {
        let running: Vec<_> =
            cases.iter().map(|case| scope.spawn(move || run_one(args, case, turns, true))).collect();
        let broken = || Err(Failure::program("a use case ended without a result"));
        results.extend(running.into_iter().map(|run| run.join().unwrap_or_else(|_| broken())));
    });
    let mut is_found = false;
    let mut failures = Vec::new();
    for (case, result) in cases.iter().zip(results) {
        match result {
            Ok(outcome) => is_found |= outcome == Outcome::Found,
            Err(failure) => failures.push(failure.of(&case.number)),
        }
    }
    match failures.pop() {
        Some(last) => {
            failures.iter().for_each(Failure::tell);
            Err(last)
        }
        None => Ok(Outcome::found(is_found)),
    }
}

fn run_one(args: &Args, case: &Case, turns: &Turns, is_one_of_several: bool) -> Result<Outcome> {
    let folder = Folder::at(&args.folder.detectors);
    let run = (args.resume, now_ms());
    let mut journal = Journal::open(&args.folder.detectors, &case.number, &case.training, run)?;
    let use_case = &case.use_case;
    let mut trained = None;
    if let Some(training) = &use_case.training {
        let data = args.data.or_file(use_case.training_file.as_deref());
        let is_told = !is_one_of_several;
        trained = Some(match journal.detector_id() {
            Some(id) => folder.find(id)?,
            None => turns
                .take(|| train(args, &folder, (training, &case.training), &data, &mut journal, is_told))?,
        });
    }
    let Some(prediction) = &use_case.prediction else {
        journal.finish();
        return Ok(Outcome::Fine);
    };
    let about = match (&prediction.detector, trained) {
        (Some(id), _) => folder.find(id)?,
        (None, Some(trained)) => trained,
        (None, None) => folder.current()?,
    };
    let task = Task {
        args,
        data: args.data.or_file(use_case.prediction_file.as_deref()),
        detector: folder.detector(&about)?,
        folder,
        about,
        case: prediction,
        number: case.number.clone(),
        began_ms: journal.began_ms(),
        is_one_of_several,
        watch: case.watch.as_ref(),
    };
    match prediction.mode {
        Mode::Historical => {
            let found = task.look_back()?;
            journal.finish();
            Ok(found)
        }
        Mode::Batch | Mode::Realtime => task.keep_looking(),
    }
}

/// Who trains at a time: as many as there are cores, so that memory is that of a few.
struct Turns {
    n_free: Mutex<usize>,
    is_freed: Condvar,
}

impl Turns {
    fn new(n: usize) -> Self {
        Self { n_free: Mutex::new(n), is_freed: Condvar::new() }
    }

    fn take<T>(&self, work: impl FnOnce() -> T) -> T {
        let n_free = self.n_free.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.is_freed.wait_while(n_free, |n_free| *n_free == 0);
        *waited.unwrap_or_else(PoisonError::into_inner) -= 1;
        let done = work();
        *self.n_free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.is_freed.notify_one();
        done
    }
}

/// Reads a use case, and tells every mistake in it with its line.
fn read(path: &Path) -> Result<Case> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))?;
    let use_case = match scenario::from_yaml(&text) {
        Ok(use_case) => use_case,
        Err(found) => {
            let told: String = found.0.iter().map(|problem| problems::line(path, problem)).collect();
            let n = counted(found.0.len() as u64, "problem");
            return Err(Failure::user(format!("the use case has {n}\n{}", told.trim_end())));
        }
    };
    use_case
        .remarks
        .iter()
        .for_each(|text| remark(&format!("{}: {text}; it is passed over", path.display())));
    if use_case.training.is_none() && use_case.prediction.is_none() {
        return Err(Failure::user(format!("{} has neither training nor prediction", path.display())));
    }
    let training = Node::from_yaml(&text).map(|node| node.to_json()["training"].take()).unwrap_or_default();
    Ok(Case { number: number(path), use_case, training, watch: None })
}

/// `15` of `uc_15.yaml`; other names as they are.
fn number(path: &Path) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let stem: String =
        stem.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    stem.strip_prefix("uc_").map(str::to_owned).unwrap_or(stem)
}

fn train(
    args: &Args,
    folder: &Folder,
    (case, written): (&TrainingCase, &Value),
    data: &DataArgs,
    journal: &mut Journal,
    is_told: bool,
) -> Result<About> {
    let mut progress = Progress::new("training", "", Some(1_000));
    let trained = trained::train(case, data, journal, &mut |step| {
        if !step.note.is_empty() {
            remark(&step.note);
        }
        if is_told {
            progress.at((step.n_done * 1_000 / step.n.max(1)) as u64, 0);
        }
    });
    drop(progress);
    let mut trained = trained?;
    if trained.detector.is_too_alike() {
        remark("the rows follow a course without any noise, so they do not say how far usual rows stray");
    }
    if args.ship {
        shipping::prepare(&args.data, &trained.about, trained.detector.columns())?;
        trained.about.ships = true;
    }
    folder.keep(&trained, written)?;
    journal.set_trained(&trained.about.detector_id)?;
    remark(&format!(
        "the detector {} ({}) is trained, and is the current one; {} alarms a day are expected",
        trained.about.detector_id,
        trained.about.display_name,
        list::short(trained.detector.expected_alarms_per_day()),
    ));
    Ok(trained.about)
}
