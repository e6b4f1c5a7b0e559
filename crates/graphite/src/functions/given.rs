//! Typed arguments of functions, refused where they would cost without bound.

use crate::aggregate::Aggregate;
use crate::at_time::at_time;
use crate::evaluate::{Call, Request};
use crate::expr::Literal;
use crate::interval::interval_s;
use crate::number::shortest;
use crate::problem::Problem;
use crate::series::Series;
use crate::source::MAX_POINTS;

/// Ten thousand years: nobody looks further, and times do not overflow.
const MAX_LENGTH_S: i64 = 10_000 * 31_536_000;

/// The number given for `name`.
pub(super) fn number(call: &Call<'_>, name: &str) -> Result<f64, Problem> {
    call.number(name).ok_or_else(|| call.problem(format!("{name} must be a number")))
}

/// The length of time given for `name`, as written and in seconds.
pub(super) fn length_s(call: &Call<'_>, name: &str) -> Result<(String, i64), Problem> {
    let text = call.text(name).unwrap_or_default();
    let length_s = length_of(call, name, &text)?;
    Ok((text, length_s))
}

/// Seconds of `text`, which was given for `name`.
pub(super) fn length_of(call: &Call<'_>, name: &str, text: &str) -> Result<i64, Problem> {
    let length_s = interval_s(text).map_err(|why| call.problem(format!("{name}: {why}")))?;
    if length_s.abs() > MAX_LENGTH_S {
        return Err(call.problem(format!("{name}: '{text}' is longer than 10,000 years")));
    }
    Ok(length_s)
}

/// The length of time given for `name`, which is longer than nothing.
pub(super) fn interval(call: &Call<'_>, name: &str) -> Result<(String, i64), Problem> {
    let (text, length_s) = length_s(call, name)?;
    if length_s <= 0 {
        return Err(call.problem(format!("{name} must be longer than nothing, such as '1h', not '{text}'")));
    }
    Ok((text, length_s))
}

/// The moment given for `name`; `None` where none was.
pub(super) fn moment(call: &Call<'_>, name: &str) -> Result<Option<i64>, Problem> {
    let Request { now_s, zone, .. } = call.scope.request;
    let moment_s =
        |text: String| at_time(&text, *now_s, zone).map_err(|why| call.problem(format!("{name}: {why}")));
    call.text(name).map(moment_s).transpose()
}

/// The aggregate given for `name`, as written and as itself.
pub(super) fn aggregate(call: &Call<'_>, name: &str) -> Result<(String, Aggregate), Problem> {
    let text = call.text(name).unwrap_or_default();
    let known = if text.ends_with("Series") { None } else { Aggregate::named(&text) };
    let aggregate = known.ok_or_else(|| {
        call.problem(format!("there is no aggregate '{text}': write average, sum, max, median, ..."))
    })?;
    Ok((text, aggregate))
}

/// The value given for `name` as it stands in names and tags: `5`, `2.5`, `1h`.
pub(super) fn plain(call: &Call<'_>, name: &str) -> String {
    match call.literal(name) {
        None => "None".to_owned(),
        Some(Literal::Float(value)) => shortest(value),
        Some(Literal::Int(value)) => value.to_string(),
        Some(Literal::Text(text)) => text,
        Some(other) => format!("{other:?}"),
    }
}

/// Refuses to make `count` values of one series if they are too many.
pub(super) fn bounded(call: &Call<'_>, count: i64) -> Result<usize, Problem> {
    match usize::try_from(count.max(0)) {
        Ok(n) if n <= MAX_POINTS => Ok(n),
        _ => {
            Err(call
                .problem(format!("that would be {count} values of one series: {MAX_POINTS} is the limit")))
        }
    }
}

/// As [`bounded`], of a series made from nothing: as if it had been read.
pub(super) fn made(call: &Call<'_>, count: i64) -> Result<usize, Problem> {
    let n = bounded(call, count)?;
    call.scope.request.count_values(n).map_err(|why| call.problem(why))?;
    Ok(n)
}

/// The series of `seriesList` in the time range asked for.
pub(super) fn list(call: &Call<'_>) -> Result<Vec<Series>, Problem> {
    call.series("seriesList")
}

/// The series of `seriesList` from `earlier_s` before the time range asked for.
pub(super) fn list_from_before(call: &Call<'_>, earlier_s: i64) -> Result<Vec<Series>, Problem> {
    call.series_within("seriesList", call.scope.start_s.saturating_sub(earlier_s), call.scope.end_s)
}

/// The number of intervals that cover `length_s`.
pub(super) fn count_of(length_s: i64, interval_s: i64) -> i64 {
    length_s.div_euclid(interval_s) + i64::from(length_s.rem_euclid(interval_s) != 0)
}
