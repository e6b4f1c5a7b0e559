//! `/render` over HTTP: a poll of all series, then a hundred series for a week, again and again.

use std::time::{Duration, Instant};

use super::data::{DAY_S, Data, N_SERIES};
use crate::http::Http;
use crate::process::Process;
use crate::table::{Row, Target};

/// Connections that ask at the same time.
const N_CLIENTS: usize = 2;
/// How long answers are counted, at least; each client gets two.
const LENGTH: Duration = Duration::from_secs(6);

/// Seconds of a poll: just started, and again.
pub(super) type Polls = (f64, f64);

/// What one server came to when it was asked again and again.
#[derive(Clone, Copy)]
pub(super) struct Week {
    requests_per_s: f64,
    mb_per_s: f64,
    cpu_ms: f64,
}

/// Asks a server that has just started, twice. It may use all cores: whoever asks only waits.
pub(super) fn poll(port: u16, data: &Data) -> Polls {
    let poll = path("holtWintersAberration(bench.*)", data, 11 * 60);
    let ask = || {
        let mut http = Http::connect(port).unwrap();
        let started = Instant::now();
        let answer = good(http.get(&poll));
        let took_s = started.elapsed().as_secs_f64();
        let n = answer.windows(10).filter(|window| window == b"\"target\": ").count();
        assert_eq!(n, N_SERIES);
        took_s
    };
    (ask(), ask())
}

/// Asks a server on one core from another one, as fast as it answers.
pub(super) fn week(process: &Process, port: u16, data: &Data) -> Week {
    let week = path("bench.host00*", data, 7 * DAY_S);
    let mut clients: Vec<Http> = (0..N_CLIENTS).map(|_| Http::connect(port).unwrap()).collect();
    for client in &mut clients {
        good(client.get(&week));
    }
    let (cpu, started) = (process.cpu_seconds(), Instant::now());
    let (n, bytes) = std::thread::scope(|scope| {
        let asked = clients.into_iter().map(|mut client| {
            let week = &week;
            scope.spawn(move || {
                let (mut n, mut bytes) = (0, 0);
                while started.elapsed() < LENGTH || n < 2 {
                    bytes += good(client.get(week)).len();
                    n += 1;
                }
                (n, bytes)
            })
        });
        let asked: Vec<_> = asked.collect();
        let counts = asked.into_iter().map(|client| client.join().unwrap());
        counts.fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1))
    });
    let (seconds, cpu) = (started.elapsed().as_secs_f64(), process.cpu_seconds() - cpu);
    eprintln!("{n} answers of {:.1} MB in {seconds:.1} s", bytes as f64 / f64::from(n) / 1e6);
    Week {
        requests_per_s: f64::from(n) / seconds,
        mb_per_s: bytes as f64 / 1e6 / seconds,
        cpu_ms: cpu * 1e3 / f64::from(n),
    }
}

fn path(target: &str, data: &Data, length_s: i64) -> String {
    let (from_s, until_s) = (data.end_s - length_s, data.end_s);
    format!("/render?target={target}&from={from_s}&until={until_s}&format=json")
}

fn good((status, answer): (u16, Vec<u8>)) -> Vec<u8> {
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
    answer
}

pub(super) fn rows_of_weeks(ours: Week, theirs: Option<Week>) -> [Row; 3] {
    let row = |what: &str, unit, target, figure: fn(&Week) -> f64| {
        Row::new(what, unit, target, figure(&ours)).beside(theirs.as_ref().map(figure))
    };
    let what = "/render of 100 series for a week, per second of wall time";
    [
        row(what, "requests/s", Target::TimesMore(20.0), |week| week.requests_per_s),
        row("… as JSON", "MB/s", Target::Larger, |week| week.mb_per_s),
        row("… processor time of one", "ms", Target::TimesFaster(20.0), |week| week.cpu_ms),
    ]
}

pub(super) fn rows_of_polls(ours: Polls, theirs: Option<Polls>) -> [Row; 2] {
    let what = "A poll of 1,000 series with Holt-Winters over HTTP, just started, on all cores";
    [
        Row::new(what, "s", Target::AtMost(0.2), ours.0).beside(theirs.map(|theirs| theirs.0)),
        Row::new("… asked again", "s", Target::AtMost(0.2), ours.1).beside(theirs.map(|theirs| theirs.1)),
    ]
}
