//! How `sessions` is written.

use std::sync::Arc;

use lanner_conditions::Condition;
use lanner_core::document::Node;
use lanner_core::field::{Field, Type};
use lanner_core::reading;
use lanner_core::time::{DAY_MS, parse_duration_ms};
use lanner_traffic::{LiveSettings, SessionSettings};
use serde_json::json;

use super::key::KeyPart;
use super::made::NAMES;
use crate::document::{Check, Fields};

/// The stream on which sessions appear.
const INTO: &str = "api.sessions";

/// Fields that tell clients apart, at most.
const MAX_BY: usize = 8;

/// What tells them apart where nothing is said.
const DEFAULT_BY: [&str; 2] = ["client", "agent"];

pub(super) const FIELDS: &[Field] = &[
    Field::new(
        "by",
        "[client, agent]",
        "the fields that tell clients apart, or what is made of fields, such as first(user, network(client)) as who",
    )
        .of(Type::List(&Type::Text))
        .or("[client, agent]"),
    Field::new(
        "from",
        "http",
        "the object with the fields of the request; by default they stand in the event itself",
    ),
    Field::new(
        "where",
        "'not path startswith \"/static/\"'",
        "condition that requests must match; by default all count",
    )
    .of(Type::Condition),
    Field::new(
        "bots",
        "'client in (192.0.2.0/24) and agent contains Examplebot'",
        "condition on a request that tells bots which are known to be what they say",
    )
    .of(Type::Condition),
    Field::new("into", INTO, "the stream on which sessions appear").or(INTO),
    Field::new("idle", "30m", "the pause after which a session is over").of(Type::Duration).or("30m"),
    Field::new("longest", "24h", "sessions that last longer are cut").of(Type::Duration).or("24h"),
    Field::new("requests", "10000", "sessions with more requests are cut, from 10 to 100000")
        .of(Type::Whole)
        .or("10000"),
    Field::new(
        "open",
        "50000",
        "sessions open at once, from 10 to 1000000; beyond that the one idle longest is closed early",
    )
    .of(Type::Whole)
    .or("50000"),
    Field::new("learn", "1d", "for how long it learns before it judges").of(Type::Duration).or("1d"),
    Field::new("sessions", "1000", "from how many sessions it learns at least, from 40 to 100000")
        .of(Type::Whole)
        .or("1000"),
    Field::new("share", "1%", "the share of ordinary sessions that may be called unusual")
        .of(Type::Share)
        .or("1%"),
    Field::new(
        "model",
        "true",
        "whether the model of the kind `api` that is in use decides what is unusual, where there is one",
    )
    .of(Type::Truth)
    .or("true"),
];

/// What was written.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) by: Vec<KeyPart>,
    pub(super) from: Option<String>,
    pub(super) filter: Option<Condition>,
    pub(super) bots: Option<Condition>,
    pub(super) into: [Arc<str>; 1],
    pub(super) live: LiveSettings,
    /// Whether trained models that are in use are asked.
    pub(super) is_judged_by_models: bool,
    /// What is learned depends on this.
    pub(super) identity: String,
}

pub(super) fn read_settings(fields: &mut Fields<'_>, check: &mut Check) -> Option<Settings> {
    let n_before = check.problems.len();
    let (written, by) = read_by(fields, check);
    let from = fields.read("from", check, reading::name);
    let (filter_text, filter) = condition(fields, "where", check);
    let (_, bots) = condition(fields, "bots", check);
    let into = fields.read("into", check, reading::name).unwrap_or_else(|| INTO.to_owned());
    let idle_ms = duration(fields, "idle", 30 * 60_000, check);
    let max_ms = duration(fields, "longest", DAY_MS, check);
    let max_calls = whole(fields, "requests", (10, 10_000, 100_000), check) as u32;
    let max_open = whole(fields, "open", (10, 50_000, 1_000_000), check) as usize;
    let learn_ms = duration(fields, "learn", DAY_MS, check);
    let n_learned = whole(fields, "sessions", (40, 1_000, 100_000), check) as usize;
    let unusual_share = fields.read("share", check, reading::share).unwrap_or(0.01);
    let is_judged_by_models = fields.read("model", check, |node| node.truth()).unwrap_or(true);
    let identity = json!({ "by": written, "from": from, "where": filter_text, "idle_ms": idle_ms, "longest_ms": max_ms });
    let sessions = SessionSettings { idle_ms, max_ms, max_calls, max_open, ..SessionSettings::default() };
    (check.problems.len() == n_before).then(|| Settings {
        by,
        from,
        filter,
        bots,
        into: [into.into()],
        live: LiveSettings { sessions, learn_ms, n_learned, unusual_share },
        is_judged_by_models,
        identity: identity.to_string(),
    })
}

/// What tells clients apart, as it is written and as it is read. The names become fields of what comes out.
fn read_by(fields: &mut Fields<'_>, check: &mut Check) -> (Vec<String>, Vec<KeyPart>) {
    let Some(node) = fields.get("by") else {
        return (DEFAULT_BY.map(str::to_owned).into(), parts(&DEFAULT_BY));
    };
    let written = reading::names(fields, "by", check);
    let path = fields.path_of("by");
    if written.is_empty() || written.len() > MAX_BY {
        check.problem(node, &path, format!("should be from 1 to {MAX_BY} fields, found {}", written.len()));
    }
    let mut by: Vec<KeyPart> = Vec::new();
    for text in &written {
        let part = match KeyPart::parse(text) {
            Ok(part) => part,
            Err(why) => {
                check.problem(node, &path, why);
                continue;
            }
        };
        let name = &part.name;
        if NAMES.contains(&&**name) {
            check.problem(node, &path, format!("\"{name}\" is the name of another field of a session"));
        }
        if by.iter().any(|other| other.name == *name) {
            let message =
                format!("two of them would become the field \"{name}\" of a session; name one with as");
            check.problem(node, &path, message);
        }
        by.push(part);
    }
    (written, by)
}

fn parts(names: &[&str]) -> Vec<KeyPart> {
    names.iter().filter_map(|name| KeyPart::parse(name).ok()).collect()
}

/// A condition, and how it is written.
fn condition(fields: &mut Fields<'_>, name: &str, check: &mut Check) -> (Option<String>, Option<Condition>) {
    let Some(node) = fields.get(name) else { return (None, None) };
    (node.scalar_text(), Condition::read(node, &fields.path_of(name), check))
}

fn duration(fields: &mut Fields<'_>, name: &str, default_ms: i64, check: &mut Check) -> i64 {
    let read = |node: &Node| parse_duration_ms(&reading::text(node)?).map_err(|error| error.to_string());
    fields.read(name, check, read).unwrap_or(default_ms)
}

fn whole(
    fields: &mut Fields<'_>,
    name: &str,
    (least, default, most): (u64, u64, u64),
    check: &mut Check,
) -> u64 {
    let read = |node: &Node| {
        let text = reading::text(node)?;
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        number.ok_or_else(|| format!("should be a whole number from {least} to {most}, found {text}"))
    };
    fields.read(name, check, read).unwrap_or(default)
}
