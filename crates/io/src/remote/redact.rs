//! Redacts URLs, and cleans text that came from outside.

use reqwest::Url;
use serde_json::Value;

use super::secret::Secret;

/// Text from outside that goes into an error is cut after so many characters.
const MAX_SHOWN_CHARS: usize = 300;

/// `scheme://host:port/***`: where a URL leads, without user, path and query.
///
/// The path is hidden as well: incoming webhooks of chat services carry their token there.
#[must_use]
pub(crate) fn shown_url(url: &str) -> String {
    Url::parse(url).map_or_else(|_| "***".to_owned(), |url| shown(&url))
}

pub(crate) fn shown(url: &Url) -> String {
    let Some(host) = url.host_str() else { return "***".to_owned() };
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    let rest = if url.path() == "/" && url.query().is_none() { "" } else { "***" };
    format!("{}://{host}{port}/{rest}", url.scheme())
}

/// A receiver's document for people: with its address, or the one that stands in for it, as far as that may be shown.
pub(crate) fn described(config: &impl serde::Serialize, url: &Secret, standard: &str) -> Value {
    let mut described = serde_json::to_value(config).unwrap_or_default();
    if let Some(url) = url.plain() {
        described["url"] = if url.is_empty() { standard.into() } else { shown_url(url).into() };
    }
    described
}

/// `text` on one line, at most 300 characters, with each of `secrets` replaced by `***`.
///
/// Cost: O(length of `text` × number of secrets).
#[must_use]
pub(crate) fn cleaned(text: &str, secrets: &[String]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret.as_str(), "***");
    }
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    let line = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_SHOWN_CHARS) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::{cleaned, shown_url};

    #[test]
    fn of_an_address_only_the_server_is_shown() {
        assert_eq!(shown_url("https://u:p@example.org:8443/T0/B0?key=1"), "https://example.org:8443/***");
        assert_eq!(shown_url("https://example.org"), "https://example.org/");
        assert_eq!(shown_url("nonsense"), "***");
    }

    #[test]
    fn text_from_outside_is_one_short_line_without_secrets() {
        let secrets = ["hunter2".to_owned(), String::new()];
        assert_eq!(cleaned("no\r\n\u{0}such <b>hunter2</b>\n", &secrets), "no such <b>***</b>");
        assert_eq!(cleaned(&"ä".repeat(400), &secrets).chars().count(), 301);
    }
}
