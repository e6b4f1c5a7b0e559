//! `lanner import`: imports samples or events from files into a server.
//!
//! One thread reads and parses, this task sends; a short queue between them keeps memory bounded. Reading order:
//! [`Args`], [`run`], then `folder` (which files lie in one), `age` (data older than its retention) and `read` (files to batches);
//! `rules` is another matter: rules of other programs.

mod age;
mod folder;
mod read;
mod rules;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::ValueEnum;
use lanner_io::store::Retention;
use lanner_wire::api::Status;
use lanner_wire::format::{self, FORMATS, Format};
use lanner_wire::line_protocol::Precision;
use lanner_wire::{Problem, Report};

use crate::client::{self, Access, Client, ServerArgs};
use crate::failure::{Failure, Outcome, Result, remark};
use crate::formats;
use crate::input::{self, Meter};
use crate::output;
use crate::progress::{self, Progress};
use crate::tables::{self, TableArgs};
use age::{Findings, TooOld, Watch};
use read::{Batch, Form, How, Lines};

/// Problems shown of one file; the others are counted.
const MAX_SHOWN: usize = 20;

/// Import samples or events from files into a server, or convert rules of other programs.
///
/// Samples come in any format that `lanner detect` reads, and as folders of Whisper files as carbon keeps them. Events are JSON
/// objects, one per line or in an array, or lines of text. --format lists all formats. Files may be compressed with gzip. An
/// invalid line is skipped and reported with its number.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
Examples:
  lanner import payments.csv                          time,value becomes payments
  lanner import --name power.usage meter.csv          time,value becomes power.usage
  lanner import --stream payments payments.ndjson.gz
  lanner import --stream access-log --format text access.log
  lanner import --format line --precision s samples.txt
  lanner import /var/lib/graphite/whisper             all series of a carbon server
  zcat *.ndjson.gz | lanner import --stream payments -
  lanner import --data lanner-data history/*.csv      without a running server
  lanner import prometheus-rules alerts.yml > lanner.yaml

Exit codes: 0 when everything was accepted, 1 when lines were refused."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    rules: Option<rules::Command>,
    /// Files, or folders of Whisper files; - is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Contents of the files; by default events if --stream is given, else samples.
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// Stream to import events into.
    #[arg(long)]
    stream: Option<String>,
    /// Format of the files; by default taken from their names, and of samples from their contents.
    #[arg(long, value_parser = formats::parser())]
    format: Option<&'static Format>,
    /// Name for the series of a table without names: a column value becomes NAME, any other column NAME.column. By
    /// default a column named value gets the name of its file.
    #[arg(long)]
    name: Option<String>,
    /// Column or field that contains the time, if it is not named _time, time, timestamp, @timestamp or ts; in tables it is
    /// detected by default.
    #[arg(long, value_name = "FIELD")]
    time: Option<String>,
    /// Unit of times in line protocol: ns, us, ms or s.
    #[arg(long, default_value = "ns", value_parser = Precision::parse, value_name = "UNIT")]
    precision: Precision,
    /// What to do with data older than its retention. By default you are asked; without a terminal nothing is imported.
    #[arg(long, value_enum, value_name = "skip|keep")]
    too_old: Option<TooOld>,
    #[command(flatten)]
    table: TableArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// Contents of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Samples of series.
    Samples,
    /// Events of a stream, as JSON objects.
    Events,
}

/// One file to import.
struct Work {
    path: PathBuf,
    form: Form,
    /// The name of its series, or of a part of them.
    name: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    if let Some(command) = &args.rules {
        return rules::run(command);
    }
    let mut work = Vec::new();
    for path in &args.files {
        work.extend(work_of(args, path)?);
    }
    client::with_access(&args.server, Access::Fill, async |client| {
        let retention = if args.too_old == Some(TooOld::Keep) { None } else { retention(client).await };
        let too_old = match (args.too_old, &retention) {
            (None, Some(retention)) => asked(args, &work, retention).await?,
            (chosen, _) => chosen,
        };
        let retention = retention.filter(|_| too_old != Some(TooOld::Keep));
        let mut is_clean = true;
        for work in &work {
            let watch = retention.clone().map(|retention| Watch::new(retention, now_ms(), true));
            is_clean &= import(args, work, client, watch.clone()).await?;
            let mut left_out = Findings::default();
            watch.iter().for_each(|watch| left_out.add(&work.path, unit(work.form), watch));
            if left_out.n_too_old > 0 {
                left_out.tell();
                remark(&format!("{}: this data was left out", work.path.display()));
                // Who said that they may be left out has nothing more to be told.
                is_clean &= too_old == Some(TooOld::Skip);
            }
        }
        // Whoever opens the folder next has less to read, and less in memory.
        progress::waiting("compressing", client.seal()).await?;
        Ok(Outcome::found(!is_clean))
    })
}

/// What the server keeps, or keeps that will serve the folder; `None` from one that does not say it to us.
async fn retention(client: &Client) -> Option<Retention> {
    let status: Status = client.get(&["api", "v1", "status"], &[]).await.ok()?;
    let written = serde_json::to_value(status.store.retention).ok()?;
    serde_json::from_value(written).ok()
}

/// Looks through the files, and asks what is to become of what is too old; `None` when nothing is. What comes over
/// standard input cannot be looked through first.
async fn asked(args: &Args, work: &[Work], retention: &Retention) -> Result<Option<TooOld>> {
    let mut findings = Findings::default();
    for work in work.iter().filter(|work| work.path.is_file()) {
        let watch = Watch::new(retention.clone(), now_ms(), false);
        let how = How { is_quiet: true, ..how(args, work, Some(Arc::clone(&watch))) };
        let (meter, path) = (Arc::new(Meter::default()), work.path.clone());
        let _stop = StopOnDrop(Arc::clone(&meter));
        let looked = tokio::task::spawn_blocking(move || {
            let mut input = input::open(&path, &meter)?;
            // What cannot be read is told when it is imported.
            let _ = read::read(&mut *input, &how, &mut Report::default(), &mut |_| Ok(()));
            Ok::<_, Failure>(())
        });
        let looked = progress::waiting("checking times", looked).await;
        looked.map_err(|error| Failure::program(format!("reading failed: {error}")))??;
        findings.add(&work.path, unit(work.form), &watch);
    }
    if findings.n_too_old == 0 {
        findings.tell();
        return Ok(None);
    }
    findings.ask().map(Some)
}

fn how(args: &Args, work: &Work, watch: Option<age::Shared>) -> How {
    let path = work.path.as_path();
    How {
        file: if is_standard_input(path) { "standard input".to_owned() } else { path.display().to_string() },
        form: work.form,
        table: args.table.clone(),
        stem: tables::stem(path),
        is_quiet: false,
        time: args.time.clone(),
        name: work.name.clone(),
        precision: args.precision,
        now_ms: now_ms(),
        stream: args.stream.clone(),
        watch,
    }
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

fn unit(form: Form) -> &'static str {
    if form.is_events() { "events" } else { "samples" }
}

/// The files that a path stands for.
fn work_of(args: &Args, path: &Path) -> Result<Vec<Work>> {
    // Before any server is asked.
    if !is_standard_input(path)
        && let Err(error) = std::fs::metadata(path)
    {
        let failure = Failure::file("read", path, &error);
        return Err(match rules::meant(&path.to_string_lossy()) {
            Some(program) => failure.hint(format!("to convert rules, write `lanner import {program} FILE`")),
            None => failure,
        });
    }
    if !path.is_dir() {
        return Ok(vec![Work { path: path.to_owned(), form: form(args, path)?, name: args.name.clone() }]);
    }
    let files = folder::files_below(path, folder::of_one_series)
        .map_err(|error| Failure::user(format!("cannot read the folder {}: {error}", path.display())))?;
    if files.is_empty() {
        let endings = folder::endings();
        let message =
            format!("the folder {} contains no files with a series each ({endings})", path.display());
        return Err(Failure::user(message).hint("name the files themselves if they are of another format"));
    }
    let prefix = args.name.as_deref().map(|name| format!("{name}.")).unwrap_or_default();
    let work = |(file, format): (PathBuf, &'static Format)| {
        let name = Some(format!("{prefix}{}", folder::series_name(path, &file)));
        Work { path: file, form: Form::Samples(Some(format)), name }
    };
    Ok(files.into_iter().map(work).collect())
}

/// What a file holds, as the options or its name say; the format of samples is found in them, where neither does.
fn form(args: &Args, path: &Path) -> Result<Form> {
    let is_events = args.kind.map_or(args.stream.is_some(), |kind| kind == Kind::Events);
    if is_events && args.stream.is_none() {
        return Err(Failure::user("events need a stream").hint("write for example --stream payments"));
    }
    if !is_events && args.format.is_none() && rules::is_yaml(path) {
        let file = path.display();
        return Err(Failure::user(format!("{file}: YAML holds no samples")).hint(rules::ways_in(&file)));
    }
    let by_name = || format::of_file(&path.file_name()?.to_string_lossy());
    let format = args.format.or_else(by_name);
    if !is_events {
        return match format {
            Some(format) if !format.holds_samples() => Err(Failure::user(format!(
                "{}: the format {} holds events, not samples",
                path.display(),
                format.name
            ))
            .hint("write for example --stream access-log")),
            format => Ok(Form::Samples(format)),
        };
    }
    // Without a word of it events are JSON.
    let format = format.or_else(|| FORMATS.iter().find(|format| format.events.is_some()));
    let reader = format.and_then(|format| format.events).ok_or_else(|| {
        let names = formats::names(|format| format.events.is_some());
        Failure::user(format!("{}: events are read from the formats {names}", path.display()))
            .hint("for samples, omit --stream")
    })?;
    Ok(Form::Events(reader))
}

/// Imports one file; whether all of it was taken.
async fn import(args: &Args, work: &Work, client: &Client, watch: Option<age::Shared>) -> Result<bool> {
    let Work { path, form, .. } = work;
    let form = *form;
    let meter = Arc::new(Meter::default());
    let size = if path.as_path() == Path::new("-") {
        None
    } else {
        std::fs::metadata(path).ok().map(|file| file.len())
    };
    let how = how(args, work, watch);
    let (sender, receiver) = tokio::sync::mpsc::channel(2);
    let (file, metered) = (path.to_owned(), Arc::clone(&meter));
    // In a thread of its own from the start: already the first byte of standard input may be long in coming.
    let reading = tokio::task::spawn_blocking(move || {
        let mut input = input::open(&file, &metered)?;
        let mut report = Report::default();
        let mut send = |batch| sender.blocking_send(batch).map_err(|_| std::io::Error::other("stopped"));
        let read = read::read(&mut *input, &how, &mut report, &mut send);
        Ok::<_, Failure>((report, read))
    });
    let _stop = StopOnDrop(Arc::clone(&meter));
    let unit = unit(form);
    let mut progress = Progress::new("importing", unit, size);
    let sent = send(args, form, client, receiver, &meter, &mut progress).await;
    let took = progress.finish();
    // After a failure nobody takes batches any more, so the reading has ended or is about to.
    let sent = match sent {
        Ok(sent) => sent,
        Err((n_items, failure)) => {
            remark(&format!(
                "{}: {} imported before this failure",
                path.display(),
                output::counted(n_items, unit.trim_end_matches('s'))
            ));
            return Err(failure);
        }
    };
    let (report, read) =
        reading.await.map_err(|error| Failure::program(format!("reading failed: {error}")))??;
    let n_rejected = report.rejected + sent.rejected;
    tell(path, unit, &report, &sent, took);
    match read {
        Ok(()) => Ok(n_rejected == 0),
        // One of very many files: the others go on.
        Err(why) if form.is_one_series() => {
            why.tell();
            Ok(false)
        }
        Err(why) => Err(why),
    }
}

fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

/// What the server took of one file.
#[derive(Debug, Default)]
struct Sent {
    n_items: u64,
    rejected: u64,
    reasons: Vec<String>,
    too_old: u64,
    warning: Option<String>,
}

/// Sends batches until there are no more; after a failure, how many items were taken before.
async fn send(
    args: &Args,
    form: Form,
    client: &Client,
    mut batches: tokio::sync::mpsc::Receiver<Batch>,
    meter: &Meter,
    progress: &mut Progress,
) -> std::result::Result<Sent, (u64, Failure)> {
    let stream = args.stream.as_deref().unwrap_or_default();
    let mut sent = Sent::default();
    while let Some(Batch { body, n_items, lines }) = batches.recv().await {
        let written = if form.is_events() {
            client.write(&["api", "v1", "events", stream], &[("time", args.time.as_deref())], body).await
        } else {
            let format = (lines == Lines::Samples).then_some("ndjson");
            client.write(&["write"], &[("precision", Some("ns")), ("format", format)], body).await
        };
        let report = written.map_err(|failure| (sent.n_items, failure))?;
        sent.n_items += n_items.saturating_sub(report.rejected);
        sent.rejected += report.rejected;
        sent.too_old += report.too_old;
        sent.warning = sent.warning.or(report.warning);
        let room = MAX_SHOWN.saturating_sub(sent.reasons.len());
        sent.reasons.extend(report.problems.iter().take(room).map(|problem| problem.message.clone()));
        progress.at(meter.n_bytes.load(Ordering::Relaxed), sent.n_items);
    }
    Ok(sent)
}

fn tell(path: &Path, unit: &str, report: &Report, sent: &Sent, took: Duration) {
    let path = path.display();
    for Problem { line, column, message } in report.problems.iter().take(MAX_SHOWN) {
        let column = column.map_or_else(String::new, |column| format!("{column}:"));
        remark(&format!("{path}:{line}:{column} {message}"));
    }
    for reason in &sent.reasons {
        remark(&format!("{path}: the server refused a line: {reason}"));
    }
    if let Some(warning) = &sent.warning {
        let too_old = output::counted(sent.too_old, unit.trim_end_matches('s'));
        remark(&format!("{path}: {too_old} too old to be kept: {warning}"));
    }
    let refused = report.rejected + sent.rejected;
    let n_shown = report.problems.len().min(MAX_SHOWN) + sent.reasons.len();
    if refused > n_shown as u64 {
        remark(&format!("{path}: and {} more", refused - n_shown as u64));
    }
    let rate = progress::scaled(sent.n_items as f64 / took.as_secs_f64().max(1e-3));
    let counted = output::counted(sent.n_items, unit.trim_end_matches('s'));
    let mut text = format!("{path}: {counted} in {}, {rate}/s", progress::duration(took));
    if report.skipped > 0 {
        text.push_str(&format!("; {} left out", output::counted(report.skipped, "gap")));
    }
    if refused > 0 {
        text.push_str(&format!("; {} refused", output::counted(refused, "line")));
    }
    remark(&text);
}

/// Ends the reading when the sending ends, for whatever reason.
struct StopOnDrop(Arc<Meter>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }
}
