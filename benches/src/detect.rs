//! `lanner detect` on a million rows of two columns, beside what people in Python use.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::setup::Setup;
use crate::table::{Row, Target};

const N_ROWS: u32 = 1_000_000;
/// The script that runs each of them in a process of its own, in the order of the table.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/detect.py");
const PEERS: [(&str, &str); 4] = [
    ("read only", "pandas, which only reads the table"),
    ("z-score", "pandas, distances from the mean of a day"),
    ("median", "pandas, distances from the median of a day"),
    ("isolation forest", "scikit-learn's isolation forest"),
];

pub(crate) fn run(setup: &Setup) -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("table.csv");
    write(&table);
    let python = setup.detect.as_ref().map_or_else(|| "python3".into(), |folder| folder.join("bin/python"));
    let ran = Command::new(python)
        .args([SCRIPT, "measure"])
        .arg(&table)
        .arg(&setup.lanner)
        .args(["detect", "--top", "5"])
        .arg(&table)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(ran.status.success());
    let seconds: BTreeMap<String, f64> = serde_json::from_slice(&ran.stdout).unwrap();
    let row = |(name, what): &(&str, &str)| {
        let row = Row::new(
            format!("`lanner detect`, a million rows of two columns, processor time, beside {what}"),
            "s",
            Target::Smaller,
            seconds["lanner"],
        );
        row.beside(seconds.get(*name).copied())
    };
    PEERS.iter().map(row).collect()
}

/// A row a minute: two waves of a day with noise, and now and then something that is not usual.
fn write(path: &Path) {
    let mut file = BufWriter::new(std::fs::File::create(path).unwrap());
    writeln!(file, "time,load,requests").unwrap();
    for row in 0..N_ROWS {
        let (seconds, day) = (1_704_067_200 + u64::from(row) * 60, f64::from(row) / 1_440.0);
        let wave = (day * std::f64::consts::TAU).sin();
        // Multiples of a fraction that no two small numbers make are spread evenly.
        let noise = (f64::from(row) * 0.618_033_988_749_895).fract() - 0.5;
        let factor = if row % 17_171 > 17_130 { 1.6 } else { 1.0 };
        let (load, requests) =
            ((100.0 + 40.0 * wave + 9.0 * noise) * factor, 500.0 - 200.0 * wave + 60.0 * noise);
        writeln!(file, "{seconds},{load:.3},{requests:.1}").unwrap();
    }
    file.flush().unwrap();
}
