//! Rules of other languages: any text is answered, and what is read can be written and read again.
#![no_main]

use lanner_conditions::import::{flagd, json_logic, rule_engine};
use lanner_conditions::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match rule_engine(text, None) {
        Ok(expr) => assert_eq!(parse(&expr.to_string()), Ok(expr)),
        Err(problems) => assert!(problems.iter().all(|problem| text.is_char_boundary(problem.offset))),
    }
    if let Ok(logic) = serde_json::from_str(text) {
        match json_logic(&logic) {
            Ok(expr) => assert_eq!(parse(&expr.to_string()), Ok(expr)),
            Err(problems) => assert!(!problems.is_empty()),
        }
    }
    for flag in flagd(text).unwrap_or_default().flags {
        assert_eq!(parse(&flag.when.to_string()), Ok(flag.when));
    }
});
