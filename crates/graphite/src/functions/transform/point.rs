//! Functions of single values.

use crate::aggregate::Aggregate;
use crate::evaluate::Answer;
use crate::evaluate::{Call, each};
use crate::expr::Literal;
use crate::functions::given::{list, number, plain};
use crate::number::{shortest, six_digits};
use crate::rounding::round_to;
use crate::series::Series;

/// Changes each value; the function's name is a tag, and the series is called `function(name)`.
fn plainly(call: &Call<'_>, tag: &str, change: impl Fn(f64) -> f64 + Sync + Send) -> Answer {
    with(call, tag, |name| format!("{}({name})", call.function.name), change)
}

/// Changes each value, with a number that stands in the name in at most six digits.
fn by_number(call: &Call<'_>, factor: f64, change: impl Fn(f64) -> f64 + Sync + Send) -> Answer {
    let written = six_digits(factor);
    with(call, &shortest(factor), |name| format!("{}({name},{written})", call.function.name), change)
}

fn with(
    call: &Call<'_>,
    tag: &str,
    name: impl Fn(&str) -> String + Sync + Send,
    change: impl Fn(f64) -> f64 + Sync + Send,
) -> Answer {
    Ok(each(list(call)?, |series| {
        let name = name(&series.name);
        let mut series = series.called(name).map(&change);
        series.set_tag(call.function.name, tag);
        series
    }))
}

/// `value` where it is a number; NaN where a result is none or beyond all numbers.
fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { f64::NAN }
}

pub(super) fn absolute(call: &Call<'_>) -> Answer {
    plainly(call, "1", f64::abs)
}

pub(super) fn add(call: &Call<'_>) -> Answer {
    let constant = number(call, "constant")?;
    let written = format!("{:.0}", constant.trunc());
    with(call, &shortest(constant), |name| format!("add({name},{written})"), |value| value + constant)
}

pub(super) fn offset(call: &Call<'_>) -> Answer {
    let factor = number(call, "factor")?;
    by_number(call, factor, |value| value + factor)
}

pub(super) fn scale(call: &Call<'_>) -> Answer {
    let factor = number(call, "factor")?;
    by_number(call, factor, |value| value * factor)
}

pub(super) fn power(call: &Call<'_>) -> Answer {
    let factor = number(call, "factor")?;
    by_number(call, factor, |value| power_of(value, factor))
}

/// NaN for what is no number, and for none to the power of 0 too.
fn power_of(value: f64, exponent: f64) -> f64 {
    if value.is_nan() { value } else { finite(value.powf(exponent)) }
}

pub(super) fn square_root(call: &Call<'_>) -> Answer {
    plainly(call, "1", f64::sqrt)
}

pub(super) fn invert(call: &Call<'_>) -> Answer {
    plainly(call, "1", |value| finite(1.0 / value))
}

pub(super) fn is_non_null(call: &Call<'_>) -> Answer {
    plainly(call, "1", |value| f64::from(u8::from(!value.is_nan())))
}

pub(super) fn exp(call: &Call<'_>) -> Answer {
    refuse_beyond_numbers(call, plainly(call, "e", f64::exp)?)
}

pub(super) fn sigmoid(call: &Call<'_>) -> Answer {
    // Beyond numbers where e to the power of -value is.
    let answer = plainly(call, "sigmoid", |value| match (-value).exp() {
        f64::INFINITY => f64::INFINITY,
        power => 1.0 / (1.0 + power),
    });
    refuse_beyond_numbers(call, answer?)
}

fn refuse_beyond_numbers(call: &Call<'_>, series: Vec<Series>) -> Answer {
    match series.iter().find(|series| series.values.iter().any(|value| value.is_infinite())) {
        None => Ok(series),
        Some(Series { name, .. }) => Err(call.problem(format!(
            "{name} has values beyond the greatest number: make its argument smaller with scale() first"
        ))),
    }
}

pub(super) fn logit(call: &Call<'_>) -> Answer {
    plainly(call, "logit", |value| finite((value / (1.0 - value)).ln()))
}

pub(super) fn log(call: &Call<'_>) -> Answer {
    let base = number(call, "base")?;
    if base <= 0.0 || (base - 1.0).abs() < f64::EPSILON {
        return Err(call.problem(format!("base must be above 0 and not 1, not {}", shortest(base))));
    }
    let (written, scale) = (plain(call, "base"), base.ln());
    with(
        call,
        &written,
        |name| format!("log({name}, {written})"),
        |value| if value > 0.0 { value.ln() / scale } else { f64::NAN },
    )
}

pub(super) fn round(call: &Call<'_>) -> Answer {
    let given = call.given("precision").next().is_some() && call.literal("precision").is_some();
    let precision = call.integer("precision").unwrap_or(0);
    let places = i32::try_from(precision).unwrap_or(if precision < 0 { i32::MIN } else { i32::MAX });
    let name = |name: &str| if given { format!("round({name},{places})") } else { format!("round({name})") };
    with(call, &precision.to_string(), name, |value| round_to(value, places))
}

pub(super) fn scale_to_seconds(call: &Call<'_>) -> Answer {
    let seconds = number(call, "seconds")?;
    let written = format!("{:.0}", seconds.trunc());
    Ok(each(list(call)?, |series| {
        #[expect(clippy::cast_precision_loss, reason = "steps are far below 2^53")]
        let factor = seconds / series.step_s as f64;
        let name = format!("scaleToSeconds({},{written})", series.name);
        let mut series = series.called(name).map(|value| round_to(value * factor, 6));
        series.set_tag("scaleToSeconds", shortest(seconds));
        series
    }))
}

pub(super) fn min_max(call: &Call<'_>) -> Answer {
    Ok(each(list(call)?, |series| {
        let min = Aggregate::Min.of(series.values.iter().copied());
        let width = Aggregate::Max.of(series.values.iter().copied()) - min;
        let name = format!("minMax({})", series.name);
        series.called(name).map(|value| match value - min {
            above if width > 0.0 || above.is_nan() => above / width,
            _ => 0.0,
        })
    }))
}

pub(super) fn offset_to_zero(call: &Call<'_>) -> Answer {
    Ok(each(list(call)?, |series| {
        let min = Aggregate::Min.of(series.values.iter().copied());
        let name = format!("offsetToZero({})", series.name);
        let mut series = series.called(name).map(|value| value - min);
        series.set_tag("offsetToZero", if min.is_nan() { "None".to_owned() } else { shortest(min) });
        series
    }))
}

pub(super) fn transform_null(call: &Call<'_>) -> Answer {
    let default = number(call, "default")?;
    let tag = match call.literal("default") {
        Some(Literal::Int(0)) if call.given("default").next().is_none() => "0".to_owned(),
        _ => shortest(default),
    };
    let reference = call.series("referenceSeries")?;
    let written = six_digits(default);
    // Where no reference has a value, none is made up; where there is no reference, all are.
    let n_reference = reference.iter().map(|series| series.values.len()).max().unwrap_or(0);
    let known = |i: usize| {
        reference.is_empty()
            || reference.iter().any(|series| series.values.get(i).is_some_and(|value| !value.is_nan()))
    };
    let defaults: Vec<f64> = (0..n_reference).map(|i| if known(i) { default } else { f64::NAN }).collect();
    let suffix = if reference.is_empty() { "" } else { ",referenceSeries" };
    Ok(each(list(call)?, |series| {
        let name = format!("transformNull({},{written}{suffix})", series.name);
        let mut series = series.called(name);
        series.set_tag("transformNull", tag.as_str());
        if reference.is_empty() {
            return series.map(|value| if value.is_nan() { default } else { value });
        }
        series.set_tag("referenceSeries", "1");
        let values = series.values_mut();
        values.resize(values.len().max(defaults.len()), f64::NAN);
        for (value, default) in values.iter_mut().zip(&defaults).filter(|(value, _)| value.is_nan()) {
            *value = *default;
        }
        series
    }))
}
