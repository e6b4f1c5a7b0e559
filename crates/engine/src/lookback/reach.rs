//! Whether a limit can be reached at all, by arithmetic alone.
//!
//! - A coefficient of variation of `n` values of one sign is at most `sqrt(n - 1)`, with the standard deviation of a
//!   population, which is Graphite's `stdev()` and ours: all values but one are then 0.
//! - `stdev()` sees only the values of the window, `movingAverage()` also those before it: of `k` values over the mean
//!   of `m`, the quotient is at most `m * sqrt(k - 1) / k`.
//! - What is counted is never below 0, so nothing drops by more than 100 %.
//! - A rise, relative to the risen value, stays below 1.

use lanner_core::time::format_duration;
use lanner_detect::variation::ceiling;
use lanner_graphite::{Expr, Literal, interval_s, six_digits};

use crate::detector::{Dial, Side};
use crate::measure::Kind;
use crate::rule::Rule;
use crate::source::expression::Stored;
use crate::source::{ExpressionQuery, Query};

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
    let is_reached = bound.is_never || bound.ceiling != dial.at;
    if is_reached && dial.is_bad(bound.ceiling, dial.at) {
        return None;
    }
    let message = if bound.is_never {
        format!("{at} can never be {}: {}", passed(dial), bound.why)
    } else {
        format!("{at} is never {} by a rise: {}", passed(dial), bound.why)
    };
    Some(Unreachable { field, ceiling: bound.ceiling, is_never: bound.is_never, message })
}

/// What going beyond a limit is called.
pub(super) fn passed(dial: &Dial) -> &'static str {
    match (dial.inclusive, dial.bad) {
        (true, _) => "reached",
        (false, Side::Above) => "exceeded",
        (false, Side::Below) => "undercut",
    }
}

/// The farthest that can come.
struct Bound {
    ceiling: f64,
    is_never: bool,
    why: String,
}

/// The farthest that can come, as far as arithmetic tells.
fn bound(rule: &Rule, kind: &str, dial: &Dial, step_s: Option<i64>) -> Option<Bound> {
    let never = |ceiling, why: String| Some(Bound { ceiling, is_never: true, why });
    match (kind, dial.field, &rule.query) {
        ("absolute", "min", query) if counts(query) => never(0.0, "a count is never below 0".to_owned()),
        ("relative", "drop", query) => {
            let of = if counts(query) { "what is counted" } else { "a value that keeps its sign" };
            never(100.0, format!("{of} drops by 100 % at most"))
        }
        ("variation", _, _) => {
            let n = rule.document().pointer("/variation/n").and_then(serde_json::Value::as_u64).unwrap_or(10);
            let ceiling = ceiling(usize::try_from(n).unwrap_or(usize::MAX));
            never(ceiling, format!("{n} values of one sign reach {ceiling:.2} at most"))
        }
        ("expression", _, Query::Expression(query)) if dial.bad == Side::Above => {
            quotient(query, rule.schedule.window_ms, step_s).or_else(|| against_itself(&query.expr))
        }
        _ => None,
    }
}

fn counts(query: &Query) -> bool {
    let measure = match query {
        Query::Stream(query) => &query.measure,
        Query::Series(query) => &query.measure,
        Query::Expression(_) => return false,
    };
    matches!(measure.kind, Kind::Count | Kind::Distinct)
}

/// How many values a function looks at.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Length {
    Points(i64),
    Seconds(i64),
}

impl Length {
    fn points(self, step_s: Option<i64>) -> Option<i64> {
        match self {
            Self::Points(n) => Some(n),
            Self::Seconds(length_s) => step_s.filter(|step_s| *step_s > 0).map(|step_s| length_s / step_s),
        }
    }
}

/// A standard deviation over a mean of the same series.
fn quotient(query: &ExpressionQuery, window_ms: i64, step_s: Option<i64>) -> Option<Bound> {
    let (factor, expr) = unwrapped(&query.expr);
    let divided = call(expr, &["divideSeries", "divideSeriesLists"])?;
    let (of, deviation, is_whole) = deviation(argument(divided, 0)?)?;
    let (mean_of, mean) = mean(argument(divided, 1)?)?;
    if !same(of, mean_of) {
        return None;
    }
    let (asked, mean) = match (deviation, mean) {
        // As long as each other, whatever the step is; but how many values that are, it decides.
        (Length::Seconds(a), Length::Seconds(b)) if a == b && step_s.is_none() => return None,
        _ => (deviation.points(step_s)?, mean.points(step_s)?),
    };
    let in_window = step_s.filter(|step_s| *step_s > 0).map(|step_s| window_ms / 1000 / step_s);
    let seen = if is_whole { asked } else { in_window.map_or(asked, |n| asked.min(n)) };
    if seen < 1 || mean < seen {
        return None;
    }
    let (k, m) = (seen as f64, mean as f64);
    let ceiling = factor * if seen == mean { (k - 1.0).sqrt() } else { m * (k - 1.0).sqrt() / k };
    let mut why = if seen == mean {
        format!(
            "the coefficient of variation of {seen} values of one sign is at most {:.2}, the square root of n - 1",
            (k - 1.0).sqrt()
        )
    } else {
        format!(
            "the deviation of {seen} values of one sign over the mean of {mean} is at most {:.2}",
            m * (k - 1.0).sqrt() / k
        )
    };
    if let Some(step_s) = step_s.filter(|_| seen < asked) {
        let (window, step) = (format_duration(window_ms), format_duration(step_s * 1000));
        why.push_str(&format!(
            "; stdev() looks at {asked} values, of which the window of {window} holds {seen}, {step} apart"
        ));
    }
    if factor != 1.0 {
        why.push_str(&format!(", times {}", six_digits(factor)));
    }
    Some(Bound { ceiling, is_never: true, why })
}

/// `(other - m) / m`: risen to any size, its distance is a part of itself.
fn against_itself(expr: &Expr) -> Option<Bound> {
    let (factor, expr) = unwrapped(expr);
    let divided = call(expr, &["divideSeries", "divideSeriesLists"])?;
    let (difference, divisor) = (argument(divided, 0)?, argument(divided, 1)?);
    let is_difference = if let Some(aberration) = call(difference, &["holtWintersAberration"]) {
        same(argument(aberration, 0)?, divisor)
    } else {
        let apart = call(difference, &["diffSeries"])?;
        let shifted = |expr: &Expr| {
            let shifted = call(expr, &["timeShift"]).and_then(|shifted| argument(shifted, 0));
            shifted.is_some_and(|of| same(of, divisor))
        };
        let [a, b] = apart else { return None };
        (shifted(&a.expr) && same(&b.expr, divisor)) || (same(&a.expr, divisor) && shifted(&b.expr))
    };
    is_difference.then(|| Bound {
        ceiling: factor,
        is_never: false,
        why: format!(
            "divided by itself, what has risen is off by less than {}, however far it rose; only a drop gets there",
            six_digits(factor)
        ),
    })
}

type Arguments = [lanner_graphite::Argument];

/// The arguments, if it is a call of one of these functions.
fn call<'e>(expr: &'e Expr, names: &[&str]) -> Option<&'e Arguments> {
    match expr {
        Expr::Call { function, arguments, .. } if names.contains(&function.name) => Some(arguments),
        _ => None,
    }
}

/// The argument for a parameter.
fn argument(arguments: &Arguments, parameter: usize) -> Option<&Expr> {
    arguments.iter().find(|argument| argument.parameter == parameter).map(|argument| &argument.expr)
}

/// What lies inside of functions that change only a name or a sign, and by what the values are multiplied.
fn unwrapped(expr: &Expr) -> (f64, &Expr) {
    const PLAIN: [&str; 10] = [
        "absolute",
        "alias",
        "aliasByMetric",
        "aliasByNode",
        "aliasByTags",
        "aliasSub",
        "cactiStyle",
        "color",
        "keepLastValue",
        "legendValue",
    ];
    let Some((inner, factor)) =
        call(expr, &PLAIN).and_then(|arguments| Some((argument(arguments, 0)?, 1.0))).or_else(|| {
            call(expr, &["scale"])
                .and_then(|scaled| Some((argument(scaled, 0)?, float(argument(scaled, 1)?)?)))
        })
    else {
        return (1.0, expr);
    };
    let (inside, expr) = unwrapped(inner);
    (inside * factor.abs(), expr)
}

fn float(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Literal { value: Literal::Int(n), .. } => Some(*n as f64),
        Expr::Literal { value: Literal::Float(number), .. } => Some(*number),
        _ => None,
    }
}

/// The series, the length, and whether values before the window are read as well.
fn deviation(expr: &Expr) -> Option<(&Expr, Length, bool)> {
    if let Some(arguments) = call(expr, &["stdev"]) {
        return Some((argument(arguments, 0)?, length(argument(arguments, 1)?)?, false));
    }
    let arguments = call(expr, &["movingWindow"])?;
    let is_deviation = text(argument(arguments, 2)?).is_some_and(|name| name == "stddev");
    let of = (argument(arguments, 0)?, length(argument(arguments, 1)?)?);
    is_deviation.then_some((of.0, of.1, true))
}

fn mean(expr: &Expr) -> Option<(&Expr, Length)> {
    if let Some(arguments) = call(expr, &["movingAverage"]) {
        return Some((argument(arguments, 0)?, length(argument(arguments, 1)?)?));
    }
    let arguments = call(expr, &["movingWindow"])?;
    let is_mean =
        argument(arguments, 2).is_none_or(|name| text(name).is_some_and(|name| name.starts_with("av")));
    is_mean.then_some((argument(arguments, 0)?, length(argument(arguments, 1)?)?))
}

fn text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal { value: Literal::Text(text), .. } => Some(text),
        _ => None,
    }
}

fn length(expr: &Expr) -> Option<Length> {
    match expr {
        Expr::Literal { value: Literal::Text(text), .. } => {
            interval_s(text).ok().map(|length_s| Length::Seconds(length_s.saturating_abs()))
        }
        expr => float(expr).filter(|n| n.fract() == 0.0 && n.abs() < 1e9).map(|n| Length::Points(n as i64)),
    }
}

/// Whether two expressions mean the same, wherever they stand.
fn same(a: &Expr, b: &Expr) -> bool {
    match (a, b) {
        (Expr::Path { text: a, .. }, Expr::Path { text: b, .. }) => a == b,
        (Expr::Literal { value: a, .. }, Expr::Literal { value: b, .. }) => a == b,
        (Expr::Call { function: f, arguments: a, .. }, Expr::Call { function: g, arguments: b, .. }) => {
            let alike = |(a, b): (&lanner_graphite::Argument, &lanner_graphite::Argument)| {
                a.parameter == b.parameter && same(&a.expr, &b.expr)
            };
            f.name == g.name && a.len() == b.len() && a.iter().zip(b).all(alike)
        }
        _ => false,
    }
}

/// The distance of the values that an expression reads, seconds: that of the first series it names.
#[must_use]
pub fn step_s(query: &ExpressionQuery, source: &dyn Stored, end_ms: i64) -> Option<i64> {
    let pattern = match &query.for_each {
        Some(pattern) => pattern,
        None => first_path(&query.expr)?,
    };
    let name = source.find(pattern).ok()?.into_iter().next()?;
    let end_s = end_ms.div_euclid(1000);
    let points = source.read(&name, end_s - 3600, end_s, end_s).ok()??;
    Some(points.step_s)
}

fn first_path(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Path { text, .. } => Some(text),
        Expr::Call { arguments, .. } => arguments.iter().find_map(|argument| first_path(&argument.expr)),
        Expr::Literal { .. } => None,
    }
}
