//! Whether a limit can be reached at all, by arithmetic alone.
//!
//! - A coefficient of variation of `n` values of one sign is at most `sqrt(n - 1)`, with the standard deviation of a
//!   population, which is Graphite's `stdev()` and ours: all values but one are then 0.
//! - `stdev()` sees only the values of the window, `movingAverage()` also those before it: of `k` values over the mean
//!   of `m`, the quotient is at most `m * sqrt(k - 1) / k`.
//! - What is counted is never below 0, so nothing drops by more than 100 %.
//! - A rise, relative to the risen value, stays below 1.

use lanner_detect::variation::ceiling;
use lanner_graphite::six_digits;

use crate::detector::{Dial, Side};
use crate::rule::Rule;
use crate::source::Ceiling;

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
    let Some(kind) = super::edit::kind(rule) else { return Vec::new() };
    let dials = rule.detector.dials();
    dials.iter().flatten().filter_map(|dial| one(rule, kind, dial, step_s)).collect()
}

fn one(rule: &Rule, kind: &str, dial: &Dial, step_s: Option<i64>) -> Option<Unreachable> {
    let field = format!("{kind}.{}", dial.field);
    let at = format!("{field}: {}{}", six_digits(dial.at), dial.unit);
    let bound = bound(rule, kind, dial, step_s)?;
    // A rise comes as near to its ceiling as one likes, and never there.
    let is_reached = bound.is_never || bound.at != dial.at;
    if is_reached && dial.is_bad(bound.at, dial.at) {
        return None;
    }
    let message = if bound.is_never {
        format!("{at} can never be {}: {}", passed(dial), bound.why)
    } else {
        format!("{at} is never {} by a rise: {}", passed(dial), bound.why)
    };
    Some(Unreachable { field, ceiling: bound.at, is_never: bound.is_never, message })
}

/// What going beyond a limit is called.
pub(super) fn passed(dial: &Dial) -> &'static str {
    match (dial.inclusive, dial.bad) {
        (true, _) => "reached",
        (false, Side::Above) => "exceeded",
        (false, Side::Below) => "undercut",
    }
}

/// The farthest that can come, as far as arithmetic tells.
fn bound(rule: &Rule, kind: &str, dial: &Dial, step_s: Option<i64>) -> Option<Ceiling> {
    let never = |ceiling, why: String| Some(Ceiling { at: ceiling, is_never: true, why });
    match (kind, dial.field, &*rule.query) {
        ("absolute", "min", query) if query.counts() => never(0.0, "a count is never below 0".to_owned()),
        ("relative", "drop", query) => {
            let of = if query.counts() { "what is counted" } else { "a value that keeps its sign" };
            never(100.0, format!("{of} drops by 100 % at most"))
        }
        ("variation", _, _) => {
            let n = rule.document().pointer("/variation/n").and_then(serde_json::Value::as_u64).unwrap_or(10);
            let ceiling = ceiling(usize::try_from(n).unwrap_or(usize::MAX));
            never(ceiling, format!("{n} values of one sign reach {ceiling:.2} at most"))
        }
        ("expression", _, query) if dial.bad == Side::Above => query.ceiling(rule.schedule.window_ms, step_s),
        _ => None,
    }
}
