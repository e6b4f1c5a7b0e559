//! Changes of a switch's document: activate, deactivate, and the end that an emergency must have.
//!
//! Documents are kept as their authors wrote them; a change touches only what it is about.

use lanner_core::time::{DAY_MS, format_time};
use serde_json::{Value, json};

use crate::switch::Switch;

/// How long an emergency switch holds where nothing else is said, milliseconds.
pub const EMERGENCY_MS: i64 = DAY_MS;

/// Gives an emergency switch that does not say when it ends an end: a day from `now_ms`.
pub fn give_end(document: &mut Value, now_ms: i64) {
    give_end_at(document, &json!(format_time(now_ms.saturating_add(EMERGENCY_MS))));
}

/// As [`give_end`], with an end of the caller's choice, as it is written.
pub fn give_end_at(document: &mut Value, end: &Value) {
    let is_emergency = document.get("emergency").is_some_and(|value| value == true);
    let has_end = document.pointer("/valid/to").is_some_and(|to| !to.is_null());
    if is_emergency && !has_end {
        set_end(document, end.clone());
    }
}

/// Gives an emergency switch an end, once it is on: the one it was given before, if nothing else changed; else a day from
/// `now_ms`. One that is prepared and off has none, and begins its day when it is activated.
pub fn end_emergency(document: &mut Value, old: Option<&Value>, now_ms: i64) {
    if document.get("status").is_some_and(|status| status == "inactive") {
        return;
    }
    if let Some((old, end)) = old.and_then(|old| Some((old, old.pointer("/valid/to")?))) {
        let mut same = document.clone();
        give_end_at(&mut same, end);
        if same == *old {
            *document = same;
        }
    }
    give_end(document, now_ms);
}

/// The document of a switch that is on from `now_ms`, for `for_ms` if that is given.
///
/// # Errors
/// A sentence, when its validity is over and nothing says how long it should hold now.
pub fn activate(document: &Value, now_ms: i64, for_ms: Option<i64>) -> Result<Value, String> {
    if !document.is_object() {
        return Err("what is stored of it cannot be read; delete it, and apply it again".to_owned());
    }
    let mut document = with_status(document, "active");
    if let Some(for_ms) = for_ms {
        document["valid"] = json!({
            "from": format_time(now_ms), "to": format_time(now_ms.saturating_add(for_ms)),
        });
    }
    if let Ok(switch) = Switch::from_json(&document)
        && switch.valid.end_ms <= now_ms
    {
        if !switch.is_emergency {
            let ended = format_time(switch.valid.end_ms);
            return Err(format!(
                "its validity ended at {ended}; say for how long it should hold, for example 2h"
            ));
        }
        set_end(&mut document, json!(format_time(now_ms.saturating_add(EMERGENCY_MS))));
    }
    give_end(&mut document, now_ms);
    Ok(document)
}

/// The document of the switch with the status `inactive`; all else stays as it is.
#[must_use]
pub fn deactivate(document: &Value) -> Value {
    with_status(document, "inactive")
}

fn with_status(document: &Value, status: &str) -> Value {
    let mut document = document.clone();
    if let Some(fields) = document.as_object_mut() {
        fields.insert("status".to_owned(), json!(status));
    }
    document
}

fn set_end(document: &mut Value, end: Value) {
    let Some(fields) = document.as_object_mut() else { return };
    let valid = fields.entry("valid").or_insert_with(|| json!({}));
    if !valid.is_object() {
        *valid = json!({});
    }
    valid["to"] = end;
}

#[cfg(test)]
mod tests {
    use super::*;
    use lanner_core::time::{HOUR_MS, parse_time_ms};

    #[test]
    fn what_is_no_switch_is_not_activated() {
        for document in [json!("torn"), json!([1]), Value::Null] {
            assert!(activate(&document, 0, Some(HOUR_MS)).is_err());
            assert_eq!(deactivate(&document), document);
        }
    }

    #[test]
    fn an_emergency_ends_after_a_day() {
        let now_ms = parse_time_ms("2026-01-01T00:00Z").unwrap();
        let mut document =
            json!({"id": "a", "when": "x", "emergency": true, "owner": "ann", "reason": "down"});
        give_end(&mut document, now_ms);
        assert_eq!(document["valid"]["to"], "2026-01-02T00:00:00Z");
        assert!(Switch::from_json(&document).is_ok());
        let before = document.clone();
        give_end(&mut document, now_ms + HOUR_MS);
        assert_eq!(document, before);
        // Prepared, it waits for as long as it takes; its day begins when it is activated.
        let mut prepared = with_status(&json!({"id": "a", "when": "x", "emergency": true}), "inactive");
        end_emergency(&mut prepared, None, now_ms);
        assert_eq!(prepared.get("valid"), None);
        let on = activate(&prepared, now_ms + 9 * DAY_MS, None).unwrap();
        assert_eq!(on["valid"]["to"], "2026-01-11T00:00:00Z");
    }

    #[test]
    fn activation_says_until_when() {
        let now_ms = parse_time_ms("2026-01-05T00:00Z").unwrap();
        let old = json!({"id": "a", "when": "x", "status": "inactive", "valid": {"to": "2026-01-02"}});
        assert!(activate(&old, now_ms, None).unwrap_err().contains("2026-01-02T00:00:00Z"));
        let on = activate(&old, now_ms, Some(2 * HOUR_MS)).unwrap();
        assert_eq!((&on["status"], &on["valid"]["to"]), (&json!("active"), &json!("2026-01-05T02:00:00Z")));
        assert_eq!(deactivate(&on)["status"], "inactive");
        let emergency = json!({
            "id": "a", "when": "x", "emergency": true, "owner": "ann", "reason": "down", "valid": {"to": "2026-01-02"},
        });
        assert_eq!(activate(&emergency, now_ms, None).unwrap()["valid"]["to"], "2026-01-06T00:00:00Z");
    }
}
