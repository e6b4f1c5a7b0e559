//! The document of a switch, field by field, with every problem at once.

use std::sync::Arc;

use jiff::tz::TimeZone;
use lanner_conditions::{Condition, Expr, FieldPath};
use lanner_core::document::{Check, Content, Fields};
use lanner_core::field::{self, Field, Type};
use lanner_core::reading::{self, text};
use lanner_core::time::{DAY_MS, MAX_TIME_MS, MIN_TIME_MS, SECOND_MS, parse_duration_ms};
use lanner_core::{Days, Labels, Node, Problems, TimeRange};
use serde_json::Value;

use crate::switch::{Answer, OnUnavailable, Rollout, Status, Switch};
use crate::window::Window;

/// Every field of a switch.
pub const FIELDS: &[Field] = &[
    Field::new("id", "block-bank", "unique name of the switch").of(Type::Id).required(),
    Field::new("description", "Purchases with one bank", "a note for people"),
    Field::new(
        "when",
        "'WORKFLOW == \"PURCHASE\" and BANK == \"HSBC\"'",
        "what to block: a condition, or a list of conditions that must all be true",
    )
    .of(Type::List(&Type::Condition))
    .required(),
    Field::new(
        "status",
        "active",
        "active (default), inactive, or shadow: report what would be blocked, and block nothing",
    )
    .of(Type::OneOf(&["active", "inactive", "shadow"]))
    .or("active"),
    Field::new(
        "priority",
        "10",
        "the switch with the highest priority answers; 0 by default, then in order of ids",
    )
    .of(Type::Whole)
    .or("0"),
    Field::new("owner", "payments", "who is responsible for it"),
    Field::new("reason", "HSBC is down", "why it blocks; shown to callers"),
    Field::new(
        "emergency",
        "true",
        "an emergency needs an owner and a reason, and ends after 24 h unless it says when",
    )
    .of(Type::Truth)
    .or("false"),
    Field::new(
        "valid",
        "{ from: 2026-12-01T00:00Z, to: 2026-12-02T00:00Z }",
        "when it is valid; `to` is exclusive",
    )
    .of(Type::Map(reading::VALID)),
    Field::new(
        "schedule",
        "{ days: mon-fri, from: \"10:00\", to: \"17:00\", tz: Europe/Berlin }",
        "recurring times at which it blocks: a window on the wall clock, or a list of them",
    )
    .of(Type::List(&Type::Map(SCHEDULE))),
    Field::new(
        "rollout",
        "{ share: 25%, by: user.id }",
        "share of the matching contexts to block, chosen by a field",
    )
    .of(Type::Map(ROLLOUT)),
    Field::new(
        "answer",
        "{ status: 503, headers: { retry-after: \"60\" }, body: Temporarily blocked }",
        "response of a blocked caller",
    )
    .of(Type::Map(ANSWER)),
    Field::new(
        "tag",
        "suspicious",
        "pass what it matches, with this tag, instead of blocking it",
    ),
    Field::new(
        "limit",
        "{ requests: 30, per: 1m }",
        "let so many of the matching contexts pass, and block only what comes faster",
    )
    .of(Type::Map(crate::limit::FIELDS)),
    Field::new("labels", "{ app: shop }", "labels, for grouping and for callers that ask for some switches only")
        .of(Type::ByName(&Type::Text)),
    Field::new(
        "on_unavailable",
        "last_good",
        "what clients do once their switches are too old: last_good (default), open (block nothing), closed (block what matches)",
    )
    .of(Type::OneOf(&["last_good", "open", "closed"]))
    .or("last_good"),
    Field::new("every", "30s", "how often callers should ask again; 30s by default")
        .of(Type::Duration)
        .or("30s"),
    Field::new(
        "flag",
        "{ on: INTERNAL, off: EXTERNAL, variants: [internal, external], metadata: { team: shop } }",
        "values for OpenFeature clients; a switch with a flag blocks nothing",
    )
    .of(Type::Map(crate::flag::FIELDS)),
];

/// A window on the wall clock.
pub const SCHEDULE: &[Field] = &[
    Field::new("days", "mon-fri", "days of the week").of(Type::List(&Type::Text)).or("every day"),
    Field::new("from", "\"10:00\"", "start of the window").of(Type::TimeOfDay).or("00:00"),
    Field::new("to", "\"17:00\"", "end of the window; at or before `from` it is on the next day")
        .of(Type::TimeOfDay)
        .or("24:00"),
    Field::new("tz", "Europe/Berlin", "time zone of the window").or("UTC"),
];

/// Which share is blocked.
pub const ROLLOUT: &[Field] = &[
    Field::new("share", "25%", "share of the matching contexts").of(Type::Share).required(),
    Field::new("by", "user.id", "field that decides; equal values always get the same result").required(),
];

/// What a blocked caller answers.
pub const ANSWER: &[Field] = &[
    Field::new("status", "503", "HTTP status").of(Type::Whole).or("503"),
    Field::new("headers", "{ retry-after: \"60\" }", "HTTP headers").of(Type::ByName(&Type::Text)),
    Field::new("body", "Temporarily blocked", "body: text, or a map or list, which becomes JSON")
        .of(Type::Template),
];

/// Names that mean something else where switches are asked for.
pub const RESERVED_IDS: [&str; 11] = [
    "audit", "blocked", "bump", "clients", "counts", "evaluate", "key", "preview", "requests", "snapshot",
    "stream",
];

impl Switch {
    /// Reads a switch as it is stored and sent to clients, perhaps by an older release.
    ///
    /// # Errors
    /// Every problem in it, with the path of its field.
    ///
    /// ```
    /// let document = serde_json::json!({"id": "a", "when": "x == 1 and", "prio": 3});
    /// let problems = lanner_switch::Switch::from_json(&document).unwrap_err();
    /// assert_eq!(problems.0.len(), 2, "{problems}");
    /// ```
    pub fn from_json(document: &Value) -> Result<Self, Problems> {
        Self::stored(document, "")
    }

    /// [`Self::from_json`] of a document that stands at `path`.
    pub(crate) fn stored(document: &Value, path: &str) -> Result<Self, Problems> {
        let mut node = Node::from_json(document);
        field::upgrade(&mut node, &[FIELDS]);
        Self::check(&node, path)
    }

    /// The document of a switch as it is stored: with text where text is expected.
    #[must_use]
    pub fn document(node: &Node) -> Value {
        field::to_json(node, &[FIELDS])
    }

    /// Reads a switch from a located tree, which stands at `path`.
    ///
    /// # Errors
    /// Every problem in it, with its place and the path of its field.
    pub fn check(node: &Node, path: &str) -> Result<Self, Problems> {
        let mut check = Check::default();
        let switch = check.map(node, path).and_then(|fields| read(fields, &mut check));
        match switch {
            Some(switch) if check.problems.is_empty() => Ok(switch),
            _ => Err(Problems(check.problems)),
        }
    }
}

/// More conditions or windows than this are refused.
const MAX_ITEMS: usize = 100;

fn read(mut fields: Fields<'_>, check: &mut Check) -> Option<Switch> {
    let f = &mut fields;
    let id = read_id(f, check);
    let condition = read_condition(f, check);
    let status = f.read("status", check, |node| match text(node)?.as_str() {
        "active" => Ok(Status::Active),
        "inactive" => Ok(Status::Inactive),
        "shadow" => Ok(Status::Shadow),
        _ => Err("should be active, inactive or shadow".to_owned()),
    });
    let priority = f.read("priority", check, |node| match node.content {
        Content::Int(n @ -1_000_000..=1_000_000) => Ok(n),
        _ => Err("should be a whole number from -1000000 to 1000000".to_owned()),
    });
    let valid = f.get("valid").and_then(|node| reading::valid(node, &f.path_of("valid"), check));
    let on_unavailable = f.read("on_unavailable", check, |node| {
        OnUnavailable::parse(&text(node)?).ok_or_else(|| "should be last_good, open or closed".to_owned())
    });
    let every_ms = f.read("every", check, |node| match parse_duration_ms(&text(node)?) {
        Ok(ms) if ms >= SECOND_MS => Ok(ms),
        Ok(_) => Err("should be a second at least".to_owned()),
        Err(error) => Err(error.to_string()),
    });
    let (owner, reason) = (read_words(f, "owner", check), read_words(f, "reason", check));
    let is_emergency = f.read("emergency", check, Node::truth).unwrap_or(false);
    let valid = valid.unwrap_or(TimeRange::new(MIN_TIME_MS, MAX_TIME_MS));
    if is_emergency {
        check_emergency(f, owner.as_deref(), reason.as_deref(), check);
    }
    let what: Vec<&str> = ["tag", "limit", "flag"].into_iter().filter(|name| f.get(name).is_some()).collect();
    if let [one, other, ..] = what[..] {
        check.problem(f.node, &f.path_of(one), format!("cannot stand beside \"{other}\""));
    }
    let switch = Switch {
        id: id.unwrap_or_default(),
        description: f.read("description", check, text).unwrap_or_default(),
        condition: condition.unwrap_or_else(|| Condition::from_expr(Expr::Constant(false))),
        status: status.unwrap_or(Status::Active),
        priority: priority.unwrap_or(0),
        owner,
        reason,
        is_emergency,
        valid,
        schedule: read_schedule(f, check),
        rollout: f.get("rollout").and_then(|node| read_rollout(node, &f.path_of("rollout"), check)),
        answer: f
            .get("answer")
            .and_then(|node| read_answer(node, &f.path_of("answer"), check))
            .unwrap_or_default(),
        tag: read_tag(f, check),
        limit: f.get("limit").and_then(|node| crate::limit::read(node, &f.path_of("limit"), check)),
        labels: read_labels(f, check),
        on_unavailable: on_unavailable.unwrap_or_default(),
        every_ms: every_ms.unwrap_or(30 * SECOND_MS),
        flag: f.get("flag").and_then(|node| crate::flag::read(node, &f.path_of("flag"), check)),
    };
    fields.finish_of(FIELDS, check);
    Some(switch)
}

fn read_id(fields: &mut Fields<'_>, check: &mut Check) -> Option<Arc<str>> {
    fields.require("id", "block-bank", check);
    fields.read("id", check, |node| {
        let id = reading::id(node, "-_.:")?;
        if RESERVED_IDS.contains(&id.as_str()) {
            return Err(format!("\"{id}\" means something else in the API; choose another name"));
        }
        Ok(Arc::from(id))
    })
}

/// Text that is not empty.
fn read_words(fields: &mut Fields<'_>, name: &str, check: &mut Check) -> Option<String> {
    fields.read(name, check, |node| {
        let words = text(node)?;
        if words.trim().is_empty() { Err("should not be empty".to_owned()) } else { Ok(words) }
    })
}

/// A tag goes into a header of HTTP.
const MAX_TAG: usize = 100;

fn read_tag(fields: &mut Fields<'_>, check: &mut Check) -> Option<Arc<str>> {
    fields.read("tag", check, |node| {
        let tag = text(node)?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        if tag.is_empty() || tag.len() > MAX_TAG || !tag.chars().all(is_plain) {
            return Err(format!("should be 1 to {MAX_TAG} letters, digits and the marks - _ . :"));
        }
        Ok(Arc::from(tag))
    })
}

fn check_emergency(fields: &Fields<'_>, owner: Option<&str>, reason: Option<&str>, check: &mut Check) {
    let mut need = |is_there: bool, name: &str, example: &str| {
        if !is_there {
            let message = format!("an emergency switch needs the field \"{name}\"");
            let hint = Some(format!("write for example {name}: {example}"));
            check.push(fields.node.at, &fields.path, message, hint);
        }
    };
    need(owner.is_some(), "owner", "payments");
    need(reason.is_some(), "reason", "HSBC is down");
}

/// One condition, or several that must all hold; every problem of each.
fn read_condition(fields: &mut Fields<'_>, check: &mut Check) -> Option<Condition> {
    let node = fields.require("when", "'BANK == \"HSBC\"'", check)?;
    let path = fields.path_of("when");
    let items = check.items(node);
    if items.is_empty() || items.len() > MAX_ITEMS {
        check.problem(node, &path, format!("should be 1 to {MAX_ITEMS} conditions"));
        return None;
    }
    let is_list = matches!(node.content, Content::List(_));
    let mut members = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let path = if is_list { format!("{path}[{at}]") } else { path.clone() };
        members.extend(Condition::read(item, &path, check));
    }
    if members.len() < items.len() {
        return None;
    }
    if members.len() == 1 {
        return members.pop();
    }
    Some(Condition::from_expr(Expr::and(members.iter().map(|member| member.expr().clone()).collect())))
}

fn read_schedule(fields: &mut Fields<'_>, check: &mut Check) -> Vec<Window> {
    let Some(node) = fields.get("schedule") else { return Vec::new() };
    let path = fields.path_of("schedule");
    let items = check.items(node);
    if items.len() > MAX_ITEMS {
        check.problem(node, &path, format!("should be at most {MAX_ITEMS} windows"));
        return Vec::new();
    }
    let is_list = matches!(node.content, Content::List(_));
    let mut windows = Vec::new();
    for (at, item) in items.into_iter().enumerate() {
        let path = if is_list { format!("{path}[{at}]") } else { path.clone() };
        windows.extend(read_window(item, &path, check));
    }
    windows
}

fn read_window(node: &Node, path: &str, check: &mut Check) -> Option<Window> {
    let mut fields = check.map(node, path)?;
    let from_ms = fields.read("from", check, reading::time_of_day).unwrap_or(0);
    let to_ms = fields.read("to", check, reading::time_of_day).unwrap_or(DAY_MS);
    let days = fields.read("days", check, reading::days).unwrap_or(Days::ALL);
    let tz = fields.read("tz", check, reading::time_zone).unwrap_or(TimeZone::UTC);
    if from_ms == DAY_MS {
        check.problem(node, &fields.path_of("from"), "24:00 is an end; write 00:00");
    }
    fields.finish_of(SCHEDULE, check);
    Some(Window { from_ms, to_ms, days, tz })
}

fn read_rollout(node: &Node, path: &str, check: &mut Check) -> Option<Rollout> {
    let mut fields = check.map(node, path)?;
    fields.require("share", "25%", check);
    fields.require("by", "user.id", check);
    let share = fields.read("share", check, reading::share);
    let by = fields.read("by", check, |node| {
        FieldPath::parse(&text(node)?).map_err(|problems| {
            let why = problems.first().map(ToString::to_string).unwrap_or_default();
            format!("is not the name of a field: {why}")
        })
    });
    fields.finish_of(ROLLOUT, check);
    Some(Rollout { share: share?, by: by? })
}

fn read_answer(node: &Node, path: &str, check: &mut Check) -> Option<Answer> {
    let mut fields = check.map(node, path)?;
    let status = fields.read("status", check, |node| match node.content {
        Content::Int(status @ 200..=599) => Ok(status as u16),
        _ => Err("should be an HTTP status from 200 to 599".to_owned()),
    });
    let mut headers = read_headers(&mut fields, check);
    let body = fields.get("body").map(|node| match &node.content {
        Content::List(_) | Content::Map(_) => {
            if !headers.iter().any(|(name, _)| name == "content-type") {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
            }
            node.to_json().to_string()
        }
        _ => node.scalar_text().unwrap_or_default(),
    });
    fields.finish_of(ANSWER, check);
    Some(Answer { status: status.unwrap_or(Answer::default().status), headers, body })
}

fn read_headers(fields: &mut Fields<'_>, check: &mut Check) -> Vec<(String, String)> {
    let Some(node) = fields.get("headers") else { return Vec::new() };
    let path = fields.path_of("headers");
    let mut headers = Vec::new();
    for (key, text) in reading::texts(node, &path, check) {
        let name = key.name.to_ascii_lowercase();
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let is_ours = ["connection", "content-length", "transfer-encoding"].contains(&name.as_str());
        let path = format!("{path}.{name}");
        if name.is_empty() || !name.chars().all(is_token) || is_ours {
            let message = "is not a header that an answer can be given";
            check.push(key.at, &path, message.to_owned(), None);
        } else if !text.chars().all(|c| c == '\t' || (' '..='~').contains(&c)) {
            check.push(key.at, &path, "should be printable ASCII".to_owned(), None);
        } else {
            headers.push((name, text));
        }
    }
    headers
}

fn read_labels(fields: &mut Fields<'_>, check: &mut Check) -> Labels {
    let Some(node) = fields.get("labels") else { return Labels::default() };
    let texts = reading::texts(node, &fields.path_of("labels"), check);
    Labels::new(texts.into_iter().map(|(key, value)| (key.name.clone(), value)))
}
