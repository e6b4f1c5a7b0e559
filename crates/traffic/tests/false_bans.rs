//! Ordinary programs that others ban: none of them is a finding, while a count of distinct paths bans most.

use std::collections::HashSet;

use lanner_traffic::{Baseline, KeyBy, Recording, Request, SessionSettings, find};

/// Numbers that look like chance, the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// One request: when in milliseconds, method, path, query, status.
type Line = (i64, &'static str, String, String, u16);

/// A page with 40 links, of which each is fetched before anybody follows it.
fn prefetching_framework(random: &mut Random) -> Vec<Line> {
    let mut lines = Vec::new();
    for page in 0..12 {
        let at = page * 20_000;
        lines.push((at, "GET", format!("/shop/page-{page}"), String::new(), 200));
        for link in 0..40 {
            let path = format!("/shop/product-{}", random.below(900));
            lines.push((at + 300 + link * 15, "GET", path, format!("_rsc={}", random.below(99_999)), 200));
        }
    }
    lines
}

/// A client that compares every file with its own.
fn sync_client(random: &mut Random) -> Vec<Line> {
    let file = |i: i64, random: &mut Random| {
        let method = if random.below(5) == 0 { "PUT" } else { "GET" };
        let status = if random.below(30) == 0 {
            404
        } else if random.below(20) == 0 {
            304
        } else {
            200
        };
        (i * 80, method, format!("/dav/files/ann/documents/report-{i}.odt"), String::new(), status)
    };
    (0..600).map(|i| file(i, random)).collect()
}

/// A screen of photographs whose numbers follow each other.
fn photo_app(random: &mut Random) -> Vec<Line> {
    let first = random.below(50_000) as i64;
    let photo = |i: i64, random: &mut Random| {
        let status = if random.below(100) == 0 { 404 } else { 200 };
        (i * 40, "GET", format!("/api/assets/{}/thumbnail", first + i), "size=small".to_owned(), status)
    };
    (0..400).map(|i| photo(i, random)).collect()
}

/// Messages, and a question for who writes every second.
fn chat_burst(random: &mut Random) -> Vec<Line> {
    let mut lines = Vec::new();
    for i in 0..500 {
        let channel = random.below(6);
        lines.push((i * 400, "GET", format!("/api/v4/channels/{channel}/posts"), format!("since={i}"), 200));
        if random.below(6) == 0 {
            lines.push((i * 400 + 90, "POST", "/api/v4/posts".to_owned(), String::new(), 201));
        }
    }
    lines
}

/// The same question on the minute, all day, some of them while the service restarts.
fn monitoring_probe(random: &mut Random) -> Vec<Line> {
    let ask = |i: i64, random: &mut Random| {
        let status = if random.below(50) == 0 { 503 } else { 200 };
        (i * 60_000, "GET", ["/healthz", "/readyz"][i as usize % 2].to_owned(), String::new(), status)
    };
    (0..1_440).map(|i| ask(i, random)).collect()
}

/// Sixty people of one office, each with ordinary mistakes.
fn shared_address(random: &mut Random) -> Vec<Line> {
    let mut lines = Vec::new();
    for person in 0..60 {
        let begin = random.below(3_600_000) as i64;
        if random.below(4) == 0 {
            lines.push((begin, "POST", "/login".to_owned(), String::new(), 401));
        }
        lines.push((begin + 4_000, "POST", "/login".to_owned(), String::new(), 200));
        for step in 1..30 {
            let at = begin + step * 9_000 + random.below(5_000) as i64;
            let id = person * 50 + random.below(40) as i64;
            let status = if random.below(60) == 0 { 404 } else { 200 };
            lines.push((at, "GET", format!("/app/tickets/{id}"), String::new(), status));
        }
    }
    lines.sort_by_key(|line| line.0);
    lines
}

/// A bucket as is common: more than 40 distinct paths that are no pictures, of which one leaks every half second.
fn is_banned_by_a_bucket(lines: &[Line]) -> bool {
    let (mut level, mut last_ms, mut seen) = (0.0_f64, 0, HashSet::new());
    lines.iter().any(|(time_ms, _, path, ..)| {
        level = (level - (time_ms - last_ms) as f64 / 500.0).max(0.0);
        last_ms = *time_ms;
        if level == 0.0 {
            seen.clear();
        }
        if seen.insert(path.clone()) {
            level += 1.0;
        }
        level > 40.0
    })
}

#[test]
fn ordinary_programs_are_no_findings() {
    type Generator = fn(&mut Random) -> Vec<Line>;
    let programs: [(&str, Generator); 6] = [
        ("prefetching framework", prefetching_framework),
        ("sync client", sync_client),
        ("photo app", photo_app),
        ("chat burst", chat_burst),
        ("monitoring probe", monitoring_probe),
        ("shared address", shared_address),
    ];
    let mut n_banned = 0;
    for (name, generate) in programs {
        for seed in 1..=5 {
            let lines = generate(&mut Random(seed));
            n_banned += u32::from(is_banned_by_a_bucket(&lines));
            let mut recording = Recording::new(KeyBy::Client);
            for (time_ms, method, path, query, status) in &lines {
                recording.add(&Request {
                    time_ms: 1_795_946_400_000 + time_ms,
                    client: "10.0.0.1".into(),
                    agent: "Mozilla/5.0".into(),
                    method: (*method).into(),
                    path: path.as_str().into(),
                    query: query.as_str().into(),
                    protocol: "HTTP/1.1".into(),
                    status: Some(*status),
                    ..Request::default()
                });
            }
            let (templates, endpoints) = recording.learn(&[]);
            let traffic = recording.traffic(&templates, &endpoints, SessionSettings::default());
            for session in &traffic.sessions {
                assert_eq!(find(session, &endpoints, &Baseline::default()), [], "{name}, seed {seed}");
            }
            for walk in &traffic.walks {
                assert_eq!(walk.findings(&endpoints, &Baseline::default()), [], "{name}, seed {seed}");
            }
        }
    }
    println!("a bucket of distinct paths bans {n_banned} of 30");
    assert!(n_banned >= 10, "the bucket is too kind to compare with: {n_banned}");
}
