//! A real RabbitMQ: queues that are taken, and messages that are published.

use std::time::Duration;

use lanner_testkit::RabbitMq;
use lapin::options::{BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use serde_json::json;

use super::{Wire, consumer, event, notification, numbers, receiver, start};
use crate::tls;

/// A channel with confirmations; its connection lives as long as it does.
pub(super) async fn channel(url: &str) -> (Connection, Channel) {
    let connection = Connection::connect(url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    (connection, channel)
}

pub(super) async fn declare(channel: &Channel, queue: &str, arguments: &[(&str, &str)]) -> u32 {
    let mut table = FieldTable::default();
    for (name, value) in arguments {
        table.insert((*name).into(), AMQPValue::LongString((*value).into()));
    }
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.into(), options, table).await.unwrap().message_count()
}

pub(super) async fn publish(channel: &Channel, queue: &str, id: &str, body: &[u8]) {
    let properties = BasicProperties::default().with_delivery_mode(2);
    let properties = if id.is_empty() { properties } else { properties.with_message_id(id.into()) };
    let options = BasicPublishOptions::default();
    let confirmed =
        channel.basic_publish("".into(), queue.into(), options, body, properties).await.unwrap().await;
    assert!(confirmed.unwrap().is_ack());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_is_taken_whole_whatever_is_in_it() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(mut broker) = RabbitMq::start(data.path(), "") else { return };
    let (connection, own) = channel(&broker.url()).await;
    declare(&own, "dead", &[]).await;
    declare(&own, "orders", &[("x-dead-letter-exchange", ""), ("x-dead-letter-routing-key", "dead")]).await;
    for n in 0..300 {
        publish(&own, "orders", &format!("order-{n}"), event(n).as_bytes()).await;
    }
    let yaml = format!("{{ name: orders, kind: amqp, url: '{}', queue: orders }}", broker.url());
    let server = start(folder.path(), &yaml).await;
    consumer(&server, "orders", |it| it["stored"] == 300).await;
    // A sender that was not sure sends again. Rubbish and 100 MB are refused, and stop nobody.
    publish(&own, "orders", "order-7", event(7).as_bytes()).await;
    publish(&own, "orders", "", b"{").await;
    publish(&own, "orders", "", &vec![b'x'; 100_000_000]).await;
    publish(&own, "orders", "order-300", event(300).as_bytes()).await;
    let view = consumer(&server, "orders", |it| it["stored"] == 301).await;
    assert_eq!((&view["doubled"], &view["refused"]), (&json!(1), &json!(2)), "{view}");
    assert!(view["refusal"].as_str().unwrap().contains("larger than 1048576 bytes"), "{view}");
    // What cannot be read lies where the queue's owner wants it.
    for _ in 0..100 {
        if declare(&own, "dead", &[]).await == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let first = own.basic_get("dead".into(), BasicGetOptions { no_ack: true }).await.unwrap().unwrap();
    assert_eq!(first.delivery.data, b"{");
    drop((own, connection));

    // The broker ends and comes back, and so does the server: nothing is lost, and nothing comes twice.
    broker.kill();
    let away = consumer(&server, "orders", |it| it["state"] == "failing").await;
    assert!(away["problem"].as_str().unwrap().contains("amqp://127.0.0.1"), "{away}");
    broker.go_on();
    let (_connection, own) = channel(&broker.url()).await;
    for n in 301..350 {
        publish(&own, "orders", &format!("order-{n}"), event(n).as_bytes()).await;
    }
    consumer(&server, "orders", |it| it["stored"] == 350).await;
    server.stop().await;
    publish(&own, "orders", "order-350", event(350).as_bytes()).await;
    let server = start(folder.path(), &yaml).await;
    consumer(&server, "orders", |it| it["stored"] == 1).await;
    assert_eq!(numbers(&server, "orders").await, (0..=350).collect::<Vec<_>>());
    server.stop().await;
}

/// Messages are stored, and the broker never hears of it: it sends them again, and they are known.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_and_not_acknowledged_counts_once() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(broker) = RabbitMq::start(data.path(), "") else { return };
    let (_connection, own) = channel(&broker.url()).await;
    declare(&own, "orders", &[]).await;
    let wire = Wire::to(broker.port()).await;
    let yaml = |port: u16| {
        format!("{{ name: orders, kind: amqp, url: 'amqp://guest:guest@127.0.0.1:{port}', queue: orders }}")
    };
    let server = start(folder.path(), &yaml(wire.port)).await;
    consumer(&server, "orders", |it| it["state"] == "consuming").await;
    wire.mute();
    for n in 0..100 {
        publish(&own, "orders", &format!("order-{n}"), event(n).as_bytes()).await;
    }
    consumer(&server, "orders", |it| it["stored"] == 100).await;
    server.stop().await;
    let server = start(folder.path(), &yaml(broker.port())).await;
    // The broker gives them back once it sees that the connection is gone.
    let view = consumer(&server, "orders", |it| it["doubled"].as_u64() >= Some(100)).await;
    assert_eq!((&view["doubled"], &view["stored"]), (&json!(100), &json!(0)));
    assert_eq!(numbers(&server, "orders").await, (0..100).collect::<Vec<_>>());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_way_is_told_and_messages_are_confirmed() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    if !tls::has_openssl() {
        return;
    }
    let certs = data.path().display().to_string();
    tls::make(data.path(), "cert");
    let secure = lanner_testkit::free_port();
    let more = format!(
        "listeners.ssl.1 = 127.0.0.1:{secure}\nssl_options.certfile = {certs}/cert.pem\nssl_options.keyfile = {certs}/cert.key"
    );
    let Some(broker) = RabbitMq::start(data.path(), &more) else { return };
    let (_connection, own) = channel(&broker.url()).await;
    declare(&own, "orders", &[]).await;
    let (port, ca) = (broker.port(), format!("{certs}/cert.ca.pem"));
    let yaml = format!(
        "- {{ name: password, kind: amqp, url: 'amqp://guest:wrong@127.0.0.1:{port}', queue: orders }}\n\
         - {{ name: vhost, kind: amqp, url: 'amqp://guest:guest@127.0.0.1:{port}/other', queue: orders }}\n\
         - {{ name: queue, kind: amqp, url: 'amqp://guest:guest@127.0.0.1:{port}', queue: none }}\n\
         - {{ name: authority, kind: amqp, url: 'amqps://guest:guest@localhost:{secure}', queue: orders }}\n\
         - {{ name: plain, kind: amqp, url: 'amqps://guest:guest@localhost:{port}', queue: orders }}\n\
         - {{ name: away, kind: amqp, url: 'amqp://127.0.0.1:1', queue: orders }}\n\
         - {{ name: right, kind: amqp, url: 'amqps://localhost:{secure}', auth: {{ username: guest, password: guest }}, ca_file: {ca}, queue: orders }}\n"
    );
    let server = start(folder.path(), &yaml).await;
    for (name, said) in [
        ("password", "refuses the credentials"),
        ("vhost", "refuses the virtual host"),
        ("queue", "cannot take messages of the queue none"),
        ("authority", "not signed by an authority that this machine trusts"),
        ("plain", "cannot reach amqps://localhost"),
        ("away", "cannot reach amqp://127.0.0.1:1: "),
    ] {
        let view = consumer(&server, name, |it| it["problem"].is_string()).await;
        let problem = view["problem"].as_str().unwrap();
        assert!(problem.contains(said) && !problem.contains("wrong"), "{name}: {problem}");
    }
    consumer(&server, "right", |it| it["state"] == "consuming").await;

    let document = json!({
        "kind": "amqp", "url": format!("amqps://localhost:{secure}"), "ca_file": ca, "routing_key": "orders",
        "auth": { "username": "guest", "password": "guest" },
    });
    // By the way out and in again: through TLS, confirmed, and known by its key.
    for _ in 0..2 {
        receiver(&document).send(&notification("a")).await.unwrap();
    }
    let view = consumer(&server, "right", |it| it["doubled"] == 1).await;
    assert_eq!(view["stored"], 1, "{view}");
    let nowhere = json!({ "kind": "amqp", "url": broker.url(), "routing_key": "nowhere" });
    let error = receiver(&nowhere).send(&notification("b")).await.unwrap_err();
    assert!(error.to_string().contains("no queue at amqp://"), "{error}");
    let refused = json!({ "kind": "amqp", "url": broker.url(), "exchange": "none", "routing_key": "x" });
    let error = receiver(&refused).send(&notification("b")).await.unwrap_err();
    assert!(error.to_string().contains("no exchange 'none'"), "{error}");
    server.stop().await;
}
