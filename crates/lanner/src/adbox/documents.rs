//! Documents of an index in files: answers to searches, lists, or one document after the other, as Wazuh writes its alerts.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use lanner_core::time::parse_time_ms;
use lanner_deep::Cell;
use serde_json::Value;

use crate::failure::{Failure, Result, remark};
use crate::input::{self, Meter};

/// What becomes of a document; whoever breaks sees no more.
type Visit<'a> = &'a mut dyn FnMut(&Value) -> ControlFlow<()>;

/// Shows each document of a file, gzipped or not. A file that breaks off ends there with a remark.
pub(crate) fn read(path: &Path, visit: Visit<'_>) -> Result<u64> {
    let file = input::open(path, &Arc::new(Meter::default()))?;
    let mut n = 0;
    let mut counted = |document: &Value| {
        n += 1;
        visit(document)
    };
    for value in serde_json::Deserializer::from_reader(file).into_iter::<Value>() {
        match value {
            Ok(value) => {
                if show(&value, &mut counted).is_break() {
                    break;
                }
            }
            Err(error) if n > 0 && error.is_eof() => {
                remark(&format!("{} breaks off ({error}); what came before is used", path.display()));
                break;
            }
            Err(error) if error.is_io() => return Err(Failure::file("read", path, &error.into())),
            Err(error) => {
                let message = format!("{}:{}:{}: {error}", path.display(), error.line(), error.column());
                return Err(Failure::user(message)
                    .hint("give the JSON of a search, a list of documents, or a document a line"));
            }
        }
    }
    Ok(n)
}

fn show(value: &Value, visit: Visit<'_>) -> ControlFlow<()> {
    match (value, value.pointer("/hits/hits").and_then(Value::as_array)) {
        (_, Some(hits)) => hits.iter().try_for_each(|hit| show(hit, visit)),
        (Value::Array(all), None) => all.iter().try_for_each(|one| show(one, visit)),
        (Value::Object(fields), None) => visit(fields.get("_source").unwrap_or(value)),
        _ => ControlFlow::Continue(()),
    }
}

/// When a document was: its `timestamp`, else its `@timestamp`.
pub(crate) fn time_ms(document: &Value) -> Option<i64> {
    ["timestamp", "@timestamp"].iter().find_map(|name| moment(document.get(name)?))
}

fn moment(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => parse_time_ms(&with_colon(text)).ok(),
        Value::Number(number) => number.as_i64(),
        _ => None,
    }
}

/// `+0000` as `+00:00`.
fn with_colon(text: &str) -> String {
    let at = text.len().saturating_sub(5);
    match text.get(at..) {
        Some(offset)
            if text.contains('T')
                && offset.starts_with(['+', '-'])
                && offset.bytes().skip(1).all(|c| c.is_ascii_digit()) =>
        {
            format!("{}:{}", &text[..at + 3], &text[at + 3..])
        }
        _ => text.to_owned(),
    }
}

/// What a document has in a field such as `data.cpu_usage_%`, whose dots lead into maps or belong to a name. Of a list it is the
/// first item.
pub(super) fn plain_cell<'v>(document: &'v Value, field: &str) -> Option<Cell<'v>> {
    let found = find(document, field)?;
    cell_of(found.as_array().map_or(Some(found), |items| items.first())?)
}

/// All items of a list, or the one value.
pub(super) fn plain_cells<'v>(document: &'v Value, field: &str) -> Vec<Cell<'v>> {
    let Some(found) = find(document, field) else { return Vec::new() };
    let items = found.as_array().map_or(std::slice::from_ref(found), Vec::as_slice);
    items.iter().filter_map(cell_of).collect()
}

fn cell_of(value: &Value) -> Option<Cell<'_>> {
    match value {
        Value::Number(number) => number.as_f64().map(Cell::Number),
        Value::String(text) => Some(Cell::Text(text)),
        Value::Bool(flag) => Some(Cell::Number(f64::from(u8::from(*flag)))),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn find<'v>(value: &'v Value, field: &str) -> Option<&'v Value> {
    let fields = value.as_object()?;
    if let Some(found) = fields.get(field) {
        return Some(found);
    }
    let dots = field.char_indices().filter(|(_, c)| *c == '.');
    dots.map(|(at, _)| (&field[..at], &field[at + 1..]))
        .find_map(|(name, rest)| find(fields.get(name)?, rest))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_found() {
        let document = json!({ "data": { "cpu_usage_%": "5.5", "win.event": { "id": [7, 8] }, "ok": true, "none": null },
            "rule.level": 3 });
        let cell = |field: &str| plain_cell(&document, field);
        assert_eq!(cell("data.cpu_usage_%"), Some(Cell::Text("5.5")));
        assert_eq!(cell("data.win.event.id"), Some(Cell::Number(7.0)));
        assert_eq!(cell("data.ok"), Some(Cell::Number(1.0)));
        assert_eq!(cell("rule.level"), Some(Cell::Number(3.0)));
        for missing in ["data.none", "data", "data.cpu", "rule", "", ".", "data."] {
            assert_eq!(cell(missing), None, "{missing}");
        }
    }

    #[test]
    fn times_are_read() {
        let at = |value: Value| time_ms(&json!({ "timestamp": value }));
        assert_eq!(at(json!("2024-03-01T00:47:48.864+0000")), Some(1_709_254_068_864));
        assert_eq!(at(json!("2024-03-01T00:47:48.864Z")), Some(1_709_254_068_864));
        assert_eq!(at(json!("2024-03-01T02:47:48+0200")), Some(1_709_254_068_000));
        assert_eq!(at(json!(1_709_254_068_864_i64)), Some(1_709_254_068_864));
        assert_eq!((at(json!("yesterday")), at(json!("T+0000")), at(json!("é+0000"))), (None, None, None));
    }
}
