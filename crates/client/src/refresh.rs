//! The background task: follows the server's stream of changes, and polls if the stream does not work.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lanner_core::cause::deepest;
use lanner_switch::Delta;
use reqwest::header::{HeaderMap, IF_NONE_MATCH, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, RequestBuilder, Response, StatusCode, Url};
use serde_json::Value;

use crate::counts::Told;
use crate::error::ConnectError;
use crate::options::Options;
use crate::state::SwitchState;

/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long the stream may say nothing; the server shows every 5 s that it lives.
const SILENCE: Duration = Duration::from_secs(20);
/// The first wait after something failed; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// A snapshot larger than this is refused.
const MAX_SNAPSHOT_BYTES: usize = 256 << 20;
/// How long a server is left alone at most, whatever it asks for.
const MAX_LEFT_ALONE: Duration = Duration::from_mins(10);
/// How often the server is told what is held, and how long that waits after a change.
const REPORT_EVERY: Duration = Duration::from_secs(20);
const REPORT_AT_LEAST: Duration = Duration::from_secs(4);
/// A longer name is cut.
const MAX_NAME: usize = 100;
const CLIENT_HEADER: &str = "x-lanner-client";
const NONCE_HEADER: &str = "x-lanner-nonce";
const SIGNED_TIME_HEADER: &str = "x-lanner-now-signature";
/// A line of the stream longer than this ends it.
const MAX_LINE_BYTES: usize = 64 << 10;

/// A client for the server at `base`.
fn http(base: &Url, mut builder: ClientBuilder) -> reqwest::Result<Client> {
    builder = builder.connect_timeout(TIMEOUT).tcp_nodelay(true);
    if base.host_str().is_some_and(|host| ["127.0.0.1", "localhost", "[::1]"].contains(&host)) {
        // A proxy leads elsewhere than to this machine.
        builder = builder.no_proxy();
    }
    builder.build()
}

/// The server.
#[derive(Debug)]
pub(crate) struct Remote {
    http: Client,
    snapshot: Url,
    stream: Url,
    counts: Url,
    clients: Url,
    token: Option<String>,
    name: String,
    /// Until when the server asked to be left alone.
    left_alone_until: Mutex<Option<Instant>>,
}

impl Remote {
    pub(crate) fn new(options: &Options) -> Result<Self, ConnectError> {
        let wrong = |why: &str| ConnectError::Url { url: options.url.clone(), why: why.to_owned() };
        let base = Url::parse(&options.url).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(wrong("it is neither http nor https"));
        }
        let at = |name: &str| {
            let mut url = base.clone();
            if let Ok(mut path) = url.path_segments_mut() {
                path.pop_if_empty().extend(["api", "v1", "switches", name]);
            }
            url
        };
        // Fails when the program has chosen one before, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let built = http(&base, Client::builder()).or_else(|error| match base.scheme() {
            // A small container has no certificate authorities, and without TLS needs none.
            "http" => http(&base, Client::builder().tls_certs_only([])),
            _ => Err(error),
        });
        let http = built.map_err(|error| ConnectError::Http(deepest(&error)))?;
        Ok(Self {
            http,
            snapshot: at("snapshot"),
            stream: at("stream"),
            counts: at("counts"),
            clients: at("clients"),
            token: options.token.clone(),
            name: options.name.chars().filter(char::is_ascii_graphic).take(MAX_NAME).collect(),
            left_alone_until: Mutex::default(),
        })
    }

    fn get(&self, url: &Url) -> RequestBuilder {
        self.authorized(self.http.get(url.clone())).header(CLIENT_HEADER, &self.name)
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Waits for as long as the server asked to be left alone.
    async fn leave_alone(&self) {
        let until = *self.left_alone_until.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wait) = until.and_then(|until| until.checked_duration_since(Instant::now())) {
            tokio::time::sleep(wait).await;
        }
    }

    /// Notes for how long an answer asks to be left alone.
    fn heed(&self, response: &Response) {
        let asks = response.status() == StatusCode::TOO_MANY_REQUESTS || response.status().is_server_error();
        let seconds =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        if let Some(seconds) = seconds.filter(|_| asks) {
            let until = Instant::now() + Duration::from_secs(seconds).min(MAX_LEFT_ALONE);
            *self.left_alone_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
        }
    }

    /// Fetches what is new, and notes why if that fails. Returns whether it worked.
    pub(crate) async fn refresh(&self, held: &SwitchState) -> bool {
        match self.fetch(held).await {
            Ok(()) => true,
            Err(why) => {
                held.fail(why);
                false
            }
        }
    }

    /// Fetches what changed, or all if that is unknown or does not fit.
    async fn fetch(&self, held: &SwitchState) -> Result<(), String> {
        let tag = held.tag();
        let Some(document) = self.ask(held, tag.as_deref()).await? else {
            held.confirm();
            return Ok(());
        };
        if !Delta::is_one(&document) {
            return held.take(&document).await;
        }
        let Err(why) = held.take_delta(&document).await else { return Ok(()) };
        tracing::debug!("a change of kill switches is fetched whole: {why}");
        match self.ask(held, None).await? {
            Some(document) => held.take(&document).await,
            None => Err("the server answers what was not asked".to_owned()),
        }
    }

    /// What the server has; `None` if that is what has this tag.
    async fn ask(&self, held: &SwitchState, tag: Option<&str>) -> Result<Option<Value>, String> {
        self.leave_alone().await;
        let nonce = nonce();
        let mut url = self.snapshot.clone();
        if let Some(tag) = tag {
            url.query_pairs_mut().append_pair("since", tag);
        }
        let mut request = self.get(&url).timeout(TIMEOUT).header(NONCE_HEADER, &nonce);
        if let Some(tag) = tag {
            request = request.header(IF_NONE_MATCH, format!("\"{tag}\""));
        }
        let mut response = request.send().await.map_err(|error| unreachable(&error))?;
        self.heed(&response);
        let document = match response.status() {
            StatusCode::NOT_MODIFIED if tag.is_some() => None,
            StatusCode::OK => Some(json(&mut response).await?),
            status => return Err(format!("the server answers {status}")),
        };
        // Only what is an answer says what time it is.
        if document.as_ref().is_none_or(|document| document.get("format").is_some())
            && let Some(now_ms) = server_ms(response.headers())
        {
            let signature = response.headers().get(SIGNED_TIME_HEADER).and_then(|value| value.to_str().ok());
            held.set_clock(now_ms, held.is_time_signed(now_ms, &nonce, signature));
        }
        Ok(document)
    }

    /// Tells what switches did. Returns whether that is done with.
    async fn tell(&self, counts: &Told) -> bool {
        let request = self.authorized(self.http.post(self.counts.clone()).timeout(TIMEOUT));
        let body = serde_json::json!({ "counts": counts }).to_string();
        // A server of an earlier release does not want to know.
        let is_done = |status: StatusCode| status.is_success() || status == StatusCode::NOT_FOUND;
        request.body(body).send().await.is_ok_and(|response| is_done(response.status()))
    }

    /// Tells what is held, and a few of the contexts that were asked. A server of an earlier release does not want to know.
    async fn report(&self, held: &SwitchState) {
        let (revision, tag, problem) = held.report();
        let texts = held.sample.take();
        let contexts: Vec<Value> = texts.iter().filter_map(|text| serde_json::from_str(text).ok()).collect();
        let body = serde_json::json!({
            "client": self.name, "revision": revision, "tag": tag, "problem": problem, "contexts": contexts,
            "file_problem": held.file_problem(),
        });
        let request = self.authorized(self.http.post(self.clients.clone()).timeout(TIMEOUT));
        if let Err(error) = request.body(body.to_string()).send().await {
            tracing::debug!("cannot report the held revision to the server: {}", unreachable(&error));
        }
    }

    /// Follows the stream until it breaks. Returns why.
    async fn follow(&self, held: &SwitchState) -> Result<(), String> {
        self.leave_alone().await;
        let request = self.get(&self.stream).send();
        let response =
            tokio::time::timeout(TIMEOUT, request).await.map_err(|_| "the stream did not start")?;
        let mut response = response.map_err(|error| unreachable(&error))?;
        self.heed(&response);
        if response.status() != StatusCode::OK {
            return Err(format!("the stream is refused: {}", response.status()));
        }
        let (mut line, mut told, mut now_ms) = (Vec::new(), None, None);
        loop {
            let chunk = tokio::time::timeout(SILENCE, response.chunk()).await;
            let chunk = chunk.map_err(|_| "the stream is silent")?.map_err(|error| unreachable(&error))?;
            let Some(chunk) = chunk else { return Err("the stream ended".to_owned()) };
            for byte in chunk.iter().copied() {
                if byte != b'\n' {
                    line.push(byte);
                    continue;
                }
                if let Some(event) = Event::read(&line) {
                    now_ms = Some(event.now_ms);
                    told = Some(event);
                }
                line.clear();
            }
            if line.len() > MAX_LINE_BYTES {
                return Err("the stream is not one of kill switches".to_owned());
            }
            // Whatever it says, it lives, and has what it last told.
            let Some(Event { tag, delta, .. }) = &told else { continue };
            if held.tag().as_ref() == Some(tag) {
                held.confirm();
            } else if held.take_delta(delta).await.is_err() {
                self.fetch(held).await?;
            }
            // Only now is it known to be the server's stream and no proxy's page.
            if let Some(now_ms) = now_ms.take() {
                held.set_clock(now_ms, false);
            }
            held.is_pushed.store(true, Ordering::Relaxed);
        }
    }
}

/// Keeps `held` up to date for as long as it is wanted.
pub(crate) async fn run(held: &SwitchState, remote: &Remote) {
    let mut wait = FIRST_WAIT;
    loop {
        if held.options.push {
            if let Err(why) = remote.follow(held).await {
                tracing::debug!("the stream of kill switches: {why}");
            }
            if held.is_pushed.swap(false, Ordering::Relaxed) {
                wait = FIRST_WAIT;
            }
        }
        let worked = remote.refresh(held).await;
        let every = held.options.every.unwrap_or_else(|| {
            let every_ms = held.current.load().set.every_ms();
            Duration::from_millis(u64::try_from(every_ms).unwrap_or(30_000))
        });
        // Without push, what works is asked again in its own time; what broke is tried again soon, then less often.
        let next = if worked && !held.options.push { every } else { wait.min(every) };
        wait = wait.saturating_mul(2).min(every);
        tokio::time::sleep(shortened(next)).await;
    }
}

/// Tells the server now and then what switches did.
pub(crate) async fn tell(held: &SwitchState, remote: &Remote) {
    loop {
        tokio::time::sleep(shortened(held.options.tell)).await;
        let counts = held.counted();
        if !counts.is_empty() && !remote.tell(&counts).await {
            held.untold(counts);
        }
    }
}

/// Tells the server now and then what is held here.
pub(crate) async fn report(held: &SwitchState, remote: &Remote) {
    let mut seen = held.subscribe();
    loop {
        remote.leave_alone().await;
        remote.report(held).await;
        // Soon after something changed, and often enough to be known.
        let wait = shortened(held.options.tell.min(REPORT_EVERY));
        let changed = async {
            let _ = seen.changed().await;
            tokio::time::sleep(shortened(REPORT_AT_LEAST.min(wait))).await;
        };
        let _ = tokio::time::timeout(wait, changed).await;
    }
}

fn nonce() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

/// Between a half and all of `wait`, by chance, so that many clients do not come back at once.
fn shortened(wait: Duration) -> Duration {
    let chance = RandomState::new().build_hasher().finish() as f64 / u64::MAX as f64;
    wait.mul_f64(0.5 + chance / 2.0)
}

/// What a line of the stream tells.
#[derive(Debug, PartialEq)]
struct Event {
    tag: String,
    now_ms: i64,
    /// What changed since the snapshot before; null where that is too long, or the server of an earlier release.
    delta: Value,
}

impl Event {
    fn read(line: &[u8]) -> Option<Self> {
        let data = std::str::from_utf8(line).ok()?.strip_prefix("data:")?;
        let mut data: Value = serde_json::from_str(data.trim()).ok()?;
        Some(Self {
            tag: data.get("tag")?.as_str()?.to_owned(),
            now_ms: data.get("now_ms")?.as_i64()?,
            delta: data.get_mut("delta").map(Value::take).unwrap_or_default(),
        })
    }
}

fn server_ms(headers: &HeaderMap) -> Option<i64> {
    headers.get("x-lanner-now-ms")?.to_str().ok()?.parse().ok()
}

async fn json(response: &mut Response) -> Result<Value, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(&error))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_SNAPSHOT_BYTES {
            return Err("the server sends more switches than a client holds".to_owned());
        }
    }
    serde_json::from_slice(&bytes).map_err(|error| format!("what the server sent is not a snapshot: {error}"))
}

fn unreachable(error: &reqwest::Error) -> String {
    format!("no answer from the server: {}", deepest(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read() {
        #[track_caller]
        fn check(line: &str, expected: Option<(&str, i64)>) {
            let event =
                |(tag, now_ms): (&str, i64)| Event { tag: tag.to_owned(), now_ms, delta: Value::Null };
            assert_eq!(Event::read(line.as_bytes()), expected.map(event), "{line}");
        }
        check(r#"data: {"revision":7,"tag":"7-ab","now_ms":5}"#, Some(("7-ab", 5)));
        check(r#"data:{"tag":"7-ab","now_ms":5}"#, Some(("7-ab", 5)));
        check(r#"data: {"tag":"7-ab"}"#, None);
        check("event: revision", None);
        check(":", None);
        check("data: [", None);
    }

    #[test]
    fn waits_are_spread() {
        let wait = Duration::from_secs(30);
        let waits: Vec<Duration> = (0..100).map(|_| shortened(wait)).collect();
        assert!(waits.iter().all(|it| (wait / 2..=wait).contains(it)));
        assert!(waits.iter().any(|it| *it != waits[0]));
    }
}
