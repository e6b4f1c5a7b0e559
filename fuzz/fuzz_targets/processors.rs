//! Lines of logs: any bytes pass every form that processors read, and what comes out is the JSON text that says the same.
#![no_main]

use std::sync::LazyLock;

use lanner_core::Event;
use lanner_engine::processor::{Draft, Processors, Tally};
use lanner_engine::{Config, Node};
use lanner_wire::{Report, events, text_lines};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

static PROCESSORS: LazyLock<Processors> = LazyLock::new(|| {
    let node = Node::from_yaml(
        r"processors:
  - { id: json, stream: s, parse: { as: json, into: j, time: ts } }
  - { id: logfmt, stream: s, parse: { as: logfmt } }
  - { id: combined, stream: s, parse: { as: combined } }
  - { id: pattern, stream: s, parse: { pattern: '(?<word>\w+) (?<number>[0-9.-]+)', time: { field: number, form: '%s' } } }
  - { id: copy, stream: s, copy: { to: t } }",
    );
    let mut config = Config::default();
    assert_eq!(config.read(&node.expect("it is YAML")), []);
    Processors::new(config.processors)
});

fuzz_target!(|body: &[u8]| {
    let options = events::Options { time_field: None, received_ms: 0, wanted: None };
    text_lines::parse(body, options, &mut Report::default(), |event| {
        let event = Event { time_ms: event.time_ms, fields: event.fields };
        let mut tallies = vec![Tally::default(); PROCESSORS.all().len()];
        PROCESSORS.pass(&"s".into(), Draft::new(event), &mut tallies, &mut |_, draft| {
            let again: Map<String, Value> = serde_json::from_str(&draft.json).expect("the text is JSON");
            assert_eq!(again, draft.event.fields);
        });
        Ok(())
    });
});
