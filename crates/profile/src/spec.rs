//! What a profile learns, as it is written: `{ id: exec, fields: [proc.exepath, template(proc.cmdline)] }`.

use std::fmt;
use std::sync::Arc;

use lanner_core::document::{Check, Fields, Node};
use lanner_core::field::{Field, Type};
use lanner_core::reading;
use lanner_core::time::{DAY_MS, format_duration, parse_duration_ms};
use serde_json::{Map, Value, json};

use crate::part::Part;

/// The longest name of a behaviour, bytes.
const MAX_NAME_BYTES: usize = 512;

/// Parts of a behaviour, at most.
pub const MAX_PARTS: usize = 8;

/// The times that a profile keeps sightings for, and their names in answers; the last is for ever.
pub const WINDOWS: [(&str, i64); 4] =
    [("day", DAY_MS), ("week", 7 * DAY_MS), ("quarter", 90 * DAY_MS), ("ever", 0)];

/// Memory for sketches, MiB.
const MEMORY_MIB: (u64, u64, u64) = (1, 8, 4_096);

/// Hosts that make a behaviour common.
const COMMON: (u64, u64, u64) = (1, 3, 10_000);

/// The fields of a profile, beside its id.
pub const FIELDS: &[Field] = &[
    Field::new(
        "fields",
        "[proc.exepath, proc.pname, template(proc.cmdline)]",
        "what makes a behaviour: fields, or `template(field)`, `lineage(field, n)`, `image(field)`, `folder(field)` of one",
    )
    .of(Type::List(&Type::Text))
    .required(),
    Field::new("where", "'evt.type in (execve, execveat)'", "condition that events must match; by default all do")
        .of(Type::Condition),
    Field::new(
        "by",
        "image(container.image.repository)",
        "each value has a profile of its own, and a new one learns first; by default there is one profile for all",
    ),
    Field::new("learn", "1d", "for how long a profile only learns").of(Type::Duration).or("1d"),
    Field::new("rare", "1", "how often a behaviour must have been seen to be no longer rare, from 1 to 15")
        .of(Type::Whole)
        .or("1"),
    Field::new("memory", "8", "memory of its sketches in MiB, from 1 to 4096; told before the start, and never more")
        .of(Type::Whole)
        .or("8"),
    Field::new("common", "3", "on how many hosts of a fleet a behaviour must have been seen to be common there")
        .of(Type::Whole)
        .or("3"),
    Field::new("stale", "7d", "after how long without events a profile counts as stale").of(Type::Duration).or("7d"),
];

/// Which events a profile learns from and judges. It passes over the others.
#[derive(Clone)]
pub struct Filter(Arc<Holds>);

/// Whether an event is one of them.
type Holds = dyn Fn(&Map<String, Value>) -> bool + Send + Sync;

impl Filter {
    /// The events for which `holds` is true, given their fields. It is asked for each event, and must not depend on
    /// anything else.
    pub fn new(holds: impl Fn(&Map<String, Value>) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(holds))
    }

    pub(crate) fn holds(&self, event: &Map<String, Value>) -> bool {
        (self.0)(event)
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Filter")
    }
}

/// Reads the condition of a profile; the language of conditions is not this crate's.
pub type ReadFilter<'r> = &'r dyn Fn(&Node, &str, &mut Check) -> Option<Filter>;

/// What a profile learns.
#[derive(Debug, Clone)]
pub struct Spec {
    /// What it is called.
    pub id: String,
    /// What makes a behaviour.
    pub parts: Vec<Part>,
    /// Of what each value has a profile of its own.
    pub by: Option<Part>,
    /// The events that it learns from, and how that is written.
    pub filter: Option<(String, Filter)>,
    /// For how long it only learns, milliseconds.
    pub learn_ms: i64,
    /// A behaviour that was seen less often is rare.
    pub rare: u32,
    /// A behaviour that was seen on so many hosts of a fleet is common there.
    pub common: u32,
    /// Memory of its sketches, bytes.
    pub memory: usize,
    /// After how long without events it is stale, milliseconds.
    pub stale_ms: i64,
}

impl Spec {
    /// Reads the fields below a profile's id; every mistake becomes a problem.
    pub fn read(
        id: &str,
        fields: &mut Fields<'_>,
        read_filter: ReadFilter<'_>,
        check: &mut Check,
    ) -> Option<Self> {
        let n_before = check.problems.len();
        fields.require("fields", FIELDS[0].example, check);
        let parts = read_parts(fields, check);
        let by = fields.read("by", check, |node| Part::parse(&reading::text(node)?));
        let filter = fields.get("where").and_then(|node| {
            let text = reading::text(node).unwrap_or_default();
            Some((text, read_filter(node, &fields.path_of("where"), check)?))
        });
        let mut duration = |name: &str, default_ms: i64, check: &mut Check| {
            let read =
                |node: &Node| parse_duration_ms(&reading::text(node)?).map_err(|error| error.to_string());
            fields.read(name, check, read).unwrap_or(default_ms)
        };
        let learn_ms = duration("learn", DAY_MS, check);
        let stale_ms = duration("stale", 7 * DAY_MS, check);
        let rare = whole(fields, "rare", (1, 1, 15), check);
        let common = whole(fields, "common", COMMON, check);
        let memory = whole(fields, "memory", MEMORY_MIB, check);
        (check.problems.len() == n_before).then(|| Self {
            id: id.to_owned(),
            parts,
            by,
            filter,
            learn_ms,
            rare: rare as u32,
            common: common as u32,
            memory: (memory as usize) << 20,
            stale_ms,
        })
    }

    /// Reads a document `{ id: exec, fields: [...] }`.
    pub fn read_document(
        node: &Node,
        path: &str,
        read_filter: ReadFilter<'_>,
        check: &mut Check,
    ) -> Option<Self> {
        let mut fields = check.map(node, path)?;
        fields.require("id", "exec", check);
        let id = fields.read("id", check, |node| reading::id(node, "-_."));
        let spec = Self::read(id.as_deref().unwrap_or_default(), &mut fields, read_filter, check);
        let known = [&[Field::new("id", "exec", "unique id of the profile").of(Type::Id).required()], FIELDS];
        fields.finish_of(&known.concat(), check);
        id.and(spec)
    }

    /// Its document, from which [`Self::read_document`] reads the same.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let texts: Vec<String> = self.parts.iter().map(ToString::to_string).collect();
        let mut document = json!({ "id": self.id, "fields": texts });
        if let Some((text, _)) = &self.filter {
            document["where"] = text.clone().into();
        }
        if let Some(by) = &self.by {
            document["by"] = by.to_string().into();
        }
        document["learn"] = format_duration(self.learn_ms).into();
        document["rare"] = self.rare.into();
        document["common"] = self.common.into();
        document["memory"] = (self.memory >> 20).into();
        document["stale"] = format_duration(self.stale_ms).into();
        document
    }

    /// The name of an event's behaviour: its parts, `/usr/bin/dash | cron | sh -c backup`.
    #[must_use]
    pub fn name_of(&self, event: &Map<String, Value>) -> String {
        let mut name = Vec::new();
        for (at, part) in self.by.iter().chain(&self.parts).enumerate() {
            if at > 0 {
                name.extend(b" | ");
            }
            part.show_into(event, &mut name);
        }
        let mut name = String::from_utf8(name).unwrap_or_default();
        name.truncate(name.floor_char_boundary(MAX_NAME_BYTES));
        name
    }

    /// What its sketches depend on: profiles of the same can be merged.
    #[must_use]
    pub fn identity(&self) -> String {
        let mut document = self.to_json();
        if let Some(document) = document.as_object_mut() {
            document.retain(|name, _| ["fields", "where", "by", "memory"].contains(&&**name));
        }
        document.to_string()
    }
}

fn read_parts(fields: &mut Fields<'_>, check: &mut Check) -> Vec<Part> {
    let Some(node) = fields.get("fields") else { return Vec::new() };
    let (items, path) = (check.items(node), fields.path_of("fields"));
    if items.is_empty() || items.len() > MAX_PARTS {
        check.problem(node, &path, format!("should be from 1 to {MAX_PARTS} fields, found {}", items.len()));
    }
    let mut parts: Vec<Part> = Vec::new();
    for (at, item) in items.into_iter().enumerate() {
        let path = format!("{path}[{at}]");
        match reading::text(item).and_then(|text| Part::parse(&text)) {
            Ok(part) if parts.contains(&part) => {
                check.problem(item, &path, format!("{part} is there already"));
            }
            Ok(part) => parts.push(part),
            Err(message) => check.problem(item, &path, message),
        }
    }
    parts
}

/// A whole number between bounds; the one in the middle is the default.
fn whole(fields: &mut Fields<'_>, name: &str, bounds: (u64, u64, u64), check: &mut Check) -> u64 {
    let (least, default, most) = bounds;
    let read = |node: &Node| {
        let number = node.number().filter(|number| number.fract() == 0.0);
        let number = number.filter(|number| (least as f64..=most as f64).contains(number));
        number
            .map(|number| number as u64)
            .ok_or_else(|| format!("should be a whole number from {least} to {most}"))
    };
    fields.read(name, check, read).unwrap_or(default)
}
