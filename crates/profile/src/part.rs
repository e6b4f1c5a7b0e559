//! The parts of a behaviour: a field of an event, whole or in part.

use lanner_core::event::lookup;
use lanner_core::nearest;
use lanner_sketch::Seed;
use serde_json::{Map, Value};

use crate::template;

/// Ancestors that a lineage has, unless it says another number.
const DEPTH: usize = 5;

/// The longest lineage.
const MAX_DEPTH: usize = 32;

/// One part: `proc.exepath`, `template(proc.cmdline)`, `lineage(proc.aname, 3)`, `image(container.image)`, `folder(fd.name)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// As it is written.
    text: String,
    field: String,
    how: How,
}

/// What of a field counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// All of it.
    Whole,
    /// A text without what varies from run to run.
    Template,
    /// The first of a list, such as the nearest ancestors.
    Lineage(usize),
    /// The name of an image without tag and digest, so that a new version is no new image.
    Image,
    /// A path up to its last `/` or `\`.
    Folder,
}

const FUNCTIONS: [(&str, How); 4] = [
    ("template", How::Template),
    ("lineage", How::Lineage(DEPTH)),
    ("image", How::Image),
    ("folder", How::Folder),
];

impl Part {
    /// Reads a part.
    ///
    /// # Errors
    /// What is wrong with the text, and what to write.
    ///
    /// ```
    /// use lanner_profile::Part;
    /// assert_eq!(Part::parse("lineage(proc.aname, 3)").unwrap().to_string(), "lineage(proc.aname, 3)");
    /// assert!(Part::parse("tmeplate(proc.cmdline)").unwrap_err().contains("did you mean template"));
    /// ```
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let Some((function, rest)) = text.split_once('(') else { return Self::of(text, text, How::Whole) };
        let arguments = rest.strip_suffix(')').ok_or_else(|| format!("\"{text}\" has no closing bracket"))?;
        let names = FUNCTIONS.map(|(name, _)| name);
        let Some((_, how)) = FUNCTIONS.iter().find(|(name, _)| *name == function) else {
            let hint = nearest(function, names).map_or_else(
                || format!("known are {}", names.join(", ")),
                |name| format!("did you mean {name}?"),
            );
            return Err(format!("\"{function}\" is not a function here ({hint})"));
        };
        match (arguments.split_once(','), how) {
            (None, how) => Self::of(text, arguments, *how),
            (Some((field, depth)), How::Lineage(_)) => {
                let depth = depth.trim().parse().ok().filter(|depth| (1..=MAX_DEPTH).contains(depth));
                let depth =
                    depth.ok_or_else(|| format!("the length of a lineage is from 1 to {MAX_DEPTH}"))?;
                Self::of(text, field, How::Lineage(depth))
            }
            (Some(_), _) => Err(format!("{function} takes one field, for example {function}(proc.name)")),
        }
    }

    fn of(text: &str, field: &str, how: How) -> Result<Self, String> {
        let field = field.trim();
        let is_name = |c: char| c.is_alphanumeric() || "._-@[]/".contains(c);
        if field.is_empty() || field.len() > 200 || !field.chars().all(is_name) {
            return Err(format!("\"{field}\" is not the name of a field; write for example proc.name"));
        }
        Ok(Self { text: text.to_owned(), field: field.to_owned(), how })
    }

    /// The field of an event that it is made of.
    pub(crate) fn value_of<'e>(&self, event: &'e Map<String, Value>) -> Option<&'e Value> {
        lookup(event, &self.field)
    }

    /// The hash of the part for a value of its field. `buffer` is overwritten. No allocation once it is long enough.
    pub fn hash(&self, seed: &Seed, value: Option<&Value>, buffer: &mut Vec<u8>) -> u64 {
        buffer.clear();
        self.encode(value, buffer);
        seed.hash(buffer).number()
    }

    /// As [`Self::hash`], for a field that is this text.
    pub fn hash_text(&self, seed: &Seed, text: &str, buffer: &mut Vec<u8>) -> u64 {
        buffer.clear();
        self.encode_text(text, buffer);
        seed.hash(buffer).number()
    }

    /// As [`Self::hash`], for a field that is this list; `None` where the part is no lineage.
    pub fn hash_items(&self, seed: &Seed, items: &[Value], buffer: &mut Vec<u8>) -> Option<u64> {
        let How::Lineage(depth) = self.how else { return None };
        buffer.clear();
        self.encode_items(items, depth, buffer);
        Some(seed.hash(buffer).number())
    }

    /// The hash of what `image(…)` leaves out and what it keeps: a new one is a new version of the same image.
    #[must_use]
    pub fn version(&self, seed: &Seed, value: Option<&str>) -> Option<u64> {
        let text = value.filter(|_| self.how == How::Image)?;
        Some(seed.hash(text.as_bytes()).number())
    }

    /// Appends the part of an event to a key: its type, its length, its bytes. Two events have the same bytes only if the part is
    /// the same in both: a missing field is not an empty one, a number is not its text, and nothing runs into what follows.
    fn encode(&self, value: Option<&Value>, out: &mut Vec<u8>) {
        match (value, self.how) {
            (None, _) => out.push(0),
            (Some(Value::Array(items)), How::Lineage(depth)) => self.encode_items(items, depth, out),
            (Some(value), _) => self.encode_value(value, out),
        }
    }

    fn encode_items(&self, items: &[Value], depth: usize, out: &mut Vec<u8>) {
        let items = &items[..items.len().min(depth)];
        out.extend([6, items.len() as u8]);
        items.iter().for_each(|item| self.encode_value(item, out));
    }

    fn encode_value(&self, value: &Value, out: &mut Vec<u8>) {
        match value {
            Value::Null => out.push(1),
            Value::Bool(truth) => out.extend([2, u8::from(*truth)]),
            Value::Number(number) => {
                out.push(3);
                match (number.as_i64(), number.as_f64()) {
                    (Some(whole), _) => out.extend(whole.to_le_bytes()),
                    (None, number) => out.extend(number.unwrap_or(f64::NAN).to_le_bytes()),
                }
            }
            Value::String(text) => self.encode_text(text, out),
            // As a whole: its JSON text.
            Value::Array(_) | Value::Object(_) => {
                let text = value.to_string();
                out.push(5);
                out.extend((text.len() as u32).to_le_bytes());
                out.extend(text.as_bytes());
            }
        }
    }

    fn encode_text(&self, text: &str, out: &mut Vec<u8>) {
        out.extend([4, 0, 0, 0, 0]);
        let start = out.len();
        self.write_text(text, out);
        let length = ((out.len() - start) as u32).to_le_bytes();
        out[start - 4..start].copy_from_slice(&length);
    }

    /// Appends what counts of a text.
    fn write_text(&self, text: &str, out: &mut Vec<u8>) {
        match self.how {
            How::Whole | How::Lineage(_) => out.extend(text.as_bytes()),
            How::Template => template::mask(text, out),
            How::Image => out.extend(image(text).as_bytes()),
            How::Folder => out.extend(folder(text).as_bytes()),
        }
    }

    /// The part as a configuration writes it, such as `template(proc.cmdline)`.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The field that it is made of, such as `proc.cmdline`.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// The part of an event for people; `–` where it is missing.
    #[must_use]
    pub fn show(&self, event: &Map<String, Value>) -> String {
        let mut out = Vec::new();
        self.show_into(event, &mut out);
        String::from_utf8(out).unwrap_or_default()
    }

    /// Appends what [`Self::show`] says.
    pub(crate) fn show_into(&self, event: &Map<String, Value>, out: &mut Vec<u8>) {
        let show = |value: &Value, out: &mut Vec<u8>| match value {
            Value::String(text) => self.write_text(text, out),
            other => out.extend(other.to_string().as_bytes()),
        };
        match (lookup(event, &self.field), self.how) {
            (None, _) => out.extend("–".as_bytes()),
            (Some(Value::Array(items)), How::Lineage(depth)) => {
                for (at, item) in items.iter().take(depth).enumerate() {
                    if at > 0 {
                        out.extend(b" < ");
                    }
                    show(item, out);
                }
            }
            (Some(value), _) => show(value, out),
        }
    }
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// `registry:5000/team/app` of `registry:5000/team/app:1.2@sha256:…`
fn image(name: &str) -> &str {
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    let after_slash = name.rfind('/').map_or(0, |at| at + 1);
    name[after_slash..].find(':').map_or(name, |at| &name[..after_slash + at])
}

fn folder(path: &str) -> &str {
    path.rfind(['/', '\\']).map_or("", |at| &path[..=at])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn parts_are_shown_as_they_count() {
        #[track_caller]
        fn check(part: &str, value: &Value, expected: &str) {
            let part = Part::parse(part).unwrap();
            assert_eq!(part.show(&event(&json!({ "f": value }))), expected);
        }
        check("f", &json!("a b"), "a b");
        check("f", &json!(7), "7");
        check("g", &json!(7), "–");
        check("template(f)", &json!("sleep 30"), "sleep #");
        check("lineage(f)", &json!(["sh", "nginx", "systemd"]), "sh < nginx < systemd");
        check("lineage(f, 2)", &json!(["sh", "nginx", "systemd"]), "sh < nginx");
        check("image(f)", &json!("registry:5000/team/app:1.2@sha256:abc"), "registry:5000/team/app");
        check("image(f)", &json!("app@sha256:abc"), "app");
        check("image(f)", &json!("registry:5000/app"), "registry:5000/app");
        check("folder(f)", &json!("/etc/cron.d/job"), "/etc/cron.d/");
        check("folder(f)", &json!("C:\\Windows\\cmd.exe"), "C:\\Windows\\");
    }

    #[test]
    fn different_parts_have_different_bytes() {
        let values = [
            json!({}),
            json!({ "f": null }),
            json!({ "f": "" }),
            json!({ "f": [] }),
            json!({ "f": [""] }),
            json!({ "f": ["", ""] }),
            json!({ "f": false }),
            json!({ "f": 0 }),
            json!({ "f": 0.5 }),
            json!({ "f": "0" }),
            json!({ "f": {} }),
            json!({ "f": "ab", "g": "c" }),
            json!({ "f": "a", "g": "bc" }),
            json!({ "f": "abc" }),
            json!({ "f": ["a", "b"], "g": "c" }),
            json!({ "f": ["a"], "g": "bc" }),
        ];
        let parts = ["lineage(f)", "g"].map(|part| Part::parse(part).unwrap());
        let bytes = |value: &Value| {
            let mut out = Vec::new();
            parts.iter().for_each(|part| part.encode(part.value_of(&event(value)), &mut out));
            out
        };
        for (at, value) in values.iter().enumerate() {
            for other in &values[..at] {
                assert_ne!(bytes(value), bytes(other), "{value} {other}");
            }
        }
    }

    #[test]
    fn mistakes_are_told() {
        #[track_caller]
        fn check(part: &str, expected: &str) {
            let error = Part::parse(part).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        check("template(proc.cmdline", "has no closing bracket");
        check("hash(proc.cmdline)", "\"hash\" is not a function here (known are template");
        check("lineage(proc.aname, 0)", "from 1 to 32");
        check("lineage(proc.aname, x)", "from 1 to 32");
        check("image(a, b)", "takes one field");
        check("", "is not the name of a field");
        check("a b", "is not the name of a field");
    }
}
