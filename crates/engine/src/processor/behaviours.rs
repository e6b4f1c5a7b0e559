//! What a processor `profile` learned, shared with whoever looks at it: events, pages, and the hosts of a fleet.

use std::sync::{Mutex, PoisonError};

use lanner_conditions::{Condition, Missing};
use lanner_core::TimeRange;
use lanner_core::document::{Check, Node};
use lanner_profile::read::{Format, object_of};
use lanner_profile::{Filter, HostError, Hosts, PartSeen, Profile, Seed, Spec};
use serde_json::{Map, Value};

/// What a processor `profile` learned, and what the hosts of its fleet did.
#[derive(Debug)]
pub struct Behaviours {
    /// The object of events that holds what the profile says.
    into: String,
    format: Format,
    spec: Spec,
    /// None before its memory began. A document that is only checked takes none of that memory.
    learned: Mutex<Option<(Profile, Hosts)>>,
}

impl Behaviours {
    /// Of a profile that has not begun.
    pub(super) fn new(into: String, format: Format, spec: Spec) -> Self {
        Self { into, format, spec, learned: Mutex::default() }
    }

    /// How events are written.
    pub(super) const fn format(&self) -> Format {
        self.format
    }

    /// The field of events that holds what the profile says.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.into
    }

    /// Looks at the profile and the hosts. Events wait meanwhile.
    pub fn with<T>(&self, work: impl FnOnce(&mut Profile, &mut Hosts) -> T) -> T {
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever keeps its memory gives it a seed that nobody knows; a replay needs none.
        let new = || (Profile::new(self.spec.clone(), &Seed::new(0)), Hosts::default());
        let (profile, hosts) = learned.get_or_insert_with(new);
        work(profile, hosts)
    }

    /// Takes what a host tells at `now_ms`, and returns what the whole fleet knows; `None` if the host knows that already, as it
    /// names when that last changed.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn hear(
        &self,
        host: &str,
        told: &[u8],
        now_ms: i64,
        known_ms: Option<i64>,
    ) -> Result<Option<Vec<u8>>, HostError> {
        self.with(|profile, hosts| {
            hosts.hear(profile, host, told, now_ms)?;
            let is_known = known_ms.is_some() && profile.fleet().map(|fleet| fleet.changed_ms()) == known_ms;
            Ok((!is_known).then(|| profile.fleet_bytes()))
        })
    }

    /// What the profile would add to an event at `now_ms`, and how often each of its parts was seen; `None` for an event that is
    /// not one of its own. It learns nothing.
    pub fn explain(
        &self,
        event: Map<String, Value>,
        now_ms: i64,
    ) -> Option<(Map<String, Value>, Vec<PartSeen>)> {
        let event = object_of(event, self.format).ok()?;
        let time_ms = event.time_ms.unwrap_or(now_ms);
        self.with(|profile, _| {
            let answer = profile.ask(&event.fields, time_ms)?.to_fields(time_ms);
            Some((answer, profile.explain(&event.fields)))
        })
    }

    /// Takes what was learned elsewhere in the place of what was learned here, as `lanner profile learn` writes it. Hosts of a fleet
    /// stay known if it has their seed; else they are to join anew.
    ///
    /// # Errors
    /// Why it is not taken; nothing has changed then.
    pub fn teach(&self, mut bytes: &[u8]) -> Result<(), String> {
        let mut taught = self.read(&mut bytes)?;
        if !bytes.is_empty() {
            return Err("it holds several profiles, and a processor has one".to_owned());
        }
        let hosts = self.with(|profile, hosts| {
            let mut words = Vec::new();
            if profile.seed() == taught.seed() {
                hosts.write(profile, &mut words);
            }
            Hosts::read(&words, &mut taught).map_err(|error| error.to_string())
        })?;
        self.set(taught, hosts);
        Ok(())
    }

    /// Reads what was learned of the same behaviours, from the start of `bytes`, and moves them behind it.
    fn read(&self, bytes: &mut &[u8]) -> Result<Profile, String> {
        let mut kept = Profile::read(bytes, &filter).map_err(|error| error.to_string())?;
        if kept.spec().identity() != self.spec.identity() {
            return Err("it learned other fields, events or memory".to_owned());
        }
        kept.adopt(self.spec.clone());
        Ok(kept)
    }

    fn set(&self, profile: Profile, hosts: Hosts) {
        *self.learned.lock().unwrap_or_else(PoisonError::into_inner) = Some((profile, hosts));
    }

    /// Begins with nothing.
    pub(super) fn begin(&self, seed: u128) {
        self.set(Profile::new(self.spec.clone(), &Seed::new(seed)), Hosts::default());
    }

    /// What is to be kept, as of `now_ms`.
    pub(super) fn save(&self, now_ms: i64) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.with(|profile, hosts| {
            profile.write(now_ms, &mut bytes);
            hosts.write(profile, &mut bytes);
        });
        bytes
    }

    /// Takes up what was kept.
    ///
    /// # Errors
    /// Why it cannot be taken up.
    pub(super) fn restore(&self, mut bytes: &[u8], now_ms: i64) -> Result<(), String> {
        let mut kept = self.read(&mut bytes)?;
        let hosts = Hosts::read(bytes, &mut kept).map_err(|error| error.to_string())?;
        // Nobody knows what came in between.
        let saved_ms = kept.saved_ms().unwrap_or(now_ms);
        kept.note_lost(TimeRange::new(saved_ms, now_ms));
        self.set(kept, hosts);
        Ok(())
    }
}

/// The condition of a profile.
pub(super) fn filter(node: &Node, path: &str, check: &mut Check) -> Option<Filter> {
    let condition = Condition::read(node, path, check)?;
    Some(Filter::new(move |event| condition.matches(event, Missing::False)))
}
