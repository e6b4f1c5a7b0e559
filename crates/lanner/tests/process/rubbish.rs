//! Rubbish on every endpoint: the program stays up, and says that it is the caller's mistake.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::program::{Setup, client, fixed_port};
use crate::random::Random;

/// Words that take a parser further than noise does.
const WORDS: [&str; 36] = [
    "rules",
    "receivers",
    "inhibit",
    "id",
    "query",
    "stream",
    "series",
    "measure",
    "where",
    "by",
    "window",
    "every",
    "absolute",
    "relative",
    "min",
    "to",
    "1s",
    "999999999w",
    "-1m",
    "count",
    "p99(",
    "matchers",
    "start",
    "end",
    "comment",
    "from",
    "step",
    "a == \"b",
    "((((",
    "\u{0}",
    "é\u{301}\u{202e}",
    "1e999",
    "{{ x",
    "{% for",
    "name",
    "*",
];

fn word(random: &mut Random) -> String {
    WORDS[random.between(0, WORDS.len() as u64) as usize].to_owned()
}

/// JSON that has the right words in the wrong places.
fn document(random: &mut Random, depth: u64) -> Value {
    match random.between(0, if depth == 0 { 5 } else { 9 }) {
        0 => Value::Null,
        1 => json!(random.chance(50)),
        2 => json!(random.next() as i64),
        3 => json!(f64::from_bits(random.next())),
        4 => json!(word(random)),
        5 => (0..random.between(0, 4)).map(|_| document(random, depth - 1)).collect(),
        _ => Value::Object(
            (0..random.between(0, 6)).map(|_| (word(random), document(random, depth - 1))).collect(),
        ),
    }
}

fn body(random: &mut Random) -> Vec<u8> {
    match random.between(0, 6) {
        0 => (0..random.between(0, 2_000)).map(|_| random.next() as u8).collect(),
        1 => "[".repeat(random.between(1, 50_000) as usize).into_bytes(),
        2 => "{\"a\":".repeat(random.between(1, 50_000) as usize).into_bytes(),
        3 => (0..random.between(0, 300))
            .map(|_| word(random) + if random.chance(30) { "\n" } else { " " })
            .collect::<String>()
            .into_bytes(),
        _ => document(random, 5).to_string().into_bytes(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rubbish_is_the_callers_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup { carbon: Some(fixed_port()), ..Setup::new(folder.path()) };
    let program = setup.start().await;
    let mut random = Random::announced();
    let described = program.get("/api/openapi.json").await;
    let mut doors = vec![("POST".to_owned(), "/write".to_owned()), ("GET".to_owned(), "/".to_owned())];
    for (path, methods) in described["paths"].as_object().unwrap() {
        // A backup of each try would only take time.
        let methods = methods.as_object().unwrap().keys().filter(|_| !path.contains("backup"));
        doors.extend(methods.map(|method| (method.to_uppercase(), path.clone())));
    }
    assert!(doors.len() > 20, "{doors:?}");
    let http = client();
    for (method, path) in &doors {
        for _ in 0..25 {
            let mut url = setup.url();
            for part in path.split('/').skip(1) {
                let noise =
                    percent(&if random.chance(50) { word(&mut random) } else { random.next().to_string() });
                url.push('/');
                url.push_str(if part.starts_with('{') { &noise } else { part });
            }
            if random.chance(50) {
                url.push_str(&format!("?{}={}", word_percent(&mut random), word_percent(&mut random)));
            }
            let sent = body(&mut random);
            let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
            let mut request = http.request(method, &url).body(sent.clone());
            if random.chance(10) {
                request = request.header("content-encoding", "gzip");
            }
            let status = request.send().await.unwrap().status().as_u16();
            let sent = String::from_utf8_lossy(&sent[..sent.len().min(2_000)]).into_owned();
            // 501 is what the few parts of other interfaces that are not there answer to anything.
            let is_fine = (200..500).contains(&status) || status == 501;
            assert!(is_fine, "{url} answers {status} to {sent}\n{}", setup.log());
        }
    }
    let mut carbon = std::net::TcpStream::connect(("127.0.0.1", setup.carbon.unwrap())).unwrap();
    // One that begins like a request of HTTP (`name *`) is closed, whatever follows.
    carbon.write_all(b"before.all 1 1700000000\n").unwrap();
    for _ in 0..500 {
        carbon.write_all(&body(&mut random)).unwrap();
    }
    carbon.write_all(b"\nafter.all 1 1700000000\n").unwrap();
    program.until("/api/v1/series?name=after.all", |found| !found[0].is_null()).await;
    assert_eq!(program.ask("/readyz").await.0, 200);
    program.stop().await;
    assert!(!setup.log().contains("panicked"), "{}", setup.log());
}

fn word_percent(random: &mut Random) -> String {
    percent(&word(random))
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
