//! `lanner status`: health and contents of the server.

use lanner_wire::api::{
    ConsumerView, ProcessorView, RetentionView, SharingStatus, SourceView, Status, WorkerView,
};

use super::shared::Shared;
use crate::client;
use crate::failure::{Outcome, Result};
use crate::list::{self, Cell, Row};
use crate::progress;

/// Show the health and the contents of the server.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner status
  lanner status --format json
  lanner status --url https://lanner.example.org --token TOKEN

Exit codes: 0 when the server is ready, 1 when it responds but is not ready.")]
pub(crate) struct Args {
    #[command(flatten)]
    shared: Shared,
}

impl Row for Status {
    const COLUMNS: &'static [&'static str] = &[
        "ready",
        "version",
        "started",
        "data",
        "state",
        "size",
        "keeps",
        "damaged",
        "series",
        "streams",
        "samples in",
        "events in",
        "refused",
        "unmatched",
        "sources",
        "workers",
        "consumers",
        "rules",
        "evaluations",
        "behind",
        "next",
        "firing",
        "pending",
        "no data",
        "error",
        "to send",
        "given up",
        "set aside",
        "problems",
    ];
    fn cells(&self) -> Vec<Cell> {
        vec![
            if self.ready { "yes" } else { "no" }.into(),
            self.version.as_str().into(),
            self.started.into(),
            self.store.path.as_str().into(),
            self.store.state.as_deref().unwrap_or("with the data").into(),
            format!("{}B", progress::scaled(self.store.bytes as f64)).into(),
            kept(&self.store.retention).into(),
            damaged(&self.store.damage).into(),
            self.store.series.into(),
            self.store.streams.into(),
            self.ingest.samples.into(),
            self.ingest.events.into(),
            self.ingest.rejected.into(),
            Some(unmatched(&self.processors)).filter(|text| !text.is_empty()).into(),
            Some(sources(&self.sources)).filter(|text| !text.is_empty()).into(),
            self.sharing.as_ref().map(workers).into(),
            Some(consumers(&self.consumers)).filter(|text| !text.is_empty()).into(),
            self.engine.rules.into(),
            self.engine.evaluations.into(),
            lanner_core::time::format_duration(self.engine.lag_ms).into(),
            self.engine.next.into(),
            self.alerts.firing.into(),
            self.alerts.pending.into(),
            self.alerts.no_data.into(),
            self.alerts.error.into(),
            self.outbox.pending.into(),
            self.outbox.dead.into(),
            Some(
                self.set_aside
                    .iter()
                    .map(|aside| format!("{} \"{}\"", aside.kind, aside.id))
                    .collect::<Vec<_>>()
                    .join(", "),
            )
            .filter(|names| !names.is_empty())
            .into(),
            self.problems.join("; ").into(),
        ]
    }
}

/// `access 3 of 120`: the processors whose events were not all what they expect.
fn unmatched(processors: &[ProcessorView]) -> String {
    let some = processors.iter().filter(|one| one.unmatched > 0);
    let texts: Vec<String> =
        some.map(|one| format!("{} {} of {}", one.id, one.unmatched, one.events)).collect();
    texts.join(", ")
}

/// Who shares the work: `process 7 on a: 128 shards, 5 rules`, and what nobody does.
fn workers(sharing: &SharingStatus) -> String {
    let worker = |it: &WorkerView| format!("{}: {} shards, {} rules", it.name, it.shards, it.rules);
    let free = (sharing.free > 0).then(|| format!("{} shards are nobody's", sharing.free));
    sharing.workers.iter().map(worker).chain(free).collect::<Vec<_>>().join("; ")
}

/// `berlin answering; tokyo failing: no answer within 10s`
fn sources(sources: &[SourceView]) -> String {
    let text = |source: &SourceView| match &source.problem {
        Some(problem) => format!("{} {}: {problem}", source.name, source.state),
        None => format!("{} {}", source.name, source.state),
    };
    sources.iter().map(text).collect::<Vec<_>>().join("; ")
}

/// `orders consuming, 2 refused (is empty: ); trips failing: nats://a:4222 refuses the credentials`
fn consumers(consumers: &[ConsumerView]) -> String {
    let text = |consumer: &ConsumerView| {
        let refused = match &consumer.refusal {
            Some(refusal) => format!(", {} refused ({refusal})", consumer.refused),
            None => String::new(),
        };
        let problem = consumer.problem.as_ref().map_or_else(String::new, |problem| format!(": {problem}"));
        format!("{} {}{refused}{problem}", consumer.name, consumer.state)
    };
    consumers.iter().map(text).collect::<Vec<_>>().join("; ")
}

/// `no`, or how much and the first of it.
fn damaged(damage: &[String]) -> String {
    match damage {
        [] => "no".to_owned(),
        [only] => only.clone(),
        [first, more @ ..] => format!("{first}, and {} more", more.len()),
    }
}

/// `series * 10s:1d, 1h:3y; events * 30d`.
fn kept(retention: &RetentionView) -> String {
    let series =
        retention.series.iter().map(|rule| format!("series {} {}", rule.pattern, rule.keep.join(", ")));
    let events = retention.events.iter().map(|rule| format!("events {} {}", rule.pattern, rule.keep));
    series.chain(events).collect::<Vec<_>>().join("; ")
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    client::with(&args.shared.server, async |client| {
        let status: Status = client.get(&["api", "v1", "status"], &[]).await?;
        list::one(args.shared.format, &status)?;
        Ok(Outcome::found(!status.ready))
    })
}
