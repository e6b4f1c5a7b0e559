//! The endpoints that are in force: what they are to be sent is gathered, and sent.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use lanner_core::{Sample, SeriesKey};
use lanner_io::remote::{Clients, Problem};
use lanner_io::remote_write::RemoteWriteConfig;
use lanner_wire::Report;
use lanner_wire::prometheus::write_request::{STALE, portable};
use lanner_wire::prometheus::{series_key, text};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::alerts::Alerts;
use super::evaluations;
use super::sending::{Queue, keep_sending};
use crate::evaluate::written::Written;
use crate::health::page;
use crate::health::service::HealthService;

/// How long what waits may be sent for when the server stops, or other endpoints are in force.
const GRACE: Duration = Duration::from_secs(2);

/// Runs until the server stops. The endpoints may change meanwhile: those before are ended, and all begin anew.
pub(crate) async fn run(service: Arc<HealthService>) {
    let mut changes = service.live.changes();
    while !service.shutdown.has_begun() {
        changes.mark_unchanged();
        let configs = Arc::clone(&service.live.get().remote_write);
        let (stop, stopped) = watch::channel(false);
        let mut running = start(&service, &configs, &stopped);
        loop {
            tokio::select! {
                // Its other end is part of the service.
                _ = changes.changed() => {}
                () = service.shutdown.begun() => break,
            }
            if !Arc::ptr_eq(&service.live.get().remote_write, &configs) {
                break;
            }
        }
        stop.send_replace(true);
        while running.join_next().await.is_some() {}
    }
}

fn start(
    service: &Arc<HealthService>,
    configs: &[RemoteWriteConfig],
    stopped: &watch::Receiver<bool>,
) -> JoinSet<()> {
    let (clients, mut running) = (Clients::default(), JoinSet::new());
    for config in configs {
        match config.build(&clients) {
            Ok(endpoint) => {
                let queue = Arc::new(Queue::new(endpoint));
                let written = service.evaluation.written.subscribe();
                let gathering = gather(Arc::clone(service), Arc::clone(&queue), written);
                let stopping = until(stopped.clone());
                running.spawn(async move {
                    tokio::select! {
                        () = gathering => {}
                        () = keep_sending(queue, stopping, GRACE) => {}
                    }
                });
            }
            Err(problems) => {
                let problems: Vec<String> = problems.iter().map(Problem::to_string).collect();
                tracing::error!(endpoint = config.name(), "cannot be sent to: {}", problems.join("; "));
            }
        }
    }
    running
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // Fails only when the sender is gone, and then it is over as well.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Adds what is to be sent, as it comes and at each interval. Never ends.
async fn gather(service: Arc<HealthService>, queue: Arc<Queue>, mut written: broadcast::Receiver<Written>) {
    let mut ticks = tokio::time::interval(Duration::from_millis(queue.endpoint.bounds.interval_ms));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut regular = Regular::default();
    loop {
        tokio::select! {
            _ = ticks.tick() => regular.add(&service, &queue),
            news = written.recv() => match news {
                Ok(changes) if queue.endpoint.content.evaluations => {
                    queue.add(changes.evaluations.iter().flat_map(evaluations::samples));
                }
                Ok(_) => {}
                Err(RecvError::Lagged(n_cycles)) => {
                    let endpoint = &*queue.endpoint.name;
                    tracing::warn!(endpoint, "what {n_cycles} cycles evaluated is not sent: this machine is too busy");
                }
                Err(RecvError::Closed) => std::future::pending().await,
            },
        }
    }
}

/// What is added at each interval.
#[derive(Default)]
struct Regular {
    /// The series of alerts of the time before: those that are gone are marked as ended.
    lasting: BTreeSet<SeriesKey>,
    /// A series has one value for a time: a clock that stands still says nothing new.
    last_ms: Option<i64>,
}

impl Regular {
    fn add(&mut self, service: &HealthService, queue: &Queue) {
        let now_ms = service.now_ms();
        if self.last_ms.is_some_and(|last_ms| now_ms <= last_ms) {
            return;
        }
        self.last_ms = Some(now_ms);
        if queue.endpoint.content.alerts {
            queue.add(self.alerts(service, now_ms));
        }
        if queue.endpoint.content.metrics {
            queue.add(metrics(service, now_ms));
        }
    }

    fn alerts(&mut self, service: &HealthService, now_ms: i64) -> Vec<(SeriesKey, Sample)> {
        let alerts = Alerts::now(&service.evaluation);
        let mut samples: Vec<(SeriesKey, Sample)> =
            alerts.series.iter().map(|(key, value)| (key.clone(), Sample::new(now_ms, *value))).collect();
        let lasting: BTreeSet<SeriesKey> = alerts.series.into_keys().collect();
        let ended = self.lasting.difference(&lasting);
        samples.extend(ended.map(|key| (key.clone(), Sample::new(now_ms, STALE))));
        self.lasting = lasting;
        samples
    }
}

/// The server's own metrics.
fn metrics(service: &HealthService, now_ms: i64) -> Vec<(SeriesKey, Sample)> {
    let (mut report, mut samples) = (Report::default(), Vec::new());
    text::parse(page(service).as_bytes(), &mut report, |sample| {
        let key = series_key(sample.raw_series).map_err(|(_, why)| why)?;
        samples.push((portable(&key.name, &key.labels), Sample::new(now_ms, sample.value)));
        Ok(())
    });
    samples
}
