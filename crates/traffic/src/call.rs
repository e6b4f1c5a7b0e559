//! One request in few bytes, as sessions count it.

use std::hash::BuildHasher as _;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use foldhash::fast::FixedState;

use crate::endpoints::EndpointId;
use crate::markers::{is_marked, is_version_made_up};
use crate::query::polluted;
use crate::request::Request;
use crate::shape::object;

/// A request whose endpoint is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Call {
    /// When; milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// Which endpoint.
    pub endpoint: EndpointId,
    /// The session that the log names, as a number; 0 for none.
    pub tag: u32,
    /// The status of the answer, 0 if not known.
    pub status: u16,
    /// What it does with the object: reads, writes, or neither, as OPTIONS.
    pub method: Method,
    /// The object that it names, as a number: the number itself, or a hash of the text.
    pub object: Option<Object>,
    /// A hash of the path.
    pub path: u64,
    /// A hash of the agent, 0 without one.
    pub agent: u64,
    /// Whether a parameter is given twice with different values.
    pub is_polluted: bool,
    /// Whether the request tries a door.
    pub is_marked: bool,
    /// Whether it is no request of HTTP.
    pub is_malformed: bool,
    /// Whether the path is that of a login.
    pub is_login: bool,
}

/// An object that a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Object {
    /// By a number.
    Number(u64),
    /// By something else, as a hash.
    Name(u64),
}

/// Kinds of methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET and HEAD.
    Read,
    /// POST, PUT, PATCH and DELETE.
    Write,
    /// Everything else.
    Other,
}

/// Parts of paths at which people log in.
const LOGINS: [&str; 6] = ["login", "signin", "sign-in", "/auth", "/token", "/session"];

#[expect(clippy::expect_used, reason = "an automaton of few short texts is not too large")]
static LOGIN: LazyLock<AhoCorasick> =
    LazyLock::new(|| AhoCorasick::new(LOGINS).expect("these texts are short"));

impl Call {
    /// A request at an endpoint. Cost: linear in its text.
    #[must_use]
    pub fn new(request: &Request<'_>, endpoint: EndpointId) -> Self {
        Self::about(object(&request.path), request, endpoint)
    }

    /// A request whose path names this object.
    pub(crate) fn about(object: Option<&str>, request: &Request<'_>, endpoint: EndpointId) -> Self {
        let hasher = FixedState::default();
        let number = |text: &str| match text.parse() {
            Ok(number) => Object::Number(number),
            Err(_) => Object::Name(hasher.hash_one(text)),
        };
        let is_malformed =
            request.method.is_empty() || !request.method.bytes().all(|byte| byte.is_ascii_alphabetic());
        Self {
            time_ms: request.time_ms,
            endpoint,
            tag: 0,
            status: request.status.unwrap_or(0),
            method: match &*request.method {
                "GET" | "HEAD" => Method::Read,
                "POST" | "PUT" | "PATCH" | "DELETE" => Method::Write,
                _ => Method::Other,
            },
            object: object.map(number),
            path: hasher.hash_one(&*request.path),
            agent: if request.agent.is_empty() { 0 } else { hasher.hash_one(&*request.agent) | 1 },
            is_polluted: polluted(&request.query).is_some(),
            is_marked: is_marked(&request.path, &request.query, &request.agent)
                || is_version_made_up(&request.protocol),
            is_malformed,
            is_login: LOGIN.is_match(&*request.path),
        }
    }

    /// Whether what was asked for is there, as far as the answer tells.
    #[must_use]
    pub const fn exists(&self) -> bool {
        !matches!(self.status, 400 | 404 | 405 | 410) && !self.is_malformed
    }

    /// Whether the client was to blame.
    #[must_use]
    pub const fn is_client_error(&self) -> bool {
        self.status >= 400 && self.status < 500
    }

    /// Whether the object was not given: denied, or not there.
    #[must_use]
    pub const fn is_refused(&self) -> bool {
        self.is_denied() || matches!(self.status, 404 | 410)
    }

    /// Whether access was denied.
    #[must_use]
    pub const fn is_denied(&self) -> bool {
        matches!(self.status, 401 | 403)
    }
}
