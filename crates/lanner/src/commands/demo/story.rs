//! Three weeks through a running server: data in over HTTP, rules, and the clock put on from one due time to the
//! next.
//!
//! The first two weeks are taken in as history. Then the rules are applied, and for a week every minute's data is
//! written when the minute is over and every window is evaluated when it is due, just later than in life: in life
//! the machine waits, here the clock is put on.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lanner_core::time::{HOUR_MS, MINUTE_MS, WEEK_MS, format_time};
use lanner_engine::document::Node;
use lanner_server::Server;
use lanner_wire::api::{ApplyRequest, ApplyResponse};
use serde_json::Value;

use super::hook::Hook;
use super::labelled::{self, Labelled};
use super::payments::Payments;
use super::refusal::{self, Refusal};
use crate::client::Client;
use crate::failure::{Failure, Result};
use crate::progress::scaled;

/// The demo's rules.
pub(super) const RULES: &str = include_str!("../../../demo/rules.yaml");

/// How long the whole story is.
const LENGTH_MS: i64 = 3 * WEEK_MS;
/// How long rules watch, up to the end.
const WATCHED_MS: i64 = WEEK_MS;
/// How much history goes into one request.
const HISTORY_CHUNK_MS: i64 = 12 * HOUR_MS;
/// From the outage to the end of the story, which goes on at natural speed then.
const OUTAGE_BEFORE_END_MS: i64 = 55 * MINUTE_MS;
/// How long the server may take for one step of the clock, in the machine's time.
const PATIENCE: Duration = Duration::from_secs(60);

/// When what happens, milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) start_ms: i64,
    /// When the rules are applied.
    pub(super) watched_ms: i64,
    /// When the bank begins to fail.
    pub(super) outage_ms: i64,
    pub(super) end_ms: i64,
}

impl Times {
    /// The latest three weeks that end before `now_ms`.
    pub(super) fn before(now_ms: i64) -> Result<Self> {
        let end_ms = labelled::latest_end_ms(now_ms)?;
        Ok(Self {
            start_ms: end_ms - LENGTH_MS,
            watched_ms: end_ms - WATCHED_MS,
            outage_ms: end_ms - OUTAGE_BEFORE_END_MS,
            end_ms,
        })
    }
}

/// What was written, and how long the server took for it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Written {
    pub(super) n_samples: u64,
    pub(super) n_events: u64,
    pub(super) n_rejected: u64,
}

impl Written {
    pub(super) const fn n_rows(&self) -> u64 {
        self.n_samples + self.n_events
    }
}

/// Where the data comes from, and where it goes.
pub(super) struct Feed<'c> {
    client: &'c Client,
    series: Vec<Labelled>,
    payments: Payments,
    written: Written,
}

impl<'c> Feed<'c> {
    pub(super) fn new(client: &'c Client, times: Times) -> Result<Self> {
        let series = labelled::series(times.end_ms)?;
        let payments = Payments::new(times.start_ms, times.outage_ms);
        Ok(Self { client, series, payments, written: Written::default() })
    }

    pub(super) fn series(&self) -> &[Labelled] {
        &self.series
    }

    pub(super) const fn written(&self) -> Written {
        self.written
    }

    /// Writes what is known once the minute before `now_ms` is over. Both requests go at once, as from two agents.
    pub(super) async fn write_until(&mut self, now_ms: i64) -> Result<()> {
        let minute_ms = now_ms - now_ms.rem_euclid(MINUTE_MS);
        let (mut lines, mut events) = (String::new(), String::new());
        for series in &mut self.series {
            self.written.n_samples += series.write_until(minute_ms, &mut lines);
        }
        self.written.n_events += self.payments.write_until(minute_ms, &mut events);
        let (samples, events) = tokio::join!(
            send(self.client, &["write"], &[("precision", Some("ms"))], lines),
            send(self.client, &["api", "v1", "events", "payments"], &[], events),
        );
        self.written.n_rejected += samples? + events?;
        Ok(())
    }
}

/// Writes a body, unless it is empty; returns how many lines were refused.
async fn send(
    client: &Client,
    path: &[&str],
    parameters: crate::client::Parameters<'_>,
    body: String,
) -> Result<u64> {
    if body.is_empty() {
        return Ok(0);
    }
    Ok(client.write(path, parameters, body.into_bytes()).await?.rejected)
}

/// Plays the story to its end; the first payment that was refused, if any was.
pub(super) async fn play(
    server: &Server,
    hook: &Hook,
    feed: &mut Feed<'_>,
    times: Times,
) -> Result<Option<Refusal>> {
    let progress = Progress::new(times);
    let mut now_ms = times.start_ms;
    while now_ms < times.watched_ms {
        now_ms = (now_ms + HISTORY_CHUNK_MS).min(times.watched_ms);
        feed.write_until(now_ms).await?;
        step(server, now_ms).await?;
        progress.at(now_ms, feed.written, "history");
    }
    refusal::prepare(feed.client).await?;
    apply_rules(feed.client, hook).await?;
    let mut refusal = None;
    while now_ms < times.end_ms {
        let due_ms = server.services().evaluation.engine().wake_ms().unwrap_or(times.end_ms);
        now_ms = due_ms.clamp(now_ms + 1, times.end_ms);
        feed.write_until(now_ms).await?;
        step(server, now_ms).await?;
        if refusal.is_none() && now_ms >= times.outage_ms {
            refusal = refusal::look(feed.client, now_ms).await?;
        }
        progress.at(now_ms, feed.written, "watched");
    }
    Ok(refusal)
}

async fn apply_rules(client: &Client, hook: &Hook) -> Result<()> {
    let broken = |what: String| Failure::program(format!("the demo's rules are broken: {what}"));
    let mut document = Node::from_yaml(RULES).map_err(|problem| broken(problem.to_string()))?.to_json();
    if let Some(url) = document.pointer_mut("/receivers/0/url") {
        *url = Value::from(hook.url.as_str());
    }
    let request: ApplyRequest =
        serde_json::from_value(document).map_err(|error| broken(error.to_string()))?;
    client.post::<ApplyResponse>(&["api", "v1", "apply"], &request).await.map(drop)
}

/// Puts the clock on, and waits until what is due is evaluated and what is to be said is delivered.
async fn step(server: &Server, now_ms: i64) -> Result<()> {
    let stuck = |what: &str| Failure::program(format!("at {} {what}", format_time(now_ms)));
    if !server.step_to(now_ms, PATIENCE).await {
        return Err(stuck("evaluation makes no progress").hint("is the disk full, or very slow?"));
    }
    let started = Instant::now();
    while n_pending(server)? > 0 {
        if started.elapsed() > PATIENCE {
            return Err(stuck("the demo's own webhook does not get its messages")
                .hint("does something on this machine block connections to 127.0.0.1?"));
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

fn n_pending(server: &Server) -> Result<u64> {
    let counts = server.store().outbox_counts().map_err(|error| Failure::program(error.to_string()))?;
    Ok(counts.iter().map(|(_, n_pending, _)| n_pending).sum())
}

/// A bar on a terminal; elsewhere nothing.
struct Progress {
    bar: ProgressBar,
    start_ms: i64,
    started: Instant,
}

impl Progress {
    fn new(times: Times) -> Self {
        let minutes = (times.end_ms - times.start_ms) / MINUTE_MS;
        let bar = ProgressBar::with_draw_target(Some(minutes.unsigned_abs()), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("  {wide_bar} {msg}, {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, start_ms: times.start_ms, started: Instant::now() }
    }

    fn at(&self, now_ms: i64, written: Written, what: &str) {
        let rate = written.n_rows() as f64 / self.started.elapsed().as_secs_f64().max(1e-3);
        let day = &format_time(now_ms)[..10];
        let rows = scaled(written.n_rows() as f64);
        self.bar.set_message(format!("{day} {what}, {rows} rows, {}/s", scaled(rate)));
        self.bar.set_position(((now_ms - self.start_ms) / MINUTE_MS).unsigned_abs());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
