//! What a rule measures: events of a stream, samples of series, or an expression of series.

use std::sync::Arc;

use lanner_conditions::Condition;
use lanner_core::{Matcher, Outcome};
use lanner_graphite::{Expr, Glob};

use crate::detector::Remembers;
use crate::measure::Measure;

/// What to measure.
#[derive(Debug, Clone)]
pub enum Query {
    /// A measure on the events of a stream, kept up to date as they arrive.
    Stream(Arc<StreamQuery>),
    /// A measure on the samples of series.
    Series(Arc<SeriesQuery>),
    /// An expression of Graphite's language.
    Expression(Arc<ExpressionQuery>),
}

/// A measure on the events of a stream.
#[derive(Debug, Clone)]
pub struct StreamQuery {
    /// The stream's name.
    pub stream: Arc<str>,
    /// What is measured.
    pub measure: Measure,
    /// Which events count; all without.
    pub condition: Option<Condition>,
    /// Fields whose values form groups.
    pub by: Vec<String>,
    /// What is remembered of the values of the last of them, for a rule that looks for new ones.
    pub remembers: Option<Remembers>,
    /// A name for this query: equal queries have equal fingerprints, whatever rules they stand in.
    pub fingerprint: u64,
}

impl StreamQuery {
    /// For how long values are known after they were last seen, milliseconds; 0 where none are remembered.
    #[must_use]
    pub fn over_ms(&self) -> i64 {
        self.remembers.as_ref().map_or(0, |remembers| remembers.over_ms)
    }
}

/// A measure on the samples of series.
#[derive(Debug, Clone)]
pub struct SeriesQuery {
    /// The series' name; `*` stands for any characters.
    pub name: Arc<str>,
    /// Which of them, by label.
    pub labels: Vec<Matcher>,
    /// What is measured.
    pub measure: Measure,
    /// Labels whose values form groups; `*` alone makes each series a group.
    pub by: Vec<String>,
    /// A name for this query.
    pub fingerprint: u64,
}

impl Query {
    /// A name for this query: equal queries have equal fingerprints, whatever rules they stand in.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        match self {
            Self::Stream(query) => query.fingerprint,
            Self::Series(query) => query.fingerprint,
            Self::Expression(query) => query.fingerprint,
        }
    }

    /// What a window comes to for a known group without any event or sample.
    #[must_use]
    pub fn value_when_empty(&self) -> Option<f64> {
        match self {
            Self::Stream(query) => query.measure.value_when_empty(),
            Self::Series(_) | Self::Expression(_) => None,
        }
    }

    /// Whether it is worth a word that no group at all is found. Streams and patterns may wait for their first.
    #[must_use]
    pub fn alert_when_empty(&self) -> bool {
        matches!(self, Self::Expression(query) if query.for_each.is_none())
    }

    /// Whether a group with this outcome and value was heard of, or may have been. What is counted says 0 of a group
    /// that is silent.
    #[must_use]
    pub fn counts_as_seen(&self, outcome: Outcome, value: Option<f64>) -> bool {
        match outcome {
            Outcome::NoData | Outcome::Error => false,
            Outcome::Unknown => true,
            _ => matches!(self, Self::Expression(_)) || value != Some(0.0),
        }
    }

    /// Whether a part of a window comes to less than the whole.
    #[must_use]
    pub fn is_total(&self) -> bool {
        self.measure().is_some_and(Measure::is_total)
    }

    /// What is measured; an expression says so itself.
    #[must_use]
    pub fn measure(&self) -> Option<&Measure> {
        match self {
            Self::Stream(query) => Some(&query.measure),
            Self::Series(query) => Some(&query.measure),
            Self::Expression(_) => None,
        }
    }

    /// The fields or labels that form groups.
    #[must_use]
    pub fn by(&self) -> &[String] {
        match self {
            Self::Stream(query) => &query.by,
            Self::Series(query) => &query.by,
            Self::Expression(query) => &query.by,
        }
    }
}

/// An expression, checked.
#[derive(Debug, Clone)]
pub struct ExpressionQuery {
    /// As written.
    pub target: Arc<str>,
    /// What it means.
    pub expr: Expr,
    /// The pattern of the series that a template is asked for.
    pub for_each: Option<Arc<str>>,
    /// Which series are too new to be judged.
    pub warm_up: WarmUp,
    /// The label that names groups: `target`, or `series` for a template.
    pub by: Vec<String>,
    /// A name for this query.
    pub fingerprint: u64,
}

/// Functions that read series which no path in the expression names.
const READ_MORE: [&str; 4] = ["aliasQuery", "applyByNode", "seriesByTag", "useSeriesAbove"];

impl ExpressionQuery {
    /// Whether it may read the series of this name, as Graphite writes it: surely where it does, and where nobody can tell
    /// before it is asked.
    #[must_use]
    pub fn may_read(&self, name: &str) -> bool {
        self.for_each.as_ref().is_some_and(|pattern| Glob::new(pattern).matches(name))
            || names(&self.expr, name)
    }
}

/// Whether an expression names a series, a part of a template standing for anything.
fn names(expr: &Expr, name: &str) -> bool {
    match expr {
        Expr::Path { text, .. } => {
            let is_part =
                |text: &str| text.starts_with('{') && text[1..].starts_with(|c: char| c.is_ascii_digit());
            let parts = text.split('.').map(|part| if is_part(part) { "*" } else { part });
            Glob::new(&parts.collect::<Vec<_>>().join(".")).matches(name)
        }
        Expr::Call { function, arguments, .. } => {
            READ_MORE.contains(&function.name) || arguments.iter().any(|argument| names(&argument.expr, name))
        }
        Expr::Literal { .. } => false,
    }
}

/// Which series are too new to be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WarmUp {
    /// None.
    None,
    /// Those that do not reach back as far as the expression looks.
    LookBack,
    /// Those younger than this, milliseconds.
    Fixed(i64),
}

/// Whether `target` names `{series}` or a part of it, `{1}`, and so is a template.
#[must_use]
pub fn is_template(target: &str) -> bool {
    (0..10).any(|n| target.contains(&format!("{{{n}}}"))) || target.contains("{series}")
}
