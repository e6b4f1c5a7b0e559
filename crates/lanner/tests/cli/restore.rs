//! `lanner restore`, as somebody uses it who has a backup and no time.

use crate::program::{run, serve};

#[test]
fn a_backup_is_restored_and_what_was_there_is_kept() {
    let server = serve(tempfile::tempdir().unwrap(), &[]);
    server.run(&["import", &server.file("old.lp", "old value=1\n")]).expect(0);
    let backup = server.path("backup.db");
    server.run(&["backup", &backup]).expect(0);
    server.run(&["import", &server.file("new.lp", "new value=1\n")]).expect(0);
    let data = server.path("data");
    run(&["restore", &backup, "--data", &data, "--force"]).says(2, &["is in use by another lanner (process"]);
    let folder = server.stop().1;
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();

    run(&["restore", &backup, "--data", &data]).says(2, &["holds data", "--force"]);
    run(&["restore", &backup, "--data", &data, "--force"])
        .says(0, &["now holds the backup", "is kept in", "lanner.replaced-1", "lanner serve --data"]);
    let names = |data: &str| -> Vec<String> {
        let exported = run(&["export", "--data", data]).expect(0);
        let samples = exported.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        samples.map(|sample| sample["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&data), ["old"]);
    assert_eq!(names(&path("data/lanner.replaced-1")), ["new", "old"]);
    run(&["restore", &backup, "--data", &path("fresh")]).says(0, &["now holds the backup"]);
    assert_eq!(names(&path("fresh")), ["old"]);

    run(&["restore", &path("data"), "--data", &path("other")])
        .says(2, &["it is a folder", "lanner backup --data"]);
    run(&["restore", &path("none.db"), "--data", &path("other")]).says(2, &["cannot be restored"]);
    run(&["restore", "Cargo.toml", "--data", &path("other")]).says(2, &["is a database of another program"]);
    assert!(!folder.path().join("other").exists());
}

#[test]
fn what_is_damaged_in_a_backup_is_named() {
    let server = serve(tempfile::tempdir().unwrap(), &[]);
    let switch =
        server.file("switch.yaml", "switches: [{id: no-bank, when: 'bank == \"a\"', status: inactive}]");
    server.run(&["switch", "apply", &switch]).expect(0);
    let backup = server.path("backup.db");
    server.run(&["backup", &backup]).expect(0);
    let folder = server.stop().1;
    let mut bytes = std::fs::read(&backup).unwrap();
    let word = b"bank == ";
    while let Some(at) = bytes.windows(word.len()).position(|window| window == word) {
        bytes[at] = b'h';
    }
    std::fs::write(&backup, bytes).unwrap();
    let data = folder.path().join("new");
    let ran = run(&["restore", &backup, "--data", data.to_str().unwrap()]);
    ran.says(
        1,
        &[
            "now holds the backup",
            "damaged in the backup: version 1 of the switch no-bank is not what was written",
        ],
    );
}
