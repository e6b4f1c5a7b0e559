//! Golden scripts: written samples in, expected states and messages out.
#![expect(clippy::disallowed_methods, reason = "a test may read its scripts")]
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use lanner_engine::Config;
use lanner_engine::detector::KINDS;
use lanner_engine::document::{Content, Node};
use lanner_engine::processor::Processors;
use lanner_engine::script::Script;
use lanner_engine::source;

/// Runs the tests of one file, which begins with the configuration that they are about.
fn check(path: &str) {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let (config, tests) = text.split_once("\ntests:").expect("a script has a config and tests");
    let config = Node::from_yaml(config).unwrap();
    let Content::Map(entries) = &config.content else { panic!("{path}") };
    let mut checked = Config::default();
    let problems = checked.read(&entries[0].1);
    assert_eq!(problems, [], "{path}");
    let documents: Vec<_> = checked.rules.iter().map(|rule| rule.document()).collect();
    let script = Script::from_yaml(&format!("tests:{tests}")).unwrap_or_else(|p| panic!("{path}:\n{p}"));
    let processors = Processors::new(checked.processors);
    for test in &script.tests {
        let (failures, _) = test.run(&documents, &processors, &checked.routes, &checked.inhibitions);
        let failures: Vec<String> = failures.iter().map(ToString::to_string).collect();
        assert!(failures.is_empty(), "{path}, {}:\n{}", test.name, failures.join("\n"));
    }
}

#[test]
fn every_detector_has_a_script_that_holds() {
    for kind in KINDS {
        check(&format!("{}/testdata/detectors/{}.yaml", env!("CARGO_MANIFEST_DIR"), kind.name));
    }
}

#[test]
fn every_kind_of_query_has_a_script_that_holds() {
    for kind in source::KINDS {
        check(&format!("{}/testdata/queries/{}.yaml", env!("CARGO_MANIFEST_DIR"), kind.name));
    }
}

#[test]
fn scripts_of_messages_hold() {
    let folder = format!("{}/testdata/notify", env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths.iter().for_each(|path| check(path.to_str().unwrap()));
}
