//! The values of expressions: named series with a fixed step.

use std::collections::BTreeMap;
use std::sync::Arc;

/// One named series: `values[i]` belongs to `start_s + i * step_s`; NaN is "no value" (Graphite's null).
///
/// Cheap to clone: name, tags and values are shared until somebody changes them ([`Series::values_mut`]).
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What it is called now; clients key on it.
    pub name: Arc<str>,
    /// The expression that it came from: functions that group by nodes look here.
    pub path_expression: Arc<str>,
    /// Tags, `name` among them.
    pub tags: Arc<BTreeMap<String, String>>,
    /// Time of the first value.
    pub start_s: i64,
    /// Just after the last value: `start_s + n * step_s`, but where Graphite has it otherwise.
    pub end_s: i64,
    /// Distance of values; at least 1.
    pub step_s: i64,
    /// The values, oldest first.
    pub values: Arc<Vec<f64>>,
    /// How several values become one.
    pub consolidation: Consolidation,
    /// The share of values that a bucket needs, 0 to 1.
    pub x_files_factor: f64,
    /// Drawing options by Graphite's names (`color`, `stacked`, ...); they change pictures only.
    pub options: Arc<BTreeMap<&'static str, String>>,
}

impl Series {
    /// A series called `name` (also its `name` tag and path expression) with `values` from `start_s`.
    #[must_use]
    pub fn new(name: &str, start_s: i64, step_s: i64, values: Vec<f64>) -> Self {
        let name: Arc<str> = name.into();
        Self {
            path_expression: Arc::clone(&name),
            tags: Arc::new(BTreeMap::from([("name".to_owned(), name.to_string())])),
            end_s: start_s
                .saturating_add(step_s.saturating_mul(i64::try_from(values.len()).unwrap_or(i64::MAX))),
            name,
            start_s,
            step_s,
            values: Arc::new(values),
            consolidation: Consolidation::default(),
            x_files_factor: 0.0,
            options: Arc::default(),
        }
    }

    /// The values for writing; copied first if somebody else holds them too.
    pub fn values_mut(&mut self) -> &mut Vec<f64> {
        Arc::make_mut(&mut self.values)
    }

    /// The same series with another name; its path expression, by which functions such as `aliasByNode` see it, stays.
    #[must_use]
    pub fn renamed(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// The same series under a new name that is its path expression too, as most functions leave it.
    #[must_use]
    pub fn called(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self.path_expression = Arc::clone(&self.name);
        self
    }

    /// The same series with `change` made of each value; in place unless somebody else holds them.
    #[must_use]
    pub fn map(mut self, change: impl Fn(f64) -> f64) -> Self {
        match Arc::get_mut(&mut self.values) {
            Some(values) => values.iter_mut().for_each(|value| *value = change(*value)),
            None => self.values = Arc::new(self.values.iter().map(|value| change(*value)).collect()),
        }
        self
    }

    /// The same series with other values, one for each step from its start; NaN is a gap.
    #[must_use]
    pub fn with_values(mut self, values: Vec<f64>) -> Self {
        self.values = Arc::new(values);
        self
    }

    /// Sets a tag: most functions leave their name and first argument there.
    pub fn set_tag(&mut self, tag: &str, value: impl Into<String>) {
        Arc::make_mut(&mut self.tags).insert(tag.to_owned(), value.into());
    }

    /// The last value that is no gap; `None` of a series of gaps.
    #[must_use]
    pub fn last(&self) -> Option<f64> {
        self.values.iter().rev().copied().find(|value| !value.is_nan())
    }
}

/// How several values become one: when steps are made equal, and when a client wants fewer points.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Consolidation {
    /// The mean of those there.
    #[default]
    Average,
    /// The mean, where missing counts as 0.
    AverageZero,
    /// Their sum.
    Sum,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// The first one there.
    First,
    /// The last one there.
    Last,
}

impl Consolidation {
    /// What Graphite calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Average => "average",
            Self::AverageZero => "avg_zero",
            Self::Sum => "sum",
            Self::Min => "min",
            Self::Max => "max",
            Self::First => "first",
            Self::Last => "last",
        }
    }
}
