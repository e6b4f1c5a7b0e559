//! `profile`: learns which behaviours of hosts are usual, and adds to each event how usual it is.
//!
//! It is the one processor with a memory, which whoever runs it keeps over restarts ([`Memory`]). What it says of an event is
//! stored with the event, so replays and questions agree with what was said then.
//!
//! What happens while something is wrong must not become usual: events are asked about and not learned while an alert of a rule in
//! `hold` fires, as far as they are of the alert's group.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lanner_conditions::{Condition, FieldPath};
use lanner_core::event::lookup;
use lanner_core::field::{Field, Type};
use lanner_core::reading;
use lanner_core::{Event, Group};
use lanner_profile::read::{FORMATS, Format, object_of};
use lanner_profile::{Hosts, Profile, Spec};
use serde_json::{Map, Value};

use super::behaviours::filter;
use super::{Behaviours, Kind, Made, Memory, Processor};
use crate::document::{Check, Fields};

/// The object that holds what the profile says.
const INTO: &str = "anomaly";

const FORMAT_NAMES: &[&str] = &["auto", "falco", "tetragon", "sysmon", "json"];

/// Fields that only this processor has.
const N_OWN: usize = 3;

/// Those of this processor, then those of profiles.
const FIELDS: [Field; N_OWN + lanner_profile::FIELDS.len()] = {
    let mut fields = [Field::new("into", INTO, "the object that holds what the profile says").or(INTO);
        N_OWN + lanner_profile::FIELDS.len()];
    fields[1] = Field::new("as", "falco", "how events are written; by default each tells")
        .of(Type::OneOf(FORMAT_NAMES))
        .or("auto");
    fields[2] = Field::new(
        "hold",
        "critical-on-a-host",
        "rules; what happens in the group of one of their alerts while it fires is not learned",
    )
    .of(Type::List(&Type::Id));
    let mut at = 0;
    while at < lanner_profile::FIELDS.len() {
        fields[N_OWN + at] = lanner_profile::FIELDS[at];
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
    /// What its condition names of what processors before it added.
    added: Vec<String>,
    clock: Mutex<Clock>,
    /// The rules whose alerts keep it from learning.
    hold: Vec<Arc<str>>,
    /// The groups of those that fire.
    held: Mutex<Vec<Group>>,
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
        locked(&self.clock)
    }

    /// Whether the event is in a group that is held: it says nothing else about any of the group's labels.
    fn is_held(&self, event: &Event, read: &Map<String, Value>) -> bool {
        let differs = |(name, value): (&str, &str)| match lookup(read, name).or_else(|| event.field(name)) {
            None | Some(Value::Null) => false,
            Some(Value::String(said)) => said != value,
            Some(other) => {
                let said = other.to_string();
                said != value
            }
        };
        locked(&self.held).iter().any(|group| match group {
            Group::Of(labels) => !labels.iter().any(differs),
            Group::Whole | Group::Unknown => true,
        })
    }
}

fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn heeds(&self) -> &[Arc<str>] {
        &self.hold
    }

    fn use_alerts(&self, firing: &[(Arc<str>, Group)]) {
        let own = firing.iter().filter(|(rule, _)| self.hold.contains(rule));
        *locked(&self.held) = own.map(|(_, group)| group.clone()).collect();
    }

    fn in_words(&self) -> Option<String> {
        let (n_ahead, n_held) = (self.clock().n_ahead, locked(&self.held).len());
        let those = if n_ahead == 1 { "event was" } else { "events were" };
        let ahead = (n_ahead > 0).then(|| {
            format!("{n_ahead} {those} dated more than a minute ahead of the clock, and learned as of now")
        });
        let alerts =
            if n_held == 1 { "an alert that fires".to_owned() } else { format!("{n_held} alerts that fire") };
        let held = (n_held > 0).then(|| format!("nothing is learned in the group of {alerts}"));
        let all: Vec<String> = held.into_iter().chain(ahead).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    fn process(&self, event: &Event) -> Made {
        let Ok(mut read) = object_of(event.fields.clone(), self.behaviours.format()) else {
            return Made::unmatched();
        };
        for name in &self.added {
            if let Some(value) = event.fields.get(name).filter(|_| !read.fields.contains_key(name)) {
                read.fields.insert(name.clone(), value.clone());
            }
        }
        let time_ms = self.clock().borne_out(event.time_ms);
        let is_held = self.is_held(event, &read.fields);
        let answer = |profile: &mut Profile, _: &mut Hosts| {
            let answer = if is_held {
                profile.ask(&read.fields, time_ms)
            } else {
                profile.observe(&read.fields, time_ms)
            };
            answer.map(|answer| answer.to_fields(time_ms))
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
        self.behaviours.restore(bytes, now_ms)
    }
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
    let hold = reading::names(fields, "hold", check).into_iter().map(Arc::from).collect();
    let spec = Spec::read("profile", fields, &filter, check)?;
    let condition = spec.filter.as_ref().and_then(|(text, _)| Condition::compile(text).ok());
    let mut added: Vec<String> =
        condition.iter().flat_map(Condition::fields).map(|field| first_of(&field)).collect();
    added.dedup();
    let behaviours = Behaviours::new(into, format.unwrap_or(Format::Auto), spec);
    Some(Arc::new(Usual { behaviours, added, clock: Mutex::default(), hold, held: Mutex::default() }))
}

/// The name before the first dot: `usual` of `usual.rare`.
fn first_of(field: &FieldPath) -> String {
    field.as_str().split('.').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use lanner_core::Labels;
    use lanner_core::document::Node;
    use serde_json::json;

    use super::super::{Draft, Processors};
    use super::*;
    use crate::Config;

    fn processors(list: &Value) -> Processors {
        let mut config = Config::default();
        assert_eq!(config.read(&Node::from_json(&json!({ "processors": list }))), []);
        Processors::new(config.processors)
    }

    /// What is added to an event of Falco's, a program started by `parent` on `host`.
    fn pass(processors: &Processors, time_ms: i64, host: &str, parent: &str) -> Map<String, Value> {
        let fields = json!({ "rule": "Program started", "hostname": host, "output_fields": { "evt.type": "execve", "proc.pname": parent } });
        let event = Event { time_ms, fields: fields.as_object().cloned().unwrap() };
        let mut added = Map::new();
        processors
            .pass(&"falco".into(), Draft::new(event), &mut [], &mut |_, draft| added = draft.event.fields);
        added
    }

    #[test]
    fn a_profile_may_look_only_at_what_another_flags() {
        let processors = processors(&json!([
            { "id": "first", "stream": "falco", "profile": { "fields": ["proc.pname"], "learn": "1s", "memory": 1, "into": "first" } },
            { "id": "second", "stream": "falco", "profile": {
                "fields": ["evt.type"], "where": "first.rare == true", "learn": "1s", "memory": 1, "into": "second" } },
        ]));
        assert_eq!(pass(&processors, 0, "a", "cron").get("second"), None);
        assert_eq!(pass(&processors, 10_000, "a", "cron").get("second"), None);
        let flagged = pass(&processors, 20_000, "a", "nginx");
        assert_eq!(
            (&flagged["first"]["rare"], &flagged["second"]["seen"]["ever"]),
            (&json!(true), &json!(0))
        );
        let again = pass(&processors, 30_000, "a", "sshd");
        assert_eq!((&again["first"]["rare"], &again["second"]["seen"]["ever"]), (&json!(true), &json!(1)));
    }

    #[test]
    fn nothing_is_learned_under_an_alert_of_its_group() {
        let processors = processors(&json!([{ "id": "usual", "stream": "falco", "profile": {
            "fields": ["proc.pname"], "learn": "1s", "memory": 1, "hold": "critical" } }]));
        let processor = &processors.all()[0].processor;
        assert_eq!(processor.heeds(), [Arc::from("critical")]);
        let mut time_ms = 0;
        let mut seen = |host: &str, parent: &str| {
            time_ms += 1_000;
            pass(&processors, time_ms, host, parent)["anomaly"]["seen"]["ever"].clone()
        };
        assert_eq!((seen("a", "cron"), seen("a", "cron")), (json!(0), json!(1)));
        let of_host = |rule: &str| (Arc::from(rule), Group::Of(Labels::new([("evt.hostname", "a")])));
        processor.use_alerts(&[of_host("critical"), of_host("other")]);
        assert_eq!((seen("a", "nginx"), seen("a", "nginx")), (json!(0), json!(0)));
        assert_eq!((seen("b", "nginx"), seen("b", "nginx")), (json!(0), json!(1)));
        assert!(processor.in_words().unwrap().contains("the group of an alert that fires"));
        processor.use_alerts(&[of_host("other")]);
        assert_eq!((seen("a", "sshd"), seen("a", "sshd")), (json!(0), json!(1)));
        assert_eq!(processor.in_words(), None);
        processor.use_alerts(&[("critical".into(), Group::Whole)]);
        assert_eq!((seen("b", "perl"), seen("b", "perl")), (json!(0), json!(0)));
    }
}
