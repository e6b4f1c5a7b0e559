//! How good the detectors are on public machines, one configuration for all: the table of docs/detectors.md.
//!
//! ```sh
//! cargo test --release -p lanner-deep --test machines -- --ignored --nocapture
//! ```
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test fails by panicking, reads public data, and measures time"
)]

use std::io::Read as _;
use std::path::Path;
use std::time::Instant;

use lanner_deep::{Detector, Follow, Frame, KINDS, Kind, Rule, Training};
use lanner_quality::{Scored, auc_pr, point_adjusted_f1, vus_pr};

/// Names, and rows a day.
const MACHINES: [(&str, f64); 10] = [
    ("smd/machine-1-6", 1_440.0),
    ("smd/machine-2-1", 1_440.0),
    ("smd/machine-2-8", 1_440.0),
    ("smd/machine-3-4", 1_440.0),
    ("asd/omi-1", 288.0),
    ("asd/omi-2", 288.0),
    ("asd/omi-3", 288.0),
    ("asd/omi-4", 288.0),
    ("asd/omi-5", 288.0),
    ("asd/omi-6", 288.0),
];

/// Rows that are not measured, so that all detectors are measured on the same ones.
const SKIPPED: usize = 100;

/// The leniency of VUS-PR at the edges of events, as in the published figures.
const BUFFER: usize = 15;

/// One machine's usual rows, and others with labels.
struct Machine {
    name: &'static str,
    rows_per_day: f64,
    train: Frame,
    test: Frame,
    labels: Vec<bool>,
}

fn read(path: &Path) -> Frame {
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let n_columns = text.lines().next().unwrap().split(',').count();
    let columns = (1..=n_columns).map(|column| format!("column {column}")).collect();
    Frame::new(
        columns,
        text.lines().flat_map(|line| line.split(',')).map(|value| value.parse().unwrap()).collect(),
    )
    .unwrap()
}

fn machine((name, rows_per_day): (&'static str, f64)) -> Option<Machine> {
    let folder = lanner_testkit::shared_data(name.split('/').next().unwrap())?;
    let file = |what: &str| folder.join(format!("{}_{what}.csv.gz", name.split('/').nth(1).unwrap()));
    let labels = read(&file("label")).values().iter().map(|label| *label > 0.5).collect();
    Some(Machine { name, rows_per_day, train: read(&file("train")), test: read(&file("test")), labels })
}

/// What a detector came to on a machine.
#[derive(Debug, Clone, Copy)]
struct Result {
    vus_pr: f64,
    auc_pr: f64,
    /// At the threshold, every row counted.
    f1: f64,
    /// Flattering, see `lanner_quality`.
    point_adjusted: f64,
    expected_alarms: f64,
    actual_alarms: f64,
    fit_seconds: f64,
    score_seconds: f64,
}

fn f1(labels: &[bool], found: impl Iterator<Item = bool>) -> f64 {
    let (mut hits, mut n_found) = (0, 0);
    for (label, found) in labels.iter().zip(found) {
        hits += u32::from(*label && found);
        n_found += u32::from(found);
    }
    let n_labelled = labels.iter().filter(|label| **label).count() as f64;
    2.0 * f64::from(hits) / (n_labelled + f64::from(n_found))
}

/// Runs above the threshold outside of labels, those within ten rows as one: false alarms.
fn alarms_a_day(scores: &[f64], labels: &[bool], rows_per_day: f64) -> f64 {
    let mut last = None;
    let above = (0..scores.len()).filter(|at| scores[*at] > 1.0 && !labels[*at]);
    let n = above.filter(|at| last.replace(*at).is_none_or(|last: usize| at - last > 10)).count();
    let n_usual = labels.iter().filter(|label| !**label).count();
    n as f64 / n_usual as f64 * rows_per_day
}

fn measure(detector: &Detector, machine: &Machine, fit_seconds: f64) -> Result {
    let began = Instant::now();
    let scores = detector.scores(&machine.test).unwrap();
    let score_seconds = began.elapsed().as_secs_f64();
    let scores: Vec<f64> =
        scores[SKIPPED..].iter().map(|score| if score.is_nan() { 0.0 } else { *score }).collect();
    let labels = &machine.labels[SKIPPED..];
    let scored = Scored::new(labels, &scores).unwrap();
    Result {
        vus_pr: vus_pr(&scored, BUFFER),
        auc_pr: auc_pr(&scored),
        f1: f1(labels, scores.iter().map(|score| *score > 1.0)),
        point_adjusted: point_adjusted_f1(&scored),
        expected_alarms: detector.expected_alarms_per_day(),
        actual_alarms: alarms_a_day(&scores, labels, machine.rows_per_day),
        fit_seconds,
        score_seconds,
    }
}

fn train(kind: &'static Kind, machine: &Machine, training: &Training) -> (Detector, f64) {
    let began = Instant::now();
    let training = Training { kind, rows_per_day: machine.rows_per_day, ..training.clone() };
    let detector = Detector::train(&machine.train, &training, &mut |progress| {
        if !progress.note.is_empty() {
            println!("{:.0} s: {}", began.elapsed().as_secs_f64(), progress.note);
        }
    });
    (detector.unwrap(), began.elapsed().as_secs_f64())
}

fn print(what: &str, results: &[Result], of: impl Fn(&Result) -> f64) -> (f64, f64) {
    let values: Vec<f64> = results.iter().map(of).collect();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (four, all) = (mean(&values[..4.min(values.len())]), mean(&values));
    let cells: Vec<String> = values.iter().map(|value| format!("{value:.3}")).collect();
    println!("{what:34} {} | {four:.3} {all:.3}", cells.join(" "));
    (four, all)
}

fn machines() -> Option<Vec<Machine>> {
    MACHINES.into_iter().map(machine).collect()
}

/// Prints what a kind comes to on all machines; the means of VUS-PR, of four and of all.
fn print_all(name: &str, results: &[Result]) -> (f64, f64) {
    let means = print(&format!("{name} VUS-PR"), results, |result| result.vus_pr);
    print(&format!("{name} AUC-PR"), results, |result| result.auc_pr);
    print(&format!("{name} F1"), results, |result| result.f1);
    print(&format!("{name} F1 adjusted"), results, |result| result.point_adjusted);
    print(&format!("{name} alarms expected"), results, |result| result.expected_alarms);
    print(&format!("{name} alarms actual"), results, |result| result.actual_alarms);
    print(&format!("{name} fit s"), results, |result| result.fit_seconds);
    print(&format!("{name} score s"), results, |result| result.score_seconds);
    means
}

#[test]
#[ignore = "takes minutes; its results are in docs/detectors.md"]
fn thresholds() {
    let Some(machines) = machines() else { return };
    let peaks = |risk| Rule::PeaksOverThreshold { risk, level: None };
    let budget = Rule::AlarmsPerDay;
    let level = |days| Follow::Level { days };
    let choices = [
        ("0.3 a day, level", budget(0.3), level(4.0)),
        ("0.3 a day, level 2 days", budget(0.3), level(2.0)),
        ("0.3 a day, level 6 days", budget(0.3), level(6.0)),
        ("0.3 a day, stays", budget(0.3), Follow::Stay),
        ("1 a day, level", budget(1.0), level(4.0)),
        ("1 a day, stays", budget(1.0), Follow::Stay),
        ("risk 1e-4, level", peaks(1e-4), level(4.0)),
        ("risk 1e-4, stays", peaks(1e-4), Follow::Stay),
        ("risk 1e-4, peaks", peaks(1e-4), Follow::Peaks),
        ("risk 1e-4, drift", peaks(1e-4), Follow::Drift { rows: 1_440 }),
        ("risk 1e-3, peaks", peaks(1e-3), Follow::Peaks),
        ("risk 1e-3, drift", peaks(1e-3), Follow::Drift { rows: 1_440 }),
        ("epsilon, level", Rule::Epsilon, level(4.0)),
        ("epsilon, stays", Rule::Epsilon, Follow::Stay),
    ];
    let mut results: Vec<Vec<Result>> = vec![Vec::new(); choices.len()];
    for machine in &machines {
        let (mut detector, seconds) = train(&KINDS[0], machine, &Training::default());
        for ((_, rule, follow), results) in choices.iter().zip(&mut results) {
            detector = detector.with_threshold(*rule, *follow).unwrap();
            results.push(measure(&detector, machine, seconds));
        }
    }
    for ((name, ..), results) in choices.iter().zip(&results) {
        print(&format!("{name}: F1"), results, |result| result.f1);
        print(&format!("{name}: VUS-PR"), results, |result| result.vus_pr);
        print(&format!("{name}: expected"), results, |result| result.expected_alarms);
        print(&format!("{name}: actual"), results, |result| result.actual_alarms);
    }
}

#[test]
#[ignore = "takes minutes; its results are in docs/detectors.md"]
fn single_values_beside() {
    let Some(machines) = machines() else { return };
    for kind in KINDS.iter().filter(|kind| !matches!(kind.name, "mtad-gat" | "mvad")) {
        for points in [false, true] {
            let training = Training { points, ..Training::default() };
            let measured = machines.iter().map(|machine| {
                let (detector, seconds) = train(kind, machine, &training);
                measure(&detector, machine, seconds)
            });
            let name = format!("{}{}", kind.name, if points { " with single values" } else { "" });
            print(&format!("{name}: VUS-PR"), &measured.collect::<Vec<_>>(), |result| result.vus_pr);
        }
    }
}

#[test]
#[ignore = "takes an hour on two cores; its results are in docs/detectors.md"]
fn mvad() {
    let Some(machines) = machines() else { return };
    let training = Training { n_epochs: 15, ..Training::default() };
    let measured = machines.iter().map(|machine| {
        let (detector, seconds) = train(Kind::named("mvad").unwrap(), machine, &training);
        let result = measure(&detector, machine, seconds);
        println!("{}: {result:?}", machine.name);
        result
    });
    print_all("mvad", &measured.collect::<Vec<_>>());
}

#[test]
#[ignore = "takes minutes; its results are in docs/detectors.md"]
fn the_default_beats_each_single_kind() {
    let Some(machines) = machines() else { return };
    let mut means = Vec::new();
    for kind in KINDS.iter().filter(|kind| !matches!(kind.name, "mtad-gat" | "mvad")) {
        let measured = machines.iter().map(|machine| {
            let (detector, seconds) = train(kind, machine, &Training::default());
            measure(&detector, machine, seconds)
        });
        means.push((kind.name, print_all(kind.name, &measured.collect::<Vec<_>>())));
    }
    let ((_, (four, all)), singles) = means.split_first().unwrap();
    assert!(*four >= 0.70, "the default has a mean of {four} on the four machines");
    for (name, (_, single)) in singles {
        assert!(single < all, "{name} has a mean of {single}, the default {all}");
    }
}

#[test]
#[ignore = "takes an hour on two cores; its results are in docs/detectors.md"]
fn mtad_gat() {
    let Some(machine) = machine(MACHINES[0]) else { return };
    let kind = Kind::named("mtad-gat").unwrap();
    let (detector, seconds) = train(kind, &machine, &Training::default());
    let result = measure(&detector, &machine, seconds);
    println!("{}: {result:?}", machine.name);
    assert!(result.vus_pr >= 0.83, "{result:?}");
}

/// Seconds of all cores that this process used; Linux says it.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let ticks = stat.rsplit(')').next().unwrap().split_whitespace().skip(11).take(2);
    ticks.map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}

#[test]
#[ignore = "measures time; its results are in docs/detectors.md"]
fn speed() {
    let Some(machine) = machine(MACHINES[0]) else { return };
    let part =
        |n: usize| Frame::new(machine.train.columns().to_vec(), machine.train.rows(0..n).to_vec()).unwrap();
    let began = cpu_seconds();
    let ensemble = Training::default();
    Detector::train(&machine.train, &ensemble, &mut |_| ()).unwrap();
    println!("ensemble on {} rows: {:.1} CPU-s", machine.train.n_rows(), cpu_seconds() - began);

    let kind = Kind::named("mtad-gat").unwrap();
    let training = |n_epochs| Training { kind, n_epochs, ..Training::default() };
    let few = part(3_600);
    // Of the windows of four fifths of the rows, nine tenths are learned from.
    let n_windows = (3_600.0 * 0.8 - 100.0) * 0.9;
    let one = cpu_seconds();
    Detector::train(&few, &training(1), &mut |_| ()).unwrap();
    let two = cpu_seconds();
    let detector = Detector::train(&few, &training(2), &mut |_| ()).unwrap();
    let epoch = (cpu_seconds() - two) - (two - one);
    println!("mtad-gat: an epoch of 21,000 windows takes {:.1} CPU-s", epoch / n_windows * 21_000.0);
    let began = cpu_seconds();
    detector.scores(&few).unwrap();
    println!("mtad-gat: {:.0} windows a CPU-s are scored", 3_500.0 / (cpu_seconds() - began));
    let mut stream = detector.stream();
    (0..150).for_each(|at| _ = stream.push(few.row(at)));
    let began = cpu_seconds();
    (150..350).for_each(|at| _ = stream.push(few.row(at)));
    println!("mtad-gat: a row of a stream takes {:.2} CPU-ms", (cpu_seconds() - began) * 1e3 / 200.0);
}
