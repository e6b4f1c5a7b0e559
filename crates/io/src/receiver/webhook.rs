//! `webhook`: one request per message, with JSON or with a body of the operator's own.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lanner_core::Notification;
use lanner_core::field::{Field, Type};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::body::Body;
use super::context::BuildContext;
use super::http::Target;
use super::kind::{CA_FILE, KindConfig, TIMEOUT, Timeout};
use super::message::{self, to_json};
use super::{Links, Problem, Secret, SendError, Sending, Transport, alertmanager};
use crate::remote::Credentials;
use crate::remote::auth::{AUTH, Auth};
use crate::remote::problem::check_absolute;
use crate::remote::redact::shown_url;
use crate::remote::url::{check_url, parse_url, secrets_of};

/// A `webhook` receiver as the operator writes it.
///
/// Redirects are followed only with status 307 or 308 and on the same scheme, host and port.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookConfig {
    /// Where to.
    pub url: Secret,
    /// How.
    pub method: Method,
    /// Which JSON.
    pub format: Format,
    /// What to send instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// Headers to send as well.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Secret>,
    /// Credentials.
    pub auth: Option<Auth>,
    /// Certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// For one attempt.
    pub timeout: Timeout,
}

/// The method of the request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// `POST`
    #[default]
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
}

impl From<Method> for reqwest::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Post => Self::POST,
            Method::Put => Self::PUT,
            Method::Patch => Self::PATCH,
        }
    }
}

/// Which JSON a webhook gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Lanner's own, version 1.
    #[default]
    Lanner,
    /// What Alertmanager's `webhook_config` sends, version 4.
    Alertmanager,
}

/// The fields of a `webhook` receiver.
pub(super) const FIELDS: &[Field] = &[
    Field::new("url", "https://example.org/hook", "address, http or https").of(Type::Secret).required(),
    Field::new("method", "PUT", "HTTP method").of(Type::OneOf(&["POST", "PUT", "PATCH"])).or("POST"),
    Field::new(
        "format",
        "alertmanager",
        "format of the message: Lanner's own JSON (version 1), or Alertmanager's (version 4)",
    )
    .of(Type::OneOf(&["lanner", "alertmanager"]))
    .or("lanner"),
    Field::new(
        "body",
        "{ text: \"{{ title }}\" }",
        "body to send instead: a template, or JSON with templates as its strings; see docs/receivers.md",
    )
    .of(Type::Template),
    Field::new("headers", "{ X-Team: payments }", "additional headers").of(Type::ByName(&Type::Secret)),
    Field::new("auth", "{ bearer: { env: HOOK_TOKEN } }", "credentials").of(Type::Map(AUTH)),
    CA_FILE,
    TIMEOUT,
];

impl KindConfig for WebhookConfig {
    fn check(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> = check_url("url", &self.url).into_iter().collect();
        problems.extend(self.check_body());
        problems.extend(self.auth.as_ref().and_then(Auth::check));
        for (name, value) in &self.headers {
            let field = format!("headers.{name}");
            let value = value.plain().unwrap_or_default();
            if HeaderName::try_from(name).is_err() {
                problems.push(Problem::new(field, "is not a header's name; use letters, digits and -"));
            } else if HeaderValue::try_from(value).is_err() {
                problems.push(Problem::new(field, "contains characters that a header must not contain"));
            } else if self.auth.is_some() && name.eq_ignore_ascii_case("authorization") {
                problems.push(Problem::new(field, "is also set by `auth`; keep one of them"));
            }
        }
        problems.extend(self.ca_file.as_ref().and_then(|path| check_absolute("ca_file", path)));
        problems
    }

    fn describe(&self) -> Value {
        let mut described = serde_json::to_value(self).unwrap_or_default();
        if let Some(url) = self.url.plain() {
            described["url"] = Value::from(shown_url(url));
        }
        described
    }

    fn timeout(&self) -> Timeout {
        self.timeout
    }

    fn build(&self, context: &BuildContext) -> Result<Box<dyn Transport>, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut secrets = Vec::new();
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            match header(name, value) {
                Ok((name, value, secret)) => {
                    headers.insert(name, value);
                    secrets.push(secret);
                }
                Err(problem) => problems.push(problem),
            }
        }
        let credentials = match self.auth.as_ref().map(Auth::resolve).transpose() {
            Ok(credentials) => credentials,
            Err(problem) => {
                problems.push(problem);
                None
            }
        };
        let url = self.url.resolve("url").and_then(|text| parse_url("url", &text));
        let client = context.clients.get(self.ca_file.as_deref());
        match (url, client) {
            (Ok(url), Ok(client)) if problems.is_empty() => {
                secrets.extend(secrets_of(&url));
                secrets.extend(credentials.as_ref().map(Credentials::secret));
                let method = self.method.into();
                let target = Target { client, method, url, headers, credentials, secrets };
                let says = match &self.body {
                    Some(body) => Says::Own { body: body.clone(), is_json: self.is_json() },
                    None => Says::Standard(self.format),
                };
                Ok(Box::new(Webhook { target, says, links: context.links.clone() }))
            }
            (url, client) => {
                problems.extend(url.err());
                problems.extend(client.err());
                Err(problems)
            }
        }
    }
}

impl WebhookConfig {
    fn check_body(&self) -> Vec<Problem> {
        let Some(body) = &self.body else { return Vec::new() };
        let mut problems: Vec<Problem> =
            body.check(self.is_json()).into_iter().map(|why| Problem::new("body", why)).collect();
        if self.format != Format::default() {
            problems.push(Problem::new("format", "conflicts with `body`; keep one of them"));
        }
        problems
    }

    /// Whether the body is announced as JSON; of a type that is looked up later, nobody knows.
    fn is_json(&self) -> bool {
        let named = |(name, _): &(&String, &Secret)| name.eq_ignore_ascii_case(CONTENT_TYPE.as_str());
        self.headers.iter().find(named).is_none_or(|(_, kind)| {
            kind.plain().is_some_and(|kind| kind.to_ascii_lowercase().contains("json"))
        })
    }
}

/// A header with its value looked up, and that value again as something to hide.
fn header(name: &str, value: &Secret) -> Result<(HeaderName, HeaderValue, String), Problem> {
    let field = format!("headers.{name}");
    let secret = value.resolve(&field)?;
    let refused = || Problem::new(field.clone(), "contains characters that a header must not contain");
    let name = HeaderName::try_from(name).map_err(|_| refused())?;
    let mut value = HeaderValue::try_from(&secret).map_err(|_| refused())?;
    value.set_sensitive(true);
    Ok((name, value, secret))
}

struct Webhook {
    target: Target,
    says: Says,
    links: Links,
}

/// What a message becomes.
enum Says {
    Standard(Format),
    Own { body: Body, is_json: bool },
}

impl Transport for Webhook {
    fn send<'a>(&'a self, notification: &'a Notification) -> Sending<'a> {
        let links = &self.links;
        let body = match &self.says {
            Says::Standard(Format::Lanner) => Ok(to_json(&message::Message::new(notification, links))),
            Says::Standard(Format::Alertmanager) => {
                Ok(to_json(&alertmanager::Message::new(notification, links)))
            }
            Says::Own { body, is_json } => body.render(notification, links, *is_json),
        };
        Box::pin(async move {
            let body = body.map_err(SendError::permanent)?;
            self.target.post_json(&notification.key, body).await
        })
    }
}
