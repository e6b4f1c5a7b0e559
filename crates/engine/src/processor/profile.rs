//! `profile`: learns which behaviours of hosts are usual, and adds to each event how usual it is.
//!
//! It is the one processor with a memory, which whoever runs it keeps over restarts ([`Memory`]). What it says of an event is
//! stored with the event, so replays and questions agree with what was said then.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lanner_conditions::{Condition, Missing};
use lanner_core::Event;
use lanner_core::document::Node;
use lanner_core::field::{Field, Type};
use lanner_core::reading;
use lanner_profile::read::{FORMATS, Format, object_of};
use lanner_profile::{Filter, Hosts, Profile, Spec};
use serde_json::{Map, Value};

use super::{Behaviours, Kind, Made, Memory, Processor};
use crate::document::{Check, Fields};

/// The object that holds what the profile says.
const INTO: &str = "anomaly";

const FORMAT_NAMES: &[&str] = &["auto", "falco", "tetragon", "sysmon", "json"];

/// Those of this processor, then those of profiles.
const FIELDS: [Field; 2 + lanner_profile::FIELDS.len()] = {
    let mut fields = [Field::new("into", INTO, "the object that holds what the profile says").or(INTO);
        2 + lanner_profile::FIELDS.len()];
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

/// A processor with a profile.
#[derive(Debug)]
struct Usual {
    behaviours: Behaviours,
    clock: Mutex<Clock>,
}

/// An event is not from later than this after the clock, milliseconds: one whose sender's clock is wrong would age all that
/// was learned before it.
const MAX_LEAD_MS: i64 = 2_000;
/// Events from further ahead are counted, milliseconds.
const NOTED_AHEAD_MS: i64 = 60_000;

/// What time it is, as far as somebody says.
#[derive(Debug, Default)]
struct Clock {
    now_ms: Option<i64>,
    /// Events that came from ahead of it.
    n_ahead: u64,
}

impl Clock {
    /// The time of an event, or the latest that it can have.
    fn borne_out(&mut self, time_ms: i64) -> i64 {
        let Some(now_ms) = self.now_ms else { return time_ms };
        self.n_ahead += u64::from(time_ms > now_ms.saturating_add(NOTED_AHEAD_MS));
        time_ms.min(now_ms.saturating_add(MAX_LEAD_MS))
    }
}

impl Usual {
    fn clock(&self) -> MutexGuard<'_, Clock> {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Processor for Usual {
    fn kind(&self) -> &'static str {
        KIND.name
    }

    fn memory(&self) -> Option<&dyn Memory> {
        Some(self)
    }

    fn behaviours(&self) -> Option<&Behaviours> {
        Some(&self.behaviours)
    }

    fn tick(&self, now_ms: i64) -> Vec<Event> {
        self.clock().now_ms = Some(now_ms);
        Vec::new()
    }

    fn in_words(&self) -> Option<String> {
        let n_ahead = self.clock().n_ahead;
        let those = if n_ahead == 1 { "event was" } else { "events were" };
        (n_ahead > 0).then(|| {
            format!("{n_ahead} {those} dated more than a minute ahead of the clock, and learned as of now")
        })
    }

    fn process(&self, event: &Event) -> Made {
        let Ok(read) = object_of(event.fields.clone(), self.behaviours.format()) else {
            return Made::unmatched();
        };
        let time_ms = self.clock().borne_out(event.time_ms);
        let answer = |profile: &mut Profile, _: &mut Hosts| {
            profile.observe(&read.fields, time_ms).map(|answer| answer.to_fields(time_ms))
        };
        // An event that the profile does not learn from is not wrong.
        let Some(answer) = self.behaviours.with(answer) else { return Made::default() };
        Made {
            fields: Map::from_iter([(self.behaviours.field().to_owned(), Value::Object(answer))]),
            ..Made::default()
        }
    }
}

impl Memory for Usual {
    fn begin(&self, seed: u128, now_ms: Option<i64>) {
        self.clock().now_ms = now_ms;
        self.behaviours.begin(seed);
    }

    fn save(&self, now_ms: i64) -> Vec<u8> {
        self.behaviours.save(now_ms)
    }

    fn restore(&self, bytes: &[u8], now_ms: i64) -> Result<(), String> {
        self.clock().now_ms = Some(now_ms);
        self.behaviours.restore(bytes, now_ms, &filter)
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
    let behaviours = Behaviours::new(into, format, spec);
    Some(Arc::new(Usual { behaviours, clock: Mutex::default() }))
}
