//! What a detector of a use case says of what comes: once over the past, or again and again.

use std::time::Duration;

use lanner_core::TimeRange;
use lanner_core::time::format_time;
use lanner_deep::Detector;
use lanner_wire::api::Time;
use serde::Serialize;

use super::run_args::{Args, now_ms};
use crate::adbox::folder::{Folder, State};
use crate::adbox::limits::Limits;
use crate::adbox::results::{RoundResult, Verdict, judge};
use crate::adbox::shipping;
use crate::adbox::split::Watch;
use crate::adbox::times::Round;
use crate::adbox::trained::{About, rows_of};
use crate::adbox::use_case::{Mode, PredictionCase};
use crate::adbox::wazuh::DataArgs;
use crate::failure::{Failure, Outcome, Result, remark};
use crate::list::{self, Cell, Row};
use crate::output::counted;

/// Features that a finding names.
const N_NAMED: usize = 3;

const DAY_MS: i64 = 86_400_000;

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
pub(super) struct Task<'a> {
    pub(super) args: &'a Args,
    pub(super) data: DataArgs,
    pub(super) folder: Folder,
    pub(super) about: About,
    pub(super) detector: Detector,
    pub(super) case: &'a PredictionCase,
    /// The number of the use case.
    pub(super) number: String,
    /// When the run began.
    pub(super) began_ms: i64,
    /// Whether it has to say whose rounds it tells.
    pub(super) is_one_of_several: bool,
    /// Who looks for entities that have no detector.
    pub(super) watch: Option<&'a Watch>,
}

impl Task<'_> {
    /// Once, over a stretch of the past: of files, over all that they hold. A run that goes on looks at the same stretch.
    pub(super) fn look_back(&self) -> Result<Outcome> {
        let is_whole = self.data.is_files() && self.case.start_ms.is_none() && self.case.end_ms.is_none();
        let grid = self.about.grid();
        let round = (!is_whole).then(|| {
            let midnight_ms = self.began_ms.div_euclid(DAY_MS) * DAY_MS;
            let back_ms = self.case.lookback_ms.map(|ms| self.began_ms - ms);
            let start_ms = self.case.start_ms.or(back_ms).unwrap_or(midnight_ms);
            grid.historical(start_ms, self.case.end_ms.unwrap_or(self.began_ms))
        });
        let Some(units) = rows_of(&self.about, &self.data, round.map(|round| round.fetch))? else {
            return Err(
                Failure::undecided("there are no documents").hint("check start_time, end_time and --data")
            );
        };
        let end_ms = units.start_ms + units.frame.n_rows() as i64 * self.about.unit_ms;
        let round = round.unwrap_or_else(|| grid.historical(units.start_ms, end_ms));
        let mut state = self.first_state(round.out.start_ms);
        let mut verdicts = judge(&self.detector, &self.about, &units, round.out, &mut state.limits)?;
        if verdicts.is_empty() {
            let n = self.about.window_size;
            return Err(Failure::undecided("no unit could be judged").hint(format!(
                "a verdict looks at {} before it; give a longer stretch",
                counted(n as u64, "unit")
            )));
        }
        let findings = self.note(round.out, None, &mut verdicts, &mut state)?;
        self.watch.map_or(Ok(()), |watch| watch.tell(&self.data, Some(round.out)))?;
        list::list(self.args.format, &findings, "Nothing unusual was found.")?;
        remark(&format!("{}{} judged", self.whose(), counted(verdicts.len() as u64, "unit")));
        Ok(Outcome::found(!findings.is_empty()))
    }

    /// Again and again. What was missed, since the last round or while it could not be read, is judged with the next.
    pub(super) fn keep_looking(&self) -> Result<Outcome> {
        if self.data.is_files() {
            return Err(Failure::user(format!(
                "{} looks at what comes in, and files do not change",
                self.case.mode.name()
            ))
            .hint("name Wazuh's indexer with --url, or use run_mode: historical"));
        }
        let (grid, key) = (self.about.grid(), format!("{}-{}", self.number, self.case.mode.name()));
        let n = if self.case.mode == Mode::Batch { self.case.batch_size } else { 1 };
        let mut state = match self.folder.state(&self.about, &key)? {
            Some(state) => state,
            None => self.first_state(grid.ceil(now_ms()) - n * grid.unit_ms),
        };
        if state.started.is_empty() {
            state.started = name_of_time(self.began_ms);
        }
        // Before the first round: whoever is interrupted in it begins it again, and in the same files.
        self.folder.set_state(&self.about, &key, state.clone())?;
        let mut due_ms = grid.next_due(state.judged_until_ms, n).max(grid.floor(now_ms()));
        let (mut n_rounds, mut is_found) = (0, false);
        while self.args.rounds.is_none_or(|rounds| n_rounds < rounds) {
            self.wait_until(due_ms + self.args.delay.0);
            let round = grid.next(state.judged_until_ms, due_ms);
            // A round that is done again begins where it began.
            let mut after = State { judged_until_ms: round.out.end_ms, ..state.clone() };
            let is_done = match self.look(round, n, &mut after) {
                Ok(found) => {
                    is_found |= found;
                    self.folder.set_state(&self.about, &key, after.clone())?;
                    state = after;
                    true
                }
                Err(failure) if failure.is_users() => return Err(failure),
                Err(failure) => {
                    let text = failure.text();
                    remark(&format!("{}{text}; the next round makes up for it", self.whose()));
                    false
                }
            };
            n_rounds += 1;
            if !is_done || state.judged_until_ms >= due_ms {
                // After a long round, what is due by now.
                due_ms = grid.next_due(due_ms, n).max(grid.floor(now_ms()));
            }
        }
        Ok(Outcome::found(is_found))
    }

    /// Where it stands before anything was judged.
    fn first_state(&self, judged_until_ms: i64) -> State {
        State {
            judged_until_ms,
            limits: Limits::of(&self.detector, &self.about),
            n_in_a_row: 0,
            started: name_of_time(self.began_ms),
        }
    }

    /// The use case, before what is told of it.
    fn whose(&self) -> String {
        if self.is_one_of_several { format!("{}: ", self.number) } else { String::new() }
    }

    fn wait_until(&self, due_ms: i64) {
        let wait_ms = u64::try_from(due_ms - now_ms()).unwrap_or(0);
        std::thread::sleep(Duration::from_millis(wait_ms));
    }

    fn look(&self, round: Round, n: i64, state: &mut State) -> Result<bool> {
        let units = rows_of(&self.about, &self.data, Some(round.fetch))?;
        let mut verdicts = match &units {
            Some(units) => judge(&self.detector, &self.about, units, round.out, &mut state.limits)?,
            None => Vec::new(),
        };
        let batch_size = (self.case.mode == Mode::Batch).then_some(n);
        let findings = self.note(round.out, batch_size, &mut verdicts, state)?;
        self.watch.map_or(Ok(()), |watch| watch.tell(&self.data, Some(round.out)))?;
        let [from, to] = [round.out.start_ms, round.out.end_ms].map(format_time);
        remark(&format!(
            "{}{from} to {to}: {} of {} are anomalies",
            self.whose(),
            findings.len(),
            counted(verdicts.len() as u64, "unit")
        ));
        if !findings.is_empty() {
            list::list(self.args.format, &findings, "")?;
        }
        Ok(!findings.is_empty())
    }

    /// Writes and sends what was said of a round, and returns what was found.
    fn note(
        &self,
        range: TimeRange,
        batch_size: Option<i64>,
        verdicts: &mut [Verdict],
        state: &mut State,
    ) -> Result<Vec<Finding>> {
        self.ask_for_several(verdicts, &mut state.n_in_a_row);
        let round = RoundResult { mode: self.case.mode, range, batch_size, verdicts: verdicts.to_vec() };
        self.folder.add(&self.about, &self.number, &round, (self.args.shape, &state.started))?;
        if self.args.ship {
            let taken = shipping::send(&self.data, &self.about, verdicts)?;
            taken.reasons.iter().for_each(|reason| remark(&format!("refused: {reason}")));
            let told = [("new", taken.created), ("there already", taken.updated), ("refused", taken.refused)];
            let told: Vec<String> = told.iter().map(|(what, n)| format!("{n} {what}")).collect();
            let n = counted(verdicts.len() as u64, "row");
            remark(&format!("{}sent {n}: {}", self.whose(), told.join(", ")));
        }
        let found = verdicts.iter().filter(|verdict| verdict.is_anomaly);
        Ok(found.map(|verdict| self.finding(verdict)).collect())
    }

    /// An anomaly counts from the last one on of so many in a row.
    fn ask_for_several(&self, verdicts: &mut [Verdict], n_in_a_row: &mut usize) {
        for verdict in verdicts {
            *n_in_a_row = if verdict.is_anomaly { *n_in_a_row + 1 } else { 0 };
            verdict.is_anomaly = verdict.is_anomaly && *n_in_a_row >= self.case.min_consecutive;
        }
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

/// A time as a part of the name of a file.
fn name_of_time(time_ms: i64) -> String {
    format_time(time_ms).get(..19).unwrap_or_default().replace('T', "_").replace(':', "-")
}
