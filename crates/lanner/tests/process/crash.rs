//! The crash test: the program is killed again and again while data arrives, rules fire and a webhook receives.
//!
//! Afterwards the store and the webhook are held against what was sent and acknowledged:
//! - every acknowledged sample and event is there, once; of a batch that was not acknowledged, all or nothing;
//! - the windows of each rule follow each other without gap, each evaluated once a group, and each value counts
//!   at least what was acknowledged before the window ended and at most what is stored of it;
//! - the beginning and the end of every episode was delivered, in order, and how each alert stands at last: a beginning
//!   that was over before the message under way had been taken is the only one that may be left out, and so is what a
//!   long message only counts; what was delivered twice has the same key and the same body;
//! - alerts that would hold each other back are told all the same, and nothing is told of what is held back.
//!
//! Meanwhile events come late, by up to a minute and a half, so that they belong into windows that were judged and into
//! such that are kept in history; and now and then a storm comes, in which many groups fire in one window.
//!
//! `LANNER_CRASH_ROUNDS` (kills, 5 unless set) and `LANNER_CRASH_SEED` make longer and repeated runs.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lanner_core::{Evaluation, Group, Outcome, TimeRange};
use lanner_io::store::{EvaluationFilter, OutboxState, Store, StoreOptions};
use serde_json::{Value, json};

use crate::news::{Told, check_held_back, check_news};
use crate::program::{Program, Setup, client, now_ms};
use crate::random::{Random, mixed};
use crate::receiver::{Attempt, Webhook};

const SHOPS: [&str; 4] = ["a", "b", "c", "d"];
const HOSTS: [&str; 3] = ["x", "y", "z"];
/// Groups that fire in one window in a storm.
const STORM: usize = 30;
/// How long a shop or host stays as it is.
const PHASE_MS: i64 = 1_700;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_program_loses_nothing_and_repeats_nothing() {
    let rounds = std::env::var("LANNER_CRASH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let started = Instant::now();
    let mut random = Random::announced();
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::new(folder.path());
    let webhook = Webhook::listen(true).await;
    let traffic = Traffic::begin(&setup, random.next());
    let n_early = kill_again_and_again(&setup, &webhook, &traffic, rounds, &mut random).await;

    let program = setup.start().await;
    traffic.end().await;
    webhook.behave();
    // What is under way comes to an end: with no more data the last news is that everything is silent.
    tokio::time::sleep(Duration::from_secs(4)).await;
    deliver_all(program).await;
    // What was written while the program stopped is delivered by the next run.
    while has_pending(&setup) {
        deliver_all(setup.start().await).await;
    }

    let log = setup.log();
    for bad in ["panicked", "not written:", "damaged", "broke off"] {
        assert!(!log.contains(bad), "the log says \"{bad}\":\n{log}");
    }
    let store = Store::open(&setup.data, StoreOptions::default()).unwrap();
    let sent = traffic.sent.lock().unwrap();
    let n_samples = check_samples(&store, &sent);
    let stored = check_events(&store, &sent);
    let evaluations = Evaluations::read(&store);
    evaluations.check_windows();
    check_counts(&evaluations, &sent, &stored, &store.gaps().unwrap());
    let told = Told::read(&store);
    let n_news = check_news(&evaluations, &webhook.attempts(), &told);
    let n_held_back = check_held_back(&evaluations, &told);
    assert!(
        told.most_at_once >= STORM / 2,
        "no storm was told: {} alerts at most at once",
        told.most_at_once
    );
    let n_duplicates = check_keys(&store, &webhook.attempts());
    let attempts = webhook.attempts();
    println!(
        "kills: {rounds} ({n_early} during start-up); acknowledged: {n_samples} samples, {} events in {} batches, \
         {} batches unanswered; evaluations: {} of {} windows; news: {n_news}; attempts: {}, taken: {}, \
         duplicates with the same key: {n_duplicates}; refused for now: {}; late events: {}; most alerts in a message: {}; \
         episodes held back: {n_held_back}; wall time: {:.0} s",
        sent.events.iter().filter(|event| event.acked_ms.is_some()).count(),
        sent.n_acknowledged,
        sent.n_unanswered,
        evaluations.n,
        evaluations.n_windows(),
        attempts.len(),
        attempts.iter().filter(|attempt| attempt.taken).count(),
        traffic.n_refused.load(Ordering::Relaxed),
        sent.n_late,
        told.most_at_once,
        started.elapsed().as_secs_f64(),
    );
}

/// Waits until no message is pending, and stops the program.
async fn deliver_all(program: Program) {
    // A group's next message is written when its last one was taken, so an empty outbox has to stay empty.
    let mut n_empty = 0;
    while n_empty < 20 {
        let waiting = program.get("/api/v1/outbox?status=pending").await;
        n_empty = if waiting == json!([]) { n_empty + 1 } else { 0 };
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    program.stop().await;
}

fn has_pending(setup: &Setup) -> bool {
    let store = Store::open(&setup.data, StoreOptions::default()).unwrap();
    let is_pending =
        store.outbox_list(None, None, 100_000_000).unwrap().iter().any(|it| it.done_ms.is_none());
    store.close();
    is_pending
}

/// Starts and kills the program. Returns how many kills came before it was ready.
async fn kill_again_and_again(
    setup: &Setup,
    webhook: &Webhook,
    traffic: &Traffic,
    rounds: u64,
    random: &mut Random,
) -> u64 {
    let mut n_early = 0;
    for round in 0..rounds {
        let mut program = setup.spawn();
        if round > 0 && random.chance(20) {
            n_early += 1;
            tokio::time::sleep(Duration::from_millis(random.between(1, 300))).await;
            program.kill();
            continue;
        }
        program.ready().await;
        if round == 0 {
            // Something to look back at, so that the relative rule prefills its history.
            traffic.send_past(setup).await;
            let (status, answer) =
                program.post("/api/v1/apply", configuration(&webhook.url).to_string()).await;
            assert_eq!(status, 200, "{answer}");
        }
        if random.chance(30) {
            // A new version of a rule, in force or not when the program is killed.
            let mut changed = configuration(&webhook.url);
            changed["rules"][0]["description"] = json!(format!("round {round}"));
            let request = client().post(format!("{}/api/v1/apply", setup.url())).body(changed.to_string());
            tokio::spawn(request.send());
        }
        // Now and then long enough for the upkeep that runs every five seconds.
        let longest_ms = if random.chance(4) { 7_000 } else { 1_500 };
        tokio::time::sleep(Duration::from_millis(random.between(20, longest_ms))).await;
        program.kill();
        if random.chance(10) {
            tokio::time::sleep(Duration::from_millis(random.between(500, 3_000))).await;
        }
    }
    n_early
}

fn configuration(url: &str) -> Value {
    let orders = |measure: &str, by: &[&str]| json!({ "stream": "orders", "measure": measure, "where": "status == \"ok\"", "by": by });
    let rule = |id: &str, query: Value, detector: &str, limits: Value| {
        json!({ "id": id, "query": query, "window": "1s", detector: limits, "receivers": ["hook"], "max_catchup": "1h",
                "content": "{{ rule }} {{ value }}" })
    };
    let paired = |mut rule: Value| {
        rule["labels"] = json!({ "pair": "yes" });
        rule
    };
    json!({
        "rules": [
            paired(rule("floor", orders("count", &["shop"]), "absolute", json!({ "min": 1 }))),
            rule("ceiling", orders("sum(amount)", &[]), "absolute", json!({ "max": 2_500 })),
            paired(rule("drop", orders("count", &["shop"]), "relative", json!({ "to": "1m", "change": "40%" }))),
            rule("load", json!({ "series": "load", "measure": "max", "by": ["host"] }), "absolute", json!({ "max": 80 })),
            rule("quiet", orders("count", &["shop"]), "absolute", json!({ "min": 1 })),
            rule("storm", json!({ "stream": "storms", "measure": "count", "by": ["who"] }), "absolute", json!({ "max": 0 })),
        ],
        "inhibit": [
            // Each of these two matches both sides.
            { "source": { "pair": "yes" }, "target": { "pair": "yes" }, "equal": ["shop"] },
            { "source": { "rule": "load" }, "target": { "rule": "quiet" } },
        ],
        "receivers": [{ "name": "hook", "kind": "webhook", "url": url, "group_wait": "0s", "group_interval": "0s" }],
    })
}

struct SentEvent {
    time_ms: i64,
    shop: &'static str,
    amount: f64,
    acked_ms: Option<i64>,
}

struct SentSamples {
    series: String,
    samples: Vec<(i64, f64)>,
    acked_ms: Option<i64>,
}

/// What was sent. The number of an event is its place; a batch is a range of them.
#[derive(Default)]
struct Sent {
    events: Vec<SentEvent>,
    event_batches: Vec<std::ops::Range<usize>>,
    samples: Vec<SentSamples>,
    n_acknowledged: u64,
    n_unanswered: u64,
    n_late: u64,
}

/// Clients that send all the time, whether somebody listens or not.
struct Traffic {
    sent: Arc<Mutex<Sent>>,
    n_refused: Arc<AtomicU64>,
    stopping: Arc<AtomicBool>,
    tasks: Mutex<Vec<tokio::task::JoinHandle<()>>>,
}

/// One client.
#[derive(Clone)]
struct Writer {
    url: String,
    http: reqwest::Client,
    sent: Arc<Mutex<Sent>>,
    n_refused: Arc<AtomicU64>,
    seed: u64,
}

impl Traffic {
    fn begin(setup: &Setup, seed: u64) -> Self {
        let (sent, n_refused) = (Arc::new(Mutex::new(Sent::default())), Arc::new(AtomicU64::new(0)));
        let stopping = Arc::new(AtomicBool::new(false));
        let writer = Writer {
            url: setup.url(),
            http: client(),
            sent: Arc::clone(&sent),
            n_refused: Arc::clone(&n_refused),
            seed,
        };
        let mut tasks = Vec::new();
        for number in 0..5_u64 {
            let (writer, stopping) = (writer.clone(), Arc::clone(&stopping));
            tasks.push(tokio::spawn(async move {
                let mut random = Random::of(seed ^ mixed(number));
                let mut last_ms = 0;
                while !stopping.load(Ordering::Relaxed) {
                    let n = random.between(1, 30) as usize;
                    let alive = match number {
                        0 | 1 => writer.send_events(n, now_ms(), &mut random).await,
                        2 => writer.send_samples(n * 10, &mut last_ms).await,
                        3 => writer.send_storm(&mut random).await,
                        _ => writer.send_load(&mut random).await,
                    };
                    let pause_ms = if alive { random.between(1, 40) } else { 20 };
                    tokio::time::sleep(Duration::from_millis(pause_ms)).await;
                }
            }));
        }
        Self { sent, n_refused, stopping, tasks: Mutex::new(tasks) }
    }

    /// Sends events of the last two minutes.
    async fn send_past(&self, setup: &Setup) {
        let (sent, n_refused) = (Arc::clone(&self.sent), Arc::clone(&self.n_refused));
        let writer = Writer { url: setup.url(), http: client(), sent, n_refused, seed: 0 };
        let mut random = Random::of(1);
        let now_ms = now_ms();
        for back_ms in (1..240).rev().map(|step| step * 500) {
            writer.send_events(8, now_ms - back_ms, &mut random).await;
        }
    }

    async fn end(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap());
        for task in tasks {
            task.await.unwrap();
        }
    }
}

/// Whether a shop or host is in a good phase.
fn good(seed: u64, name: &str, time_ms: i64) -> bool {
    let phase = (time_ms / PHASE_MS) as u64;
    !mixed(seed ^ u64::from(name.as_bytes()[0]) ^ (phase << 8)).is_multiple_of(3)
}

impl Writer {
    /// Posts a body. `None` when nobody listened, so that nothing was sent; else when it was acknowledged, if it was.
    async fn post(&self, path: &str, body: String) -> Option<Option<i64>> {
        let url = format!("{}{path}", self.url);
        match self.http.post(url).body(body).timeout(Duration::from_secs(20)).send().await {
            Ok(answer) => match answer.status().as_u16() {
                200 | 204 => Some(Some(now_ms())),
                429 | 503 => {
                    self.n_refused.fetch_add(1, Ordering::Relaxed);
                    Some(None)
                }
                status => panic!("{path} answers {status}: {}", answer.text().await.unwrap_or_default()),
            },
            Err(error) if error.is_connect() => None,
            Err(_) => Some(None),
        }
    }

    async fn send_events(&self, n: usize, time_ms: i64, random: &mut Random) -> bool {
        let mut events: Vec<SentEvent> = Vec::new();
        for _ in 0..n {
            let shop = SHOPS[random.between(0, SHOPS.len() as u64) as usize];
            // Some come after their window was judged, or after it was kept.
            let late_ms = if random.chance(5) { random.between(0, 90_000) as i64 } else { 0 };
            let time_ms = time_ms - late_ms;
            self.sent.lock().unwrap().n_late += u64::from(late_ms > 1_000);
            if good(self.seed, shop, time_ms) {
                events.push(SentEvent {
                    time_ms,
                    shop,
                    amount: random.between(1, 100) as f64,
                    acked_ms: None,
                });
            }
        }
        let range = {
            let mut sent = self.sent.lock().unwrap();
            let first = sent.events.len();
            sent.events.extend(events);
            first..sent.events.len()
        };
        let body: String = range
            .clone()
            .map(|number| {
                let sent = self.sent.lock().unwrap();
                let SentEvent { time_ms, shop, amount, .. } = sent.events[number];
                json!({ "number": number, "time": time_ms, "shop": shop, "status": "ok", "amount": amount })
                    .to_string()
                    + "\n"
            })
            .collect();
        let answer =
            if range.is_empty() { Some(None) } else { self.post("/api/v1/events/orders", body).await };
        let mut sent = self.sent.lock().unwrap();
        for event in &mut sent.events[range.clone()] {
            event.acked_ms = answer.flatten();
        }
        if !range.is_empty() {
            sent.event_batches.push(range);
            sent.note(answer);
        }
        answer.is_some()
    }

    /// Mostly nothing, and now and then an event of each of many groups, some of them late.
    async fn send_storm(&self, random: &mut Random) -> bool {
        tokio::time::sleep(Duration::from_millis(random.between(500, 4_000))).await;
        let now_ms = now_ms();
        let event = |who: usize| {
            let late_ms = if random.chance(5) { random.between(1_000, 90_000) as i64 } else { 0 };
            json!({ "time": now_ms - late_ms, "who": format!("s{who}") }).to_string() + "\n"
        };
        let body: String = (0..STORM).map(event).collect();
        self.post("/api/v1/events/storms", body).await.is_some()
    }

    /// Samples of a series whose every time and value differ.
    async fn send_samples(&self, n: usize, last_ms: &mut i64) -> bool {
        let first_ms = now_ms().max(*last_ms + 1);
        *last_ms = first_ms + n as i64 - 1;
        let samples = (first_ms..=*last_ms).map(|time_ms| (time_ms, mixed(time_ms as u64) as u32 as f64));
        self.send_series("steady", "steady".to_owned(), samples.collect()).await
    }

    async fn send_load(&self, random: &mut Random) -> bool {
        let mut alive = true;
        for host in HOSTS {
            let time_ms = now_ms();
            let (from, to) = if good(self.seed, host, time_ms) { (0, 80) } else { (81, 100) };
            let samples = vec![(time_ms, random.between(from, to) as f64)];
            alive &= self.send_series(&format!("load,host={host}"), format!("load {host}"), samples).await;
        }
        alive
    }

    async fn send_series(&self, line: &str, series: String, samples: Vec<(i64, f64)>) -> bool {
        let body: String =
            samples.iter().map(|(time_ms, value)| format!("{line} value={value} {time_ms}\n")).collect();
        let answer = self.post("/write?precision=ms", body).await;
        let mut sent = self.sent.lock().unwrap();
        sent.samples.push(SentSamples { series, samples, acked_ms: answer.flatten() });
        sent.note(answer);
        answer.is_some()
    }
}

impl Sent {
    fn note(&mut self, answer: Option<Option<i64>>) {
        match answer {
            Some(Some(_)) => self.n_acknowledged += 1,
            Some(None) => self.n_unanswered += 1,
            None => {}
        }
    }
}

const ALWAYS: TimeRange = TimeRange { start_ms: i64::MIN, end_ms: i64::MAX };

/// Every acknowledged sample is there with its value, and nothing that was not sent. Returns how many.
fn check_samples(store: &Store, sent: &Sent) -> usize {
    let mut stored: HashMap<(String, i64), f64> = HashMap::new();
    for (id, key) in store.select("*", &[]).unwrap() {
        let host = key.labels.get("host").map_or_else(String::new, |host| format!(" {host}"));
        let name = format!("{}{host}", key.name);
        stored.extend(
            store.samples(id, ALWAYS).unwrap().into_iter().map(|s| ((name.clone(), s.time_ms), s.value)),
        );
    }
    let mut n = 0;
    let mut known = 0;
    for batch in &sent.samples {
        let found = |(time_ms, _): &&(i64, f64)| stored.contains_key(&(batch.series.clone(), *time_ms));
        let n_found = batch.samples.iter().filter(found).count();
        known += n_found;
        if batch.acked_ms.is_none() {
            assert!(
                n_found == 0 || n_found == batch.samples.len(),
                "{n_found} samples of a batch of {}",
                batch.samples.len()
            );
            continue;
        }
        for (time_ms, value) in &batch.samples {
            let kept = stored.get(&(batch.series.clone(), *time_ms));
            assert!(kept.is_some(), "the acknowledged sample {} at {time_ms} is missing", batch.series);
            assert_eq!(kept, Some(value), "{} at {time_ms}", batch.series);
        }
        n += batch.samples.len();
    }
    assert!(stored.len() <= known, "{} samples are stored, {known} of them were sent", stored.len());
    n
}

/// Every acknowledged event is there once, and of the others each batch whole or not at all. Returns which are.
fn check_events(store: &Store, sent: &Sent) -> Vec<bool> {
    let mut times = vec![0_usize; sent.events.len()];
    store
        .events("orders", ALWAYS, &mut |time_ms, json| {
            let event: Value = serde_json::from_slice(json).unwrap();
            let number = event["number"].as_u64().unwrap() as usize;
            assert_eq!(time_ms, sent.events[number].time_ms, "event {number}");
            times[number] += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    for batch in &sent.event_batches {
        let n = times[batch.start];
        assert!(n <= 1, "event {} is there {n} times", batch.start);
        assert!(
            n == 1 || sent.events[batch.start].acked_ms.is_none(),
            "event {} was acknowledged and is missing",
            batch.start
        );
        assert!(
            times[batch.clone()].iter().all(|times| *times == n),
            "of batch {batch:?} some are missing or doubled"
        );
    }
    times.into_iter().map(|n| n == 1).collect()
}

/// Evaluations of each rule and group, in order of windows.
pub(crate) struct Evaluations {
    pub(crate) of: BTreeMap<(Arc<str>, Group), Vec<Evaluation>>,
    n: usize,
}

impl Evaluations {
    fn read(store: &Store) -> Self {
        let all = store
            .evaluations(&EvaluationFilter { limit: 100_000_000, ..EvaluationFilter::default() })
            .unwrap();
        let n = all.len();
        let mut of: BTreeMap<(Arc<str>, Group), Vec<Evaluation>> = BTreeMap::new();
        for evaluation in all {
            of.entry((evaluation.rule.clone(), evaluation.group.clone())).or_default().push(evaluation);
        }
        for evaluations in of.values_mut() {
            evaluations.sort_by_key(|evaluation| evaluation.window.end_ms);
        }
        Self { of, n }
    }

    fn n_windows(&self) -> usize {
        let windows: BTreeSet<_> = self
            .of
            .iter()
            .flat_map(|((rule, _), all)| all.iter().map(move |e| (rule, e.window.end_ms)))
            .collect();
        windows.len()
    }

    /// Once a group is known, its windows follow each other without gap to the end of the run, none twice.
    fn check_windows(&self) {
        let mut ends: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
        for ((rule, group), evaluations) in &self.of {
            for pair in evaluations.windows(2) {
                assert_eq!(
                    pair[0].window.end_ms,
                    pair[1].window.start_ms,
                    "{rule} {group}: {:?}",
                    [pair[0].window, pair[1].window]
                );
            }
            let odd = evaluations.iter().find(|e| e.outcome == Outcome::Error || e.error.is_some());
            assert_eq!(odd, None, "{rule} {group}");
            ends.entry(rule).or_default().extend(evaluations.last().map(|last| last.window.end_ms));
        }
        for (rule, ends) in &ends {
            assert_eq!(ends.len(), 1, "{rule}: some groups are behind others");
        }
        assert_eq!(ends.len(), 6, "some rules were never evaluated: {ends:?}");
    }
}

/// Whether more than 1 % of a window lies in times in which the program was not there.
fn is_missed(gaps: &[TimeRange], window: TimeRange) -> bool {
    let inside = |gap: &TimeRange| (gap.end_ms.min(window.end_ms) - gap.start_ms.max(window.start_ms)).max(0);
    gaps.iter().map(inside).sum::<i64>() * 100 > window.length_ms()
}

/// Each value lies between what was acknowledged before its window ended and what is stored; bases lie between what
/// was measured a minute before and what is stored of that; nothing that the program missed counts as silence.
fn check_counts(evaluations: &Evaluations, sent: &Sent, stored: &[bool], gaps: &[TimeRange]) {
    let mut at_least: HashMap<(&str, i64), f64> = HashMap::new();
    let mut at_most: HashMap<(&str, i64), f64> = HashMap::new();
    for (event, stored) in sent.events.iter().zip(stored) {
        let end_ms = event.time_ms.div_euclid(1_000) * 1_000 + 1_000;
        for (name, amount) in [(event.shop, 1.0), ("", event.amount)] {
            if *stored {
                *at_most.entry((name, end_ms)).or_default() += amount;
            }
            if event.acked_ms.is_some_and(|acked_ms| acked_ms < end_ms) {
                *at_least.entry((name, end_ms)).or_default() += amount;
            }
        }
    }
    for ((rule, group), all) in &evaluations.of {
        let by_end: HashMap<i64, Option<f64>> = all.iter().map(|e| (e.window.end_ms, e.value)).collect();
        for e in all {
            let place = format!("{rule} {group} {:?}", e.window);
            if !["load", "storm"].contains(&&**rule) {
                let name = group.labels().get("shop").unwrap_or_default();
                let bound = |bounds: &HashMap<(&str, i64), f64>| {
                    bounds.get(&(name, e.window.end_ms)).copied().unwrap_or_default()
                };
                let value = e.value.unwrap_or_default();
                assert!(bound(&at_least) <= value, "{place}: {value} misses some of {}", bound(&at_least));
                assert!(value <= bound(&at_most), "{place}: {value} counts more than {}", bound(&at_most));
            }
            let earlier_ms = e.window.end_ms - 60_000;
            if let (Some(base), Some(Some(earlier))) = (e.base, by_end.get(&earlier_ms)) {
                let stored = at_most.get(&(group.labels().get("shop").unwrap_or_default(), earlier_ms));
                let stored = stored.copied().unwrap_or_default();
                let corrected = *earlier <= base && base <= stored;
                assert!(corrected, "{place}: the base is {base}; {earlier} was measured, {stored} is stored");
            }
            let n_seen = e.value.unwrap_or_default();
            let silence = n_seen == 0.0 && is_missed(gaps, e.window) && ["floor", "quiet"].contains(&&**rule);
            assert!(!silence || e.outcome == Outcome::Unknown, "{place}: nobody knows that it was silent");
        }
    }
}

/// One key, one body; no message waits or was given up. Returns how many were taken more than once.
fn check_keys(store: &Store, attempts: &[Attempt]) -> usize {
    let mut bodies: HashMap<&str, &str> = HashMap::new();
    let mut n_taken: HashMap<&str, usize> = HashMap::new();
    for Attempt { key, body, taken } in attempts {
        assert!(!key.is_empty(), "a message without a key: {body}");
        assert_eq!(*bodies.entry(key).or_insert(body), body, "one key, two bodies");
        *n_taken.entry(key).or_default() += usize::from(*taken);
    }
    let outbox = store.outbox_list(None, None, 100_000_000).unwrap();
    for entry in &outbox {
        assert_eq!(entry.state, OutboxState::Sent, "{entry:?}");
        assert!(n_taken.get(&*entry.notification.key).is_some_and(|n| *n > 0), "never delivered: {entry:?}");
    }
    assert_eq!(outbox.len(), bodies.len(), "messages that the store does not know were delivered");
    n_taken.values().map(|n| n.saturating_sub(1)).sum()
}
