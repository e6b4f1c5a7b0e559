//! `lanner api replay`: what is unusual in a log that was never seen before, without any configuration.

use std::collections::HashSet;
use std::sync::Arc;

use lanner_core::time::{format_duration, format_time};
use lanner_traffic::{Baseline, Endpoints, Finding, FindingKind, Learner, Ranking, Session, Traffic, find};
use serde::Serialize;

use super::log::{Log, LogArgs};
use super::outcome::{SessionRow, client};
use crate::failure::{Outcome, Result, is_for_people};
use crate::list::{self, Cell, Format, Row};
use crate::output::{self, counted};

/// Endpoints shown.
const N_ENDPOINTS: usize = 10;

/// Fewer sessions say nothing about what is usual.
const MIN_SESSIONS: usize = 20;

/// Find unusual sessions in an access log, without configuration or labels.
///
/// Reads logs of nginx, Apache, Envoy, Traefik, Caddy and AWS load balancers, learns the paths of the API and what clients
/// usually do, and shows two things: findings, which are behaviour with a name and the evidence for it (enumeration, parameter
/// pollution, probing, attack patterns, brute force, malformed requests), and the sessions that differ most from the
/// others, with the reasons. Only findings count for the exit code: some session is always the most unusual.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner api replay access.log
  lanner api replay access.log.gz --openapi openapi.yaml --top 20
  lanner api replay custom.log --log-format '$remote_addr [$time_local] \"$request\" $status'
  kubectl logs deploy/envoy | lanner api replay - --format json

Exit codes: 0 when there were no findings, 1 when there were, 2 for invalid input or nothing to read, 3 for a
failure.")]
pub(super) struct Args {
    #[command(flatten)]
    log: LogArgs,
    /// Unusual sessions shown.
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    top: usize,
    /// Output format; as CSV only the findings are written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let log = args.log.read()?;
    let (templates, endpoints) = log.recording.learn(&log.known_paths);
    let traffic = log.recording.traffic(&templates, &endpoints, log.settings);
    let mut learner = Learner::default();
    traffic.sessions.iter().for_each(|session| learner.add(session));
    let baseline = learner.finish(&traffic.sessions);
    let replay = Replay {
        summary: Summary::new(&log, &endpoints, &traffic),
        endpoints: log.recording.busiest(&templates, &endpoints),
        findings: findings(&traffic, &endpoints, &baseline),
        unusual: unusual(&traffic.sessions, &baseline, args.top),
    };
    replay.show(args.format)?;
    Ok(Outcome::found(!replay.findings.is_empty()))
}

/// All that is said.
#[derive(Serialize)]
struct Replay {
    summary: Summary,
    endpoints: Vec<(String, u64)>,
    findings: Vec<FindingRow>,
    unusual: Vec<SessionRow>,
}

#[derive(Serialize)]
struct Summary {
    lines: u64,
    unparsed: u64,
    requests: u64,
    clients: u64,
    sessions: u64,
    endpoints: u64,
    from: String,
    to: String,
    duration_ms: i64,
}

/// A finding about a client.
#[derive(Debug, Serialize)]
struct FindingRow {
    client: String,
    agent: String,
    start: String,
    calls: u32,
    finding: &'static str,
    evidence: String,
}

impl Row for FindingRow {
    const COLUMNS: &'static [&'static str] = &["client", "start", "calls", "finding", "evidence"];

    fn cells(&self) -> Vec<Cell> {
        vec![
            self.client.as_str().into(),
            self.start.as_str().into(),
            u64::from(self.calls).into(),
            self.finding.into(),
            self.evidence.as_str().into(),
        ]
    }
}

impl FindingRow {
    fn new(key: &str, first_ms: i64, calls: u32, kind: FindingKind, evidence: String) -> Self {
        let (client, agent) = client(key);
        Self { client, agent, start: format_time(first_ms), calls, finding: kind.name(), evidence }
    }
}

impl Summary {
    fn new(log: &Log, endpoints: &Endpoints, traffic: &Traffic) -> Self {
        let (first_ms, last_ms) = log.recording.span_ms().unwrap_or_default();
        Self {
            lines: log.n_lines,
            unparsed: log.n_unparsed,
            requests: log.recording.n_calls() as u64,
            clients: log.recording.n_clients() as u64,
            sessions: traffic.sessions.len() as u64,
            endpoints: endpoints.len() as u64 - 1,
            from: format_time(first_ms),
            to: format_time(last_ms),
            duration_ms: last_ms - first_ms,
        }
    }
}

/// The findings of sessions, and of walks that were too slow for any of them to show.
fn findings(traffic: &Traffic, endpoints: &Endpoints, baseline: &Baseline) -> Vec<FindingRow> {
    let mut rows = Vec::new();
    let mut is_known: HashSet<(Arc<str>, FindingKind)> = HashSet::new();
    for session in &traffic.sessions {
        for Finding { kind, evidence } in find(session, endpoints, baseline) {
            is_known.insert((session.key.clone(), kind));
            rows.push(FindingRow::new(&session.key, session.first_ms, session.n_calls, kind, evidence));
        }
    }
    for walk in &traffic.walks {
        for Finding { kind, evidence } in walk.findings(endpoints, baseline) {
            if is_known.insert((walk.key.clone(), kind)) {
                rows.push(FindingRow::new(&walk.key, walk.first_ms, walk.n_calls, kind, evidence));
            }
        }
    }
    rows.sort_by(|a, b| (&a.start, &a.client, a.finding).cmp(&(&b.start, &b.client, b.finding)));
    rows
}

/// The most unusual sessions, if there are enough to say what is usual.
fn unusual(sessions: &[Session], baseline: &Baseline, n: usize) -> Vec<SessionRow> {
    if sessions.len() < MIN_SESSIONS {
        return Vec::new();
    }
    let ranking = Ranking::new(baseline);
    let mut ranked: Vec<_> = sessions.iter().map(|session| (ranking.of(session, true), session)).collect();
    ranked.sort_by(|a, b| b.0.score.total_cmp(&a.0.score).then_with(|| a.1.key.cmp(&b.1.key)));
    ranked.iter().take(n).map(|(unusual, session)| SessionRow::unusual(session, unusual, baseline)).collect()
}

impl Replay {
    fn show(&self, format: Format) -> Result<()> {
        match format {
            Format::Json => output::json(self),
            Format::Csv => list::list(format, &self.findings, ""),
            Format::Table => self.show_tables(),
        }
    }

    fn show_tables(&self) -> Result<()> {
        let Summary { requests, clients, sessions, endpoints, from, duration_ms, .. } = &self.summary;
        output::line(&format!(
            "{} by {} in {} from {from}: {} at {}",
            counted(*requests, "request"),
            counted(*clients, "client"),
            format_duration(*duration_ms / 1_000 * 1_000),
            counted(*sessions, "session"),
            counted(*endpoints, "endpoint"),
        ))?;
        let blank = || if is_for_people() { output::line("") } else { Ok(()) };
        blank()?;
        let shown = self.endpoints.iter().take(N_ENDPOINTS);
        list::table(
            &["calls", "endpoint"],
            &mut shown.map(|(name, n)| vec![(*n).into(), name.as_str().into()]),
        )?;
        blank()?;
        list::list(Format::Table, &self.findings, "No findings.")?;
        blank()?;
        list::list(Format::Table, &self.unusual, "There are too few sessions to say which are unusual.")
    }
}
