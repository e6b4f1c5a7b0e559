//! A webhook's body by a template: what it may say, a check that tries it on messages of every sort, and rendering.
//!
//! A check cannot know which labels alerts will have, so a label, an annotation or a field of the content that is asked
//! for is always there in the [`sample`]s; when a message is sent, one that is missing is empty.

use std::sync::LazyLock;

use lanner_core::Notification;
use lanner_core::template::{MAX_BYTES, UndefinedBehavior, environment};
use minijinja::{Environment, Error};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Links;
use names::names;
use sample::{Sample, samples};

mod names;
mod sample;

/// A body as it is written: a template, or JSON whose texts are templates.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Body(Value);

/// The names that a template may use.
const NAMES: [&str; 13] = [
    "version",
    "key",
    "receiver",
    "status",
    "title",
    "text",
    "repeat",
    "created",
    "group",
    "external_url",
    "alerts",
    "n_alerts",
    "truncated_alerts",
];
/// Functions of the language itself.
const FUNCTIONS: [&str; 4] = ["range", "dict", "namespace", "debug"];
/// A body that grows beyond this is not sent, bytes.
const MAX_BODY: usize = 4 << 20;
/// So much of a rendered line is shown, characters.
const MAX_SHOWN: usize = 120;

static CHECKING: LazyLock<Environment<'static>> = LazyLock::new(|| environment(UndefinedBehavior::Strict));
static SENDING: LazyLock<Environment<'static>> = LazyLock::new(|| environment(UndefinedBehavior::Chainable));

impl Body {
    /// What is wrong with it, a sentence each: what is no template, uses an unknown name, fails on a message that may
    /// come, or makes of one what is no JSON where JSON is announced.
    pub(super) fn check(&self, is_json: bool) -> Vec<String> {
        let mut problems = Vec::new();
        texts(&self.0, &mut |text| check_text(text, &mut problems));
        if !problems.is_empty() {
            return problems;
        }
        for Sample { when, names } in samples() {
            match self.rendered(&CHECKING, &names) {
                Err(error) => problems.push(format!("cannot be rendered {when}: {}", explained(&error))),
                Ok(body) if is_json && self.0.is_string() => {
                    problems.extend(not_json(&body).map(|why| format!("{why}, {when}")));
                }
                Ok(_) => {}
            }
            // The next one would most likely fail for the same reason.
            if !problems.is_empty() {
                break;
            }
        }
        problems
    }

    /// The body of one message.
    ///
    /// # Errors
    /// Why it cannot be rendered, or is no JSON though it is announced as such.
    pub(super) fn render(
        &self,
        notification: &Notification,
        links: &Links,
        is_json: bool,
    ) -> Result<Vec<u8>, String> {
        let names = minijinja::Value::from(minijinja::value::Serde(names(notification, links)));
        let body = self
            .rendered(&SENDING, &names)
            .map_err(|error| format!("the body cannot be rendered: {}", explained(&error)))?;
        match not_json(&body).filter(|_| is_json && self.0.is_string()) {
            Some(why) => Err(format!("the body {why}")),
            None => Ok(body.into_bytes()),
        }
    }

    fn rendered(&self, environment: &Environment<'_>, names: &minijinja::Value) -> Result<String, Error> {
        match &self.0 {
            Value::String(text) => fill(environment, text, names),
            structure => Ok(filled(environment, structure, names)?.to_string()),
        }
    }
}

fn filled(environment: &Environment<'_>, written: &Value, names: &minijinja::Value) -> Result<Value, Error> {
    Ok(match written {
        Value::String(text) => fill(environment, text, names)?.into(),
        Value::Array(items) => {
            items.iter().map(|item| filled(environment, item, names)).collect::<Result<_, _>>()?
        }
        Value::Object(fields) => {
            let filled =
                |(name, item): (&String, &Value)| Ok((name.clone(), filled(environment, item, names)?));
            Value::Object(fields.iter().map(filled).collect::<Result<_, Error>>()?)
        }
        other => other.clone(),
    })
}

fn fill(environment: &Environment<'_>, text: &str, names: &minijinja::Value) -> Result<String, Error> {
    let mut out = Bounded(Vec::new());
    environment.template_from_str(text)?.render_captured_to(names.clone(), &mut out)?;
    Ok(String::from_utf8_lossy(&out.0).into_owned())
}

/// Text that ends with an error where it grows too long.
struct Bounded(Vec<u8>);

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_BODY {
            return Err(std::io::Error::other(format!("it is longer than {MAX_BODY} bytes")));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn texts(written: &Value, each: &mut dyn FnMut(&str)) {
    match written {
        Value::String(text) => each(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, each)),
        Value::Object(fields) => fields.values().for_each(|item| texts(item, each)),
        _ => {}
    }
}

fn check_text(text: &str, problems: &mut Vec<String>) {
    if text.len() > MAX_BYTES {
        return problems.push(format!("is longer than {MAX_BYTES} bytes"));
    }
    let template = match CHECKING.template_from_str(text) {
        Ok(template) => template,
        Err(error) => return problems.push(format!("is not a template: {}", explained(&error))),
    };
    let is_known = |name: &str| NAMES.contains(&name) || FUNCTIONS.contains(&name);
    let mut unknown: Vec<String> =
        template.undeclared_variables(false).into_iter().filter(|name| !is_known(name)).collect();
    unknown.sort();
    let unknown = unknown.into_iter();
    problems.extend(
        unknown.map(|name| format!("uses the unknown name \"{name}\"; known are {}", NAMES.join(", "))),
    );
}

/// `undefined value, line 3: alert.lables`
fn explained(error: &Error) -> String {
    let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    let line = error.line().map(|line| format!(", line {line} of the template")).unwrap_or_default();
    format!("{what}{cause}{line}")
}

/// Why a text is no JSON, with the line that shows it.
fn not_json(body: &str) -> Option<String> {
    let error = serde_json::from_str::<serde::de::IgnoredAny>(body).err()?;
    let why = error.to_string();
    let why = why.split(" at line ").next().unwrap_or(&why);
    let line = body.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    let shown: String = line.trim().chars().take(MAX_SHOWN).collect();
    Some(format!(
        "is not JSON: {why} in line {}, column {} of what is rendered, `{}`; write values as {{{{ name | tojson }}}}",
        error.line(),
        error.column(),
        lanner_core::printable::one_line(&shown),
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::receiver::message::tests::{links, sample};

    #[track_caller]
    fn refused(written: Value, part: &str) {
        let body = Body(written);
        let problems = body.check(true);
        assert!(problems.len() == 1 && problems[0].contains(part), "{body:?}: {problems:#?}");
    }

    #[test]
    fn what_is_wrong_is_said_before_anything_is_sent() {
        refused(json!("{{ titel }}"), "the unknown name \"titel\"; known are version, key");
        refused(json!("{{ title"), "is not a template");
        refused(json!("{\n  \"text\": {{ title | nofilter }}\n}"), "nofilter");
        let endless = "{% for i in range(9999) %}{% for j in range(9999) %}{{ j }}{% endfor %}{% endfor %}";
        refused(json!(endless), "fuel");
        refused(json!("{{ alerts[0].lables.bank }}"), "undefined");
        refused(json!({ "text": "{{ alerts[0].valeu }}" }), "undefined");
        refused(json!("x".repeat(70_000)), "longer than 65536 bytes");
        // Much from a few instructions.
        let long = "{% set x = \"y\" * 1000000 %}{{ x }}{{ x }}{{ x }}{{ x }}{{ x }}";
        refused(json!(long), "longer than 4194304 bytes");
    }

    #[test]
    fn what_is_not_json_is_shown_as_it_was_rendered() {
        #[track_caller]
        fn check(template: &str, parts: &[&str]) {
            let problems = Body(template.into()).check(true);
            for part in parts {
                assert!(problems.len() == 1 && problems[0].contains(part), "{template}: {problems:#?}");
            }
            assert!(problems[0].contains("| tojson"), "{problems:?}");
            assert_eq!(Body(template.into()).check(false), Vec::<String>::new());
        }
        // Only texts with quotes and line ends show it.
        check("{\n \"text\": \"{{ title }}\"\n}", &["line 2"]);
        check("{\"text\": \"{{ text }}\"}", &["line 1"]);
        check("{\"text\": \"{{ alerts[0].labels.bank }}\"}", &["hostile"]);
        check("{\"content\": \"{{ alerts[0].content }}\"}", &["hostile"]);
        // Only an alert without a value shows it.
        check("{\"value\": {{ alerts[0].value }}}", &["`{\"value\": –}`"]);
        check("{\"end\": \"{{ alerts[0].resolved }}\", \"more\": {{ alerts[0].resolved }}}", &["–"]);
        // Only several alerts show it.
        check("[{% for alert in alerts %}{{ alert.title | tojson }}{% endfor %}]", &["several"]);
        check("{{ title }}", &["line 1"]);
        check("", &["EOF"]);
    }

    #[test]
    fn a_body_is_what_its_template_says() {
        #[track_caller]
        fn check(written: Value, expected: &Value) {
            let body = Body(written);
            assert_eq!(body.check(true), Vec::<String>::new());
            let rendered = body.render(&sample(), &links(), true).unwrap();
            assert_eq!(serde_json::from_slice::<Value>(&rendered).unwrap(), *expected);
        }
        check(
            json!(
                "{\"text\": {{ title | tojson }}, \"banks\": [{% for alert in alerts %}{{ alert.labels.bank | tojson }}\
                 {% if not loop.last %}, {% endif %}{% endfor %}]}"
            ),
            &json!({ "text": "FIRING payments-floor {bank=\"hsbc\"} and 1 more", "banks": ["hsbc", "ing"] }),
        );
        // What an alert lacks is empty.
        check(json!({ "dc": "{{ alerts[0].labels.dc }}", "n": 1 }), &json!({ "dc": "", "n": 1 }));
        check(
            json!({ "list": ["{{ status }}", "{{ alerts[0].state }}: {{ alerts[0].value }}"] }),
            &json!({ "list": ["firing", "firing: 150"] }),
        );
        check(
            json!({ "change": "{{ ((alerts[0].value or 0) / 1000) | number(2) }}" }),
            &json!({ "change": "0.15" }),
        );
    }

    #[test]
    fn plain_text_needs_no_json() {
        let body = Body("{{ title }}\n{{ text }}".into());
        assert_eq!(body.check(false), Vec::<String>::new());
        let rendered = String::from_utf8(body.render(&sample(), &links(), false).unwrap()).unwrap();
        assert!(rendered.starts_with("FIRING payments-floor"), "{rendered}");
    }

    proptest::proptest! {
        #[test]
        fn any_template_is_judged_not_feared(text in "[{}%a-z \"|.\\[\\]0-9]{0,60}") {
            let body = Body(text.into());
            let is_fine = body.check(true).is_empty();
            let rendered = body.render(&sample(), &links(), true);
            // What passes the check is JSON for other messages, too.
            proptest::prop_assert!(!is_fine || rendered.is_ok(), "{rendered:?}");
        }
    }
}
