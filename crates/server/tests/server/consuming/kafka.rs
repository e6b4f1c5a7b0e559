//! A real Kafka: topics that are taken, and messages that are written.

use std::collections::BTreeMap;
use std::time::Duration;

use krafka::Record;
use krafka::admin::{
    CreatePartitionsOptions, CreateTopicsOptions, DeleteTopicsOptions, ListConsumerGroupOffsetsOptions,
    NewTopic,
};
use krafka::consumer::AutoOffsetReset;
use lanner_testkit::Kafka;
use serde_json::json;

use super::{consumer, event, notification, numbers, receiver, start};
use crate::sending::get;
use crate::tls;

/// A client of one's own.
pub(super) async fn client(port: u16) -> krafka::Kafka {
    lanner_io::receiver::install_crypto_provider();
    let begun = std::time::Instant::now();
    loop {
        match krafka::Kafka::builder(format!("127.0.0.1:{port}")).connect().await {
            Ok(client) => return client,
            Err(error) => assert!(begun.elapsed() < Duration::from_secs(60), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

pub(super) async fn create(client: &krafka::Kafka, topic: &str, n_partitions: i32) {
    let new = NewTopic::new(topic, n_partitions, 1).unwrap();
    let mut created = client.admin().create_topics([new], CreateTopicsOptions::default()).await.unwrap();
    created.remove(topic).unwrap().unwrap();
}

/// Writes events with these numbers, each to the partition that it says.
pub(super) async fn write(client: &krafka::Kafka, topic: &str, events: impl IntoIterator<Item = (u64, i32)>) {
    let producer = client.producer().linger(Duration::ZERO).build().await.unwrap();
    let mut coming = Vec::new();
    for (n, partition) in events {
        let record = Record::new(topic, event(n)).partition(partition);
        coming.push(producer.enqueue(record).await.unwrap());
    }
    for written in coming {
        assert!(written.await.unwrap().offset >= 0);
    }
    producer.close().await.unwrap();
}

/// The places that Kafka shows of a group.
async fn places(client: &krafka::Kafka, group: &str) -> BTreeMap<i32, i64> {
    let options = ListConsumerGroupOffsetsOptions::default();
    let told = client.admin().list_consumer_group_offsets(group, options).await.unwrap();
    told.into_iter().map(|(of, it)| (of.partition, it.unwrap().offset.unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_is_taken_whole_whatever_is_in_it() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(mut broker) = Kafka::start(data.path(), "") else { return };
    let own = client(broker.port()).await;
    create(&own, "orders", 6).await;
    write(&own, "orders", (0..300).map(|n| (n, (n % 6) as i32))).await;
    let yaml = format!("{{ name: orders, kind: kafka, url: '{}', topic: orders }}", broker.url());
    let server = start(folder.path(), &yaml).await;
    consumer(&server, "orders", |it| it["stored"] == 300).await;
    // Rubbish and what says nothing are refused, and stop nobody.
    let producer = own.producer().max_request_size(2_000_000).build().await.unwrap();
    for record in [
        Record::new("orders", "{").partition(0),
        Record::tombstone("orders", "k").partition(0),
        Record::new("orders", event(300)).partition(0),
    ] {
        let _ = producer.send(record).await.unwrap();
    }
    producer.close().await.unwrap();
    let view = consumer(&server, "orders", |it| it["stored"] == 301).await;
    assert_eq!((&view["doubled"], &view["refused"]), (&json!(0), &json!(2)), "{view}");
    // Kafka's tools see how far it is, what is refused included.
    for _ in 0..100 {
        if places(&own, "lanner-orders").await.values().sum::<i64>() == 303 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(places(&own, "lanner-orders").await[&0], 53);
    drop(own);

    // The broker ends and comes back, and so does the server: nothing is lost, and nothing comes twice.
    broker.kill();
    let away = consumer(&server, "orders", |it| it["state"] == "failing").await;
    assert!(away["problem"].as_str().unwrap().contains("kafka://127.0.0.1"), "{away}");
    broker.go_on();
    let own = client(broker.port()).await;
    write(&own, "orders", (301..350).map(|n| (n, (n % 6) as i32))).await;
    consumer(&server, "orders", |it| it["stored"] == 350).await;
    // A topic that grows has partitions that nobody knew.
    let options = CreatePartitionsOptions::default();
    own.admin().create_partitions([("orders", 8)], options).await.unwrap().remove("orders").unwrap().unwrap();
    let own = client(broker.port()).await;
    write(&own, "orders", (350..360).map(|n| (n, 6 + (n % 2) as i32))).await;
    consumer(&server, "orders", |it| it["stored"] == 360).await;
    server.stop().await;
    write(&own, "orders", [(360, 7)]).await;
    let server = start(folder.path(), &yaml).await;
    consumer(&server, "orders", |it| it["stored"] == 1).await;
    assert_eq!(numbers(&server, "orders").await, (0..=360).collect::<Vec<_>>());

    // One that is made anew begins anew, though its places are those of the one before.
    own.admin().delete_topics(["orders"], DeleteTopicsOptions::default()).await.unwrap();
    let gone = consumer(&server, "orders", |it| it["state"] == "failing").await;
    assert!(gone["problem"].is_string(), "{gone}");
    create(&own, "orders", 1).await;
    write(&own, "orders", [(361, 0)]).await;
    consumer(&server, "orders", |it| it["stored"] == 2).await;
    server.stop().await;
}

/// Kafka forgets the places of a group, or never heard of them: the store knows where to go on.
#[tokio::test(flavor = "multi_thread")]
async fn the_place_is_stored_with_what_was_read() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(broker) = Kafka::start(data.path(), "") else { return };
    let own = client(broker.port()).await;
    create(&own, "orders", 2).await;
    write(&own, "orders", (0..100).map(|n| (n, (n % 2) as i32))).await;
    let yaml = |group: &str, start: &str| {
        let url = broker.url();
        format!(
            "{{ name: orders, kind: kafka, url: '{url}', topic: orders, group: {group}, start: {start}, prefetch: 7 }}"
        )
    };
    let server = start(folder.path(), &yaml("one", "first")).await;
    consumer(&server, "orders", |it| it["stored"] == 100).await;
    server.stop().await;
    write(&own, "orders", (100..110).map(|n| (n, (n % 2) as i32))).await;
    for (group, start_at) in [("two", "first"), ("three", "now")] {
        let server = start(folder.path(), &yaml(group, start_at)).await;
        consumer(&server, "orders", |it| it["state"] == "consuming").await;
        if group == "two" {
            let view = consumer(&server, "orders", |it| it["stored"] == 10).await;
            assert_eq!(view["doubled"], 0, "{view}");
        }
        server.stop().await;
    }
    // Of a consumer that is new in all respects, now is now.
    let other = tempfile::tempdir().unwrap();
    let server = start(other.path(), &yaml("four", "now")).await;
    consumer(&server, "orders", |it| it["state"] == "consuming").await;
    write(&own, "orders", [(110, 0)]).await;
    consumer(&server, "orders", |it| it["stored"] == 1).await;
    assert_eq!(numbers(&server, "orders").await, [110]);
    server.stop().await;
    let server = start(folder.path(), &yaml("one", "first")).await;
    consumer(&server, "orders", |it| it["stored"] == 1).await;
    assert_eq!(numbers(&server, "orders").await, (0..=110).collect::<Vec<_>>());
    server.stop().await;
}

/// What a transaction takes back is not there, and does not hold up what follows.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_back_does_not_count() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(broker) = Kafka::start(data.path(), "") else { return };
    let own = client(broker.port()).await;
    create(&own, "orders", 1).await;
    let producer = own.producer().build_transactional("shop").await.unwrap();
    for n in 0..20 {
        producer.begin().unwrap();
        let _ = producer.send(Record::new("orders", event(n))).await.unwrap();
        if n % 4 == 3 {
            producer.abort().await.unwrap();
        } else {
            producer.commit().await.unwrap();
        }
    }
    let yaml = format!("{{ name: orders, kind: kafka, url: '{}', topic: orders }}", broker.url());
    let server = start(folder.path(), &yaml).await;
    consumer(&server, "orders", |it| it["stored"] == 15).await;
    let expected: Vec<u64> = (0..20).filter(|n| n % 4 != 3).collect();
    assert_eq!(numbers(&server, "orders").await, expected);
    server.stop().await;
}

/// Properties of a broker with TLS that wants to know who asks.
fn guarded(certs: &std::path::Path, secure: u16) -> String {
    let pem: String =
        ["cert.key", "cert.pem"].map(|name| std::fs::read_to_string(certs.join(name)).unwrap()).concat();
    let store = certs.join("kafka.pem");
    std::fs::write(&store, pem).unwrap();
    let plain = "org.apache.kafka.common.security.plain.PlainLoginModule required user_lanner=\"right\";";
    format!(
        "listeners={{listeners}},SASL_SSL://localhost:{secure}\n\
         ssl.keystore.type=PEM\nssl.keystore.location={}\n\
         sasl.enabled.mechanisms=PLAIN\nlistener.name.sasl_ssl.plain.sasl.jaas.config={plain}\n",
        store.display()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_way_is_told_and_messages_are_confirmed() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    if !tls::has_openssl() {
        return;
    }
    tls::make(data.path(), "cert");
    let secure = lanner_testkit::free_port();
    let Some(broker) = Kafka::start(data.path(), &guarded(data.path(), secure)) else { return };
    let own = client(broker.port()).await;
    create(&own, "orders", 1).await;
    let (port, ca) = (broker.port(), data.path().join("cert.ca.pem").display().to_string());
    let of = |name: &str, ca: &str, password: &str, topic: &str| {
        let ca = if ca.is_empty() { String::new() } else { format!("ca_file: {ca}, ") };
        format!(
            "- {{ name: {name}, kind: kafka, url: 'kafkas://localhost:{secure}', {ca}auth: {{ username: lanner, password: {password} }}, topic: {topic} }}\n"
        )
    };
    let yaml = [
        of("password", &ca, "wrong", "orders"),
        of("authority", "", "right", "orders"),
        of("topic", &ca, "right", "none"),
        of("right", &ca, "right", "orders"),
        format!("- {{ name: plain, kind: kafka, url: 'kafkas://localhost:{port}', topic: orders }}\n"),
        "- { name: away, kind: kafka, url: 'kafka://127.0.0.1:1', topic: orders }\n".to_owned(),
    ];
    let server = start(folder.path(), &yaml.concat()).await;
    for (name, said) in [
        ("password", "refuses the credentials"),
        ("authority", "not signed by an authority that this machine trusts"),
        ("topic", "has no topic none; create it"),
        ("plain", "cannot reach kafkas://localhost"),
        ("away", "cannot reach kafka://127.0.0.1:1: "),
    ] {
        let view = consumer(&server, name, |it| it["problem"].is_string()).await;
        let problem = view["problem"].as_str().unwrap();
        assert!(problem.contains(said) && !problem.contains("wrong"), "{name}: {problem}");
    }
    consumer(&server, "right", |it| it["state"] == "consuming").await;

    let document = json!({
        "kind": "kafka", "url": format!("kafkas://localhost:{secure}"), "ca_file": ca, "topic": "orders",
        "auth": { "username": "lanner", "password": "right" },
    });
    // By the way out and in again: through TLS, and confirmed.
    receiver(&document).send(&notification("a")).await.unwrap();
    consumer(&server, "right", |it| it["stored"] == 1).await;
    let taken = get(&server, "/api/v1/export/events/right").await;
    assert!(taken.contains("payments-floor"), "{taken}");
    let reading =
        own.consumer_without_group().auto_offset_reset(AutoOffsetReset::Earliest).build().await.unwrap();
    reading.assign("orders", vec![0]).await.unwrap();
    let written = reading.recv().await.unwrap().unwrap();
    assert_eq!(written.header_str("Idempotency-Key"), Some("a"));
    assert_eq!(written.key.as_deref(), Some(b"{}".as_slice()));
    reading.close().await.unwrap();
    let nowhere = json!({ "kind": "kafka", "url": broker.url(), "topic": "nowhere" });
    let error = receiver(&nowhere).send(&notification("b")).await.unwrap_err();
    assert!(error.to_string().contains("has no topic nowhere"), "{error}");
    server.stop().await;
}
