//! Fields that several documents have: ids, texts, labels, times of day, days, time zones, validity.
//!
//! Each reads one [`Node`]; the error is a sentence for whoever wrote it.

use jiff::tz::TimeZone;

use crate::document::{Check, Content, Fields, Key, Node};
use crate::field::readable;
pub use crate::field::{Field, Type};
use crate::time::{DAY_MS, MAX_TIME_MS, MIN_TIME_MS, parse_time_ms};
use crate::{Days, TimeRange};

/// The name of a document: 1 to 200 letters, digits and `marks`.
///
/// # Errors
/// For anything else.
pub fn id(node: &Node, marks: &str) -> Result<String, String> {
    let id = text(node)?;
    check_step(&id)?;
    if is_id(&id, marks) {
        return Ok(id);
    }
    let marks: String = marks.chars().flat_map(|mark| [' ', mark]).collect();
    Err(format!("should be 1 to 200 letters, digits and{marks}"))
}

/// Whether a text is 1 to 200 letters, digits and `marks`.
#[must_use]
pub fn is_id(text: &str, marks: &str) -> bool {
    let has_marks_only = |c: char| c.is_ascii_alphanumeric() || marks.contains(c);
    (1..=200).contains(&text.len()) && check_step(text).is_ok() && text.chars().all(has_marks_only)
}

/// Refuses `.` and `..`. They are steps in the path of an address, which every client takes, so what is called so could
/// neither be asked for nor deleted.
///
/// # Errors
/// For these two.
pub fn check_step(name: &str) -> Result<(), String> {
    match name {
        "." | ".." => {
            Err(format!("\"{name}\" is a step in addresses, so nobody could ask for it; write another"))
        }
        _ => Ok(()),
    }
}

/// The name of something that comes from elsewhere: 1 to 1000 characters.
///
/// # Errors
/// For anything else.
pub fn name(node: &Node) -> Result<String, String> {
    let name = text(node)?;
    check_step(&name)?;
    if name.is_empty() || name.len() > 1_000 {
        Err("should be 1 to 1000 characters".to_owned())
    } else {
        Ok(name)
    }
}

/// Texts by name, such as labels, as they are written; what is no text is told, and left out.
pub fn texts<'n>(node: &'n Node, path: &str, check: &mut Check) -> Vec<(&'n Key, String)> {
    let Content::Map(entries) = &node.content else {
        check.problem(node, path, "should be a map of names to strings, for example { severity: page }");
        return Vec::new();
    };
    let mut texts: Vec<(&Key, String)> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        match text(value) {
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

/// `25%`, the share 0.25: above 0, up to 1.
///
/// Elsewhere `25` might mean 25 % or all, and `0.25` a quarter or a four-hundredth, so both are refused.
///
/// # Errors
/// For anything else, with what to write.
pub fn share(node: &Node) -> Result<f64, String> {
    let percent = percent(node)?;
    if percent > 100.0 {
        return Err(format!("should be at most 100%, found {percent}%"));
    }
    Ok(percent / 100.0)
}

/// `25%`, above 0: the number before the sign.
///
/// # Errors
/// For anything else, with what to write.
pub fn percent(node: &Node) -> Result<f64, String> {
    let text = node.scalar_text().unwrap_or_default();
    let text = text.trim();
    let number = |text: &str| text.trim_end().parse::<f64>().ok().filter(|number| number.is_finite());
    let Some(digits) = text.strip_suffix('%') else {
        let Some(bare) = number(text).filter(|bare| *bare > 0.0) else {
            return Err("should be a percentage above 0, for example 25%".to_owned());
        };
        let percent = readable(bare * 100.0);
        let hint = if bare <= 1.0 { format!("{percent}% or {text}%") } else { format!("{text}%") };
        return Err(format!("{text} needs a percent sign; write {hint}"));
    };
    match number(digits) {
        Some(percent) if percent > 0.0 => Ok(percent),
        _ => Err(format!("should be a percentage above 0, for example 25%, found \"{text}\"")),
    }
}

/// `10:00`, `10:00:30` or `24:00`, in milliseconds after midnight.
///
/// # Errors
/// For what is no time of day.
pub fn time_of_day(node: &Node) -> Result<i64, String> {
    parse_time_of_day(&text(node)?)
}

/// [`time_of_day`] of a text.
///
/// # Errors
/// For what is no time of day.
pub fn parse_time_of_day(text: &str) -> Result<i64, String> {
    let wrong = || {
        let text: String = text.chars().take(40).collect();
        format!("\"{text}\" is not a time of day; write for example \"10:00\"")
    };
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

/// From when to when something holds.
pub const VALID: &[Field] = &[
    Field::new("from", "2026-12-01", "start; by default none").of(Type::Time),
    Field::new("to", "2026-12-31", "end, exclusive; by default none").of(Type::Time),
];

/// `{ from: ..., to: ... }`, either of which may be missing.
pub fn valid(node: &Node, path: &str, check: &mut Check) -> Option<TimeRange> {
    let mut fields = check.map(node, path)?;
    let time = |node: &Node| parse_time_ms(&text(node)?);
    let from_ms = fields.read("from", check, time).unwrap_or(MIN_TIME_MS);
    let to_ms = fields.read("to", check, time).unwrap_or(MAX_TIME_MS);
    fields.finish_of(VALID, check);
    if from_ms >= to_ms {
        check.problem(node, path, "ends before it begins");
        return None;
    }
    Some(TimeRange::new(from_ms, to_ms))
}

/// The names in the field `name`: one text, or a list of texts. A name given twice, and anything else, becomes a problem;
/// without the field there are none.
pub fn names(fields: &mut Fields<'_>, name: &str, check: &mut Check) -> Vec<String> {
    let Some(node) = fields.get(name) else { return Vec::new() };
    let mut names = Vec::new();
    for item in check.items(node) {
        match text(item) {
            Ok(text) if names.contains(&text) => {
                check.problem(item, &fields.path_of(name), format!("names \"{text}\" twice"));
            }
            Ok(text) => names.push(text),
            Err(message) => check.problem(item, &fields.path_of(name), message),
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_steps_in_addresses() {
        for (written, is_name) in
            [("a", true), (".", false), ("..", false), ("...", true), (".a", true), ("a..", true)]
        {
            let node = Node::from_yaml(&format!("'{written}'")).unwrap();
            assert_eq!((id(&node, ".").is_ok(), name(&node).is_ok()), (is_name, is_name), "{written}");
        }
    }

    #[test]
    fn percentages_are_written_with_their_sign() {
        #[track_caller]
        fn check(yaml: &str, expected: Result<f64, &str>) {
            let node = Node::from_yaml(yaml).unwrap();
            match (share(&node), expected) {
                (Ok(share), Ok(expected)) => assert!((share - expected).abs() < 1e-12, "{yaml}: {share}"),
                (Err(message), Err(part)) => assert!(message.contains(part), "{yaml}: {message}"),
                (found, _) => panic!("{yaml}: {found:?}"),
            }
        }
        check("25%", Ok(0.25));
        check("0.25 %", Ok(0.0025));
        check("100%", Ok(1.0));
        check("0.25", Err("0.25 needs a percent sign; write 25% or 0.25%"));
        check("'0.28'", Err("write 28% or 0.28%"));
        check("1", Err("write 100% or 1%"));
        check("25", Err("25 needs a percent sign; write 25%"));
        check("0", Err("above 0"));
        check("0%", Err("above 0"));
        check("-5%", Err("above 0"));
        check("101%", Err("at most 100%"));
        check("often", Err("for example 25%"));
        check("[1]", Err("for example 25%"));
        check("'%'", Err("for example 25%"));
        check(".inf", Err("for example 25%"));
    }

    #[test]
    fn truths_may_be_words() {
        for (yaml, expected) in
            [("yes", Some(true)), ("off", Some(false)), ("True", Some(true)), ("y", None), ("1", None)]
        {
            assert_eq!(Node::from_yaml(yaml).unwrap().truth().ok(), expected, "{yaml}");
        }
    }
}
