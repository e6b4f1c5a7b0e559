//! Several servers on one database that share the shards.

use std::collections::HashSet;
use std::sync::Arc;

use lanner_core::{AlertNews, AlertState, Labels, NotifiedAlert, TimeRange};
use lanner_io::postgresql::PostgreSqlState;
use lanner_io::postgresql::sharing::{Report, Worker};
use lanner_io::state::{Claim, Receipt, Shards, StateStore, StoreError};
use lanner_testkit::PostgreSql;

use super::{T, claim, n_evaluations, open, save, turn};

fn worker(name: &str) -> Worker {
    Worker { name: name.to_owned(), about: format!("worker {name}") }
}

fn news(rule: &str) -> AlertNews {
    let alert = NotifiedAlert {
        fingerprint: "f".to_owned(),
        episode: 1,
        state: AlertState::Firing,
        rule: rule.into(),
        labels: Labels::default(),
        group: Labels::default(),
        content: "it fires".into(),
        annotations: lanner_core::Annotations::default(),
        started_ms: T,
        resolved_ms: None,
        resolved_reason: None,
        window: TimeRange::new(T, T + 1),
        value: Some(1.5),
        base: None,
        evidence: None,
        late: false,
        acknowledged: None,
    };
    AlertNews { alert, receivers: vec!["on-call".into()] }
}

/// The claim of shard 3, in which `turn` writes.
fn third(claims: &[Claim]) -> Claim {
    *claims.iter().find(|claim| claim.shards == Shards::One(3)).unwrap()
}

fn write(state: &PostgreSqlState, claim: Claim, n: i64, news: Vec<AlertNews>) -> Result<(), StoreError> {
    state.apply_shard(claim, Arc::new(turn("r", n)), news.into()).and_then(Receipt::wait)
}

#[track_caller]
fn is_stale(written: &Result<(), StoreError>) {
    assert!(matches!(written, Err(StoreError::StaleEpoch { .. })), "{written:?}");
}

fn rules(loaded: lanner_io::state::LoadedState) -> Vec<String> {
    loaded.cursors.into_iter().map(|cursor| cursor.rule.to_string()).collect()
}

/// Says of a worker that it has not been heard of for longer than its lease.
fn silence(server: &PostgreSql, database: &str, name: &str) {
    let sql = "UPDATE lanner.worker SET until = clock_timestamp() - interval '1 second' WHERE name =";
    server.ask(database, &format!("{sql} '{name}'"));
}

/// From one server that owns everything to several that share it: what stays where it is, and what is shared.
pub(super) fn a_server_shares_out_what_it_owned(server: &PostgreSql) {
    let url = server.fresh("sharing");
    let (alone, center, one) = (open(&url).unwrap(), open(&url).unwrap(), open(&url).unwrap());
    let a = worker("a");
    let all = claim(&alone, "alone");
    for rule in ["r", "here"] {
        assert_eq!(alone.apply_claimed(all, turn(rule, 0).into()).unwrap().wait(), Ok(()));
    }
    one.renew_worker(&a, &Report::default()).unwrap();
    assert_eq!(one.take_shards(&a, 256).unwrap(), [], "nothing is shared out yet");
    assert_eq!(one.work().unwrap().sources, None);
    let disturbed = alone.apply_claimed(all, turn("q", 0).into()).unwrap().wait();
    assert_eq!(disturbed, Ok(()), "a worker disturbs nobody");

    // The rule `here` stays with the server that notifies, and `r` goes to whoever holds its shard.
    center.share_out("center", vec!["r".to_owned()], &["pg".to_owned()]).unwrap();
    is_stale(&alone.apply_claimed(all, turn("r", 1).into()).unwrap().wait());
    assert_eq!(rules(center.load_unshared().unwrap()), ["here", "q"]);
    assert_eq!(rules(one.load(Shards::One(3)).unwrap()), ["r"]);
    assert_eq!(one.rules_of_others(3, &["r", "here", "new"]).unwrap(), ["here"]);
    let held = one.take_shards(&a, 256).unwrap();
    assert_eq!(write(&one, third(&held), 1, Vec::new()), Ok(()));

    // Another server notifies, and the worker goes on; then one owns everything again.
    let next = open(&url).unwrap();
    next.share_out("next", vec!["r".to_owned()], &[]).unwrap();
    assert!(matches!(save(&center, 1), Err(StoreError::StaleEpoch { .. })));
    assert!(save(&next, 1).is_ok());
    assert_eq!(write(&one, third(&held), 3, Vec::new()), Ok(()), "a worker goes on whoever notifies");
    let all = claim(&alone, "alone");
    is_stale(&write(&one, third(&held), 4, Vec::new()));
    assert!(matches!(save(&next, 2), Err(StoreError::StaleEpoch { .. })));
    assert_eq!(one.take_shards(&a, 256).unwrap(), []);
    assert_eq!(rules(alone.load(Shards::All).unwrap()), ["here", "q", "r"]);
    for rule in ["r", "here"] {
        assert_eq!(alone.apply_claimed(all, turn(rule, 9).into()).unwrap().wait(), Ok(()));
    }
}

/// Workers come, give back and die; each has its fair share, and what one writes that was replaced is refused.
pub(super) fn workers_take_shards_by_lease(server: &PostgreSql) {
    let url = server.fresh("taking");
    let (center, one, two) = (open(&url).unwrap(), open(&url).unwrap(), open(&url).unwrap());
    let (a, b) = (worker("a"), worker("b"));
    center.share_out("center", vec!["r".to_owned()], &["pg".to_owned()]).unwrap();
    one.renew_worker(&a, &Report::default()).unwrap();
    assert_eq!(two.take_shards(&b, 5).unwrap(), [], "it has not said that it is there");
    let first = one.take_shards(&a, 256).unwrap();
    assert_eq!(first.len(), 256);
    two.renew_worker(&b, &Report::default()).unwrap();
    let work = two.work().unwrap();
    let shares: Vec<usize> = ["a", "b", "c"].iter().map(|name| work.fair_share(name)).collect();
    assert_eq!((work.sources, shares), (Some(vec!["pg".to_owned()]), vec![128, 128, 0]));
    assert_eq!(two.take_shards(&b, 128).unwrap(), []);
    let freed: Vec<u8> = (128..=255).collect();
    two.release_shards(&b, &freed).unwrap(); // not its own
    assert_eq!(two.work().unwrap().n_free(), 0);
    one.release_shards(&a, &freed).unwrap();
    assert_eq!(two.take_shards(&b, 128).unwrap().len(), 128);
    let work = two.work().unwrap();
    assert_eq!((work.n_free(), work.held_by("a").count(), work.held_by("b").count()), (0, 128, 128));

    // The first says nothing for longer than its lease: the second takes its shards, and what the first writes is refused.
    assert_eq!(write(&one, third(&first), 1, Vec::new()), Ok(()));
    silence(server, "taking", "a");
    let second = two.take_shards(&b, 256).unwrap();
    assert_eq!(second.len(), 128);
    is_stale(&write(&one, third(&first), 2, vec![news("r")]));
    assert_eq!((n_evaluations(&center, "r"), center.news().unwrap().len()), (1, 0));
    assert_eq!(write(&two, third(&second), 2, Vec::new()), Ok(()));
    two.dismiss_worker(&b).unwrap();
    assert_eq!(two.work().unwrap().n_free(), 256);
}

/// What happens to alerts is written with the turn, and is there until the transaction that takes it.
pub(super) fn news_is_there_until_it_is_taken(server: &PostgreSql) {
    let url = server.fresh("news");
    let (center, one, next) = (open(&url).unwrap(), open(&url).unwrap(), open(&url).unwrap());
    let a = worker("a");
    let unshared = center.share_out("center", vec!["r".to_owned()], &[]).unwrap();
    one.renew_worker(&a, &Report::default()).unwrap();
    let held = one.take_shards(&a, 256).unwrap();
    assert_eq!(write(&one, third(&held), 1, vec![news("r"), news("r")]), Ok(()));
    let waiting = center.news().unwrap();
    assert_eq!(waiting.iter().map(|(_, it)| it.clone()).collect::<Vec<_>>(), [news("r"), news("r")]);
    let taken: Arc<[i64]> = waiting.iter().map(|(number, _)| *number).collect();
    // A turn that is refused writes no news, and a server that was replaced takes none.
    let twice = write(&one, third(&held), 1, vec![news("r")]);
    assert!(matches!(twice, Err(StoreError::AlreadyEvaluated { .. })), "{twice:?}");
    let again = next.share_out("next", vec!["r".to_owned()], &[]).unwrap();
    is_stale(&center.apply_unshared(unshared, turn("here", 1).into(), Arc::clone(&taken)).unwrap().wait());
    assert_eq!(next.news().unwrap().len(), 2);
    assert_eq!(next.apply_unshared(again, turn("here", 1).into(), taken).unwrap().wait(), Ok(()));
    assert_eq!(next.news().unwrap().len(), 0);
    let wrong = one.apply_shard(third(&held), turn("here", 2).into(), Arc::default()).unwrap().wait();
    assert!(matches!(wrong, Err(StoreError::NotInShard { .. })), "{wrong:?}");
}

/// Two workers that take shards from each other while both write: no turn is written by one after the other has read.
pub(super) fn claims_wait_for_turns(server: &PostgreSql) {
    let url = server.fresh("racing");
    let (one, two) = (open(&url).unwrap(), open(&url).unwrap());
    open(&url).unwrap().share_out("center", vec!["r".to_owned()], &[]).unwrap();
    let (a, b) = (worker("a"), worker("b"));
    let mut n_written = 0;
    for round in 0..6 {
        let (from, to) = if round % 2 == 0 { ((&one, &a), (&two, &b)) } else { ((&two, &b), (&one, &a)) };
        from.0.renew_worker(from.1, &Report::default()).unwrap();
        let held = from.0.take_shards(from.1, 256).unwrap();
        assert_eq!(held.len(), 256);
        let first = i64::try_from(n_written).unwrap();
        let turns: Vec<Receipt> = (first..first + 100)
            .map(|n| from.0.apply_shard(third(&held), turn("r", n).into(), Arc::default()).unwrap())
            .collect();
        silence(server, "racing", &from.1.name);
        to.0.renew_worker(to.1, &Report::default()).unwrap();
        let taken = to.0.take_shards(to.1, 256).unwrap();
        let seen = n_evaluations(to.0, "r");
        let written: Vec<bool> = turns.into_iter().map(|receipt| receipt.wait().is_ok()).collect();
        n_written += written.iter().filter(|is_written| **is_written).count();
        assert_eq!((n_evaluations(to.0, "r"), n_written), (seen, seen), "round {round}");
        let epochs: HashSet<u64> = taken.iter().map(|claim| claim.epoch).collect();
        assert!(epochs.iter().all(|epoch| *epoch > third(&held).epoch));
        to.0.release_shards(to.1, &(0..=255).collect::<Vec<u8>>()).unwrap();
    }
}
