//! The language of templates: Jinja, with filters for numbers, and bounded.
//!
//! What a rule tells and what a webhook sends are written in the same language. Each has names of its own; the filters,
//! how a number looks, and the fuel that ends a loop without end are those of [`environment`].

pub use minijinja::UndefinedBehavior;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, Value};

/// A longer template is refused, bytes.
pub const MAX_BYTES: usize = 64 * 1024;
/// Instructions of one rendering.
const FUEL: u64 = 100_000;

/// The language, with what a name that does not exist means.
///
/// ```
/// use std::collections::BTreeMap;
/// use lanner_core::template::{UndefinedBehavior, environment};
/// let environment = environment(UndefinedBehavior::Strict);
/// let template = environment.template_from_str("{{ value }} of {{ base }}: {{ change | percent }}")?;
/// let names = [("value", 149.0.into()), ("base", ().into()), ("change", (-0.254).into())];
/// let names: BTreeMap<&str, minijinja::Value> = names.into();
/// assert_eq!(template.render(names)?, "149 of –: -25.4 %");
/// # Ok::<(), minijinja::Error>(())
/// ```
#[must_use]
pub fn environment(undefined: UndefinedBehavior) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(undefined);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    environment.set_formatter(format_value);
    environment.add_filter("percent", percent);
    environment.add_filter("number", |value: Option<f64>, digits: Option<usize>| number(value, digits));
    environment
}

/// Whole numbers without a fraction, others with up to six digits, nothing as a dash.
fn format_value(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let text = if value.is_none() {
        "–".to_owned()
    } else if value.is_number() {
        f64::try_from(value.clone()).map_or_else(|_| value.to_string(), |n| number(Some(n), None))
    } else {
        return minijinja::escape_formatter(out, state, value);
    };
    out.write_str(&text).map_err(|_| Error::from(ErrorKind::WriteFailure))
}

/// `-0.254` as `-25.4 %`.
fn percent(value: Option<f64>) -> String {
    value.map_or_else(
        || "–".to_owned(),
        |value| format!("{} %", number(Some((value * 1000.0).round() / 10.0), None)),
    )
}

fn number(value: Option<f64>, digits: Option<usize>) -> String {
    let Some(value) = value else { return "–".to_owned() };
    if let Some(digits) = digits {
        return format!("{value:.digits$}", digits = digits.min(17));
    }
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
