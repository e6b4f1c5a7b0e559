//! `sessions`: puts requests together to sessions, learns which are usual, and tells of each on another stream: when it is over,
//! and before, as soon as it is flagged.
//!
//! Requests stay as they are. What is said of a session is an event of its own, so rules, alerts and switches go by it as by any other.

mod key;
mod made;
mod settings;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lanner_conditions::{Condition, Missing};
use lanner_core::Event;
use lanner_traffic::{Account, Live, ModelDrift, ModelsInUse, Request};
use serde_json::{Map, Value};

pub use self::made::NAMES as SESSION_NAMES;
use self::made::{event_of, key, key_of, request};
use self::settings::{FIELDS, Settings, read_settings};
use super::{Kind, Made, Memory, Processor, Retold};
use crate::document::{Check, Fields};

pub(super) const KIND: Kind = Kind {
    name: "sessions",
    about: "puts requests together to sessions, and tells which are unusual and why",
    example: "{ by: [client, agent], idle: 30m }",
    read,
    fields: FIELDS,
};

#[derive(Debug)]
struct Sessions {
    settings: Settings,
    live: Mutex<Live>,
}

impl Sessions {
    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Processor for Sessions {
    fn kind(&self) -> &'static str {
        KIND.name
    }

    fn copies_to(&self) -> &[Arc<str>] {
        &self.settings.into
    }

    fn memory(&self) -> Option<&dyn Memory> {
        Some(self)
    }

    fn process(&self, event: &Event) -> Made {
        let Settings { by, from, filter, bots, .. } = &self.settings;
        let matches = |condition: &Condition| condition.matches(&event.fields, Missing::False);
        if filter.as_ref().is_some_and(|filter| !matches(filter)) {
            return Made::default();
        }
        let Some(request) = request(event, from.as_deref()) else { return Made::unmatched() };
        let Some(key) = key(event, from.as_deref(), by) else { return Made::unmatched() };
        let reports = self.live().add(&key, &request, || bots.as_ref().is_some_and(matches));
        let Some(reports) = reports else { return Made::unmatched() };
        let events = reports.iter().map(|report| event_of(report, by)).collect();
        Made { events, ..Made::default() }
    }

    fn retold(&self) -> Option<&dyn Retold> {
        Some(self)
    }

    fn tick(&self, now_ms: i64) -> Vec<Event> {
        let reports = self.live().advance(now_ms);
        reports.iter().map(|report| event_of(report, &self.settings.by)).collect()
    }

    fn use_models(&self, models: &ModelsInUse) {
        if self.settings.is_judged_by_models {
            self.live().use_models(models);
        }
    }

    fn in_words(&self) -> Option<String> {
        Some(self.live().in_words())
    }
}

impl Retold for Sessions {
    fn key_of(&self, told: &Map<String, Value>) -> String {
        key_of(told, &self.settings.by)
    }

    fn client_of(&self, told: &Map<String, Value>) -> Vec<(String, String)> {
        let names = self.settings.by.iter().map(|part| &part.name);
        names.filter_map(|name| Some((name.clone(), told.get(name)?.as_str()?.to_owned()))).collect()
    }

    fn request(&self, event: &Event, of: &str) -> Option<Request<'static>> {
        let Settings { by, from, filter, .. } = &self.settings;
        let is_own = || key(event, from.as_deref(), by).is_some_and(|key| key == of);
        let counts = || filter.as_ref().is_none_or(|filter| filter.matches(&event.fields, Missing::False));
        (is_own() && counts()).then(|| request(event, from.as_deref()).map(Request::into_owned)).flatten()
    }

    fn account(&self, requests: &[Request<'static>]) -> Account {
        // Requests that come in meanwhile do not wait for it.
        let teller = self.live().teller();
        teller.account(requests)
    }

    fn drift(&self) -> Vec<ModelDrift> {
        self.live().drift()
    }
}

impl Memory for Sessions {
    fn begin(&self, _seed: u128, _now_ms: Option<i64>) {
        *self.live() = Live::new(self.settings.live.clone());
    }

    fn save(&self, _now_ms: i64) -> Vec<u8> {
        self.live().save(&self.settings.identity)
    }

    fn restore(&self, bytes: &[u8], _now_ms: i64) -> Result<(), String> {
        self.live().restore(bytes, &self.settings.identity)
    }
}

fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Arc<dyn Processor>> {
    let settings = read_settings(fields, check)?;
    let live = Mutex::new(Live::new(settings.live.clone()));
    Some(Arc::new(Sessions { settings, live }))
}
