//! Hands requests on to another server, as they come and as it answers them: neither body is held here.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;
use lanner_core::cause::deepest;
use reqwest::{Client, redirect};

use crate::remote::Problem;
use crate::remote::tls::Authorities;

/// How long the other server may take to take a connection.
const CONNECTING: Duration = Duration::from_secs(5);
/// Says that a request was handed on before; in a circle it would be for ever.
const MARK: HeaderName = HeaderName::from_static("x-lanner-handed-on");
/// What is said of one connection, and not of the request: RFC 9110, section 7.6.1.
const OF_CONNECTIONS: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Why a request was not handed on: a lower-case fragment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotForwarded {
    /// It came from a server that hands requests on.
    #[error("the request was handed on before; two servers hand requests on to one another")]
    Circle,
    /// The other server does not answer.
    #[error("{0}")]
    NoAnswer(String),
}

/// Hands requests on.
#[derive(Debug, Clone)]
pub struct Forward(Client);

impl Forward {
    /// With the system's authorities, for servers that have certificates.
    ///
    /// # Errors
    /// What keeps a client from being made.
    pub fn new() -> Result<Self, Problem> {
        let client = Client::builder()
            .tls_backend_preconfigured(Authorities::load(None)?.client_config())
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECTING)
            .build();
        client
            .map(Self)
            .map_err(|error| Problem::new("", format!("cannot prepare a client: {}", deepest(&error))))
    }

    /// Hands a request on to the server at `place`, such as `http://10.0.0.1:9797`, and returns its answer, whatever that is. Both
    /// keep their headers, `Host` among them.
    ///
    /// # Errors
    /// [`NotForwarded`].
    pub async fn send(&self, place: &str, request: Request) -> Result<Response, NotForwarded> {
        let (parts, body) = request.into_parts();
        if parts.headers.contains_key(MARK) {
            return Err(NotForwarded::Circle);
        }
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut headers = of_message(parts.headers);
        headers.insert(MARK, HeaderValue::from_static("1"));
        let mut asked = self.0.request(parts.method, format!("{place}{path}")).headers(headers);
        if !body.is_end_stream() {
            asked = asked.body(reqwest::Body::wrap_stream(body.into_data_stream()));
        }
        let mut answer = asked.send().await.map_err(|error| NotForwarded::NoAnswer(deepest(&error)))?;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = answer.status();
        *response.headers_mut() = of_message(std::mem::take(answer.headers_mut()));
        *response.body_mut() = Body::from_stream(answer.bytes_stream());
        Ok(response)
    }
}

/// The headers that are about a message, and not about the connection on which it came.
fn of_message(mut headers: HeaderMap) -> HeaderMap {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in OF_CONNECTIONS.iter().chain(&named) {
        headers.remove(name);
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_connections_is_not_handed_on() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", "a"),
            ("connection", "x-own, close"),
            ("x-own", "1"),
            ("te", "trailers"),
            ("cookie", "c"),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let headers = of_message(headers);
        let left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(left, ["host", "cookie"]);
    }
}
