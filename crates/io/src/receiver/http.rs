//! One POST and the meaning of its response. Shared by all kinds that use HTTP.

use std::path::Path;

use lanner_core::cause::deepest;
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Client, Method, Response, StatusCode, Url};

use super::context::BuildContext;
use super::{Problem, Secret, SendError};
use crate::remote::Credentials;
use crate::remote::answer::{asked_in_body, read_start, retry_after_ms, worth_retrying};
use crate::remote::problem::check_absolute;
use crate::remote::redact::{cleaned, shown};
use crate::remote::url::{check_url, parse_url, secrets_of};

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
            Some(credentials) => credentials.authorize(request),
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
            "; if it is signed by a private authority, set `ca_file`"
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

const fn advice(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 | 403 => "; check the credentials of this receiver",
        404 | 410 => "; check the `url` of this receiver",
        413 => "; the receiver accepts only smaller messages",
        _ => "",
    }
}
