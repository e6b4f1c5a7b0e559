//! `lanner import prometheus-rules` and its like: what comes out is a configuration that has no problems.

use crate::program::{lanner, run};

#[test]
fn rules_of_other_programs_are_converted() {
    let folder = "crates/lanner/testdata/moving";
    let ran = run(&[
        "import",
        "prometheus-rules",
        "--source",
        "prod",
        "--receiver",
        "on-call",
        &format!("{folder}/prometheus-rules.yaml"),
    ]);
    let converted = ran.out.clone();
    ran.says(1, &["prometheus-rules.yaml:", "converted "]);
    assert!(converted.contains("source: prod") && converted.contains("on-call"), "{converted}");
    let written = tempfile::tempdir().unwrap();
    for name in [
        "prometheus-rules",
        "grafana-alerts",
        "alertmanager",
        "elastalert",
        "opensearch-detectors",
        "radar",
        "sigma",
    ] {
        let file = written.path().join(format!("{name}.yaml"));
        let converted = run(&["import", name, &format!("{folder}/{name}.yaml")]).expect(1);
        std::fs::write(&file, converted).unwrap();
        run(&["check", file.to_str().unwrap()]).says(0, &["without problems"]);
    }
    run(&["import", "prometheus-rules", "Cargo.lock"]).says(2, &["no alerts found"]);
}

/// Whoever converts in a script learns from the exit status whether there is something to read.
#[test]
fn whatever_is_named_counts_as_found() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.yaml");
    for (field, status, said) in [
        ("for: 5m", 0, "converted 1 of 1 alerts\n"),
        ("owner: me", 1, "rules.yaml:6: Down: owner is not converted"),
    ] {
        let rules = format!("groups:\n- name: a\n  rules:\n  - alert: Down\n    expr: up < 1\n    {field}\n");
        std::fs::write(&file, rules).unwrap();
        run(&["import", "prometheus-rules", file.to_str().unwrap()]).says(status, &[said]);
    }
}

/// A folder is converted with all that lies below it, but for what tools keep there; a file of another kind is named.
#[test]
fn folders_are_converted() {
    let folder = tempfile::tempdir().unwrap();
    let rule = |name: &str| {
        format!(
            "title: {name}\nlogsource: {{ product: linux }}\ndetection: {{ s: {{ a: 1 }}, condition: s }}\n"
        )
    };
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("b/one.yml", &rule("One"));
    write("a/deep/two.yaml", &rule("Two"));
    write("a/README.md", "no rules");
    write(".git/three.yml", &rule("Three"));
    let path = folder.path().to_str().unwrap();
    let ran = run(&["import", "sigma", path]);
    assert!(ran.out.find("id: Two") < ran.out.find("id: One"), "in order of paths: {}", ran.out);
    assert!(!ran.out.contains("Three"), "{}", ran.out);
    ran.says(0, &["converted 2 of 2 rules\n"]);
    write("a/ci.yml", "groups: []\n");
    run(&["import", "prometheus-rules", path]).says(2, &["ci.yml: no alerts in it", "no alerts found"]);
    run(&["import", "sigma", &format!("{path}/none")]).says(2, &["cannot read"]);
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    run(&["import", "sigma", &format!("{path}/empty")]).says(2, &["contains no YAML or JSON file"]);
}

/// An option that changes nothing is refused, not ignored.
#[test]
fn options_are_those_that_count() {
    for (program, option) in [
        ("alertmanager", "--source"),
        ("alertmanager", "--receiver"),
        ("sigma", "--source"),
        ("elastalert", "--stream"),
    ] {
        run(&["import", program, option, "x", "file.yml"]).says(2, &["unexpected argument"]);
    }
}

/// What the page shows first is what somebody sees who types it.
#[test]
fn the_example_of_the_page_holds() {
    let page = include_str!("../../../../docs/coming-from.md");
    let block = |kind: &str| {
        let (_, rest) = page.split_once(&format!("```{kind}\n")).unwrap();
        rest.split_once("```").unwrap().0
    };
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    std::fs::create_dir(folder.path().join("rules")).unwrap();
    write("lanner.yaml", block("yaml"));
    write("rules/values.yml", "replicas: 3\n");
    let rules = "groups:
  - name: web
    rules:
      - alert: Down
        expr: up == 0
      - alert: Errors
        expr: rate(errors_total[5m]) > 5
        for: 10m
        labels: { severity: page, owner: \"{{ $labels.team }}\" }
";
    write("rules/web.yml", rules);
    let mut n_commands = 0;
    for shown in block("console").split("$ ").skip(1) {
        let (command, said) = shown.split_once('\n').unwrap();
        let (command, file) = command.split_once(" > ").unwrap_or((command, ""));
        let arguments = command.split_whitespace().skip(1);
        let output = lanner().current_dir(folder.path()).args(arguments).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), said, "{command}");
        if !file.is_empty() {
            std::fs::write(folder.path().join(file), output.stdout).unwrap();
        }
        n_commands += 1;
    }
    assert_eq!(n_commands, 2);
}

/// Whoever leaves the program out, or half of its name, is told how it is done, without a server.
#[test]
fn rules_without_their_program_are_recognised() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("alerts.yml");
    std::fs::write(&file, "groups: []\n").unwrap();
    let file = file.to_str().unwrap();
    run(&["import", file])
        .says(2, &["alerts.yml: YAML holds no samples", "lanner apply", "lanner import PROGRAM", "sigma"]);
    for (word, program) in
        [("prometheus", "prometheus-rules"), ("grafana", "grafana-alerts"), ("elastalert2", "elastalert")]
    {
        let hint = format!("write `lanner import {program} FILE`");
        run(&["import", word, file]).says(2, &[&format!("cannot read {word}"), &hint]);
    }
}
