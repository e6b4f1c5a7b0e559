//! `lanner import prometheus-rules` and its like: what comes out is a configuration that has no problems.

use crate::program::run;

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
