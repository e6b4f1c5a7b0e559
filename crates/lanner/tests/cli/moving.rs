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
    for name in ["prometheus-rules", "grafana-alerts", "alertmanager", "elastalert", "sigma"] {
        let file = written.path().join(format!("{name}.yaml"));
        let converted = run(&["import", name, &format!("{folder}/{name}.yaml")]).expect(1);
        std::fs::write(&file, converted).unwrap();
        run(&["check", file.to_str().unwrap()]).says(0, &["without problems"]);
    }
    run(&["import", "prometheus-rules", "Cargo.lock"]).says(2, &["no alerts found"]);
}
