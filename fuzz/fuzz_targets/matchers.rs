//! Label matchers: any text is answered, and what is read can be written and read again.
#![no_main]

use lanner_wire::matchers::{format_matchers, parse_matchers};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(matchers) = parse_matchers(text) {
        assert_eq!(parse_matchers(&format_matchers(&matchers)), Ok(matchers));
    }
});
