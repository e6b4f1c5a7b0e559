//! One session told again: its event is looked for, and then its requests, among those that are stored.

use std::ops::ControlFlow;
use std::sync::Arc;

use lanner_core::time::DAY_MS;
use lanner_core::{Event, TimeRange};
use lanner_engine::processor::{Configured, Retold};
use lanner_io::data::DataStore;
use lanner_io::store::StoreError;
use lanner_traffic::{Account, Request};
use serde_json::{Map, Value};

use super::service::ProcessorService;

/// Requests that a session is told from; those of longer ones are cut off.
const MAX_REQUESTS: usize = 20_000;

/// Events that are gone through for one session, of its own stream and then of that of its requests.
const MAX_READ: usize = 2_000_000;

/// How far back a session is looked for if nobody says when it began.
const BACK_MS: i64 = 8 * DAY_MS;

/// A session, and what can be said of it.
pub(super) struct Told {
    pub(super) processor: Arc<str>,
    pub(super) stream: Arc<str>,
    /// Whose it is; the first field is the one that labels name.
    pub(super) client: Vec<(String, String)>,
    /// The last that was said of it.
    pub(super) event: Map<String, Value>,
    pub(super) account: Account,
    pub(super) n_requests: usize,
    pub(super) is_cut: bool,
}

/// What the event of a session says.
pub(super) struct Found {
    one: Configured,
    event: Map<String, Value>,
}

impl Found {
    pub(super) fn client(&self) -> Vec<(String, String)> {
        self.one.processor.retold().map(|retold| retold.client_of(&self.event)).unwrap_or_default()
    }

    pub(super) fn started_ms(&self) -> i64 {
        whole(&self.event, "started_ms")
    }

    pub(super) fn processor(&self) -> &str {
        &self.one.id
    }
}

fn whole(event: &Map<String, Value>, name: &str) -> i64 {
    event.get(name).and_then(Value::as_i64).unwrap_or(0)
}

impl ProcessorService {
    /// The last that was said of a session, which began at `at_ms` or within the last days.
    ///
    /// # Errors
    /// Failures of the store.
    pub(super) fn session(&self, id: &str, at_ms: Option<i64>) -> Result<Option<Found>, StoreError> {
        let now_ms = self.now_ms();
        let range = TimeRange::new(at_ms.unwrap_or(now_ms - BACK_MS), now_ms.saturating_add(1));
        for one in self.in_force().all() {
            if one.processor.retold().is_none() {
                continue;
            }
            for stream in one.processor.copies_to() {
                if let Some(event) = last_of(self.data(), stream, range, id)? {
                    return Ok(Some(Found { one: one.clone(), event }));
                }
            }
        }
        Ok(None)
    }

    /// Tells a session from its requests.
    ///
    /// # Errors
    /// Failures of the store.
    pub(super) fn tell(&self, found: Found) -> Result<Told, StoreError> {
        let client = found.client();
        let Found { one, event } = found;
        let mut read = (Vec::new(), false);
        if let Some(retold) = one.processor.retold() {
            let end_ms = match event.get("over") {
                Some(Value::Bool(true)) => whole(&event, "ended_ms"),
                _ => self.now_ms(),
            };
            let range = TimeRange::new(whole(&event, "started_ms"), end_ms.saturating_add(1));
            read = requests(self.data(), &one.stream, range, (retold, &event))?;
        }
        let (requests, is_cut) = read;
        let account = one.processor.retold().map(|retold| retold.account(&requests)).unwrap_or_default();
        let n_requests = requests.len();
        Ok(Told { processor: one.id, stream: one.stream, client, event, account, n_requests, is_cut })
    }
}

/// The last event of a session; what is said when it is over is the last.
fn last_of(
    data: &dyn DataStore,
    stream: &str,
    range: TimeRange,
    id: &str,
) -> Result<Option<Map<String, Value>>, StoreError> {
    let (mut found, mut n_read) = (None, 0);
    data.events(stream, range, &mut |_, json| {
        n_read += 1;
        let Some(event) = object(json, Some(id)).filter(|event| event.get("id") == Some(&id.into())) else {
            return going_on(n_read < MAX_READ);
        };
        let is_over = event.get("over") == Some(&Value::Bool(true));
        found = Some(event);
        going_on(!is_over && n_read < MAX_READ)
    })?;
    Ok(found)
}

/// The requests of a session, and whether there are more, or more events between them, than are read.
fn requests(
    data: &dyn DataStore,
    stream: &str,
    range: TimeRange,
    (retold, told): (&dyn Retold, &Map<String, Value>),
) -> Result<(Vec<Request<'static>>, bool), StoreError> {
    let key = retold.key_of(told);
    // Most events are of others. A value that is written in one way alone tells so before they are read.
    let is_plain = |value: &&str| !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let part = key.split('\n').find(is_plain);
    let (mut requests, mut n_read, mut is_cut) = (Vec::new(), 0, false);
    data.events(stream, range, &mut |time_ms, json| {
        n_read += 1;
        let event = object(json, part).map(|fields| Event { time_ms, fields });
        requests.extend(event.and_then(|event| retold.request(&event, &key)));
        is_cut = n_read >= MAX_READ || requests.len() >= MAX_REQUESTS;
        going_on(!is_cut)
    })?;
    Ok((requests, is_cut))
}

/// An event that holds a text.
fn object(json: &[u8], part: Option<&str>) -> Option<Map<String, Value>> {
    let text = std::str::from_utf8(json).ok()?;
    part.is_none_or(|part| text.contains(part)).then(|| serde_json::from_str(text).ok()).flatten()
}

const fn going_on(goes_on: bool) -> ControlFlow<()> {
    if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}
