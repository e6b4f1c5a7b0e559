//! The functions of the group "Filter Data".

use super::filter_series::number;
use crate::evaluate::{Answer, Entry};
use crate::evaluate::{Call, each};
use crate::function::Function;
use crate::number::{shortest, six_digits};
use crate::parameter::{Kind, Parameter};
use crate::percentile::percentile;
use crate::series::Series;

pub(super) const FUNCTIONS: &[Entry] = &[
    Function {
        name: "removeAbovePercentile",
        signature: "(seriesList, n)",
        about: "Takes out the values above the n-th percentile of their own series.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
    }
    .done_by(remove_above_percentile),
    Function {
        name: "removeAboveValue",
        signature: "(seriesList, n)",
        about: "Takes out the values above n.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
    }
    .done_by(remove_above_value),
    Function {
        name: "removeBelowPercentile",
        signature: "(seriesList, n)",
        about: "Takes out the values below the n-th percentile of their own series.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
    }
    .done_by(remove_below_percentile),
    Function {
        name: "removeBelowValue",
        signature: "(seriesList, n)",
        about: "Takes out the values below n.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
    }
    .done_by(remove_below_value),
];

/// Takes out the values of every series that lie beyond a limit of its own.
fn remove(
    call: &Call<'_>,
    limit: impl Fn(&mut Series, f64) -> Option<f64> + Sync + Send,
    beyond: fn(f64, f64) -> bool,
) -> Answer {
    let n = number(call, "n")?;
    let name = call.function.name;
    Ok(each(call.series("seriesList")?, |mut series| {
        series.name = format!("{name}({}, {})", series.name, six_digits(n)).into();
        series.path_expression = series.name.clone();
        let Some(limit) = limit(&mut series, n) else { return series };
        for value in series.values_mut() {
            if beyond(*value, limit) {
                *value = f64::NAN;
            }
        }
        series
    }))
}

/// The percentile of a series' own values.
fn own_percentile(series: &mut Series, n: f64) -> Option<f64> {
    let limit = Some(percentile(&series.values, n, false)).filter(|limit| !limit.is_nan())?;
    series.set_tag("nPercentile", shortest(n));
    Some(limit)
}

fn percentiles(call: &Call<'_>, beyond: fn(f64, f64) -> bool) -> Answer {
    let n = number(call, "n")?;
    if !(n > 0.0 && n <= 100.0) {
        return Err(
            call.problem(format!("n is a percentile above 0 and not above 100, not {}", six_digits(n)))
        );
    }
    remove(call, own_percentile, beyond)
}

fn remove_above_percentile(call: &Call<'_>) -> Answer {
    percentiles(call, |value, limit| value > limit)
}

fn remove_below_percentile(call: &Call<'_>) -> Answer {
    percentiles(call, |value, limit| value < limit)
}

fn remove_above_value(call: &Call<'_>) -> Answer {
    remove(call, |_, n| Some(n), |value, n| value > n)
}

fn remove_below_value(call: &Call<'_>) -> Answer {
    remove(call, |_, n| Some(n), |value, n| value < n)
}
