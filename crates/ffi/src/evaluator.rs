//! The evaluator as other languages get it: texts in, texts out.

use lanner_switch::{Snapshot, SwitchSet, Verdict};
use serde_json::{Map, Value, json};

/// Kill switches: given once, or kept up to date in the background.
///
/// ```
/// let switches = lanner_ffi::Evaluator::new(r#"{"switches": [{"id": "a", "when": "x == 1"}]}"#).unwrap();
/// let verdict = switches.evaluate(br#"{"x": 1}"#, Some(0)).unwrap();
/// assert!(verdict.is_blocked());
/// ```
#[derive(Debug)]
pub struct Evaluator(Switches);

#[derive(Debug)]
enum Switches {
    /// As they were given, for ever.
    Given(Box<SwitchSet>),
    #[cfg(feature = "connect")]
    Refreshed(lanner_client::blocking::Switches),
}

impl Evaluator {
    /// Takes a snapshot as the server gives it, whose hash is checked, or an object with a list `switches`.
    ///
    /// # Errors
    /// What is wrong with it; every problem of every switch at once.
    pub fn new(text: &str) -> Result<Self, String> {
        let document: Value =
            serde_json::from_str(text).map_err(|error| format!("this is not JSON: {error}"))?;
        let snapshot = Snapshot::from_document(&document).map_err(|error| format!("this {error}"))?;
        let set = SwitchSet::compile(&snapshot).map_err(|problems| problems.to_string())?;
        Ok(Self(Switches::Given(Box::new(set))))
    }

    /// Connects to a server and keeps the switches up to date. `options` is an object: `url`, and, if wanted, `token`, `key`,
    /// `cache` (a file), `max_stale_ms`, `every_ms`, `patience_ms`, `push` (a truth), and `on_unavailable` (`last_good`,
    /// `open` or `closed`). Waits until switches are there, for 2 s at most (`patience_ms`).
    ///
    /// # Errors
    /// What is wrong with the options. A server that does not answer is no error: see [`Evaluator::status`].
    #[cfg(feature = "connect")]
    pub fn connect(options: &str) -> Result<Self, String> {
        let options = lanner_client::Options::from_json(options)?;
        let switches =
            lanner_client::blocking::Switches::connect(options).map_err(|error| error.to_string())?;
        Ok(Self(Switches::Refreshed(switches)))
    }

    /// What the switches say of a context, which is a JSON object, at `now_ms`, milliseconds since the Unix epoch;
    /// without it by the clock, corrected by the server's. Switches that refresh themselves always go by the clock.
    ///
    /// # Errors
    /// Why `context` is none.
    pub fn evaluate(&self, context: &[u8], now_ms: Option<i64>) -> Result<Verdict, String> {
        let context: Map<String, Value> = serde_json::from_slice(context)
            .map_err(|error| format!("the context is not a JSON object: {error}"))?;
        match &self.0 {
            Switches::Given(set) => Ok(set.evaluate(&context, now_ms.map_or_else(clock_ms, Ok)?)),
            #[cfg(feature = "connect")]
            Switches::Refreshed(switches) => Ok(switches.evaluate(&context)),
        }
    }

    /// How it is, as JSON: revision, source, staleness, the last problem.
    #[must_use]
    pub fn status(&self) -> String {
        match &self.0 {
            Switches::Given(set) => {
                json!({"revision": set.revision(), "source": "given", "switches": set.switches().len()})
                    .to_string()
            }
            #[cfg(feature = "connect")]
            Switches::Refreshed(switches) => switches.status().to_json().to_string(),
        }
    }
}

#[cfg(not(target_family = "wasm"))]
fn clock_ms() -> Result<i64, String> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let since = since.map_err(|_| "the clock is before 1970; pass a time".to_owned())?;
    i64::try_from(since.as_millis()).map_err(|_| "the clock is too late; pass a time".to_owned())
}

#[cfg(target_family = "wasm")]
fn clock_ms() -> Result<i64, String> {
    Err("there is no clock here; pass a time".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said() {
        #[track_caller]
        fn check(text: &str, part: &str) {
            let error = Evaluator::new(text).map(|_| ()).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        check("", "not JSON");
        check("[]", "not a snapshot");
        check("{}", "not a snapshot");
        check(r#"{"switches": 1}"#, "not a snapshot");
        check(r#"{"switches": [{"id": "a", "when": "x =="}, {"id": "b", "wen": "x"}]}"#, "switches[1]");
        check(r#"{"format": 1, "revision": 1, "hash": "0", "switches": []}"#, "damaged");
        let switches = Evaluator::new(r#"{"switches": []}"#).unwrap();
        assert!(switches.evaluate(b"[1]", Some(0)).unwrap_err().contains("not a JSON object"));
        assert!(!switches.evaluate(b"{}", None).unwrap().is_blocked());
        for (open, close) in [("{\"a\":", "}"), ("[", "]")] {
            let deep = format!("{{\"x\":{}1{}}}", open.repeat(200_000), close.repeat(200_000));
            assert!(switches.evaluate(deep.as_bytes(), Some(0)).unwrap_err().contains("recursion limit"));
            check(&deep, "recursion limit");
            let unclosed = open.repeat(200_000);
            assert!(switches.evaluate(unclosed.as_bytes(), Some(0)).is_err());
        }
        assert_eq!(switches.status(), r#"{"revision":0,"source":"given","switches":0}"#);
    }
}
