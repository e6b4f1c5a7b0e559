//! What a rule prints: a text with `%field` in it.

use serde_json::Value;

use crate::falco::compile::{Mismatch, source};
use crate::falco::node::Source;
use crate::falco::parse::operand_at;
use crate::falco::tree::{Field, Operand};
use crate::field::{Fields, View};

/// What stands for a value that an event does not have.
const NOT_AVAILABLE: &str = "<NA>";

/// A rule's output, ready to be filled in.
#[derive(Debug)]
pub struct Output {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Text(String),
    /// A field, and the length to which its value is cut or filled up; 0 is any.
    Value(Source, usize),
}

/// Why an output is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) message: String,
    /// What stands there.
    pub(super) part: String,
    /// Whether it names a field that is not known here.
    pub(super) is_unknown: bool,
}

impl Output {
    /// Reads an output.
    ///
    /// # Errors
    /// What is wrong with its first `%`.
    pub(super) fn read(text: &str) -> Result<Self, Flaw> {
        // With a star before it Falco prints it even if fields are missing, which here is always so.
        let text = text.strip_prefix('*').unwrap_or(text);
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('%') {
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (length, after) = after.split_at(digits);
            if after.is_empty() {
                let message = "an output cannot end with a `%`".to_owned();
                return Err(Flaw { message, part: "%".to_owned(), is_unknown: false });
            }
            let (source, n_bytes) = value(after)?;
            parts.push(Part::Value(source, length.parse().unwrap_or(0)));
            rest = &after[n_bytes..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// The text for an event. A value that it does not have is `<NA>`.
    #[must_use]
    pub fn fill(&self, event: &impl Fields) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Value(source, length) => {
                    let value = source.value(event).map(|value| written(value.view()));
                    let value = value.unwrap_or_else(|| NOT_AVAILABLE.to_owned());
                    match length {
                        0 => text.push_str(&value),
                        length => {
                            let cut: String = value.chars().take(*length).collect();
                            text.push_str(&format!("{cut:length$}", length = *length));
                        }
                    }
                }
            }
        }
        text
    }
}

/// The longest field or transformer at the start of a text, and how many bytes it takes.
fn value(text: &str) -> Result<(Source, usize), Flaw> {
    let flaw = |mismatch: Mismatch| Flaw {
        message: mismatch.to_string(),
        part: mismatch.part,
        is_unknown: mismatch.is_unknown,
    };
    let Some((operand, n_bytes)) = operand_at(text) else {
        let part: String = text.chars().take_while(|c| !c.is_whitespace()).collect();
        let message = format!("no field and no transformer follows the `%` before `{part}`");
        return Err(Flaw { message, part, is_unknown: true });
    };
    let first = match source(&operand) {
        Ok(source) => return Ok((source, n_bytes)),
        Err(mismatch) => flaw(mismatch),
    };
    // `%proc.name.` and `%fd.namex` name the fields at their starts.
    let Operand::Field(Field { name, argument: None, .. }) = &operand else { return Err(first) };
    let shorter = (1..name.len()).rev().find_map(|length| {
        let field = Field { name: name.get(..length)?.to_owned(), argument: None, offset: 0 };
        source(&Operand::Field(field)).ok().map(|source| (source, length))
    });
    shorter.ok_or(first)
}

fn written(value: View<'_>) -> String {
    match value {
        View::Null => NOT_AVAILABLE.to_owned(),
        View::Bool(truth) => truth.to_string(),
        View::Number(number) => number.to_string(),
        View::Text(text) => text.to_owned(),
        View::List(items) => {
            let items =
                items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned));
            format!("({})", items.collect::<Vec<_>>().join(","))
        }
        View::Object(object) => Value::Object(object.clone()).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn outputs() {
        #[track_caller]
        fn check(output: &str, expected: &str) {
            let event =
                json!({"proc.name": "sh", "fd.name": "/etc/passwd", "proc.pname": "sshd", "proc.pid": 7});
            let output = Output::read(output).unwrap();
            assert_eq!(output.fill(event.as_object().unwrap()), expected);
        }
        check("%proc.name (%fd.name)", "sh (/etc/passwd)");
        check("*%user.name|%proc.name.", "<NA>|sh.");
        check("%proc.namex", "shx");
        check("%toupper(proc.name) %proc.aname[1]%proc.pid", "SH sshd7");
        check("%4proc.name|%3fd.name|", "sh  |/et|");
        check("none", "none");
    }

    #[test]
    fn outputs_that_are_refused() {
        #[track_caller]
        fn check(output: &str, says: &str, is_unknown: bool) {
            let flaw = Output::read(output).unwrap_err();
            assert!(flaw.message.contains(says), "{flaw:?}");
            assert_eq!(flaw.is_unknown, is_unknown, "{flaw:?}");
        }
        check("50%", "cannot end with a `%`", false);
        check("50 %5", "cannot end with a `%`", false);
        check("a % b", "no field", true);
        check("%proq.name", "unknown field `proq.name`", true);
        check("%evt.arg", "needs to know which one", false);
    }
}
