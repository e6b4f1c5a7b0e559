//! What is too old to be kept is said before it is lost, and retention is shown as it is in force.

use crate::program::{run, run_with_input, serve};

const OLD: &str = "time,value\n2014-04-01T00:00:00Z,1\n2014-04-02T00:00:00Z,2\n2026-11-01T00:00:00Z,3\n";
const RULE: &str = "(retention.series \"*\": 10s:1d, 1m:30d, 1h:3y), the oldest of 2014-04-01T00:00:00Z";

#[test]
fn an_import_asks_before_it_loses_what_is_too_old() {
    let server = serve(tempfile::tempdir().unwrap(), &[]);
    let old = server.file("old.csv", OLD);
    let import = ["import", "--name", "m", &old];
    let said = format!("old.csv: 2 samples are older than what is kept {RULE}");
    server.run(&import).says(2, &[&said, "nothing was imported", "--too-old skip", "docs/retention.md"]);
    assert_eq!(server.run(&["export"]).expect(0), "");
    server.run(&[&import[..], &["--too-old", "skip"]].concat()).says(0, &[&said, "1 sample in", "left out"]);
    assert_eq!(
        server.run(&["export", "--format", "csv"]).expect(0),
        "time,name,value\n2026-11-01T00:00:00Z,m,3\n"
    );
    let ran = server.run(&[&import[..], &["--too-old", "keep"]].concat());
    ran.says(0, &["3 samples", "2 samples too old to be kept", "will be dropped at the next upkeep"]);
    // What comes over standard input cannot be looked through first: the old is left out and told.
    let piped = ["import", "--url", &server.url, "--name", "p", "--format", "csv", "-"];
    run_with_input(&piped, OLD.as_bytes()).says(1, &["-: 2 samples are older", "left out"]);

    let events = "{\"time\":\"2025-01-01\",\"a\":1}\n{\"a\":2}\n";
    let import = ["import", "--stream", "s", &server.file("events.ndjson", events)];
    server.run(&import).says(2, &["1 event is older than what is kept (retention.events \"*\": 30d)"]);
    server.run(&[&import[..], &["--too-old", "skip"]].concat()).says(0, &["1 event in"]);
}

#[test]
fn a_folder_keeps_what_is_put_there_until_a_server_drops_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (data, old) = (path("data"), path("old.csv"));
    std::fs::write(&old, OLD).unwrap();
    let import = ["import", "--data", &data, "--name", "m", &old];
    run(&import).says(2, &[RULE, "keep to import all the same"]);
    run(&[&import[..], &["--too-old", "keep"]].concat()).says(0, &["3 samples"]);
    assert_eq!(run(&["export", "--data", &data]).expect(0).lines().count(), 3);
}

#[test]
fn a_folder_remembers_what_its_server_keeps() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("lanner.yaml");
    std::fs::write(
        &config,
        "retention: { series: [{ pattern: 'm*', keep: forever }], events: [{ pattern: s, keep: 1y }] }",
    )
    .unwrap();
    let server = serve(folder, &["--config", config.to_str().unwrap()]);
    let keeps = "series m* forever; series * 10s:1d, 1m:30d, 1h:3y; events s 1y; events * 30d";
    assert!(server.run(&["status"]).expect(0).contains(keeps));
    let status = server.json(&["status"]);
    assert_eq!(status["store"]["retention"]["series"][0]["keep"], serde_json::json!(["forever"]));
    let old = server.file("old.csv", OLD);
    let (_, folder) = server.stop();
    let data = folder.path().join("data").to_str().unwrap().to_owned();
    run(&["import", "--data", &data, "--name", "m", &old]).says(0, &["3 samples"]);
    run(&["import", "--data", &data, "--name", "other", &old]).says(2, &[RULE]);
    assert!(run(&["status", "--data", &data]).expect(0).contains(keeps));
}

#[test]
fn status_counts_every_file() {
    let server = serve(tempfile::tempdir().unwrap(), &[]);
    let lines: String = (0..20_000).map(|n| format!("m{n} value=1\n")).collect();
    server.run(&["import", &server.file("many.lp", lines)]).expect(0);
    let bytes = server.json(&["status"])["store"]["bytes"].as_u64().unwrap();
    let files = std::fs::read_dir(server.path("data")).unwrap();
    let on_disk: u64 = files.map(|file| file.unwrap().metadata().unwrap().len()).sum();
    let log = std::fs::metadata(server.path("data/lanner.db-wal")).unwrap().len();
    assert!(log > 500_000 && bytes >= log && bytes.abs_diff(on_disk) < on_disk / 2, "{bytes} of {on_disk}");
}

#[cfg(unix)]
#[test]
fn a_data_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let server = serve(tempfile::tempdir().unwrap(), &[]);
    server.run(&["import", &server.file("a.lp", "a value=1\n")]).expect(0);
    let data = server.folder.path().join("data");
    let check = |data: &std::path::Path| {
        assert_eq!(mode(data), 0o700);
        let mut n_files = 0;
        for file in std::fs::read_dir(data).unwrap() {
            let path = file.unwrap().path();
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            n_files += 1;
        }
        n_files
    };
    assert_eq!(check(&data), 4, "the file, its log with its index, and the lock");
    let copy = server.folder.path().join("copy.db");
    server.run(&["backup", copy.to_str().unwrap()]).expect(0);
    assert_eq!(mode(&copy), 0o600);
    // What an earlier release left open to others is closed.
    let (_, folder) = server.stop();
    let data = folder.path().join("data");
    let open = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    open(&data, 0o755);
    open(&data.join("lanner.db"), 0o644);
    let server = serve(folder, &[]);
    check(&server.folder.path().join("data"));
}
