//! `lanner export`: samples or events as text.

use std::path::PathBuf;

use clap::ValueEnum;
use lanner_wire::api::Status;

use super::shared::must_exist;
use crate::client::{self, Client, ServerArgs};
use crate::failure::{Failure, Outcome, Result, remark};
use crate::progress::{self, Progress};
use crate::target::Target;

/// Export samples or events as text.
///
/// `lanner import` reads an ndjson export back without loss.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner export --series 'queue.*' --from now-1d -o queues.csv
  lanner export --series 'cpu' --match 'host=~\"web.*\"' --format line
  lanner export --stream payments -o payments.ndjson.gz
  lanner export | gzip > everything.ndjson.gz")]
pub(crate) struct Args {
    /// Names of series; * stands for any characters. By default all series, unless --stream is given.
    #[arg(long, value_name = "GLOB", conflicts_with = "stream")]
    series: Option<String>,
    /// Only series with these labels, such as host=a or 'host=~"web.*"'.
    #[arg(long = "match", value_name = "MATCHERS", conflicts_with = "stream")]
    matchers: Option<String>,
    /// Export events of this stream instead of series.
    #[arg(long)]
    stream: Option<String>,
    /// Start time: 2026-12-01, or now-1h; by default the beginning.
    #[arg(long, value_parser = super::shared::when, value_name = "TIME")]
    from: Option<String>,
    /// End time, exclusive.
    #[arg(long, value_parser = super::shared::when, value_name = "TIME")]
    to: Option<String>,
    /// Output format; by default taken from the file name, else ndjson.
    #[arg(long, value_enum)]
    format: Option<Form>,
    /// File to write, compressed if its name ends in .gz; by default standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it exists.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Output formats of samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Columns time, name, value and one for each label.
    Csv,
    /// One JSON object per line; preserves every name and value without loss.
    Ndjson,
    /// Influx line protocol.
    Line,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let form = args.format.unwrap_or_else(|| guess(args.output.as_deref()));
    if args.stream.is_some() && form != Form::Ndjson {
        return Err(Failure::user("events can be exported as ndjson only").hint("omit --format"));
    }
    client::with(&args.server, async |client| export(args, form, client).await)
}

fn guess(path: Option<&std::path::Path>) -> Form {
    let name = path.map(|path| path.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    if name.ends_with(".csv") {
        Form::Csv
    } else if name.ends_with(".lp") || name.ends_with(".line") {
        Form::Line
    } else {
        Form::Ndjson
    }
}

async fn export(args: &Args, form: Form, client: &Client) -> Result<Outcome> {
    let mut target = match &args.output {
        Some(path) => Target::perhaps_compressed(path, args.force)?,
        None => Target::standard(),
    };
    let range = [("from", args.from.as_deref()), ("to", args.to.as_deref())];
    let mut response = match &args.stream {
        Some(stream) => client.stream(&["api", "v1", "export", "events", stream], &range).await?,
        None => {
            let form = match form {
                Form::Csv => "csv",
                Form::Ndjson => "ndjson",
                Form::Line => "line",
            };
            let [from, to] = range;
            let (name, matchers) = (args.series.as_deref(), args.matchers.as_deref());
            let parameters = [("format", Some(form)), ("name", name), ("match", matchers), from, to];
            client.stream(&["api", "v1", "export"], &parameters).await?
        }
    };
    let mut progress = Progress::new("exporting", "bytes", None);
    let (mut n_bytes, mut n_lines) = (0, 0);
    while let Some(chunk) = response.chunk().await.map_err(|error| broken(client, &error))? {
        target.write(&chunk)?;
        n_bytes += chunk.len() as u64;
        n_lines += chunk.iter().filter(|byte| **byte == b'\n').count() as u64;
        progress.at(n_bytes, n_bytes);
    }
    // The first line of CSV names the columns.
    let n = n_lines.saturating_sub(u64::from(form == Form::Csv));
    if n == 0 {
        must_exist(client, args.stream.as_deref(), args.series.as_deref()).await?;
    }
    target.keep()?;
    let took = progress.finish();
    if let Some(path) = &args.output {
        let noun = if args.stream.is_some() { "events" } else { "samples" };
        let n = progress::scaled(n as f64);
        remark(&format!("{n} {noun} written to {} in {}", path.display(), progress::duration(took)));
    }
    tell_damage(client).await
}

/// Says what could not be read: the server leaves it out and exports the rest.
async fn tell_damage(client: &Client) -> Result<Outcome> {
    // Who may export and may not ask how the server is cannot be told.
    let status: Option<Status> = client.get(&["api", "v1", "status"], &[]).await.ok();
    let damage = status.map(|status| status.store.damage).unwrap_or_default();
    if damage.is_empty() {
        return Ok(Outcome::Fine);
    }
    damage.iter().for_each(|line| remark(&format!("damaged, and left out: {line}")));
    Err(Failure::program("the data is damaged; everything intact was exported")
        .hint("`lanner repair` on the folder, or a restart of the server, recovers the intact data"))
}

/// The status has gone out by then, so the server can only break off.
fn broken(client: &Client, error: &reqwest::Error) -> Failure {
    client.unreachable(error).hint("the export is incomplete; the server's log says why it was aborted")
}
