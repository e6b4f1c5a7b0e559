//! Content of messages: text or JSON with `{{ variables }}`, checked when a rule is saved.
//!
//! Templates are Jinja (minijinja). Unknown variables are an error at save, and rendering is bounded by
//! fuel, so a template can neither surprise nor hang at the moment it is needed.

use std::sync::LazyLock;

use lanner_core::template::{MAX_BYTES, UndefinedBehavior, environment};
use lanner_core::{Annotations, Evidence, Labels, ResolvedReason};
use minijinja::Environment;
use minijinja::value::Value as Jinja;
use serde_json::Value;

/// The variables that every rule has beside its labels and `by` fields.
pub const VARIABLES: [&str; 13] = [
    "rule",
    "description",
    "state",
    "reason",
    "group",
    "labels",
    "value",
    "base",
    "change",
    "score",
    "window",
    "error",
    "evidence",
];

/// The text of a rule that says nothing itself.
const STANDARD: &str = "{{ rule }} is {{ state }}{% if severity %} ({{ severity }}){% endif %}\
    {% if reason %}: {{ reason }}; the last bad value was {{ value }}{% else %}: {{ value }}{% endif %}\
    {% if base is not none %} against {{ base }}\
    {% if change is not none %} ({{ change | percent }}){% endif %}{% endif %}{% if error %} ({{ error }}){% endif %}";

/// How it is found when it is compiled.
const STANDARD_NAME: &str = "standard";

/// A checked template: text, or JSON whose texts are templates.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Template(Value);

/// What a template is filled with.
#[derive(Debug, Clone, Default)]
pub struct Context<'a> {
    /// The rule's id.
    pub rule: &'a str,
    /// The rule's description.
    pub description: &'a str,
    /// The alert's new state; `resolved` when an episode ends.
    pub state: &'a str,
    /// Why the episode ended, once it has.
    pub reason: Option<ResolvedReason>,
    /// The group.
    pub group: Labels,
    /// The fields that form groups. Those that the group lacks are empty.
    pub by: &'a [String],
    /// The rule's labels and the group's.
    pub labels: Labels,
    /// What was measured.
    pub value: Option<f64>,
    /// What it was compared with.
    pub base: Option<f64>,
    /// How strange it is.
    pub score: Option<f64>,
    /// How bad it is, where the detector or a label says so.
    pub severity: Option<String>,
    /// Why the source failed.
    pub error: Option<&'a str>,
    /// What the value rests on, where the source says so.
    pub evidence: Option<&'a Evidence>,
    /// The window, RFC 3339.
    pub window: [String; 2],
}

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = environment(UndefinedBehavior::Strict);
    // A test has filled it; if it could not be read, every message would say so.
    let _ = environment.add_template(STANDARD_NAME, STANDARD);
    environment
});

impl Template {
    /// Checks a template: text, or a JSON object or list whose texts are templates.
    ///
    /// - `known`: the rule's labels and `by` fields; they are variables beside [`VARIABLES`].
    ///
    /// # Errors
    /// A sentence for every text that is not a template or uses an unknown variable.
    ///
    /// ```
    /// use lanner_engine::template::Template;
    /// let text = serde_json::json!("{{ bank }}: {{ value }}, {{ change | percent }}");
    /// assert!(Template::check(&text, &["bank"]).is_ok());
    /// assert!(Template::check(&text, &[]).unwrap_err()[0].contains("bank"));
    /// ```
    pub fn check(written: &Value, known: &[&str]) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        check_value(written, known, &mut problems);
        if problems.is_empty() { Ok(Self(written.clone())) } else { Err(problems) }
    }

    /// The text of a rule that says nothing itself. Needs no check: a test has checked it.
    #[must_use]
    pub fn standard() -> Self {
        Self(STANDARD.into())
    }

    /// Fills the template. A text that fails to render is replaced by a sentence that says why.
    #[must_use]
    pub fn render(&self, context: &Context<'_>) -> Value {
        render_value(&self.0, &variables(context))
    }

    /// Fills a template that is an object of texts; other values in it are left out.
    #[must_use]
    pub(crate) fn render_texts(&self, context: &Context<'_>) -> Annotations {
        let Value::Object(texts) = &self.0 else { return Annotations::default() };
        if texts.is_empty() {
            return Annotations::default();
        }
        let variables = variables(context);
        let rendered = texts.iter().filter_map(|(name, text)| match render_value(text, &variables) {
            Value::String(text) => Some((name.clone(), text)),
            _ => None,
        });
        rendered.collect()
    }
}

fn variables(context: &Context<'_>) -> Jinja {
    let Context { value, base, .. } = *context;
    let change =
        value.zip(base).filter(|(_, base)| *base != 0.0).map(|(value, base)| (value - base) / base.abs());
    let missing = context.by.iter().map(|name| (name.clone(), "".into()));
    let severity = ("severity".to_owned(), context.severity.clone().into());
    let mut all: serde_json::Map<String, Value> = missing.chain([severity]).collect();
    // Labels first: the names of `VARIABLES` win, and a rule whose labels collide is refused when saved.
    for (name, value) in context.labels.iter().chain(context.group.iter()) {
        all.insert(name.to_owned(), value.into());
    }
    let fixed = serde_json::json!({
        "rule": context.rule, "description": context.description, "state": context.state,
        "reason": context.reason.map(ResolvedReason::text),
        "group": context.group, "labels": context.labels, "value": value, "base": base, "change": change,
        "score": context.score, "error": context.error, "evidence": context.evidence,
        "window": { "start": context.window[0], "end": context.window[1] },
    });
    if let Value::Object(fixed) = fixed {
        all.extend(fixed);
    }
    Jinja::from(minijinja::value::Serde(all))
}

fn check_value(written: &Value, known: &[&str], problems: &mut Vec<String>) {
    match written {
        Value::String(text) => check_text(text, known, problems),
        Value::Array(items) => items.iter().for_each(|item| check_value(item, known, problems)),
        Value::Object(map) => map.values().for_each(|item| check_value(item, known, problems)),
        _ => {}
    }
}

fn check_text(text: &str, known: &[&str], problems: &mut Vec<String>) {
    if text.len() > MAX_BYTES {
        return problems.push("is longer than 64 KiB".to_owned());
    }
    let template = match ENVIRONMENT.template_from_str(text) {
        Ok(template) => template,
        Err(error) => {
            let line = error.line().map_or_else(String::new, |line| format!(", line {line} of the text"));
            return problems
                .push(format!("is not a template: {}{line}", error.detail().unwrap_or("syntax error")));
        }
    };
    let mut unknown: Vec<String> = template
        .undeclared_variables(false)
        .into_iter()
        .filter(|name| !VARIABLES.contains(&name.as_str()) && !known.contains(&name.as_str()))
        .filter(|name| name != "range" && name != "dict" && name != "namespace" && name != "debug")
        .collect();
    unknown.sort();
    // A label may be called as what every rule has: `severity`.
    let mut all: Vec<&str> = Vec::new();
    for name in known.iter().copied().chain(VARIABLES) {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    for name in unknown {
        problems.push(format!("uses the unknown variable \"{name}\"; known are {}", all.join(", ")));
    }
    // A trial with every variable set shows wrong filters, wrong arguments and endless loops.
    let labels = Labels::new(known.iter().map(|name| (*name, "x")));
    let trial = Context {
        group: labels.clone(),
        labels,
        value: Some(1.0),
        base: Some(2.0),
        score: Some(1.0),
        ..Context::default()
    };
    if problems.is_empty()
        && let Err(error) = template.render(variables(&trial))
    {
        problems.push(format!(
            "cannot be filled: {}",
            error.detail().map_or_else(|| error.to_string(), str::to_owned)
        ));
    }
}

fn render_value(written: &Value, variables: &Jinja) -> Value {
    match written {
        Value::String(text) => {
            let rendered = render_text(text, variables);
            rendered.unwrap_or_else(|error| format!("(content not rendered: {error})")).into()
        }
        Value::Array(items) => items.iter().map(|item| render_value(item, variables)).collect(),
        Value::Object(map) => Value::Object(
            map.iter().map(|(key, item)| (key.clone(), render_value(item, variables))).collect(),
        ),
        other => other.clone(),
    }
}

fn render_text(text: &str, variables: &Jinja) -> Result<String, minijinja::Error> {
    // Most rules say nothing themselves, and a storm fills it for thousands of alerts: it is compiled once.
    if text == STANDARD {
        return ENVIRONMENT.get_template(STANDARD_NAME)?.render(variables.clone());
    }
    ENVIRONMENT.template_from_str(text)?.render(variables.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_checked_then_filled() {
        let written = serde_json::json!({
            "text": "{{ bank }}: {{ value }} payments, {{ change | percent }} against {{ base }}",
            "n": 1,
        });
        let template = Template::check(&written, &["bank"]).unwrap();
        let context = Context {
            group: Labels::new([("bank", "hsbc")]),
            value: Some(149.0),
            base: Some(200.0),
            ..Context::default()
        };
        let expected = serde_json::json!({"text": "hsbc: 149 payments, -25.5 % against 200", "n": 1});
        assert_eq!(template.render(&context), expected);
        let (by, two) = (
            ["bank".to_owned(), "app".to_owned()],
            Template::check(&"{{ bank }}-{{ app }}".into(), &["bank", "app"]),
        );
        let context = Context { group: Labels::new([("app", "pay")]), by: &by, ..Context::default() };
        assert_eq!(two.unwrap().render(&context), Value::from("-pay"));
        let missing = Template::check(&"{{ value }} {{ change | percent }}".into(), &[]).unwrap();
        assert_eq!(missing.render(&Context::default()), Value::from("– –"));
    }

    #[test]
    fn the_standard_content_passes_the_check() {
        assert_eq!(Template::check(&STANDARD.into(), &["severity"]), Ok(Template::standard()));
    }

    #[test]
    fn what_is_wrong_is_said_at_save() {
        #[track_caller]
        fn check(text: &str, part: &str) {
            let problems = Template::check(&text.into(), &["bank"]).unwrap_err();
            assert!(problems[0].contains(part), "{text}: {problems:?}");
        }
        check("{{ bnak }}", "bnak");
        check("{{ value", "is not a template");
        check("{{ value | nofilter }}", "nofilter");
        check("{% for i in range(1000000) %}{{ i }}{% endfor %}", "cannot be filled");
        check(&"x".repeat(70_000), "64 KiB");
    }
}
