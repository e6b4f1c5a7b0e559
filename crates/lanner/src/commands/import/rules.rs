//! `lanner import prometheus-rules` and its like: rules of other programs as a configuration of Lanner's.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::folder;
use crate::failure::{Failure, Outcome, Result, remark};
use crate::moving::{Moving, Names, PROGRAMS};
use crate::{files, output};
use lanner_core::document::yaml;
use lanner_core::nearest;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Convert alert rules of Prometheus, Thanos, Mimir and vmalert.
    #[command(after_help = "\
Examples:
  lanner import prometheus-rules alerts.yml > lanner.yaml
  lanner import prometheus-rules --source prod --receiver on-call rules/*.yml > lanner.yaml")]
    PrometheusRules(FromSource),
    /// Convert alert rules of Grafana, as its provisioning and its export have them.
    #[command(after_help = "\
Examples:
  lanner import grafana-alerts --source prod alert-rules.yaml > lanner.yaml")]
    GrafanaAlerts(FromSource),
    /// Convert receivers, routes, inhibition and time intervals of Alertmanager.
    #[command(after_help = "\
Examples:
  lanner import alertmanager alertmanager.yml > receivers.yaml")]
    Alertmanager(Files),
    /// Convert rules of ElastAlert 2.
    #[command(after_help = "\
Examples:
  lanner import elastalert --source logs --receiver on-call rules > lanner.yaml")]
    Elastalert(FromSource),
    /// Convert detectors of OpenSearch's plugin for anomaly detection, as its API answers them.
    #[command(after_help = "\
Examples:
  lanner import opensearch-detectors --source logs detectors/*.json > lanner.yaml
  curl https://search.example/_plugins/_anomaly_detection/detectors/_search | lanner import opensearch-detectors --source logs /dev/stdin > lanner.yaml")]
    OpensearchDetectors(FromSource),
    /// Convert scenarios of RADAR: tiers of risk become rules, mitigations switches that end with their alerts.
    #[command(after_help = "\
Examples:
  lanner import radar --stream wazuh --receiver soc ar.yaml > radar.yaml")]
    Radar(FromStream),
    /// Convert detection rules of Sigma.
    #[command(after_help = "\
Examples:
  lanner import sigma --stream sysmon --receiver soc rules/windows > lanner.yaml")]
    Sigma(FromStream),
}

#[derive(Debug, clap::Args)]
pub(super) struct Files {
    /// Files to convert; of a folder all YAML and JSON files below it.
    #[arg(required = true, value_name = "FILE|FOLDER")]
    files: Vec<PathBuf>,
}

/// Rules that ask a source.
#[derive(Debug, clap::Args)]
pub(super) struct FromSource {
    #[command(flatten)]
    files: Files,
    /// Source that the rules query; by default prometheus, elasticsearch or opensearch.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    #[command(flatten)]
    notified: Notified,
}

/// Rules on the events of a stream.
#[derive(Debug, clap::Args)]
pub(super) struct FromStream {
    #[command(flatten)]
    files: Files,
    /// Stream that holds the events; by default wazuh for RADAR, and named after the log source of a rule of Sigma.
    #[arg(long, value_name = "NAME")]
    stream: Option<String>,
    #[command(flatten)]
    notified: Notified,
}

#[derive(Debug, clap::Args)]
struct Notified {
    /// Receiver to notify; may be given more than once.
    #[arg(long = "receiver", value_name = "NAME")]
    receivers: Vec<String>,
}

/// What one command line asks for.
struct Asked<'a> {
    program: &'static str,
    files: &'a [PathBuf],
    source: Option<&'a str>,
    stream: Option<&'a str>,
    receivers: &'a [String],
}

impl Files {
    fn asked(&self, program: &'static str) -> Asked<'_> {
        Asked { program, files: &self.files, source: None, stream: None, receivers: &[] }
    }
}

impl FromSource {
    fn asked(&self, program: &'static str) -> Asked<'_> {
        let Self { files, source, notified } = self;
        Asked { source: source.as_deref(), receivers: &notified.receivers, ..files.asked(program) }
    }
}

impl FromStream {
    fn asked(&self, program: &'static str) -> Asked<'_> {
        let Self { files, stream, notified } = self;
        Asked { stream: stream.as_deref(), receivers: &notified.receivers, ..files.asked(program) }
    }
}

impl Command {
    fn asked(&self) -> Asked<'_> {
        match self {
            Self::PrometheusRules(args) => args.asked("prometheus-rules"),
            Self::GrafanaAlerts(args) => args.asked("grafana-alerts"),
            Self::Alertmanager(args) => args.asked("alertmanager"),
            Self::Elastalert(args) => args.asked("elastalert"),
            Self::OpensearchDetectors(args) => args.asked("opensearch-detectors"),
            Self::Radar(args) => args.asked("radar"),
            Self::Sigma(args) => args.asked("sigma"),
        }
    }
}

/// The program whose rules somebody means, whose word is neither a file nor a command.
pub(super) fn meant(word: &str) -> Option<&'static str> {
    let names = PROGRAMS.iter().map(|program| program.name);
    let begun = names.clone().find(|name| word.len() > 3 && name.starts_with(word));
    begun.or_else(|| nearest(word, names))
}

pub(super) fn is_yaml(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("yaml") || ending.eq_ignore_ascii_case("yml"))
}

/// How a file with rules comes in.
pub(super) fn ways_in(file: &impl std::fmt::Display) -> String {
    let names: Vec<_> = PROGRAMS.iter().map(|program| program.name).collect();
    format!(
        "`lanner apply {file}` puts rules of Lanner into effect, `lanner import PROGRAM {file}` converts those of another program: {}",
        names.join(", ")
    )
}

/// Writes the configuration to standard output, and what is not in it to standard error.
pub(super) fn run(command: &Command) -> Result<Outcome> {
    let Asked { program: name, files, source, stream, receivers } = command.asked();
    let program = PROGRAMS.iter().find(|program| program.name == name);
    let program =
        program.ok_or_else(|| Failure::program(format!("{name} is not in the list of programs")))?;
    let names = Names {
        source: source.unwrap_or(program.source).to_owned(),
        stream: stream.map(str::to_owned),
        receivers: receivers.to_vec(),
    };
    let mut moving = Moving::default();
    for file in expand(files)? {
        let before = (moving.left.len(), moving.notes.len());
        moving.take(program, &files::read_text(&file)?, &names);
        let new = [moving.left.get(before.0..), moving.notes.get(before.1..)];
        // As whoever goes through the file meets them.
        let mut remarks: Vec<_> = new.into_iter().flatten().flatten().collect();
        remarks.sort_by_key(|remark| remark.at);
        for one in remarks {
            let space = if one.at.is_some() { "" } else { " " };
            remark(&format!("{}:{space}{one}", file.display()));
        }
    }
    if moving.n_found == 0 {
        let hint = format!("`lanner import {name}` reads {}", program.about);
        return Err(Failure::user(format!("no {} found", program.noun)).hint(hint));
    }
    output::text(&yaml(&moving.configuration()))?;
    let remarks = match moving.notes.len() {
        0 => String::new(),
        n_notes => format!(", with {}", output::counted(n_notes as u64, "remark")),
    };
    remark(&format!("converted {} of {} {}{remarks}", moving.n_taken, moving.n_found, program.noun));
    Ok(Outcome::found(moving.n_taken < moving.n_found || !moving.notes.is_empty()))
}

/// The files that are meant: those below a folder, in order of their paths.
fn expand(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let below = folder::files_below(path, |name| is_written(name).then_some(()));
        let below = below.map_err(|error| Failure::file("read", path, &error))?;
        let shown = below.into_iter().map(|(file, ())| file).filter(|file| !is_hidden(path, file));
        let n_before = files.len();
        files.extend(shown);
        if files.len() == n_before {
            let message = format!("the folder {} contains no YAML or JSON file", path.display());
            return Err(Failure::user(message).hint("name the files themselves if they end otherwise"));
        }
    }
    Ok(files)
}

fn is_written(name: &str) -> bool {
    let name = name.to_lowercase();
    [".yaml", ".yml", ".json"].iter().any(|ending| name.ends_with(ending))
}

/// Whether a file below a folder, or a folder that it lies in, is one that tools keep for themselves, such as `.git`.
fn is_hidden(folder: &Path, file: &Path) -> bool {
    let below = file.strip_prefix(folder).unwrap_or(file);
    below.iter().any(|part| part.to_string_lossy().starts_with('.'))
}
