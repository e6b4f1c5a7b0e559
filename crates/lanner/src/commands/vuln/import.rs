//! `lanner vuln import`: reports into a server.
//!
//! A report is read twice: first to learn whether it can be read at all and what its scan looked at, then to send its findings. So
//! a report that cannot be read changes nothing. A thread reads and this task sends, with a short queue between them.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use lanner_vuln::{Options, ReadError, Report};
use lanner_wire::api::{FindingScanResult, FindingScanView, FindingsTaken, NewFindingScan};

use super::files::{self, Named};
use super::report::{self, Source};
use crate::client::{self, Access, Client, ServerArgs};
use crate::failure::{Failure, Outcome, Result, remark};
use crate::list::{self, Cell, Format, Row};
use crate::output;
use crate::progress::Progress;

/// Findings are sent in batches of about this size.
const BATCH_BYTES: usize = 2 * 1024 * 1024;

/// Import reports into a server.
///
/// Importing a report again, or reports in another order, changes nothing. A finding is fixed only if a scan looked at its host, port
/// and check and did not see it; all others are counted as not looked at. A scan that was killed, or whose report breaks off, closes
/// nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner vuln import weekly.nessus
  lanner vuln import reports/                       all reports in a folder and below
  lanner vuln import --fail-on-new reports/*.xml.gz
  trivy image --format json shop:1.2 | lanner vuln import -
  lanner vuln import --data lanner-data weekly.nessus   without a running server

Exit codes: 0 imported, 1 with --fail-on-new when a finding is new or open again, 2 a report cannot be read, or not to
its end; what can be is imported. A file in a folder that is of no known format is left out, and need not be a report.")]
pub(super) struct Args {
    /// Reports, folders of them, or patterns; plain or compressed with gzip; - is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Exit with code 1 if a finding is new or open again.
    #[arg(long)]
    fail_on_new: bool,
    /// How to show what each report came to.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    server: ServerArgs,
}

/// What a report came to.
#[derive(serde::Serialize)]
struct Imported {
    file: String,
    format: &'static str,
    findings: u64,
    #[serde(flatten)]
    result: FindingScanResult,
    /// Whether the report was read to its end.
    #[serde(skip)]
    is_whole: bool,
}

impl Row for Imported {
    const COLUMNS: &'static [&'static str] =
        &["file", "format", "findings", "new", "reopened", "open", "fixed", "not looked at"];
    fn cells(&self) -> Vec<Cell> {
        let result = &self.result;
        vec![
            self.file.as_str().into(),
            self.format.into(),
            self.findings.into(),
            result.new.into(),
            result.reopened.into(),
            result.open.into(),
            result.fixed.into(),
            result.not_looked_at.into(),
        ]
    }
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let files = files::expand(&args.files)?;
    client::with_access(&args.server, Access::Fill, async |client| {
        let (mut imported, mut n_rejected) = (Vec::new(), 0);
        for file in &files {
            match import(client, file).await? {
                Ok(one) => imported.push(one),
                Err(error) => n_rejected += usize::from(file.is_missed(&error)),
            }
        }
        list::list(args.format, &imported, "No reports.")?;
        client.seal().await?;
        if n_rejected > 0 {
            return Err(Failure::user(format!("{n_rejected} of {} files could not be read", files.len())));
        }
        if imported.iter().any(|one| !one.is_whole) {
            return Ok(Outcome::Undecided);
        }
        let is_news = |one: &Imported| one.result.new + one.result.reopened > 0;
        Ok(Outcome::found(args.fail_on_new && imported.iter().any(is_news)))
    })
}

/// Imports one report, or says why it cannot be read.
async fn import(client: &Client, file: &Named) -> Result<std::result::Result<Imported, ReadError>> {
    let path = file.path.clone();
    let looked = tokio::task::spawn_blocking(move || {
        let source = Source::open(&path)?;
        let read = source.read(Options::default(), &mut |_| Ok(()));
        let known = |report| Ok::<_, Failure>((source.digest()?, report, source));
        read.map_or_else(|error| Ok(Err(error)), |report| known(report).map(Ok))
    });
    let looked = looked.await.map_err(|error| Failure::program(format!("reading failed: {error}")))??;
    let (id, report, source) = match looked {
        Ok(looked) => looked,
        Err(error) => {
            remark(&format!("{}: {error}", file.path.display()));
            return Ok(Err(error));
        }
    };
    report::tell(&file.path, &report);
    begin(client, &id, &report).await?;
    send(client, &id, source, report.findings, &file.path).await?;
    let result: FindingScanResult =
        client.post(&[&PATH[..], &[&id, "end"]].concat(), &serde_json::json!({})).await?;
    let name = file.path.display().to_string();
    let is_whole = report.stopped.is_none();
    Ok(Ok(Imported { file: name, format: report.format, findings: report.findings, result, is_whole }))
}

const PATH: [&str; 4] = ["api", "v1", "findings", "scans"];

async fn begin(client: &Client, id: &str, report: &Report) -> Result<FindingScanView> {
    let scan = serde_json::to_value(&report.scan).map_err(|error| Failure::program(error.to_string()))?;
    let new = NewFindingScan { id: id.to_owned(), scan, ran: report.seen.iter().cloned().collect() };
    client.post(&PATH, &new).await
}

async fn send(client: &Client, id: &str, source: Source, total: u64, path: &Path) -> Result<()> {
    let (sender, mut batches) = tokio::sync::mpsc::channel::<(Vec<u8>, u64)>(2);
    let reading = tokio::task::spawn_blocking(move || read(&source, &sender));
    let (mut progress, mut sent) = (Progress::new("importing", "findings", Some(total)), 0);
    let mut failed = None;
    while let Some((body, count)) = batches.recv().await {
        let answer: Result<FindingsTaken> = client.post_lines(&[&PATH[..], &[id]].concat(), body).await;
        if let Err(failure) = answer {
            failed = Some(failure);
            break;
        }
        sent += count;
        progress.at(sent, sent);
    }
    drop(batches);
    progress.finish();
    let read = reading.await.map_err(|error| Failure::program(format!("reading failed: {error}")))?;
    match failed {
        Some(failure) => {
            remark(&format!(
                "{}: {} imported before this failure; nothing was closed",
                path.display(),
                output::counted(sent, "finding")
            ));
            Err(failure)
        }
        None => read,
    }
}

/// Reads the report again and sends its findings in batches, as JSON lines.
fn read(source: &Source, sender: &tokio::sync::mpsc::Sender<(Vec<u8>, u64)>) -> Result<()> {
    let (mut body, mut count) = (Vec::with_capacity(BATCH_BYTES), 0);
    let read = source.read(Options::default(), &mut |finding| {
        serde_json::to_writer(&mut body, &finding).map_err(|error| error.to_string())?;
        body.write_all(b"\n").map_err(|error| error.to_string())?;
        count += 1;
        if body.len() >= BATCH_BYTES {
            let batch = (std::mem::take(&mut body), std::mem::take(&mut count));
            sender.blocking_send(batch).map_err(|_| "stopped".to_owned())?;
        }
        Ok(())
    });
    if let Err(error) = read {
        return Err(Failure::program(format!("the report changed while it was read: {error}")));
    }
    if count > 0 {
        // Whoever no longer listens has said why.
        let _ = sender.blocking_send((body, count));
    }
    Ok(())
}
