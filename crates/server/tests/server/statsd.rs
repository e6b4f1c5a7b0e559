//! StatsD: bytes as clients send them, clients themselves, and what a restart does to counts.

use lanner_server::Server;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};

use crate::sending::{counts, get, python, run, samples, start, wait_for};

/// What all samples of a series add up to.
fn sum(samples: &[(String, String, f64)], series: &str) -> f64 {
    samples.iter().filter(|(name, ..)| name == series).map(|(.., value)| value).sum()
}

async fn send(server: &Server, datagram: &[u8]) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(datagram, server.address("statsd_udp").unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_come_by_udp_and_tcp() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    send(&server, b"orders:3|c|#bank:ing\nlogin:320|ms\nlogin:80|ms\n\nqueue:17|g\nusers:a|s\nusers:b|s")
        .await;
    send(&server, b"rubbish\n\xff\xfe\norders:1|c|@0.5|#bank:ing").await;
    send(&server, b"").await;
    let mut lines = TcpStream::connect(server.address("statsd").unwrap()).await.unwrap();
    lines.write_all(b"orders:5|c|#bank:ing\nqueue:+3|g\nqueue:+").await.unwrap();
    lines.write_all(b"1|g").await.unwrap();
    drop(lines);
    for page in [&b"POST / HTTP/1.1\r\n\r\nevil:1|c\n"[..], b"\x16\x03\x01\x00\xf4\x01\nevil:1|c\n"] {
        let mut web = TcpStream::connect(server.address("statsd").unwrap()).await.unwrap();
        web.write_all(page).await.unwrap();
        assert_eq!(web.read(&mut [0]).await.unwrap_or(0), 0, "the connection stays open");
    }

    let orders = r#"stats.counters.orders.count{bank="ing"}"#;
    wait_for(&server, |all| {
        let is_queue =
            all.iter().any(|(name, _, value)| name == "stats.gauges.queue" && (*value - 21.0).abs() < 1e-9);
        (sum(all, orders) - 10.0).abs() < 1e-9 && is_queue
    })
    .await;
    let all = samples(&server).await;
    assert_eq!(sum(&all, "stats.timers.login.count"), 2.0);
    assert_eq!(sum(&all, "stats.timers.login.upper"), 320.0);
    assert_eq!(sum(&all, "stats.timers.login.mean"), 200.0);
    assert_eq!(sum(&all, "stats.sets.users.count"), 2.0);
    assert!(!all.iter().any(|(name, ..)| name.contains("evil")), "{all:?}");
    // Samples stand at whole seconds.
    assert!(all.iter().all(|(_, time, _)| !time.contains('.')), "{all:?}");
    // Two lines of rubbish, a request of HTTP, and a handshake of TLS.
    assert_eq!(counts(&server).await[2], 4);
    assert!(get(&server, "/metrics").await.contains("accepted_total{protocol=\"statsd\"}"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_counted_twice_or_lost_by_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut n_sent = 0.0;
    for _ in 0..3 {
        let server = start(folder.path()).await;
        let mut lines = TcpStream::connect(server.address("statsd").unwrap()).await.unwrap();
        for n in 1..=5 {
            lines.write_all(format!("orders:{n}|c\n").as_bytes()).await.unwrap();
            n_sent += f64::from(n);
            tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        }
        server.stop().await;
    }
    let server = start(folder.path()).await;
    let all = samples(&server).await;
    assert_eq!(sum(&all, "stats.counters.orders.count"), n_sent, "{all:?}");
    server.stop().await;
}

/// The packages `statsd` and `datadog` of PyPI.
#[tokio::test(flavor = "multi_thread")]
async fn clients_of_others_send() {
    let Some(python) = python() else { return };
    const CLIENTS: &str = "import sys, statsd\n\
        from datadog.dogstatsd import DogStatsd\n\
        udp, tcp = map(int, sys.argv[1:])\n\
        for client in (statsd.StatsClient('127.0.0.1', udp, prefix='a'), statsd.TCPStatsClient('127.0.0.1', tcp, prefix='a')):\n\
        \x20   client.incr('orders', 3)\n\
        \x20   client.timing('login', 320.5)\n\
        \x20   client.gauge('queue', 7)\n\
        \x20   client.gauge('queue', -2, delta=True)\n\
        \x20   client.set('users', 'ann')\n\
        \x20   client.close()\n\
        dog = DogStatsd('127.0.0.1', udp, constant_tags=['env:prod'], disable_buffering=True, disable_telemetry=True)\n\
        dog.increment('dog.orders', 2, tags=['bank:ing', 'canary'])\n\
        dog.histogram('dog.size', 12)\n\
        dog.distribution('dog.wait', 0.25)\n\
        dog.event('deploy', 'version 7')\n\
        dog.flush()\n";
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let ports = ["statsd_udp", "statsd"].map(|name| server.address(name).unwrap().port().to_string());
    run(&python, CLIENTS, &[&ports[0], &ports[1]]).await;
    let dog = r#"stats.counters.dog.orders.count{bank="ing",canary="true",env="prod"}"#;
    wait_for(&server, |all| {
        (sum(all, "stats.counters.a.orders.count") - 6.0).abs() < 1e-9
            && (sum(all, dog) - 2.0).abs() < 1e-9
            && all.iter().any(|(name, ..)| name == r#"stats.timers.dog.wait.mean{env="prod"}"#)
    })
    .await;
    let all = samples(&server).await;
    assert_eq!(sum(&all, "stats.timers.a.login.sum"), 641.0);
    assert_eq!(sum(&all, r#"stats.timers.dog.size.upper{env="prod"}"#), 12.0);
    let queue = all.iter().filter(|(name, ..)| name == "stats.gauges.a.queue");
    let last = queue.max_by(|a, b| a.1.cmp(&b.1)).map(|(.., value)| *value);
    assert_eq!(last, Some(5.0), "{all:?}");
    assert_eq!(counts(&server).await[2], 1, "the event is refused");
    server.stop().await;
}
