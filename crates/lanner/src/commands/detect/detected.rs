//! What all tables came to: series, findings, metrics, and the report of them.

use std::io::{BufWriter, Write as _};
use std::path::Path;

use super::args::Args;
use super::finding::Finding;
use super::moment::Moment;
use super::names;
use super::pass::Pass;
use super::quality::{self, Judgements, Quality, Terms};
use super::report::{Chart, Report};
use super::watched::Watched;
use crate::failure::{Failure, Result};

/// The series of all tables so far.
#[derive(Default)]
pub(super) struct Detected {
    pub(super) series: Vec<Watched>,
    pub(super) n_rows: u64,
    /// Whether a table was without times.
    lacks_times: bool,
}

impl Detected {
    /// Adds what one table came to.
    pub(super) fn absorb(&mut self, pass: Pass) {
        self.n_rows += pass.n_rows;
        self.lacks_times |= !pass.has_times;
        for (watched, earlier) in pass.series {
            match earlier {
                Some(at) => self.series[at] = watched,
                None => self.series.push(watched),
            }
        }
    }

    /// Whether anything could be scored.
    pub(super) fn is_judged(&self) -> bool {
        self.series.iter().any(|watched| watched.series.n_judged > 0)
    }

    /// All findings, in no order.
    pub(super) fn findings(&self) -> Vec<Finding> {
        self.series.iter().flat_map(|watched| watched.series.told()).collect()
    }

    /// How well it did, if that was asked for.
    pub(super) fn quality(&self, args: &Args, name: &str) -> Result<Option<Vec<Quality>>> {
        let measured: Vec<(&str, &Judgements)> = self
            .series
            .iter()
            .filter_map(|watched| Some((watched.series.name.as_str(), watched.judgements.as_ref()?)))
            .collect();
        if measured.is_empty() {
            return Ok(None);
        }
        let has_times = !self.lacks_times;
        let terms = Terms { threshold: args.threshold, alarms_per_day: args.alarms_per_day, has_times };
        let found = quality::measure(&measured, terms, args.files.len() > 1);
        found
            .map(Some)
            .map_err(|why| Failure::user(format!("{name}: {why}")).hint(self.reach(args, has_times)))
    }

    /// From when to when there are rows.
    fn reach(&self, args: &Args, has_times: bool) -> String {
        let from = self.series.iter().map(|watched| watched.first_at).min().unwrap_or_default();
        let to = self.series.iter().map(|watched| watched.last_at).max().unwrap_or_default();
        let zone = args.table.time_zone.as_ref();
        let [from, to] = [from, to].map(|at| Moment::new(at, has_times).text(zone));
        let table = if args.files.len() == 1 { "table reaches" } else { "tables reach" };
        format!("the {table} from {from} to {to}")
    }

    /// Writes the report.
    pub(super) fn write_report(&self, args: &Args, path: &Path) -> Result<()> {
        let failed = |error: &std::io::Error| Failure::file("write", path, error);
        let names = names::short_names(&args.files);
        let title = match &names[..] {
            [name] => name.clone(),
            names => format!("{} tables", names.len()),
        };
        let charts = self.series.iter().filter_map(|watched| {
            let incidents = watched.judgements.as_ref().map(incidents).unwrap_or_default();
            Some(Chart { series: &watched.series, trace: watched.trace.as_ref()?, incidents })
        });
        let report = Report {
            title: &title,
            has_times: !self.lacks_times,
            threshold: args.threshold,
            n_rows: self.n_rows,
            zone: args.table.time_zone.as_ref(),
            charts: charts.collect(),
        };
        let mut file = BufWriter::new(std::fs::File::create(path).map_err(|error| failed(&error))?);
        report.shown().write(&mut file).and_then(|()| file.flush()).map_err(|error| failed(&error))
    }
}

/// The first and the last moment of each known incident that the rows reach.
fn incidents(judgements: &Judgements) -> Vec<(i64, i64)> {
    let events = lanner_quality::events(&judgements.is_marked);
    events.into_iter().map(|event| (judgements.at[event.start], judgements.at[event.end - 1])).collect()
}
