//! How many lines of an access log become scored sessions in a second of one core.
//!
//! `cargo run --release -p lanner-traffic --example throughput -- access.log` does what `lanner api replay` does with a log: it reads
//! lines, learns templates, makes sessions, learns what is usual, looks for findings and ranks sessions. It says how long
//! each part took, in processor time of its one thread (Linux), so that other work on the machine changes it little.
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "it reads files and a clock")]

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead as _, BufReader};

use lanner_traffic::log::{LogFormat, detect};
use lanner_traffic::{KeyBy, Learner, Ranking, Recording, SessionSettings, find};

/// Rounds; the first fills the caches.
const N_ROUNDS: usize = 5;

fn main() -> std::io::Result<()> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "access.log".to_owned());
    for _ in 0..N_ROUNDS {
        round(&path)?;
    }
    Ok(())
}

fn round(path: &str) -> std::io::Result<()> {
    let began_s = used_s()?;
    let (recording, n_lines) = read(path)?;
    let read_s = used_s()?;
    let (templates, endpoints) = recording.learn(&[]);
    let traffic = recording.traffic(&templates, &endpoints, SessionSettings::default());
    let made_s = used_s()?;
    let mut learner = Learner::default();
    traffic.sessions.iter().for_each(|session| learner.add(session));
    let baseline = learner.finish(&traffic.sessions);
    let learned_s = used_s()?;
    let n_findings: usize =
        traffic.sessions.iter().map(|session| find(session, &endpoints, &baseline).len()).sum();
    let found_s = used_s()?;
    let ranking = Ranking::new(&baseline);
    let most = traffic.sessions.iter().map(|session| ranking.of(session, true).score).fold(0.0, f64::max);
    let all_s = used_s()?;
    println!(
        "{:.0} lines a second: read {:.3} s, sessions {:.3} s, baseline {:.3} s, findings {:.3} s, scores {:.3} s; \
         {n_lines} lines, {} sessions, {n_findings} findings, highest score {most:.2}",
        n_lines as f64 / (all_s - began_s),
        read_s - began_s,
        made_s - read_s,
        learned_s - made_s,
        found_s - learned_s,
        all_s - found_s,
        traffic.sessions.len(),
    );
    Ok(())
}

fn read(path: &str) -> std::io::Result<(Recording, u64)> {
    let mut recording = Recording::new(KeyBy::default());
    let mut lines = BufReader::with_capacity(256 * 1024, File::open(path)?);
    let (mut format, mut n_lines, mut line): (Option<LogFormat>, _, _) = (None, 0, Vec::new());
    while lines.read_until(b'\n', &mut line)? > 0 {
        let text = str::from_utf8(&line).map_or_else(|_| String::from_utf8_lossy(&line), Cow::Borrowed);
        n_lines += 1;
        if format.is_none() {
            format = detect(&[&text]);
        }
        if let Some(request) = format.as_ref().and_then(|format| format.read(&text)) {
            recording.add(&request);
        }
        line.clear();
    }
    Ok((recording, n_lines))
}

/// Processor time of this thread so far, in seconds.
fn used_s() -> std::io::Result<f64> {
    let used = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let ns: u64 = used.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0);
    Ok(ns as f64 / 1e9)
}
