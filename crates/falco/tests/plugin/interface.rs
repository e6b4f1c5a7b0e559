//! The C interface: what Falco reads before it starts the plugin.

use std::ffi::{CStr, c_char};

use falco_plugin_runner::MetricValue;
use serde_json::{Value, json};

use super::loaded::ANOMALY;
use super::{EXECVE, event, running};

fn text(of: *const c_char) -> String {
    // SAFETY: the plugin's texts are static and end with a zero byte.
    unsafe { CStr::from_ptr(of) }.to_string_lossy().into_owned()
}

#[test]
fn names_and_versions() {
    // SAFETY: these functions take nothing and return static texts.
    let (name, version, api) = unsafe {
        (
            ANOMALY.get_name.unwrap()(),
            ANOMALY.get_version.unwrap()(),
            ANOMALY.get_required_api_version.unwrap()(),
        )
    };
    assert_eq!((text(name), text(version)), ("lanner".to_owned(), env!("CARGO_PKG_VERSION").to_owned()));
    assert!(text(api).starts_with("3."), "{}", text(api));
}

#[test]
fn fields_are_described() {
    // SAFETY: it takes nothing and returns a static text.
    let fields = unsafe { ANOMALY.__bindgen_anon_2.get_fields.unwrap()() };
    let fields: Vec<Value> = serde_json::from_str(&text(fields)).unwrap();
    let official: Vec<_> =
        fields.iter().filter(|it| it["name"].as_str().unwrap().contains("count_min_sketch")).collect();
    let types: Vec<_> =
        official.iter().map(|it| (it["name"].as_str().unwrap(), it["type"].as_str().unwrap())).collect();
    assert_eq!(
        types,
        [("anomaly.count_min_sketch", "uint64"), ("anomaly.count_min_sketch.profile", "string")]
    );
    assert!(official.iter().all(|it| it["arg"] == json!({"isIndex": true})));
    assert!(
        fields.iter().all(|it| it["desc"].as_str().is_some_and(|text| text.ends_with('.'))),
        "{fields:?}"
    );
}

#[test]
fn only_events_that_are_needed_are_asked_for() {
    let mut n = 0;
    // SAFETY: it writes the count, and returns a static list of that length.
    let types = unsafe {
        let types = ANOMALY.__bindgen_anon_3.get_parse_event_types.unwrap()(&raw mut n, std::ptr::null_mut());
        std::slice::from_raw_parts(types, n as usize)
    };
    assert_eq!(types, [3, 23, 59, 223, 247, 293, 307, 327, 331, 335, 337, 389]);
    // SAFETY: it takes nothing and returns a static text.
    let sources = unsafe { ANOMALY.__bindgen_anon_3.get_parse_event_sources.unwrap()() };
    assert_eq!(text(sources), r#"["syscall"]"#);
}

#[test]
fn metrics_count_events() {
    let mut runner =
        running(vec![event(EXECVE, 31, 0, json!([])), event(EXECVE, 99, 1, json!([]))], &json!({}));
    // The second one is of a thread that Falco does not know.
    runner.next_event().unwrap();
    runner.next_event().unwrap();
    let metrics = runner.get_metrics();
    let events = metrics
        .iter()
        .find(|metric| metric.name.ends_with("events_total") && !metric.name.contains("rare"))
        .unwrap();
    assert_eq!(events.value, MetricValue::U64(2));
}
