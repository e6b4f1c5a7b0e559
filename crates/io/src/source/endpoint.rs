//! Where a source that speaks HTTP is, and who Lanner says it is.

use bytes::Bytes;
use lanner_core::document::{Check, Fields};
use lanner_core::field::{Field, Type};
use reqwest::{Body, Client, Method, RequestBuilder, Response, Url};

use super::RequestError;
use crate::remote::answer::{read_start, retry_after_ms, worth_retrying};
use crate::remote::auth::{AUTH, Auth};
use crate::remote::place::{Place, PlaceFields};
use crate::remote::redact::{cleaned, shown};
use crate::remote::url::{check_url, parse_url, secrets_of};
use crate::remote::{Clients, Credentials, Problem};

/// The fields of every source that speaks HTTP.
pub(super) const URL: Field = Field::new("url", "https://graphite.example.org", "where it is; http or https")
    .of(Type::Secret)
    .required();
pub(super) const AUTH_FIELD: Field =
    Field::new("auth", "{ bearer: { env: GRAPHITE_TOKEN } }", "who Lanner says it is").of(Type::Map(AUTH));
pub(super) const CA_FILE: Field =
    Field::new("ca_file", "/etc/ssl/own-ca.pem", "certificates to trust besides the system's, PEM");

/// A larger answer is refused.
const MAX_ANSWER_BYTES: usize = 64 << 20;

const PLACE: PlaceFields = PlaceFields { url: URL, auth: AUTH_FIELD, ca_file: CA_FILE };

/// An address as the operator writes it.
#[derive(Debug, Clone)]
pub(super) struct Endpoint(Place);

impl Endpoint {
    /// Reads the fields.
    pub(super) fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Self> {
        let problems =
            |place: &Place| [check_url(URL.name, &place.url), place.auth.as_ref().and_then(Auth::check)];
        Place::read(&PLACE, fields, check, problems).map(Self)
    }

    /// Looks up secrets and makes what asks.
    ///
    /// # Errors
    /// Every secret or file that could not be read.
    pub(super) fn build(&self, clients: &Clients) -> Result<Server, Vec<Problem>> {
        let Self(Place { url, auth, ca_file }) = self;
        let url = url.resolve(URL.name).and_then(|text| parse_url(URL.name, &text));
        let credentials = auth.as_ref().map(Auth::resolve).transpose();
        let client = clients.get(ca_file.as_deref());
        match (url, credentials, client) {
            (Ok(url), Ok(credentials), Ok(client)) => Ok(Server::new(url, credentials, client)),
            (url, credentials, client) => {
                Err([url.err(), credentials.err(), client.err()].into_iter().flatten().collect())
            }
        }
    }
}

/// A server that can be asked.
pub(crate) struct Server {
    url: Url,
    credentials: Option<Credentials>,
    client: Client,
    secrets: Vec<String>,
}

impl Server {
    /// One at `url`.
    pub(crate) fn new(url: Url, credentials: Option<Credentials>, client: Client) -> Self {
        let mut secrets = secrets_of(&url);
        secrets.extend(credentials.as_ref().map(Credentials::secret));
        Self { url, credentials, client, secrets }
    }

    /// The address of the path `under` this one's.
    fn address(&self, under: &[&str]) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(under);
        }
        url
    }

    /// Sends a body of a content type and returns all of the answer, if it is a success.
    async fn send(
        &self,
        method: Method,
        url: Url,
        kind: &'static str,
        body: impl Into<Body>,
    ) -> Result<Vec<u8>, RequestError> {
        let request = self.client.request(method, url).header(reqwest::header::CONTENT_TYPE, kind).body(body);
        let request = match &self.credentials {
            Some(credentials) => credentials.authorize(request),
            None => request,
        };
        self.read(self.answered(request).await?).await
    }

    async fn answered(&self, request: RequestBuilder) -> Result<Response, RequestError> {
        match request.send().await {
            Ok(response) if response.status().is_success() => Ok(response),
            Ok(response) => Err(self.refusal(response).await),
            Err(error) => Err(self.unreachable(&error)),
        }
    }

    /// Posts a form to the path `under` the source's address, and returns all of the answer, if it is a success.
    pub(super) async fn ask<V: AsRef<str>>(
        &self,
        under: &[&str],
        form: &[(&str, V)],
    ) -> Result<Vec<u8>, RequestError> {
        // A query may be longer than an address can be.
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.send(Method::POST, self.address(under), "application/x-www-form-urlencoded", form).await
    }

    /// What is at a path, as JSON.
    pub(super) async fn get_json(&self, under: &[&str]) -> Result<Vec<u8>, RequestError> {
        self.send(Method::GET, self.address(under), "application/json", Body::default()).await
    }

    /// Posts JSON, with `parameters` in the address.
    pub(crate) async fn ask_json(
        &self,
        under: &[&str],
        parameters: &[(&str, &str)],
        body: &serde_json::Value,
    ) -> Result<Vec<u8>, RequestError> {
        let mut url = self.address(under);
        url.query_pairs_mut().extend_pairs(parameters);
        self.send(Method::POST, url, "application/json", body.to_string()).await
    }

    /// Puts JSON.
    pub(crate) async fn put_json(
        &self,
        under: &[&str],
        body: &serde_json::Value,
    ) -> Result<Vec<u8>, RequestError> {
        self.send(Method::PUT, self.address(under), "application/json", body.to_string()).await
    }

    /// Deletes what JSON names.
    pub(crate) async fn delete_json(
        &self,
        under: &[&str],
        body: &serde_json::Value,
    ) -> Result<Vec<u8>, RequestError> {
        self.send(Method::DELETE, self.address(under), "application/json", body.to_string()).await
    }

    /// Posts JSON lines.
    pub(crate) async fn post_lines(
        &self,
        under: &[&str],
        parameters: &[(&str, &str)],
        lines: Bytes,
    ) -> Result<Vec<u8>, RequestError> {
        let mut url = self.address(under);
        url.query_pairs_mut().extend_pairs(parameters);
        self.send(Method::POST, url, "application/x-ndjson", lines).await
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, RequestError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(RequestError::permanent(
                    "the answer is larger than 64 MiB; ask for fewer series",
                ));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// What it means that an answer cannot be read.
    pub(crate) fn strange(&self, expected: &str, why: &dyn std::fmt::Display) -> RequestError {
        RequestError::permanent(format!(
            "{} answered something other than {expected} ({why}); check the `url` of this source",
            self.shown()
        ))
    }

    /// Where it is, as far as that may be shown.
    fn shown(&self) -> String {
        shown(&self.url)
    }

    async fn refusal(&self, mut response: Response) -> RequestError {
        let status = response.status();
        let retry_after_ms = retry_after_ms(response.headers());
        let answer = cleaned(&read_start(&mut response).await, &self.secrets);
        let said = if answer.is_empty() { String::new() } else { format!(": {answer}") };
        let advice = match status.as_u16() {
            401 | 403 => "; check the credentials of this source",
            404 | 410 => "; check the `url` of this source",
            _ => "",
        };
        let message = format!("{} answered {status}{said}{advice}", self.shown());
        let error = if worth_retrying(status) {
            RequestError::temporary(message)
        } else {
            RequestError::permanent(message)
        };
        RequestError { retry_after_ms, status: Some(status.as_u16()), ..error }
    }

    /// What it means that there was no answer, or not all of one.
    fn unreachable(&self, error: &reqwest::Error) -> RequestError {
        let reason = cleaned(&lanner_core::cause::deepest(error), &self.secrets);
        RequestError::temporary(format!("cannot reach {}: {reason}", self.shown()))
    }
}
