//! The parameters of a request: those of the address and those of a form in the body, in this order.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequest, Request};
use axum::http::{StatusCode, header};
use axum::response::Response;

use lanner_wire::render::json::is_callback;

use super::answer::{self, Invalid};
use crate::http::Received;
use crate::settings::live::InForce;

/// Name and value pairs, as often as they came.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    pairs: Vec<(String, String)>,
    /// The body as it came: `/events` takes JSON, whatever its content type.
    pub body: bytes::Bytes,
}

impl Parameters {
    /// Every value called `name` or, as PHP has it, `name[]`.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let called =
            move |pair: &&(String, String)| pair.0 == name || pair.0.strip_suffix("[]") == Some(name);
        self.pairs.iter().filter(called).map(|(_, value)| value.as_str())
    }

    /// The last value called `name`, if it is not empty.
    pub(super) fn last(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .rev()
            .find(|pair| pair.0 == name)
            .map(|pair| pair.1.as_str())
            .filter(|value| !value.is_empty())
    }

    /// Whether `name` was given as something else than 0 and false.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.last(name).is_some_and(|value| value != "0" && !value.eq_ignore_ascii_case("false"))
    }

    /// The whole number called `name`.
    pub(super) fn number(&self, name: &str) -> Result<Option<usize>, Invalid> {
        let wrong = |_| Invalid::new(format_args!("{name} is not a whole number"));
        self.last(name).map(str::parse).transpose().map_err(wrong)
    }

    /// The variables of a template: `template[name]=value`.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let name = |key: &str| Some(key.strip_prefix("template[")?.strip_suffix(']')?.to_owned());
        self.pairs.iter().filter_map(|(key, value)| Some((name(key)?, value.clone()))).collect()
    }

    /// An answer in JSON; a call of a function where `jsonp` names one.
    pub(super) fn json(&self, json: impl Into<String>) -> Response {
        let json = json.into();
        match self.last("jsonp").filter(|name| is_callback(name)) {
            Some(name) => answer::answer(StatusCode::OK, "text/javascript", format!("{name}({json})")),
            None => answer::answer(StatusCode::OK, "application/json", json),
        }
    }

    fn add(&mut self, form: &[u8]) {
        self.pairs.extend(form_urlencoded::parse(form).into_owned());
    }
}

impl<S: Send + Sync> FromRequest<S> for Parameters
where
    Arc<InForce>: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let mut parameters = Self::default();
        parameters.add(request.uri().query().unwrap_or_default().as_bytes());
        let kind = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default()
            .to_ascii_lowercase();
        let is_form = kind.starts_with("application/x-www-form-urlencoded");
        if kind.starts_with("multipart/") {
            return Err(answer::text(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "send the form as application/x-www-form-urlencoded",
            ));
        }
        let Received(body) = Received::from_request(request, state)
            .await
            .map_err(axum::response::IntoResponse::into_response)?;
        if is_form {
            parameters.add(&body);
        }
        parameters.body = body;
        Ok(parameters)
    }
}
