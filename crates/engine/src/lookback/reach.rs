//! Whether a limit can be reached at all, by arithmetic alone.
//!
//! - A coefficient of variation of `n` values of one sign is at most `sqrt(n - 1)`, with the standard deviation of a
//!   population, which is Graphite's `stdev()` and ours: all values but one are then 0.
//! - What is counted is never below 0, so nothing drops by more than 100 %.
//!
//! Each detector knows the ends of its own limits, and asks the query how far an expression can come.

use lanner_graphite::six_digits;

use crate::detector::{Measured, Side, Tunable};
use crate::rule::Rule;

/// A limit that can never be reached, or not by what one might think.
#[derive(Debug, Clone, PartialEq)]
pub struct Unreachable {
    /// The limit's field, such as `expression.error`.
    pub field: String,
    /// The largest value that can come, in the limit's unit, for values of one sign.
    pub ceiling: f64,
    /// Whether nothing at all reaches it; otherwise no rise does.
    pub is_never: bool,
    /// All of it as a sentence, without its final stop.
    pub message: String,
}

/// The limits of a rule that can never be reached.
///
/// - `step_s`: the distance of the values that an expression reads, where it is known.
///
/// ```
/// use lanner_engine::{Rule, lookback};
/// let rule = Rule::from_json(&serde_json::json!({
///     "id": "cv", "window": "10m", "expression": { "warn": 1.0, "error": 4.0 },
///     "query": { "target": "divideSeries(stdev(app.rate,10),movingAverage(app.rate,10))" },
/// }), 1).unwrap();
/// let found = lookback::unreachable(&rule, None);
/// assert_eq!((found.len(), found[0].ceiling), (1, 3.0));
/// assert!(found[0].message.starts_with("expression.error: 4 can never be reached"));
/// ```
#[must_use]
pub fn unreachable(rule: &Rule, step_s: Option<i64>) -> Vec<Unreachable> {
    let measured = Measured { query: &*rule.query, window_ms: rule.schedule.window_ms, step_s };
    let tunables = rule.detector.tuning().tunables();
    tunables.iter().flatten().filter_map(|tunable| one(rule, tunable, &measured)).collect()
}

fn one(rule: &Rule, tunable: &Tunable, measured: &Measured<'_>) -> Option<Unreachable> {
    let field = format!("{}.{}", rule.detector.kind(), tunable.field);
    let at = format!("{field}: {}{}", six_digits(tunable.at), tunable.unit);
    let bound = rule.detector.tuning().ceiling(tunable, measured)?;
    // A rise comes as near to its ceiling as one likes, and never there.
    let is_reached = bound.is_never || bound.at != tunable.at;
    if is_reached && tunable.is_bad(bound.at, tunable.at) {
        return None;
    }
    let message = if bound.is_never {
        format!("{at} can never be {}: {}", passed(tunable), bound.why)
    } else {
        format!("{at} is never {} by a rise: {}", passed(tunable), bound.why)
    };
    Some(Unreachable { field, ceiling: bound.at, is_never: bound.is_never, message })
}

/// What going beyond a limit is called.
pub(super) fn passed(tunable: &Tunable) -> &'static str {
    match (tunable.inclusive, tunable.bad) {
        (true, _) => "reached",
        (false, Side::Above) => "exceeded",
        (false, Side::Below) => "undercut",
    }
}
