//! Carbon's storage configuration: any text is answered, and what is accepted can be kept.
#![no_main]

use lanner_wire::storage_schemas::{parse_aggregations, parse_schemas};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for schema in parse_schemas(text).unwrap_or_default() {
        assert!(!schema.retentions.is_empty() && !schema.pattern.is_empty());
        assert!(schema.retentions.is_sorted_by_key(|retention| retention.span_s()));
    }
    let _ = parse_aggregations(text);
});
