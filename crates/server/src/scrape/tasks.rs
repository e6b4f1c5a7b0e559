//! The jobs that are in force: each asks its targets at its interval, spread over it.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use lanner_io::remote::{Clients, Problem};
use lanner_io::scrape::{Job, ScrapeConfig, Target};
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};

use super::taken::take;
use crate::http::blocking;
use crate::intake::service::IntakeService;

/// Targets of one job that are asked at one time: those that hang keep no other job waiting.
const PARALLEL: usize = 64;

/// Runs until the server stops. The jobs may change meanwhile: those before are ended, and all begin anew.
pub(crate) async fn run(service: Arc<IntakeService>) {
    let mut changes = service.live.changes();
    while !service.shutdown.has_begun() {
        changes.mark_unchanged();
        let jobs = Arc::clone(&service.live.get().scrape);
        let running = start(&service, &jobs);
        loop {
            tokio::select! {
                // Its other end is part of the service.
                _ = changes.changed() => {}
                () = service.shutdown.begun() => return,
            }
            if !Arc::ptr_eq(&service.live.get().scrape, &jobs) {
                break;
            }
        }
        drop(running);
    }
}

/// Starts all jobs. They end when what is returned is dropped.
fn start(service: &Arc<IntakeService>, configs: &[ScrapeConfig]) -> JoinSet<()> {
    let clients = Clients::default();
    let mut running = JoinSet::new();
    for config in configs {
        match config.build(&clients) {
            Ok(job) => _ = running.spawn(repeat(Arc::clone(service), Arc::new(job))),
            Err(problems) => {
                let problems: Vec<String> = problems.iter().map(Problem::to_string).collect();
                tracing::error!(job = config.job(), "cannot be scraped: {}", problems.join("; "));
            }
        }
    }
    running
}

async fn repeat(service: Arc<IntakeService>, job: Arc<Job>) {
    let slots = Arc::new(Semaphore::new(PARALLEL));
    let mut begins = tokio::time::interval(job.interval());
    begins.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut known_problems = Vec::new();
    let mut asked: JoinSet<()> = JoinSet::new();
    let mut under_way: HashMap<Target, AbortHandle> = HashMap::new();
    loop {
        let begin = begins.tick().await;
        let of_files = Arc::clone(&job);
        let Ok((targets, problems)) = blocking(move || of_files.targets()).await else { continue };
        if problems != known_problems {
            problems.iter().for_each(|problem| tracing::warn!(job = job.name(), "targets: {problem}"));
            known_problems = problems;
        }
        while asked.try_join_next().is_some() {}
        under_way.retain(|_, task| !task.is_finished());
        for target in targets {
            // A target that is still to be asked is not asked twice: what waits is bounded by the targets that there are.
            if under_way.contains_key(&target) {
                continue;
            }
            let (service, job, slots) = (Arc::clone(&service), Arc::clone(&job), Arc::clone(&slots));
            let asked_for = target.clone();
            let task = asked.spawn(async move {
                tokio::time::sleep_until(begin + offset(&target, job.interval())).await;
                // Never closed, so it always comes.
                let _slot = slots.acquire().await;
                scrape(&service, &job, &target).await;
            });
            under_way.insert(asked_for, task);
        }
    }
}

/// When in an interval a target is asked: always at the same time, and each at its own.
fn offset(target: &Target, interval: Duration) -> Duration {
    let mut hasher = DefaultHasher::new();
    target.labels.hash(&mut hasher);
    let share = hasher.finish() as f64 / 2f64.powi(64);
    interval.mul_f64(share)
}

async fn scrape(service: &IntakeService, job: &Job, target: &Target) {
    let (time_ms, begun) = (service.now_ms(), Instant::now());
    let answer = job.ask(target).await;
    if let Err(error) = take(service, job, target, (time_ms, begun.elapsed()), answer).await {
        tracing::warn!(job = job.name(), instance = target.address, "a scrape is not stored: {error}");
    }
}
