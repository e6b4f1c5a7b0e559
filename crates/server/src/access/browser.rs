//! Refuses requests that a browser sends for a foreign web page.
//!
//! Any page may have its visitor's browser send requests to this machine: by `fetch`, by a form, as an image or a script,
//! or under a name of its own that it had resolved to 127.0.0.1. Where no token is asked for, such a request would do all
//! that a local user can do. Browsers say where a request comes from (`Origin`, `Sec-Fetch-Site`, `Host`), and pages can
//! forge none of these three; what is foreign by any of them is refused. A body must then be JSON as well: a page can
//! send that elsewhere only after the browser has asked whether it may.
//!
//! Programs send no such headers, and notice nothing of all this.

use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};

use crate::http::ApiError;
use crate::settings::origins::Home;

/// What is asked, as far as the guard looks at it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) method: &'a Method,
    pub(super) uri: &'a Uri,
    pub(super) headers: &'a HeaderMap,
    /// Whether a proxy may ask here for a browser whose headers it passes on.
    pub(super) is_gate: bool,
    /// Whether a form may ask here: it reads, and Graphite's clients send forms.
    pub(super) takes_forms: bool,
    /// Whether this is a page for people: links of others lead there, and its own forms are sent there.
    pub(super) is_page: bool,
    /// Whether a foreign page may ask here, as the configuration says (`cors`).
    pub(super) is_shared: bool,
}

/// Refuses what a page that is not ours had a browser send.
///
/// # Errors
/// 403, or 415 for a body that is not JSON; each says what was seen and what to do.
pub(super) fn check(asked: Asked<'_>, home: &Home) -> Result<(), ApiError> {
    if let Some(host) = hosts(asked).find(|host| !home.knows(host)) {
        let message = format!(
            "the host name \"{}\" is not this server's; use 127.0.0.1, set server.external_url or server.hosts, \
             or send a token",
            shown(host)
        );
        return Err(refused(message));
    }
    check_page(asked, home)
}

/// As [`check`], whatever name was asked: who shows a password knows whom.
///
/// # Errors
/// 403 and 415.
pub(super) fn check_page(asked: Asked<'_>, home: &Home) -> Result<(), ApiError> {
    if !is_browser(asked.headers) || asked.is_shared || (asked.is_gate && is_forwarded(asked.headers)) {
        return Ok(());
    }
    check_origin(asked, home)?;
    check_body(asked)
}

/// Whether somebody looks who is shown pages: browsers say so, and programs that take anything do not.
pub(crate) fn wants_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|accepted| accepted.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

/// Whom the request is addressed to: the header, and the address where that is a whole one.
fn hosts(asked: Asked<'_>) -> impl Iterator<Item = &str> {
    let authority = asked.uri.authority().map(|authority| authority.as_str());
    text(asked.headers, &header::HOST).into_iter().chain(authority)
}

fn check_origin(asked: Asked<'_>, home: &Home) -> Result<(), ApiError> {
    let origin = text(asked.headers, &header::ORIGIN);
    if let Some(origin) = origin.filter(|origin| !home.serves(origin, hosts(asked).next())) {
        let message = format!(
            "a page of {} may not call this server; list it under server.cors to let it evaluate kill switches, \
             or send a token",
            shown(origin)
        );
        return Err(refused(message));
    }
    let site = text(asked.headers, &SEC_FETCH_SITE);
    let is_foreign = !matches!(site, None | Some("same-origin" | "none"));
    if is_foreign && origin.is_none() && !is_visit(asked) {
        return Err(refused(
            "this request comes from a page of another site, which may not call this server",
        ));
    }
    // Only a script's source is answered to old browsers that say nothing of where a request comes from.
    let has_callback =
        |query: &str| form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "jsonp");
    if site.is_none() && origin.is_none() && asked.uri.query().is_some_and(has_callback) {
        return Err(refused("jsonp is available to pages of this server only"));
    }
    Ok(())
}

/// A link to a page, which changes nothing and which no other page can read or frame.
fn is_visit(asked: Asked<'_>) -> bool {
    let is = |name: &HeaderName, value: &str| text(asked.headers, name) == Some(value);
    asked.method == Method::GET
        && asked.is_page
        && is(&SEC_FETCH_MODE, "navigate")
        && is(&SEC_FETCH_DEST, "document")
}

fn check_body(asked: Asked<'_>) -> Result<(), ApiError> {
    if matches!(*asked.method, Method::GET | Method::HEAD | Method::OPTIONS) && !has_body(asked.headers) {
        return Ok(());
    }
    let kind = text(asked.headers, &header::CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"));
    let is_form = kind == "application/x-www-form-urlencoded" && asked.takes_forms;
    let is_own = text(asked.headers, &header::ORIGIN).is_some()
        || text(asked.headers, &SEC_FETCH_SITE) == Some("same-origin");
    let is_own_form = is_form && (is_own || !asked.is_page);
    if is_json || is_own_form || (is_own && !has_body(asked.headers)) {
        return Ok(());
    }
    let message = format!(
        "a browser sent a body of type \"{}\"; from browsers only Content-Type: application/json is accepted",
        shown(&kind)
    );
    Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
}

fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(header::TRANSFER_ENCODING)
        || text(headers, &header::CONTENT_LENGTH).is_some_and(|length| length != "0")
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// What shows itself as a browser.
pub(super) fn is_browser(headers: &HeaderMap) -> bool {
    let agents = headers.get_all(header::USER_AGENT).iter();
    let agents: Vec<String> =
        agents.map(|agent| String::from_utf8_lossy(agent.as_bytes()).to_ascii_lowercase()).collect();
    // Node.js has a browser's `fetch`, headers included, and no pages.
    let is_program = matches!(&agents[..], [agent] if agent == "node" || agent == "undici");
    let says_so = headers.keys().any(|name| name.as_str().starts_with("sec-fetch-")) && !is_program;
    headers.contains_key(header::ORIGIN) || says_so || agents.iter().any(|agent| agent.contains("mozilla"))
}

/// Whether a proxy sends this for somebody else. A page cannot add these headers without being asked first.
fn is_forwarded(headers: &HeaderMap) -> bool {
    const PROXY: [&str; 8] = [
        "x-original-uri",
        "x-original-url",
        "x-original-method",
        "x-forwarded-uri",
        "x-forwarded-method",
        "x-forwarded-for",
        "x-forwarded-proto",
        "forwarded",
    ];
    PROXY.iter().any(|name| headers.contains_key(*name))
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    // What is not text is shown as it is compared: equal to nothing. So is what says two things, of which others may have
    // believed the second.
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    let is_one = values.all(|other| other == first);
    Some(first.to_str().ok().filter(|_| is_one).unwrap_or("\u{fffd}"))
}

fn refused(message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, message)
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

#[cfg(test)]
mod tests;
