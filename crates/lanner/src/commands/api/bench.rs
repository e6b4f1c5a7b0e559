//! `lanner api bench`: how fast a server scores under load, and how much load it bears.
//!
//! Reading order: [`Args`]; `bodies` (what is asked), `server` (a server of its own), `load` (users that ask, over `connection`), [`Step`] (what came of so many of them).

mod bodies;
mod connection;
mod load;
mod server;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lanner_core::time::parse_duration_ms;
use serde::Serialize;

use self::connection::Target;
use self::load::Answers;
use self::server::OwnServer;
use crate::client::Client;
use crate::failure::{Failure, Outcome, Result, remark};
use crate::list::{self, Cell, Format, Row};
use crate::output::counted;

/// More users at a time are not tried.
const MAX_USERS: i64 = 4_096;

/// From this share of failed requests on a server is broken.
const MAX_FAILED: f64 = 0.01;

/// How long questions beside the load may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Measure how fast a server scores under load, and from how many users on it breaks.
///
/// Each user keeps one connection, and asks again as soon as the answer is there. By default a server is started for it on this machine,
/// with a temporary folder and a model of its own, and ended afterwards. Users and server share the processor then; processor_us is what
/// the server alone used for a request. After the given numbers of users, twice as many are tried again and again, until one request in a
/// hundred fails or one answer in a hundred takes longer than --slow: that is the breaking point. With --path and --body any service that
/// answers POST can be measured beside it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner api bench
  lanner api bench --model model.json --users 1,32,256 --for 10s
  lanner api bench --batch 1000 --reasons 0 --users 1 --most 0
  lanner api bench --url https://lanner.example.org --token TOKEN --format json
  lanner api bench --url http://127.0.0.1:8000 --path /predict --body row.json

Exit codes: 0 when no request of the given numbers of users failed, 1 when some did, 2 for invalid input, 3 for a failure.")]
pub(super) struct Args {
    /// Server to ask; by default one is started.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The token that the server wants, if it wants one.
    #[arg(long, env = "LANNER_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<String>,
    /// Model that the started server scores by, of the kind api or trees; by default trees over nine columns.
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    model: Option<PathBuf>,
    /// Numbers of users at a time.
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', default_value = "1,32,256", value_parser = clap::value_parser!(u16).range(1..=MAX_USERS))]
    users: Vec<u16>,
    /// How long each number of users asks.
    #[arg(long = "for", value_name = "DURATION", default_value = "5s", value_parser = lasts)]
    lasts: Duration,
    /// Rows in each request.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    batch: u16,
    /// Reasons asked for with each row.
    #[arg(long, value_name = "NUMBER", default_value_t = 3, value_parser = clap::value_parser!(u8).range(0..=20))]
    reasons: u8,
    /// The most users with which the breaking point is looked for; 0 to leave it.
    #[arg(long, value_name = "NUMBER", default_value_t = 4_096, value_parser = clap::value_parser!(u16).range(0..=MAX_USERS))]
    most: u16,
    /// An answer that takes longer is too late.
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = lasts)]
    slow: Duration,
    /// Path that is asked.
    #[arg(long, value_name = "PATH", default_value = "/api/v1/score")]
    path: String,
    /// File with the JSON that is sent, instead of rows drawn by chance for the server's model.
    #[arg(long, value_name = "FILE", requires = "url")]
    body: Option<PathBuf>,
    /// Process on this machine whose processor time is measured; that of the started server by default.
    #[arg(long, value_name = "PID", requires = "url")]
    pid: Option<u32>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

fn lasts(text: &str) -> std::result::Result<Duration, String> {
    match parse_duration_ms(text) {
        Ok(ms @ 1..=60_000) => Ok(Duration::from_millis(ms.unsigned_abs())),
        Ok(_) => Err("should be above 0s and at most 1m".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// What came of so many users.
#[derive(Debug, Clone, Serialize)]
struct Step {
    users: usize,
    /// Requests that were answered.
    requests: usize,
    /// Those in a second.
    per_second: f64,
    p50_ms: f64,
    p90_ms: f64,
    p99_ms: f64,
    max_ms: f64,
    /// Requests that failed.
    failed: u64,
    /// Processor time of the server for a request, in microseconds.
    processor_us: Option<f64>,
    /// Whether that is beyond the breaking point.
    broken: bool,
    /// The first failure.
    failure: Option<String>,
}

impl Row for Step {
    const COLUMNS: &'static [&'static str] = &[
        "users",
        "requests",
        "per second",
        "p50 ms",
        "p90 ms",
        "p99 ms",
        "max ms",
        "failed",
        "processor us",
        "broken",
        "failure",
    ];

    fn cells(&self) -> Vec<Cell> {
        vec![
            (self.users as u64).into(),
            (self.requests as u64).into(),
            self.per_second.round().into(),
            self.p50_ms.into(),
            self.p90_ms.into(),
            self.p99_ms.into(),
            self.max_ms.into(),
            self.failed.into(),
            self.processor_us.into(),
            if self.broken { "yes" } else { "no" }.into(),
            self.failure.clone().into(),
        ]
    }
}

impl Step {
    fn new(n_users: usize, answers: Answers, processor_s: Option<f64>, slow: Duration) -> Self {
        let Answers { mut latencies_ms, n_failed, failure, elapsed } = answers;
        latencies_ms.sort_unstable_by(f32::total_cmp);
        let n = latencies_ms.len();
        let at = |share: f64| latencies_ms.get(((n as f64 * share) as usize).min(n.saturating_sub(1)));
        let at = |share: f64| at(share).map_or(f64::NAN, |ms| (f64::from(*ms) * 1e3).round() / 1e3);
        let n_asked = n as f64 + n_failed as f64;
        let is_late = at(0.99) > slow.as_secs_f64() * 1e3;
        Self {
            users: n_users,
            requests: n,
            per_second: n as f64 / elapsed.as_secs_f64(),
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            max_ms: at(1.0),
            failed: n_failed,
            processor_us: processor_s.filter(|_| n > 0).map(|s| (s / n as f64 * 1e7).round() / 10.0),
            broken: is_late || n == 0 || n_failed as f64 >= MAX_FAILED * n_asked,
            failure,
        }
    }
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::program(format!("cannot start threads: {error}")))?;
    runtime.block_on(async {
        let mut server = None;
        let result = tokio::select! {
            result = bench(args, &mut server) => result,
            _ = tokio::signal::ctrl_c() => Err(Failure::interrupted()),
        };
        if let Some(server) = server {
            server.stop().await;
        }
        result
    })
}

async fn bench(args: &Args, own: &mut Option<OwnServer>) -> Result<Outcome> {
    load::allow_connections();
    let url = match &args.url {
        Some(url) => url.clone(),
        None => own.insert(OwnServer::launch()?).ready().await?,
    };
    let token = if own.is_some() { None } else { args.token.clone() };
    let target = Arc::new(Target::new(&url, &args.path, token.as_deref())?);
    let bodies = match &args.body {
        Some(path) => bodies::of_file(path)?,
        None => {
            let client = Client::at(&url, token, PATIENCE)?;
            if own.is_some() {
                bodies::promote(&client, args.model.as_deref()).await?;
            }
            bodies::drawn(&client, args.batch.into(), args.reasons.into()).await?
        }
    };
    let pid = own.as_ref().and_then(OwnServer::pid).or(args.pid);
    let steps = steps(args, &target, &bodies.into(), pid).await?;
    list::list(args.format, &steps, "")?;
    tell_breaking_point(args, &steps);
    let is_asked_for = |step: &&Step| args.users.iter().any(|n| usize::from(*n) == step.users);
    Ok(Outcome::found(steps.iter().filter(is_asked_for).any(|step| step.failed > 0)))
}

/// The given numbers of users, then twice as many each time until the server breaks.
async fn steps(
    args: &Args,
    target: &Arc<Target>,
    bodies: &Arc<[bytes::Bytes]>,
    pid: Option<u32>,
) -> Result<Vec<Step>> {
    let mut steps: Vec<Step> = Vec::new();
    let mut given = args.users.iter().map(|n| usize::from(*n));
    let mut largest = 0;
    loop {
        let n_users = match given.next() {
            Some(n_users) => n_users,
            None if steps.iter().any(|step| step.broken) => break,
            None if largest < usize::from(args.most) => (2 * largest).min(args.most.into()),
            None => break,
        };
        largest = largest.max(n_users);
        remark(&format!("asking with {} for {:?}", counted(n_users as u64, "user"), args.lasts));
        let before_s = pid.and_then(server::processor_s);
        let answers = load::ask(target, bodies, n_users, args.lasts).await;
        let after_s = pid.and_then(server::processor_s);
        let used_s = after_s.zip(before_s).map(|(after, before)| after - before);
        let step = Step::new(n_users, answers, used_s, args.slow);
        if let (0, Some(why)) = (step.requests, &step.failure) {
            return Err(Failure::program(format!("no request was answered: {why}")));
        }
        steps.push(step);
    }
    Ok(steps)
}

fn tell_breaking_point(args: &Args, steps: &[Step]) {
    let bears = steps.iter().filter(|step| !step.broken).map(|step| step.users).max();
    let breaks = steps.iter().filter(|step| step.broken).map(|step| step.users).min();
    match (bears, breaks) {
        (Some(bears), Some(breaks)) if bears < breaks => {
            remark(&format!("the breaking point is between {bears} and {breaks} users"));
        }
        (None, Some(breaks)) => remark(&format!("the breaking point is below {breaks} users")),
        (Some(bears), None) if args.most > 0 => {
            remark(&format!("the breaking point is above {bears} users"));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_says_what_came_of_its_users() {
        #[track_caller]
        fn check(latencies_ms: Vec<f32>, n_failed: u64, expected: (f64, f64, f64, bool)) {
            let (elapsed, failure) = (Duration::from_secs(2), None);
            let answers = Answers { latencies_ms, n_failed, failure, elapsed };
            let step = Step::new(1, answers, None, Duration::from_secs(1));
            assert_eq!((step.per_second, step.p50_ms, step.p99_ms, step.broken), expected);
        }
        let even = |n: u16| (0..n).rev().map(f32::from).collect::<Vec<_>>();
        check(even(100), 0, (50.0, 50.0, 99.0, false));
        check(even(200), 1, (100.0, 100.0, 198.0, false));
        check(even(200), 3, (100.0, 100.0, 198.0, true));
        check(even(1_100), 0, (550.0, 550.0, 1_089.0, true));
    }

    #[test]
    fn durations_are_bounded() {
        assert_eq!(lasts("250ms"), Ok(Duration::from_millis(250)));
        for wrong in ["0s", "61s", "soon"] {
            assert!(lasts(wrong).is_err(), "{wrong}");
        }
    }
}
