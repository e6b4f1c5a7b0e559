//! The clients that hold the switches: which revision each holds, and which of them disbelieve this server.
//!
//! A client never goes back to an older revision. After a backup was restored, clients hold a later one than the server
//! has, and refuse everything until its revision is higher than theirs: that is told here, and [`bump`] raises it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::StatusCode;
use lanner_core::time::MINUTE_MS;
use lanner_wire::api::{BumpSwitches, BumpedSwitches, ReportClient, SwitchClient, Time};

use super::{Current, SWITCH};
use crate::app::App;
use crate::http::{ApiError, Json, Principal, blocking};
use crate::sync::locked;

/// A client that has not been heard of for this long is forgotten, milliseconds.
const FORGOTTEN_MS: i64 = 2 * MINUTE_MS;
/// So many are remembered.
const MAX_CLIENTS: usize = 10_000;
/// A longer name or problem is cut, characters.
const MAX_TEXT: usize = 300;
/// A client sends so many contexts at once.
const MAX_CONTEXTS: usize = 100;
/// A revision cannot be raised by more than this: who would follow after a mistake?
const MAX_RAISE: u64 = 1_000_000;

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
    fn views(&self, current: &Current, now_ms: i64) -> Vec<SwitchClient> {
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

/// List clients that hold the switches, and which revision each holds. One is `current`, `behind`, or `refuses` this
/// server's because its own is later. Clients not heard of for two minutes are left out.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/switches/clients", tag = "switches", operation_id = "switch_clients",
    responses((status = 200, body = Vec<SwitchClient>))
))]
pub async fn list(State(app): State<Arc<App>>) -> Json<Vec<SwitchClient>> {
    Json(app.switches.clients.views(&app.switches.current(), app.now_ms()))
}

/// Report what a client holds, and a few of the contexts that it was asked about.
///
/// # Errors
/// 400.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/switches/clients", tag = "switches", operation_id = "report_switch_client",
    request_body = ReportClient, responses((status = 204))
))]
pub async fn report(
    State(app): State<Arc<App>>,
    Json(report): Json<ReportClient>,
) -> Result<StatusCode, ApiError> {
    let now_ms = app.now_ms();
    let ReportClient { client, revision, tag, problem, file_problem, contexts } = report;
    let tag = tag.unwrap_or_else(|| revision.to_string());
    app.switches.clients.note(&client, &tag, Some([problem, file_problem]), now_ms);
    for context in contexts.iter().take(MAX_CONTEXTS) {
        app.switches.recent.note(context, now_ms);
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Raise the revision of the switches. Clients that hold a later one than this server, as after a restored backup,
/// follow it again. Without a revision, above the latest that a client holds.
///
/// # Errors
/// 422 when it is no higher than it is, or much higher than any client's.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/switches/bump", tag = "switches", operation_id = "bump_switches",
    request_body = BumpSwitches, responses(
        (status = 200, body = BumpedSwitches),
    )
))]
pub async fn bump(
    State(app): State<Arc<App>>,
    principal: Principal,
    Json(request): Json<BumpSwitches>,
) -> Result<Json<BumpedSwitches>, ApiError> {
    let (lock, now_ms) = (app.switches.lock().await, app.now_ms());
    let current = app.switches.current();
    let own = current.set.revision();
    let held = app.switches.clients.views(&current, now_ms).iter().map(|view| view.revision).max();
    let to = request.revision.unwrap_or_else(|| held.unwrap_or(own).max(own).saturating_add(1));
    if to <= own || to - own > MAX_RAISE {
        let message = format!(
            "the revision is {own} and cannot be raised to {to}; choose one from {} to {}",
            own + 1,
            own.saturating_add(MAX_RAISE)
        );
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, message));
    }
    let revision = app.store.raise_revision(SWITCH, to, principal.name(), now_ms)?.await?;
    let shared = Arc::clone(&app);
    let published =
        blocking(move || shared.switches.publish(&shared.store, &shared.set_aside, Vec::new(), now_ms)).await;
    published??;
    drop(lock);
    Ok(Json(BumpedSwitches { from: own, revision }))
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
