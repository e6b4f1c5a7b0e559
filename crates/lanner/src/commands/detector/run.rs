//! `lanner detector run`: a use case of ADBox is trained, predicted, or both.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lanner_core::TimeRange;
use lanner_core::time::{format_time, parse_duration_ms};
use lanner_deep::Detector;
use lanner_wire::api::Time;
use serde::Serialize;

use crate::adbox::folder::{Folder, State};
use crate::adbox::limits::Limits;
use crate::adbox::results::{RoundResult, Shape, Verdict, judge};
use crate::adbox::times::Round;
use crate::adbox::trained::{self, About, rows_of};
use crate::adbox::use_case::{Mode, PredictionCase, TrainingCase, UseCase};
use crate::adbox::wazuh::DataArgs;
use crate::adbox::{scenario, shipping};
use crate::failure::{Failure, Outcome, Result, remark};
use crate::list::{self, Cell, Format, Row};
use crate::output::counted;
use crate::problems;
use crate::progress::Progress;

/// Units that are caught up with at once after a pause.
const MAX_CAUGHT_UP: i64 = 10_000;

/// Features that a finding names.
const N_NAMED: usize = 3;

/// Where detectors live.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct FolderArgs {
    /// Folder of the detectors.
    #[arg(long, value_name = "FOLDER", env = "LANNER_DETECTORS", default_value = "detectors")]
    pub(super) detectors: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Use case, as YAML.
    #[arg(value_name = "USE_CASE")]
    use_case: PathBuf,
    #[command(flatten)]
    folder: FolderArgs,
    #[command(flatten)]
    data: DataArgs,
    /// Send results to Wazuh's indexer, into a data stream of the detector.
    #[arg(long, short, requires = "url")]
    ship: bool,
    /// The form of the files of results.
    #[arg(long, value_enum, default_value = "flat")]
    shape: Shape,
    /// Rounds of the modes batch and realtime, which otherwise go on until they are interrupted.
    #[arg(long, value_name = "NUMBER")]
    rounds: Option<u64>,
    /// How long documents may take to arrive after the end of their unit.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = delay)]
    delay: Delay,
    /// Output format of what is found.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy)]
struct Delay(i64);

fn delay(text: &str) -> std::result::Result<Delay, String> {
    match text {
        "0" | "0s" => Ok(Delay(0)),
        text => parse_duration_ms(text).map(Delay).map_err(|error| error.to_string()),
    }
}

/// A unit of time that is an anomaly.
#[derive(Debug, Serialize)]
struct Finding {
    time: Time,
    score: f64,
    threshold: f64,
    /// The features that contributed most.
    features: Vec<String>,
}

impl Row for Finding {
    const COLUMNS: &'static [&'static str] = &["time", "score", "threshold", "features"];
    fn cells(&self) -> Vec<Cell> {
        let features = self.features.join(", ");
        vec![list::time_text(self.time).into(), self.score.into(), self.threshold.into(), features.into()]
    }
}

/// What a round needs.
struct Task<'a> {
    args: &'a Args,
    data: DataArgs,
    folder: Folder,
    about: About,
    detector: Detector,
    case: &'a PredictionCase,
    /// The number of the use case.
    number: String,
    /// When it began, for the names of files.
    started: String,
    /// Units in a row up to now that were beyond the threshold.
    n_in_a_row: std::cell::Cell<usize>,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let use_case = read(&args.use_case)?;
    let folder = Folder::at(&args.folder.detectors);
    if let Some(case) = &use_case.training {
        train(args, &folder, case, &args.data.or_file(use_case.training_file.as_deref()))?;
    }
    let Some(case) = &use_case.prediction else { return Ok(Outcome::Fine) };
    let about = match &case.detector {
        Some(id) => folder.find(id)?,
        None => folder.current()?,
    };
    let detector = folder.detector(&about)?;
    let started = format_time(now_ms()).get(..19).unwrap_or_default().replace('T', "_").replace(':', "-");
    let data = args.data.or_file(use_case.prediction_file.as_deref());
    let number = number(&args.use_case);
    let n_in_a_row = std::cell::Cell::new(0);
    let task = Task { args, data, folder, about, detector, case, number, started, n_in_a_row };
    match case.mode {
        Mode::Historical => task.look_back(),
        Mode::Batch | Mode::Realtime => task.keep_looking(),
    }
}

/// Reads a use case, and tells every mistake in it with its line.
fn read(path: &Path) -> Result<UseCase> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))?;
    match scenario::from_yaml(&text) {
        Ok(use_case) => {
            use_case
                .remarks
                .iter()
                .for_each(|text| remark(&format!("{}: {text}; it is passed over", path.display())));
            if use_case.training.is_none() && use_case.prediction.is_none() {
                return Err(Failure::user(format!("{} has neither training nor prediction", path.display())));
            }
            Ok(use_case)
        }
        Err(found) => {
            let told: String = found.0.iter().map(|problem| problems::line(path, problem)).collect();
            let n = counted(found.0.len() as u64, "problem");
            Err(Failure::user(format!("the use case has {n}\n{}", told.trim_end())))
        }
    }
}

/// `15` of `uc_15.yaml`; other names as they are.
fn number(path: &Path) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let stem: String =
        stem.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    stem.strip_prefix("uc_").map(str::to_owned).unwrap_or(stem)
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn train(args: &Args, folder: &Folder, case: &TrainingCase, data: &DataArgs) -> Result<()> {
    let now_ms = now_ms();
    let mut progress = Progress::new("training", "", Some(1_000));
    let trained = trained::train(case, data, (now_ms, &format_time(now_ms)), &mut |step| {
        if !step.note.is_empty() {
            remark(&step.note);
        }
        progress.at((step.n_done * 1_000 / step.n.max(1)) as u64, 0);
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
    let text = std::fs::read_to_string(&args.use_case).unwrap_or_default();
    let node = lanner_core::document::Node::from_yaml(&text).map(|node| node.to_json()).unwrap_or_default();
    folder.keep(&trained, &node["training"])?;
    remark(&format!(
        "the detector {} ({}) is trained, and is the current one; {} alarms a day are expected",
        trained.about.detector_id,
        trained.about.display_name,
        list::short(trained.detector.expected_alarms_per_day()),
    ));
    Ok(())
}

impl Task<'_> {
    /// Once, over a stretch of the past: of files, over all that they hold.
    fn look_back(&self) -> Result<Outcome> {
        let now_ms = now_ms();
        let is_whole = self.data.is_files() && self.case.start_ms.is_none() && self.case.end_ms.is_none();
        let grid = self.about.grid();
        let round = (!is_whole).then(|| {
            let midnight_ms = now_ms.div_euclid(DAY_MS) * DAY_MS;
            let back_ms = self.case.lookback_ms.map(|ms| now_ms - ms);
            let start_ms = self.case.start_ms.or(back_ms).unwrap_or(midnight_ms);
            grid.historical(start_ms, self.case.end_ms.unwrap_or(now_ms))
        });
        let Some(units) = rows_of(&self.about, &self.data, round.map(|round| round.fetch))? else {
            return Err(
                Failure::undecided("there are no documents").hint("check start_time, end_time and --data")
            );
        };
        let end_ms = units.start_ms + units.frame.n_rows() as i64 * self.about.unit_ms;
        let round = round.unwrap_or_else(|| grid.historical(units.start_ms, end_ms));
        let limits = &mut Limits::of(&self.detector, &self.about);
        let verdicts = judge(&self.detector, &self.about, &units, round.out, limits)?;
        if verdicts.is_empty() {
            let n = self.about.window_size;
            return Err(Failure::undecided("no unit could be judged").hint(format!(
                "a verdict looks at {} before it; give a longer stretch",
                counted(n as u64, "unit")
            )));
        }
        let findings = self.note(round.out, None, &verdicts)?;
        list::list(self.args.format, &findings, "Nothing unusual was found.")?;
        remark(&format!("{} judged", counted(verdicts.len() as u64, "unit")));
        Ok(Outcome::found(!findings.is_empty()))
    }

    /// Again and again. What was missed, since the last round or while it could not be read, is judged with the next.
    fn keep_looking(&self) -> Result<Outcome> {
        if self.data.is_files() {
            return Err(Failure::user(format!(
                "{} looks at what comes in, and files do not change",
                self.case.mode.name()
            ))
            .hint("name Wazuh's indexer with --url, or use run_mode: historical"));
        }
        let (grid, key) = (self.about.grid(), format!("{}-{}", self.number, self.case.mode.name()));
        let n = if self.case.mode == Mode::Batch { self.case.batch_size } else { 1 };
        let state = self.folder.state(&self.about, &key)?;
        let mut judged_ms = state.as_ref().map(|state| state.judged_until_ms);
        let mut limits = state.map_or_else(|| Limits::of(&self.detector, &self.about), |state| state.limits);
        let (mut due_ms, mut n_rounds, mut is_found) = (grid.ceil(now_ms()), 0, false);
        while self.args.rounds.is_none_or(|rounds| n_rounds < rounds) {
            self.wait_until(due_ms + self.args.delay.0);
            let n_open = judged_ms.map_or(n, |judged_ms| (due_ms - judged_ms).div_euclid(grid.unit_ms));
            let round = grid.last(due_ms, n_open.clamp(n, MAX_CAUGHT_UP));
            // A round that is done again begins where it began.
            let mut after = limits.clone();
            match self.look(round, n, &mut after) {
                Ok(found) => {
                    is_found |= found;
                    limits = after;
                    let judged_until_ms = round.out.end_ms;
                    judged_ms = Some(judged_until_ms);
                    let state = State { judged_until_ms, limits: limits.clone() };
                    self.folder.set_state(&self.about, &key, state)?;
                }
                Err(failure) if failure.is_users() => return Err(failure),
                Err(failure) => remark(&format!("{}; the next round makes up for it", failure.text())),
            }
            n_rounds += 1;
            // After a long round, what is due by now.
            due_ms = grid.next_due(due_ms, n).max(grid.floor(now_ms()));
        }
        Ok(Outcome::found(is_found))
    }

    fn wait_until(&self, due_ms: i64) {
        let wait_ms = u64::try_from(due_ms - now_ms()).unwrap_or(0);
        std::thread::sleep(Duration::from_millis(wait_ms));
    }

    fn look(&self, round: Round, n: i64, limits: &mut Limits) -> Result<bool> {
        let units = rows_of(&self.about, &self.data, Some(round.fetch))?;
        let verdicts = match &units {
            Some(units) => judge(&self.detector, &self.about, units, round.out, limits)?,
            None => Vec::new(),
        };
        let batch_size = (self.case.mode == Mode::Batch).then_some(n);
        let findings = self.note(round.out, batch_size, &verdicts)?;
        let [from, to] = [round.out.start_ms, round.out.end_ms].map(format_time);
        remark(&format!(
            "{from} to {to}: {} of {} are anomalies",
            findings.len(),
            counted(verdicts.len() as u64, "unit")
        ));
        if !findings.is_empty() {
            list::list(self.args.format, &findings, "")?;
        }
        Ok(!findings.is_empty())
    }

    /// Writes and sends what was said of a round, and returns what was found.
    fn note(&self, range: TimeRange, batch_size: Option<i64>, verdicts: &[Verdict]) -> Result<Vec<Finding>> {
        let verdicts = &self.consecutive(verdicts)[..];
        let round = RoundResult { mode: self.case.mode, range, batch_size, verdicts: verdicts.to_vec() };
        self.folder.add(&self.about, &self.number, &round, (self.args.shape, &self.started))?;
        if self.args.ship {
            let taken = shipping::send(&self.data, &self.about, verdicts)?;
            taken.reasons.iter().for_each(|reason| remark(&format!("refused: {reason}")));
            let told = [("new", taken.created), ("there already", taken.updated), ("refused", taken.refused)];
            let told: Vec<String> = told.iter().map(|(what, n)| format!("{n} {what}")).collect();
            remark(&format!("sent {}: {}", counted(verdicts.len() as u64, "row"), told.join(", ")));
        }
        Ok(verdicts
            .iter()
            .filter(|verdict| verdict.is_anomaly)
            .map(|verdict| self.finding(verdict))
            .collect())
    }

    /// An anomaly counts from the last one on of so many in a row.
    fn consecutive(&self, verdicts: &[Verdict]) -> Vec<Verdict> {
        let mut kept = verdicts.to_vec();
        for verdict in &mut kept {
            self.n_in_a_row.set(if verdict.is_anomaly { self.n_in_a_row.get() + 1 } else { 0 });
            verdict.is_anomaly = verdict.is_anomaly && self.n_in_a_row.get() >= self.case.min_consecutive;
        }
        kept
    }

    fn finding(&self, verdict: &Verdict) -> Finding {
        let part =
            |name: &String| verdict.values.get(&format!("A_Score_{name}")).and_then(|value| value.as_f64());
        let mut parts: Vec<(&String, f64)> =
            self.detector.columns().iter().map(|name| (name, part(name).unwrap_or(0.0))).collect();
        parts.sort_by(|a, b| b.1.total_cmp(&a.1));
        let features = parts.into_iter().take(N_NAMED).map(|(name, _)| name.clone()).collect();
        Finding { time: Time(verdict.time_ms), score: verdict.score, threshold: verdict.threshold, features }
    }
}

const DAY_MS: i64 = 86_400_000;
