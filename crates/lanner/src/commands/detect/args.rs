//! What the user says: files, columns, and what is to be written.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use lanner_detect::automatic::WallClock;
use lanner_wire::format::Format;

use crate::failure::{Failure, Result};
use crate::formats;
use crate::list::Format as OutputFormat;
use crate::tables::TableArgs;

/// Find anomalies in a table of numbers, without configuration.
///
/// Accepts any CSV and detects the separator, the time column, the numeric columns and their formats. Empty cells, NaN,
/// null and - are gaps. Rows of several series, such as one for each host, are separated by their text columns. Each
/// value is scored using only those before it; a score of 1 is what happens about once a week by chance, and more is
/// anomalous. What lasts is one finding, and the most improbable is listed first.
/// docs/detectors.md says how well that works, docs/tables.md what is read.
#[derive(Debug, clap::Args)]
#[command(after_help = after_help())]
pub(crate) struct Args {
    /// Tables to read, gzipped or not; - is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Time column, by name or number; by default detected.
    #[arg(long, value_name = "COLUMN")]
    pub(super) time: Option<String>,
    /// Report samples with a score above this.
    #[arg(long, value_name = "SCORE", default_value = "1", value_parser = threshold)]
    pub(super) threshold: f64,
    /// Show only so many findings, the most improbable ones; by default 20, and all as JSON or CSV.
    #[arg(long, value_name = "NUMBER", value_parser = top)]
    pub(super) top: Option<usize>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: OutputFormat,
    /// Also write charts, as a single HTML file.
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    /// Also write every value with its score, as CSV; to standard output for -, instead of the findings.
    #[arg(long, value_name = "FILE")]
    pub(super) scores: Option<PathBuf>,
    /// Known incidents to evaluate the findings against: from,to times as CSV, or JSON. With --format csv only the
    /// evaluation is written.
    #[arg(long, value_name = "FILE", conflicts_with = "label")]
    pub(super) evaluate: Option<PathBuf>,
    /// Column of 0 and 1 that marks known incidents to evaluate the findings against.
    #[arg(long, value_name = "COLUMN")]
    pub(super) label: Option<String>,
    /// Acceptable alarms per day, for the number of incidents found within that budget.
    #[arg(long, value_name = "NUMBER", default_value = "1", value_parser = threshold)]
    pub(super) alarms_per_day: f64,
    /// Days that are like Sundays, such as 2026-12-25,2026-12-26; may be repeated.
    #[arg(long, value_name = "DATES", value_delimiter = ',', value_parser = date)]
    holidays: Vec<Date>,
    #[command(flatten)]
    pub(super) table: TableArgs,
}

fn date(text: &str) -> std::result::Result<Date, String> {
    text.parse().map_err(|_| "should be a date such as 2026-12-25".to_owned())
}

/// Examples, and what can be read.
fn after_help() -> String {
    let formats = formats::listed(Format::holds_samples);
    format!("{EXAMPLES}\n\nFormats, told by the contents:\n{formats}\n{EXIT_CODES}")
}

const EXAMPLES: &str = "\
Examples:
  lanner detect measurements.csv
  lanner detect measurements.csv.gz --report report.html    charts, in one file
  lanner detect exports/*.csv --top 10 --tz Europe/Berlin
  lanner detect measurements.csv --scores scores.csv        a score for each value
  lanner detect wide.csv --time when --value cpu --value memory
  lanner query --series queue.length --from now-7d --step 5m --format csv | lanner detect -
  lanner detect taxi.csv --evaluate incidents.csv           precision, recall and other metrics
  lanner detect labelled.csv --label is_anomaly --format json";

const EXIT_CODES: &str = "\
Exit codes: 0 when nothing was found, 1 when something was, 2 when nothing could be scored or a file could not be read,
3 for a failure.";

fn threshold(text: &str) -> std::result::Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err("should be a number above 0".to_owned()),
    }
}

fn top(text: &str) -> std::result::Result<usize, String> {
    text.parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| "should be a whole number above 0".to_owned())
}

impl Args {
    /// The clocks and the calendar by which days and weeks are learned.
    pub(super) fn clock(&self) -> WallClock {
        WallClock::new(self.table.time_zone.clone(), self.holidays.iter().copied())
    }

    /// Whether the findings are to be compared with known incidents.
    pub(super) const fn is_measured(&self) -> bool {
        self.evaluate.is_some() || self.label.is_some()
    }

    /// Whether scores take the place of findings on standard output.
    pub(super) fn scores_to_output(&self) -> bool {
        self.scores.as_deref() == Some(Path::new("-"))
    }

    /// Refuses to write over what is read, and two things to one place.
    pub(super) fn check(&self) -> Result<()> {
        let written = [("report", &self.report), ("scores", &self.scores)];
        for (what, path) in written {
            let Some(path) = path else { continue };
            if self.files.iter().any(|file| is_same_file(path, file)) {
                let message = format!("the {what} would replace the table");
                return Err(Failure::user(message).hint(format!("give --{what} another name")));
            }
        }
        if self.report.is_some() && self.report == self.scores {
            return Err(Failure::user("--report and --scores name the same file").hint("give each its own"));
        }
        Ok(())
    }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}
