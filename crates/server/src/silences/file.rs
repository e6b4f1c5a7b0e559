//! Silences in a configuration file, which have names, so that applying them twice changes nothing.

use std::collections::HashSet;

use lanner_core::document::Check;
use lanner_core::field::{self, Field, Type};
use lanner_core::intervals::TIME_INTERVALS;
use lanner_core::reading::{self, text};
use lanner_core::time::MAX_TIME_MS;
use lanner_core::{Node, Problem, Problems, Silence, TimeIntervals};
use lanner_engine::matcher::Matchers;
use lanner_wire::api::{MatcherText, NewSilence, ProblemView, Time};
use serde_json::Value;

use crate::documents::{Applied, ApplyOptions};

/// The fields of a silence in a file.
pub const FIELDS: &[Field] = &[
    Field::new("id", "db-maintenance", "unique name of the silence").of(Type::Id).required(),
    Field::new(
        "matchers",
        "['bank=\"hsbc\"']",
        "alerts to mute: label=value, label!=value, label=~regex or label!~regex",
    )
    .of(Type::List(&Type::Text))
    .required(),
    Field::new("start", "2026-12-01T20:00Z", "start; by default when it is applied").of(Type::Time),
    Field::new("end", "2026-12-01T22:00Z", "end; required unless it recurs").of(Type::Time),
    Field::new(
        "every",
        "\"sun 02:00-04:00 Europe/London\"",
        "the only times at which it mutes: time intervals, or their names",
    )
    .of(TIME_INTERVALS),
    Field::new("author", "ann", "author; by default whoever applies the file"),
    Field::new("comment", "planned work on the database", "reason for the silence").required(),
];

/// The document of a silence as it is applied: with text where text is expected.
#[must_use]
pub fn document(node: &Node) -> Value {
    field::to_json(node, &[FIELDS])
}

/// The silence that a document of a file describes, which stands at `path`. Its author is empty and its start the
/// beginning of time where the document does not say.
///
/// # Errors
/// Every problem in it. That its end lies in the past is none: a file keeps what it held.
pub fn check(node: &Node, path: &str) -> Result<Silence, Problems> {
    let mut check = Check::default();
    let silence = read(node, path, &mut check);
    match silence {
        Some(silence) if check.problems.is_empty() => Ok(silence),
        _ => Err(Problems(check.problems)),
    }
}

fn read(node: &Node, path: &str, check: &mut Check) -> Option<Silence> {
    let mut fields = check.map(node, path)?;
    let f = &mut fields;
    for field in FIELDS.iter().filter(|field| field.is_required) {
        f.require(field.name, field.example, check);
    }
    let id = f.read("id", check, |node| reading::id(node, "-_.:"));
    let matchers = f.get("matchers").map(|node| check.items(node)).unwrap_or_default();
    let matchers: Vec<MatcherText> =
        matchers.into_iter().filter_map(Node::scalar_text).map(MatcherText::Text).collect();
    let time = |node: &Node| lanner_core::time::parse_time_ms(&text(node)?);
    let start_ms = f.read("start", check, time);
    let has_end = f.get("end").is_some();
    let end_ms = f.read("end", check, time);
    let n_before = check.problems.len();
    let every = f.get("every").map(|node| TimeIntervals::read(node, &f.path_of("every"), check));
    let every = every.unwrap_or_default();
    // Then nobody can tell whether it needs an end.
    let unread_end = (check.problems.len() > n_before).then_some(Time(MAX_TIME_MS));
    let author = f.read("author", check, text);
    let comment = f.read("comment", check, text);
    fields.finish_of(FIELDS, check);
    if has_end && end_ms.is_none() {
        return None; // said already
    }
    let wanted = NewSilence {
        matchers,
        start: Some(Time(start_ms.unwrap_or(i64::MIN))),
        end: end_ms.map(Time).or(unread_end),
        duration: None,
        every: if unread_end.is_some() { Vec::new() } else { every.document().to_vec() },
        author: Some(author.unwrap_or_default()),
        comment: comment?,
    };
    // Not held against the clock.
    let problem = |ProblemView { path: at, message, hint, .. }: ProblemView, check: &mut Check| {
        check.push(node.at, &format!("{path}.{}", at.unwrap_or_default()), message, hint);
    };
    match wanted.check(id?, "", i64::MIN) {
        Ok(silence) => match Matchers::of_silence(&silence.matchers) {
            Ok(_) => Some(silence),
            Err(message) => {
                check.push(node.at, &format!("{path}.matchers"), message, None);
                None
            }
        },
        Err(problems) => {
            problems.into_iter().for_each(|found| problem(found, check));
            None
        }
    }
}

/// What the silences of a file make of those that are stored: which are new, changed, and end.
///
/// # Errors
/// Every problem in them.
pub(crate) fn plan(
    stored: &[Silence],
    written: &[Value],
    options: &ApplyOptions,
    now_ms: i64,
) -> Result<(Applied, Vec<Silence>), Vec<Problem>> {
    let (mut applied, mut changes, mut problems) = (Applied::default(), Vec::new(), Vec::new());
    let mut ids = HashSet::new();
    for (at, document) in written.iter().enumerate() {
        let path = format!("silences[{at}]");
        let mut silence = match check(&Node::from_json(document), &path) {
            Ok(silence) => silence,
            Err(Problems(found)) => {
                problems.extend(found);
                continue;
            }
        };
        if !ids.insert(silence.id.clone()) {
            let message = format!("\"{}\" is the id of two silences", silence.id);
            problems.push(Problem { at: None, path, message, hint: None });
            continue;
        }
        let before = stored.iter().find(|stored| stored.id == silence.id);
        complete(&mut silence, before, &options.actor, now_ms);
        match before {
            Some(before) if *before == silence => applied.unchanged.push(silence.id),
            Some(_) => {
                applied.changed.push(silence.id.clone());
                changes.push(silence);
            }
            None => {
                applied.created.push(silence.id.clone());
                changes.push(silence);
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    // Who applied a silence is not stored, and each ends by itself: a configuration that is read again ends none.
    let is_pruned = options.prune.takes(|sections| sections.silences, false);
    let is_absent =
        |silence: &&Silence| is_of_a_file(silence) && silence.end_ms > now_ms && !ids.contains(&silence.id);
    for silence in stored.iter().filter(is_absent) {
        if is_pruned {
            applied.deleted.push(silence.id.clone());
            changes.push(Silence { end_ms: now_ms, ..silence.clone() });
        } else {
            applied.kept.push(silence.id.clone());
        }
    }
    Ok((applied, changes))
}

/// Fills in what the file leaves open; what was applied before stays as it was.
fn complete(silence: &mut Silence, before: Option<&Silence>, actor: &str, now_ms: i64) {
    silence.created_ms = before.map_or(now_ms, |before| before.created_ms);
    if silence.start_ms == i64::MIN {
        silence.start_ms = before.map_or(now_ms, |before| before.start_ms).min(silence.end_ms);
    }
    if silence.author.is_empty() {
        silence.author = before.map_or_else(|| actor.to_owned(), |before| before.author.clone());
    }
}

/// Whether a silence has a name from a file; one made by a person has sixteen hexadecimal digits.
fn is_of_a_file(silence: &Silence) -> bool {
    silence.id.len() != 16 || !silence.id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_of_a_file_is_read_as_written() {
        let written: String =
            FIELDS.iter().map(|field| format!("{}: {}\n", field.name, field.example)).collect();
        let node = Node::from_yaml(&written).unwrap();
        let silence = check(&node, "silences[0]").unwrap();
        assert_eq!(
            (silence.id.as_str(), silence.matchers.len(), silence.author.as_str()),
            ("db-maintenance", 1, "ann")
        );
        assert_eq!(check(&Node::from_json(&document(&node)), ""), Ok(silence));
    }

    #[test]
    fn all_problems_at_once() {
        let node = Node::from_yaml("{ matchers: ['='], end: soon, comment: '', strat: 1 }").unwrap();
        let problems = check(&node, "silences[0]").unwrap_err().to_string();
        for part in ["\"id\" is missing", "silences[0].end", "did you mean \"start\""] {
            assert!(problems.contains(part), "{problems}");
        }
        let naem = "{ id: s, matchers: ['naem=\"\"'], end: 2026-01-01, comment: typo }";
        let problems = check(&Node::from_yaml(naem).unwrap(), "silences[0]").unwrap_err().to_string();
        assert!(problems.contains("silences[0].matchers") && problems.contains("naem=\"\""), "{problems}");
        let node = Node::from_yaml("{ id: 12, matchers: ['='], end: 2026-01-01, comment: '' }").unwrap();
        let problems = check(&node, "silences[0]").unwrap_err().to_string();
        assert!(
            problems.contains("silences[0].matchers[0]") && problems.contains("silences[0].comment"),
            "{problems}"
        );
    }
}
