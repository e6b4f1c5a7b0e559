//! The clients that hold the switches: which revision each holds, and which of them disbelieve this server.
//!
//! A client never goes back to an older revision. After a backup was restored, clients hold a later one than the server
//! has, and refuse everything until its revision is higher than theirs: that is told here, and `bump` raises it.

use std::collections::HashMap;
use std::sync::Mutex;

use lanner_core::time::MINUTE_MS;
use lanner_wire::api::{SwitchClient, Time};

use super::current::Current;
use crate::sync::locked;

/// A client that has not been heard of for this long is forgotten, milliseconds.
const FORGOTTEN_MS: i64 = 2 * MINUTE_MS;
/// So many are remembered.
const MAX_CLIENTS: usize = 10_000;
/// A longer name or problem is cut, characters.
const MAX_TEXT: usize = 300;
/// The clients that told what they hold lately.
#[derive(Debug, Default)]
pub struct Clients(Mutex<HashMap<String, Seen>>);

#[derive(Debug, Clone, Default)]
struct Seen {
    tag: String,
    problem: Option<String>,
    file_problem: Option<String>,
    seen_ms: i64,
}

/// The revision that a tag begins with.
fn revision(tag: &str) -> u64 {
    tag.split('-').next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect()
}

impl Clients {
    /// Notes what a client holds; `problems`, if it tells of them, are why it holds nothing newer, and what is wrong with
    /// its file.
    pub(super) fn note(&self, name: &str, tag: &str, problems: Option<[Option<String>; 2]>, now_ms: i64) {
        let mut clients = locked(&self.0);
        let name = cut(name);
        if clients.len() >= MAX_CLIENTS && !clients.contains_key(&name) {
            clients.retain(|_, seen| now_ms - seen.seen_ms < FORGOTTEN_MS);
            if clients.len() >= MAX_CLIENTS {
                return;
            }
        }
        let seen = clients.entry(name).or_default();
        (seen.tag, seen.seen_ms) = (cut(tag), now_ms);
        if let Some(problems) = problems {
            [seen.problem, seen.file_problem] = problems.map(|problem| problem.map(|problem| cut(&problem)));
        }
    }

    /// What each holds, in order of names.
    pub(super) fn views(&self, current: &Current, now_ms: i64) -> Vec<SwitchClient> {
        let (own, own_tag) = (current.set.revision(), current.set.tag());
        let state = |seen: &Seen| match revision(&seen.tag) {
            _ if seen.tag == own_tag => "current",
            held if held >= own => "refuses",
            _ => "behind",
        };
        let clients = locked(&self.0);
        let heard = clients.iter().filter(|(_, seen)| now_ms - seen.seen_ms < FORGOTTEN_MS);
        let view = |(name, seen): (&String, &Seen)| SwitchClient {
            client: name.clone(),
            revision: revision(&seen.tag),
            state: state(seen).to_owned(),
            seen: Time(seen.seen_ms),
            problem: seen.problem.clone(),
            file_problem: seen.file_problem.clone(),
        };
        let mut views: Vec<SwitchClient> = heard.map(view).collect();
        views.sort_by(|a, b| a.client.cmp(&b.client));
        views
    }

    /// Why this server is not followed, if there are clients that hold a later revision than it has.
    #[must_use]
    pub fn problem(&self, current: &Current, now_ms: i64) -> Option<String> {
        let views = self.views(current, now_ms);
        let refusing: Vec<&SwitchClient> = views.iter().filter(|view| view.state == "refuses").collect();
        let latest = refusing.iter().map(|view| view.revision).max()?;
        Some(format!(
            "{} clients hold switches of revision {latest} and reject those of this server, which is at {}: it was set back; \
             run lanner switch bump",
            refusing.len(),
            current.set.revision()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_and_forgotten() {
        let clients = Clients::default();
        for n in 0..MAX_CLIENTS + 5 {
            clients.note(&format!("c{n}"), "7-ab", None, 0);
        }
        assert_eq!(locked(&clients.0).len(), MAX_CLIENTS);
        clients.note(&"x".repeat(1_000), "9-ab", None, FORGOTTEN_MS);
        let seen = locked(&clients.0);
        assert_eq!(seen.keys().map(String::len).collect::<Vec<_>>(), [MAX_TEXT]);
    }
}
