//! An event, and how its fields are completed.

use serde_json::{Map, Value};

/// An event of a host, with its fields under Falco's names.
#[derive(Debug, Clone, PartialEq)]
pub struct HostEvent {
    /// When it happened, milliseconds since 1970; `None` if it does not say.
    pub time_ms: Option<i64>,
    /// Its fields.
    pub fields: Map<String, Value>,
}

/// The last part of a path, with `/` or `\`.
pub(super) fn base_name(path: &str) -> &str {
    path.rfind(['/', '\\']).map_or(path, |at| &path[at + 1..])
}

/// Adds a field that is not there.
pub(super) fn add(fields: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value
        && !fields.contains_key(name)
    {
        fields.insert(name.to_owned(), value);
    }
}

/// Adds names that follow from others: of a program from its path, of a parent from the ancestors.
pub(super) fn complete(fields: &mut Map<String, Value>) {
    let text = |fields: &Map<String, Value>, name: &str| Some(fields.get(name)?.as_str()?.to_owned());
    let base = |path: String| Value::from(base_name(&path));
    let name = text(fields, "proc.exepath").map(base);
    add(fields, "proc.name", name);
    let first = |fields: &Map<String, Value>, name: &str| {
        fields.get(name)?.as_array()?.first().filter(|first| first.is_string()).cloned()
    };
    let ancestor = first(fields, "proc.aname");
    add(fields, "proc.pname", ancestor);
    let ancestor = first(fields, "proc.aexepath");
    add(fields, "proc.pexepath", ancestor);
    let name = text(fields, "proc.pexepath").map(base);
    add(fields, "proc.pname", name);
}
