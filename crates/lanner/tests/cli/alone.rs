//! Commands that need no server: help, completion, `check`, `test`.

use crate::program::{golden, root, run, run_with_input};

#[test]
fn help_has_examples() {
    let commands = [
        "",
        "serve",
        "detect",
        "check",
        "test",
        "replay",
        "rule",
        "rule list",
        "rule apply",
        "alert show",
        "silence add",
        "receiver test",
        "outbox retry",
        "query",
        "import",
        "export",
        "backup",
        "status",
        "completion",
    ];
    for command in commands {
        let arguments: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let help = run(&arguments).expect(0);
        assert!(help.contains("Examples:\n  lanner "), "{command}:\n{help}");
    }
}

#[test]
fn mistakes_in_arguments_are_the_users() {
    run(&["chekc"]).says(2, &["chekc", "check"]);
    run(&["check"]).says(2, &["FILE|FOLDER"]);
    run(&["check", "no-such-file.yaml"]).says(2, &["cannot read no-such-file.yaml", "check the path"]);
    run(&["check", "docs"]).says(2, &["the folder docs contains no YAML file"]);
    run(&["test", "Cargo.lock"]).says(2, &["not a script"]);
    run_with_input(&["check", "-"], b"\xff\xfe").says(2, &["not UTF-8"]);
}

#[test]
fn completion_knows_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&["completion", shell]).expect(0);
        assert!(script.contains("lanner") && script.contains("completion"), "{shell}");
    }
    run(&["completion", "cobol"]).says(2, &["bash"]);
}

/// The configuration that packages install is valid, and so it is with everything that stands there as a remark.
#[test]
fn the_installed_configuration_is_right() {
    run(&["check", "packaging/lanner.yaml"]).says(0, &["without problems"]);
    let text = std::fs::read_to_string(root().join("packaging/lanner.yaml")).unwrap();
    let (sections, head): (Vec<&str>, Vec<&str>) =
        text.lines().skip(2).partition(|line| line.starts_with("# "));
    let written = sections.iter().map(|line| format!("{}\n", &line[2..]));
    let all: String = head.iter().map(|line| format!("{line}\n")).chain(written).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("all.yaml");
    std::fs::write(&file, all).unwrap();
    run(&["check", file.to_str().unwrap()]).says(0, &["1 rule", "1 receiver"]);
}

#[test]
fn manual_pages_are_written() {
    let folder = tempfile::tempdir().unwrap();
    run(&["man", folder.path().to_str().unwrap()]).expect(0);
    let page = std::fs::read_to_string(folder.path().join("lanner-restore.1")).unwrap();
    assert!(page.contains(".TH") && page.contains("backup"), "{page}");
    assert!(folder.path().join("lanner.1").exists());
}

#[test]
fn the_examples_are_right() {
    run(&["check", "examples"])
        .says(0, &["3 files without problems: 7 rules, 4 processors, 3 receivers, 1 switch"]);
    run(&["check", "examples/payments.test.yaml"]).says(0, &["without problems"]);
    run(&["test", "examples/payments.test.yaml"]).says(0, &["4 tests passed"]);
    run(&["check", "examples/access.yaml"]).says(0, &["2 rules, 2 processors, 0 receivers"]);
    run(&["test", "examples/access.test.yaml"]).says(0, &["2 tests passed"]);
    run(&["check", "examples/api.yaml"]).says(0, &["2 rules, 2 processors, 1 receiver, 1 switch"]);
    run(&["test", "examples/api.test.yaml"]).says(0, &["2 tests passed"]);
}

/// What a page shows of a configuration can be used as it stands.
#[test]
fn the_documentation_is_right() {
    const SECTIONS: [&str; 13] = [
        "rules",
        "processors",
        "receivers",
        "time_intervals",
        "inhibit",
        "switches",
        "silences",
        "sources",
        "streams",
        "scrape",
        "consume",
        "remote_write",
        "retention",
    ];
    let mut n_checked = 0;
    for page in std::fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path()) {
        let Ok(text) = std::fs::read_to_string(&page) else { continue };
        for block in text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
            let first = block.lines().find(|line| !line.starts_with('#')).unwrap_or_default();
            let begins = |name: &str| first.starts_with(&format!("{name}:"));
            let indented: String = block.lines().map(|line| format!("  {line}\n")).collect();
            let whole = if block.starts_with("# prometheus.yml") {
                continue; // has `remote_write` as well
            } else if SECTIONS.iter().any(|section| begins(section)) {
                block.to_owned()
            } else if begins("kind") {
                format!("receivers:\n- name: shown\n{indented}")
            } else if begins("query") {
                format!("rules:\n- id: shown\n  window: 1h\n  absolute: {{ max: 5 }}\n{indented}")
            } else {
                continue;
            };
            n_checked += 1;
            let checked = run_with_input(&["check", "-"], whole.as_bytes());
            assert_eq!(checked.code, 0, "{}:\n{whole}\n{}", page.display(), checked.out);
        }
    }
    assert!(n_checked > 55, "{n_checked}");
}

#[test]
fn every_mistake_is_told_at_once() {
    let file = "crates/lanner/testdata/mistakes.yaml";
    golden(&run(&["check", file]).expect(1), "mistakes.txt");
    golden(&run(&["check", "--format", "json", file]).expect(1), "mistakes.json");
}

/// What is wrong with items of rule files of Falco, and, where all items are right, with their conditions.
#[test]
fn rules_of_falco_are_checked() {
    for name in ["falco_items", "falco_conditions"] {
        let file = format!("crates/lanner/testdata/{name}.yaml");
        golden(&run(&["check", &file]).expect(1), &format!("{name}.txt"));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let rule =
        "- rule: A\n  desc: a\n  condition: evt.type = open and readers\n  output: a\n  priority: INFO\n";
    let rules = path("rules.yaml", &format!("- macro: readers\n  condition: proc.name = cat\n{rule}"));
    let local =
        path("rules.local.yaml", "- macro: readers\n  condition: or proc.name = less\n  append: true\n");
    run(&["check", &rules, &local]).says(
        0,
        &[
            "2 files without problems: 1 rule of Falco",
            "rules.local.yaml:3:11: warning: macro \"readers\": 'append' key is deprecated",
        ],
    );
    let report = run(&["check", "--format", "json", &rules, &local]).expect(0);
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let warning = &report["warnings"][0];
    assert_eq!(warning["field"], "LOAD_DEPRECATED_ITEM", "{report}");
    assert_eq!((&warning["line"], &warning["falco"]), (&3.into(), &"macro \"readers\"".into()), "{report}");
}

#[test]
fn a_model_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let trees = r#"{"format":"lanner-boost/1","base_score":0.5,"feature_names":["calls"],"trees":[]}"#;
    let (trees, tea) = (file("trees.json", trees), file("tea.json", r#"{"format":"tea/1"}"#));
    let shown: serde_json::Value =
        serde_json::from_str(&run(&["model", "show", "--format", "json", &trees]).expect(0)).unwrap();
    assert_eq!((&shown["kind"], &shown["about"]), (&"trees".into(), &"0 trees over 1 feature".into()));
    assert_eq!(shown["id"].as_str().unwrap().len(), 64);
    run(&["model", "show", &tea])
        .says(2, &["tea.json is no model of a known kind", "\"tea/1\"; known are api ("]);
    let cut = file("cut.json", r#"{"format":"lanner-boost/1","base_score":"x"}"#);
    run(&["model", "show", &cut])
        .says(2, &["cut.json cannot be used: invalid type: string \"x\", expected a number"]);
    let log = file("access.log", "");
    run(&["api", "score", &log, "--model", &trees]).says(2, &["is a model of the kind trees (", "not api"]);
    run(&["profile", "show", &trees]).says(2, &["is a model of the kind trees (", "not profile"]);
}

#[test]
fn what_can_never_fire_is_a_warning() {
    let rule = "rules: [{ id: cv, query: { target: 'divideSeries(stdev(a,10),movingAverage(a,10))' }, window: 10m, \
                every: 1m, expression: { warn: 3.0, error: 4.0 } }]";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cv.yaml");
    std::fs::write(&file, rule).unwrap();
    let file = file.to_str().unwrap();
    run(&["check", file])
        .says(0, &["warning: rule cv: expression.error: 4 can never be reached", "the square root of n - 1"]);
    let report = run(&["check", "--format", "json", file]).expect(0);
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(
        (&report["valid"], &report["warnings"][0]["field"]),
        (&true.into(), &"expression.error".into())
    );
}

#[test]
fn versions_compared_as_texts_are_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("versions.yaml");
    let text = r#"
rules: [{ id: old, query: { stream: s, measure: count, where: 'app.version <= "v1.10"' }, window: 10m, every: 10m, absolute: { min: 1 } }]
switches: [{ id: older, when: 'version < "1.10.0" and semver(version) > "1.2.0" and name < "b.c"' }]
"#;
    std::fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    run(&["check", file]).says(
        0,
        &[
            r#"warning: rule old: `app.version <= "v1.10"` compares texts"#,
            r#"semver(app.version) <= "v1.10" compares versions"#,
            r#"warning: switch older: `version < "1.10.0"` compares texts"#,
        ],
    );
    let report: serde_json::Value =
        serde_json::from_str(&run(&["check", "--format", "json", file]).expect(0)).unwrap();
    let warnings = report["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 2, "{report}");
    assert_eq!((&warnings[1]["switch"], &warnings[1]["field"]), (&"older".into(), &"when".into()));
}

#[test]
fn a_failed_test_says_where_and_what() {
    let file = "crates/lanner/testdata/fails.test.yaml";
    golden(&run(&["test", file, "examples/payments.test.yaml"]).expect(1), "fails.txt");
    let report: serde_json::Value =
        serde_json::from_str(&run(&["test", "--format", "json", file]).expect(1)).unwrap();
    assert_eq!((&report["tests"], &report["failed"]), (&2.into(), &1.into()));
    assert_eq!(report["results"][1]["failures"][0]["line"], 13);
}

#[test]
fn a_script_needs_rules_without_problems() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("a.test.yaml");
    std::fs::write(&script, "rules: [a.yaml]\ntests: [{ name: x, expect: [] }]\n").unwrap();
    run(&["test".as_ref(), script.as_os_str()]).says(2, &["cannot read", "a.yaml"]);
    std::fs::copy(root().join("crates/lanner/testdata/mistakes.yaml"), folder.path().join("a.yaml")).unwrap();
    run(&["test".as_ref(), script.as_os_str()]).says(2, &["have problems"]);
}

#[test]
fn anything_may_be_checked() {
    for text in [
        "",
        "\0",
        "- - - [",
        "a: &a [*a]",
        "rules: 7",
        "rules: [[[[]]]]",
        "tests: 1",
        "{{{{",
        "\u{feff}rules: []",
    ] {
        let ran = run_with_input(&["check", "-"], text.as_bytes());
        assert!(matches!(ran.code, 0 | 1), "{text:?}: {ran:?}");
    }
}
