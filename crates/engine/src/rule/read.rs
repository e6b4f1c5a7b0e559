//! The document of a rule, field by field.

use std::sync::{Arc, LazyLock};

use lanner_core::alert::{BUILTIN_PREFIX, is_builtin};
use lanner_core::field::{self, Field, Type};
use lanner_core::reading::{self, text};
use lanner_core::time::{DAY_MS, MAX_TIME_MS, MIN_TIME_MS, SECOND_MS, WEEK_MS, parse_duration_ms};
use lanner_core::{Labels, TimeRange};

use super::schedule::{Active, Days, Edge, Schedule};
use super::template::{Template, VARIABLES};
use super::{Policies, Policy, Rule, Status};
use crate::detector::{Detector, KINDS, Kind};
use crate::document::{Check, Content, Fields, Node, Problems};
use crate::measure::{Remembers, is_calculation};
use crate::source::{QUERY, Query, read_query};

/// Every field of a rule except the detectors', which [`KINDS`] lists.
pub const FIELDS: &[Field] = &[
    Field::new(
        "id",
        "payments-floor",
        "unique name of the rule: letters, digits and `- _ . : /`",
    )
    .of(Type::Id)
    .required(),
    Field::new("description", "Payments per bank", "a note for people"),
    Field::new(
        "query",
        "{ stream: payments, measure: count, by: [bank] }",
        "what to measure: a stream, series, or a Graphite expression",
    )
    .of(Type::Map(QUERY))
    .required(),
    Field::new("window", "30m", "length of each window").of(Type::Duration).required(),
    Field::new("every", "10m", "time between the starts of two windows; the window's length by default").of(Type::Duration),
    Field::new("delay", "10s", "how long an evaluation waits for late data").of(Type::Duration).or("0s"),
    Field::new(
        "active",
        "{ from: \"10:00\", to: \"17:00\", days: mon-fri }",
        "times of day and days on which the rule is evaluated; one part, or a list of parts",
    )
    .of(Type::List(&Type::Map(ACTIVE))),
    Field::new("tz", "Europe/Berlin", "time zone of windows and comparisons").or("UTC"),
    Field::new("valid", "{ from: 2026-12-01, to: 2026-12-31 }", "windows outside this range are not evaluated")
        .of(Type::Map(reading::VALID)),
    Field::new("for", "2", "consecutive bad windows before the alert fires").of(Type::Whole).or("1"),
    Field::new("recover_for", "1", "consecutive good windows before the alert resolves")
        .of(Type::Whole)
        .or("1"),
    Field::new("no_data", "alert", "outcome when there is nothing to measure").of(POLICY).or("alert"),
    Field::new(
        ERROR,
        "alert",
        "outcome when the source fails; with `wait` a window waits until the source answers",
    )
    .of(Type::OneOf(&["alert", "keep", "ok", "wait"]))
    .or("alert"),
    Field::new(
        "base_zero",
        "keep",
        "outcome when the baseline is zero; if not set, a rise from zero is a finding and a drop is not evaluated",
    )
    .of(POLICY),
    Field::new("base_missing", "keep", "outcome when the baseline was not measured").of(POLICY).or("keep"),
    Field::new("history_short", "keep", "outcome while there is too little history for a baseline").of(POLICY).or("keep"),
    Field::new("unknown", "keep", "outcome when the server itself was down during the window").of(POLICY).or("keep"),
    Field::new(
        "max_catchup",
        "24h",
        "how far back windows missed during downtime are evaluated one by one; if not set, they are skipped",
    )
    .of(Type::Duration),
    Field::new(
        "forget",
        "7d",
        "how long a group without data is remembered; by default a week, or twice as far as the comparison reaches",
    )
    .of(Type::Duration),
    Field::new(
        "content",
        "\"{{ rule }}: {{ value }}\"",
        "text of the message: a template, or JSON that contains templates",
    )
    .of(Type::Template),
    Field::new("receivers", "[on-call]", "receivers that are notified").of(Type::List(&Type::Text)),
    Field::new("labels", "{ severity: page }", "labels of its alerts, for silences, inhibition and grouping")
        .of(Type::ByName(&Type::Text)),
    Field::new(
        "annotations",
        "{ runbook_url: \"https://example.org/{{ rule }}\" }",
        "further named templates for messages: summary, description, runbook_url and others",
    )
    .of(Type::ByName(&Type::Template)),
    Field::new("status", "active", "whether the rule is evaluated")
        .of(Type::OneOf(&["active", "inactive"]))
        .or("active"),
];

const POLICY: Type = Type::OneOf(&["alert", "keep", "ok"]);
/// The policy for a source that fails.
const ERROR: &str = "error";

/// The part of the day in which windows lie.
pub(crate) const ACTIVE: &[Field] = &[
    Field::new("from", "\"10:00\"", "start of the first window").of(Type::TimeOfDay).or("00:00"),
    Field::new(
        "to",
        "\"17:00\"",
        "time by which windows must end; at or before `from` it is on the next day",
    )
    .of(Type::TimeOfDay)
    .or("24:00"),
    Field::new("days", "mon-fri", "days of the week").of(Type::List(&Type::Text)).or("every day"),
    Field::new("tz", "Europe/Berlin", "time zone of the rule"),
    Field::new("edge", "end", "whether windows must end by `to`, or only start before `to`")
        .of(Type::OneOf(&["end", "start"]))
        .or("end"),
];

/// The detectors as fields of a rule.
pub static DETECTORS: LazyLock<Vec<Field>> = LazyLock::new(|| {
    let field = |kind: &Kind| Field::new(kind.name, kind.example, kind.about).of(Type::Map(kind.fields));
    KINDS.iter().map(field).collect()
});

/// The document of a rule as it is stored: with text where text is expected.
fn document(node: &Node) -> String {
    field::to_json(node, &[FIELDS, &DETECTORS]).to_string()
}

/// Writes a stored document as it is written today.
fn upgrade(node: &mut Node) {
    field::upgrade(node, &[&DETECTORS]);
}

impl Rule {
    /// Checks the document of one rule.
    ///
    /// - `path`: how problems name the document, as in `rules[0]`; may be empty.
    ///
    /// # Errors
    /// Every problem in the document.
    pub fn check(node: &Node, path: &str, version: u32) -> Result<Self, Problems> {
        rule(node, path, version)
    }

    /// Checks the document of one rule as it is stored, perhaps by an older release.
    ///
    /// # Errors
    /// Every problem in the document.
    ///
    /// ```
    /// let document = serde_json::json!({
    ///     "id": "payments-floor",
    ///     "query": { "stream": "payments", "measure": "count", "by": ["bank"] },
    ///     "window": "30m", "every": "10m",
    ///     "absolute": { "min": 400 },
    /// });
    /// let rule = lanner_engine::Rule::from_json(&document, 1).unwrap();
    /// assert_eq!(rule.schedule.every_ms, 600_000);
    /// ```
    pub fn from_json(document: &serde_json::Value, version: u32) -> Result<Self, Problems> {
        let mut node = Node::from_json(document);
        upgrade(&mut node);
        Self::check(&node, "", version)
    }
}

fn rule(node: &Node, path: &str, version: u32) -> Result<Rule, Problems> {
    let mut check = Check::default();
    let rule = check.map(node, path).and_then(|mut fields| {
        let rule = read(&mut fields, version, &mut check);
        let known: Vec<&str> = FIELDS.iter().map(|f| f.name).chain(KINDS.iter().map(|k| k.name)).collect();
        fields.finish(&known, &mut check);
        rule
    });
    match rule {
        Some(rule) if check.problems.is_empty() => Ok(rule),
        _ => Err(Problems(check.problems)),
    }
}

/// Reads every field even when one is wrong, so that all problems are found.
fn read(fields: &mut Fields<'_>, version: u32, check: &mut Check) -> Option<Rule> {
    let id = read_id(fields, check);
    let query = fields.require("query", "{ stream: payments, measure: count }", check);
    let mut query = query.and_then(|node| read_query(node, &fields.path_of("query"), check));
    let schedule = read_schedule(fields, check);
    let detector = read_detector(fields, check);
    if let Some(remembers) = detector.as_ref().and_then(|it| it.remembers()) {
        query = query.map(|query| remembering(query, remembers, fields, check));
    }
    if let (Some(schedule), Some(detector)) = (&schedule, &detector)
        && let Err(message) = detector.validate_for(schedule.every_ms)
    {
        check.problem(fields.node, &fields.path_of("every"), message);
    }
    let policies = read_policies(fields, check);
    let (for_windows, recover_windows) = (count(fields, "for", check), count(fields, "recover_for", check));
    let delay_ms = duration(fields, "delay", 0, check).unwrap_or(0);
    let max_catchup_ms = duration(fields, "max_catchup", 0, check);
    let forget_ms = duration(fields, "forget", 1, check);
    let description = fields.read("description", check, text).unwrap_or_default();
    let labels = read_labels(fields, check);
    let receivers = reading::names(fields, "receivers", check);
    let by: &[String] = query.as_ref().map_or(&[], |query| query.by());
    let content = read_content(fields, by, &labels, check);
    let annotations = read_annotations(fields, by, &labels, check);
    if labels.get("severity").is_some() && detector.as_ref().is_some_and(|detector| detector.grades()) {
        let message = "the detector says itself how severe a finding is";
        check.problem(fields.node, &fields.path_of("labels.severity"), message);
    }
    let status = fields.read("status", check, |node| match text(node)?.as_str() {
        "active" => Ok(Status::Active),
        "inactive" => Ok(Status::Inactive),
        _ => Err("should be active or inactive".to_owned()),
    });
    let mut rule = Rule {
        id: id?,
        version,
        description,
        query: query?,
        schedule: schedule?,
        delay_ms,
        max_catchup_ms: max_catchup_ms.unwrap_or(DAY_MS),
        walks_gaps: max_catchup_ms.is_some(),
        forget_ms: 0,
        detector: detector?,
        for_windows,
        recover_windows,
        policies,
        content: content?,
        annotations,
        receivers: receivers.into_iter().map(Arc::from).collect(),
        labels,
        status: status.unwrap_or(Status::Active),
        document: document(fields.node).into(),
    };
    // Whether a value is new is remembered elsewhere.
    let reach_ms = if rule.detector.remembers().is_some() { 0 } else { rule.reach_ms() };
    rule.forget_ms = forget_ms.unwrap_or_else(|| WEEK_MS.max(2 * reach_ms));
    Some(rule)
}

/// The query with the values of a field forming groups, and when each was last seen remembered.
fn remembering(
    query: Box<dyn Query>,
    remembers: &Remembers,
    fields: &mut Fields<'_>,
    check: &mut Check,
) -> Box<dyn Query> {
    let (node, path) = (fields.node, fields.path_of("new.field"));
    let Some(with_values) = query.remembering(remembers) else {
        let message = "looks at a field of events; write a query with a stream";
        check.problem(node, &fields.path_of("new"), message);
        return query;
    };
    let field = &remembers.field;
    if query.by().contains(field) {
        check.problem(node, &path, format!("\"{field}\" is among the fields in by; leave it out there"));
    } else if VARIABLES.contains(&field.as_str()) {
        check.problem(node, &path, format!("the name \"{field}\" is taken by a variable of templates"));
    } else if field.trim().is_empty() || is_calculation(field) {
        check.problem(node, &path, format!("\"{field}\" is not the name of a field"));
    }
    with_values
}

fn read_id(fields: &mut Fields<'_>, check: &mut Check) -> Option<Arc<str>> {
    fields.require("id", "payments-floor", check);
    fields.read("id", check, read_own_id).map(Arc::from)
}

fn read_own_id(node: &Node) -> Result<String, String> {
    let id = reading::id(node, "-_.:/")?;
    if is_builtin(&id) {
        return Err(format!(
            "begins with {BUILTIN_PREFIX}, which is reserved for alerts about Lanner itself"
        ));
    }
    Ok(id)
}

fn duration(fields: &mut Fields<'_>, name: &str, at_least_ms: i64, check: &mut Check) -> Option<i64> {
    fields.read(name, check, |node| {
        let duration_ms = parse_duration_ms(&text(node)?).map_err(|error| error.to_string())?;
        if duration_ms < at_least_ms { Err("should be longer than that".to_owned()) } else { Ok(duration_ms) }
    })
}

fn count(fields: &mut Fields<'_>, name: &str, check: &mut Check) -> u32 {
    let read = |node: &Node| match node.content {
        Content::Int(n @ 1..=10_000) => Ok(n as u32),
        _ => Err("should be a whole number of windows in a row, from 1 to 10000".to_owned()),
    };
    fields.read(name, check, read).unwrap_or(1)
}

fn read_schedule(fields: &mut Fields<'_>, check: &mut Check) -> Option<Schedule> {
    fields.require("window", "30m", check);
    let window_ms = duration(fields, "window", SECOND_MS, check);
    let every_ms = duration(fields, "every", SECOND_MS, check);
    let outer = fields.read("tz", check, reading::time_zone);
    let mut inner = None;
    let mut active = Vec::new();
    for (node, path) in parts_of(fields, "active", check) {
        let Some(mut part) = check.map(node, &path) else { continue };
        let tz = part.read("tz", check, reading::time_zone);
        if tz.is_some() && inner.is_some() && tz != inner {
            check.problem(
                node,
                &part.path_of("tz"),
                "differs from that of another part; a rule has one time zone",
            );
        }
        inner = tz.or(inner);
        active.extend(read_active(&mut part, check));
        part.finish_of(ACTIVE, check);
    }
    if outer.is_some() && inner.is_some() && outer != inner {
        check.problem(
            fields.node,
            &fields.path_of("active.tz"),
            "differs from the rule's own tz; write one of them",
        );
    }
    let valid = fields.get("valid").and_then(|node| reading::valid(node, &fields.path_of("valid"), check));
    let window_ms = window_ms?;
    let every_ms = every_ms.unwrap_or(window_ms);
    let schedule = Schedule {
        window_ms,
        every_ms,
        tz: inner.or(outer),
        active,
        valid: valid.unwrap_or(TimeRange::new(MIN_TIME_MS, MAX_TIME_MS)),
    };
    if schedule.active.iter().any(|part| part.edge == Edge::End && window_ms > part.length_ms()) {
        let message = "no window fits: it is longer than the active interval";
        check.problem(fields.node, &fields.path_of("window"), message);
        return None;
    }
    if !schedule.repeats_daily() && schedule.active.is_empty() && every_ms > 366 * DAY_MS {
        check.problem(fields.node, &fields.path_of("every"), "should be at most a year");
        return None;
    }
    Some(schedule)
}

/// The items of a field that holds one or a list of such, each with its path.
fn parts_of<'n>(fields: &mut Fields<'n>, name: &str, check: &Check) -> Vec<(&'n Node, String)> {
    let path = fields.path_of(name);
    match fields.get(name) {
        Some(node @ Node { content: Content::List(_), .. }) => {
            let items = check.items(node).into_iter().enumerate();
            items.map(|(at, part)| (part, format!("{path}[{at}]"))).collect()
        }
        node => node.map(|node| (node, path)).into_iter().collect(),
    }
}

fn read_active(fields: &mut Fields<'_>, check: &mut Check) -> Option<Active> {
    let from_ms = fields.read("from", check, reading::time_of_day);
    let to_ms = fields.read("to", check, reading::time_of_day);
    let days = fields.read("days", check, reading::days);
    let edge = fields.read("edge", check, |node| match text(node)?.as_str() {
        "end" => Ok(Edge::End),
        "start" => Ok(Edge::Start),
        _ => Err("should be end (windows end inside) or start (windows start inside)".to_owned()),
    });
    let from_ms = from_ms.unwrap_or(0);
    if from_ms == DAY_MS {
        check.problem(fields.node, &fields.path_of("from"), "24:00 is an end; write 00:00");
        return None;
    }
    Some(Active {
        from_ms,
        to_ms: to_ms.unwrap_or(DAY_MS),
        days: days.unwrap_or(Days::ALL),
        edge: edge.unwrap_or(Edge::End),
    })
}

fn read_detector(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn Detector>> {
    let mut names = Vec::new();
    let mut detectors = Vec::new();
    for kind in KINDS {
        let Some(node) = fields.get(kind.name) else { continue };
        names.push(kind.name);
        if let Some(mut inner) = check.map(node, &fields.path_of(kind.name)) {
            detectors.extend((kind.read)(&mut inner, check));
            inner.finish_of(kind.fields, check);
        }
    }
    if names.is_empty() {
        let known: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        let message = format!("needs a detector: one of {}", known.join(", "));
        check.push(
            fields.node.at,
            &fields.path,
            message,
            Some("for example absolute: { min: 400 }".to_owned()),
        );
    } else if names.len() > 1 {
        let message = format!("has {} detectors ({}); a rule has one", names.len(), names.join(", "));
        check.problem(fields.node, &fields.path, message);
    }
    detectors.pop()
}

fn read_policies(fields: &mut Fields<'_>, check: &mut Check) -> Policies {
    let mut written = |name: &str| {
        let read = |node: &Node| match text(node)?.as_str() {
            "ok" => Ok(Policy::Ok),
            "keep" => Ok(Policy::Keep),
            "alert" => Ok(Policy::Alert),
            "wait" if name == ERROR => Ok(Policy::Wait),
            _ if name == ERROR => Err("should be alert, keep, ok or wait".to_owned()),
            _ => Err("should be alert, keep or ok".to_owned()),
        };
        fields.read(name, check, read)
    };
    let base_zero = written("base_zero");
    let mut policy = |name: &str, default: Policy| written(name).unwrap_or(default);
    Policies {
        no_data: policy("no_data", Policy::Alert),
        error: policy(ERROR, Policy::Alert),
        base_zero,
        base_missing: policy("base_missing", Policy::Keep),
        history_short: policy("history_short", Policy::Keep),
        unknown: policy("unknown", Policy::Keep),
    }
}

fn read_labels(fields: &mut Fields<'_>, check: &mut Check) -> Labels {
    let Some(node) = fields.get("labels") else { return Labels::default() };
    let path = fields.path_of("labels");
    let mut texts = reading::texts(node, &path, check);
    texts.retain(|(key, _)| {
        let is_taken = VARIABLES.contains(&key.name.as_str());
        if is_taken {
            let message = format!("the name \"{}\" is taken by a variable of templates", key.name);
            check.push(key.at, &path, message, None);
        }
        !is_taken
    });
    Labels::new(texts.into_iter().map(|(key, value)| (key.name.clone(), value)))
}

fn read_content(
    fields: &mut Fields<'_>,
    by: &[String],
    labels: &Labels,
    check: &mut Check,
) -> Option<Template> {
    let Some(written) = fields.get("content") else { return Some(Template::standard()) };
    match Template::check(&Type::Template.to_json(written), &variables(by, labels)) {
        Ok(template) => Some(template),
        Err(problems) => {
            for message in problems {
                check.problem(written, &fields.path_of("content"), message);
            }
            None
        }
    }
}

/// The variables of a rule's templates beside those that every rule has.
fn variables<'a>(by: &'a [String], labels: &'a Labels) -> Vec<&'a str> {
    let names = by.iter().map(String::as_str).chain(labels.iter().map(|(name, _)| name));
    names.chain(["severity"]).collect()
}

/// The annotations that are text. Maps and lists are for other programs, and stay in the document alone.
fn read_annotations(fields: &mut Fields<'_>, by: &[String], labels: &Labels, check: &mut Check) -> Template {
    let path = fields.path_of("annotations");
    let Some(node) = fields.get("annotations") else { return Template::default() };
    check.map(node, &path);
    let Content::Map(entries) = &node.content else { return Template::default() };
    let known = variables(by, labels);
    let mut texts = serde_json::Map::new();
    for (key, value) in entries {
        let Some(text) = value.scalar_text() else { continue };
        let text = serde_json::Value::from(text);
        for message in Template::check(&text, &known).err().unwrap_or_default() {
            check.problem(value, &format!("{path}.{}", key.name), message);
        }
        texts.insert(key.name.clone(), text);
    }
    Template::check(&texts.into(), &known).unwrap_or_default()
}
