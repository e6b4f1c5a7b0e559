//! Commands on a data folder, without a running server.

use crate::program::run;

#[test]
fn a_folder_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (data, events) = (path("data"), path("payments.ndjson"));
    let day = |n: usize| format!("{{\"time\":\"2025-01-0{n}T00:00:00Z\",\"bank\":\"hsbc\"}}\n");
    std::fs::write(&events, day(1).repeat(100) + &day(2).repeat(10)).unwrap();
    run(&["import", "--data", &data, "--stream", "payments", &events]).says(0, &["110 events"]);
    let rules = path("rules.yaml");
    let rule = "rules: [{ id: a, query: { stream: payments, measure: count }, window: 1m, relative: { to: 1d, drop: 50% } }]";
    std::fs::write(&rules, rule).unwrap();
    run(&["rule", "apply", "--data", &data, &rules]).says(0, &["1 created"]);
    let replay = [
        "replay",
        "--data",
        &data,
        "--from",
        "2025-01-01",
        "--to",
        "2025-01-02T00:02:00Z",
        "--format",
        "csv",
    ];
    let replay = run(&replay).expect(0);
    assert!(replay.contains("2025-01-02T00:01:00Z,goes on,,a,,firing,10,100"), "{replay}");
    let listed = run(&["rule", "list", "--data", &data, "--format", "csv"]).expect(0);
    assert!(listed.starts_with("id,version,") && listed.contains("\na,1,"), "{listed}");
    run(&["status", "--data", &data]).says(0, &[]);
}
