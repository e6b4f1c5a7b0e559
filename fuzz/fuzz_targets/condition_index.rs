//! Many conditions on an event: the index answers what a loop over them answers, from a tree and from the text.
//!
//! Each line of the input is a condition; the lines that begin with `{` are events.
#![no_main]

use lanner_conditions::{Condition, Index, Missing, Scratch};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

#[path = "../words.rs"]
mod words;

fuzz_target!(|bytes: &[u8]| {
    let text = words::text(bytes);
    let (events, rules): (Vec<&str>, Vec<&str>) = text.split('\n').partition(|line| line.starts_with('{'));
    let rules: Vec<(u32, Condition, Missing)> = (0..)
        .zip(rules)
        .filter_map(|(id, text)| {
            let missing = if id % 2 == 0 { Missing::Kleene } else { Missing::False };
            Some((id, Condition::compile(text).ok()?, missing))
        })
        .collect();
    let index = Index::build(rules.iter().map(|(id, condition, missing)| (*id, condition, *missing)));
    let (mut scratch, mut found) = (Scratch::default(), Vec::new());
    for text in events {
        let event: Result<Map<String, Value>, _> = serde_json::from_str(text);
        let read = index.matches_json(text, &mut scratch, &mut found);
        assert_eq!(read.is_ok(), event.is_ok(), "{text}: {read:?} {event:?}");
        let Ok(event) = event else { continue };
        let holds = rules.iter().filter(|(_, condition, missing)| condition.matches(&event, *missing));
        let by_loop: Vec<u32> = holds.map(|(id, ..)| *id).collect();
        assert_eq!(found, by_loop, "from the text {text}");
        index.matches(&event, &mut scratch, &mut found);
        assert_eq!(found, by_loop, "from the tree {text}");
    }
});
