//! Rule files: any text is read or refused, and an accepted rule is accepted again from its stored document.
#![no_main]

use lanner_engine::{Config, Rule};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(config) = Config::from_yaml(text) {
        for rule in &config.rules {
            assert!(Rule::from_json(&rule.document(), 1).is_ok());
        }
    }
});
