//! A JSON object.

use lanner_core::event::MAX_EVENT_DEPTH;
use serde_json::Value;

use super::form::Read;

/// The fields of an object; not one that is nested so deeply that no event could hold it.
pub(super) fn read(text: &str) -> Option<Read> {
    let Value::Object(fields) = serde_json::from_str(text).ok()? else { return None };
    // It is two levels down where it is put into an object, which is in the event.
    let fits = fields.values().all(|value| is_within(value, MAX_EVENT_DEPTH - 2));
    fits.then_some(Read { fields, time_ms: None })
}

/// Whether objects and arrays are nested no deeper than this. The parser has bounded them already.
fn is_within(value: &Value, depth: usize) -> bool {
    match value {
        Value::Object(inner) => depth > 0 && inner.values().all(|value| is_within(value, depth - 1)),
        Value::Array(inner) => depth > 0 && inner.iter().all(|value| is_within(value, depth - 1)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_of_bounded_depth() {
        #[track_caller]
        fn check(text: &str, is_read: bool) {
            assert_eq!(read(text).is_some(), is_read, "{}", &text[..text.len().min(60)]);
        }
        check("{}", true);
        check(r#" {"a":[1,{"b":null}]} "#, true);
        check("[1]", false);
        check("{", false);
        check(r#"{"a":1} x"#, false);
        let nested = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
        check(&nested(62), true);
        check(&nested(63), false);
        check(&nested(30_000), false);
    }
}
