//! A topic of six partitions, and later of eight, whose only reader is killed again and again: what it sums in each window is what one that
//! was never killed sums, reading the topic once from its beginning.
//!
//! One server owns a topic, and all of its partitions; there is no group whose members take over from each other. What stands for a
//! rebalance here is what a reader sees of one: it begins anew, at places of before, on partitions that may be more.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use krafka::Record;
use krafka::admin::{CreatePartitionsOptions, CreateTopicsOptions, NewTopic};
use lanner_core::TimeRange;
use lanner_io::store::{EvaluationFilter, Store, StoreOptions};
use lanner_testkit::Kafka;
use serde_json::{Value, json};

use crate::program::{PATIENCE, Program, Setup, now_ms};
use crate::random::Random;
use crate::verdict::{check_log, seeds};

/// How long is written.
const WRITING: Duration = Duration::from_secs(16);
/// How long after a window it is judged: longer than the reader is ever away, seconds.
const DELAY_S: i64 = 12;
const ALWAYS: TimeRange = TimeRange { start_ms: i64::MIN, end_ms: i64::MAX };

/// Which windows an event lies in, by their ends, and what is in them.
type Sums = BTreeMap<i64, f64>;

/// One of its own name, so that no other's places are its own.
fn setup(folder: &Path, kafka: &Kafka, group: &str) -> Setup {
    std::fs::create_dir_all(folder).unwrap();
    let mut setup = Setup::new(folder);
    let query = json!({ "stream": "orders", "measure": "sum(amount)" });
    let rule = json!({
        "id": "sum", "query": query, "window": "1s", "absolute": { "max": 1_000_000 }, "max_catchup": "1h",
        "delay": format!("{DELAY_S}s"),
    });
    let consume = json!([{
        "name": "orders", "kind": "kafka", "url": kafka.url(), "topic": "orders", "group": group, "prefetch": 50,
    }]);
    let file = folder.join("lanner.yaml");
    std::fs::write(&file, json!({ "consume": consume, "rules": [rule] }).to_string()).unwrap();
    setup.config = Some(file);
    setup
}

/// Writes events for a while, to six partitions and at last to eight. Returns their sums by window, and how many they are.
async fn write(client: krafka::Kafka, seed: u64) -> (Sums, u64) {
    let mut random = Random::of(seed);
    let (begun, mut sums, mut n) = (Instant::now(), Sums::new(), 0_u64);
    let mut producer = client.producer().build().await.unwrap();
    let mut n_partitions = 6;
    while begun.elapsed() < WRITING {
        if n_partitions == 6 && begun.elapsed() > WRITING / 2 {
            let (admin, options) = (client.admin(), CreatePartitionsOptions::default());
            let mut created = admin.create_partitions([("orders", 8)], options).await.unwrap();
            created.remove("orders").unwrap().unwrap();
            producer.close().await.unwrap();
            producer = client.producer().build().await.unwrap();
            n_partitions = 8;
        }
        let (time_ms, amount) = (now_ms(), random.between(1, 100));
        let partition = (random.next() % n_partitions) as i32;
        let body = json!({ "n": n, "time": time_ms, "amount": amount, "partition": partition }).to_string();
        let Ok(written) = producer.send(Record::new("orders", body).partition(partition)).await else {
            // A new partition is not known at once.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        assert!(written.is_persisted(), "{written:?}");
        *sums.entry(time_ms.div_euclid(1_000) * 1_000 + 1_000).or_default() += amount as f64;
        n += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    producer.close().await.unwrap();
    (sums, n)
}

/// Waits until so many events are stored.
async fn stored(program: &Program, n: u64) {
    let begun = Instant::now();
    loop {
        let (_, lines) = program.ask("/api/v1/export/events/orders").await;
        if lines.lines().count() as u64 >= n {
            return;
        }
        if begun.elapsed() > PATIENCE {
            let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let there: BTreeSet<u64> = events.iter().filter_map(|event| event["n"].as_u64()).collect();
            let missing: Vec<u64> = (0..n).filter(|n| !there.contains(n)).collect();
            let status = program.get("/api/v1/status").await;
            panic!(
                "of {n} events these are missing: {missing:?}; {}\n{}",
                status["consumers"],
                program.setup().log()
            );
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The sums of the events that a program has, by window, and how many they are.
fn sums_of(store: &Store) -> (Sums, u64) {
    let (mut sums, mut n) = (Sums::new(), 0);
    store
        .events("orders", ALWAYS, &mut |time_ms, json| {
            let event: Value = serde_json::from_slice(json).unwrap();
            *sums.entry(time_ms.div_euclid(1_000) * 1_000 + 1_000).or_default() +=
                event["amount"].as_f64().unwrap();
            n += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    (sums, n)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sums_of_six_partitions_are_those_of_a_reader_that_nobody_killed() {
    for seed in seeds(7) {
        let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let Some(kafka) = Kafka::start(data.path(), "") else { return };
        let client = krafka::Kafka::builder(format!("127.0.0.1:{}", kafka.port())).connect().await.unwrap();
        let new = NewTopic::new("orders", 6, 1).unwrap();
        let created = client.admin().create_topics([new], CreateTopicsOptions::default()).await.unwrap();
        assert!(created["orders"].is_ok(), "{created:?}");
        let killed = setup(&folder.path().join("killed"), &kafka, "killed");
        let mut program = killed.start().await;
        let first_ms = now_ms();
        let writing = tokio::spawn(write(client, seed));
        let mut random = Random::of(seed + 1);
        let mut n_kills = 0;
        while !writing.is_finished() {
            tokio::time::sleep(Duration::from_millis(random.between(300, 4_000))).await;
            program.kill();
            n_kills += 1;
            tokio::time::sleep(Duration::from_millis(random.between(0, 1_500))).await;
            program = killed.start().await;
        }
        let (expected, n) = writing.await.unwrap();
        stored(&program, n).await;
        let last_ms = *expected.last_key_value().unwrap().0;
        let is_judged = |it: &Value| {
            let end =
                it[0]["window"]["end"].as_str().and_then(|end| lanner_core::time::parse_time_ms(end).ok());
            end > Some(last_ms)
        };
        program.until("/api/v1/evaluations?rule=sum&limit=1", is_judged).await;
        program.stop().await;

        // One that reads all of it once, and is not disturbed.
        let calm = setup(&folder.path().join("calm"), &kafka, "calm");
        let program = calm.start().await;
        stored(&program, n).await;
        program.stop().await;

        let [of_killed, of_calm] =
            [&killed, &calm].map(|it| Store::open(&it.data, StoreOptions::default()).unwrap());
        assert_eq!(sums_of(&of_calm), (expected.clone(), n));
        assert_eq!(sums_of(&of_killed), (expected.clone(), n));
        let filter = EvaluationFilter { limit: 1_000_000, ..EvaluationFilter::default() };
        let mut judged = of_killed.evaluations(&filter).unwrap();
        judged.sort_by_key(|it| it.window.end_ms);
        let mut n_unknown = 0;
        for pair in judged.windows(2) {
            assert_eq!(pair[0].window.end_ms, pair[1].window.start_ms, "windows follow each other");
        }
        for it in judged.iter().filter(|it| it.window.start_ms >= first_ms) {
            let sum = expected.get(&it.window.end_ms).copied().unwrap_or(0.0);
            assert_eq!(it.value.unwrap_or(0.0), sum, "the window that ends at {}", it.window.end_ms);
            n_unknown += usize::from(it.outcome == lanner_core::Outcome::Unknown);
        }
        println!(
            "seed {seed}: {n} events, {n_kills} kills, {} windows, {n_unknown} of them not judged",
            judged.len()
        );
        check_log(&killed);
    }
}
