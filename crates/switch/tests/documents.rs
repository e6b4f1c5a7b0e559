//! What is wrong with a switch is said all at once, with place, field and remedy.

use lanner_core::Node;
use lanner_switch::{FIELDS, Switch};
use proptest::prelude::*;
use serde_json::json;

#[test]
fn every_mistake_is_named_at_its_place() {
    let text = "\
id: block bank
when:
  - 'BANK == \"HSBC\"'
  - 'amount > > 5'
status: on
priority: high
emergency: true
schedule: { days: mondy, from: \"24:00\", zone: UTC }
rollout: { share: 150%, by: user id }
answer: { status: 99, headers: { \"bad header\": x, connection: close } }
prioritty: 3
";
    let problems = Switch::check(&Node::from_yaml(text).unwrap(), "switches[0]").unwrap_err();
    let lines: Vec<String> = problems.0.iter().map(ToString::to_string).collect();
    let parts = [
        "line 1, column 5: switches[0].id: should be 1 to 200",
        "line 4, column 5: switches[0].when[1]: character 10",
        "line 5, column 9: switches[0].status: should be active",
        "switches[0].priority: should be a whole number",
        "needs the field \"owner\"",
        "needs the field \"reason\"",
        "switches[0].schedule.days: \"mondy\" is not a day",
        "switches[0].schedule.from: 24:00 is an end",
        "switches[0].schedule.zone: the field \"zone\" is not known",
        "switches[0].rollout.share: should be at most 100%",
        "switches[0].rollout.by: is not the name of a field",
        "switches[0].answer.status: should be an HTTP status",
        "switches[0].answer.headers.bad header",
        "switches[0].answer.headers.connection",
        "did you mean \"priority\"",
    ];
    for part in parts {
        assert!(lines.iter().any(|line| line.contains(part)), "{part} is not in\n{lines:#?}");
    }
}

#[test]
fn a_whole_document_is_read() {
    // One of three says what is done to whom it matches.
    let read = |what: &str| {
        let others = ["flag", "tag", "limit"].into_iter().filter(|name| *name != what).collect::<Vec<_>>();
        let fields = FIELDS.iter().filter(|field| !others.contains(&field.name));
        let fields: String = fields.map(|field| format!("{}: {}\n", field.name, field.example)).collect();
        Switch::check(&Node::from_yaml(&fields).unwrap(), "").unwrap_or_else(|why| panic!("{why}\n{fields}"))
    };
    assert!(read("tag").tag.is_some() && read("limit").limit.is_some());
    let switch = read("flag");
    assert_eq!((&*switch.id, switch.priority, switch.every_ms), ("block-bank", 10, 30_000));
    assert_eq!(switch.answer.headers, [("retry-after".to_owned(), "60".to_owned())]);
    assert!(switch.is_emergency && switch.schedule.len() == 1 && switch.rollout.is_some());
    let minimal = Switch::from_json(&json!({"id": "a", "when": ["x == 1", "y == 2"]})).unwrap();
    assert_eq!(minimal.condition.expr().to_string(), "x == 1 and y == 2");
    let answer = json!({"id": "a", "when": "x", "answer": {"body": {"error": "blocked"}}});
    let answer = Switch::from_json(&answer).unwrap().answer;
    assert_eq!(answer.body.as_deref(), Some("{\"error\":\"blocked\"}"));
    assert_eq!(answer.headers, [("content-type".to_owned(), "application/json".to_owned())]);
}

#[test]
fn names_of_the_api_are_refused() {
    for id in lanner_switch::RESERVED_IDS {
        assert!(Switch::from_json(&json!({"id": id, "when": "x"})).is_err(), "{id}");
    }
}

#[test]
fn the_manual_lists_every_field() {
    let manual = include_str!("../../../docs/switches.md");
    for field in FIELDS {
        let row = format!("| `{}` | `{}` | {} |", field.name, field.example, field.about);
        assert!(manual.contains(&row), "docs/switches.md lacks {row}");
    }
}

proptest! {
    #[test]
    fn any_document_is_answered(id in ".{0,8}", when in ".{0,40}", other in "[ -~]{0,60}") {
        let _ = Switch::from_json(&json!({"id": id, "when": when, "valid": other, "schedule": other}));
        if let Ok(node) = Node::from_yaml(&other) {
            let _ = Switch::check(&node, "");
        }
    }
}
