//! The credentials of a request: a token, in one of the places where clients put it.

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// A token that was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) token: String,
    /// Whether a browser may have sent it by itself, for whatever page: it remembers Basic credentials.
    pub(super) is_automatic: bool,
}

/// The token of a request: `Authorization: Bearer`, `Token` (as InfluxDB 2) or `Basic` (the password; the name in
/// front of it is free), in any case of letters; `X-API-Key`, as OpenFeature's clients send it; and where `query` is
/// given, `p` in it, as InfluxDB 1 does.
pub(super) fn shown(headers: &HeaderMap, query: Option<&str>) -> Option<Shown> {
    let explicit = |token: &str| Shown { token: token.to_owned(), is_automatic: false };
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let by_header = text(header::AUTHORIZATION).and_then(|value| {
        let (scheme, rest) = value.trim().split_once(' ')?;
        let rest = rest.trim();
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" | "token" => Some(explicit(rest)),
            "basic" => Some(Shown { token: password(rest)?, is_automatic: true }),
            _ => None,
        }
    });
    let by_key = || text(header::HeaderName::from_static("x-api-key")).map(|key| explicit(key.trim()));
    let by_query = || {
        let mut parameters = form_urlencoded::parse(query?.as_bytes());
        parameters.find(|(name, _)| name == "p").map(|(_, token)| explicit(&token))
    };
    by_header.or_else(by_key).or_else(by_query).filter(|shown| !shown.token.is_empty())
}

/// The password of `name:password` in Base64; the name where there is no password.
fn password(encoded: &str) -> Option<String> {
    let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
    let (name, password) = decoded.split_once(':').unwrap_or((&decoded, ""));
    Some(if password.is_empty() { name } else { password }.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_where_clients_put_them() {
        #[track_caller]
        fn check(name: &'static str, value: &str, query: Option<&str>, expected: Option<&str>) {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(
                shown(&headers, query).map(|shown| shown.token).as_deref(),
                expected,
                "{name}: {value}"
            );
        }
        for scheme in ["Bearer", "bearer", "BEARER", "Token", "token"] {
            check("authorization", &format!("{scheme} s3cret"), None, Some("s3cret"));
            check("authorization", &format!("{scheme}   s3cret "), None, Some("s3cret"));
        }
        // telegraf:s3cret, :s3cret, s3cret:, s3cret
        for basic in ["dGVsZWdyYWY6czNjcmV0", "OnMzY3JldA==", "czNjcmV0Og==", "czNjcmV0"] {
            check("authorization", &format!("basic {basic}"), None, Some("s3cret"));
        }
        check("authorization", "Basic !!!", None, None);
        check("authorization", "Bearer", None, None);
        check("authorization", "Bearer ", None, None);
        check("authorization", "Digest s3cret", None, None);
        check("x-api-key", "s3cret", None, Some("s3cret"));
        check("accept", "*/*", Some("db=x&u=telegraf&p=s3%63ret"), Some("s3cret"));
        check("accept", "*/*", Some("db=x&u=telegraf&p="), None);
        check("authorization", "Bearer one", Some("p=two"), Some("one"));
    }

    #[test]
    fn only_basic_credentials_are_sent_by_browsers_on_their_own() {
        for (value, is_automatic) in [("Bearer s3cret", false), ("Basic czNjcmV0", true)] {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]);
            assert_eq!(shown(&headers, None).unwrap().is_automatic, is_automatic);
        }
    }
}
