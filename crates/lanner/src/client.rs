//! The server's API, as commands use it: over the network, or from a data folder by a server inside this process.
//!
//! Reading order: [`ServerArgs`] (where the server is), [`with`] (connect, work, leave), [`Client`].

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use lanner_core::cause::deepest;
use lanner_io::receiver::Secret;
use lanner_server::{Server, Settings};
use lanner_wire::api::{ErrorBody, ProblemView, WriteReport};
use reqwest::header::RETRY_AFTER;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;

use crate::failure::{Failure, Outcome, Result};
use crate::user;

/// How long a server that has too much to do is waited for.
const PATIENCE: Duration = Duration::from_secs(300);

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a server may take to say that it is there: whatever else it does, that costs it nothing.
const GREETING: Duration = Duration::from_secs(5);

/// Where the server is.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct ServerArgs {
    /// The server's address.
    #[arg(long, env = "LANNER_URL", default_value = "http://127.0.0.1:9797", value_name = "URL")]
    url: String,
    /// The token that the server wants, if it wants one.
    #[arg(long, env = "LANNER_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<String>,
    /// The data folder of a server that is not running, instead of a server's address.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How long an answer may take; of a long one, how long it may pause.
    #[arg(long, value_name = "DURATION", value_parser = timeout, default_value = "10m")]
    timeout: Duration,
}

fn timeout(text: &str) -> std::result::Result<Duration, String> {
    match lanner_core::time::parse_duration_ms(text) {
        Ok(ms) if ms > 0 => Ok(Duration::from_millis(ms.unsigned_abs())),
        Ok(_) => Err("should be longer than 0s".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

impl ServerArgs {
    /// The data folder to work on without a server.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.data.as_deref()
    }
}

/// What a command does with a data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Nothing in the folder changes.
    Read,
    /// Something in it changes.
    Change,
    /// The same, and the folder may be new.
    Fill,
}

/// Connects, reads until done or Ctrl-C, and leaves. Nothing in the data folder changes, if one was named.
pub(crate) fn with(args: &ServerArgs, work: impl AsyncFnOnce(&Client) -> Result<Outcome>) -> Result<Outcome> {
    with_access(args, Access::Read, work)
}

/// As [`with`], for work that changes something.
pub(crate) fn with_access(
    args: &ServerArgs,
    access: Access,
    work: impl AsyncFnOnce(&Client) -> Result<Outcome>,
) -> Result<Outcome> {
    if let Some(folder) = args.folder()
        && access != Access::Fill
        && !holds_data(folder)
    {
        let message = format!("{} is not a data folder: it contains no lanner.db", folder.display());
        return Err(Failure::user(message).hint("name the folder that `lanner serve --data` used"));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::program(format!("cannot start threads: {error}")))?;
    let result = runtime.block_on(Client::open(args, access)).and_then(|client| {
        let result = run(&runtime, Box::pin(work(&client)));
        runtime.block_on(client.close());
        result
    });
    // What still waits for input, such as a terminal, is not waited for.
    runtime.shutdown_background();
    result
}

/// Whether it held data once: a log without its file is a matter for the store, which says more.
fn holds_data(folder: &Path) -> bool {
    ["lanner.db", "lanner.db-wal"].iter().any(|name| folder.join(name).is_file())
}

/// One function for the work of all commands: a runtime's code for each of them would take longer to build than they do.
fn run(runtime: &Runtime, work: Pin<Box<dyn Future<Output = Result<Outcome>> + '_>>) -> Result<Outcome> {
    runtime.block_on(async {
        tokio::select! {
            result = work => result,
            _ = tokio::signal::ctrl_c() => Err(Failure::interrupted()),
        }
    })
}

/// A connection to a server.
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    token: Option<String>,
    actor: String,
    timeout: Duration,
    /// The server inside this process, when the data folder was named.
    inside: Option<Server>,
}

/// Parameters after the `?`; those without a value are left out.
pub(crate) type Parameters<'a> = &'a [(&'a str, Option<&'a str>)];

impl Client {
    async fn open(args: &ServerArgs, access: Access) -> Result<Self> {
        let client = match args.folder() {
            None => Self::at(&args.url, args.token.clone(), args.timeout)?,
            Some(folder) => {
                // Known to this process alone: while its server runs, others on this machine can reach it.
                let token = random_token()?;
                let server = start_inside(folder, &token, access).await?;
                let url = format!("http://{}", server.http_addr());
                Self { inside: Some(server), ..Self::at(&url, Some(token), args.timeout)? }
            }
        };
        match client.greet().await {
            Ok(()) => Ok(client),
            Err(failure) => {
                client.close().await;
                Err(failure)
            }
        }
    }

    /// Finds out within seconds that nobody is there who speaks HTTP.
    async fn greet(&self) -> Result<()> {
        let greeting = self.request(Method::GET, &["healthz"], &[])?.timeout(GREETING.min(self.timeout));
        greeting.send().await.map(drop).map_err(|error| {
            if error.is_connect() && !error.is_timeout() {
                return self.unreachable(&error);
            }
            let why = if error.is_timeout() { format!("nothing within {} s", GREETING.as_secs()) } else { deepest(&error) };
            let hint = "is it the HTTP port (9797 by default) and not that of carbon or another program, with http or https as the server has it? Set the address with --url";
            Failure::program(format!("no answer from {}: {why}", self.base)).hint(hint)
        })
    }

    /// A connection to the server at `url`, whose answers may each take `timeout`.
    pub(crate) fn at(url: &str, token: Option<String>, timeout: Duration) -> Result<Self> {
        let base = parse_base(url)?;
        let mut builder = reqwest::Client::builder().connect_timeout(CONNECT).read_timeout(timeout);
        // A machine without authorities has servers all the same, most of them without TLS.
        builder = builder.tls_backend_preconfigured(lanner_io::remote::client_config());
        if base.host_str().is_some_and(|host| ["127.0.0.1", "localhost", "[::1]"].contains(&host)) {
            // A proxy leads elsewhere than to this machine.
            builder = builder.no_proxy();
        }
        let http = builder
            .build()
            .map_err(|error| Failure::program(format!("cannot start HTTP: {}", deepest(&error))))?;
        Ok(Self { http, base, token, actor: user::name(), timeout, inside: None })
    }

    /// The same server, shown another token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self {
            http: self.http.clone(),
            base: self.base.clone(),
            token: Some(token.to_owned()),
            actor: self.actor.clone(),
            timeout: self.timeout,
            inside: None,
        }
    }

    async fn close(self) {
        drop(self.http);
        if let Some(server) = self.inside {
            server.stop().await;
        }
    }

    /// The store, where this process holds the data folder.
    pub(crate) fn store(&self) -> Option<&lanner_io::store::Store> {
        self.inside.as_ref().map(|server| server.store())
    }

    /// Compresses what was written, where this process holds the data folder; a running server does so by and by.
    pub(crate) async fn seal(&self) -> Result<()> {
        let Some(server) = &self.inside else { return Ok(()) };
        let store = server.store().clone();
        let sealed = tokio::task::spawn_blocking(move || store.seal()).await;
        let sealed = sealed.map_err(|error| Failure::program(format!("compressing failed: {error}")))?;
        sealed.map(drop).map_err(|error| {
            Failure::program(format!("cannot compress the imported data: {error}"))
                .hint("nothing is lost; the next server with this folder compresses it")
        })
    }

    /// Who this is, for those who read what was changed.
    pub(crate) fn actor(&self) -> &str {
        &self.actor
    }

    /// Asks for JSON.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        parameters: Parameters<'_>,
    ) -> Result<T> {
        let answer = self.ask(self.request(Method::GET, path, parameters)?).await?;
        read(&answer)
    }

    /// Asks for a body to be read piece by piece.
    pub(crate) async fn stream(&self, path: &[&str], parameters: Parameters<'_>) -> Result<Response> {
        self.send(self.request(Method::GET, path, parameters)?).await
    }

    /// Sends JSON, receives JSON.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &[&str], body: &impl Serialize) -> Result<T> {
        let answer = self.ask(self.request(Method::POST, path, &[])?.json(body)).await?;
        read(&answer)
    }

    /// Sends lines of JSON, receives JSON.
    pub(crate) async fn post_lines<T: DeserializeOwned>(&self, path: &[&str], lines: Vec<u8>) -> Result<T> {
        let request = self.request(Method::POST, path, &[])?.header("Content-Type", "application/x-ndjson");
        read(&self.ask(request.body(lines)).await?)
    }

    /// Sends JSON that is answered with nothing.
    pub(crate) async fn tell(&self, path: &[&str], body: &impl Serialize) -> Result<()> {
        self.send(self.request(Method::POST, path, &[])?.json(body)).await.map(drop)
    }

    /// Asks for something to be done that answers nothing.
    pub(crate) async fn act(&self, method: Method, path: &[&str]) -> Result<()> {
        self.act_with(method, path, &[]).await
    }

    /// As [`Client::act`], with parameters.
    pub(crate) async fn act_with(
        &self,
        method: Method,
        path: &[&str],
        parameters: Parameters<'_>,
    ) -> Result<()> {
        self.send(self.request(method, path, parameters)?.timeout(self.timeout)).await.map(drop)
    }

    /// Sends a batch of data. A server that is busy is waited for.
    pub(crate) async fn write(
        &self,
        path: &[&str],
        parameters: Parameters<'_>,
        body: Vec<u8>,
    ) -> Result<WriteReport> {
        let started = std::time::Instant::now();
        let body = Bytes::from(body);
        loop {
            let request =
                self.request(Method::POST, path, parameters)?.body(body.clone()).timeout(self.timeout);
            let response = request.send().await.map_err(|error| self.unreachable(&error))?;
            let status = response.status();
            let is_busy = matches!(status.as_u16(), 429 | 503 | 507) && started.elapsed() < PATIENCE;
            if is_busy {
                tokio::time::sleep(retry_after(&response)).await;
                continue;
            }
            if status == StatusCode::NO_CONTENT {
                return Ok(WriteReport::default());
            }
            let text = response.text().await.map_err(|error| self.unreachable(&error))?;
            let report = serde_json::from_str::<WriteReport>(&text);
            return match report {
                Ok(report) if status.is_success() || status == StatusCode::BAD_REQUEST => Ok(report),
                _ => Err(refusal(status, &text)),
            };
        }
    }

    fn request(&self, method: Method, path: &[&str], parameters: Parameters<'_>) -> Result<RequestBuilder> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        for (name, value) in parameters {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        let actor: String = self.actor.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').collect();
        let request = self.http.request(method, url).header("X-Lanner-Actor", actor);
        Ok(match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let text = response.text().await.unwrap_or_default();
        Err(refusal(status, &text))
    }

    async fn ask(&self, request: RequestBuilder) -> Result<Bytes> {
        let answer = self.send(request.timeout(self.timeout)).await?.bytes().await;
        answer.map_err(|error| if error.is_timeout() { self.unreachable(&error) } else { unreadable(&error) })
    }

    /// Why there was no answer.
    pub(crate) fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let message = format!("no answer from {}: {}", self.base, deepest(error));
        if error.is_timeout() && !error.is_connect() {
            let waited = lanner_core::time::format_duration(self.timeout.as_millis() as i64);
            Failure::program(format!("no answer from {} within {waited}", self.base))
                .hint("the server may still complete the request; see its log, or wait longer with --timeout")
        } else if self.base.scheme() == "https" && message.contains("InvalidContentType") {
            Failure::program(message)
                .hint("it speaks plain HTTP there; write http:// in front of its address")
        } else if error.is_connect() {
            Failure::program(message).hint(
                "is `lanner serve` running? Name another address with --url, or use --data DIR without a server",
            )
        } else {
            Failure::program(message)
        }
    }
}

fn random_token() -> Result<String> {
    lanner_server::access::tokens::random().map_err(Failure::program)
}

async fn start_inside(folder: &Path, token: &str, access: Access) -> Result<Server> {
    let settings = Settings {
        token: Some(Secret::Text(token.to_owned())),
        token_name: format!("data folder ({})", user::name()),
        listen: std::net::SocketAddr::from(([127, 0, 0, 1], 0)),
        carbon: None,
        carbon_pickle: None,
        evaluate: false,
        read_only: access == Access::Read,
        ..Settings::new(folder)
    };
    let failed = |error| Failure::user(format!("cannot use the data folder {}: {error}", folder.display()));
    Server::start(settings).await.map_err(failed)
}

fn parse_base(text: &str) -> Result<Url> {
    let wrong = |why: &str| {
        Failure::user(format!("--url {text}: {why}")).hint("write for example http://127.0.0.1:9797")
    };
    let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.cannot_be_a_base() {
        return Err(wrong("is not an http or https address"));
    }
    Ok(url)
}

fn retry_after(response: &Response) -> Duration {
    let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(1).clamp(1, 60))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| unreadable(&error))
}

fn unreadable(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::program(format!("the server's answer cannot be read: {}", deepest(error)))
        .hint("is it a Lanner server of the same version?")
}

/// What the server refused, and why.
fn refusal(status: StatusCode, text: &str) -> Failure {
    let body = serde_json::from_str::<ErrorBody>(text).unwrap_or_else(|_| {
        let text: String = text.chars().take(300).collect();
        ErrorBody::new(format!("the server answers {status} {}", text.trim()).trim())
    });
    let mut message = body.error;
    for problem in &body.problems {
        message.push_str(&format!("\n  {}", problem_text(problem)));
    }
    let failure = if status.is_server_error() { Failure::program(message) } else { Failure::user(message) };
    if status == StatusCode::UNAUTHORIZED {
        return failure.hint("pass it with --token or LANNER_TOKEN");
    }
    failure
}

/// `rules[0].window: "30" is not a duration (write 30m)`
pub(crate) fn problem_text(problem: &ProblemView) -> String {
    let mut text = String::new();
    if let Some(path) = &problem.path {
        text.push_str(&format!("{path}: "));
    }
    if let Some(line) = problem.line {
        text.push_str(&format!("line {line}: "));
    }
    text.push_str(&problem.message);
    if let Some(hint) = &problem.hint {
        text.push_str(&format!(" ({hint})"));
    }
    text
}
