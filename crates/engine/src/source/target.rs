//! `target`: an expression of Graphite's language, over stored series ([`super::expression`]) or asked of another Graphite
//! ([`super::remote`]).

use std::sync::Arc;

use lanner_core::field::{Field, Type};
use lanner_core::reading::{self, text};
use lanner_core::time::parse_duration_ms;
use lanner_core::{Answer, Ask, SeriesKey, SourceError, TimeRange};

use super::ceiling::{self, Ceiling};
use super::data::Data;
use super::expression::{self, ExpressionQuery, WarmUp};
use super::query::{Kind, Query, fingerprint};
use super::remote::{Names, RemoteQuery};
use crate::document::{Check, Fields, Node};

pub(super) const KIND: Kind = Kind {
    name: "target",
    about: "an expression of Graphite's language, over stored series or asked of another Graphite",
    example: "{ target: 'movingAverage({series}, \"5min\")', for_each: 'app.*.rate', warm_up: 1d }",
    read,
    fields: &[
        Field::new(
            "target",
            "\"sumSeries(app.*.rate)\"",
            "a Graphite expression; each resulting series is a group",
        ),
        Field::new("for_each", "'env.*.payments'", "makes `target` a template for each series that matches this pattern"),
        Field::new(
            "warm_up",
            "7d",
            "how far back a series of `for_each` must reach before it is evaluated, or off; by default as far as the expression reads",
        )
        .of(Type::Duration),
        Field::new(
            "source",
            "berlin",
            "the source under `sources` that evaluates `target`; by default the series stored here are read",
        )
        .of(Type::Id),
    ],
};

impl Query for ExpressionQuery {
    fn kind(&self) -> &'static str {
        KIND.name
    }

    fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    fn by(&self) -> &[String] {
        &self.by
    }

    fn answer(&self, ask: &Ask, data: &mut dyn Data) -> Answer {
        expression::answer(ask, self, &*data.graphite()?).map_err(SourceError::Permanent)
    }

    fn alert_when_empty(&self) -> bool {
        self.for_each.is_none()
    }

    fn for_each(&self) -> Option<&Arc<str>> {
        self.for_each.as_ref()
    }

    fn is_seen(&self, _: Option<f64>) -> bool {
        true
    }

    /// When series began is known of those alone that a window read.
    fn knows_first_data(&self) -> bool {
        false
    }

    fn corrected(&self, late: &[(Arc<SeriesKey>, TimeRange)]) -> Option<TimeRange> {
        let mine = late.iter().filter(|(key, _)| self.may_read(&expression::full_name(key)));
        let first_ms = mine.map(|(_, range)| range.start_ms).min()?;
        Some(TimeRange::new(first_ms, i64::MAX)) // it may look back from any later window
    }

    fn ceiling(&self, window_ms: i64, step_s: Option<i64>) -> Option<Ceiling> {
        ceiling::of_expression(&self.expr, window_ms, step_s)
    }

    fn step_s(&self, data: &mut dyn Data, end_ms: i64) -> Option<i64> {
        expression::step_s(self, &*data.graphite().ok()?, end_ms)
    }
}

fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn Query>> {
    let target: &Node = fields.get("target")?;
    let path = fields.path_of("target");
    let written = text(target).map_err(|message| check.problem(target, &path, message)).ok()?;
    let for_each = fields.read("for_each", check, reading::name);
    let source = fields.read("source", check, |node| reading::id(node, "_-."));
    if fields.get("source").is_some() {
        return read_remote(fields, &written, &source?, check);
    }
    let warm_up = fields.read("warm_up", check, |node| match text(node)?.as_str() {
        "off" | "false" => Ok(WarmUp::None),
        text => parse_duration_ms(text).map(WarmUp::Fixed).map_err(|error| error.to_string()),
    });
    let default = if for_each.is_some() { WarmUp::LookBack } else { WarmUp::None };
    let warm_up = warm_up.unwrap_or(default);
    match (&for_each, is_template(&written)) {
        (None, true) => {
            let message = "names {series}, so it needs for_each, for example for_each: 'app.*.latency'";
            check.problem(target, &path, message);
        }
        (Some(_), false) => {
            check.problem(target, &path, "should name {series}, which stands for each series of for_each");
        }
        _ => {}
    }
    let expr = match lanner_graphite::parse(&written) {
        Ok(expr) => expr,
        Err(problems) => {
            for problem in problems {
                check.problem(target, &path, problem.to_string());
            }
            return None;
        }
    };
    let by = vec![if for_each.is_some() { "series" } else { "target" }.to_owned()];
    let fingerprint = fingerprint(&["target", &written, for_each.as_deref().unwrap_or("")], &by);
    let (target, for_each) = (written.into(), for_each.map(Arc::from));
    Some(Box::new(ExpressionQuery { target, expr, for_each, warm_up, by, fingerprint }))
}

/// A target that another Graphite evaluates. Its functions may be others than those known here, so only that server can
/// say whether it is right.
fn read_remote(
    fields: &mut Fields<'_>,
    written: &str,
    source: &str,
    check: &mut Check,
) -> Option<Box<dyn Query>> {
    for name in ["for_each", "warm_up"] {
        if let Some(node) = fields.get(name) {
            let message = "goes with series that are stored here; a `target` with wildcards, such as \
                           'scale(app.*.rate, 60)', makes each series that `source` answers a group";
            check.problem(node, &fields.path_of(name), message);
        }
    }
    let by = vec!["target".to_owned()];
    Some(Box::new(RemoteQuery::new(KIND.name, source, written, Names::Series, by)))
}

/// Whether `target` names `{series}` or a part of it, `{1}`, and so is a template.
fn is_template(target: &str) -> bool {
    (0..10).any(|n| target.contains(&format!("{{{n}}}"))) || target.contains("{series}")
}
