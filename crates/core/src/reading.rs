//! Fields that several documents have: ids, texts, labels, times of day, days, time zones, validity.
//!
//! Each reads one [`Node`]; the error is a sentence for whoever wrote it.

use jiff::tz::TimeZone;

use crate::document::{Check, Content, Key, Node};
use crate::time::{DAY_MS, MAX_TIME_MS, MIN_TIME_MS, parse_time_ms};
use crate::{Days, TimeRange};

/// A field of a document, as the manual and the API's schema show it.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// A value, as YAML.
    pub example: &'static str,
    /// What it means, in one sentence.
    pub about: &'static str,
}

impl Field {
    /// A field, its example and its meaning.
    #[must_use]
    pub const fn new(name: &'static str, example: &'static str, about: &'static str) -> Self {
        Self { name, example, about }
    }
}

/// The name of a document: 1 to 200 letters, digits and `marks`.
///
/// # Errors
/// For anything else.
pub fn id(node: &Node, marks: &str) -> Result<String, String> {
    let id = text(node)?;
    if (1..=200).contains(&id.len()) && id.chars().all(|c| c.is_ascii_alphanumeric() || marks.contains(c)) {
        return Ok(id);
    }
    let marks: String = marks.chars().flat_map(|mark| [' ', mark]).collect();
    Err(format!("should be 1 to 200 letters, digits and{marks}"))
}

/// Texts by name, such as labels, as they are written; what is no text is told, and left out.
pub fn texts<'n>(node: &'n Node, path: &str, check: &mut Check) -> Vec<(&'n Key, String)> {
    let Content::Map(entries) = &node.content else {
        check.problem(node, path, "should be a map of names to texts, for example { severity: page }");
        return Vec::new();
    };
    let mut texts: Vec<(&Key, String)> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        match text(value) {
            Ok(_) if texts.iter().any(|(before, _)| before.name == key.name) => {
                check.push(key.at, &format!("{path}.{}", key.name), "is given twice".to_owned(), None);
            }
            Ok(text) => texts.push((key, text)),
            Err(message) => check.problem(value, &format!("{path}.{}", key.name), message),
        }
    }
    texts
}

/// Text, or a number or truth value written as text.
///
/// # Errors
/// For anything else, and nothing.
pub fn text(node: &Node) -> Result<String, String> {
    node.scalar_text().ok_or_else(|| format!("should be text, found {}", node.content.kind()))
}

/// `true` or `false`.
///
/// # Errors
/// For anything else.
pub fn truth(node: &Node) -> Result<bool, String> {
    match node.content {
        Content::Bool(value) => Ok(value),
        _ => Err("should be true or false".to_owned()),
    }
}

/// `25%` or `0.25`: above 0, up to 1.
///
/// # Errors
/// For anything else.
pub fn share(node: &Node) -> Result<f64, String> {
    let wrong = || "should be a share above 0 and up to 1, for example 25% or 0.25".to_owned();
    let share = match &node.content {
        Content::Text(text) => {
            let percent = text.trim().strip_suffix('%').ok_or_else(wrong)?;
            percent.trim().parse::<f64>().map_err(|_| wrong())? / 100.0
        }
        _ => node.number().ok_or_else(wrong)?,
    };
    if 0.0 < share && share <= 1.0 { Ok(share) } else { Err(wrong()) }
}

/// `10:00`, `10:00:30` or `24:00`, in milliseconds after midnight.
///
/// # Errors
/// For what is no time of day.
pub fn time_of_day(node: &Node) -> Result<i64, String> {
    let text = text(node)?;
    let wrong = || format!("\"{text}\" is not a time of day; write for example \"10:00\"");
    let parts: Vec<i64> = text
        .split(':')
        .map(|part| part.parse::<u8>().map(i64::from))
        .collect::<Result<_, _>>()
        .map_err(|_| wrong())?;
    let ms = match parts[..] {
        [h, m] => (h * 60 + m) * 60_000,
        [h, m, s] if s < 60 => ((h * 60 + m) * 60 + s) * 1_000,
        _ => return Err(wrong()),
    };
    if parts[1] < 60 && ms <= DAY_MS { Ok(ms) } else { Err(wrong()) }
}

/// `mon-fri`, `sat,sun`, or a list of such.
///
/// # Errors
/// For what is no day, and an empty list.
pub fn days(node: &Node) -> Result<Days, String> {
    let Content::List(items) = &node.content else { return Days::parse(&text(node)?) };
    let mut days: Option<Days> = None;
    for item in items {
        let more = Days::parse(&text(item)?)?;
        days = Some(days.map_or(more, |days| days.and(more)));
    }
    days.ok_or_else(|| "should name at least one day".to_owned())
}

/// The name of a time zone, such as `Europe/Berlin`.
///
/// # Errors
/// For what is no time zone.
pub fn time_zone(node: &Node) -> Result<TimeZone, String> {
    let name = text(node)?;
    TimeZone::get(&name)
        .map_err(|_| format!("\"{name}\" is not a time zone; write for example Europe/Berlin"))
}

/// `{ from: ..., to: ... }`, either of which may be missing.
pub fn valid(node: &Node, path: &str, check: &mut Check) -> Option<TimeRange> {
    let mut fields = check.map(node, path)?;
    let time = |node: &Node| parse_time_ms(&text(node)?);
    let from_ms = fields.read("from", check, time).unwrap_or(MIN_TIME_MS);
    let to_ms = fields.read("to", check, time).unwrap_or(MAX_TIME_MS);
    fields.finish(&["from", "to"], check);
    if from_ms >= to_ms {
        check.problem(node, path, "ends before it begins");
        return None;
    }
    Some(TimeRange::new(from_ms, to_ms))
}
