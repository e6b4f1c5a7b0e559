//! The Numenta Anomaly Benchmark, one half of it: series and windows around their anomalies.

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use lanner_detect::automatic::Constants;
use lanner_quality::{NabFile, NabProfile, NabScore, Scored, auc_pr, nab, nab_above, vus_pr};

use super::gaussian;
use super::series::{Series, text};
use super::verdict::{Verdict, found_in_budget, judge_all};

/// All files, sorted by name; `None` when the corpus is not there.
pub(crate) fn load() -> Option<Vec<Series>> {
    let folder = lanner_testkit::shared_data("nab")?;
    let windows = std::fs::read(folder.join("combined_windows.json")).unwrap();
    let windows: BTreeMap<String, Vec<[String; 2]>> = serde_json::from_slice(&windows).unwrap();
    let series = |(name, windows): (&String, &Vec<[String; 2]>)| {
        let text = text(&folder.join("data").join(format!("{name}.gz")));
        Series { name: name.clone(), ..parse(&text, windows) }
    };
    Some(windows.iter().map(series).collect())
}

fn parse(text: &str, windows: &[[String; 2]]) -> Series {
    let rows = text.lines().skip(1).map(|line| line.split_once(',').unwrap());
    let (times_ms, y): (Vec<i64>, Vec<f64>) =
        rows.map(|(time, value)| (time_ms(time), value.parse::<f64>().unwrap())).unzip();
    let row = |time: &str| times_ms.iter().position(|&other| other == time_ms(time)).unwrap();
    let windows = windows.iter().map(|[start, end]| row(start)..row(end) + 1).collect();
    Series { times_ms, y, windows, ..Series::default() }
}

fn time_ms(text: &str) -> i64 {
    let time: DateTime = text.parse().unwrap();
    time.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_millisecond()
}

/// Another detector, whose scores are its alarms.
struct Other {
    scores: Vec<f64>,
    alarms: Vec<f64>,
}

fn other(corpus: &[Series], scores: impl Fn(&[f64]) -> Vec<f64>) -> Vec<Other> {
    let one = |series: &Series| {
        let scores = scores(&series.y);
        Other { alarms: scores.clone(), scores }
    };
    corpus.iter().map(one).collect()
}

/// Scores that know nothing, from a fixed seed.
fn random(y: &[f64]) -> Vec<f64> {
    let mixed = |index: usize| (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let score = |index: usize| {
        ((mixed(index) ^ (mixed(index) >> 31)).wrapping_mul(0x94D0_49BB_1331_11EB) >> 11) as f64
    };
    (0..y.len()).map(score).collect()
}

/// The score of the decisions on those files that are kept.
pub(crate) fn score_of(corpus: &[Series], verdicts: &[Verdict], keep: impl Fn(usize) -> bool) -> f64 {
    let kept = || (0..corpus.len()).filter(|index| keep(*index));
    let decisions: Vec<Vec<f64>> = kept().map(|index| verdicts[index].decisions()).collect();
    let files: Vec<NabFile<'_>> = kept()
        .zip(&decisions)
        .map(|(index, decisions)| NabFile::new(decisions, &corpus[index].windows).unwrap())
        .collect();
    nab_above(&files, NabProfile::STANDARD, 0.5).unwrap().score
}

fn nab_score(corpus: &[Series], found: &[Other], profile: NabProfile, threshold: Option<f64>) -> NabScore {
    let files = corpus.iter().zip(found).map(|(series, found)| NabFile::new(&found.alarms, &series.windows));
    let files: Vec<NabFile<'_>> = files.collect::<Result<_, _>>().unwrap();
    match threshold {
        Some(threshold) => nab_above(&files, profile, threshold),
        None => nab(&files, profile),
    }
    .unwrap()
}

/// Prints a row of the table and returns the standard score.
fn row(name: &str, corpus: &[Series], found: &[Other], threshold: Option<f64>) -> f64 {
    let profiles = [NabProfile::STANDARD, NabProfile::FEW_FALSE_ALARMS, NabProfile::FEW_MISSED];
    let nab = profiles.map(|profile| nab_score(corpus, found, profile, threshold));
    let (mut n_labelled, mut vus, mut auc) = (0.0, 0.0, 0.0);
    let (mut n_events, mut n_day, mut n_week) = (0, 0, 0);
    for (series, found) in corpus.iter().zip(found) {
        let labels = series.labels();
        let Ok(scored) = Scored::new(&labels, &found.scores) else { continue };
        n_labelled += 1.0;
        vus += vus_pr(&scored, 100);
        auc += auc_pr(&scored);
        n_day += found_in_budget(series, &scored, 1.0).0;
        n_week += found_in_budget(series, &scored, 1.0 / 7.0).0;
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
    let Some(corpus) = load() else { return };
    let (verdicts, sample_us) = judge_all(Constants::default(), &corpus);
    let halves = [0, 1].map(|half| score_of(&corpus, &verdicts, |index| index % 2 == half));
    let automatic =
        verdicts.into_iter().map(|verdict| Other { alarms: verdict.decisions(), scores: verdict.scores });
    let automatic: Vec<Other> = automatic.collect();
    println!(
        "| Detector | Standard | Few false | Few missed | Found | False | VUS-PR | AUC-PR | 1 a day | 1 a week |"
    );
    println!("|{}", " --- |".repeat(10));
    let fixed = row("automatic, its own decision", &corpus, &automatic, Some(0.5));
    let baseline = row("windowed Gaussian, best threshold", &corpus, &other(&corpus, gaussian::scores), None);
    row("random scores, best threshold", &corpus, &other(&corpus, random), None);
    println!("even files {:.1}, odd files {:.1}; {sample_us:.2} µs a sample", halves[0], halves[1]);
    assert!(fixed >= 70.0, "{fixed}");
    assert!(fixed > baseline + 10.0, "{fixed} {baseline}");
}
