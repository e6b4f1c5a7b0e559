//! What every test of faults holds against what happened: each window was judged once, by what its source says of it, and everybody was
//! told of every alert.
//!
//! What the rules of these tests ask follows from the window alone: a wave, high and low in turn. So nothing depends on when something
//! was asked, and what is late can be told from what is wrong.
//!
//! `LANNER_FAULT_SEEDS` (how many seeds a test of faults runs, one after the other; 1 unless set) makes longer runs. What a run draws
//! follows from its seed, which it prints.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::time::{Duration, Instant};

use lanner_core::Evaluation;
use lanner_io::store::{EvaluationFilter, Store, StoreOptions};
use lanner_testkit::PostgreSql;
use serde_json::{Value, json};

use crate::program::{PATIENCE, Program, Setup, now_ms};
use crate::receiver::Webhook;

/// How long a wave stays high or low, seconds.
const PHASE_S: i64 = 4;
/// An episode that was over sooner than this, by when it was judged, may be told by its end alone, milliseconds.
const SHORT_MS: i64 = 3_000;

/// The seeds of a run: that of the test, and as many more as [the environment](self) asks for.
pub(crate) fn seeds(own: u64) -> Vec<u64> {
    let n: u64 = std::env::var("LANNER_FAULT_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    (0..n).map(|more| own + 100 * more).collect()
}

/// What the rule `n` finds in the window that ends then.
fn wave(n: usize, end_ms: i64) -> f64 {
    let phase = end_ms.div_euclid(1_000 * PHASE_S) + n as i64;
    if phase.rem_euclid(2) == 1 { 100.0 } else { 10.0 }
}

/// The rule `wave-n`, judged each second, which asks a database for what follows from the window.
pub(crate) fn wave_rule(n: usize, source: &str) -> Value {
    let sql = format!(
        "SELECT 10 + 90 * ((floor(extract(epoch FROM :until::timestamptz) / {PHASE_S})::bigint + {n}) % 2) AS value
         WHERE :from < :until::timestamptz"
    );
    json!({
        "id": format!("wave-{n}"), "query": { "sql": sql, "source": source }, "window": "1s", "absolute": { "max": 80 },
        "receivers": ["hook"], "max_catchup": "1h", "error": "wait", "content": "{{ rule }} {{ state }}",
    })
}

/// A receiver that is told of each rule by itself, and at once.
pub(crate) fn hook(webhook: &Webhook) -> Value {
    json!({
        "name": "hook", "kind": "webhook", "url": webhook.url, "group_by": ["rule"], "group_wait": "0s", "group_interval": "0s",
    })
}

/// One evaluation, as far as it is looked at.
struct Judged {
    end_ms: i64,
    value: Option<f64>,
    outcome: String,
    is_firing: bool,
    at_ms: i64,
}

/// All evaluations of the waves, by rule, in order of their windows.
pub(crate) struct Verdict(BTreeMap<usize, Vec<Judged>>);

impl Verdict {
    /// Of a state in a database.
    pub(crate) fn of_database(server: &PostgreSql, database: &str) -> Self {
        let sql = "SELECT substr(rule, 6), end_ms, value, outcome, state = 'firing', evaluated_ms FROM lanner.evaluation
                   WHERE rule LIKE 'wave-%' ORDER BY rule, end_ms, start_ms";
        let mut all: BTreeMap<usize, Vec<Judged>> = BTreeMap::new();
        for line in server.ask(database, sql).lines() {
            let parts: Vec<&str> = line.split('|').collect();
            let judged = Judged {
                end_ms: parts[1].parse().unwrap(),
                value: parts[2].parse().ok(),
                outcome: parts[3].to_owned(),
                is_firing: parts[4] == "t",
                at_ms: parts[5].parse().unwrap(),
            };
            all.entry(parts[0].parse().unwrap()).or_default().push(judged);
        }
        Self(all)
    }

    /// Of a state in the data folder of a program that has ended.
    pub(crate) fn of_folder(setup: &Setup) -> Self {
        let store = Store::open(&setup.data, StoreOptions::default()).unwrap();
        let filter = EvaluationFilter { limit: 100_000_000, ..EvaluationFilter::default() };
        let mut all: BTreeMap<usize, Vec<Judged>> = BTreeMap::new();
        for it in store.evaluations(&filter).unwrap() {
            let Evaluation { rule, window, value, outcome, state, evaluated_ms, .. } = it;
            let Some(n) = rule.strip_prefix("wave-") else { continue };
            let (outcome, is_firing) = (outcome.name().to_owned(), state == lanner_core::AlertState::Firing);
            let judged = Judged { end_ms: window.end_ms, value, outcome, is_firing, at_ms: evaluated_ms };
            all.entry(n.parse().unwrap()).or_default().push(judged);
        }
        for judged in all.values_mut() {
            judged.sort_by_key(|it| it.end_ms);
        }
        Self(all)
    }

    /// Each of so many rules was judged for each window once, rightly, and as far as the others. Returns how many evaluations there are,
    /// and by how much the latest came after its window, milliseconds.
    #[track_caller]
    pub(crate) fn check_windows(&self, n_rules: usize) -> (usize, i64) {
        assert_eq!(self.0.len(), n_rules, "rules that were judged");
        for (n, judged) in &self.0 {
            for pair in judged.windows(2) {
                let (last_ms, next_ms) = (pair[0].end_ms, pair[1].end_ms);
                assert_eq!(
                    next_ms - last_ms,
                    1_000,
                    "wave-{n}: a window ends at {last_ms}, and the next at {next_ms}"
                );
            }
            for it in judged {
                let expected = wave(*n, it.end_ms);
                let outcome = if expected > 80.0 { "breach" } else { "normal" };
                assert_eq!(
                    (it.value, it.outcome.as_str(), it.is_firing),
                    (Some(expected), outcome, expected > 80.0),
                    "wave-{n}, the window that ends at {}",
                    it.end_ms
                );
            }
        }
        let all = self.0.values().flatten();
        let latest_ms = all.clone().map(|it| it.at_ms - it.end_ms).max().unwrap_or(0);
        (all.count(), latest_ms)
    }

    /// Everybody was told of each alert, in order and once: of every end, of what fires at last, and of every beginning, unless the episode
    /// was over by the time that somebody could be told. `away`: when nobody was there to tell. Returns how many were told.
    #[track_caller]
    pub(crate) fn check_told(&self, webhook: &Webhook, away: &Range<i64>) -> usize {
        let mut told = told(webhook);
        let mut n_told = 0;
        for (n, judged) in &self.0 {
            let found = told.remove(&format!("wave-{n}")).unwrap_or_default();
            let mut expected = Vec::new();
            let episodes = episodes(judged);
            for (episode, (began_ms, ended_ms)) in (1_u64..).zip(&episodes) {
                let lasted_ms = ended_ms.map_or(i64::MAX, |ended_ms| ended_ms - began_ms);
                let is_short = lasted_ms < SHORT_MS || (away.contains(began_ms) && lasted_ms < i64::MAX);
                expected.push((episode, "firing", !is_short));
                expected.extend(ended_ms.map(|_| (episode, "resolved", true)));
            }
            let mut rest = found.iter().peekable();
            for (episode, status, must) in &expected {
                let is_told = rest.next_if(|told| (told.0, told.1.as_str()) == (*episode, *status)).is_some();
                assert!(
                    is_told || !must,
                    "wave-{n}: {episode} {status} is missing, twice or late in {found:?}"
                );
            }
            assert_eq!(rest.next(), None, "wave-{n}: nothing of this happened: {found:?}");
            n_told += found.len();
        }
        assert!(told.is_empty() && n_told > 0, "told of others, or nothing: {told:?}");
        n_told
    }
}

/// When episodes were found to begin and to end.
fn episodes(judged: &[Judged]) -> Vec<(i64, Option<i64>)> {
    let mut episodes: Vec<(i64, Option<i64>)> = Vec::new();
    let mut fired = false;
    for it in judged {
        match (fired, it.is_firing) {
            (false, true) => episodes.push((it.at_ms, None)),
            (true, false) => episodes.last_mut().unwrap().1 = Some(it.at_ms),
            _ => {}
        }
        fired = it.is_firing;
    }
    episodes
}

/// Episode and status of what was taken, by rule, in order. A message that was sent once more is the same, and counts once.
fn told(webhook: &Webhook) -> HashMap<String, Vec<(u64, String)>> {
    let (mut told, mut bodies) = (HashMap::<String, Vec<(u64, String)>>::new(), HashMap::new());
    let mut seen = BTreeSet::new();
    for attempt in webhook.attempts() {
        let body = bodies.entry(attempt.key.clone()).or_insert_with(|| attempt.body.clone());
        assert_eq!(*body, attempt.body, "one key, two bodies");
        if !attempt.taken || !seen.insert(attempt.key.clone()) {
            continue;
        }
        let message: Value = serde_json::from_str(&attempt.body).unwrap();
        for alert in message["alerts"].as_array().unwrap() {
            let rule = alert["labels"]["rule"].as_str().unwrap().to_owned();
            let news = (alert["episode"].as_u64().unwrap(), alert["status"].as_str().unwrap().to_owned());
            told.entry(rule).or_default().push(news);
        }
    }
    told
}

/// Waits until all of so many rules are judged for the present. Returns how long that took.
pub(crate) async fn caught_up(server: &PostgreSql, database: &str, n_rules: usize) -> Duration {
    let begun = Instant::now();
    let sql = "SELECT count(*), min(last) FROM (SELECT max(end_ms) AS last FROM lanner.evaluation WHERE rule LIKE 'wave-%'
               GROUP BY rule) AS of_rules";
    loop {
        let said = server.psql(database, sql).unwrap();
        let said = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        let counts: Vec<i64> = said.split('|').filter_map(|count| count.parse().ok()).collect();
        if counts.len() == 2 && counts[0] == n_rules as i64 && counts[1] > now_ms() - 3_000 {
            return begun.elapsed();
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "rules, and where the last of them stands at {}: {said}",
            now_ms()
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Ends workers, then the server that notifies, when it has told everything.
pub(crate) async fn end(server: &PostgreSql, database: &str, workers: Vec<Program>, center: Program) {
    for worker in workers {
        worker.stop().await;
    }
    let open =
        "SELECT (SELECT count(*) FROM lanner.news) + (SELECT count(*) FROM lanner.outbox WHERE state = 0)";
    let (begun, mut n_quiet) = (Instant::now(), 0);
    while n_quiet < 10 {
        n_quiet = if server.ask(database, open) == "0" { n_quiet + 1 } else { 0 };
        assert!(begun.elapsed() < PATIENCE, "there is still something to tell: {}", center.setup().log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    center.stop().await;
}

/// The log of a program tells of nothing that must not happen.
#[track_caller]
pub(crate) fn check_log(setup: &Setup) {
    for bad in ["panicked", "not written:", "AlreadyEvaluated", "a bug in Lanner"] {
        assert!(!setup.log().contains(bad), "the log says \"{bad}\":\n{}", setup.log());
    }
}
