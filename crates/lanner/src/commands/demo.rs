//! `lanner demo`: the first command a newcomer runs.
//!
//! Three weeks of two real series and a generated stream of payments pass through a real server: HTTP, store, engine,
//! messages to a real webhook. Only the clock is simulated: see [`story`].
//!
//! Reading order: [`story`] (what happens), `payments` and [`labelled`] (the data), [`hook`] (the receiver), `refusal`
//! (the kill switch), [`facts`] (the results), [`tell`] (the text), `families` (what there is to look at beside).

mod facts;
mod families;
mod hook;
mod labelled;
mod payments;
mod refusal;
mod story;
mod tell;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lanner_server::settings::{HTTP_PORT, parse_address};
use lanner_server::{Clock, Server, ServerError, Settings};
use lanner_wire::api::Time;

use self::facts::{Facts, Judged, StoryFacts};
use self::hook::Hook;
use self::story::{Feed, RULES, Times};
use super::serve::stop_signal;
use crate::client::Client;
use crate::failure::{Failure, Outcome, Result, remark};
use crate::output::{self, ReportFormat};

/// Watch Lanner find an outage in three weeks of data, within a minute.
///
/// Starts a server in a private folder, ingests two real series of the Numenta Anomaly Benchmark and generated
/// payments, lets a bank fail on the last day, and prints what was found, when, how late, and from when on the bank was
/// blocked. Then the server keeps running, with payments coming in, so that you can look around.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner demo
  lanner demo --rules
  lanner demo --exit --format json | jq .outage

Exit codes: 0 when the outage was found within one window, the bank named and its payments refused, else 3.")]
pub(crate) struct Args {
    /// Exit after printing the results, instead of serving until Ctrl-C.
    #[arg(long)]
    exit: bool,
    /// Empty folder to keep the data in; by default a temporary folder, removed at the end.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// HTTP listen address; by default 127.0.0.1:9797, or a free port if that is in use.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// Print the demo's rules and exit.
    #[arg(long)]
    rules: bool,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    if args.rules {
        output::text(RULES)?;
        return Ok(Outcome::Fine);
    }
    let folder = Folder::open(args.data.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::program(format!("cannot start threads: {error}")))?;
    runtime.block_on(demo(args, folder.path()))
}

/// The data folder of the demo.
enum Folder {
    Private(tempfile::TempDir),
    Kept(PathBuf),
}

impl Folder {
    fn open(kept: Option<&Path>) -> Result<Self> {
        let Some(path) = kept else {
            let folder = tempfile::Builder::new().prefix("lanner-demo-").tempdir();
            let failed = |error| Failure::program(format!("cannot make a temporary folder: {error}"));
            return folder
                .map(Self::Private)
                .map_err(|error| failed(error).hint("name a folder with --data"));
        };
        let is_used = std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
        if is_used {
            return Err(Failure::user(format!("the folder {} is not empty", path.display()))
                .hint("the demo does not mix its data with yours; name a new folder"));
        }
        Ok(Self::Kept(path.to_owned()))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Private(folder) => folder.path(),
            Self::Kept(path) => path,
        }
    }
}

async fn demo(args: &Args, folder: &Path) -> Result<Outcome> {
    let mut stop = std::pin::pin!(stop_signal()?);
    let times = Times::before(Clock::default().now_ms())?;
    let clock = Clock::stepped(times.start_ms);
    let server = start(args, folder, &clock).await?;
    let url = format!("http://{}", server.http_addr());
    let result = async {
        let client = Client::at(&url, None, Duration::from_secs(600))?;
        let hook = Hook::start(clock.clone()).await?;
        let mut feed = Feed::new(&client, times)?;
        let facts = tokio::select! {
            facts = tell_story(&server, &client, &hook, &mut feed, times) => facts?,
            () = &mut stop => return Err(Failure::interrupted()),
        };
        show(args, &facts)?;
        if !args.exit {
            families::feed(&client, times).await?;
            clock.run_on();
            remark(&invitation(&url, args.data.as_deref()));
            tokio::select! {
                () = keep_feeding(&clock, &mut feed) => {}
                () = &mut stop => {}
            }
        }
        facts.shortcoming().map_or(Ok(Outcome::Fine), |why| Err(Failure::program(why)))
    };
    let result = result.await;
    server.stop().await;
    result
}

/// Starts the server; on a free port if none was given and the default one is in use.
async fn start(args: &Args, folder: &Path, clock: &Clock) -> Result<Server> {
    let mut settings =
        Settings { carbon: None, carbon_pickle: None, clock: clock.clone(), ..Settings::new(folder) };
    if let Some(text) = &args.listen {
        settings.listen =
            parse_address(text, HTTP_PORT).map_err(|why| Failure::user(format!("--listen: {why}")))?;
    }
    let failed = |error: ServerError| Failure::program(error.to_string());
    match Server::start(settings.clone()).await {
        Err(ServerError::Listen { address, .. }) if args.listen.is_none() => {
            settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
            let server = Server::start(settings).await.map_err(failed)?;
            remark(&format!("{address} is taken; the demo listens on {}", server.http_addr()));
            Ok(server)
        }
        started => started.map_err(failed),
    }
}

async fn tell_story(
    server: &Server,
    client: &Client,
    hook: &Hook,
    feed: &mut Feed<'_>,
    times: Times,
) -> Result<Facts> {
    let started = Instant::now();
    let refusal = story::play(server, hook, feed, times).await?;
    let took_s = started.elapsed().as_secs_f64();
    let received = hook.received();
    let found = facts::found(client, &received).await?;
    let Judged { outage, false_alarms, series } = facts::judge(found, feed.series(), times);
    Ok(Facts {
        url: format!("http://{}", server.http_addr()),
        story: StoryFacts {
            start: Time(times.start_ms),
            watched_from: Time(times.watched_ms),
            end: Time(times.end_ms),
            took_s,
        },
        loaded: facts::loaded(client, feed.written()).await?,
        outage,
        refusal,
        false_alarms,
        series,
        webhook: facts::webhook(&hook.url, &received),
    })
}

fn show(args: &Args, facts: &Facts) -> Result<()> {
    match args.format {
        ReportFormat::Json => output::json(facts),
        ReportFormat::Text => output::styled(&format!("{}\n", tell::story(facts))),
    }
}

fn invitation(url: &str, folder: Option<&Path>) -> String {
    let kept = folder.map_or_else(String::new, |folder| format!("; the data stays in {}", folder.display()));
    // As it was started, so that the line works although nothing is installed.
    let lanner = std::env::args().next().unwrap_or_else(|| "lanner".to_owned());
    format!(
        "The server keeps running at {url}, on the demo's clock, with payments coming in. Try:\n\n  \
         {lanner} alert list --url {url}\n  \
         {lanner} demo --rules\n  \
         curl {url}/api/v1/alerts\n\n\
         Ctrl-C stops it{kept}"
    )
}

/// Writes what happens from now on, as it happens. A user or token that somebody makes shuts these payments out; there is still
/// all the rest to look at.
async fn keep_feeding(clock: &Clock, feed: &mut Feed<'_>) {
    let mut is_told = false;
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let is_refused = feed.write_until(clock.now_ms()).await.is_err();
        if is_refused && !is_told {
            remark("the server takes no more of the demo's payments; was a user or a token made?");
            is_told = true;
        }
    }
}
