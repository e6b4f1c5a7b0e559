//! `1 TIMESTAMP HOST APP PID MSGID DATA TEXT`, where a dash stands for what there is not.

use jiff::tz::TimeZone;
use serde_json::map::Entry;
use serde_json::{Map, Value};

use super::message::Message;
use super::stamp;

/// Reads what follows the priority; `None` where it is no such message. Broken structured data is left in the text.
pub(super) fn parse<'a>(text: &'a str, zone: &TimeZone) -> Option<Message<'a>> {
    let mut words = text.strip_prefix("1 ")?.splitn(6, ' ');
    let time = words.next()?;
    let time_ms = if time == "-" { None } else { Some(stamp::iso(time, zone)?) };
    let mut part = || words.next().map(|word| Some(word).filter(|word| !matches!(*word, "-" | "")));
    let (host, app, pid, msgid) = (part()?, part()?, part()?, part()?);
    let (data, text) = structured(words.next().unwrap_or_default());
    Some(Message { priority: 0, time_ms, host, app, pid, msgid, data, text })
}

/// Structured data, and the text after it without its byte order mark.
fn structured(rest: &str) -> (Map<String, Value>, &str) {
    let mut scan = Scan { rest };
    let mut data = Map::new();
    if let Some(after) = rest.strip_prefix('-').filter(|after| after.is_empty() || after.starts_with(' ')) {
        scan.rest = after;
    } else {
        while scan.rest.starts_with('[') {
            let Some((id, parameters)) = scan.element() else { return (Map::new(), rest) };
            data.insert(id.to_owned(), Value::Object(parameters));
        }
    }
    let text = scan.rest.strip_prefix(' ').unwrap_or(scan.rest);
    (data, text.strip_prefix('\u{feff}').unwrap_or(text))
}

struct Scan<'a> {
    rest: &'a str,
}

impl<'a> Scan<'a> {
    /// `[ID NAME="VALUE" ...]`
    fn element(&mut self) -> Option<(&'a str, Map<String, Value>)> {
        self.rest = self.rest.strip_prefix('[')?;
        let id = self.name()?;
        let mut parameters = Map::new();
        loop {
            self.rest = self.rest.trim_start_matches(' ');
            if let Some(after) = self.rest.strip_prefix(']') {
                self.rest = after;
                return Some((id, parameters));
            }
            let name = self.name()?;
            self.rest = self.rest.strip_prefix("=\"")?;
            let value = Value::String(self.value()?);
            match parameters.entry(name) {
                Entry::Vacant(vacant) => _ = vacant.insert(value),
                // A name may come several times.
                Entry::Occupied(mut all) => match all.get_mut() {
                    Value::Array(values) => values.push(value),
                    first => *first = Value::Array(vec![first.take(), value]),
                },
            }
        }
    }

    fn name(&mut self) -> Option<&'a str> {
        let end = self.rest.find(|c: char| matches!(c, ' ' | '=' | ']' | '"') || c.is_control())?;
        let (name, after) = self.rest.split_at(end);
        self.rest = after;
        (!name.is_empty()).then_some(name)
    }

    /// Up to the closing quote; a backslash stands before a quote, another one, and a bracket.
    fn value(&mut self) -> Option<String> {
        let mut value = String::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Some(value);
                }
                '\\' => match chars.next()?.1 {
                    escaped @ ('"' | '\\' | ']') => value.push(escaped),
                    other => value.extend(['\\', other]),
                },
                c => value.push(c),
            }
        }
        None
    }
}
