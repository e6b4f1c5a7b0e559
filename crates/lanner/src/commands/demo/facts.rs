//! The results: what was found, when, and how late, from the messages of the webhook and from the server's API.
//!
//! Nothing is looked up in the story except when the bank began to fail and what people labelled.

use std::collections::BTreeMap;

use lanner_core::Labels;
use lanner_wire::api::{EvaluationView, Time, WindowView};
use serde::Serialize;

use super::hook::{MessageAlert, Received};
use super::labelled::{Label, Labelled};
use super::payments::FAILING_BANK;
use super::refusal::Refusal;
use super::story::{Times, Written};
use crate::client::Client;
use crate::failure::Result;

/// Everything that the demo has to say.
#[derive(Debug, Serialize)]
pub(super) struct Facts {
    pub(super) url: String,
    pub(super) story: StoryFacts,
    pub(super) loaded: Loaded,
    pub(super) outage: Outage,
    /// The first payment that was refused.
    pub(super) refusal: Option<Refusal>,
    /// Alerts about payments that were not about the outage.
    pub(super) false_alarms: Vec<Found>,
    pub(super) series: Vec<SeriesFacts>,
    pub(super) webhook: WebhookFacts,
}

/// When what happened, by the server's clock.
#[derive(Debug, Serialize)]
pub(super) struct StoryFacts {
    pub(super) start: Time,
    pub(super) watched_from: Time,
    pub(super) end: Time,
    /// How long all of it took by the machine's clock.
    pub(super) took_s: f64,
}

/// What the server took in and did.
#[derive(Debug, Serialize)]
pub(super) struct Loaded {
    pub(super) samples: u64,
    pub(super) events: u64,
    pub(super) rejected: u64,
    pub(super) rules: u64,
    pub(super) evaluations: u64,
}

/// An alert that people were notified of.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Found {
    pub(super) rule: String,
    pub(super) group: Labels,
    /// The window in which it showed.
    pub(super) window: WindowView,
    /// When that window was evaluated.
    pub(super) evaluated: Time,
    /// When the webhook got the message.
    pub(super) told: Time,
    /// When it was over; `null` while it lasts.
    pub(super) ended: Option<Time>,
    pub(super) value: Option<f64>,
    pub(super) base: Option<f64>,
    pub(super) content: String,
    /// From the beginning of the outage, or the moment that was labelled, to the evaluation; below 0 when it
    /// was found before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) after_s: Option<f64>,
}

/// The bank that failed.
#[derive(Debug, Serialize)]
pub(super) struct Outage {
    pub(super) bank: &'static str,
    pub(super) began: Time,
    /// Whether an alert named the bank, and a message about it arrived.
    pub(super) found: bool,
    /// From the beginning of the outage to the first evaluation that found it.
    pub(super) lateness_s: Option<f64>,
    /// How long the window of that rule is.
    pub(super) window_s: Option<f64>,
    pub(super) within_one_window: bool,
    /// The alerts that named the bank, the first one first.
    pub(super) alerts: Vec<Found>,
}

/// A labelled series.
#[derive(Debug, Serialize)]
pub(super) struct SeriesFacts {
    pub(super) series: String,
    pub(super) file: &'static str,
    pub(super) rule: &'static str,
    pub(super) weeks_moved: i64,
    pub(super) labels: Vec<LabelFacts>,
    /// Alerts outside the labelled windows.
    pub(super) outside: Vec<Found>,
}

/// A label, and the alerts inside its window.
#[derive(Debug, Serialize)]
pub(super) struct LabelFacts {
    pub(super) about: String,
    /// As it stands in the benchmark.
    pub(super) original: String,
    pub(super) label: Time,
    pub(super) window: WindowView,
    pub(super) alerts: Vec<Found>,
}

/// What the webhook got.
#[derive(Debug, Serialize)]
pub(super) struct WebhookFacts {
    pub(super) url: String,
    pub(super) messages: u64,
    pub(super) last: Option<LastMessage>,
}

#[derive(Debug, Serialize)]
pub(super) struct LastMessage {
    pub(super) at: Time,
    pub(super) title: String,
}

/// What the alerts of the story come to.
pub(super) struct Judged {
    pub(super) outage: Outage,
    pub(super) false_alarms: Vec<Found>,
    pub(super) series: Vec<SeriesFacts>,
}

/// Counts of the server and the feed.
pub(super) async fn loaded(client: &Client, written: Written) -> Result<Loaded> {
    let status: lanner_wire::api::operations::Status = client.get(&["api", "v1", "status"], &[]).await?;
    Ok(Loaded {
        samples: written.n_samples,
        events: written.n_events,
        rejected: written.n_rejected,
        rules: status.engine.rules,
        evaluations: status.engine.evaluations,
    })
}

/// Every episode that a message told of, the first one first.
pub(super) async fn found(client: &Client, received: &[Received]) -> Result<Vec<Found>> {
    let mut episodes: BTreeMap<(&str, u32), Found> = BTreeMap::new();
    for Received { at_ms, message } in received {
        for alert in &message.alerts {
            let key = (alert.fingerprint.as_str(), alert.episode);
            if let Some(known) = episodes.get_mut(&key) {
                known.ended = alert.resolved;
            } else {
                let evaluated = evaluated(client, alert).await?;
                episodes.insert(key, new(alert, evaluated, *at_ms));
            }
        }
    }
    let mut found: Vec<Found> = episodes.into_values().collect();
    found.sort_by_key(|found| found.evaluated);
    Ok(found)
}

fn new(alert: &MessageAlert, evaluated: Time, told_ms: i64) -> Found {
    Found {
        rule: alert.rule.clone(),
        group: alert.group.clone(),
        window: WindowView { start: alert.window.start, end: alert.window.end },
        evaluated,
        told: Time(told_ms),
        ended: alert.resolved,
        value: alert.value,
        base: alert.base,
        content: alert.content.clone(),
        after_s: None,
    }
}

/// When the window that an alert shows was evaluated.
async fn evaluated(client: &Client, alert: &MessageAlert) -> Result<Time> {
    let end_ms = alert.window.end.0;
    let time = |time_ms| lanner_core::time::format_time(time_ms);
    let (from, to) = (time(end_ms), time(end_ms + 1));
    let parameters = [("rule", Some(alert.rule.as_str())), ("from", Some(&*from)), ("to", Some(&*to))];
    let evaluations: Vec<EvaluationView> = client.get(&["api", "v1", "evaluations"], &parameters).await?;
    let own = evaluations.iter().find(|evaluation| evaluation.group == alert.group);
    Ok(own.map_or(alert.window.end, |evaluation| evaluation.evaluated))
}

/// Sorts what was found by what it was about.
pub(super) fn judge(found: Vec<Found>, series: &[Labelled], times: Times) -> Judged {
    let mut payments = Vec::new();
    let mut of_series: Vec<Vec<Found>> = series.iter().map(|_| Vec::new()).collect();
    for alert in found {
        match series.iter().position(|series| series.rule == alert.rule) {
            Some(at) => of_series[at].push(alert),
            None => payments.push(alert),
        }
    }
    let is_outage =
        |alert: &Found| alert.group.get("bank") == Some(FAILING_BANK) && alert.evaluated.0 >= times.outage_ms;
    let (alerts, false_alarms): (Vec<Found>, Vec<Found>) = payments.into_iter().partition(is_outage);
    let series = series.iter().zip(of_series).map(|(series, alerts)| judge_series(series, alerts)).collect();
    Judged { outage: outage(alerts, times.outage_ms), false_alarms, series }
}

fn outage(alerts: Vec<Found>, began_ms: i64) -> Outage {
    let alerts: Vec<Found> = alerts.into_iter().map(|alert| alert.after(began_ms)).collect();
    let first = alerts.first();
    let lateness_s = first.and_then(|alert| alert.after_s);
    let window_s = first.map(|alert| seconds(alert.window.end.0 - alert.window.start.0));
    Outage {
        bank: FAILING_BANK,
        began: Time(began_ms),
        found: first.is_some(),
        lateness_s,
        window_s,
        within_one_window: lateness_s.zip(window_s).is_some_and(|(late, window)| late <= window),
        alerts,
    }
}

fn judge_series(series: &Labelled, alerts: Vec<Found>) -> SeriesFacts {
    let mut outside = alerts;
    let label = |label: &Label| {
        let (inside, rest) = std::mem::take(&mut outside)
            .into_iter()
            .partition(|found| label.window.contains(found.window.end.0));
        outside = rest;
        let inside: Vec<Found> = inside;
        LabelFacts {
            about: label.about.clone(),
            original: label.original.clone(),
            label: Time(label.at_ms),
            window: label.window.into(),
            alerts: inside.into_iter().map(|found| found.after(label.at_ms)).collect(),
        }
    };
    let labels = series.labels.iter().map(label).collect();
    SeriesFacts {
        series: series.name.clone(),
        file: series.file,
        rule: series.rule,
        weeks_moved: series.weeks_moved,
        labels,
        outside,
    }
}

impl Found {
    fn after(self, time_ms: i64) -> Self {
        Self { after_s: Some(seconds(self.evaluated.0 - time_ms)), ..self }
    }
}

fn seconds(time_ms: i64) -> f64 {
    time_ms as f64 / 1e3
}

/// What the webhook got.
pub(super) fn webhook(url: &str, received: &[Received]) -> WebhookFacts {
    let last = received
        .last()
        .map(|received| LastMessage { at: Time(received.at_ms), title: received.message.title.clone() });
    WebhookFacts { url: url.to_owned(), messages: received.len() as u64, last }
}

impl Facts {
    /// Why the demo does not show what it promises; `None` when it does.
    pub(super) fn shortcoming(&self) -> Option<String> {
        let Outage { bank, found, within_one_window, .. } = self.outage;
        if !found {
            Some(format!("no alert named {bank}, whose payments fail"))
        } else if !within_one_window {
            Some(format!("{bank} was found later than one window after its payments began to fail"))
        } else if !self.refusal.as_ref().is_some_and(|refusal| refusal.others_pass) {
            Some(format!("payments with {bank} are not refused, or others are as well"))
        } else if self.loaded.rejected > 0 {
            Some(format!("the server refused {} rows", self.loaded.rejected))
        } else {
            None
        }
    }
}
