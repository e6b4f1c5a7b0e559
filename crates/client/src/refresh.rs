//! The task in the background: the server's stream of changes, and fetching where that does not get through.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::header::{HeaderMap, IF_NONE_MATCH};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use serde_json::Value;

use crate::counts::Told;
use crate::options::Options;
use crate::switches::{ConnectError, Held};

/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long the stream may say nothing; the server shows every 5 s that it lives.
const SILENCE: Duration = Duration::from_secs(20);
/// The first wait after something failed; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// A snapshot larger than this is refused.
const MAX_SNAPSHOT_BYTES: usize = 256 << 20;
/// A line of the stream longer than this ends it.
const MAX_LINE_BYTES: usize = 64 << 10;

/// The server.
#[derive(Debug)]
pub(crate) struct Remote {
    http: Client,
    snapshot: Url,
    stream: Url,
    counts: Url,
    token: Option<String>,
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
        let mut builder = Client::builder().connect_timeout(TIMEOUT).tcp_nodelay(true);
        if base.host_str().is_some_and(|host| ["127.0.0.1", "localhost", "[::1]"].contains(&host)) {
            // A proxy leads elsewhere than to this machine.
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| ConnectError::Http(causes(&error)))?;
        Ok(Self {
            http,
            snapshot: at("snapshot"),
            stream: at("stream"),
            counts: at("counts"),
            token: options.token.clone(),
        })
    }

    fn get(&self, url: &Url) -> RequestBuilder {
        let request = self.http.get(url.clone());
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Fetches what is new, and notes why if that fails. Returns whether it worked.
    pub(crate) async fn refresh(&self, held: &Held) -> bool {
        match self.fetch(held).await {
            Ok(()) => true,
            Err(why) => {
                held.fail(why);
                false
            }
        }
    }

    async fn fetch(&self, held: &Held) -> Result<(), String> {
        let tag = held.current.load().set.tag().to_owned();
        let request = self.get(&self.snapshot).timeout(TIMEOUT).header(IF_NONE_MATCH, format!("\"{tag}\""));
        let mut response = request.send().await.map_err(|error| unreachable(&error))?;
        let now_ms = server_ms(response.headers());
        if let Some(now_ms) = now_ms {
            held.set_clock(now_ms);
        }
        match response.status() {
            StatusCode::NOT_MODIFIED => held.confirm(),
            StatusCode::OK => held.take(text(&mut response).await?).await?,
            status => return Err(format!("the server answers {status}")),
        }
        Ok(())
    }

    /// Tells what switches did. Returns whether that is done with.
    async fn tell(&self, counts: &Told) -> bool {
        let mut request = self.http.post(self.counts.clone()).timeout(TIMEOUT);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let body = serde_json::json!({ "counts": counts }).to_string();
        // A server of an earlier release does not want to know.
        let is_done = |status: StatusCode| status.is_success() || status == StatusCode::NOT_FOUND;
        request.body(body).send().await.is_ok_and(|response| is_done(response.status()))
    }

    /// Follows the stream until it breaks. Returns why.
    async fn follow(&self, held: &Held) -> Result<(), String> {
        let request = self.get(&self.stream).send();
        let response =
            tokio::time::timeout(TIMEOUT, request).await.map_err(|_| "the stream does not begin")?;
        let mut response = response.map_err(|error| unreachable(&error))?;
        if response.status() != StatusCode::OK {
            return Err(format!("the stream is refused: {}", response.status()));
        }
        let (mut line, mut server_tag) = (Vec::new(), String::new());
        loop {
            let chunk = tokio::time::timeout(SILENCE, response.chunk()).await;
            let chunk = chunk.map_err(|_| "the stream is silent")?.map_err(|error| unreachable(&error))?;
            let Some(chunk) = chunk else { return Err("the stream ended".to_owned()) };
            held.is_pushed.store(true, Ordering::Relaxed);
            for byte in chunk.iter().copied() {
                if byte != b'\n' {
                    line.push(byte);
                    continue;
                }
                if let Some((tag, now_ms)) = event(&line) {
                    held.set_clock(now_ms);
                    server_tag = tag;
                }
                line.clear();
            }
            if line.len() > MAX_LINE_BYTES {
                return Err("the stream is not one of kill switches".to_owned());
            }
            // Whatever it says, it lives, and has what it last told.
            if server_tag == held.current.load().set.tag() {
                held.confirm();
            } else if !server_tag.is_empty() {
                self.fetch(held).await?;
            }
        }
    }
}

/// Keeps `held` up to date for as long as it is wanted.
pub(crate) async fn run(held: &Held, remote: &Remote) {
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
pub(crate) async fn tell(held: &Held, remote: &Remote) {
    loop {
        tokio::time::sleep(shortened(held.options.tell)).await;
        let counts = held.counted();
        if !counts.is_empty() && !remote.tell(&counts).await {
            held.untold(counts);
        }
    }
}

/// Between a half and all of `wait`, by chance, so that many clients do not come back at once.
fn shortened(wait: Duration) -> Duration {
    let chance = RandomState::new().build_hasher().finish() as f64 / u64::MAX as f64;
    wait.mul_f64(0.5 + chance / 2.0)
}

/// The tag and the server's time that a line of the stream tells.
fn event(line: &[u8]) -> Option<(String, i64)> {
    let data = std::str::from_utf8(line).ok()?.strip_prefix("data:")?;
    let data: Value = serde_json::from_str(data.trim()).ok()?;
    Some((data.get("tag")?.as_str()?.to_owned(), data.get("now_ms")?.as_i64()?))
}

fn server_ms(headers: &HeaderMap) -> Option<i64> {
    headers.get("x-lanner-now-ms")?.to_str().ok()?.parse().ok()
}

async fn text(response: &mut Response) -> Result<String, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(&error))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_SNAPSHOT_BYTES {
            return Err("the server sends more switches than a client holds".to_owned());
        }
    }
    String::from_utf8(bytes).map_err(|_| "the server sends no text".to_owned())
}

fn unreachable(error: &reqwest::Error) -> String {
    format!("no answer from the server: {}", causes(error))
}

/// What happened, which reqwest says in the last cause.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read() {
        #[track_caller]
        fn check(line: &str, expected: Option<(&str, i64)>) {
            assert_eq!(event(line.as_bytes()), expected.map(|(tag, ms)| (tag.to_owned(), ms)), "{line}");
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
