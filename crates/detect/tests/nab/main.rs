//! How good the automatic detector is, on half of the Numenta Anomaly Benchmark: the table of `docs/detectors.md`.
//!
//! ```text
//! cargo test -p lanner-detect --test nab -- --nocapture
//! ```
//!
//! The corpus is not part of the repository; without it the tests say so and pass.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the data lies beside the repository"
)]
#![expect(clippy::unwrap_used, reason = "a helper that fails is a failing test")]

mod corpus;
mod gaussian;

use std::time::Instant;

use corpus::Series;
use lanner_core::Score;
use lanner_detect::automatic::{Alarms, Automatic, Constants};
use lanner_quality::{
    AlarmBudget, NabFile, NabProfile, NabScore, Scored, at_alarm_budget, auc_pr, nab, nab_above, vus_pr,
};

/// What a detector made of one series.
struct Verdict {
    /// How strange each sample is.
    scores: Vec<f64>,
    /// The same, but nothing above 1 while the last alarm is recent.
    alarms: Vec<f64>,
}

/// Judges each series, and says how long a sample took.
fn judge(constants: Constants, corpus: &[Series]) -> (Vec<Verdict>, f64) {
    let begin = Instant::now();
    let verdicts = corpus.iter().map(|series| judge_one(constants, series)).collect();
    let n_samples: usize = corpus.iter().map(|series| series.y.len()).sum();
    (verdicts, begin.elapsed().as_secs_f64() * 1e6 / n_samples as f64)
}

fn judge_one(constants: Constants, series: &Series) -> Verdict {
    let (mut detector, mut alarms) = (Automatic::with(constants), Alarms::default());
    let mut verdict = Verdict { scores: Vec::new(), alarms: Vec::new() };
    for (&time_ms, &y) in series.times_ms.iter().zip(&series.y) {
        let score = detector.judge(time_ms, y).map_or(Score::ZERO, |judged| judged.score);
        verdict.scores.push(score.value());
        verdict.alarms.push(if alarms.raise(score) { score.value() } else { score.value().min(1.0) });
    }
    verdict
}

/// Another detector, whose scores are its alarms.
fn other(corpus: &[Series], scores: impl Fn(&[f64]) -> Vec<f64>) -> Vec<Verdict> {
    let verdict = |series: &Series| {
        let scores = scores(&series.y);
        Verdict { alarms: scores.clone(), scores }
    };
    corpus.iter().map(verdict).collect()
}

/// Scores that know nothing, from a fixed seed.
fn random(y: &[f64]) -> Vec<f64> {
    let mixed = |index: usize| (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let score = |index: usize| {
        ((mixed(index) ^ (mixed(index) >> 31)).wrapping_mul(0x94D0_49BB_1331_11EB) >> 11) as f64
    };
    (0..y.len()).map(score).collect()
}

/// The NAB score; with the best threshold if none is given, as published scores are.
fn nab_score(
    corpus: &[Series],
    verdicts: &[Verdict],
    profile: NabProfile,
    threshold: Option<f64>,
    keep: impl Fn(usize) -> bool,
) -> NabScore {
    let files: Vec<NabFile<'_>> = (0..corpus.len())
        .filter(|&index| keep(index))
        .map(|index| NabFile::new(&verdicts[index].alarms, &corpus[index].windows).unwrap())
        .collect();
    match threshold {
        Some(threshold) => nab_above(&files, profile, threshold),
        None => nab(&files, profile),
    }
    .unwrap()
}

/// Prints a row of the table and returns the standard score.
fn row(name: &str, corpus: &[Series], verdicts: &[Verdict], threshold: Option<f64>) -> f64 {
    let profiles = [NabProfile::STANDARD, NabProfile::FEW_FALSE_ALARMS, NabProfile::FEW_MISSED];
    let nab = profiles.map(|profile| nab_score(corpus, verdicts, profile, threshold, |_| true));
    let (mut n_labelled, mut vus, mut auc) = (0.0, 0.0, 0.0);
    let (mut n_events, mut n_day, mut n_week) = (0, 0, 0);
    for (series, verdict) in corpus.iter().zip(verdicts) {
        let labels = series.labels();
        let Ok(scored) = Scored::new(&labels, &verdict.scores) else { continue };
        n_labelled += 1.0;
        vus += vus_pr(&scored, 100);
        auc += auc_pr(&scored);
        let n_found = |per_day: f64| {
            let budget = AlarmBudget { per_day, quiet_ms: 24 * series.step_ms() };
            at_alarm_budget(&scored, &series.times_ms, budget).unwrap().delays_ms.iter().flatten().count()
        };
        n_day += n_found(1.0);
        n_week += n_found(1.0 / 7.0);
        n_events += series.windows.len();
    }
    println!(
        "| {name} | {:.1} | {:.1} | {:.1} | {} of {} | {} | {:.2} | {:.2} | {n_day} of {n_events} | {n_week} of {n_events} |",
        nab[0].score,
        nab[1].score,
        nab[2].score,
        nab[0].n_found,
        nab[0].n_windows,
        nab[0].n_false,
        vus / n_labelled,
        auc / n_labelled,
    );
    nab[0].score
}

#[test]
fn table() {
    let Some(corpus) = corpus::load() else { return };
    let (verdicts, sample_us) = judge(Constants::default(), &corpus);
    let gaussian = other(&corpus, gaussian::scores);
    let random = other(&corpus, random);
    println!(
        "| Detector | Standard | Few false | Few missed | Found | False | VUS-PR | AUC-PR | 1 a day | 1 a week |"
    );
    println!("|{}", " --- |".repeat(10));
    let fixed = row("automatic, threshold 1", &corpus, &verdicts, Some(1.0));
    row("automatic, best threshold", &corpus, &verdicts, None);
    let baseline = row("windowed Gaussian, best threshold", &corpus, &gaussian, None);
    row("random scores, best threshold", &corpus, &random, None);
    println!("{sample_us:.2} µs a sample");
    assert!(fixed >= 60.0, "{fixed}");
    assert!(fixed > baseline + 10.0, "{fixed} {baseline}");
}

/// Constants chosen on one half of the files, judged on the other; threshold 1 throughout.
#[test]
fn constants_chosen_on_other_files() {
    let Some(corpus) = corpus::load() else { return };
    let mut tried = Vec::new();
    for together in [12, 24, 48] {
        for recent in [100, 300, 1_000] {
            for memory in [3_000, 6_000, 12_000] {
                let constants = Constants { together, recent, memory };
                let (verdicts, _) = judge(constants, &corpus);
                let on = |half: usize| {
                    nab_score(&corpus, &verdicts, NabProfile::STANDARD, Some(1.0), |file| file % 2 == half)
                };
                tried.push((constants, [on(0).score, on(1).score]));
            }
        }
    }
    let worst = tried.iter().map(|(_, [a, b])| f64::midpoint(*a, *b)).fold(f64::INFINITY, f64::min);
    println!("the worst of {} choices, mean of both halves: {worst:.1}", tried.len());
    for (chosen_on, shown_on) in [(0, 1), (1, 0)] {
        let best = tried.iter().max_by(|a, b| a.1[chosen_on].total_cmp(&b.1[chosen_on])).unwrap();
        let (constants, scores) = best;
        println!("{constants:?}: {:.1} where chosen, {:.1} elsewhere", scores[chosen_on], scores[shown_on]);
        assert!(scores[shown_on] > 55.0, "{best:?}");
    }
    assert!(worst > 55.0, "{worst}");
}
