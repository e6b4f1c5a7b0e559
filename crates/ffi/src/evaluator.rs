//! The evaluator as other languages get it: texts in, texts out.

use lanner_switch::{Delta, OnUnavailable, Snapshot, Staleness, SwitchSet, Verdict, decide};
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

    /// The switches that a change makes of these, where the change is as the server's stream and `?since=` tell it. Only of
    /// switches that were given; these stay as they are.
    ///
    /// # Errors
    /// Why it is none, or makes something else than it announces.
    pub fn changed(&self, delta: &str) -> Result<Self, String> {
        let set = self.given()?;
        let delta: Value =
            serde_json::from_str(delta).map_err(|error| format!("the change is not JSON: {error}"))?;
        let after = Delta::from_json(&delta).and_then(|delta| delta.apply(set.snapshot()));
        let after = after.map_err(|error| format!("the change {error}"))?;
        let set = set.compile_next(&after).map_err(|problems| problems.to_string())?;
        Ok(Self(Switches::Given(Box::new(set))))
    }

    /// The switches as a snapshot's text, to keep. Only of switches that were given.
    ///
    /// # Errors
    /// That these keep themselves.
    pub fn snapshot(&self) -> Result<String, String> {
        Ok(self.given()?.snapshot().to_text())
    }

    /// What the switches say of a context, which is a JSON object, at `now_ms`, milliseconds since the Unix epoch;
    /// without it by the clock, corrected by the server's. Switches that refresh themselves always go by the clock.
    ///
    /// # Errors
    /// Why `context` is none.
    pub fn evaluate(&self, context: &[u8], now_ms: Option<i64>) -> Result<Verdict, String> {
        let context = read_context(context)?;
        match &self.0 {
            Switches::Given(set) => Ok(set.evaluate(&context, now_ms.map_or_else(clock_ms, Ok)?)),
            #[cfg(feature = "connect")]
            Switches::Refreshed(switches) => Ok(switches.evaluate(&context)),
        }
    }

    /// What a context gets of a flag, as OpenFeature clients are answered over HTTP: JSON with `key`, `value`, `variant`,
    /// `reason` and `metadata`; without a value the caller's default counts. Where there is no such flag: `key`, `errorCode`
    /// and `errorDetails`.
    ///
    /// # Errors
    /// Why `context` is none.
    pub fn flag(&self, key: &str, context: &[u8], now_ms: Option<i64>) -> Result<String, String> {
        let context = read_context(context)?;
        match &self.0 {
            Switches::Given(set) => {
                let now_ms = now_ms.map_or_else(clock_ms, Ok)?;
                Ok(flag(set, key, &set.evaluate(&context, now_ms), &context, now_ms))
            }
            #[cfg(feature = "connect")]
            Switches::Refreshed(switches) => Ok(match switches.flag(key, &context) {
                Ok(flag) => flag.to_string(),
                Err(error) => no_flag(key, error.code(), &error.to_string()),
            }),
        }
    }

    /// The answer for whoever keeps switches up to date, and knows how stale they are; `switches` is `None` while none were
    /// ever known. The question is an object: `context`, `now_ms`, `stale_ms` (for how long nobody confirmed the switches),
    /// `too_old` (whether that is too long), `on_unavailable` (`last_good`, `open` or `closed`), and `flag`, if the value of
    /// a flag is asked for and not a verdict.
    ///
    /// # Errors
    /// What is wrong with the question.
    pub fn decide(switches: Option<&Self>, question: &[u8]) -> Result<String, String> {
        let set = switches.map(Self::given).transpose()?;
        let question: Value = serde_json::from_slice(question)
            .map_err(|error| format!("the question is not a JSON object: {error}"))?;
        let Some(context) = question["context"].as_object() else {
            return Err("the context is not a JSON object".to_owned());
        };
        let number = |name: &str| question[name].as_i64().unwrap_or_default();
        let staleness = Staleness {
            for_ms: number("stale_ms"),
            is_too_old: question["too_old"].as_bool().unwrap_or_default(),
        };
        let policy = question["on_unavailable"].as_str().and_then(OnUnavailable::parse).unwrap_or_default();
        let now_ms = number("now_ms");
        let verdict = decide(set, policy, context, now_ms, staleness);
        Ok(match (question["flag"].as_str(), set) {
            (None, _) => verdict.to_json().to_string(),
            (Some(key), Some(set)) => flag(set, key, &verdict, context, now_ms),
            (Some(key), None) => no_flag(key, "PROVIDER_NOT_READY", "no kill switches are known yet"),
        })
    }

    /// The switches, where they were given.
    fn given(&self) -> Result<&SwitchSet, String> {
        match &self.0 {
            Switches::Given(set) => Ok(set),
            #[cfg(feature = "connect")]
            Switches::Refreshed(_) => Err("these switches keep themselves up to date".to_owned()),
        }
    }

    /// How it is, as JSON: revision, source, staleness, the last problem. Of switches that were given: revision, source,
    /// how many, tag, signature, and the text that it signs.
    #[must_use]
    pub fn status(&self) -> String {
        match &self.0 {
            Switches::Given(set) => json!({
                "revision": set.revision(), "source": "given", "switches": set.len(), "tag": set.tag(),
                "signature": set.snapshot().signature(), "signed_text": set.snapshot().signed_text(),
                "every_ms": set.every_ms(),
            })
            .to_string(),
            #[cfg(feature = "connect")]
            Switches::Refreshed(switches) => switches.status().to_json().to_string(),
        }
    }
}

fn read_context(text: &[u8]) -> Result<Map<String, Value>, String> {
    serde_json::from_slice(text).map_err(|error| format!("the context is not a JSON object: {error}"))
}

fn flag(set: &SwitchSet, key: &str, verdict: &Verdict, context: &Map<String, Value>, now_ms: i64) -> String {
    match set.flag(key, verdict, context, now_ms) {
        Some(flag) => String::from_utf8(flag.to_json()).unwrap_or_default(),
        None => no_flag(key, "FLAG_NOT_FOUND", &format!("there is no switch \"{key}\"")),
    }
}

fn no_flag(key: &str, code: &str, details: &str) -> String {
    json!({"key": key, "errorCode": code, "errorDetails": details}).to_string()
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
        assert!(switches.status().starts_with(r#"{"revision":0,"source":"given","switches":0,"tag":"0-"#));
    }

    #[test]
    fn a_change_makes_other_switches_or_is_refused() {
        let [before, after] =
            [1, 2].map(|n| Snapshot::new(n, vec![json!({"id": "a", "when": format!("x == {n}")})]));
        let held = Evaluator::new(&before.to_text()).unwrap();
        let delta = Delta::between(&before, &after).to_json();
        let changed = held.changed(&delta.to_string()).unwrap();
        assert_eq!(changed.snapshot().unwrap(), after.to_text());
        assert!(changed.evaluate(br#"{"x": 2}"#, Some(0)).unwrap().is_blocked());
        assert!(!held.evaluate(br#"{"x": 2}"#, Some(0)).unwrap().is_blocked());
        let error = changed.changed(&delta.to_string()).map(|_| ()).unwrap_err();
        assert!(error.contains("change"), "{error}");
        assert!(held.changed("{").is_err());
    }

    #[test]
    fn who_knows_how_stale_switches_are_decides() {
        #[track_caller]
        fn check(switches: Option<&Evaluator>, question: &Value, blocked: bool, stale_ms: i64) {
            let answer = Evaluator::decide(switches, question.to_string().as_bytes()).unwrap();
            let answer: Value = serde_json::from_str(&answer).unwrap();
            assert_eq!(
                (&answer["blocked"], &answer["stale_ms"]),
                (&json!(blocked), &json!(stale_ms)),
                "{question}"
            );
        }
        let switches = Evaluator::new(r#"{"switches": [{"id": "a", "when": "x == 1"}]}"#).unwrap();
        check(Some(&switches), &json!({"context": {"x": 1}, "now_ms": 0, "stale_ms": 7}), true, 7);
        check(Some(&switches), &json!({"context": {"x": 2}}), false, 0);
        let old = |policy: &str| json!({"context": {"x": 1}, "stale_ms": 9, "too_old": true, "on_unavailable": policy});
        check(Some(&switches), &old("last_good"), true, 9);
        check(Some(&switches), &old("open"), false, 9);
        check(None, &json!({"context": {}, "on_unavailable": "closed"}), true, 0);
        check(None, &json!({"context": {}}), false, 0);
        let flag = |switches, key: &str| {
            let question = json!({"context": {"x": 1}, "flag": key}).to_string();
            serde_json::from_str::<Value>(&Evaluator::decide(switches, question.as_bytes()).unwrap()).unwrap()
        };
        assert_eq!(flag(Some(&switches), "a")["value"], true);
        assert_eq!(flag(Some(&switches), "b")["errorCode"], "FLAG_NOT_FOUND");
        assert_eq!(flag(None, "a")["errorCode"], "PROVIDER_NOT_READY");
        assert!(Evaluator::decide(None, b"{}").unwrap_err().contains("context"));
    }
}
