//! `lanner vuln ship`: reports into OpenSearch or Elasticsearch.
//!
//! A thread reads and this task sends, with a short queue between them.

use std::path::PathBuf;

use lanner_io::bulk::{Bulk, Documents, Taken};
use lanner_io::receiver::{Problem, Secret};
use lanner_io::remote::auth::Auth;
use lanner_vuln::write::{Shape, template};
use lanner_vuln::{Finding, Options, ReadError, Report, key};
use serde_json::Value;

use super::files::{self, Named};
use super::report::{self, Source};
use crate::failure::{Failure, Outcome, Result, remark};
use crate::list::{self, Cell, Format, Row};

/// Documents are sent in batches of about this size, bytes.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Send reports to OpenSearch or Elasticsearch, without a Lanner server.
///
/// A finding is a document, and its key is the document's id: sending a report again makes no second document. An index template
/// says beforehand what is a keyword, an address, a number or text. `lanner vuln convert --to dashboard` prints a dashboard.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner vuln ship --to http://localhost:9200 weekly.nessus
  lanner vuln ship --to https://search.example.test:9200 --user lanner reports/     LANNER_SHIP_PASSWORD holds the password
  lanner vuln ship --to http://localhost:9200 --shape vulntoes --index nessus-2026 weekly.nessus
  lanner vuln ship --to http://localhost:9200 --field labels.site=dmz weekly.nessus

Exit codes: 0 all was taken, 1 a report breaks off or was repaired, 2 a report cannot be read or documents were refused, 3 the
cluster does not answer.")]
pub(super) struct Args {
    /// Reports, folders of them, or patterns; plain or compressed with gzip; - is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The address of OpenSearch or Elasticsearch.
    #[arg(long, value_name = "URL")]
    to: String,
    /// What documents look like.
    #[arg(long, value_enum, default_value = "ecs")]
    shape: ShapeName,
    /// The index; by default vulnerabilities, or vulns for the documents of VulntoES.
    #[arg(long, value_name = "NAME")]
    index: Option<String>,
    /// A field that every document gets, such as labels.site=dmz; repeatable.
    #[arg(long = "field", value_name = "NAME=VALUE", value_parser = field)]
    fields: Vec<(String, String)>,
    /// Do not put the index template there first.
    #[arg(long)]
    no_template: bool,
    /// User name for basic authentication.
    #[arg(long, value_name = "NAME", requires = "password")]
    user: Option<String>,
    /// The password of the user.
    #[arg(long, env = "LANNER_SHIP_PASSWORD", hide_env_values = true, value_name = "PASSWORD")]
    password: Option<String>,
    /// A bearer token, instead of a user.
    #[arg(
        long,
        env = "LANNER_SHIP_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN",
        conflicts_with = "user"
    )]
    token: Option<String>,
    /// Certificates to trust besides the system's, PEM.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// How to show what became of each report.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ShapeName {
    /// Elastic Common Schema 9.1.
    Ecs,
    /// The documents of VulntoES.
    Vulntoes,
}

fn field(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("should be a name and a value, such as labels.site=dmz".to_owned()),
    }
}

impl ShapeName {
    const fn shape(self) -> Shape {
        match self {
            Self::Ecs => Shape::Ecs,
            Self::Vulntoes => Shape::Vulntoes,
        }
    }
}

/// What documents look like, and what each of them holds besides.
struct Document {
    shape: Shape,
    fields: Vec<(String, String)>,
}

impl Document {
    fn of(&self, finding: &Finding) -> Option<Value> {
        let mut document = self.shape.document(finding)?;
        for (name, value) in &self.fields {
            document[name] = value.as_str().into();
        }
        Some(document)
    }
}

/// What became of a report.
#[derive(serde::Serialize)]
struct Shipped {
    file: String,
    format: &'static str,
    findings: u64,
    created: u64,
    updated: u64,
    refused: u64,
}

impl Row for Shipped {
    const COLUMNS: &'static [&'static str] = &["file", "format", "findings", "created", "updated", "refused"];
    fn cells(&self) -> Vec<Cell> {
        vec![
            self.file.as_str().into(),
            self.format.into(),
            self.findings.into(),
            self.created.into(),
            self.updated.into(),
            self.refused.into(),
        ]
    }
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let files = files::expand(&args.files)?;
    lanner_io::receiver::install_crypto_provider();
    let bulk = Bulk::new(&args.to, auth(args).as_ref(), args.ca_file.as_deref()).map_err(mistake)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::program(format!("cannot start threads: {error}")))?;
    let shipping = async {
        tokio::select! {
            result = ship_all(args, &bulk, &files) => result,
            _ = tokio::signal::ctrl_c() => Err(Failure::interrupted()),
        }
    };
    let result = runtime.block_on(shipping);
    runtime.shutdown_background();
    result
}

fn mistake(Problem { field, message }: Problem) -> Failure {
    let option = match field.as_str() {
        "url" => "--to",
        "ca_file" => "--ca-file",
        "auth.bearer" => "LANNER_SHIP_TOKEN",
        "auth.password" => "LANNER_SHIP_PASSWORD",
        _ => "--user",
    };
    Failure::user(format!("{option}: {message}"))
}

fn auth(args: &Args) -> Option<Auth> {
    let secret = |text: &Option<String>| Secret::Text(text.clone().unwrap_or_default());
    match (&args.user, &args.token) {
        (Some(user), _) => {
            Some(Auth { username: user.clone(), password: secret(&args.password), ..Auth::default() })
        }
        (None, Some(_)) => Some(Auth { bearer: secret(&args.token), ..Auth::default() }),
        (None, None) => None,
    }
}

async fn ship_all(args: &Args, bulk: &Bulk, files: &[Named]) -> Result<Outcome> {
    let shape = args.shape.shape();
    let index = args.index.as_deref().unwrap_or(shape.index());
    if !args.no_template {
        let name = format!("lanner-{index}");
        bulk.put_template(&name, &template(shape, index)).await.map_err(|error| {
            Failure::program(format!("--to: the index template: {error}"))
                .hint("--no-template leaves it out, for releases before 7.8 and users who may not")
        })?;
    }
    let (mut shipped, mut n_rejected, mut n_refused, mut was_repaired) = (Vec::new(), 0, 0, false);
    for file in files {
        let document = Document { shape, fields: args.fields.clone() };
        let (report, taken) = ship(bulk, index, document, file).await?;
        let name = file.path.display().to_string();
        taken.reasons.iter().for_each(|reason| remark(&format!("{name}: refused: {reason}")));
        n_refused += taken.refused;
        match report {
            Ok(report) => {
                report::tell(&file.path, &report);
                was_repaired |= report.stopped.is_some() || !report.warnings.is_empty();
                let Taken { created, updated, refused, .. } = taken;
                let Report { format, findings, .. } = report;
                shipped.push(Shipped { file: name, format, findings, created, updated, refused });
            }
            Err(error) => {
                remark(&format!("{name}: {error}"));
                n_rejected += usize::from(file.is_missed(&error));
            }
        }
    }
    list::list(args.format, &shipped, "No reports.")?;
    match (n_rejected, n_refused) {
        (0, 0) => Ok(Outcome::found(was_repaired)),
        (0, n) => Err(Failure::user(format!("{n} documents were refused"))),
        (n, _) => Err(Failure::user(format!("{n} of {} files could not be read", files.len()))),
    }
}

/// Sends one report: what it was, or why it cannot be read, and what became of its documents.
async fn ship(
    bulk: &Bulk,
    index: &str,
    document: Document,
    file: &Named,
) -> Result<(std::result::Result<Report, ReadError>, Taken)> {
    let (sender, mut batches) = tokio::sync::mpsc::channel::<Documents>(2);
    let path = file.path.clone();
    let reading = tokio::task::spawn_blocking(move || read(&Source::open(&path)?, &document, &sender));
    let (mut taken, mut failed) = (Taken::default(), None);
    while let Some(batch) = batches.recv().await {
        match bulk.send(index, batch).await {
            Ok(more) => taken.merge(more),
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    drop(batches);
    let report = reading.await.map_err(|error| Failure::program(format!("reading failed: {error}")))?;
    match failed {
        Some(error) => {
            let sent = taken.created + taken.updated;
            let why =
                format!("{}: {sent} documents were taken before this failure: {error}", file.path.display());
            Err(Failure::program(why).hint("send the report again: nothing is there twice"))
        }
        None => Ok((report?, taken)),
    }
}

/// Reads a report and hands out its documents in batches.
fn read(
    source: &Source,
    document: &Document,
    sender: &tokio::sync::mpsc::Sender<Documents>,
) -> Result<std::result::Result<Report, ReadError>> {
    let mut batch = Documents::default();
    let report = source.read(Options { raw: document.shape.raw() }, &mut |finding| {
        let Some(document) = document.of(&finding) else { return Ok(()) };
        batch.add(&key(&finding).to_string(), &document);
        if batch.size() >= BATCH_BYTES {
            sender.blocking_send(std::mem::take(&mut batch)).map_err(|_| "stopped".to_owned())?;
        }
        Ok(())
    });
    if !batch.is_empty() {
        // Whoever no longer listens has said why.
        let _ = sender.blocking_send(batch);
    }
    Ok(report)
}
