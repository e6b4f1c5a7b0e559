//! A damaged data folder: it is exported as far as it is whole, repaired, and served again.

use std::path::Path;

use crate::program::{run, serve};

/// A folder with samples and events that are sealed, of which one block of samples is damaged.
fn damaged(folder: &Path) -> String {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let data = path("data");
    let lines: String = (0..9_000).map(|n| format!("cpu value={n} {}\n", 1_790_000_000 + n)).collect();
    std::fs::write(path("a.lp"), lines).unwrap();
    let arguments = ["import", "--data", &data, "--too-old", "keep", "--precision", "s", &path("a.lp")];
    run(&arguments).expect(0);
    // Inside the body of the first block.
    let db = rusqlite::Connection::open(folder.join("data/lanner.db")).unwrap();
    db.execute("UPDATE block SET body = zeroblob(length(body)) WHERE id = 1", []).unwrap();
    data
}

const LOST: &str = "cpu: 4096 samples from 2026-09-21T14:13:20Z to 2026-09-21T15:21:35Z";

#[test]
fn what_is_whole_of_a_damaged_folder_is_exported() {
    let folder = tempfile::tempdir().unwrap();
    let data = damaged(folder.path());
    let before = std::fs::read(folder.path().join("data/lanner.db")).unwrap();
    let ran = run(&["export", "--data", &data]);
    assert_eq!(ran.out.lines().count(), 9_000 - 4_096, "{}", ran.err);
    ran.says(3, &[LOST, "everything intact was exported", "lanner repair"]);
    assert_eq!(std::fs::read(folder.path().join("data/lanner.db")).unwrap(), before);
    let copy = folder.path().join("copy.db");
    run(&["backup", "--data", &data, copy.to_str().unwrap()]).expect(0);
}

#[test]
fn a_repair_keeps_what_is_whole_and_lists_what_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let data = damaged(folder.path());
    let said = run(&["repair", &data]).expect(1);
    assert!(said.contains(LOST) && said.contains("blocks of samples: 1 lost, 2 kept"), "{said}");
    assert!(folder.path().join("data/lanner.db.damaged-1").exists());
    run(&["repair", &data]).says(0, &["is intact; nothing was changed"]);
    assert_eq!(run(&["export", "--data", &data]).expect(0).lines().count(), 9_000 - 4_096);
    let none = folder.path().join("none");
    run(&["repair", none.to_str().unwrap()]).says(2, &["there is no folder"]);
    std::fs::create_dir(&none).unwrap();
    std::fs::write(none.join("lanner.db"), "").unwrap();
    run(&["repair", none.to_str().unwrap()]).says(3, &["is empty (0 bytes)", "restore a backup"]);
    run(&["serve", "--data", none.to_str().unwrap(), "--listen", "127.0.0.1:0", "--carbon", "off"])
        .says(3, &["is empty (0 bytes)"]);
    assert_eq!(std::fs::read(none.join("lanner.db")).unwrap(), b"");
}

/// A document that a bad disk changed: it is set aside by the server, and named here.
#[test]
fn a_changed_document_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = serve(folder, &[]);
    let switch = server.file("switch.yaml", "switches: [{ id: no-bank, when: 'bank == \"hsbc\"' }]");
    server.run(&["apply", &switch]).expect(0);
    let (_, folder) = server.stop();
    let db = rusqlite::Connection::open(data.join("lanner.db")).unwrap();
    db.execute("UPDATE document SET body = replace(body, 'hsbc', 'hsbd') WHERE id = 'no-bank'", []).unwrap();
    drop(db);
    let line = "version 1 of the switch no-bank is not what was written";
    let ran = run(&["repair", data.to_str().unwrap()]);
    assert!(ran.out.contains(line) && !ran.err.contains("is intact"), "{}{}", ran.out, ran.err);
    ran.says(1, &["write what is damaged anew"]);
    let json = run(&["repair", data.to_str().unwrap(), "--format", "json"]).expect(1);
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&json).unwrap(),
        serde_json::json!({ "set_aside": [line] })
    );
    drop(folder);
}

#[test]
fn a_server_starts_on_a_damaged_folder_and_says_what_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    damaged(folder.path());
    let server = serve(folder, &[]);
    let status = server.json(&["status"]);
    let repair = &status["store"]["repairs"][0];
    assert_eq!(
        (&repair["kept_as"], &status["store"]["damage"]),
        (&"lanner.db.damaged-1".into(), &serde_json::json!([]))
    );
    assert!(repair["lost"].as_array().unwrap().iter().any(|line| line == LOST), "{repair}");
    assert_eq!(server.run(&["export"]).expect(0).lines().count(), 9_000 - 4_096);
    server.run(&["import", &server.file("new.lp", "new value=1\n")]).expect(0);
    server.run(&["backup", &server.path("copy.db")]).expect(0);
    let (_, folder) = server.stop();
    run(&["repair", folder.path().join("data").to_str().unwrap()]).says(0, &["is intact"]);
}
