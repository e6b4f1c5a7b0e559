//! The manual names every field, detector and variable there is, and its example is a rule.
#![expect(clippy::disallowed_methods, reason = "a test may read the manual")]

use lanner_engine::Config;
use lanner_engine::detector::KINDS;
use lanner_engine::document::Node;
use lanner_engine::rule::FIELDS;
use lanner_engine::template::VARIABLES;

#[test]
fn the_manual_is_whole() {
    let path = format!("{}/../../docs/rules.md", env!("CARGO_MANIFEST_DIR"));
    let manual = std::fs::read_to_string(path).unwrap();
    let names = FIELDS.iter().map(|f| f.name).chain(KINDS.iter().map(|k| k.name)).chain(VARIABLES);
    for name in names {
        assert!(
            manual.contains(&format!("`{name}`")) || manual.contains(&format!("`{name}.")),
            "{name} is missing"
        );
    }
    let example = manual.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let problems = Config::default().read(&Node::from_yaml(example).unwrap());
    assert_eq!(problems, []);
}

#[test]
fn every_field_has_an_example_that_is_accepted() {
    for field in FIELDS {
        let written = format!("{}: {}\n", field.name, field.example);
        let base =
            "id: a\nquery: { stream: s, measure: count, by: [bank] }\nwindow: 30m\nabsolute: { min: 1 }\n";
        let kept: String = base
            .lines()
            .filter(|line| !line.starts_with(&format!("{}:", field.name)))
            .map(|l| format!("{l}\n"))
            .collect();
        let node = Node::from_yaml(&format!("{kept}{written}")).unwrap();
        if let Err(problems) = lanner_engine::Rule::check(&node, "", 1) {
            panic!("{written}{problems}");
        }
    }
}
