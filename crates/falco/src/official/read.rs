//! Reads `count_min_sketch` as Falco's plugin has it, and reports every mistake.

use std::sync::atomic::AtomicI64;

use lanner_core::document::{Check, Fields, Node};
use lanner_core::reading;

use super::sketch::Sketch;
use super::{Behaviour, NEVER, Official};
use crate::event::KINDS;
use crate::field::{Field, Of};

const KNOWN: [&str; 5] = ["enabled", "n_sketches", "gamma_eps", "rows_cols", "behavior_profiles"];

/// A shorter time than this is no time to that plugin either.
const LEAST_RESET_MS: f64 = 100.0;

/// Reads the section; `None` where it is switched off, which is its default.
pub(crate) fn read(node: &Node, path: &str, check: &mut Check) -> Option<Official> {
    let mut fields = check.map(node, path)?;
    let enabled = fields.read("enabled", check, Node::truth).unwrap_or(false);
    let n_sketches = fields.read("n_sketches", check, whole);
    let by_bounds = pairs(&mut fields, "gamma_eps", check);
    let by_size = pairs(&mut fields, "rows_cols", check);
    let profiles = fields.get("behavior_profiles").map(|node| (node, check.items(node)));
    let paths = (fields.path_of("behavior_profiles"), fields.path_of("n_sketches"));
    let sizes = if by_size.is_empty() {
        by_bounds.iter().map(|(gamma, eps)| Sketch::dimensions(*gamma, *eps)).collect()
    } else {
        by_size.iter().map(|(rows, columns)| (*rows as u64, *columns as u64)).collect::<Vec<_>>()
    };
    let (at, profiles) = profiles.map_or((node, Vec::new()), |(at, profiles)| (at, profiles));
    if enabled {
        for (what, n) in [("rows_cols or gamma_eps", sizes.len()), ("n_sketches", n_sketches.unwrap_or(0))] {
            if n != profiles.len() {
                let message = format!(
                    "there are {} profiles, but {n} in {what}; each profile has a sketch",
                    profiles.len()
                );
                check.problem(at, &paths.0, message);
            }
        }
    }
    fields.finish(&KNOWN, check);
    let behaviours: Vec<Behaviour> = profiles
        .into_iter()
        .zip(sizes)
        .enumerate()
        .filter_map(|(n, (node, size))| behaviour(node, &format!("{}[{n}]", paths.0), size, check))
        .collect();
    enabled.then_some(Official(behaviours))
}

fn behaviour(node: &Node, path: &str, size: (u64, u64), check: &mut Check) -> Option<Behaviour> {
    let mut fields = check.map(node, path)?;
    fields.require("fields", "\"%container.id %proc.cmdline\"", check);
    fields.require("event_codes", "[293, 331]", check);
    let text = fields.read("fields", check, reading::text)?;
    let parsed = parse(&text, node, &fields.path_of("fields"), check);
    let events = events(&mut fields, &parsed, check);
    let reset_ms = fields.read("reset_timer_ms", check, |node| {
        node.number().ok_or_else(|| "should be a number of milliseconds".to_owned())
    });
    fields.finish(&["fields", "event_codes", "reset_timer_ms"], check);
    let sketch = Sketch::new(size.0, size.1).map_err(|why| check.problem(node, path, why)).ok()?;
    let reset_ms = reset_ms.filter(|ms| *ms > LEAST_RESET_MS).unwrap_or(0.0) as i64;
    Some(Behaviour { text, fields: parsed, events, reset_ms, size, sketch, since_ms: AtomicI64::new(NEVER) })
}

/// The fields of a text such as `%container.id %proc.aname[2]`.
fn parse(text: &str, node: &Node, path: &str, check: &mut Check) -> Vec<Field> {
    let mut parsed = Vec::new();
    for name in text.split_whitespace().filter_map(|word| word.split_once('%')).map(|(_, name)| name) {
        match Field::parse(name) {
            // Without an index that plugin means the process itself.
            Ok(Field::Ancestors(what)) => parsed.push(Field::Process(Of::Itself, what)),
            Ok(field) => parsed.push(field),
            Err(why) => check.problem(node, path, why),
        }
    }
    if parsed.is_empty() && !text.contains('%') {
        check.problem(node, path, "should name fields, as in \"%container.id %proc.cmdline\"");
    }
    parsed
}

fn events(fields: &mut Fields<'_>, parsed: &[Field], check: &mut Check) -> Vec<u16> {
    let path = fields.path_of("event_codes");
    let Some(node) = fields.get("event_codes") else { return Vec::new() };
    let of_files = parsed.iter().any(Field::is_of_file);
    let usable: Vec<_> = KINDS.into_iter().filter(|kind| !of_files || kind.has_fd()).collect();
    let mut codes = Vec::new();
    for item in check.items(node) {
        match usable.iter().find(|kind| item.number() == Some(f64::from(kind.code))) {
            Some(kind) => codes.push(kind.code),
            None => {
                let known: Vec<String> =
                    usable.iter().map(|kind| format!("{} ({})", kind.code, kind.name)).collect();
                let whose = if of_files { "a profile with fields of fd" } else { "a profile" };
                let found = item.scalar_text().unwrap_or_default();
                check.problem(
                    item,
                    &path,
                    format!("{found} is no event of {whose}; they are {}", known.join(", ")),
                );
            }
        }
    }
    codes
}

fn pairs(fields: &mut Fields<'_>, name: &str, check: &mut Check) -> Vec<(f64, f64)> {
    let path = fields.path_of(name);
    let Some(node) = fields.get(name) else { return Vec::new() };
    let mut pairs = Vec::new();
    for item in check.items(node) {
        let numbers: Vec<f64> = check.items(item).into_iter().filter_map(Node::number).collect();
        match numbers[..] {
            [one, other] if one > 0.0 && other > 0.0 => pairs.push((one, other)),
            _ => check.problem(item, &path, "should be two numbers above 0, as in [7, 27183]"),
        }
    }
    pairs
}

fn whole(node: &Node) -> Result<usize, String> {
    let number = node.number().filter(|number| number.fract() == 0.0 && (1.0..=1_000.0).contains(number));
    number.map(|number| number as usize).ok_or_else(|| "should be a whole number from 1 to 1000".to_owned())
}
