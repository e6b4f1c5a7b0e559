//! Stored data, and queries over it.

use lanner_core::time::{WEEK_MS, format_duration, parse_duration_ms};
use lanner_core::{Labels, SeriesKey, TimeRange};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ProblemView, Time, When, WindowView};

/// The most steps a query may have.
pub const MAX_STEPS: i64 = 20_000;

/// A stream of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StreamView {
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(example = "payments"))]
    pub name: String,
    /// Events stored.
    pub events: u64,
    /// The time of the earliest.
    pub first: Option<Time>,
    /// The time of the latest.
    pub last: Option<Time>,
}

/// A series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SeriesView {
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(example = "cpu.usage"))]
    pub name: String,
    /// Its labels.
    #[cfg_attr(feature = "openapi", schema(value_type = HashMap<String, String>))]
    pub labels: Labels,
    /// The time of the earliest sample.
    pub first: Option<Time>,
    /// The time of the latest sample.
    pub last: Option<Time>,
}

impl SeriesView {
    /// The view of a series whose samples span `first_ms` to `last_ms`.
    #[must_use]
    pub fn new(key: &SeriesKey, first_ms: Option<i64>, last_ms: Option<i64>) -> Self {
        Self {
            name: key.name.to_string(),
            labels: key.labels.clone(),
            first: first_ms.map(Time),
            last: last_ms.map(Time),
        }
    }
}

/// Series that changed in a stretch of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnlikeResponse {
    /// The stretch.
    pub range: WindowView,
    /// Series that were looked at.
    pub compared: u64,
    /// Whether there are more series than can be looked at.
    pub truncated: bool,
    /// Those that changed, the most unlike first.
    pub series: Vec<UnlikeSeries>,
}

/// A series that changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnlikeSeries {
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(example = "cpu.usage"))]
    pub name: String,
    /// Its labels.
    #[cfg_attr(feature = "openapi", schema(value_type = HashMap<String, String>))]
    pub labels: Labels,
    /// In which way: `higher`, `lower`, `peak`, `dip`, `stopped` or `new`.
    #[cfg_attr(feature = "openapi", schema(example = "lower"))]
    pub change: String,
    /// How far, in units of what it differed by before.
    pub score: f64,
    /// The level, the peak or the dip; `null` where it stopped.
    pub found: Option<f64>,
    /// What that was before; `null` where it is new.
    pub expected: Option<f64>,
}

/// Asks for a measure or a series over a range, a value per step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "query": { "stream": "payments", "measure": "count", "by": ["bank"] }, "from": "now-1h", "step": "10m"
})))]
#[serde(deny_unknown_fields)]
pub struct QueryRequest {
    /// The query as in a rule: `{"stream": "payments", "measure": "count", "by": ["bank"]}`.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub query: Value,
    /// Where the range begins.
    pub from: When,
    /// Where it ends; now, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<When>,
    /// The step; a few hundred of them in the range, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "1m"))]
    pub step: Option<String>,
}

/// The steps to choose from when none is asked for, milliseconds.
const STEPS_MS: [i64; 12] = [
    1_000, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000, 3_600_000, 21_600_000, 86_400_000,
    WEEK_MS,
];

impl QueryRequest {
    /// The range, cut to whole steps since 1970 (outwards), and the step in milliseconds, at `now_ms`.
    ///
    /// # Errors
    /// A range that ends before it begins, a step that cannot be read or is zero, more than [`MAX_STEPS`] steps.
    ///
    /// ```
    /// use lanner_core::TimeRange;
    /// let text = r#"{"query":{"stream":"payments","measure":"count"},"from":"now-1h","step":"10m"}"#;
    /// let request: lanner_wire::api::QueryRequest = serde_json::from_str(text)?;
    /// assert_eq!(request.range(3_900_000), Ok((TimeRange::new(0, 4_200_000), 600_000)));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn range(&self, now_ms: i64) -> Result<(TimeRange, i64), ProblemView> {
        let (from_ms, to_ms) = (self.from.resolve(now_ms), self.to.map_or(now_ms, |to| to.resolve(now_ms)));
        if to_ms <= from_ms {
            return Err(ProblemView::at("to", "is not after from"));
        }
        let length_ms = to_ms.saturating_sub(from_ms);
        let step_ms = match &self.step {
            Some(text) => {
                parse_duration_ms(text).map_err(|error| ProblemView::at("step", error.to_string()))?
            }
            None => {
                let fine = STEPS_MS.into_iter().find(|step_ms| length_ms / step_ms <= 500);
                fine.unwrap_or((length_ms / 500 / WEEK_MS + 1) * WEEK_MS)
            }
        };
        if step_ms < 1 {
            return Err(ProblemView::at("step", "is zero; write for example 1m"));
        }
        let start_ms = from_ms.div_euclid(step_ms).saturating_mul(step_ms);
        let n_steps = (to_ms.saturating_sub(start_ms)).div_euclid(step_ms);
        let n_steps = if start_ms.saturating_add(n_steps.saturating_mul(step_ms)) < to_ms {
            n_steps + 1
        } else {
            n_steps
        };
        if n_steps > MAX_STEPS {
            let message =
                format!("makes {n_steps} values a series, more than {MAX_STEPS}; write a longer step");
            return Err(ProblemView::at("step", message));
        }
        Ok((TimeRange::new(start_ms, start_ms.saturating_add(n_steps.saturating_mul(step_ms))), step_ms))
    }
}

/// The answer to a query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueryResponse {
    /// Where the first step begins.
    pub start: Time,
    /// Where the last step ends.
    pub end: Time,
    /// The step.
    #[cfg_attr(feature = "openapi", schema(example = "1m"))]
    pub step: String,
    /// The step in milliseconds.
    pub step_ms: i64,
    /// One series for each group.
    pub series: Vec<QuerySeries>,
    /// Whether there were more groups than are shown.
    pub truncated: bool,
}

impl QueryResponse {
    /// The answer over `range`.
    #[must_use]
    pub fn new(range: TimeRange, step_ms: i64, series: Vec<QuerySeries>, truncated: bool) -> Self {
        let step = format_duration(step_ms);
        Self { start: Time(range.start_ms), end: Time(range.end_ms), step, step_ms, series, truncated }
    }
}

/// One series of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QuerySeries {
    /// The group.
    #[cfg_attr(feature = "openapi", schema(value_type = HashMap<String, String>))]
    #[serde(deserialize_with = "Labels::deserialize_group")]
    pub labels: Labels,
    /// The value of each step, the first one that of `start`; `null` where there is none.
    pub values: Vec<Option<f64>>,
}
