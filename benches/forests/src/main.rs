//! Random cut forests on machines of SMD: Lanner's, and that of the crate rcf3, at the same number of trees and points, and at its own.
//!
//! Both learn from usual rows, scaled alike, and score labelled ones two rows at once. Seconds are of processor time, of all threads.

mod clock;
mod machine;

use lanner_deep::{Detector, Follow, Kind, Training};
use lanner_quality::{Scored, vus_pr};

use clock::used;
use machine::Machine;

/// Rows that a score looks at, and the leniency of VUS-PR at the edges of events, as in docs/detectors.md.
const WINDOW: usize = 2;
const BUFFER: usize = 15;

/// The first rows are not measured, as there.
const SKIPPED: usize = 100;

/// What a forest came to.
struct Measured {
    fit_s: f64,
    score_s: f64,
    vus_pr: f64,
}

fn main() {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!("SKIPPED: name the folder with the machines of SMD");
        return;
    };
    println!("| Machine | Forest | Fit, s | A row scored, µs | VUS-PR |\n| --- | --- | --- | --- | --- |");
    for name in ["machine-1-6", "machine-2-1", "machine-2-8", "machine-3-4"] {
        let machine = Machine::read(&folder, name);
        let forests = [
            ("Lanner, 40 trees of 128, fitted on all rows", lanner(&machine)),
            ("rcf3, 40 trees of 128", rcf3(&machine, 40, 128)),
            ("rcf3, as it comes", rcf3(&machine, 50, 256)),
        ];
        for (forest, Measured { fit_s, score_s, vus_pr }) in forests {
            let row_us = score_s * 1e6 / machine.n_test() as f64;
            println!("| {name} | {forest} | {fit_s:.2} | {row_us:.1} | {vus_pr:.3} |");
        }
    }
}

/// Fitting includes the scores of rows that were held out, which is four more fits, and the threshold.
fn lanner(machine: &Machine) -> Measured {
    let kind = Kind::named("random-cut-forest").expect("there is such a kind");
    let training = Training { kind, rows_per_day: 1_440.0, follow: Follow::Stay, ..Training::default() };
    let began = used();
    let detector = Detector::train(&machine.train, &training, &mut |_| ()).expect("rows teach");
    let fitted = used();
    let scores = detector.scores(&machine.test).expect("the columns are the same");
    let scores: Vec<f64> = scores.into_iter().map(f64::from).collect();
    Measured { fit_s: fitted - began, score_s: used() - fitted, vus_pr: judge(machine, &scores) }
}

fn rcf3(machine: &Machine, n_trees: usize, capacity: usize) -> Measured {
    let (train, test) = (machine.scaled(&machine.train), machine.scaled(&machine.test));
    let began = used();
    let builder = rcf3::Forest::builder(machine.n_columns()).shingle_size(WINDOW).internal_shingling(false);
    let mut forest =
        builder.num_trees(n_trees).capacity(capacity).seed(1).build().expect("the sizes are right");
    let k = machine.n_columns();
    for window in train.windows(WINDOW * k).step_by(k) {
        forest.update(window).expect("a window is a point");
    }
    let fitted = used();
    let mut scores = vec![0.0; WINDOW - 1];
    scores.extend(
        test.windows(WINDOW * k).step_by(k).map(|window| forest.score(window).expect("a window is a point")),
    );
    Measured { fit_s: fitted - began, score_s: used() - fitted, vus_pr: judge(machine, &scores) }
}

fn judge(machine: &Machine, scores: &[f64]) -> f64 {
    let scores: Vec<f64> =
        scores.iter().skip(SKIPPED).map(|score| if score.is_nan() { 0.0 } else { *score }).collect();
    let labels = machine.labels.get(SKIPPED..).unwrap_or_default();
    Scored::new(labels, &scores).map_or(0.0, |scored| vus_pr(&scored, BUFFER))
}
