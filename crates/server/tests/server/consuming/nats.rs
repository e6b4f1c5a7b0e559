//! A real NATS: streams of JetStream, plain subjects, and messages that are published.

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::consumer::pull;
use async_nats::jetstream::{self, Context, stream};
use lanner_testkit::Nats;
use serde_json::json;

use super::{Wire, consumer, event, notification, numbers, receiver, start};
use crate::sending::{events, samples};
use crate::tls;

async fn context(nats: &Nats) -> Context {
    jetstream::new(async_nats::connect(nats.url()).await.unwrap())
}

async fn with_stream(nats: &Nats, name: &str, subject: &str) -> Context {
    let context = context(nats).await;
    let config = stream::Config {
        name: name.to_owned(),
        subjects: vec![subject.to_owned()],
        ..stream::Config::default()
    };
    context.create_stream(config).await.unwrap();
    context
}

async fn publish(context: &Context, subject: &str, body: impl Into<Vec<u8>>) {
    context.publish(subject.to_owned(), body.into().into()).await.unwrap().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_taken_whole_whatever_is_in_it() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(mut nats) = Nats::start(data.path(), "max_payload: 8MB") else { return };
    let context = with_stream(&nats, "ORDERS", "orders.>").await;
    for n in 0..500 {
        publish(&context, "orders.paid", event(n)).await;
    }
    let yaml = format!("{{ name: orders, kind: nats, url: '{}', jetstream: ORDERS }}", nats.url());
    let server = start(folder.path(), &yaml).await;
    consumer(&server, "orders", |it| it["stored"] == 500).await;
    assert_eq!(numbers(&server, "orders").await, (0..500).collect::<Vec<_>>());
    // Rubbish is refused by name and stops nobody; of a message with several events the right ones count.
    for rubbish in ["{", "hello", "", "[1, 2]"] {
        publish(&context, "orders.paid", rubbish).await;
    }
    publish(&context, "orders.paid", vec![b' '; 2 << 20]).await;
    publish(&context, "orders.paid", format!("{}\n{{\"n\":}}\n{}", event(500), event(501))).await;
    let view = consumer(&server, "orders", |it| it["stored"] == 501).await;
    assert_eq!(
        (&view["refused"], &view["doubled"], &view["state"]),
        (&json!(5), &json!(0), &json!("consuming"))
    );
    assert!(view["refusal"].as_str().unwrap().contains("larger than 1048576 bytes"), "{view}");
    // All of them are acknowledged.
    let consumer_of = context.get_stream("ORDERS").await.unwrap();
    let mut durable: jetstream::consumer::PullConsumer =
        consumer_of.get_consumer("lanner-orders").await.unwrap();
    for _ in 0..100 {
        let info = durable.info().await.unwrap();
        if info.num_ack_pending == 0 && info.num_pending == 0 && info.ack_floor.stream_sequence == 506 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(durable.info().await.unwrap().ack_floor.stream_sequence, 506);

    // The broker ends and comes back, and so does the server: nothing is lost, and nothing comes twice.
    nats.kill();
    let away = consumer(&server, "orders", |it| it["state"] == "failing").await;
    assert!(away["problem"].as_str().unwrap().contains("nats://127.0.0.1"), "{away}");
    nats.go_on();
    let context = self::context(&nats).await;
    for n in 502..600 {
        publish(&context, "orders.paid", event(n)).await;
    }
    consumer(&server, "orders", |it| it["stored"] == 599).await;
    server.stop().await;
    for n in 600..650 {
        publish(&context, "orders.paid", event(n)).await;
    }
    let server = start(folder.path(), &yaml).await;
    consumer(&server, "orders", |it| it["stored"] == 50).await;
    assert_eq!(numbers(&server, "orders").await, (0..650).collect::<Vec<_>>());
    server.stop().await;
}

/// Messages are stored, and the broker never hears of it: it sends them again, and they are known.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_and_not_acknowledged_counts_once() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(nats) = Nats::start(data.path(), "") else { return };
    let context = with_stream(&nats, "ORDERS", "orders.>").await;
    let config = pull::Config {
        durable_name: Some("lanner-orders".to_owned()),
        ack_wait: Duration::from_secs(3),
        ..pull::Config::default()
    };
    context.get_stream("ORDERS").await.unwrap().create_consumer(config).await.unwrap();
    let wire = Wire::to(nats.port()).await;
    let yaml = |port: u16| {
        format!("{{ name: orders, kind: nats, url: 'nats://127.0.0.1:{port}', jetstream: ORDERS }}")
    };
    let server = start(folder.path(), &yaml(wire.port)).await;
    publish(&context, "orders.paid", event(0)).await;
    consumer(&server, "orders", |it| it["stored"] == 1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    wire.mute();
    for n in 1..100 {
        publish(&context, "orders.paid", event(n)).await;
    }
    publish(&context, "orders.paid", "rubbish").await;
    let before = consumer(&server, "orders", |it| it["refused"] == 1).await;
    server.stop().await;
    assert_eq!(before["stored"], 100, "{before}");
    // As after a kill: another process, which knows no more than what is on the disk.
    let server = start(folder.path(), &yaml(nats.port())).await;
    let view = consumer(&server, "orders", |it| it["doubled"].as_u64() >= Some(100)).await;
    assert_eq!((&view["doubled"], &view["stored"]), (&json!(100), &json!(0)));
    publish(&context, "orders.paid", event(100)).await;
    consumer(&server, "orders", |it| it["stored"] == 1).await;
    assert_eq!(numbers(&server, "orders").await, (0..=100).collect::<Vec<_>>());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_made_anew_begins_anew() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(nats) = Nats::start(data.path(), "") else { return };
    let context = with_stream(&nats, "ORDERS", "orders.>").await;
    publish(&context, "orders.paid", event(1)).await;
    let yaml = format!("{{ name: orders, kind: nats, url: '{}', jetstream: ORDERS }}", nats.url());
    let server = start(folder.path(), &yaml).await;
    consumer(&server, "orders", |it| it["stored"] == 1).await;
    context.delete_stream("ORDERS").await.unwrap();
    let gone = consumer(&server, "orders", |it| it["state"] == "failing").await;
    assert!(gone["problem"].is_string(), "{gone}");
    consumer(&server, "orders", |it| {
        it["problem"].as_str().is_some_and(|why| why.contains("nats stream add ORDERS"))
    })
    .await;
    with_stream(&nats, "ORDERS", "orders.>").await;
    publish(&context, "orders.paid", event(2)).await;
    consumer(&server, "orders", |it| it["stored"] == 2).await;
    assert_eq!(numbers(&server, "orders").await, [1, 2]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_subjects_bring_events_lines_and_samples() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(nats) = Nats::start(data.path(), "") else { return };
    let url = nats.url();
    let yaml = format!(
        "- {{ name: orders, kind: nats, url: '{url}', subject: orders.*, group: lanner, into: bought, time: at }}\n\
         - {{ name: log, kind: nats, url: '{url}', subject: log, as: lines }}\n\
         - {{ name: metrics, kind: nats, url: '{url}', subject: metrics, as: samples }}\n"
    );
    let server = start(folder.path(), &yaml).await;
    for name in ["orders", "log", "metrics"] {
        consumer(&server, name, |it| it["state"] == "consuming").await;
    }
    let client = async_nats::connect(url).await.unwrap();
    for (subject, body) in [
        ("orders.paid", r#"{"n":7,"at":"2026-11-30T10:00:00Z"}"#),
        ("orders.paid", "[]"),
        ("log", "connection lost\nconnection restored\n"),
        ("metrics", "queue,host=a length=17 1796040000000000000\nrubbish"),
        ("metrics", "rubbish"),
    ] {
        client.publish(subject, body.into()).await.unwrap();
    }
    client.flush().await.unwrap();
    assert_eq!(events(&server, "bought", 1).await[0]["n"], 7);
    assert_eq!(events(&server, "log", 2).await[1]["message"], "connection restored");
    consumer(&server, "metrics", |it| it["stored"] == 1 && it["refused"] == 1).await;
    consumer(&server, "orders", |it| it["stored"] == 1 && it["refused"] == 1).await;
    let all = samples(&server).await;
    assert_eq!((all[0].0.as_str(), all[0].2), (r#"queue.length{host="a"}"#, 17.0), "{all:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_way_is_told_in_words() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    if !tls::has_openssl() {
        return;
    }
    let certs = data.path().display().to_string();
    tls::make(data.path(), "cert");
    let more = format!(
        "authorization {{ user: lanner, password: right }}\ntls {{ cert_file: \"{certs}/cert.pem\", key_file: \"{certs}/cert.key\" }}"
    );
    let Some(nats) = Nats::start(data.path(), &more) else { return };
    let (port, ca) = (nats.port(), format!("{certs}/cert.ca.pem"));
    let of = |name: &str, host: &str, ca: &str, password: &str| {
        let ca = if ca.is_empty() { String::new() } else { format!("ca_file: {ca}, ") };
        format!(
            "- {{ name: {name}, kind: nats, url: 'tls://{host}:{port}', {ca}auth: {{ username: lanner, password: {password} }}, jetstream: NONE }}\n"
        )
    };
    let yaml = [
        of("password", "localhost", &ca, "wrong"),
        of("authority", "localhost", "", "right"),
        of("name", "127.0.0.2", &ca, "right"),
        of("stream", "localhost", &ca, "right"),
        "- { name: away, kind: nats, url: 'nats://127.0.0.1:1', subject: a }\n".to_owned(),
    ];
    let server = start(folder.path(), &yaml.concat()).await;
    for (name, said) in [
        ("password", "refuses the credentials"),
        ("authority", "not signed by an authority that this machine trusts"),
        ("name", "cannot reach tls://127.0.0.2"),
        ("stream", "has no stream NONE; create it"),
        ("away", "cannot reach nats://127.0.0.1:1: "),
    ] {
        let view = consumer(&server, name, |it| it["problem"].is_string()).await;
        let problem = view["problem"].as_str().unwrap();
        assert!(problem.contains(said) && !problem.contains("wrong"), "{name}: {problem}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_counts_as_sent_when_a_stream_keeps_it() {
    let data = tempfile::tempdir().unwrap();
    let Some(nats) = Nats::start(data.path(), "") else { return };
    let document = json!({ "kind": "nats", "url": nats.url(), "subject": "alerts.lanner" });
    let error = receiver(&document).send(&notification("a")).await.unwrap_err();
    assert!(error.to_string().contains("no stream of nats://"), "{error}");
    let context = with_stream(&nats, "ALERTS", "alerts.>").await;
    // What is sent twice is kept once.
    for key in ["a", "b", "a"] {
        receiver(&document).send(&notification(key)).await.unwrap();
    }
    let mut stream = context.get_stream("ALERTS").await.unwrap();
    assert_eq!(stream.info().await.unwrap().state.messages, 2);
    let kept = stream.get_raw_message(1).await.unwrap();
    let header = |headers: &HeaderMap, name: &str| {
        headers.get(name).map(|value| value.to_string()).unwrap_or_default()
    };
    assert_eq!(header(&kept.headers, "Nats-Msg-Id"), "a");
    let message: serde_json::Value = serde_json::from_slice(&kept.payload).unwrap();
    assert_eq!(message["alerts"][0]["labels"]["rule"], "payments-floor", "{message}");
    // Without a confirmation, to a subject that nobody keeps.
    let plain = json!({ "kind": "nats", "url": nats.url(), "subject": "pager", "confirm": false });
    receiver(&plain).send(&notification("c")).await.unwrap();
}
