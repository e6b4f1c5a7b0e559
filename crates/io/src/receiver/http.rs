//! One POST, and what its answer means. Shared by all kinds that speak HTTP.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

pub(super) use lanner_core::cause::deepest;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Client, Method, Response, StatusCode, Url, redirect};

use super::config::check_absolute;
use super::redact::{cleaned, shown};
use super::tls::Authorities;
use super::{BuildContext, Problem, Secret, SendError};

/// So much of an answer is read to tell why it is an error.
const MAX_ANSWER_BYTES: usize = 1024;
/// A receiver that asks to be left alone for longer is tried again after this.
const MAX_RETRY_AFTER_MS: i64 = 3_600_000;
/// Redirects to the same place that are followed.
const MAX_REDIRECTS: usize = 3;

/// The HTTP client that receivers share unless they trust certificates of their own.
#[derive(Debug, Default)]
pub(super) struct Clients(Mutex<Option<Client>>);

impl Clients {
    /// The shared client, or one of its own for a receiver with a `ca_file`.
    pub(super) fn get(&self, ca_file: Option<&Path>) -> Result<Client, Problem> {
        if ca_file.is_some() {
            return new_client(ca_file);
        }
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = shared.as_ref() {
            return Ok(client.clone());
        }
        Ok(shared.insert(new_client(None)?).clone())
    }
}

fn new_client(ca_file: Option<&Path>) -> Result<Client, Problem> {
    Client::builder()
        .tls_backend_preconfigured(Authorities::load(ca_file)?.client_config())
        .redirect(redirect::Policy::custom(follow_on_the_same_host))
        .user_agent(concat!("lanner/", env!("CARGO_PKG_VERSION")))
        .pool_idle_timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(1)
        .build()
        .map_err(|error| Problem::new("ca_file", format!("cannot prepare a client: {}", deepest(&error))))
}

/// Only redirects that keep the method, the body, and the place that credentials were meant for.
fn follow_on_the_same_host(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let keeps_method = matches!(attempt.status().as_u16(), 307 | 308);
    let same_origin = attempt.previous().last().is_some_and(|from| from.origin() == attempt.url().origin());
    if keeps_method && same_origin && attempt.previous().len() <= MAX_REDIRECTS {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

/// What goes into `Authorization`.
#[derive(Clone)]
pub(super) enum Credentials {
    Bearer(String),
    Basic {
        username: String,
        password: String,
    },
    /// A scheme of a service's own.
    Key {
        scheme: &'static str,
        key: String,
    },
}

impl Credentials {
    pub(super) fn secret(&self) -> String {
        match self {
            Self::Bearer(secret) | Self::Basic { password: secret, .. } | Self::Key { key: secret, .. } => {
                secret.clone()
            }
        }
    }
}

/// An answer that says that a request was taken.
pub(super) struct Accepted {
    /// The beginning of what it says.
    pub(super) text: String,
}

/// Where to send, and what must not be shown of it.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) client: Client,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) credentials: Option<Credentials>,
    /// Parts of the request that an answer might repeat.
    pub(super) secrets: Vec<String>,
}

impl Target {
    /// A target for POST without credentials, at `url`.
    ///
    /// - `secrets`: parts of what is sent that must not be shown, beside those of the URL.
    pub(super) fn new(
        context: &BuildContext,
        url: Url,
        ca_file: Option<&Path>,
        mut secrets: Vec<String>,
    ) -> Result<Self, Problem> {
        let client = context.clients.get(ca_file)?;
        secrets.extend(secrets_of(&url));
        Ok(Self { client, method: Method::POST, url, headers: HeaderMap::new(), credentials: None, secrets })
    }

    /// Sends JSON with the idempotency key.
    pub(super) async fn post_json(&self, key: &str, body: Vec<u8>) -> Result<(), SendError> {
        self.send(key, body).await.map(drop)
    }

    /// Sends `body` with the idempotency key; as JSON, unless a header says otherwise.
    pub(super) async fn send(&self, key: &str, body: Vec<u8>) -> Result<Accepted, SendError> {
        let mut request = self
            .client
            .request(self.method.clone(), self.url.clone())
            .headers(self.headers.clone())
            .header("Idempotency-Key", key)
            .body(body);
        if !self.headers.contains_key(CONTENT_TYPE) {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = match &self.credentials {
            Some(Credentials::Bearer(token)) => request.bearer_auth(token),
            Some(Credentials::Basic { username, password }) => request.basic_auth(username, Some(password)),
            Some(Credentials::Key { scheme, key }) => {
                request.header(AUTHORIZATION, format!("{scheme} {key}"))
            }
            None => request,
        };
        match request.send().await {
            Ok(mut response) if response.status().is_success() => {
                Ok(Accepted { text: read_start(&mut response).await })
            }
            Ok(response) => Err(self.refusal(response).await),
            Err(error) => Err(self.failure(&error)),
        }
    }

    /// What an answer other than success means.
    async fn refusal(&self, mut response: Response) -> SendError {
        let status = response.status();
        let retry_after_ms = retry_after_ms(response.headers());
        let at = shown(&self.url);
        if status.is_redirection() {
            let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            let to = to
                .and_then(|to| self.url.join(to).ok())
                .map_or_else(|| "nowhere".to_owned(), |to| shown(&to));
            return SendError::permanent(format!(
                "{at} answered {status}, a redirect to {to} that is not followed; write the final address as `url`"
            ));
        }
        let answer = read_start(&mut response).await;
        let retry_after_ms = retry_after_ms.or_else(|| asked_in_body(&answer));
        let answer = cleaned(&answer, &self.secrets);
        let said = if answer.is_empty() { String::new() } else { format!(": {answer}") };
        let message = format!("{at} answered {status}{said}{}", advice(status));
        let mut error =
            if worth_retrying(status) { SendError::retry(message) } else { SendError::permanent(message) };
        error.retry_after_ms = retry_after_ms;
        error
    }

    /// What it means that there was no answer.
    fn failure(&self, error: &reqwest::Error) -> SendError {
        let reason = cleaned(&deepest(error), &self.secrets);
        let advice = if reason.contains("certificate") {
            "; if its authority is your own, give its certificate as `ca_file`"
        } else if error.is_connect() {
            "; check that it runs and can be reached from here"
        } else {
            ""
        };
        SendError::retry(format!("cannot reach {}: {reason}{advice}", shown(&self.url)))
    }
}

/// Where a service is and whom to trust: what the kinds of services have in common.
pub(super) struct Service<'c> {
    pub(super) url: &'c Secret,
    /// Where it is unless `url` says otherwise; empty where only `url` can tell.
    pub(super) standard_url: &'static str,
    pub(super) ca_file: Option<&'c Path>,
}

impl Service<'_> {
    /// What is wrong with either.
    pub(super) fn check(&self) -> Vec<Problem> {
        let is_optional = !self.standard_url.is_empty() && self.url.is_empty();
        let url = if is_optional { None } else { check_url("url", self.url) };
        let ca_file = self.ca_file.and_then(|path| check_absolute("ca_file", path));
        url.into_iter().chain(ca_file).collect()
    }

    /// Where to send, by POST and without credentials. `secrets` are parts of what is sent that must not be shown.
    pub(super) fn target(
        &self,
        context: &BuildContext,
        secrets: Vec<String>,
    ) -> Result<Target, Vec<Problem>> {
        let is_standard = self.url.is_empty() && !self.standard_url.is_empty();
        let url = if is_standard { Ok(self.standard_url.to_owned()) } else { self.url.resolve("url") };
        let target = url
            .and_then(|text| parse_url("url", &text))
            .and_then(|url| Target::new(context, url, self.ca_file, secrets));
        target.map_err(|problem| vec![problem])
    }
}

/// Reads and checks a URL. `field` is the field that a problem is about.
pub(super) fn parse_url(field: &str, text: &str) -> Result<Url, Problem> {
    let wrong = |why: &str| Problem::new(field, format!("{why}; write for example https://example.org/hook"));
    // The text may hold a token, so no message quotes it.
    let url = Url::parse(text).map_err(|error| wrong(&format!("is not a URL ({error})")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong(&format!("has the scheme {}, which is not http or https", url.scheme())));
    }
    // The parser takes what follows `https:///` for the host.
    let after_scheme = text.trim().get(url.scheme().len() + 1..).unwrap_or_default();
    if after_scheme.starts_with("///") || !after_scheme.starts_with("//") {
        return Err(wrong("has no host"));
    }
    Ok(url)
}

/// Complains about a URL that is missing or, where its text is known, wrong.
pub(super) fn check_url(field: &str, url: &Secret) -> Option<Problem> {
    if url.is_empty() {
        return Some(Problem::new(field, "is missing; write for example https://example.org/hook"));
    }
    url.plain().and_then(|text| parse_url(field, text).err())
}

/// The parts of a URL that must not be repeated.
pub(super) fn secrets_of(url: &Url) -> Vec<String> {
    let path = url.path().trim_matches('/');
    let parts = [url.password(), url.query(), Some(path)];
    parts.into_iter().flatten().filter(|part| part.len() >= 4).map(str::to_owned).collect()
}

const fn worth_retrying(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500..=599)
}

const fn advice(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 | 403 => "; check the credentials of this receiver",
        404 | 410 => "; check the `url` of this receiver",
        413 => "; the receiver takes only smaller messages",
        _ => "",
    }
}

async fn read_start(response: &mut Response) -> String {
    let mut start = Vec::new();
    while start.len() < MAX_ANSWER_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => start.extend_from_slice(&chunk[..chunk.len().min(MAX_ANSWER_BYTES)]),
            Ok(None) | Err(_) => break,
        }
    }
    String::from_utf8_lossy(&start).into_owned()
}

/// `Retry-After`: seconds, or a date that is compared with the answer's own `Date`.
fn retry_after_ms(headers: &HeaderMap) -> Option<i64> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let after = text(RETRY_AFTER)?;
    if let Ok(seconds) = after.parse::<u32>() {
        return Some((i64::from(seconds) * 1000).min(MAX_RETRY_AFTER_MS));
    }
    let until = httpdate::parse_http_date(after).ok()?;
    let now =
        text(DATE).and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or_else(SystemTime::now);
    let wait = until.duration_since(now).unwrap_or_default();
    Some(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX).min(MAX_RETRY_AFTER_MS))
}

/// `retry_after` in the JSON of an answer, seconds: Discord's, and Telegram's among its `parameters`.
fn asked_in_body(answer: &str) -> Option<i64> {
    let answer: serde_json::Value = serde_json::from_str(answer).ok()?;
    let asked = answer.get("retry_after").or_else(|| answer.get("parameters")?.get("retry_after"))?;
    let wait_ms = (asked.as_f64()? * 1e3).ceil();
    (wait_ms >= 0.0).then_some((wait_ms as i64).min(MAX_RETRY_AFTER_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        #[track_caller]
        fn check(after: &'static str, expected: Option<i64>) {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, after.parse().unwrap());
            headers.insert(DATE, "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap());
            assert_eq!(retry_after_ms(&headers), expected, "{after}");
        }
        check("7", Some(7_000));
        check("Sun, 06 Nov 1994 08:50:37 GMT", Some(60_000));
        check("Sun, 06 Nov 1994 08:40:00 GMT", Some(0)); // has passed
        check("86400", Some(3_600_000)); // no receiver is forgotten for a day
        check("soon", None);
        check("-1", None);
    }

    #[test]
    fn urls_are_checked_without_being_quoted() {
        #[track_caller]
        fn check(text: &str, accepted: bool) {
            match parse_url("url", text) {
                Ok(_) => assert!(accepted, "{text}"),
                Err(problem) => assert!(!accepted && !problem.message.contains("s3cret"), "{problem}"),
            }
        }
        check("http://127.0.0.1:9000/hook", true);
        check("https://[::1]/s3cret", true);
        check("https:///s3cret", false);
        check("https:s3cret", false);
        check("ftp://host/s3cret", false);
        check("host/s3cret", false);
        check("", false);
    }

    proptest::proptest! {
        #[test]
        fn any_header_and_url_is_survived(after in "[ -~]{0,40}", url in ".{0,40}") {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, after.parse().unwrap());
            let _ = retry_after_ms(&headers);
            let _ = parse_url("url", &url).map(|url| (shown(&url), secrets_of(&url)));
        }
    }
}
