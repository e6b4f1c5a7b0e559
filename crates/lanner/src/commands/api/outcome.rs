//! What is said of a session: a row of a list.

use lanner_core::time::format_time;
use lanner_traffic::{Baseline, Session, Unusual, Verdict, in_words};
use serde::Serialize;

use crate::list::{Cell, Row};

/// A session that is worth a look.
#[derive(Debug, Serialize)]
pub(super) struct SessionRow {
    pub(super) client: String,
    pub(super) agent: String,
    pub(super) start: String,
    pub(super) duration_s: f64,
    pub(super) calls: u32,
    pub(super) score: f64,
    pub(super) reasons: Vec<String>,
}

impl Row for SessionRow {
    const COLUMNS: &'static [&'static str] = &["client", "start", "calls", "score", "why"];

    fn cells(&self) -> Vec<Cell> {
        vec![
            self.client.as_str().into(),
            self.start.as_str().into(),
            u64::from(self.calls).into(),
            ((self.score * 1e3).round() / 1e3).into(),
            self.reasons.join("\n").into(),
        ]
    }
}

impl SessionRow {
    fn new(session: &Session, score: f64, reasons: Vec<String>) -> Self {
        let (client, agent) = client(&session.key);
        Self {
            client,
            agent,
            start: format_time(session.first_ms),
            duration_s: session.duration_s(),
            calls: session.n_calls,
            score,
            reasons,
        }
    }

    /// By how rare it is.
    pub(super) fn unusual(session: &Session, unusual: &Unusual, baseline: &Baseline) -> Self {
        let words = unusual
            .features
            .iter()
            .map(|(feature, value)| in_words(*feature, *value, baseline.normal(*feature)));
        Self::new(session, unusual.score, words.collect())
    }

    /// By what a model says.
    pub(super) fn scored(session: &Session, verdict: &Verdict) -> Self {
        let words = verdict.reasons.iter().map(|reason| {
            let said = in_words(reason.feature, reason.value, reason.normal);
            format!("{said} (odds × {:.1})", reason.odds)
        });
        Self::new(session, verdict.probability, words.collect())
    }
}

/// The address and the agent that a key consists of.
pub(super) fn client(key: &str) -> (String, String) {
    let (client, agent) = key.split_once(' ').unwrap_or((key, ""));
    (client.to_owned(), agent.to_owned())
}
