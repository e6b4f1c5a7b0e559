//! What is wrong with a rule file is said all at once, with place, field and remedy.

use lanner_engine::{Config, Rule};

#[test]
fn five_mistakes_are_five_problems() {
    let text = "\
rules:
  - id: payments floor
    query: { stream: payments, measure: sum }
    window: 30 minutes
    absolute: { min: 400 }
    content: '{{ bnak }} is low'
    recievers: [on-call]
";
    let problems = Config::from_yaml(text).unwrap_err();
    let lines: Vec<String> = problems.0.iter().map(ToString::to_string).collect();
    let expected = [
        "line 2, column 9: rules[0].id: should be",
        "line 3, column 41: rules[0].query.measure: sum needs a field",
        "line 4, column 13: rules[0].window: \"30 minutes\" is not a duration",
        "line 6, column 14: rules[0].content: uses the unknown variable \"bnak\"",
        "line 7, column 5: rules[0].recievers: the field \"recievers\" is not known here (did you mean \"receivers\"?)",
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}\n  should start with\n{expected}");
    }
}

#[test]
fn each_mistake_is_named() {
    #[track_caller]
    fn check(change: &str, part: &str) {
        let base = "id: a\nquery: { stream: s, measure: count }\nwindow: 30m\n";
        let detector = if change.contains("absolute") || change.contains("relative") {
            ""
        } else {
            "absolute: { min: 1 }\n"
        };
        let kept: String = base
            .lines()
            .filter(|line| !change.contains(line.split(':').next().unwrap()))
            .map(|line| format!("{line}\n"))
            .collect();
        let node = lanner_engine::Node::from_yaml(&format!("{kept}{detector}{change}\n")).unwrap();
        let problems = Rule::check(&node, "", 1).expect_err(change);
        assert!(problems.to_string().contains(part), "{change}:\n{problems}");
    }
    check("every: 0s", "longer");
    check("tz: Europe/Berln", "is not a time zone");
    check("active: { from: \"25:00\", to: \"26:00\" }", "not a time of day");
    check("active: { from: \"10:00\", to: \"10:15\" }", "no window fits");
    check("active: { days: monday }", "not a day");
    check("valid: { from: 2026-02-01, to: 2026-01-01 }", "ends before it begins");
    check("for: 0", "windows in a row");
    check("no_data: page", "alert, keep or ok");
    check("absolute: {}", "min, max or outside");
    check("absolute: { min: 5, max: 3 }", "above max");
    check("absolute: { min: 5, recover_at: { min: 4 } }", "flap");
    check("absolute: { min: 1 }\nrelative: { to: 1d, drop: 5% }", "a rule has one");
    check("relative: { to: yesterday, drop: 5% }", "distance to look back");
    check("relative: { to: 1d }", "drop, rise or change");
    check("relative: { to: 1d, drop: -5% }", "percentage above 0");
    check("query: { stream: s, series: t, measure: count }", "one query");
    check("query: { measure: count }", "stream or a series");
    check("query: { stream: s, measure: count, where: 'a == ' }", "character");
    check("query: { stream: s, measure: count, by: [value] }", "taken by a variable");
    check("status: on", "active or inactive");
}

#[test]
fn parts_are_checked_against_each_other() {
    let text = "\
rules:
  - { id: a, query: { series: s }, window: 1m, absolute: { min: 1 }, receivers: [pagr] }
  - { id: a, query: { series: s }, window: 1m, absolute: { min: 1 } }
receivers:
  - { name: pager, kind: log, path: x }
";
    let problems = Config::from_yaml(text).unwrap_err().to_string();
    assert!(
        problems.contains("did you mean \"pager\"?") && problems.contains("id of two rules"),
        "{problems}"
    );
}
