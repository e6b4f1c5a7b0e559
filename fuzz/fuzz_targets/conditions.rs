//! Conditions: any text is answered, and the canonical text is a fixed point that means the same.
#![no_main]

use lanner_conditions::{Condition, Missing, falco, parse};
use libfuzzer_sys::fuzz_target;

#[path = "../words.rs"]
mod words;

fuzz_target!(|bytes: &[u8]| {
    let text = words::text(bytes);
    // Falco's own reading has nothing to be compared with here; it must not panic.
    if let Ok(filter) = falco::FalcoFilter::compile(&text) {
        let _ = filter.matches(&serde_json::Map::new());
    }
    let mut loader = falco::rules::Loader::default();
    loader.read(&text);
    let _ = loader.finish();
    match parse(&text) {
        Ok(expr) => {
            let canonical = expr.to_string();
            assert_eq!(parse(&canonical).as_ref(), Ok(&expr), "{canonical}");
            let (condition, none) = (Condition::from_expr(expr), serde_json::Map::new());
            for missing in [Missing::Kleene, Missing::False] {
                let explanation = condition.explain(&none, missing);
                assert_eq!(explanation.verdict, condition.verdict(&none, missing));
            }
        }
        Err(problems) => {
            assert!((1..=100).contains(&problems.len()));
            for problem in problems {
                assert!(text.is_char_boundary(problem.offset) && !problem.message.is_empty());
            }
        }
    }
});
