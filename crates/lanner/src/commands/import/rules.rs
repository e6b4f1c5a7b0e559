//! `lanner import prometheus-rules` and its like: rules of other programs as a configuration of Lanner's.

use std::path::PathBuf;

use clap::Subcommand;

use crate::failure::{Failure, Outcome, Result, remark};
use crate::moving::{Moving, Names, PROGRAMS, Program};
use crate::{files, output};
use lanner_core::document::yaml;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Convert alert rules of Prometheus, Thanos, Mimir and vmalert.
    #[command(after_help = "\
Examples:
  lanner import prometheus-rules alerts.yml > lanner.yaml
  lanner import prometheus-rules --source prod --receiver on-call rules/*.yml > lanner.yaml")]
    PrometheusRules(Args),
    /// Convert alert rules of Grafana, as its provisioning and its export have them.
    #[command(after_help = "\
Examples:
  lanner import grafana-alerts --source prod alert-rules.yaml > lanner.yaml")]
    GrafanaAlerts(Args),
    /// Convert receivers, routes, inhibition and time intervals of Alertmanager.
    #[command(after_help = "\
Examples:
  lanner import alertmanager alertmanager.yml > receivers.yaml")]
    Alertmanager(Args),
    /// Convert rules of ElastAlert 2.
    #[command(after_help = "\
Examples:
  lanner import elastalert --source logs rules/*.yaml > lanner.yaml")]
    Elastalert(Args),
    /// Convert detectors of OpenSearch's plugin for anomaly detection, as its API answers them.
    #[command(after_help = "\
Examples:
  lanner import opensearch-detectors --source logs detectors/*.json > lanner.yaml
  curl https://search.example/_plugins/_anomaly_detection/detectors/_search | lanner import opensearch-detectors --source logs /dev/stdin > lanner.yaml")]
    OpensearchDetectors(Args),
    /// Convert scenarios of RADAR: tiers of risk become rules, mitigations switches that end with their alerts.
    #[command(after_help = "\
Examples:
  lanner import radar --stream wazuh --receiver soc ar.yaml > radar.yaml")]
    Radar(Args),
    /// Convert detection rules of Sigma.
    #[command(after_help = "\
Examples:
  lanner import sigma --stream sysmon rules/windows/*.yml > lanner.yaml")]
    Sigma(Args),
}

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files to convert.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Source that the rules query; by default prometheus, elasticsearch or opensearch.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Stream that holds the events; by default named after the rule's log source.
    #[arg(long, value_name = "NAME")]
    stream: Option<String>,
    /// Receiver to notify.
    #[arg(long = "receiver", value_name = "NAME")]
    receivers: Vec<String>,
}

impl Command {
    /// What is converted, and how.
    fn parts(&self) -> (&'static str, &Args) {
        match self {
            Self::PrometheusRules(args) => ("prometheus-rules", args),
            Self::GrafanaAlerts(args) => ("grafana-alerts", args),
            Self::Alertmanager(args) => ("alertmanager", args),
            Self::Elastalert(args) => ("elastalert", args),
            Self::OpensearchDetectors(args) => ("opensearch-detectors", args),
            Self::Radar(args) => ("radar", args),
            Self::Sigma(args) => ("sigma", args),
        }
    }
}

/// Writes the configuration to standard output, and what is not in it to standard error.
pub(super) fn run(command: &Command) -> Result<Outcome> {
    let (name, args) = command.parts();
    let program = PROGRAMS.iter().find(|program| program.name == name);
    let program =
        program.ok_or_else(|| Failure::program(format!("{name} is not in the list of programs")))?;
    let mut moving = Moving::default();
    for file in &args.files {
        let before = (moving.left.len(), moving.notes.len());
        moving.take(program, &files::read_text(file)?, &names(program, args));
        for remarks in [moving.left.get(before.0..), moving.notes.get(before.1..)].into_iter().flatten() {
            remarks.iter().for_each(|one| remark(&format!("{}:{one}", file.display())));
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

fn names(program: &Program, args: &Args) -> Names {
    let source = args.source.clone().unwrap_or_else(|| program.source.to_owned());
    Names { source, stream: args.stream.clone(), receivers: args.receivers.clone() }
}
