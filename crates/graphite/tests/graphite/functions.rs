//! The table of functions is that of the real Graphite, name by name and parameter by parameter.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_types,
    reason = "what was recorded is read from a file and is well formed"
)]

use std::collections::BTreeSet;
use std::io::Read as _;

use lanner_graphite::{catalogue, functions};
use serde_json::{Map, Value};

/// JSON without infinity, which the parser here does not read.
fn json(text: &str) -> Value {
    serde_json::from_str(
        &text
            .replace(":Infinity", ":\"inf\"")
            .replace(": Infinity", ":\"inf\"")
            .replace(":1e9999", ":\"inf\""),
    )
    .unwrap()
}

/// What Graphite answered to `/functions` and `/functions/?grouped=1`.
fn recorded() -> Option<(Value, Value)> {
    let path = lanner_testkit::shared_data("graphite/http.jsonl.gz")?;
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let answer = |path: &str| {
        let line = text.lines().find(|line| line.contains(&format!("\"{path}\""))).unwrap();
        json(line)["json"].take()
    };
    Some((answer("/functions"), answer("/functions/")))
}

fn without_description(function: &Value) -> Map<String, Value> {
    let mut function = function.as_object().unwrap().clone();
    let description = function.remove("description").unwrap();
    assert!(!description.as_str().unwrap().is_empty(), "{} has no description", function["name"]);
    function
}

#[test]
fn the_table_is_that_of_graphite() {
    let Some((expected, groups)) = recorded() else { return };
    let ours = json(&catalogue::functions(false, None));
    let (ours, expected) = (ours.as_object().unwrap(), expected.as_object().unwrap());
    let names = |of: &Map<String, Value>| of.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(ours), names(expected));
    for (name, expected) in expected {
        assert_eq!(without_description(&ours[name]), without_description(expected), "{name}");
    }
    let by_group = json(&catalogue::functions(true, None));
    for (group, expected) in groups.as_object().unwrap() {
        let expected: BTreeSet<String> =
            expected.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
        assert_eq!(names(by_group[group].as_object().unwrap()), expected, "{group}");
    }
    assert_eq!(by_group.as_object().unwrap().len(), groups.as_object().unwrap().len());
}

/// Where [`lanner_graphite::Function::about`] is written for people, it should be a sentence.
#[test]
fn every_function_says_what_it_does() {
    for function in
        functions::GROUPS.iter().flat_map(|(_, entries)| entries.iter().map(|entry| &entry.function))
    {
        assert!(function.about.ends_with('.'), "{}: '{}'", function.name, function.about);
        assert_eq!(
            catalogue::function(function.name).map(|one| json(&one)["name"].take()),
            Some(function.name.into())
        );
    }
}
