//! The manual names every field, detector and variable there is, and its example is a rule.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test may read the manual, and fails by panicking"
)]

use lanner_engine::Config;
use lanner_engine::detector::KINDS;
use lanner_engine::document::{Check, Content, Node};
use lanner_engine::measure::MEASURES;
use lanner_engine::rule::FIELDS;
use lanner_engine::source::read_query;
use lanner_engine::template::VARIABLES;

fn manual() -> String {
    std::fs::read_to_string(format!("{}/../../docs/rules.md", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn the_manual_is_whole() {
    let manual = manual();
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
fn every_measure_is_in_the_manual_and_its_queries_can_be_asked() {
    let manual = manual();
    for kind in MEASURES {
        let name = kind.name.split(' ').next().unwrap();
        let written = if kind.example.contains('(') { format!("`{name}(f)`") } else { format!("`{name}`") };
        assert!(manual.contains(&written), "{written} is missing");
    }
    let blocks = manual.split("```yaml\n").filter_map(|rest| rest.split("```").next());
    let queries: Vec<Node> = blocks
        .filter(|block| block.starts_with("query:"))
        .map(|block| Node::from_yaml(block).unwrap())
        .collect();
    assert!(queries.len() >= 7, "{} queries", queries.len());
    for query in queries {
        let Content::Map(entries) = &query.content else { panic!("{query:?}") };
        let mut check = Check::default();
        assert!(
            read_query(&entries[0].1, "query", &mut check).is_some() && check.problems.is_empty(),
            "{check:?}"
        );
    }
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
