//! What stands in the way of starting, and what goes wrong while serving: each told in words that help.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};

use crate::program::{Program, Setup, client, now_ms};
use crate::receiver::Webhook;
use crate::room::{Room, read_only};

/// A rule that fires every second window or so by itself: nothing arrives, and then something.
pub(crate) fn floor(receivers: &[&str]) -> Value {
    json!({ "id": "floor", "query": { "stream": "orders", "measure": "count" }, "window": "1s",
            "absolute": { "min": 1 }, "receivers": receivers })
}

pub(crate) fn webhook(name: &str, url: &str) -> Value {
    json!({ "name": name, "kind": "webhook", "url": url, "timeout": "2m", "group_wait": "0s", "group_interval": "0s" })
}

pub(crate) async fn apply(program: &Program, rules: Value, receivers: Value) {
    let body = json!({ "rules": rules, "receivers": receivers }).to_string();
    let (status, answer) = program.post("/api/v1/apply", body).await;
    assert_eq!(status, 200, "{answer}");
}

/// Starting fails, and says each of `parts`.
#[track_caller]
fn refused(setup: &Setup, parts: &[&str]) {
    let (status, said) = setup.fail();
    assert!(!status.success(), "{said}");
    for part in parts {
        assert!(said.contains(part), "should say \"{part}\":\n{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_in_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::new(folder.path());
    let program = setup.start().await;
    let second = Setup { port: crate::program::fixed_port(), ..setup.clone() };
    let owner = format!("is in use by another lanner (process {})", program.pid());
    refused(&second, &[&owner, "stop it, or choose another folder"]);
    assert_eq!(program.post("/write", "cpu value=1").await.0, 204); // the first one goes on
    program.stop().await;
}

#[tokio::test]
async fn a_port_in_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::new(folder.path());
    let _taken = TcpListener::bind(("127.0.0.1", setup.port)).unwrap();
    let address = format!("cannot listen on 127.0.0.1:{}", setup.port);
    refused(&setup, &[&address, "choose another address, or stop what listens there"]);
    assert!(!setup.data.exists(), "a start that failed leaves nothing behind");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_refused() {
    let Some(folder) = read_only() else { return };
    let setup = Setup::new(folder.path());
    let setup = Setup { data: folder.path().to_owned(), ..setup };
    let (status, said) = setup.fail();
    assert!(!status.success() && said.contains("cannot be written"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_a_later_release_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::new(folder.path());
    setup.start().await.stop().await;
    let file = setup.data.join("lanner.db");
    let before = std::fs::read(&file).unwrap();
    let mut later = std::fs::File::options().write(true).open(&file).unwrap();
    later.seek(SeekFrom::Start(60)).unwrap(); // the schema's version in the header of an SQLite file
    later.write_all(&99_u32.to_be_bytes()).unwrap();
    drop(later);
    refused(&setup, &["has schema version 99 and this release knows", "use the release that wrote it"]);
    std::fs::write(&file, before).unwrap();
    setup.start().await.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_stops_and_loses_nothing() {
    let Some(room) = Room::of_mib(24) else { return };
    let setup = Setup::new(room.path());
    let program = setup.start().await;
    apply(&program, json!([floor(&[])]), json!([])).await;
    let (mut n_sent, mut acknowledged) = (0_u64, Vec::new());
    // First a while with room, then without.
    while acknowledged.len() < 20 {
        n_sent += 1;
        assert_eq!(program.post("/write?precision=ms", samples(n_sent)).await.0, 204);
        acknowledged.push(n_sent);
    }
    program
        .until("/api/v1/evaluations?rule=floor", |all| all.as_array().is_some_and(|all| all.len() > 1))
        .await;
    room.fill();
    let (status, answer) = loop {
        n_sent += 1;
        let (status, answer) = program.post("/write?precision=ms", samples(n_sent)).await;
        if status != 204 {
            break (status, answer);
        }
        acknowledged.push(n_sent);
    };
    assert_eq!(status, 507, "{answer}");
    let said = answer["error"].as_str().unwrap();
    assert!(said.contains("the disk that holds the store is full; free some space"), "{said}");
    let started = std::time::Instant::now();
    let why = loop {
        let (status, said) = program.ask("/readyz").await;
        if status == 503 {
            break said;
        }
        assert!(started.elapsed() < crate::program::PATIENCE, "stays ready with a full disk");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(why.contains("disk") && why.contains("full"), "{why}");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(program.post("/write?precision=ms", samples(n_sent)).await.0, 507); // still
    room.free();
    let mut program = program;
    program.ready().await;
    n_sent += 1;
    assert_eq!(program.post("/write?precision=ms", samples(n_sent)).await.0, 204);
    acknowledged.push(n_sent);
    let newest = now_ms();
    let caught_up = |all: &Value| {
        let newest_end = all[0]["window"]["end_ms"].as_i64();
        newest_end.or_else(|| parse_ms(&all[0]["window"]["end"])).is_some_and(|end_ms| end_ms > newest)
    };
    let all = program.until("/api/v1/evaluations?rule=floor&limit=10000", caught_up).await;
    contiguous(&all);
    program.stop().await;
    // Nothing acknowledged is lost, also not for the next run.
    let program = setup.start().await;
    let exported = program.ask("/api/v1/export?name=disk&format=line").await.1;
    for batch in acknowledged {
        assert!(exported.contains(&format!("={}", batch * 1_000)), "batch {batch} is missing");
    }
    program.stop().await;
    let log = setup.log();
    assert!(!log.contains("not written:") && !log.contains("panicked"), "{log}");
}

/// A thousand samples that no other batch has.
fn samples(batch: u64) -> String {
    let now_ms = now_ms() - 1_000;
    (0..1_000)
        .map(|n| format!("disk,batch={batch} value={} {}\n", batch * 1_000 + n, now_ms + n as i64))
        .collect()
}

fn parse_ms(time: &Value) -> Option<i64> {
    lanner_core::time::parse_time_ms(time.as_str()?).ok()
}

/// The windows of one rule, newest first, follow each other without gap, each once.
fn contiguous(all: &Value) {
    let windows: Vec<(&Value, &Value)> =
        all.as_array().unwrap().iter().map(|e| (&e["window"]["start"], &e["window"]["end"])).collect();
    for pair in windows.windows(2) {
        assert_eq!(pair[0].0, pair[1].1, "{pair:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_hangs_delays_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::new(folder.path());
    // Connections are accepted by the operating system; nobody ever answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let hanging = format!("http://{}/", listener.local_addr().unwrap());
    let good = Webhook::listen(false).await;
    let program = setup.start().await;
    let receivers = json!([webhook("hangs", &hanging), webhook("good", &good.url)]);
    apply(&program, json!([floor(&["hangs", "good"])]), receivers).await;
    // Fires as nothing arrives, then ends, then fires again: all of it is told to the one that listens.
    let started = std::time::Instant::now();
    while good.attempts().len() < 3 {
        if good.attempts().len() == 1 {
            assert_eq!(program.post("/api/v1/events/orders", "{}").await.0, 200);
        }
        assert!(started.elapsed() < crate::program::PATIENCE, "{:?}", good.attempts());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let waiting = program.get("/api/v1/outbox?status=pending").await;
    assert_eq!(waiting[0]["notification"]["receiver"], json!("hangs"), "{waiting}");
    let took = program.stop().await;
    println!("stopped in {took:?} beside a receiver that hangs");
    assert!(took < Duration::from_secs(30), "the receiver held the end up for {took:?}");
    // What the hanging one was not told waits for it.
    let program = setup.start().await;
    let waiting = program.get("/api/v1/outbox?status=pending").await;
    assert_eq!(waiting.as_array().unwrap().len(), 1, "{waiting}"); // one at a time, and then what is true by then
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_stops_cleanly_while_everybody_writes() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::new(folder.path());
    let program = setup.start().await;
    apply(&program, json!([floor(&[])]), json!([])).await;
    let tasks: Vec<_> = (0..8_u64)
        .map(|writer| {
            let url = format!("{}/write?precision=ms", setup.url());
            tokio::spawn(async move {
                let http = client();
                let mut n = 0;
                while let Ok(answer) = http.post(&url).body(samples(writer * 100_000 + n)).send().await
                    && answer.status() == 204
                {
                    n += 1;
                }
                n
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let took = program.stop().await;
    println!("stopped in {took:?} under load");
    assert!(took < Duration::from_secs(20), "stopping took {took:?}");
    let program = setup.start().await;
    let exported = program.ask("/api/v1/series?name=disk&limit=100000").await.1;
    for (writer, task) in tasks.into_iter().enumerate() {
        for n in 0..task.await.unwrap() {
            let label = format!("\"batch\":\"{}\"", writer as u64 * 100_000 + n);
            assert!(exported.contains(&label), "{label} was acknowledged and is missing");
        }
    }
    program.stop().await;
    assert!(!setup.log().contains("panicked"), "{}", setup.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_stops_cleanly_while_it_starts() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::new(folder.path());
    let config = folder.path().join("lanner.yaml");
    std::fs::write(&config, json!({ "rules": [floor(&[])] }).to_string()).unwrap();
    let setup = Setup { config: Some(config), ..setup };
    setup.start().await.stop().await;
    for after_ms in [40, 80, 120, 200] {
        let program = setup.spawn();
        tokio::time::sleep(Duration::from_millis(after_ms)).await;
        program.end().await;
    }
    assert!(!setup.log().contains("panicked"), "{}", setup.log());
}

fn gzipped(bytes: impl std::io::Read) -> Vec<u8> {
    let mut packed = Vec::new();
    flate2::read::GzEncoder::new(bytes, flate2::Compression::best()).read_to_end(&mut packed).unwrap();
    packed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::new(folder.path());
    let config = folder.path().join("lanner.yaml");
    std::fs::write(&config, "server: { max_body: 100000 }").unwrap();
    let setup = Setup { config: Some(config), ..setup };
    let program = setup.start().await;
    let large = "x".repeat(200_000);
    for path in
        ["/write", "/api/v2/write", "/api/v1/events/s", "/api/v1/apply", "/api/v1/query", "/api/v1/silences"]
    {
        let (status, answer) = program.post(path, large.clone()).await;
        assert_eq!(status, 413, "{path}: {answer}");
        let said = answer["error"].as_str().unwrap_or_default();
        assert!(
            said.contains("larger than 100000 bytes") && said.contains("server.max_body"),
            "{path}: {answer}"
        );
    }
    // 200 MB of one letter, packed into 200 kB, packed again into less than the limit.
    let bomb = gzipped(std::io::repeat(b'x').take(80_000_000));
    assert!(bomb.len() < 100_000);
    for path in ["/write", "/api/v1/events/s"] {
        let url = format!("{}{path}", setup.url());
        let answer =
            client().post(url).header("content-encoding", "gzip").body(bomb.clone()).send().await.unwrap();
        assert_eq!(answer.status(), 413);
        assert!(answer.text().await.unwrap().contains("larger than 100000 bytes"));
    }
    assert_eq!(program.post("/write", "cpu value=1").await.0, 204);
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_writers_are_told_to_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::new(folder.path());
    let config = folder.path().join("lanner.yaml");
    std::fs::write(&config, "server: { max_writers: 1 }").unwrap();
    let setup = Setup { config: Some(config), ..setup };
    let program = setup.start().await;
    let mut refused = None;
    for round in 0..20 {
        let tasks: Vec<_> = (0..24)
            .map(|n| {
                let request = client()
                    .post(format!("{}/write?precision=ms", setup.url()))
                    .body(samples(round * 100 + n));
                tokio::spawn(async move { request.send().await.unwrap() })
            })
            .collect();
        for task in tasks {
            let answer = task.await.unwrap();
            match answer.status().as_u16() {
                204 => {}
                429 => refused = Some(answer),
                status => panic!("answered {status}"),
            }
        }
        if refused.is_some() {
            break;
        }
    }
    let refused = refused.expect("of 24 writers at once some find the only place taken");
    let wait_s = refused.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap();
    assert!((1..60).contains(&wait_s), "{wait_s}");
    let said = refused.text().await.unwrap();
    assert!(said.contains("too many requests write at once"), "{said}");
    assert_eq!(program.post("/write", "cpu value=1").await.0, 204);
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_requests_hold_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup { carbon: Some(crate::program::fixed_port()), ..Setup::new(folder.path()) };
    let program = setup.start().await;
    let half = |port: u16, text: &str| {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        stream
    };
    let mut held = Vec::new();
    for _ in 0..100 {
        held.push(half(setup.port, "POST /write HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\ncpu va"));
        held.push(half(setup.port, "GET /healthz HTT"));
        held.push(half(setup.carbon.unwrap(), "disk.used 1"));
    }
    assert_eq!(program.post("/write", "cpu value=1").await.0, 204);
    assert_eq!(program.ask("/readyz").await.0, 200);
    let mut whole = half(setup.carbon.unwrap(), "disk.free 2 1700000000\n");
    whole.flush().unwrap();
    program.until("/api/v1/series?name=disk.free", |found| !found[0].is_null()).await;
    let took = program.stop().await;
    assert!(took < Duration::from_secs(30), "half requests held the end up for {took:?}");
    drop(held);
}

/// What happens inside is told although nothing can be written, once, and its end when it can.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_to_people() {
    let Some(room) = Room::of_mib(24) else { return };
    let elsewhere = tempfile::tempdir().unwrap();
    let told = elsewhere.path().join("told.json");
    let config = elsewhere.path().join("lanner.yaml");
    std::fs::write(&config, "server: { allow: [log] }\n").unwrap();
    let setup = Setup { config: Some(config), ..Setup::new(room.path()) };
    let program = setup.start().await;
    let own =
        json!({ "name": "self", "kind": "log", "path": told, "group_wait": "0s", "group_interval": "0s" });
    apply(&program, json!([floor(&[])]), json!([own])).await;
    room.fill();
    let mut n_sent = 0;
    while program.post("/write?precision=ms", samples(n_sent)).await.0 == 204 {
        n_sent += 1;
    }
    let lines = || std::fs::read_to_string(&told).unwrap_or_default();
    let until = async |part: &str| {
        let started = std::time::Instant::now();
        while !lines().contains(part) {
            assert!(started.elapsed() < crate::program::PATIENCE, "{part} is not told:\n{}", lines());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    until("lanner:store").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    room.free();
    until("\"status\":\"resolved\"").await;
    let n_firing = lines().lines().filter(|line| line.contains("\"status\":\"firing\"")).count();
    assert_eq!(n_firing, 1, "told once:\n{}", lines());
    program.stop().await;
}
