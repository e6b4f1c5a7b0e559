//! Conditions: any text is answered, and the canonical text is a fixed point that means the same.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(expr) = lanner_rules::parse(text) {
        let canonical = expr.to_string();
        assert_eq!(lanner_rules::parse(&canonical).map(|expr| expr.to_string()), Ok(canonical));
    }
});
