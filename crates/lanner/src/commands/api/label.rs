//! `lanner api label`: says of a client or session whether it was anomalous, with who said so, when, and why.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use lanner_core::time::format_time;
use lanner_io::receiver::{Clock as _, SystemClock};

use crate::failure::{Failure, Outcome, Result, remark};
use crate::user;

/// Add a label to a table, from which `lanner api learn` learns.
///
/// Rows are only added, each with who said so, when, and why; of several about the same, the last counts.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner api label labels.csv --client 203.0.113.7 anomalous --why 'walked through orders'
  lanner api label labels.csv --client 198.51.100.4 normal --why 'our own monitoring'")]
pub(super) struct Args {
    /// Table of labels; it is made if it is not there.
    file: PathBuf,
    /// What the client or session was.
    #[arg(value_enum)]
    label: LabelName,
    /// Address of the client.
    #[arg(long, value_name = "ADDRESS", required_unless_present = "session", conflicts_with = "session")]
    client: Option<String>,
    /// The session, as the log names it.
    #[arg(long, value_name = "NAME")]
    session: Option<String>,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LabelName {
    /// It misused the API.
    Anomalous,
    /// It did what it may.
    Normal,
}

impl LabelName {
    const fn name(self) -> &'static str {
        match self {
            Self::Anomalous => "anomalous",
            Self::Normal => "normal",
        }
    }
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let (column, name) = match (&args.session, &args.client) {
        (Some(session), _) => ("session", session),
        (None, client) => ("client", client.as_ref().unwrap_or(&args.why)),
    };
    let (who, when) = (user::name(), format_time(SystemClock.now_ms()));
    let facts = [
        (column, name.as_str()),
        ("label", args.label.name()),
        ("who", &who),
        ("when", &when),
        ("why", &args.why),
    ];
    let written = header(&args.file)?;
    let header = match &written {
        Some(header) => header.clone(),
        None => facts.iter().map(|(name, _)| (*name).to_owned()).collect(),
    };
    for needed in [column, "label"] {
        if !header.iter().any(|found| found == needed) {
            let columns = header.join(", ");
            return Err(Failure::user(format!(
                "{} has no column {needed}, but {columns}",
                args.file.display()
            ))
            .hint("write labels of sessions and of clients into different tables"));
        }
    }
    let value =
        |column: &String| facts.iter().find(|(name, _)| name == column).map_or("", |(_, value)| value);
    let row: Vec<&str> = header.iter().map(value).collect();
    append(&args.file, written.is_none().then_some(&header), &row)?;
    remark(&format!("{name} is {} in {}", args.label.name(), args.file.display()));
    Ok(Outcome::Fine)
}

/// The names of the columns of a table that is there, in lower case.
fn header(path: &Path) -> Result<Option<Vec<String>>> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::file("read", path, &error)),
        Ok(facts) if facts.len() == 0 => return Ok(None),
        Ok(_) => {}
    }
    let wrong = |error: csv::Error| Failure::user(format!("{}: {error}", path.display()));
    let mut reader = csv::Reader::from_path(path).map_err(wrong)?;
    let header = reader.headers().map_err(wrong)?;
    Ok(Some(header.iter().map(|name| name.trim().to_ascii_lowercase()).collect()))
}

/// Adds a row, in one write, so that two who label at once spoil nothing.
fn append(path: &Path, header: Option<&Vec<String>>, row: &[&str]) -> Result<()> {
    let failed = |error: &std::io::Error| Failure::file("write", path, error);
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = header.map_or(Ok(()), |header| writer.write_record(header));
    header.and_then(|()| writer.write_record(row)).map_err(|error| Failure::program(error.to_string()))?;
    let bytes = writer.into_inner().map_err(|error| failed(error.error()))?;
    let mut file = OpenOptions::new().create(true).append(true).open(path).map_err(|error| failed(&error))?;
    file.write_all(&bytes).map_err(|error| failed(&error))
}
