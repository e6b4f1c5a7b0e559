//! Evaluates scores against known incidents, with metrics that cannot be gamed.

use lanner_detect::automatic::Decision;
use lanner_quality::{
    AlarmBudget, MetricError, NabFile, NabProfile, Scored, affiliation_f, alarms_above, at_alarm_budget,
    auc_pr, range_f1,
};
use serde::Serialize;

use crate::list::{self, Cell, Format, Row};

/// Edges of incidents are as uncertain as up to so many samples.
const LARGEST_BUFFER: usize = 100;

/// An alarm silences those within so many steps after it.
const QUIET_STEPS: i64 = 24;

/// What to measure with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) threshold: f64,
    pub(super) alarms_per_day: f64,
    pub(super) has_times: bool,
}

/// The rows of one series as they were judged.
#[derive(Debug, Clone, Default)]
pub(super) struct Judgements {
    pub(super) at: Vec<i64>,
    pub(super) is_marked: Vec<bool>,
    /// 0 where there is none.
    pub(super) scores: Vec<f64>,
    /// Whether a finding begins.
    pub(super) begins: Vec<bool>,
}

impl Judgements {
    /// Adds a row; `judged` is `None` for a gap, and while it is too early.
    pub(super) fn push(
        &mut self,
        at: i64,
        is_marked: bool,
        judged: Option<lanner_detect::Scored>,
        decision: Decision,
    ) {
        self.at.push(at);
        self.is_marked.push(is_marked);
        self.scores.push(judged.map_or(0.0, |judged| judged.score.value()));
        self.begins.push(decision == Decision::Begins);
    }
}

/// Alarms of one threshold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Alarmed {
    threshold: f64,
    found: u64,
    false_alarms: u64,
    /// The middle of the delays of incidents found.
    median_delay_ms: Option<i64>,
}

/// The benchmark's three profiles, of the findings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Nab {
    standard: f64,
    few_false: f64,
    few_missed: f64,
}

/// How good the scores of a series were.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Quality {
    series: String,
    incidents: u64,
    vus_pr: f64,
    vus_roc: f64,
    auc_pr: f64,
    range_f1: f64,
    affiliation_f1: f64,
    /// At the threshold in use.
    alarms: Alarmed,
    /// With as many alarms a day as were asked for; none without times.
    in_budget: Option<Alarmed>,
    /// None when all incidents lie in the first 15 %, which the benchmark does not score.
    nab: Option<Nab>,
}

impl Row for Quality {
    const COLUMNS: &'static [&'static str] = &[
        "series",
        "incidents",
        "VUS-PR",
        "VUS-ROC",
        "AUC-PR",
        "range F1",
        "affiliation F1",
        "incidents found",
        "false alarms",
        "median delay",
        "found in budget",
        "delay in budget",
        "NAB standard",
        "NAB few false",
        "NAB few missed",
    ];
    fn cells(&self) -> Vec<Cell> {
        let delay = |alarms: &Alarmed| alarms.median_delay_ms.map(lanner_core::time::format_duration);
        let rounded = |value: f64| Cell::Number((value * 1e3).round() / 1e3);
        let nab = |read: fn(&Nab) -> f64| {
            self.nab.as_ref().map_or(Cell::Nothing, |nab| Cell::Number((read(nab) * 10.0).round() / 10.0))
        };
        vec![
            self.series.as_str().into(),
            self.incidents.into(),
            rounded(self.vus_pr),
            rounded(self.vus_roc),
            rounded(self.auc_pr),
            rounded(self.range_f1),
            rounded(self.affiliation_f1),
            self.alarms.found.into(),
            self.alarms.false_alarms.into(),
            delay(&self.alarms).into(),
            self.in_budget.as_ref().map(|alarms| alarms.found).into(),
            self.in_budget.as_ref().and_then(delay).into(),
            nab(|nab| nab.standard),
            nab(|nab| nab.few_false),
            nab(|nab| nab.few_missed),
        ]
    }
}

/// Shows the metrics: a column for each series, or as CSV a row.
pub(super) fn show(format: Format, found: &[Quality]) -> crate::failure::Result<()> {
    if format == Format::Csv {
        return list::csv(Quality::COLUMNS, &mut found.iter().map(Row::cells));
    }
    let cells: Vec<Vec<Cell>> = found.iter().map(Row::cells).collect();
    let heading = std::iter::once("metric").chain(found.iter().map(|quality| quality.series.as_str()));
    let mut rows = Quality::COLUMNS.iter().enumerate().skip(1).map(|(at, name)| {
        let values = cells.iter().map(|cells| cells[at].clone());
        std::iter::once(Cell::from(*name)).chain(values).collect()
    });
    list::table(&heading.collect::<Vec<_>>(), &mut rows)
}

/// Measures each series in which something is marked; where several have the same rows, all together: as strange as the
/// strangest; and where there are `several_files`, their total.
pub(super) fn measure(
    measured: &[(&str, &Judgements)],
    terms: Terms,
    several_files: bool,
) -> Result<Vec<Quality>, MetricError> {
    let each: Vec<_> = measured.iter().map(|(name, judged)| measure_one(judged, name, terms)).collect();
    if each.iter().all(Result::is_err) {
        return each.into_iter().collect();
    }
    let mut found: Vec<Quality> = each.into_iter().flatten().collect();
    if several_files {
        let all: Vec<&Judgements> = measured.iter().map(|(_, judged)| *judged).collect();
        found.push(total(&found, nab(&all)));
    } else if let [(_, first), rest @ ..] = measured
        && !rest.is_empty()
        && rest.iter().all(|(_, other)| other.at == first.at)
    {
        let mut most = (*first).clone();
        for (_, other) in rest {
            most.scores.iter_mut().zip(&other.scores).for_each(|(most, score)| *most = most.max(*score));
        }
        found.push(measure_one(&most, "(all together)", terms)?);
    }
    Ok(found)
}

/// Incidents and alarms of all, and means of what is measured of each.
fn total(found: &[Quality], nab: Option<Nab>) -> Quality {
    let mean = |read: fn(&Quality) -> f64| found.iter().map(read).sum::<f64>() / found.len().max(1) as f64;
    let alarmed = |each: Vec<&Alarmed>| Alarmed {
        threshold: each.first().map_or(f64::NAN, |alarms| alarms.threshold),
        found: each.iter().map(|alarms| alarms.found).sum(),
        false_alarms: each.iter().map(|alarms| alarms.false_alarms).sum(),
        median_delay_ms: None,
    };
    let in_budget: Option<Vec<&Alarmed>> = found.iter().map(|one| one.in_budget.as_ref()).collect();
    Quality {
        series: "(all files)".to_owned(),
        incidents: found.iter().map(|one| one.incidents).sum(),
        vus_pr: mean(|one| one.vus_pr),
        vus_roc: mean(|one| one.vus_roc),
        auc_pr: mean(|one| one.auc_pr),
        range_f1: mean(|one| one.range_f1),
        affiliation_f1: mean(|one| one.affiliation_f1),
        alarms: alarmed(found.iter().map(|one| &one.alarms).collect()),
        in_budget: in_budget.map(alarmed),
        nab,
    }
}

fn measure_one(judgements: &Judgements, name: &str, terms: Terms) -> Result<Quality, MetricError> {
    let Judgements { at, is_marked, scores, .. } = judgements;
    let scored = Scored::new(is_marked, scores)?;
    let quiet_ms = QUIET_STEPS.saturating_mul(usual_step(at).unwrap_or(1));
    let alarmed = |alarms: &lanner_quality::Alarms| Alarmed {
        threshold: alarms.threshold,
        found: alarms.delays_ms.iter().flatten().count() as u64,
        false_alarms: alarms.n_false as u64,
        median_delay_ms: alarms.median_delay_ms().filter(|_| terms.has_times),
    };
    let budget = AlarmBudget { per_day: terms.alarms_per_day, quiet_ms };
    let in_budget = terms.has_times.then(|| at_alarm_budget(&scored, at, budget)).transpose()?;
    let vus = lanner_quality::vus(&scored, LARGEST_BUFFER);
    Ok(Quality {
        series: name.to_owned(),
        incidents: lanner_quality::events(is_marked).len() as u64,
        vus_pr: vus.pr,
        vus_roc: vus.roc,
        auc_pr: auc_pr(&scored),
        range_f1: range_f1(&scored),
        affiliation_f1: affiliation_f(&scored),
        alarms: alarmed(&alarms_above(&scored, at, terms.threshold, quiet_ms)?),
        in_budget: in_budget.as_ref().map(alarmed),
        nab: nab(&[judgements]),
    })
}

/// The benchmark's score over all of these; none where it scores nothing.
fn nab(judged: &[&Judgements]) -> Option<Nab> {
    let spoken: Vec<Vec<f64>> = judged.iter().map(|one| spoken(&one.begins)).collect();
    let windows: Vec<_> = judged.iter().map(|one| lanner_quality::events(&one.is_marked)).collect();
    let files: Vec<NabFile<'_>> = spoken
        .iter()
        .zip(&windows)
        .filter_map(|(scores, windows)| NabFile::new(scores, windows).ok())
        .collect();
    let score = |profile| Some(lanner_quality::nab_above(&files, profile, 0.5).ok()?.score);
    Some(Nab {
        standard: score(NabProfile::STANDARD)?,
        few_false: score(NabProfile::FEW_FALSE_ALARMS)?,
        few_missed: score(NabProfile::FEW_MISSED)?,
    })
}

/// Findings as scores.
fn spoken(begins: &[bool]) -> Vec<f64> {
    begins.iter().map(|begins| f64::from(u8::from(*begins))).collect()
}

/// The middle of the distances between neighbours.
pub(super) fn usual_step(at: &[i64]) -> Option<i64> {
    let mut steps: Vec<i64> = at.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    let middle = steps.len() / 2;
    (!steps.is_empty()).then(|| *steps.select_nth_unstable(middle).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn perfect_scores_are_perfect() {
        let is_incident = |at: i64| (700..720).contains(&at);
        let scores: Vec<f64> = (0..1_000).map(|at| if is_incident(at) { 2.0 } else { 0.5 }).collect();
        let judgements = Judgements {
            at: (0..1_000).map(|at| at * 60_000).collect(),
            is_marked: (0..1_000).map(is_incident).collect(),
            scores,
            begins: (0..1_000).map(|at| at == 700).collect(),
        };
        let judgements = [judgements.clone(), judgements];
        let terms = Terms { threshold: 1.0, alarms_per_day: 10.0, has_times: true };
        let measured = [("a", &judgements[0]), ("b", &judgements[1])];
        let total = measure(&measured, terms, true).unwrap().pop().unwrap();
        assert_eq!((total.incidents, total.alarms.found, total.auc_pr), (2, 2, 1.0));
        assert_eq!(total.nab.as_ref().map(|nab| nab.standard), Some(100.0));
        let found = measure(&measured, terms, false).unwrap();
        assert_eq!(found.len(), 3);
        let quality = &found[2];
        assert_eq!((quality.auc_pr, quality.range_f1, quality.incidents), (1.0, 1.0, 1));
        assert_eq!((quality.alarms.found, quality.alarms.false_alarms), (1, 0));
        assert_eq!(quality.alarms.median_delay_ms, Some(0));
        assert_eq!(quality.nab.as_ref().map(|nab| nab.standard), Some(100.0));
        assert_eq!(quality.cells().len(), Quality::COLUMNS.len());
    }

    #[test]
    fn steps() {
        assert_eq!(usual_step(&[0, 5, 10, 100]), Some(5));
        assert_eq!(usual_step(&[7]), None);
    }
}
