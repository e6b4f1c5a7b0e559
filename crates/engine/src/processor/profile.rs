//! `profile`: learns which behaviours of hosts are usual, and adds to each event how usual it is.
//!
//! It is the one processor with a memory, which whoever runs it keeps over restarts ([`Memory`]). What it says of an event is
//! stored with the event, so replays and questions agree with what was said then.

use std::sync::{Arc, Mutex, PoisonError};

use lanner_conditions::{Condition, Missing};
use lanner_core::document::Node;
use lanner_core::field::{Field, Type};
use lanner_core::reading;
use lanner_core::{Event, TimeRange};
use lanner_profile::read::{FORMATS, Format, object_of};
use lanner_profile::{Filter, Profile, Seed, Spec};
use serde_json::{Map, Value};

use super::{Kind, Made, Memory, Processor};
use crate::document::{Check, Fields};

/// The object that holds what the profile says.
const INTO: &str = "anomaly";

const FORMAT_NAMES: &[&str] = &["auto", "falco", "tetragon", "sysmon", "json"];

/// Those of this processor, then those of profiles.
const FIELDS: [Field; 2 + lanner_profile::FIELDS.len()] = {
    let mut fields = [Field::new("into", INTO, "the object that holds what the profile says").or(INTO); 9];
    fields[1] = Field::new("as", "falco", "how events are written; by default each tells")
        .of(Type::OneOf(FORMAT_NAMES))
        .or("auto");
    let mut at = 0;
    while at < lanner_profile::FIELDS.len() {
        fields[2 + at] = lanner_profile::FIELDS[at];
        at += 1;
    }
    fields
};

pub(super) const KIND: Kind = Kind {
    name: "profile",
    about: "learns which behaviours of hosts are usual, and adds how usual each event is",
    example: "{ fields: [proc.exepath, proc.pname, template(proc.cmdline)], where: 'evt.type in (execve, execveat)' }",
    read,
    fields: &FIELDS,
};

#[derive(Debug)]
struct Usual {
    into: String,
    format: Format,
    spec: Spec,
    /// What it learned; none before its memory began. A document that is only checked takes none of that memory.
    profile: Mutex<Option<Profile>>,
}

impl Usual {
    fn with<T>(&self, work: impl FnOnce(&mut Profile) -> T) -> T {
        let mut profile = self.profile.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever keeps its memory gives it a seed that nobody knows; a replay needs none.
        work(profile.get_or_insert_with(|| Profile::new(self.spec.clone(), &Seed::new(0))))
    }

    fn set(&self, profile: Profile) {
        *self.profile.lock().unwrap_or_else(PoisonError::into_inner) = Some(profile);
    }
}

impl Processor for Usual {
    fn kind(&self) -> &'static str {
        KIND.name
    }

    fn memory(&self) -> Option<&dyn Memory> {
        Some(self)
    }

    fn process(&self, event: &Event) -> Made {
        let Ok(read) = object_of(event.fields.clone(), self.format) else { return Made::unmatched() };
        let answer = |profile: &mut Profile| {
            let answer = profile.observe(&read.fields, event.time_ms);
            answer.map(|answer| answer.to_fields(event.time_ms))
        };
        // An event that the profile does not learn from is not wrong.
        let Some(answer) = self.with(answer) else { return Made::default() };
        Made { fields: Map::from_iter([(self.into.clone(), Value::Object(answer))]), ..Made::default() }
    }
}

impl Memory for Usual {
    fn begin(&self, seed: u128) {
        self.set(Profile::new(self.spec.clone(), &Seed::new(seed)));
    }

    fn save(&self, now_ms: i64) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.with(|profile| profile.write(now_ms, &mut bytes));
        bytes
    }

    fn restore(&self, mut bytes: &[u8], now_ms: i64) -> Result<(), String> {
        let mut kept = Profile::read(&mut bytes, &filter).map_err(|error| error.to_string())?;
        if kept.spec().identity() != self.spec.identity() {
            return Err("it learned other fields, events or memory".to_owned());
        }
        // Nobody knows what came in between.
        let saved_ms = kept.saved_ms().unwrap_or(now_ms);
        kept.note_lost(TimeRange::new(saved_ms, now_ms));
        kept.adopt(self.spec.clone());
        self.set(kept);
        Ok(())
    }
}

fn filter(node: &Node, path: &str, check: &mut Check) -> Option<Filter> {
    let condition = Condition::read(node, path, check)?;
    Some(Filter::new(move |event| condition.matches(event, Missing::False)))
}

fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Arc<dyn Processor>> {
    let into = fields.read("into", check, reading::name).unwrap_or_else(|| INTO.to_owned());
    let format = fields.read("as", check, |node| {
        let name = reading::text(node)?;
        let known = FORMATS.iter().find(|(known, _)| *known == name && FORMAT_NAMES.contains(known));
        known
            .map(|(_, format)| *format)
            .ok_or_else(|| format!("\"{name}\" is not a form; known are {}", FORMAT_NAMES.join(", ")))
    });
    let spec = Spec::read("profile", fields, &filter, check)?;
    let format = format.unwrap_or(Format::Auto);
    Some(Arc::new(Usual { into, format, spec, profile: Mutex::default() }))
}
