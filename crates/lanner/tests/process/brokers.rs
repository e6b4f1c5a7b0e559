//! The program takes messages of a real NATS and of a real Kafka, and both sides are killed again and again: each message is there
//! once.

use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use async_nats::jetstream::consumer::pull;
use async_nats::jetstream::{self, stream};
use krafka::Record;
use krafka::admin::{CreateTopicsOptions, NewTopic};
use lanner_testkit::{Kafka, Nats};
use serde_json::{Value, json};

use crate::program::{PATIENCE, Program, Setup};
use crate::random::Random;

const MESSAGES: u64 = 3_000;
const KILLS: u64 = 6;

/// Publishes all messages, each until the stream has it; one that it has already is known there by its id.
async fn publish(url: String) {
    let mut n = 0;
    while n < MESSAGES {
        let Ok(client) = async_nats::connect(&url).await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let context = jetstream::new(client);
        while n < MESSAGES {
            let mut headers = HeaderMap::new();
            headers.insert("Nats-Msg-Id", n.to_string());
            let body = format!("{{\"n\":{n}}}");
            let Ok(sent) = context.publish_with_headers("orders.paid", headers, body.into()).await else {
                break;
            };
            if sent.await.is_err() {
                break;
            }
            n += 1;
        }
    }
}

/// The numbers of the messages that are stored, in order.
async fn stored(program: &Program) -> Vec<u64> {
    let (_, lines) = program.ask("/api/v1/export/events/orders").await;
    let events = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut numbers: Vec<u64> = events.filter_map(|event| event["n"].as_u64()).collect();
    numbers.sort_unstable();
    numbers
}

#[tokio::test(flavor = "multi_thread")]
async fn each_message_is_stored_once_whoever_is_killed() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(mut nats) = Nats::start(data.path(), "") else { return };
    let context = jetstream::new(async_nats::connect(nats.url()).await.unwrap());
    let config = stream::Config {
        name: "ORDERS".to_owned(),
        subjects: vec!["orders.>".to_owned()],
        ..stream::Config::default()
    };
    // A broker that loses patience soon, so that doubles come while others do.
    let durable = pull::Config {
        durable_name: Some("lanner-orders".to_owned()),
        ack_wait: Duration::from_millis(500),
        ..pull::Config::default()
    };
    context.create_stream(config).await.unwrap().create_consumer(durable).await.unwrap();
    let mut setup = Setup::new(folder.path());
    let file = folder.path().join("lanner.yaml");
    let consume = json!([{ "name": "orders", "kind": "nats", "url": nats.url(), "jetstream": "ORDERS", "prefetch": 50 }]);
    std::fs::write(&file, json!({ "consume": consume }).to_string()).unwrap();
    setup.config = Some(file);

    let publishing = tokio::spawn(publish(nats.url()));
    let mut random = Random::announced();
    for n_kill in 0..KILLS {
        let program = setup.start().await;
        tokio::time::sleep(Duration::from_millis(random.between(50, 1_500))).await;
        program.kill();
        if n_kill % 3 == 2 {
            nats.kill();
            nats.go_on();
        }
    }
    publishing.await.unwrap();
    let program = setup.start().await;
    let begun = Instant::now();
    while stored(&program).await.len() < 3_000 && begun.elapsed() < 2 * PATIENCE {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // What was not acknowledged comes once more.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let status = program.get("/api/v1/status").await;
    assert_eq!(stored(&program).await, (0..MESSAGES).collect::<Vec<_>>(), "{}", status["consumers"]);
    program.stop().await;
}

/// Writes all messages to six partitions in turn. The producer goes on by itself while the broker is away, and doubles nothing.
async fn write(client: krafka::Kafka) {
    let producer = client.producer().build().await.unwrap();
    for n in 0..MESSAGES {
        let record = Record::new("orders", format!("{{\"n\":{n}}}")).partition((n % 6) as i32);
        let written = producer.send(record).await.unwrap();
        assert!(written.is_persisted(), "{written:?}");
    }
    producer.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_message_of_six_partitions_is_stored_once_whoever_is_killed() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(mut kafka) = Kafka::start(data.path(), "") else { return };
    let client = krafka::Kafka::builder(format!("127.0.0.1:{}", kafka.port())).connect().await.unwrap();
    let new = NewTopic::new("orders", 6, 1).unwrap();
    let created = client.admin().create_topics([new], CreateTopicsOptions::default()).await.unwrap();
    assert!(created["orders"].is_ok(), "{created:?}");
    let mut setup = Setup::new(folder.path());
    let file = folder.path().join("lanner.yaml");
    let consume =
        json!([{ "name": "orders", "kind": "kafka", "url": kafka.url(), "topic": "orders", "prefetch": 50 }]);
    std::fs::write(&file, json!({ "consume": consume }).to_string()).unwrap();
    setup.config = Some(file);

    let writing = tokio::spawn(write(client));
    let mut random = Random::announced();
    for n_kill in 0..KILLS {
        let program = setup.start().await;
        tokio::time::sleep(Duration::from_millis(random.between(50, 1_500))).await;
        program.kill();
        if n_kill % 3 == 2 {
            kafka.kill();
            kafka.go_on();
        }
    }
    writing.await.unwrap();
    let program = setup.start().await;
    let begun = Instant::now();
    while stored(&program).await.len() < 3_000 && begun.elapsed() < 2 * PATIENCE {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let status = program.get("/api/v1/status").await;
    assert_eq!(stored(&program).await, (0..MESSAGES).collect::<Vec<_>>(), "{}", status["consumers"]);
    program.stop().await;
}
