//! `lanner detector evaluate --tsb-ad`: the lists of the TSB-AD benchmark, measured as it measures, in the form of its tables.
//!
//! Source: Q. Liu, J. Paparrizos, "The elephant in the room: towards a reliable time-series anomaly detection benchmark", NeurIPS 2024,
//! and the scripts beside it: names of files say where training ends, the buffer of the volumes is the period of the first column.

use std::path::{Path, PathBuf};
use std::time::Instant;

use lanner_deep::{Detector, Follow, Frame, Kind, Training};
use lanner_quality::{
    Scored, affiliation_f, auc_pr, auc_roc, best_f1, event_f1, point_adjusted_f1, range_f1, vus,
};
use serde::Serialize;

use super::train::kind;
use crate::failure::{Failure, Outcome, Result, remark};
use crate::list::{self, Cell, Format, Row};

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Benchmark")]
pub(super) struct TsbArgs {
    /// Instead of tables: train and measure on each file of the TSB-AD benchmark in a folder such as Datasets/TSB-AD-M.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["files", "label", "html"])]
    pub(super) tsb_ad: Option<PathBuf>,
    /// List of files; by default the official one of the folder, File_List/TSB-AD-M-Eva.csv beside it.
    #[arg(long, value_name = "FILE", requires = "tsb_ad")]
    list: Option<PathBuf>,
    /// Kind of detector that is measured.
    #[arg(long, value_name = "KIND", value_parser = kind, default_value = "ensemble", requires = "tsb_ad")]
    kind: &'static Kind,
    /// Also count how far single values are from the usual one, and how far their mean jumps.
    #[arg(long, requires = "tsb_ad")]
    points: bool,
}

/// A row of the benchmark's tables.
#[derive(Debug, Serialize)]
struct Measured {
    file: String,
    #[serde(rename = "Time")]
    seconds: f64,
    #[serde(rename = "AUC-PR")]
    auc_pr: f64,
    #[serde(rename = "AUC-ROC")]
    auc_roc: f64,
    #[serde(rename = "VUS-PR")]
    vus_pr: f64,
    #[serde(rename = "VUS-ROC")]
    vus_roc: f64,
    #[serde(rename = "Standard-F1")]
    f1: f64,
    #[serde(rename = "PA-F1")]
    point_adjusted_f1: f64,
    #[serde(rename = "Event-based-F1")]
    event_f1: f64,
    #[serde(rename = "R-based-F1")]
    range_f1: f64,
    #[serde(rename = "Affiliation-F")]
    affiliation_f: f64,
}

impl Row for Measured {
    const COLUMNS: &'static [&'static str] = &[
        "file",
        "Time",
        "AUC-PR",
        "AUC-ROC",
        "VUS-PR",
        "VUS-ROC",
        "Standard-F1",
        "PA-F1",
        "Event-based-F1",
        "R-based-F1",
        "Affiliation-F",
    ];
    fn cells(&self) -> Vec<Cell> {
        let numbers = [
            self.seconds,
            self.auc_pr,
            self.auc_roc,
            self.vus_pr,
            self.vus_roc,
            self.f1,
            self.point_adjusted_f1,
            self.event_f1,
            self.range_f1,
            self.affiliation_f,
        ];
        std::iter::once(self.file.as_str().into()).chain(numbers.map(Cell::Number)).collect()
    }
}

pub(super) fn run(folder: &Path, args: &TsbArgs, format: Format) -> Result<Outcome> {
    let files = listed(folder, args.list.as_deref())?;
    let (mut n_done, mut sum) = (0, 0.0);
    let mut measured = files.iter().filter_map(|name| match measure(&folder.join(name), name, args) {
        Ok(measured) => {
            n_done += 1;
            sum += measured.vus_pr;
            remark(&format!("{name}: VUS-PR {:.3} in {:.1} s", measured.vus_pr, measured.seconds));
            Some(measured)
        }
        // One that cannot be measured costs only itself.
        Err(failure) => {
            remark(&format!("{name}: {}", failure.text()));
            None
        }
    });
    match format {
        // Row by row: what is done stays, also if it is interrupted.
        Format::Csv => list::csv(Measured::COLUMNS, &mut measured.by_ref().map(|row| row.cells()))?,
        format => list::list(format, &measured.by_ref().collect::<Vec<_>>(), "No files.")?,
    }
    drop(measured);
    let mean = sum / f64::from(n_done.max(1));
    remark(&format!("{n_done} of {} files by {}: mean VUS-PR {mean:.3}", files.len(), args.kind.name));
    if n_done == 0 {
        return Err(Failure::user("no file could be measured"));
    }
    Ok(Outcome::Fine)
}

/// The names of an official list; without one, of all files in the folder.
fn listed(folder: &Path, list: Option<&Path>) -> Result<Vec<String>> {
    let official = || {
        let name = format!("{}-Eva.csv", folder.file_name()?.to_string_lossy());
        Some(folder.parent()?.join("File_List").join(name)).filter(|path| path.exists())
    };
    if let Some(path) = list.map(Path::to_owned).or_else(official) {
        let text = std::fs::read_to_string(&path).map_err(|error| Failure::file("read", &path, &error))?;
        let names = text.lines().map(|line| line.trim().to_owned());
        return Ok(names.filter(|name| !name.is_empty() && name != "file_name").collect());
    }
    let failed = |error: std::io::Error| Failure::file("read", folder, &error);
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".csv")).collect();
    names.sort();
    remark("there is no official list beside the folder; all of its files are measured");
    Ok(names)
}

/// A file of the benchmark.
struct Series {
    frame: Frame,
    labels: Vec<bool>,
}

fn measure(path: &Path, name: &str, args: &TsbArgs) -> Result<Measured> {
    let n_train = n_train(name).ok_or_else(|| {
        Failure::user("its name does not say where training ends")
            .hint("names look like x_tr_500_1st_780.csv")
    })?;
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))?;
    let series = read(&text).map_err(Failure::user)?;
    let wrong = |error: &dyn ToString| Failure::undecided(error.to_string());
    let columns = series.frame.columns().to_vec();
    let train = Frame::new(columns, series.frame.rows(0..n_train.min(series.frame.n_rows())).to_vec());
    let train = train.map_err(|error| wrong(&error))?;
    // Thresholds do not matter to these measures, and what is usual does not change within a file.
    let training = Training {
        kind: args.kind,
        window: Some(args.kind.window.min(train.n_rows() / 10).max(1)),
        points: args.points,
        follow: Follow::Stay,
        ..Training::default()
    };
    let began = Instant::now();
    let detector = Detector::train(&train, &training, &mut |_| ()).map_err(|error| wrong(&error))?;
    let scores = detector.scores(&series.frame).map_err(|error| wrong(&error))?;
    let seconds = began.elapsed().as_secs_f64();
    let scores: Vec<f64> = scores.into_iter().map(|score| if score.is_nan() { 0.0 } else { score }).collect();
    let first: Vec<f64> =
        series.frame.values().iter().step_by(series.frame.n_columns()).map(|v| f64::from(*v)).collect();
    let scored = Scored::new(&series.labels, &scores).map_err(|error| wrong(&error))?;
    let volumes = vus(&scored, buffer(&first));
    Ok(Measured {
        file: name.to_owned(),
        seconds,
        auc_pr: auc_pr(&scored),
        auc_roc: auc_roc(&scored),
        vus_pr: volumes.pr,
        vus_roc: volumes.roc,
        f1: best_f1(&scored),
        point_adjusted_f1: point_adjusted_f1(&scored),
        event_f1: event_f1(&scored),
        range_f1: range_f1(&scored),
        affiliation_f: affiliation_f(&scored),
    })
}

/// Rows that are trained on: `057_SMD_id_1_Facility_tr_4529_1st_4629.csv` says 4529.
fn n_train(name: &str) -> Option<usize> {
    name.split('.').next()?.rsplit('_').nth(2)?.parse().ok()
}

/// Rows of numbers, the last one 0 or 1; rows with empty cells are left out, as the benchmark does.
fn read(text: &str) -> std::result::Result<Series, String> {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split(',').map(str::trim).collect();
    let Some((label, columns)) = names.split_last().filter(|(label, _)| **label == "Label") else {
        return Err("its last column is not Label".to_owned());
    };
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for (at, line) in lines.enumerate() {
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        if cells.iter().any(|cell| cell.is_empty() || cell.eq_ignore_ascii_case("nan")) {
            continue;
        }
        let row: Option<Vec<f32>> = cells.iter().map(|cell| cell.parse().ok()).collect();
        let Some((mark, row)) =
            row.as_ref().and_then(|row| row.split_last()).filter(|(_, row)| row.len() == columns.len())
        else {
            return Err(format!(
                "line {} has not a number for each of {} columns and {label}",
                at + 2,
                columns.len()
            ));
        };
        values.extend_from_slice(row);
        labels.push(*mark > 0.5);
    }
    // Names may be doubled there.
    let columns = (1..=columns.len()).map(|at| format!("column {at}")).collect();
    let frame = Frame::new(columns, values).map_err(|error| error.to_string())?;
    Ok(Series { frame, labels })
}

/// The buffer where no period is found, and the shortest and longest that is believed.
const NO_PERIOD: usize = 125;
const PERIODS: std::ops::RangeInclusive<usize> = 6..=303;

/// Lags and samples that are looked at.
const LAGS: std::ops::RangeInclusive<usize> = 3..=400;
const LOOKED_AT: usize = 20_000;

/// The buffer of the volumes: the lag at which the series is most like itself, of those that are more so than their neighbours.
fn buffer(values: &[f64]) -> usize {
    let values = values.get(..LOOKED_AT).unwrap_or(values);
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    let off: Vec<f64> = values.iter().map(|value| value - mean).collect();
    let alike = |lag: usize| off.iter().zip(off.iter().skip(lag)).map(|(a, b)| a * b).sum::<f64>();
    let alike: Vec<f64> = LAGS.map(alike).collect();
    let peaks = alike.windows(3).enumerate().filter(|(_, part)| part[1] > part[0] && part[1] > part[2]);
    let highest = peaks.max_by(|a, b| a.1[1].total_cmp(&b.1[1])).map(|(at, _)| at + 1 + LAGS.start());
    highest.filter(|lag| PERIODS.contains(lag)).unwrap_or(NO_PERIOD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_where_training_ends() {
        assert_eq!(n_train("001_Genesis_id_1_Sensor_tr_4055_1st_15538.csv"), Some(4_055));
        assert_eq!((n_train("x.csv"), n_train("a_tr_b_1st_3.csv")), (None, None));
    }

    #[test]
    fn files_are_read_as_the_benchmark_does() {
        let series = read("a,a,Label\n1,2,0\n3,,1\n5,6,1\n").unwrap();
        assert_eq!(
            (series.frame.values(), &series.labels[..]),
            (&[1.0, 2.0, 5.0, 6.0][..], &[false, true][..])
        );
        assert!(read("a,b\n1,2\n").is_err_and(|error| error.contains("not Label")));
        assert!(read("a,Label\n1,0\nx,0\n").is_err_and(|error| error.starts_with("line 3 ")));
    }

    #[test]
    fn the_buffer_is_the_period() {
        let wave = |period: f64| {
            (0..5_000).map(|i| (f64::from(i) * std::f64::consts::TAU / period).sin()).collect::<Vec<_>>()
        };
        assert_eq!(
            (buffer(&wave(40.0)), buffer(&wave(900.0)), buffer(&[1.0; 900])),
            (40, NO_PERIOD, NO_PERIOD)
        );
        assert_eq!(buffer(&[]), NO_PERIOD);
    }
}
