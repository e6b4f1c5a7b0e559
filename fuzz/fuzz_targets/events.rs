//! Events: any bytes are answered, and the compact text is the parsed object.
#![no_main]

use lanner_wire::{Report, events};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

fuzz_target!(|body: &[u8]| {
    let mut report = Report::default();
    let options = events::Options { time_field: None, received_ms: 0, wanted: None };
    events::parse(body, options, &mut report, |event| {
        let again: Map<String, Value> = serde_json::from_str(event.json).expect("compact text is JSON");
        assert_eq!(again, event.fields);
        Ok(())
    });
});
