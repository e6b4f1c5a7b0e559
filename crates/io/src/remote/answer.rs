//! What an answer of another server says about trying again.

use std::time::SystemTime;

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};

/// So much of an answer is read to tell why it is an error.
const MAX_ANSWER_BYTES: usize = 1024;
/// A receiver that asks to be left alone for longer is tried again after this.
const MAX_RETRY_AFTER_MS: i64 = 3_600_000;
/// Whether the same request may be answered otherwise later.
pub(crate) const fn worth_retrying(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500..=599)
}

/// The beginning of what it says.
pub(crate) async fn read_start(response: &mut Response) -> String {
    let mut start = Vec::new();
    while start.len() < MAX_ANSWER_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => start.extend_from_slice(&chunk[..chunk.len().min(MAX_ANSWER_BYTES)]),
            Ok(None) | Err(_) => break,
        }
    }
    String::from_utf8_lossy(&start).into_owned()
}

/// `Retry-After`: seconds, or a date that is compared with the answer's own `Date`.
pub(crate) fn retry_after_ms(headers: &HeaderMap) -> Option<i64> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let after = text(RETRY_AFTER)?;
    if let Ok(seconds) = after.parse::<u32>() {
        return Some((i64::from(seconds) * 1000).min(MAX_RETRY_AFTER_MS));
    }
    let until = httpdate::parse_http_date(after).ok()?;
    let now =
        text(DATE).and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or_else(SystemTime::now);
    let wait = until.duration_since(now).unwrap_or_default();
    Some(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX).min(MAX_RETRY_AFTER_MS))
}

/// `retry_after` in the JSON of an answer, seconds: Discord's, and Telegram's among its `parameters`.
pub(crate) fn asked_in_body(answer: &str) -> Option<i64> {
    let answer: serde_json::Value = serde_json::from_str(answer).ok()?;
    let asked = answer.get("retry_after").or_else(|| answer.get("parameters")?.get("retry_after"))?;
    let wait_ms = (asked.as_f64()? * 1e3).ceil();
    (wait_ms >= 0.0).then_some((wait_ms as i64).min(MAX_RETRY_AFTER_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        #[track_caller]
        fn check(after: &'static str, expected: Option<i64>) {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, after.parse().unwrap());
            headers.insert(DATE, "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap());
            assert_eq!(retry_after_ms(&headers), expected, "{after}");
        }
        check("7", Some(7_000));
        check("Sun, 06 Nov 1994 08:50:37 GMT", Some(60_000));
        check("Sun, 06 Nov 1994 08:40:00 GMT", Some(0)); // has passed
        check("86400", Some(3_600_000)); // no receiver is forgotten for a day
        check("soon", None);
        check("-1", None);
    }

    proptest::proptest! {
        #[test]
        fn any_header_is_survived(after in "[ -~]{0,40}") {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, after.parse().unwrap());
            let _ = retry_after_ms(&headers);
        }
    }
}
