//! Sections of `key = value` lines, as Python's `configparser` reads them.
//!
//! A key may also end in a colon, and counts in any case. A line that begins with `#` or `;` is a comment, one that
//! is indented goes on with the value before it; nothing else ends a value.

use crate::Problem;
use crate::report::shown;

/// A section and its keys.
#[derive(Debug)]
pub(super) struct Section<'a> {
    pub(super) name: &'a str,
    /// The line of its name, from 1.
    pub(super) line: u64,
    /// Keys in lower case, with the line and the text of their values.
    pub(super) values: Vec<(String, (u64, String))>,
}

impl Section<'_> {
    /// The line and the text of a value.
    pub(super) fn value(&self, key: &str) -> Option<(u64, &str)> {
        self.values.iter().find(|known| known.0 == key).map(|(_, (line, text))| (*line, text.as_str()))
    }
}

/// The sections of a file, in its order.
pub(super) fn sections<'a>(text: &'a str, problems: &mut Vec<Problem>) -> Vec<Section<'a>> {
    let mut sections: Vec<Section<'a>> = Vec::new();
    let mut goes_on = false; // whether an indented line belongs to the value before it
    for (at, written) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let (line, content) = (at as u64 + 1, written.trim());
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        if written.starts_with([' ', '\t']) && goes_on {
            if let Some((_, (_, value))) = sections.last_mut().and_then(|section| section.values.last_mut()) {
                value.push('\n');
                value.push_str(content);
            }
            continue;
        }
        goes_on = false;
        if let Some(rest) = content.strip_prefix('[') {
            match rest.strip_suffix(']') {
                Some(name) if !name.is_empty() => {
                    sections.push(Section { name, line, values: Vec::new() });
                }
                _ => problems.push(problem(line, "a section is [name]".to_owned())),
            }
            continue;
        }
        match (content.find(['=', ':']), sections.last_mut()) {
            (Some(0) | None, _) => {
                problems.push(problem(line, format!("\"{}\" is not key = value", shown(content))));
            }
            (Some(_), None) => problems.push(problem(line, "a section, [name], must come first".to_owned())),
            (Some(at), Some(section)) => {
                let key = content[..at].trim_end().to_ascii_lowercase();
                if section.value(&key).is_some() {
                    problems.push(problem(line, format!("the key \"{}\" is here twice", shown(&key))));
                } else if section.values.len() >= MAX_KEYS {
                    problems.push(problem(line, format!("a section has more than {MAX_KEYS} keys")));
                } else {
                    section.values.push((key, (line, content[at + 1..].trim_start().to_owned())));
                    goes_on = true;
                }
            }
        }
    }
    sections
}

pub(super) fn problem(line: u64, message: String) -> Problem {
    Problem { line, column: None, message }
}

/// Keys of a section; these files know four.
const MAX_KEYS: usize = 100;
