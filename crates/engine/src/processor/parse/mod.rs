//! `parse`: takes fields out of a text, such as a line of a log.
//!
//! Fields are added beside those that the event has; a field that is there already stays as it is. A text that cannot be read
//! leaves the event as it is, and is counted. Hostile texts cost what they weigh: texts beyond [`MAX_TEXT_BYTES`] are
//! not looked at, nothing is nested deeper than in events that are sent, patterns are matched in linear time.

mod access_log;
mod form;
mod forms;
mod json;
mod logfmt;
mod pattern;
mod stamp;
mod value;

use std::sync::Arc;

use lanner_core::Event;
use lanner_core::field::{Field, Type};
use lanner_core::reading::{self, text};
use serde_json::{Map, Value};

use self::form::{Form, Read};
use self::forms::{FORMS, NAMES};
use self::pattern::Pattern;
use self::stamp::Stamp;
use super::{Kind, Made, Processor};
use crate::document::{Check, Fields};

/// The longest text that is looked at, bytes.
pub(super) const MAX_TEXT_BYTES: usize = 64 * 1024;

pub(super) const KIND: Kind = Kind {
    name: "parse",
    about: "takes fields out of a text, such as a line of a log",
    example: "{ from: message, as: combined }",
    read,
    fields: &[
        Field::new("from", "message", "the field with the text; a dotted path reaches into objects")
            .or("message"),
        Field::new(
            "as",
            "combined",
            "form of the text: `json`, `logfmt`, or an access log, `common` or `combined`",
        )
        .of(Type::OneOf(NAMES)),
        Field::new(
            "pattern",
            "'user (?<user>\\w+) from (?<address>\\S+)'",
            "instead of `as`: a regular expression whose named groups become fields",
        ),
        Field::new(
            "into",
            "http",
            "an object that holds the fields; by default they stand beside the others",
        ),
        Field::new(
            "time",
            "ts",
            "parsed field with the time of the event, or that and how it is written; access logs have theirs",
        )
        .of(Type::Either(&[Type::Text, Type::Map(stamp::FIELDS)])),
    ],
};

#[derive(Debug)]
struct Parse {
    from: String,
    how: How,
    into: Option<String>,
    time: Option<Stamp>,
}

#[derive(Debug)]
enum How {
    As(&'static Form),
    Pattern(Pattern),
}

impl Processor for Parse {
    fn kind(&self) -> &'static str {
        KIND.name
    }

    fn process(&self, event: &Event) -> Made {
        let text = match event.field(&self.from) {
            Some(Value::String(text)) if text.len() <= MAX_TEXT_BYTES => text,
            _ => return Made::unmatched(),
        };
        let read = match &self.how {
            How::As(form) => (form.read)(text),
            How::Pattern(pattern) => pattern.read(text),
        };
        let Some(Read { fields, time_ms }) = read else { return Made::unmatched() };
        let time_ms = match &self.time {
            None => time_ms,
            Some(stamp) => match stamp.read(&fields, event.time_ms) {
                Some(time_ms) => Some(time_ms),
                // A wrong time would be worse than none.
                None => return Made::unmatched(),
            },
        };
        let fields = match &self.into {
            None => fields,
            Some(name) => Map::from_iter([(name.clone(), Value::Object(fields))]),
        };
        Made { fields, time_ms, ..Made::default() }
    }
}

fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Arc<dyn Processor>> {
    let from = fields.read("from", check, reading::name).unwrap_or_else(|| "message".to_owned());
    let form = fields.read("as", check, |node| {
        let name = text(node)?;
        FORMS
            .iter()
            .find(|form| form.name == name)
            .ok_or_else(|| format!("\"{name}\" is not a form; known are {}", NAMES.join(", ")))
    });
    let pattern = fields.read("pattern", check, |node| Pattern::compile(&text(node)?));
    let is_as = fields.get("as").is_some();
    let how = match (is_as, fields.get("pattern")) {
        (true, Some(node)) => {
            let message = "says the same as `as`; write one or the other, or two processors";
            check.problem(node, &fields.path_of("pattern"), message);
            None
        }
        (false, None) => {
            let message = format!("needs as ({}) or pattern", NAMES.join(", "));
            check.problem(fields.node, &fields.path, message);
            None
        }
        (true, None) => form.map(How::As),
        (false, Some(_)) => pattern.map(How::Pattern),
    };
    let into = fields.read("into", check, reading::name);
    let time = match fields.get("time") {
        None => Some(None),
        Some(node) => Stamp::check(node, &fields.path_of("time"), check).map(Some),
    };
    Some(Arc::new(Parse { from, how: how?, into, time: time? }))
}
