//! Labels: which clients or sessions are known to be anomalous.

use std::collections::HashMap;
use std::path::Path;

use lanner_traffic::{Recording, Session};

use crate::failure::{Failure, Result, remark};
use crate::output::counted;

/// Labels by what they name.
pub(super) struct Labels {
    /// Whether the names are those of sessions in the log; else they are addresses of clients.
    of_sessions: bool,
    labels: HashMap<String, bool>,
}

impl Labels {
    /// Reads a table with the columns `label` and `session`, or `label` and `client`.
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
        let (mut labels, mut problems) = (HashMap::new(), Vec::new());
        for record in reader.records() {
            let record = record.map_err(|error| wrong(error.to_string()))?;
            let line = record.position().map_or(0, csv::Position::line);
            let text = record.get(label_at).unwrap_or_default().trim();
            match (meaning(text), record.get(name_at)) {
                (Some(label), Some(name)) => _ = labels.insert(name.trim().to_owned(), label),
                _ => problems.push(format!("{}:{line}: label is \"{text}\"", path.display())),
            }
        }
        if !problems.is_empty() {
            problems.truncate(10);
            return Err(Failure::user(problems.join("\n"))
                .hint("a label is anomalous or normal, true or false, 1 or 0"));
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
            sessions.iter().map(|session| self.labels.get(&name(session)).copied()).collect();
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
