//! How far an expression can come at all: what arithmetic says before any data is seen.
//!
//! - `stdev()` sees only the values of the window, `movingAverage()` also those before it: of `k` values over the mean
//!   of `m`, the quotient is at most `m * sqrt(k - 1) / k`.
//! - A rise, relative to the risen value, stays below 1.

use lanner_core::time::format_duration;
use lanner_graphite::{Expr, Literal, interval_s, six_digits};

/// The farthest that a value can come.
#[derive(Debug, Clone, PartialEq)]
pub struct Ceiling {
    /// The largest value, for values of one sign.
    pub at: f64,
    /// Whether nothing at all comes farther; otherwise no rise does.
    pub is_never: bool,
    /// Why, without a final stop.
    pub why: String,
}

impl Ceiling {
    /// That nothing comes farther.
    #[must_use]
    pub const fn never(at: f64, why: String) -> Self {
        Self { at, is_never: true, why }
    }
}

/// The farthest that an expression can come in a window, as far as arithmetic tells.
pub(super) fn of_expression(expr: &Expr, window_ms: i64, step_s: Option<i64>) -> Option<Ceiling> {
    quotient(expr, window_ms, step_s).or_else(|| against_itself(expr))
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
fn quotient(expr: &Expr, window_ms: i64, step_s: Option<i64>) -> Option<Ceiling> {
    let (factor, expr) = unwrapped(expr);
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
    Some(Ceiling { at: ceiling, is_never: true, why })
}

/// `(other - m) / m`: risen to any size, its distance is a part of itself.
fn against_itself(expr: &Expr) -> Option<Ceiling> {
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
    is_difference.then(|| Ceiling {
        at: factor,
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
