//! Brokers that are unruly: of what is sent a tenth is lost on the way to them, a tenth comes twice, and all of it in another order; and the
//! way from them breaks again and again, in the end for 20 s. What the sender was confirmed counts once; what that means differs.

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::{self, stream};
use lanner_server::Server;
use lanner_testkit::{Kafka, Link, Nats, RabbitMq, Way, free_port};

use super::{consumer, event, kafka, numbers, rabbitmq, start};

const MESSAGES: u64 = 600;

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)) % below
    }

    fn shuffle(&mut self, all: &mut [u64]) {
        for at in (1..all.len()).rev() {
            all.swap(at, self.next(at as u64 + 1) as usize);
        }
    }
}

/// What reaches a broker, in this order: a sender repeats what is not confirmed, so in the end each number is there.
fn arriving(dice: &mut Dice) -> Vec<u64> {
    let mut arriving = Vec::new();
    let mut unconfirmed: Vec<u64> = (0..MESSAGES).collect();
    while !unconfirmed.is_empty() {
        dice.shuffle(&mut unconfirmed);
        let (mut round, mut lost) = (Vec::new(), Vec::new());
        for n in unconfirmed {
            match dice.next(10) {
                0 => lost.push(n),
                1 => round.extend([n, n]),
                _ => round.push(n),
            }
        }
        dice.shuffle(&mut round);
        arriving.extend(round);
        unconfirmed = lost;
    }
    arriving
}

fn once() -> Vec<u64> {
    (0..MESSAGES).collect()
}

/// Breaks the way again and again, and then for 20 s, of which nobody is told.
async fn break_again_and_again(link: &Link, dice: &mut Dice) {
    for round in 0..6 {
        link.set(if round % 2 == 0 { Way::Cut } else { Way::Held });
        tokio::time::sleep(Duration::from_millis(dice.next(400))).await;
        link.set(Way::Open);
        tokio::time::sleep(Duration::from_millis(500 + dice.next(500))).await;
    }
    link.set(Way::Held);
    tokio::time::sleep(Duration::from_secs(20)).await;
    link.forget();
    link.set(Way::Open);
}

/// Waits until so many events are there, and then a while for more. Returns their numbers, in order.
async fn all(server: &Server, n_events: usize) -> Vec<u64> {
    for _ in 0..1_200 {
        if numbers(server, "orders").await.len() >= n_events {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    numbers(server, "orders").await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_nats_each_message_with_an_id_counts_once() {
    let mut dice = Dice(11);
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(nats) = Nats::start(data.path(), "") else { return };
    let context = jetstream::new(async_nats::connect(nats.url()).await.unwrap());
    let config = stream::Config {
        name: "ORDERS".to_owned(),
        subjects: vec!["orders.>".to_owned()],
        ..stream::Config::default()
    };
    context.create_stream(config).await.unwrap();
    let link = Link::to(nats.port());
    let yaml =
        format!("{{ name: orders, kind: nats, url: 'nats://127.0.0.1:{}', jetstream: ORDERS }}", link.port());
    let server = start(folder.path(), &yaml).await;
    consumer(&server, "orders", |it| it["state"] == "consuming").await;
    let arriving = arriving(&mut dice);
    let sending = async {
        for n in arriving {
            let mut headers = HeaderMap::new();
            headers.insert("Nats-Msg-Id", n.to_string());
            let sent = context.publish_with_headers("orders.paid", headers, event(n).into()).await.unwrap();
            sent.await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::join!(sending, break_again_and_again(&link, &mut dice));
    assert_eq!(all(&server, once().len()).await, once());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_rabbitmq_each_message_with_an_id_counts_once_and_others_at_least_once() {
    let mut dice = Dice(12);
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(broker) = RabbitMq::start(data.path(), "") else { return };
    let (_connection, own) = rabbitmq::channel(&broker.url()).await;
    rabbitmq::declare(&own, "orders", &[]).await;
    let link = Link::to(broker.port());
    let yaml = format!(
        "{{ name: orders, kind: amqp, url: 'amqp://guest:guest@127.0.0.1:{}', queue: orders }}",
        link.port()
    );
    let server = start(folder.path(), &yaml).await;
    consumer(&server, "orders", |it| it["state"] == "consuming").await;
    // Half of the messages have an id.
    let arriving = arriving(&mut dice);
    let sending = async {
        for n in &arriving {
            let id = if n % 2 == 0 { format!("order-{n}") } else { String::new() };
            rabbitmq::publish(&own, "orders", &id, event(*n).as_bytes()).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::join!(sending, break_again_and_again(&link, &mut dice));
    let n_without_id = arriving.iter().filter(|n| *n % 2 == 1).count();
    let all = all(&server, once().len() / 2 + n_without_id).await;
    let with_id: Vec<u64> = all.iter().copied().filter(|n| n % 2 == 0).collect();
    assert_eq!(with_id, once().into_iter().filter(|n| n % 2 == 0).collect::<Vec<_>>());
    let times = |all: &[u64], n: u64| all.iter().filter(|other| **other == n).count();
    let lost = (0..MESSAGES).filter(|n| n % 2 == 1).find(|n| times(&all, *n) < times(&arriving, *n));
    assert_eq!(lost, None, "what the broker confirmed is there as often as it was sent, or more often");
    println!("without an id: {n_without_id} sent, {} counted", all.len() - with_id.len());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_kafka_each_record_counts_once() {
    let mut dice = Dice(13);
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let far = free_port();
    let link = Link::to(far);
    let more = format!(
        "listeners={{listeners}},FAR://127.0.0.1:{far}\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,FAR:PLAINTEXT\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{{port}},FAR://127.0.0.1:{}",
        link.port()
    );
    let Some(broker) = Kafka::start(data.path(), &more) else { return };
    let own = kafka::client(broker.port()).await;
    kafka::create(&own, "orders", 6).await;
    let yaml =
        format!("{{ name: orders, kind: kafka, url: 'kafka://127.0.0.1:{}', topic: orders }}", link.port());
    let server = start(folder.path(), &yaml).await;
    consumer(&server, "orders", |it| it["state"] == "consuming").await;
    let arriving = arriving(&mut dice);
    let sending = async {
        for some in arriving.chunks(20) {
            kafka::write(&own, "orders", some.iter().map(|n| (*n, (n % 6) as i32))).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::join!(sending, break_again_and_again(&link, &mut dice));
    // What a sender writes twice are two records.
    let mut expected = arriving.clone();
    expected.sort_unstable();
    assert_eq!(all(&server, expected.len()).await, expected);
    server.stop().await;
}
