//! What people in Python use: LightGBM and scikit-learn, in a process of their own.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::figures::{Figures, MAX_DEPTH, Measured};
use crate::table::{Part, Table};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers.py");

/// What the script answers for a program.
#[derive(Deserialize)]
struct Answer {
    name: String,
    learn_ms: f64,
    row_ns: f64,
    reasons_us: Option<f64>,
    rows_per_s: f64,
    scores: Vec<f64>,
}

/// The figures of each program by its name.
pub(crate) fn run(
    python: Option<&Path>,
    table: &Table,
    n_trees: usize,
    max_leaves: usize,
) -> Vec<(String, Measured)> {
    let both = "LightGBM, scikit-learn".to_owned();
    let Some(python) = python else { return vec![(both, Err("no Python with them was named".into()))] };
    match ask(python, table, n_trees, max_leaves) {
        Ok(answers) => {
            let figures = |answer: Answer| {
                let Answer { name, learn_ms, row_ns, reasons_us, rows_per_s, scores } = answer;
                (
                    name,
                    Ok(Figures { learn_ms, row_ns, reasons_us, rows_per_s, auc: table.unseen.auc(&scores) }),
                )
            };
            answers.into_iter().map(figures).collect()
        }
        Err(why) => vec![(both, Err(why))],
    }
}

fn ask(
    python: &Path,
    table: &Table,
    n_trees: usize,
    max_leaves: usize,
) -> Result<Vec<Answer>, Box<dyn std::error::Error>> {
    let mut child = Command::new(python)
        .arg(SCRIPT)
        .args([n_trees, max_leaves, MAX_DEPTH, table.learned.n_rows()].map(|number| number.to_string()))
        .env("OMP_NUM_THREADS", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input = child.stdin.take().ok_or("the script takes no input")?;
    for part in [&table.learned, &table.unseen] {
        input.write_all(text(part).as_bytes())?;
    }
    drop(input);
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err(format!("the script failed: {}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// A line a row: the label, and the values.
fn text(part: &Part) -> String {
    let mut text = String::new();
    for (row, label) in part.rows().zip(&part.labels) {
        let _ = write!(text, "{}", u8::from(*label));
        row.iter().for_each(|value| _ = write!(text, " {value}"));
        text.push('\n');
    }
    text
}
