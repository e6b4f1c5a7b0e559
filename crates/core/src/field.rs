//! The fields of a document: one list for its reader, its reference, its JSON schema and its storage.
//!
//! A reader checks values; here stands what each field is called, what is written in it and what it means. Where text
//! is expected, [`to_json`] keeps what was written (`1001`, `no`, `1.10`), so that what is stored reads back to the same.

use serde_json::{Map, Value};

use crate::document::{Check, Content, Fields, Node};

/// A field of a document, as its reader, the manual and editors know it.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What is written in it.
    pub kind: Type,
    /// Whether it must be there.
    pub is_required: bool,
    /// What counts where it is missing; empty for nothing, or where `about` says it.
    pub default: &'static str,
    /// A value, as YAML.
    pub example: &'static str,
    /// What it means, in one sentence.
    pub about: &'static str,
}

impl Field {
    /// A field, its example and its meaning; it holds text.
    #[must_use]
    pub const fn new(name: &'static str, example: &'static str, about: &'static str) -> Self {
        Self { name, kind: Type::Text, is_required: false, default: "", example, about }
    }

    /// The same field with this type; without it a field holds text.
    #[must_use]
    pub const fn of(self, kind: Type) -> Self {
        Self { kind, ..self }
    }

    /// The same field with the value that counts where nothing is written, as YAML. For documentation alone: readers know
    /// their own.
    #[must_use]
    pub const fn or(self, default: &'static str) -> Self {
        Self { default, ..self }
    }

    /// The same field, which must be there.
    #[must_use]
    pub const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }
}

impl Fields<'_> {
    /// As [`Self::finish`]: whatever was not read becomes a problem, which names the nearest of the `known` fields.
    pub fn finish_of(self, known: &[Field], check: &mut Check) {
        let names: Vec<&str> = known.iter().map(|field| field.name).collect();
        self.finish(&names, check);
    }
}

/// What is written in a field: for readers that turn documents into JSON, the reference and the schema of editors.
#[derive(Debug, Clone, Copy)]
pub enum Type {
    /// Text; a number or truth stays as it is written.
    Text,
    /// Text of letters, digits and a few marks, by which something is known.
    Id,
    /// `30s`, `10m`, `2h`, `1d`.
    Duration,
    /// `2026-12-01`, `2026-12-01T10:00Z`.
    Time,
    /// `10:00`.
    TimeOfDay,
    /// `25%`.
    Percent,
    /// `25%`, or `0.25`.
    Share,
    /// A number.
    Number,
    /// A whole number.
    Whole,
    /// `true` or `false`.
    Truth,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A condition on fields.
    Condition,
    /// Text in which `{{ variable }}` stands for a value, or JSON of such.
    Template,
    /// Text, `{ env: NAME }` or `{ file: PATH }`.
    Secret,
    /// One, or a list of such.
    List(&'static Self),
    /// Such values by name.
    ByName(&'static Self),
    /// A map of these fields.
    Map(&'static [Field]),
    /// Either of these; what is written as one word or number is the first.
    Either(&'static [Self]),
    /// Anything, kept as it is read.
    Any,
}

impl Type {
    /// Whether a number or truth in it means the text that was written.
    const fn is_text(self) -> bool {
        match self {
            Self::Text
            | Self::Id
            | Self::Duration
            | Self::Time
            | Self::TimeOfDay
            | Self::OneOf(_)
            | Self::Condition
            | Self::Template
            | Self::Secret => true,
            Self::Percent
            | Self::Share
            | Self::Number
            | Self::Whole
            | Self::Truth
            | Self::List(_)
            | Self::ByName(_)
            | Self::Map(_)
            | Self::Either(_)
            | Self::Any => false,
        }
    }

    /// The value of a node of this type.
    #[must_use]
    pub fn to_json(self, node: &Node) -> Value {
        let scalar = matches!(node.content, Content::Bool(_) | Content::Int(_) | Content::Float(_));
        match (self, &node.content) {
            (Self::List(kind), Content::List(items)) => {
                Value::Array(items.iter().map(|item| kind.to_json(item)).collect())
            }
            (Self::List(kind), _) => kind.to_json(node),
            (Self::ByName(kind), Content::Map(entries)) => {
                let entries = entries.iter().map(|(key, value)| (key.name.clone(), kind.to_json(value)));
                Value::Object(entries.collect())
            }
            (Self::Map(fields), Content::Map(_)) => to_json(node, &[fields]),
            (Self::Either(kinds), content) => {
                let fits = |kind: &&Self| match content {
                    Content::Map(_) => matches!(kind, Self::Map(_) | Self::ByName(_) | Self::Secret),
                    Content::List(_) => matches!(kind, Self::List(_)),
                    _ => !matches!(kind, Self::Map(_) | Self::ByName(_)),
                };
                kinds.iter().find(fits).map_or_else(|| node.to_json(), |kind| kind.to_json(node))
            }
            (kind, _) if kind.is_text() && scalar => node.scalar_text().map_or(Value::Null, Value::String),
            (Self::Secret, Content::Map(entries)) => {
                let entries =
                    entries.iter().map(|(key, value)| (key.name.clone(), Self::Text.to_json(value)));
                Value::Object(entries.collect())
            }
            // `yes` and `on` mean it; programs that read what is stored look for a truth.
            (Self::Truth, _) => node.truth().map_or_else(|_| node.to_json(), Value::Bool),
            _ => node.to_json(),
        }
    }
}

/// The document in `node`, whose fields these lists name: what is stored, shown, compared and read again. What no list
/// names is kept as it is read; readers refuse it.
#[must_use]
pub fn to_json(node: &Node, lists: &[&[Field]]) -> Value {
    let Content::Map(entries) = &node.content else { return node.to_json() };
    let kind = |name: &str| {
        let known = lists.iter().flat_map(|fields| fields.iter()).find(|field| field.name == name);
        known.map_or(Type::Any, |field| field.kind)
    };
    let entries = entries.iter().map(|(key, value)| (key.name.clone(), kind(&key.name).to_json(value)));
    Value::Object(entries.collect::<Map<String, Value>>())
}

/// Writes percentages and shares of stored documents as they are written today: before, a share was also written
/// `0.25`, and a percentage `25`.
pub fn upgrade(node: &mut Node, lists: &[&[Field]]) {
    let Content::Map(entries) = &mut node.content else { return };
    for (key, value) in entries {
        let known = lists.iter().flat_map(|fields| fields.iter()).find(|field| field.name == key.name);
        if let Some(field) = known {
            field.kind.upgrade(value);
        }
    }
}

/// Without the noise of binary fractions: 28.000000000000004 is 28.
pub(crate) fn readable(number: f64) -> f64 {
    (number * 1e9).round() / 1e9
}

impl Type {
    fn upgrade(self, node: &mut Node) {
        match (self, node.number()) {
            (Self::Percent, Some(number)) => *node = Node::new(node.at, Content::Text(format!("{number}%"))),
            (Self::Share, Some(number)) => {
                let percent = readable(number * 100.0);
                *node = Node::new(node.at, Content::Text(format!("{percent}%")));
            }
            (Self::Map(fields), _) => upgrade(node, &[fields]),
            (Self::Either(kinds), _) => kinds.iter().for_each(|kind| kind.upgrade(node)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const WINDOW: &[Field] = &[
        Field::new("from", "\"10:00\"", "start of the window").of(Type::TimeOfDay),
        Field::new("days", "mon-fri", "its days").of(Type::List(&Type::Text)),
    ];
    const FIELDS: &[Field] = &[
        Field::new("id", "a", "its name").of(Type::Id).required(),
        Field::new("by", "[bank]", "groups").of(Type::List(&Type::Text)),
        Field::new("labels", "{ a: b }", "labels").of(Type::ByName(&Type::Text)),
        Field::new("for", "2", "windows").of(Type::Whole).or("1"),
        Field::new("active", "{ from: \"10:00\" }", "when").of(Type::Map(WINDOW)),
        Field::new("guard", "30%", "a share, or a map").of(Type::Either(&[Type::Text, Type::Map(WINDOW)])),
        Field::new("password", "x", "a secret").of(Type::Secret),
        Field::new("emergency", "true", "a truth").of(Type::Truth),
    ];

    #[track_caller]
    fn check(yaml: &str, expected: &Value) {
        let node = Node::from_yaml(yaml).unwrap();
        let stored = to_json(&node, &[FIELDS]);
        assert_eq!(stored, *expected, "{yaml}");
        assert_eq!(to_json(&Node::from_json(&stored), &[FIELDS]), stored, "reads back to something else");
    }

    #[test]
    fn text_stays_what_was_written() {
        check("id: 1001", &json!({"id": "1001"}));
        check("id: 5e3", &json!({"id": "5e3"}));
        check("id: no", &json!({"id": "no"}));
        check("id: true", &json!({"id": "true"}));
        check("by: [y, 1.10, 0123]", &json!({"by": ["y", "1.10", "0123"]}));
        check("by: 0x1F", &json!({"by": "0x1F"}));
        check(
            "labels: { country: NO, v: 1.10, o: 0123 }",
            &json!({"labels": {"country": "NO", "v": "1.10", "o": "0123"}}),
        );
        check("for: 2", &json!({"for": 2}));
        check(
            "active: { from: 10, days: [1, mon] }",
            &json!({"active": {"from": "10", "days": ["1", "mon"]}}),
        );
        check("guard: 0.30", &json!({"guard": "0.30"}));
        check("guard: { from: 1 }", &json!({"guard": {"from": "1"}}));
        check("password: 0012", &json!({"password": "0012"}));
        check("password: { env: 12 }", &json!({"password": {"env": "12"}}));
        check("emergency: yes", &json!({"emergency": true}));
        check("emergency: maybe", &json!({"emergency": "maybe"}));
        check("unknown: 1.10", &json!({"unknown": 1.1}));
    }

    #[test]
    fn names_sent_as_numbers_keep_every_digit() {
        for text in ["404", "9223372036854775807", "9223372036854775809", "18446744073709551615"] {
            let sent: Value = serde_json::from_str(&format!("{{\"id\": {text}}}")).unwrap();
            assert_eq!(to_json(&Node::from_json(&sent), &[FIELDS]), json!({ "id": text }));
        }
    }

    #[test]
    fn stored_percentages_keep_their_meaning() {
        const RULE: &[Field] = &[
            Field::new("drop", "25%", "a drop").of(Type::Percent),
            Field::new("rollout", "{ share: 25% }", "a share")
                .of(Type::Map(&[Field::new("share", "25%", "a share").of(Type::Share)])),
        ];
        let mut node = Node::from_json(&json!({"drop": 0.25, "rollout": {"share": 0.28}, "x": 1}));
        upgrade(&mut node, &[RULE]);
        assert_eq!(node.to_json(), json!({"drop": "0.25%", "rollout": {"share": "28%"}, "x": 1}));
        assert_eq!(crate::reading::share(&Node::from_json(&json!("28%"))), Ok(0.28));
    }
}
