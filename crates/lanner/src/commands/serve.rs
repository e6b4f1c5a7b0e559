//! `lanner serve`: runs the server until it is asked to stop.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use lanner_core::{Cause, Problems};
use lanner_io::receiver::{Power, Secret};
use lanner_server::configuration::asked::ReloadError;
use lanner_server::configuration::handlers::response;
use lanner_server::configuration::service::ConfigurationService;
use lanner_server::documents::{ApplyError, ApplyOptions, CONFIGURATION, Prune};
use lanner_server::http::problem_view;
use lanner_server::settings::{CARBON_PICKLE_PORT, CARBON_PORT, HTTP_PORT, Roles, parse_address};
use lanner_server::{Front, Server, Settings, Worker};
use lanner_wire::api::ReloadView;
use serde_json::Value;
use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::check;
use crate::failure::{self, Failure, Outcome, Result, remark};
use crate::files::{self, Loaded};
use crate::log;
use crate::output;
use crate::systemd;

/// The default data folder.
const DEFAULT_FOLDER: &str = "lanner-data";

/// Run the server: ingest data, evaluate rules, send notifications.
///
/// Needs no configuration. Rules of the configuration replace those that it contained before; rules made with `lanner
/// apply` or over the API stay. Options take precedence over environment variables, and these over the configuration.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner serve
  lanner serve --config lanner.yaml --data /var/lib/lanner
  lanner serve --config /etc/lanner --log-format json
  lanner serve --allow log
  lanner serve --config lanner.yaml --role api,notify
  lanner serve --config lanner.yaml --role api --data /var/lib/lanner-api --listen 0.0.0.0:9797
  lanner serve --config lanner.yaml --role worker --data /var/lib/lanner-worker --listen 127.0.0.1:9801
  LANNER_TOKEN=... lanner serve --listen 0.0.0.0:9797 --carbon off

Ctrl-C or SIGTERM stops it; acknowledged data is on disk. SIGHUP, or `lanner reload`, reads the configuration again.")]
pub(crate) struct Args {
    /// YAML file, or folder of files, with rules, receivers and settings.
    #[arg(long, env = "LANNER_CONFIG", value_name = "FILE|FOLDER")]
    config: Option<PathBuf>,
    /// Data folder, created if missing; by default lanner-data in the current folder.
    #[arg(long, env = "LANNER_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// HTTP listen address; by default 127.0.0.1:9797. Addresses other than loopback need a token.
    #[arg(long, env = "LANNER_LISTEN", value_name = "ADDRESS")]
    listen: Option<String>,
    /// Listen address of carbon's plaintext protocol, or off; by default 127.0.0.1:2003.
    #[arg(long, env = "LANNER_CARBON", value_name = "ADDRESS|off")]
    carbon: Option<String>,
    /// Listen address of carbon's pickle protocol, or off; by default 127.0.0.1:2004, but off if --carbon is given.
    #[arg(long, env = "LANNER_CARBON_PICKLE", value_name = "ADDRESS|off")]
    carbon_pickle: Option<String>,
    /// Token that callers must send.
    #[arg(long, env = "LANNER_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<String>,
    /// What receivers created over the API may do on this machine; those in the configuration may do everything.
    #[arg(long, env = "LANNER_ALLOW", value_delimiter = ',', value_parser = Power::parse, value_name = "command,log,file,env")]
    allow: Vec<Power>,
    /// Which part of the work this server does; by default all. Servers share it by a state in a database (server.state).
    #[arg(long, env = "LANNER_ROLE", value_delimiter = ',', value_name = "all|api,notify|api|worker")]
    role: Vec<String>,
    /// Format of the log, which is written to standard error.
    #[arg(long, value_enum, default_value_t)]
    log_format: LogFormat,
    /// What to log, such as warn, debug or info,lanner_server=debug.
    #[arg(long, env = "LANNER_LOG", default_value = "info", value_name = "FILTER")]
    log: String,
}

/// Formats of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// Text, for people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    start_log(args)?;
    let loaded = match &args.config {
        Some(path) => Some(configuration(path)?),
        None => None,
    };
    let settings = settings(args, loaded.as_ref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::program(format!("cannot start threads: {error}")))?;
    let document = loaded.map(|loaded| Value::Object(loaded.document()));
    let reread = args.config.clone().map(|path| Reread { path, args });
    let served = runtime.block_on(serve(settings, document, reread.as_ref()));
    // Work that would not end in time is not waited for.
    runtime.shutdown_background();
    served.map(|()| Outcome::Fine)
}

fn start_log(args: &Args) -> Result<()> {
    let wanted = log_filter(&args.log).map_err(|why| {
        Failure::user(format!("--log {}: {why}", args.log))
            .hint("write for example info, or warn,lanner_server=debug")
    })?;
    let log = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE);
    match args.log_format {
        LogFormat::Json => {
            log.with_writer(log::json_writer).json().flatten_event(true).finish().with(wanted).init();
        }
        LogFormat::Text => {
            let has_colours = failure::colours(&std::io::stderr());
            let log = log.with_writer(std::io::stderr).with_ansi(has_colours).with_target(false);
            log.fmt_fields(log::fields()).finish().with(wanted).init();
        }
    }
    Ok(())
}

/// A word alone is a level: the library would take any other for the name of a module, and log nothing else. The client of Kafka is
/// heard where it is named, or with everything: what it warns of, Lanner says in its own words.
fn log_filter(text: &str) -> std::result::Result<Targets, String> {
    for word in text.split(',').map(str::trim).filter(|part| !part.contains('=')) {
        word.parse::<LevelFilter>().map_err(|_| {
            format!("\"{word}\" is not a level; write error, warn, info, debug, trace or off")
        })?;
    }
    let targets: Targets = text.parse().map_err(|error: ParseError| error.to_string())?;
    let is_usual = matches!(targets.default_level(), Some(LevelFilter::WARN | LevelFilter::INFO));
    Ok(if is_usual && !text.contains("krafka") {
        targets.with_target("krafka", LevelFilter::ERROR)
    } else {
        targets
    })
}

fn configuration(path: &std::path::Path) -> Result<Loaded> {
    let loaded = files::load(&[path.to_owned()])?;
    if loaded.problems.is_empty() {
        return Ok(loaded);
    }
    output::styled(&check::rendered(&loaded))?;
    Err(Failure::user(check::summary(&loaded)).hint("fix the problems above"))
}

/// Options and environment over the configuration over the defaults.
fn settings(args: &Args, loaded: Option<&Loaded>) -> Result<Settings> {
    let mut settings = Settings::new(DEFAULT_FOLDER);
    if let Some(Loaded { config, .. }) = loaded {
        // Problems were reported when the files were read.
        let _ = settings.read(config.into());
    }
    if let Some(folder) = &args.data {
        settings.folder.clone_from(folder);
    }
    let wrong = |option: &str| {
        let option = option.to_owned();
        move |why: String| Failure::user(format!("{option}: {why}"))
    };
    if let Some(text) = &args.listen {
        settings.listen = parse_address(text, HTTP_PORT).map_err(wrong("--listen"))?;
    }
    let address_or_off = |text: &str, port: u16| match text {
        "off" => Ok(None),
        address => parse_address(address, port).map(Some),
    };
    if let Some(text) = &args.carbon {
        settings.carbon = address_or_off(text, CARBON_PORT).map_err(wrong("--carbon"))?;
        settings.carbon_pickle = None;
    }
    if let Some(text) = &args.carbon_pickle {
        settings.carbon_pickle =
            address_or_off(text, CARBON_PICKLE_PORT).map_err(wrong("--carbon-pickle"))?;
    }
    if let Some(token) = &args.token {
        settings.token = Some(Secret::Text(token.clone()));
    }
    settings.allow.extend(&args.allow);
    if !args.role.is_empty() {
        settings.roles = Roles::of(&args.role).map_err(wrong("--role"))?;
    }
    Ok(settings)
}

async fn serve(settings: Settings, document: Option<Value>, reread: Option<&Reread<'_>>) -> Result<()> {
    // Asked for before anything starts, so that an early Ctrl-C ends as cleanly as a late one.
    let mut stop = std::pin::pin!(stop_signal()?);
    let mut hang_up = hang_up()?;
    match settings.roles {
        Roles::Worker => return work(settings, stop).await,
        Roles::Api => return hand_on(settings, stop).await,
        Roles::All | Roles::ApiNotify => {}
    }
    let folder = std::path::absolute(&settings.folder).unwrap_or_else(|_| settings.folder.clone());
    // A standby, and who waits for a database, may wait for long.
    let opened = tokio::select! {
        opened = Server::open(settings) => opened,
        () = &mut stop => return Ok(()),
    };
    let mut server = opened.map_err(|error| Failure::program(error.to_string()))?;
    let applied = tokio::select! {
        applied = apply(&server.services().configuration, document) => applied.map(Some),
        () = &mut stop => Ok(None),
    };
    let mut replaced = None;
    if let Ok(Some(start)) = applied {
        // Not before: an event must find its processors, and a question the switches.
        server.accept();
        tell(&server, &folder);
        systemd::ready();
        tokio::select! {
            () = stop => {}
            () = reload_when_asked(&server, reread, &mut hang_up, start) => {}
            why = server.replaced() => replaced = Some(why),
        }
        if std::io::stderr().is_terminal() {
            remark("stopping; acknowledged data is on disk");
        }
    }
    systemd::stopping();
    // To take a million series apart takes seconds, and the process ends anyway: what must be written is, by then.
    std::mem::forget(server.services().clone());
    server.stop().await;
    match replaced {
        Some(why) => Err(Failure::program(format!("this server was replaced: {why}"))
            .hint("start it again, and it waits as a standby")),
        None => applied.map(|_| ()),
    }
}

/// Runs a worker until it is asked to stop. Of the configuration it needs the settings and the sources; rules come from the
/// state.
async fn work(settings: Settings, mut stop: std::pin::Pin<&mut impl Future<Output = ()>>) -> Result<()> {
    let started = tokio::select! {
        started = Worker::start(settings) => started,
        () = &mut stop => return Ok(()),
    };
    let worker = started.map_err(|error| Failure::program(error.to_string()))?;
    remark(&format!("Lanner works; http://{}/readyz says whether it does", worker.address()));
    systemd::ready();
    stop.await;
    systemd::stopping();
    worker.stop().await;
    Ok(())
}

/// Runs a server with the role api until it is asked to stop. Of the configuration it needs the settings.
async fn hand_on(settings: Settings, mut stop: std::pin::Pin<&mut impl Future<Output = ()>>) -> Result<()> {
    let started = tokio::select! {
        started = Front::start(settings) => started,
        () = &mut stop => return Ok(()),
    };
    let front = started.map_err(|error| Failure::program(error.to_string()))?;
    remark(&format!("Lanner answers at http://{}, and hands on what others have to answer", front.address()));
    systemd::ready();
    stop.await;
    systemd::stopping();
    front.stop().await;
    Ok(())
}

/// What became of the configuration as the server started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// It is in force.
    Applied,
    /// It cannot be written now: what was stored before is in force.
    Unwritable,
}

/// Makes the configuration take effect; what it had before and has no more is deleted.
async fn apply(service: &Arc<ConfigurationService>, document: Option<Value>) -> Result<Start> {
    let Some(document) = document else { return Ok(Start::Applied) };
    match lanner_server::configuration::apply::apply(service, &document, &own_options()).await {
        Ok(_) => Ok(Start::Applied),
        // Without switches and alerts everybody would be worse off than with those of yesterday.
        Err(ApplyError::Store(error)) if error.passes() => {
            tracing::error!("the configuration has changed and is not in force yet: {error}");
            Ok(Start::Unwritable)
        }
        Err(ApplyError::Problems(problems)) => {
            Err(Failure::user(format!("the configuration conflicts with what is stored:\n{problems}"))
                .hint("fix the configuration, or what it refers to with `lanner rule`"))
        }
        Err(error) => Err(Failure::program(error.to_string())),
    }
}

/// How the server's own configuration is applied.
fn own_options() -> ApplyOptions {
    // What the guard objects to is done: who writes the server's configuration has the last word.
    ApplyOptions {
        actor: CONFIGURATION.to_owned(),
        cause: Cause::Configuration,
        prune: Prune::Own,
        force: true,
        ..ApplyOptions::default()
    }
}

/// The configuration file, to be read again.
struct Reread<'a> {
    path: PathBuf,
    args: &'a Args,
}

/// How often it is tried to put a configuration in force that could not be written.
const AGAIN: Duration = Duration::from_secs(10);

/// Reads the configuration again whenever the process is told to (SIGHUP), or the API asks, and as long as it could
/// not be written. Never comes.
async fn reload_when_asked(
    server: &Server,
    reread: Option<&Reread<'_>>,
    hang_up: &mut HangUp,
    mut start: Start,
) {
    let Some(reread) = reread else {
        loop {
            hang_up.recv().await;
            tracing::warn!("cannot reload the configuration: the server was started without --config");
        }
    };
    let mut asked = server.services().configuration.reloads.listen();
    loop {
        let answer = tokio::select! {
            () = hang_up.recv() => None,
            answer = asked.recv() => answer,
            () = tokio::time::sleep(AGAIN), if start == Start::Unwritable => None,
        };
        let outcome = reread.reload(&server.services().configuration).await;
        match &outcome {
            Ok(view) => {
                start = Start::Applied;
                log_reload(view);
            }
            Err(ReloadError::Problems(problems)) => {
                for problem in problems {
                    let place = problem.path.as_deref().unwrap_or_default();
                    tracing::error!("the configuration is unchanged: {place}: {}", problem.message);
                }
            }
            Err(ReloadError::Failed(why)) => tracing::error!("the configuration is unchanged: {why}"),
            Err(ReloadError::NoFile) => {}
        }
        if let Some(answer) = answer {
            // Who asked may be gone by now.
            let _ = answer.send(outcome);
        }
    }
}

fn log_reload(view: &ReloadView) {
    tracing::info!("the configuration was reloaded");
    if !view.restart.is_empty() {
        let waiting = view.restart.join(", ");
        tracing::warn!("changed in the configuration, but in force only after a restart: {waiting}");
    }
}

impl Reread<'_> {
    /// Reads everything and checks it before anything changes.
    async fn reload(
        &self,
        service: &Arc<ConfigurationService>,
    ) -> std::result::Result<ReloadView, ReloadError> {
        let failed = |failure: Failure| ReloadError::Failed(failure.text());
        let loaded = files::load(std::slice::from_ref(&self.path)).map_err(failed)?;
        if !loaded.problems.is_empty() {
            return Err(ReloadError::Problems(loaded.problem_views()));
        }
        let settings = settings(self.args, Some(&loaded)).map_err(failed)?;
        let document = Value::Object(loaded.document());
        let applied = lanner_server::configuration::apply::apply(service, &document, &own_options()).await;
        let outcome = applied.map_err(|error| match error {
            ApplyError::Problems(Problems(problems)) => {
                ReloadError::Problems(problems.into_iter().map(problem_view).collect())
            }
            error => ReloadError::Failed(error.to_string()),
        })?;
        let changed = lanner_server::configuration::reload::change_settings(service, &settings);
        let (now, restart) = changed.map_err(|error| ReloadError::Failed(error.to_string()))?;
        Ok(ReloadView { applied: response(outcome, false), settings: now, restart })
    }
}

fn tell(server: &Server, folder: &std::path::Path) {
    let others = server.listening().filter(|(name, _)| *name != "http");
    let others: String =
        others.map(|(name, address)| format!(", {} on {address}", name.replace('_', " "))).collect();
    remark(&format!("Lanner listens on {}{others}; its data is in {}", server.url(), folder.display()));
}

/// Tells when the process is asked to read its configuration again.
struct HangUp {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

fn hang_up() -> Result<HangUp> {
    #[cfg(unix)]
    {
        let signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup());
        let failed = |error: std::io::Error| Failure::program(format!("cannot listen for signals: {error}"));
        Ok(HangUp { signal: signal.map_err(failed)? })
    }
    #[cfg(not(unix))]
    Ok(HangUp {})
}

impl HangUp {
    async fn recv(&mut self) {
        #[cfg(unix)]
        {
            if self.signal.recv().await.is_some() {
                return;
            }
        }
        std::future::pending::<()>().await;
    }
}

/// Comes when the process is asked to stop.
pub(crate) fn stop_signal() -> Result<impl Future<Output = ()>> {
    let failed = |error: std::io::Error| Failure::program(format!("cannot listen for signals: {error}"));
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    {
        Ok(async move {
            // Without signals only the end of the process stops it.
            if tokio::signal::ctrl_c().await.map_err(failed).is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}
