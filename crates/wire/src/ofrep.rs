//! OpenFeature's remote evaluation protocol (OFREP 0.3): contexts come in, flags go out.

use serde::Serialize;
use serde_json::{Map, Value, json};

/// Why a request cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The protocol's word: `PARSE_ERROR` or `INVALID_CONTEXT`.
    pub code: &'static str,
    /// What is wrong, for people.
    pub details: String,
}

/// The context of a request; none is an empty one, as clients send.
///
/// # Errors
/// What is no JSON, no object, or holds a context that is none.
///
/// ```
/// use lanner_wire::ofrep::context;
/// assert_eq!(context(br#"{"context": {"bank": "north"}}"#).unwrap()["bank"], "north");
/// assert!(context(b"  ").unwrap().is_empty());
/// assert_eq!(context(b"[]").unwrap_err().code, "PARSE_ERROR");
/// ```
pub fn context(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    let wrong = |code, details: &str| Refusal { code, details: details.to_owned() };
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| wrong("PARSE_ERROR", &format!("the body is not JSON: {error}")))?;
    let Value::Object(mut fields) = body else {
        return Err(wrong("PARSE_ERROR", "the body should be an object with a context"));
    };
    match fields.remove("context") {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(context)) => Ok(context),
        Some(_) => Err(wrong("INVALID_CONTEXT", "the context should be an object")),
    }
}

/// The body of an answer for all flags.
///
/// - `flags`: as each is answered alone
/// - `revision`: of all switches
/// - `stream`: where changes are told
/// - `quiet_s`: how long nothing has to come from there before the connection counts as dead, seconds
#[must_use]
pub fn bulk<F: Serialize>(flags: &[F], revision: u64, stream: &str, quiet_s: u64) -> String {
    let stream = json!({"type": "sse", "endpoint": {"requestUri": stream}, "inactivityDelaySec": quiet_s});
    json!({"flags": flags, "metadata": {"revision": revision}, "eventStreams": [stream]}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever comes in is a context, or refused in the protocol's words.
        #[test]
        fn any_body_is_answered(body in "[ \\[\\]{}:,\"contextaé0-9\\\\]{0,60}", cut in 0usize..60) {
            let bytes = body.as_bytes();
            if let Err(refusal) = context(&bytes[..cut.min(bytes.len())]) {
                prop_assert!(["PARSE_ERROR", "INVALID_CONTEXT"].contains(&refusal.code));
                prop_assert!(!refusal.details.is_empty());
            }
        }
    }

    #[test]
    fn what_is_no_context_is_refused() {
        for (body, code) in [
            ("{", "PARSE_ERROR"),
            ("7", "PARSE_ERROR"),
            (r#"{"context": []}"#, "INVALID_CONTEXT"),
            (r#"{"context": "x"}"#, "INVALID_CONTEXT"),
        ] {
            assert_eq!(context(body.as_bytes()).unwrap_err().code, code, "{body}");
        }
        for body in ["", " \n", "{}", r#"{"context": null}"#, r#"{"other": 1}"#] {
            assert!(context(body.as_bytes()).unwrap().is_empty(), "{body}");
        }
    }

    #[test]
    fn all_flags_read_as_the_protocol_says() {
        let flag = json!({"key": "north", "value": true});
        let all: Value = serde_json::from_str(&bulk(&[&flag], 7, "/stream", 30)).unwrap();
        assert_eq!(all["flags"], json!([flag]));
        assert_eq!(all["metadata"]["revision"], 7);
        assert_eq!(all["eventStreams"][0]["inactivityDelaySec"], 30);
    }
}
