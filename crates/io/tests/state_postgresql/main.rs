//! The store in PostgreSQL keeps the contract of stores of state, and what it owes beyond: connections that break at the worst
//! moment, a database that is away, and servers that take over from each other. One server is started for all of it.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failing test")]

#[path = "../contract_state/contract.rs"]
mod contract;
mod sharing;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lanner_core::{AlertState, Cause, Changes, Cursor, Evaluation, Group, Labels, Outcome, TimeRange};
use lanner_io::postgresql::{PostgreSqlConfig, PostgreSqlState};
use lanner_io::state::{
    Claim, DocumentBatch, DocumentChange, EvaluationFilter, Receipt, Shards, StateStore, StoreError,
};
use lanner_io::store::StoreOptions;
use lanner_testkit::{Link, PostgreSql};
use serde_json::json;

use crate::contract::Open;
use crate::wire::{Cut, Wire};

const T: i64 = 1_767_225_600_000; // 2026-01-01T00:00:00Z

#[test]
fn a_real_server_and_what_befalls_it() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut server) = PostgreSql::start(folder.path()) else { return };
    the_contract_is_kept(&server);
    commits_without_an_answer_are_found_out(&server);
    whoever_was_replaced_writes_nothing(&server);
    leases_are_taken_one_after_the_other(&server);
    sharing::a_server_shares_out_what_it_owned(&server);
    sharing::workers_take_shards_by_lease(&server);
    sharing::news_is_there_until_it_is_taken(&server);
    sharing::claims_wait_for_turns(&server);
    readers_wait_on_any_thread(&server);
    long_groups_and_strange_texts_are_kept(&server);
    what_is_wrong_is_told_without_secrets(&server);
    a_way_that_was_forgotten_costs_one_wait(&server);
    a_database_that_was_away_is_used_again(&mut server);
}

macro_rules! listed {
    ($($name:ident)*) => {
        /// The contract, by name.
        const CONTRACT: &[(&str, fn(Open<'_>))] = &[$((stringify!($name), contract::$name)),*];
    };
}

contract::contract!(listed);

/// Each part on a database of its own, two at a time.
fn the_contract_is_kept(server: &PostgreSql) {
    let next = AtomicUsize::new(0);
    let run = || {
        let mut failed = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some((name, check)) = CONTRACT.get(at) else { break failed };
            let url = server.fresh(&format!("contract_{at}"));
            let open = || -> Arc<dyn StateStore> { Arc::new(open(&url).unwrap()) };
            let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&open)));
            failed.extend(checked.err().map(|_| *name));
        }
    };
    let failed: Vec<&str> = std::thread::scope(|scope| {
        let threads = [scope.spawn(run), scope.spawn(run)];
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(failed.is_empty(), "not kept by PostgreSQL: {failed:?}");
}

fn open(url: &str) -> Result<PostgreSqlState, StoreError> {
    PostgreSqlState::open(&PostgreSqlConfig::at(url).unwrap(), StoreOptions::default())
}

fn turn(rule: &str, n: i64) -> Changes {
    let (group, window) = (Group::Of(Labels::new([("bank", "hsbc")])), TimeRange::new(T + n, T + n + 1));
    let evaluation = Evaluation {
        id: Evaluation::identity(rule, 1, &group, window),
        rule: rule.into(),
        version: 1,
        group,
        window,
        value: Some(1.0),
        base: None,
        lower: None,
        upper: None,
        score: None,
        outcome: Outcome::NoData,
        error: None,
        evidence: None,
        state: AlertState::Pending,
        late: false,
        evaluated_ms: window.end_ms,
    };
    let cursors = vec![Cursor { rule: rule.into(), window, shard: 3 }];
    Changes { evaluations: vec![evaluation], cursors, ..Changes::default() }
}

fn n_evaluations(state: &PostgreSqlState, rule: &str) -> usize {
    let filter = EvaluationFilter { rule: Some(rule.into()), ..EvaluationFilter::default() };
    state.evaluations(&filter).unwrap().len()
}

fn save(state: &PostgreSqlState, n: i64) -> Result<Vec<(String, u32)>, StoreError> {
    let changes = vec![DocumentChange { id: "a".into(), document: Some(json!({ "n": n })) }];
    let batches = vec![DocumentBatch { kind: "rule".into(), message: String::new(), changes }];
    state.save_batches("ann", &Cause::Person, T, batches, Vec::new())?.wait()
}

fn claim(state: &PostgreSqlState, owner: &str) -> Claim {
    state.claim(Shards::All, owner).unwrap().wait().unwrap()
}

/// The connection breaks as a transaction is committed: before the database heard of it, or before it said so. Either way it
/// is written once, and what it answers is right.
fn commits_without_an_answer_are_found_out(server: &PostgreSql) {
    server.fresh("commits");
    let wire = Wire::to(server.port());
    let state = open(&wire.url("commits")).unwrap();
    let claim = claim(&state, "a");
    for (n, cut) in
        [Cut::BeforeCommit, Cut::AfterCommit, Cut::BeforeCommit, Cut::AfterCommit].iter().enumerate()
    {
        let n = i64::try_from(n).unwrap();
        wire.cut(*cut);
        let written = state.apply_claimed(claim, turn("r", n).into()).unwrap().wait();
        assert_eq!((written, wire.n_cuts()), (Ok(()), 2 * usize::try_from(n).unwrap() + 1), "{cut:?}");
        wire.cut(*cut);
        assert_eq!(save(&state, n), Ok(vec![("a".to_owned(), u32::try_from(n).unwrap() + 1)]), "{cut:?}");
        assert_eq!(n_evaluations(&state, "r"), usize::try_from(n).unwrap() + 1);
    }
    let check = state.verify_audit().unwrap();
    assert_eq!((check.n_entries, check.problem), (4, None));
    // The same turn again is another matter.
    let again = state.apply_claimed(claim, turn("r", 0).into()).unwrap().wait();
    assert!(matches!(again, Err(StoreError::AlreadyEvaluated { .. })), "{again:?}");

    // The way is cut as well: no answer until it is there again, and what comes meanwhile is refused at once.
    wire.cut(Cut::AfterCommit);
    wire.refuse(true);
    let unknown = state.apply_claimed(claim, turn("r", 4).into()).unwrap();
    std::thread::sleep(Duration::from_millis(700));
    let began = Instant::now();
    let refused = save(&state, 9);
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    let unknown = unknown.wait_for(Duration::from_millis(10)).unwrap_err();
    wire.refuse(false);
    assert_eq!(unknown.wait(), Ok(()));
    assert_eq!((n_evaluations(&state, "r"), save(&state, 10)), (5, Ok(vec![("a".to_owned(), 5)])));
}

/// Two servers on one database: what the first still writes after the second began changes nothing, of whatever kind.
fn whoever_was_replaced_writes_nothing(server: &PostgreSql) {
    let url = server.fresh("replaced");
    let (first, second) = (open(&url).unwrap(), open(&url).unwrap());
    let old = claim(&first, "first");
    assert_eq!(first.apply_claimed(old, turn("r", 0).into()).unwrap().wait(), Ok(()));
    let new = claim(&second, "second");
    let stale =
        StoreError::StaleEpoch { shard: 0, epoch: old.epoch, current: new.epoch, owner: "second".into() };
    assert_eq!(first.apply_claimed(old, turn("r", 1).into()).unwrap().wait(), Err(stale.clone()));
    assert_eq!(first.apply(turn("r", 1).into()).unwrap().wait(), Err(stale.clone()));
    assert_eq!(save(&first, 1), Err(stale.clone()));
    assert_eq!(first.outbox_sent("x", T, None).unwrap().wait(), Err(stale.clone()));
    assert_eq!(first.audit(T, "a", "b", "c", json!({})).and_then(Receipt::wait), Err(stale));
    assert_eq!((n_evaluations(&first, "r"), second.verify_audit().unwrap().n_entries), (1, 0));
    assert_eq!(second.apply_claimed(new, turn("r", 1).into()).unwrap().wait(), Ok(()));
    // A turn that is under way when somebody claims is written before, or not at all: the claim waits for it.
    let third = open(&url).unwrap();
    let turns: Vec<Receipt> =
        (2..200).map(|n| second.apply_claimed(new, turn("r", n).into()).unwrap()).collect();
    let claimed = third.claim(Shards::All, "third").unwrap().wait().unwrap();
    let seen = n_evaluations(&third, "r");
    let written: Vec<bool> = turns.into_iter().map(|receipt| receipt.wait().is_ok()).collect();
    let n_written = written.iter().filter(|is_written| **is_written).count();
    assert_eq!((n_evaluations(&third, "r"), n_written + 2), (seen, seen), "epoch {}", claimed.epoch);
}

fn leases_are_taken_one_after_the_other(server: &PostgreSql) {
    let url = server.fresh("leases");
    let (first, second) = (open(&url).unwrap(), open(&url).unwrap());
    let lease = first.lease("one", "the first").unwrap().unwrap();
    assert_eq!(second.lease("two", "the second").unwrap().unwrap_err().about, "the first");
    // Whoever is started anew is the same.
    let again = open(&url).unwrap();
    assert!(again.lease("one", "the first, again").unwrap().is_ok());
    drop(again);
    assert!(second.lease("two", "the second").unwrap().is_ok());
    // Whoever lost it learns so within a third of its length, and sends no messages.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let lost = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(9), lease.lost()).await });
    assert_eq!(lost.unwrap().about, "the second");
    assert_eq!(first.outbox_due("on-call", T, 10), Ok(Vec::new()));
}

fn readers_wait_on_any_thread(server: &PostgreSql) {
    let state = Arc::new(open(&server.fresh("threads")).unwrap());
    let read = || assert_eq!(state.documents("rule"), Ok(Vec::new()));
    read();
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async { read() });
    let two = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    two.block_on(async {
        read();
        // More readers than threads.
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let state = Arc::clone(&state);
                tokio::spawn(async move {
                    for _ in 0..20 {
                        assert_eq!(state.silences(), Ok(Vec::new()));
                        state.audit(T, "a", "b", "c", json!({})).unwrap().await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_eq!(state.verify_audit().unwrap().n_entries, 400);
    // Dropped in async code as well.
    two.block_on(async move { drop(state) });
}

fn long_groups_and_strange_texts_are_kept(server: &PostgreSql) {
    let state = open(&server.fresh("strange")).unwrap();
    let mut changes = turn("r\0", 0);
    let evaluation = &mut changes.evaluations[0];
    evaluation.group = Group::Of(Labels::new([("long", "x".repeat(100_000)), ("nul", "\0".to_owned())]));
    evaluation.value = Some(f64::NAN);
    evaluation.base = Some(f64::INFINITY);
    evaluation.error = Some("nul \0 \u{1F600}".to_owned());
    evaluation.id = Evaluation::identity(&evaluation.rule, 1, &evaluation.group, evaluation.window);
    let expected = evaluation.clone();
    assert_eq!(state.apply(changes.into()).unwrap().wait(), Ok(()));
    let found = state.evaluations(&EvaluationFilter::default()).unwrap().remove(0);
    assert_eq!((&found.group, found.value, found.base), (&expected.group, None, Some(f64::INFINITY)));
    assert_eq!(found.error.as_deref(), Some("nul \u{2400} \u{1F600}"));
    state.audit(T, "a\0", "b", "c", json!({ "\0": "\0" })).unwrap().wait().unwrap();
    assert_eq!(state.verify_audit().unwrap().problem, None);
    assert_eq!(state.audit_list(None, None, 1).unwrap()[0].detail, json!({ "\0": "\0" }));
}

fn what_is_wrong_is_told_without_secrets(server: &PostgreSql) {
    #[track_caller]
    fn check(url: &str, said: &[&str]) {
        let error = open(url).unwrap_err().to_string();
        assert!(said.iter().all(|part| error.contains(part)) && !error.contains("s3cret"), "{error}");
    }
    let (host, port) = ("127.0.0.1", server.port());
    check(&format!("postgresql://lanner:s3cret@{host}:1/x"), &["is away", "refused"]);
    check(
        &format!("postgresql://lanner:s3cret@{host}:{port}/nowhere"),
        &["does not exist", "server.state.url"],
    );
    check(&format!("postgresql://nobody:s3cret@{host}:{port}/postgres"), &["nobody", "credentials"]);
    let url = server.fresh("newer");
    drop(open(&url).unwrap());
    server.ask("newer", "INSERT INTO lanner.migration VALUES (999, now())");
    check(&url, &["version 999", "use the release that wrote them"]);
    server.ask("postgres", "CREATE ROLE guest LOGIN");
    let url = server.fresh("poor").replace("lanner@", "guest@");
    check(&url, &["permission denied", "create a schema"]);
}

fn a_database_that_was_away_is_used_again(server: &mut PostgreSql) {
    let state = open(&server.fresh("away")).unwrap();
    let claim = claim(&state, "a");
    assert_eq!(state.apply_claimed(claim, turn("r", 0).into()).unwrap().wait(), Ok(()));
    // Connections that broke while nobody used them are replaced, without anybody noticing.
    server.kill();
    server.go_on();
    assert_eq!(n_evaluations(&state, "r"), 1);
    assert_eq!(state.apply_claimed(claim, turn("r", 1).into()).unwrap().wait(), Ok(()));
    server.kill();
    let began = Instant::now();
    let refused = state.apply_claimed(claim, turn("r", 2).into()).unwrap().wait();
    assert!(matches!(&refused, Err(error) if error.passes()), "{refused:?}");
    assert!(matches!(state.silences(), Err(StoreError::Unavailable { .. })));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    server.go_on();
    // For half a second nobody tries again.
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(state.apply_claimed(claim, turn("r", 2).into()).unwrap().wait(), Ok(()));
    assert_eq!(n_evaluations(&state, "r"), 3);
    state.close();
    assert_eq!(state.silences(), Err(StoreError::Closed));
}

/// Connections were forgotten on the way, as by a firewall that was restarted: one reader waits in vain, and the next is answered.
fn a_way_that_was_forgotten_costs_one_wait(server: &PostgreSql) {
    drop(server.fresh("forgotten"));
    let link = Link::to(server.port());
    let state =
        open(&format!("postgresql://lanner@127.0.0.1:{}/forgotten?sslmode=disable", link.port())).unwrap();
    let read = || state.documents("rule").map(drop);
    // So many at a time that several connections stand idle afterwards.
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..20).for_each(|_| read().unwrap()));
        }
    });
    link.forget();
    assert!(matches!(read(), Err(StoreError::Unavailable { .. })));
    read().unwrap();
}
