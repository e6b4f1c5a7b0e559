//! Conditions made of an alert's labels: true of the field that has the label.

use lanner_conditions::{FieldPath, Literal};
use lanner_core::content;
use lanner_engine::stream::label;
use serde_json::Value;

/// How long ids may be, and the hash in them.
const MAX_ID: usize = 200;
const N_HASH: usize = 12;

/// True of a field that has the label, whatever it was counted as: `80` and `"80"` are the same label.
pub(crate) fn test(field: &str, text: &str) -> String {
    let quoted = |text: &str| Literal::Text(text.to_owned()).to_string();
    let path = FieldPath::parse(field)
        .map_or_else(|_| format!("$[{}]", quoted(field)), |path| path.as_str().to_owned());
    match read(text) {
        value @ (Value::Number(_) | Value::Bool(_)) => format!("{path} in ({}, {value})", quoted(text)),
        _ => format!("{path} == {}", quoted(text)),
    }
}

/// What a label was written from, if it was anything but text.
pub(crate) fn read(text: &str) -> Value {
    let value = serde_json::from_str::<Value>(text).ok();
    let is_so = |value: &Value| !value.is_string() && !value.is_null() && label(Some(value)) == text;
    value.filter(is_so).unwrap_or_else(|| Value::from(text))
}

/// Whether what `when` says, as a document has it, includes each of the tests.
pub(crate) fn includes(when: &Value, tests: &[String]) -> bool {
    match when {
        Value::Array(items) => tests.iter().all(|test| items.iter().any(|item| item.as_str() == Some(test))),
        when => when.as_str() == Some(&*tests.join(" and ")),
    }
}

/// `block-bank.HSBC`: a switch's id and the values of labels, where these can be told apart in it.
pub(super) fn plain_id(switch: &str, values: &[&str]) -> Option<String> {
    let marks = if values.len() == 1 { "-_." } else { "-_" };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || marks.contains(c);
    let fits = |value: &&str| !value.is_empty() && value.chars().all(is_plain);
    let id = format!("{switch}.{}", values.join("."));
    (values.iter().all(fits) && id.len() <= MAX_ID).then_some(id)
}

/// The same with as much of the values as has room, and a hash of the tests: other tests have another id.
pub(super) fn hashed_id(switch: &str, values: &[&str], tests: &[String]) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let room = MAX_ID.saturating_sub(switch.len() + N_HASH + 2).min(150);
    let shown: String = values.join(".").chars().map(fit).take(room).collect();
    let hash: String = content::sha256(tests.join("\n").as_bytes()).chars().take(N_HASH).collect();
    format!("{switch}.{shown}.{hash}")
}
