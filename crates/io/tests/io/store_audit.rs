//! The audit: a chain that shows what was done to it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use lanner_io::store::{DocumentChange, Store, StoreOptions};
use serde_json::json;

const T: i64 = 1_767_225_600_000; // 2026-01-01T00:00:00Z

fn change(id: &str, document: Option<serde_json::Value>) -> Vec<DocumentChange> {
    vec![DocumentChange { id: id.into(), document }]
}

/// A store with four entries: a switch made, changed and deleted, and a note.
fn written(folder: &std::path::Path) {
    let store = Store::open(folder, StoreOptions::default()).unwrap();
    for document in [Some(json!({"x": 0.1})), Some(json!({"x": 2})), None] {
        store.save_documents("switch", "ann", "why", T, change("a", document)).unwrap().wait().unwrap();
    }
    store.audit(T, "bob", "silence", "b", json!({"share": 0.3})).unwrap().wait().unwrap();
    store.close();
}

fn check_of(folder: &std::path::Path) -> lanner_io::store::AuditCheck {
    let store = Store::open(folder, StoreOptions::default()).unwrap();
    let check = store.verify_audit().unwrap();
    store.close();
    check
}

#[test]
fn every_kind_of_tampering_is_found() {
    #[track_caller]
    fn check(sql: &str, part: &str) {
        let folder = tempfile::tempdir().unwrap();
        written(folder.path());
        let db = rusqlite::Connection::open(folder.path().join("lanner.db")).unwrap();
        let refused = sql.contains(" audit ") && db.execute_batch(sql).is_err();
        db.execute_batch("DROP TRIGGER audit_keeps_its_entries; DROP TRIGGER audit_loses_no_entry;").unwrap();
        db.execute_batch(sql).unwrap();
        drop(db);
        let problem = check_of(folder.path()).problem.unwrap_or_default();
        assert!(problem.contains(part), "{sql}: {problem}");
        let is_insert = sql.starts_with("INSERT");
        assert!(!sql.contains(" audit ") || is_insert || refused, "{sql} should be refused");
    }
    check("UPDATE audit SET actor = 'eve' WHERE seq = 2", "entry 2 (switch.update of a by eve");
    check("UPDATE audit SET detail = '{}' WHERE seq = 4", "entry 4");
    check("UPDATE audit SET hash = '' WHERE seq = 3", "entry 3");
    check("DELETE FROM audit WHERE seq = 1", "entry 1 is missing");
    check("DELETE FROM audit WHERE seq = 3", "entry 3 is missing");
    check(
        "INSERT INTO audit (time_ms, actor, action, subject, detail, hash) VALUES (1, 'x', 'y', 'z', '{}', 'h')",
        "entry 5",
    );
    check(
        "UPDATE document SET body = '{\"x\":3}' WHERE version = 2",
        "version 2 of the switch a is not what",
    );
    check("DELETE FROM document WHERE version = 2", "version 2 of the switch a is gone: entry 2 names it");
    check("DELETE FROM document", "version 1 of the switch a is gone: entry 1 names it");
    for set in [
        "actor = 'eve'",
        "message = 'x'",
        "changed_ms = 1",
        "cause = '{\"kind\":\"configuration\"}'",
        "cause = NULL",
    ] {
        check(
            &format!("UPDATE document SET {set} WHERE version = 2"),
            "version 2 of the switch a is not what",
        );
    }
    check(
        "INSERT INTO document SELECT kind, id, 9, body, actor, message, changed_ms, cause, NULL FROM document WHERE version = 1",
        "version 9 of the switch a is not in the audit",
    );
}
