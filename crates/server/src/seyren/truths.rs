//! Truth values as Seyren's clients send them.

use serde_json::{Map, Value};

/// Yes or no, also when it comes as text, as Seyren's own reader takes it.
pub(super) fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// The fields called `names` as true or false; absent, null and empty ones are left out.
///
/// # Errors
/// A sentence for the first one that is neither.
pub(super) fn truths(posted: &Value, names: &[&str]) -> Result<Map<String, Value>, String> {
    let mut found = Map::new();
    for name in names {
        let value = &posted[*name];
        match truth(value) {
            Some(truth) => drop(found.insert((*name).to_owned(), truth.into())),
            None if value.is_null() || value == "" => {}
            None => return Err(format!("{name} should be true or false, found {value}")),
        }
    }
    Ok(found)
}
