//! Addresses of other servers: read without being quoted, because they may hold secrets.

use reqwest::Url;

use super::problem::Problem;
use super::secret::Secret;

/// Reads and checks a URL. `field` is the field that a problem is about.
pub(crate) fn parse_url(field: &str, text: &str) -> Result<Url, Problem> {
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
pub(crate) fn check_url(field: &str, url: &Secret) -> Option<Problem> {
    if url.is_empty() {
        return Some(Problem::new(field, "is missing; write for example https://example.org/hook"));
    }
    url.plain().and_then(|text| parse_url(field, text).err())
}

/// The parts of a URL that must not be repeated.
pub(crate) fn secrets_of(url: &Url) -> Vec<String> {
    let path = url.path().trim_matches('/');
    let parts = [url.password(), url.query(), Some(path)];
    parts.into_iter().flatten().filter(|part| part.len() >= 4).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::redact::shown;

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
        fn any_url_is_survived(url in ".{0,40}") {
            let _ = parse_url("url", &url).map(|url| (shown(&url), secrets_of(&url)));
        }
    }
}
