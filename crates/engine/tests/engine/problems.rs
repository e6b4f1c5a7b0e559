//! What is wrong with a rule file is said all at once, with place, field and remedy.

use lanner_engine::detector::KINDS;
use lanner_engine::script::Script;
use lanner_engine::{Config, Node, Rule};
use proptest::prelude::*;

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
        let has_detector = KINDS.iter().any(|kind| change.contains(&format!("{}:", kind.name)));
        let detector = if has_detector { "" } else { "absolute: { min: 1 }\n" };
        let kept: String = base
            .lines()
            .filter(|line| !change.contains(line.split(':').next().unwrap()))
            .map(|line| format!("{line}\n"))
            .collect();
        let node = Node::from_yaml(&format!("{kept}{detector}{change}\n")).unwrap();
        let problems = Rule::check(&node, "", 1).expect_err(change);
        assert!(problems.to_string().contains(part), "{change}:\n{problems}");
    }
    check("every: 0s", "longer");
    check("tz: Europe/Berln", "is not a time zone");
    check("active: { from: \"25:00\", to: \"26:00\" }", "not a time of day");
    check("active: { from: \"10:00\", to: \"10:15\" }", "no window fits");
    check("active: { days: moonday }", "not a day");
    check("valid: { from: 2026-02-01, to: 2026-01-01 }", "ends before it begins");
    check("for: 0", "windows in a row");
    check("no_data: page", "alert, keep or ok");
    check("error: page", "alert, keep, ok or wait");
    check("no_data: wait", "alert, keep or ok");
    check("absolute: {}", "min, max or outside");
    check("absolute: { min: 5, max: 3 }", "above max");
    check("absolute: { min: 5, recover_at: { min: 4 } }", "flap");
    check("absolute: { min: 1 }\nrelative: { to: 1d, drop: 5% }", "a rule has one");
    check("relative: { to: yesterday, drop: 5% }", "distance to look back");
    check("relative: { to: 1d }", "drop, rise or change");
    check("relative: { to: 1d, drop: -5% }", "percentage above 0");
    check("relative: { to: 1d, drop: 0.25 }", "write 25% or 0.25%");
    check("query: { stream: s, measure: count, by: [lower(bank)] }", "by takes fields as they are");
    check("query: { stream: s, measure: avg(status == 500) }", "write it under where");
    check("variation: { n: 5, above: 2 }", "can never be exceeded: 5 values reach 2.00 at most");
    check("variation: { n: 1 }", "n: should be 2 to 100000, found 1");
    check("variation: { n: 900 }", "looks back over 1798 windows");
    check("time_shift: { above: 1 }", "the field \"to\" is missing");
    check("time_shift: { to: 1d, above: 1, recover_at: 2 }", "recover_at: should be at most above");
    check("band: { to: 1d, seasons: 1 }", "seasons: should be a whole number from 2 to 60");
    check("level: { reference: 4, recent: 5 }", "recent: should be 1 or more, and at most reference");
    check("holt_winters: { season: 1d, seasons: 1 }", "from 2 to 60, found 1; two are the warm-up");
    check("holt_winters: { season: 1d, width: 0 }", "width: should be above 0");
    check(
        "holt_winters: { season: 50m }",
        "a season of 50m is not a multiple of the distance of windows, 30m",
    );
    check("holt_winters: { season: 260w }", "are 349440 windows, and at most 50000 are allowed");
    check("automatic: { alarms_per_week: 0 }", "alarms_per_week: should be from 0.01 to 1000, found 0");
    check(
        "automatic: { holidays: [2026-12-25, soon] }",
        "should be a date such as 2026-12-25, found \"soon\"",
    );
    check("automatic: { direction: left }", "direction: should be one of both, up, down");
    check("query: { stream: s, series: t, measure: count }", "one query");
    check("query: { measure: count }", "one of stream, series, target");
    check("query: { target: 'stdv(a,10)' }", "query.target: column 1:");
    check("query: { target: 'absolute(a' }", "query.target: column");
    check("query: { target: '{series}' }", "needs for_each");
    check("query: { target: a, for_each: 'b.*' }", "should name {series}");
    check("query: { target: a, warm_up: soon }", "query.warm_up");
    check("query: { target: a, stream: s }", "one query");
    check("expression: {}", "needs warn, error or both");
    check("expression: { warn: much }", "should be a number");
    check("expression: { warn: 1 }\nlabels: { severity: page }", "labels.severity");
    check("query: { stream: s, measure: count, where: 'a == ' }", "character");
    check("query: { stream: s, measure: count, by: [value] }", "taken by a variable");
    check("query: { stream: s, measure: count, by: [bank, \"\"] }", "by: holds an empty name");
    check("query: { series: s, measure: last, by: [\" \"] }", "by: holds an empty name");
    check("new: { field: \"\", over: 3d }", "\"\" is not the name of a field");
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

/// Texts that look like rule files, with something wrong in them.
fn near_rules() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("rules:".to_owned()),
        Just("  - id: a".to_owned()),
        Just("    query: { stream: s, measure: count, where: 'a == 1' }".to_owned()),
        Just("    window: 30m".to_owned()),
        Just("    absolute: { min: 1, recover_at: { min: 2 } }".to_owned()),
        Just("    relative: { to: 1w, drop: 25% }".to_owned()),
        "[ ]{0,6}[a-z_]{1,9}: [ -~]{0,20}",
        "[ ]{0,4}- [ -~]{0,20}",
        "[{}\\[\\]:,&*!|>'\"%@`#?-]{0,12}",
    ];
    prop::collection::vec(line, 0..12).prop_map(|lines| lines.join("\n"))
}

proptest! {
    /// Whatever a word looks like to some reader of YAML, it is stored as it was written, and reads back to the same.
    #[test]
    fn what_is_stored_is_what_was_written(word in "[a-zA-Z0-9.+][a-zA-Z0-9.+-]{0,6}") {
        let text = format!(
            "id: {word}\nquery: {{ stream: {word}, measure: count, by: [b, {word}] }}\nwindow: 1m\nabsolute: {{ max: 1 }}\n\
             labels: {{ x: {word} }}\nreceivers: [{word}]\n"
        );
        let node = Node::from_yaml(&text).unwrap();
        if let Ok(rule) = Rule::check(&node, "", 1) {
            let document = rule.document();
            prop_assert_eq!(&document["id"], &word);
            prop_assert_eq!(&document["query"]["stream"], &word);
            prop_assert_eq!(&document["labels"]["x"], &word);
            prop_assert_eq!(&document["receivers"][0], &word);
            prop_assert_eq!(Rule::from_json(&document, 1).unwrap().document(), document);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Any text is read or refused with a problem; what is accepted reads the same from its stored document.
    #[test]
    fn any_text_is_read_or_refused(text in prop_oneof![near_rules(), any::<String>()]) {
        match Config::from_yaml(&text) {
            Ok(config) => for rule in &config.rules {
                let document = rule.document();
                prop_assert_eq!(Rule::from_json(&document, 1).unwrap().document(), document);
            },
            Err(problems) => prop_assert!(!problems.0.is_empty()),
        }
        let _ = Script::from_yaml(&text);
    }

    #[test]
    fn any_json_is_read_or_refused(depth in 0_usize..40, text in "[ -~]{0,30}", number in any::<f64>()) {
        let mut value = serde_json::json!({ "id": text, "window": number, "query": { "stream": [text], "by": number } });
        for _ in 0..depth {
            value = serde_json::json!({ "absolute": value });
        }
        prop_assert!(Rule::from_json(&value, 1).is_err());
    }
}

#[test]
fn bombs_are_refused_quickly() {
    let deep = format!("rules: {}", "[".repeat(100_000));
    let aliases = "a: &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned()
        + &(0..12)
            .map(|n| {
                format!(
                    "b{n}: &b{n} [{}]\n",
                    vec![if n == 0 { "*a".to_owned() } else { format!("*b{}", n - 1) }; 10].join(",")
                )
            })
            .collect::<String>();
    let long = format!("rules: [{{ id: {} }}]", "x".repeat(1_000_000));
    let many = format!("rules:\n{}", "  - {}\n".repeat(20_000));
    for text in [deep, aliases, long, many] {
        assert!(Config::from_yaml(&text).is_err());
    }
    assert!(Node::from_yaml("a: 1\na: 2\n").is_err());
}

#[test]
fn what_is_written_wrongly_is_not_missing() {
    let document =
        |detector: &str| format!("id: a\nquery: {{ stream: s, measure: count }}\nwindow: 1m\n{detector}\n");
    for (detector, said) in [
        ("relative: { to: 1d, drop: 0.25 }", "relative.drop"),
        ("absolute: { max: .inf }", "found a number that is not finite"),
    ] {
        let node = Node::from_yaml(&document(detector)).unwrap();
        let problems = Rule::check(&node, "", 1).expect_err(detector).to_string();
        assert!(
            problems.contains(said) && !problems.contains("needs drop") && !problems.contains("needs min"),
            "{problems}"
        );
    }
}
