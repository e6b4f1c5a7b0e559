//! Enumeration and parameter pollution, half of them slow, among generated sessions of ordinary clients.
#![expect(clippy::disallowed_methods, reason = "recorded data")]

use std::collections::HashSet;

use lanner_traffic::log::LogFormat;
use lanner_traffic::{FindingKind, KeyBy, Learner, Recording, Request, SessionSettings, find};

/// Attackers of each kind, of which every second is slow.
const N_ATTACKERS: usize = 40;

const HOUR_MS: i64 = 3_600_000;

/// Numbers that look like chance, the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn request(time_ms: i64, client: &str, path: &str, query: &str, status: u16) -> Request<'static> {
    Request {
        time_ms,
        client: client.to_owned().into(),
        agent: "Mozilla/5.0 (Macintosh) Safari/605.1".into(),
        method: "GET".into(),
        path: path.to_owned().into(),
        query: query.to_owned().into(),
        protocol: "HTTP/1.1".into(),
        status: Some(status),
        ..Request::default()
    }
}

/// The pause before the next request: seconds, or for slow ones most of an hour, so that each is a session by itself.
fn pause(is_slow: bool, random: &mut Random) -> i64 {
    let of = if is_slow { HOUR_MS * 3 / 4 } else { 4_000 };
    of * 3 / 4 + random.below(of as u64 / 2) as i64
}

/// Orders one after the other, most of them somebody else's, now and then an ordinary page.
fn enumerate(client: &str, is_slow: bool, begin_ms: i64, random: &mut Random) -> Vec<Request<'static>> {
    let first = random.below(8_000);
    let mut at = begin_ms;
    (0..20)
        .map(|i| {
            at += pause(is_slow, random);
            let status = if random.below(10) < 3 { 200 } else { 403 };
            match random.below(5) {
                0 => request(at, client, "/api/v1/home", "", 200),
                _ => request(at, client, &format!("/api/v1/orders/{}", first + i), "", status),
            }
        })
        .collect()
}

/// A user's id beside another's, now and then.
fn pollute(client: &str, is_slow: bool, begin_ms: i64, random: &mut Random) -> Vec<Request<'static>> {
    let mut at = begin_ms;
    (0..12)
        .map(|_| {
            at += pause(is_slow, random);
            match random.below(3) {
                0 => request(at, client, "/api/v1/home", "", 200),
                _ => {
                    let query = format!("page={}&page={}", random.below(9), 10 + random.below(9));
                    request(at, client, "/api/v1/catalog", &query, 200)
                }
            }
        })
        .collect()
}

#[test]
fn named_attacks_are_found_slow_or_fast() {
    let Some(folder) = lanner_testkit::shared_data("api/sessions") else { return };
    let labels = std::fs::read_to_string(folder.join("day1.labels.csv")).unwrap();
    let normal: HashSet<&str> =
        labels.lines().filter(|line| line.contains(",normal,")).map(|line| &line[..7]).collect();
    let mut recording = Recording::new(KeyBy::ClientAndAgent);
    let text = std::fs::read_to_string(folder.join("day1.ndjson")).unwrap();
    let requests = text.lines().map(|line| LogFormat::Json.read(line).unwrap());
    requests.filter(|request| normal.contains(&*request.session)).for_each(|request| recording.add(&request));
    let begin_ms = recording.span_ms().unwrap().0;
    let mut random = Random(11);
    for i in 0..N_ATTACKERS {
        let at = begin_ms + random.below(4 * HOUR_MS as u64) as i64;
        let is_slow = i % 2 == 1;
        let walker = enumerate(&format!("203.0.113.{i}"), is_slow, at, &mut random);
        let polluter = pollute(&format!("198.51.100.{i}"), is_slow, at, &mut random);
        walker.iter().chain(&polluter).for_each(|request| recording.add(request));
    }
    let (templates, endpoints) = recording.learn(&[]);
    let traffic = recording.traffic(&templates, &endpoints, SessionSettings::default());
    let mut learner = Learner::default();
    traffic.sessions.iter().for_each(|session| learner.add(session));
    let baseline = learner.finish(&traffic.sessions);
    let mut found: HashSet<(String, FindingKind)> = HashSet::new();
    for session in &traffic.sessions {
        found.extend(
            find(session, &endpoints, &baseline).into_iter().map(|f| (session.key.to_string(), f.kind)),
        );
    }
    for walk in &traffic.walks {
        found
            .extend(walk.findings(&endpoints, &baseline).into_iter().map(|f| (walk.key.to_string(), f.kind)));
    }
    let recall = |network: &str, kind| {
        let of = |(key, found): &&(String, FindingKind)| key.starts_with(network) && *found == kind;
        found.iter().filter(of).count() as f64 / N_ATTACKERS as f64
    };
    let enumeration = recall("203.0.113.", FindingKind::Enumeration);
    let pollution = recall("198.51.100.", FindingKind::ParameterPollution);
    let is_wrong = |(key, _): &&(String, FindingKind)| key.starts_with("10.");
    let n_wrong = found.iter().filter(is_wrong).count();
    println!(
        "enumeration {enumeration}, pollution {pollution}, wrong {n_wrong} of {}",
        traffic.sessions.len()
    );
    assert!(enumeration >= 0.9 && pollution >= 0.9, "enumeration {enumeration}, pollution {pollution}");
    assert!(n_wrong as f64 <= 0.001 * traffic.sessions.len() as f64, "{n_wrong} ordinary clients");
}
