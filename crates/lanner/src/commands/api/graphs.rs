//! `lanner api graphs`: the nine published features of call graphs.

use std::path::{Path, PathBuf};

use lanner_traffic::{CallGraph, NodeCounts, Orientation, SEED_FEATURES};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::failure::{Failure, Outcome, Result};
use crate::list::{self, Cell, Format, Row};

/// Describe call graphs by the nine features that were published for such data.
///
/// The file is a list of graphs, each with _id and call_graph, a list of edges with fromId and toId. Degrees over all graphs are counted in
/// --reference, which should be a table that is kept and does not hold the graphs in question; without it, in the file itself. The
/// published values have source and destination swapped, count all graphs, and put graphs of one id together: --seed-compat.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner api graphs today.json --reference graphs.json --format csv
  lanner api graphs graphs.json --seed-compat --format csv")]
pub(super) struct Args {
    /// File with graphs, as JSON.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// File with the graphs in which degrees over all graphs are counted.
    #[arg(long, value_name = "FILE", conflicts_with = "seed_compat")]
    reference: Option<PathBuf>,
    /// Values as they were published.
    #[arg(long)]
    seed_compat: bool,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A graph and its features; those that are not known are null.
#[derive(Debug, Serialize)]
struct GraphRow {
    id: String,
    #[serde(flatten)]
    features: Map<String, Value>,
}

impl Row for GraphRow {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        SEED_FEATURES[0],
        SEED_FEATURES[1],
        SEED_FEATURES[2],
        SEED_FEATURES[3],
        SEED_FEATURES[4],
        SEED_FEATURES[5],
        SEED_FEATURES[6],
        SEED_FEATURES[7],
        SEED_FEATURES[8],
    ];

    fn cells(&self) -> Vec<Cell> {
        let values = SEED_FEATURES.iter().map(|name| self.features[*name].as_f64().into());
        std::iter::once(self.id.as_str().into()).chain(values).collect()
    }
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let mut graphs = read(&args.file)?;
    let orientation = if args.seed_compat { Orientation::SeedCompat } else { Orientation::Corrected };
    if args.seed_compat {
        graphs = CallGraph::joined(&graphs);
    }
    let counts = match &args.reference {
        Some(path) => NodeCounts::new(&read(path)?),
        None => NodeCounts::new(&graphs),
    };
    let row = |graph: &CallGraph| {
        let values = graph.seed_features(&counts, orientation);
        // What is no number becomes null.
        let features =
            SEED_FEATURES.iter().zip(values).map(|(name, value)| ((*name).to_owned(), value.into()));
        GraphRow { id: graph.id.clone(), features: features.collect() }
    };
    list::list(args.format, &graphs.iter().map(row).collect::<Vec<_>>(), "No graphs.")?;
    Ok(Outcome::Fine)
}

fn read(path: &Path) -> Result<Vec<CallGraph>> {
    let text = std::fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
    CallGraph::read(&text).map_err(|error| Failure::user(format!("{}: {error}", path.display())))
}
