//! Labels: which clients or sessions are known to be anomalous.

use std::collections::HashMap;
use std::path::Path;

use lanner_core::time::parse_time_ms;
use lanner_traffic::{Recording, Session};

use crate::failure::{Failure, Result, remark};
use crate::output::counted;

/// Labels by what they name.
pub(super) struct Labels {
    /// Whether the names are those of sessions in the log; else they are addresses of clients.
    of_sessions: bool,
    labels: HashMap<String, Named>,
}

/// What was said of whoever has one name.
#[derive(Default)]
struct Named {
    /// Of all sessions.
    always: Option<bool>,
    /// Of the one that began at a time, milliseconds since 1970.
    began: Vec<(i64, bool)>,
}

/// A server and a log may disagree by so much on when a session began: logs tell seconds, and some the end of the first request.
const MAX_APART_MS: i64 = 60_000;

impl Named {
    /// The label of a session: what was said of the one that began then, and else what was said of all. The last counts.
    fn of(&self, session: &Session) -> Option<bool> {
        let lasted = session.first_ms - MAX_APART_MS..=session.last_ms.max(session.first_ms + MAX_APART_MS);
        let own = self.began.iter().rev().find(|(began_ms, _)| lasted.contains(began_ms));
        own.map(|(_, label)| *label).or(self.always)
    }
}

impl Labels {
    /// Reads a table with the columns `label` and `session`, or `label` and `client`; with `started`, a label is of the session that
    /// began then.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let wrong = |why: String| Failure::user(format!("{}: {why}", path.display()));
        let mut reader = csv::Reader::from_path(path).map_err(|error| wrong(error.to_string()))?;
        let header = reader.headers().map_err(|error| wrong(error.to_string()))?.clone();
        let column = |name: &str| header.iter().position(|found| found.trim().eq_ignore_ascii_case(name));
        let hint = "the table needs a column label, and session or client";
        let label_at =
            column("label").ok_or_else(|| wrong("there is no column label".to_owned()).hint(hint))?;
        let of_sessions = column("session").is_some();
        let name_at = column("session").or_else(|| column("client"));
        let name_at =
            name_at.ok_or_else(|| wrong("there is no column session or client".to_owned()).hint(hint))?;
        let started_at = column("started");
        let (mut labels, mut problems) = (HashMap::<String, Named>::new(), Vec::new());
        for record in reader.records() {
            let record = record.map_err(|error| wrong(error.to_string()))?;
            let line = record.position().map_or(0, csv::Position::line);
            let text = record.get(label_at).unwrap_or_default().trim();
            let (Some(label), Some(name)) = (meaning(text), record.get(name_at)) else {
                problems.push(format!("{}:{line}: label is \"{text}\"", path.display()));
                continue;
            };
            let started = started_at.and_then(|at| record.get(at)).unwrap_or_default().trim();
            let named = labels.entry(name.trim().to_owned()).or_default();
            match (started, parse_time_ms(started)) {
                ("", _) => named.always = Some(label),
                (_, Ok(began_ms)) => named.began.push((began_ms, label)),
                (_, Err(why)) => problems.push(format!("{}:{line}: started: {why}", path.display())),
            }
        }
        if !problems.is_empty() {
            problems.truncate(10);
            return Err(Failure::user(problems.join("\n"))
                .hint("a label is anomalous or normal, true or false, 1 or 0; started is a time such as 2026-12-01T08:00:00Z"));
        }
        Ok(Self { of_sessions, labels })
    }

    /// The label of each session, where one is known.
    pub(super) fn of(&self, sessions: &[Session], recording: &Recording) -> Vec<Option<bool>> {
        let name = |session: &Session| match self.of_sessions {
            true => recording.tag(session.tag).to_owned(),
            false => session.key.split(' ').next().unwrap_or_default().to_owned(),
        };
        let labels: Vec<Option<bool>> =
            sessions.iter().map(|session| self.labels.get(&name(session))?.of(session)).collect();
        let n_without = labels.iter().filter(|label| label.is_none()).count();
        if n_without > 0 {
            let sessions = counted(n_without as u64, "session");
            remark(&format!("{sessions} of {} have no label and are left out", labels.len()));
        }
        let found: std::collections::HashSet<String> = sessions.iter().map(name).collect();
        let n_unused = self.labels.keys().filter(|name| !found.contains(*name)).count();
        if n_unused > 0 {
            remark(&format!("{} name nobody in the log", counted(n_unused as u64, "label")));
        }
        labels
    }
}

fn meaning(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "anomalous" | "anomaly" | "attack" | "bad" | "true" | "1" => Some(true),
        "normal" | "good" | "false" | "0" => Some(false),
        _ => None,
    }
}
