//! The functions of the group "Filter Series".

use std::collections::HashSet;

use crate::aggregate::Aggregate;
use crate::evaluate::Call;
use crate::evaluate::{Answer, Entry};
use crate::expr::Literal;
use crate::function::Function;
use crate::parameter::{AGGREGATES, Default, Kind, Parameter, texts};
use crate::pattern::{Pattern, Replacement};
use crate::percentile::percentile;
use crate::problem::Problem;
use crate::series::Series;

pub(super) const FUNCTIONS: &[Entry] = &[
    Function {
        name: "averageAbove",
        signature: "(seriesList, n)",
        about: "Keeps the series whose average is above n.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
    }
    .done_by(average_above),
    Function {
        name: "averageBelow",
        signature: "(seriesList, n)",
        about: "Keeps the series whose average is n or less; those without values too.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
    }
    .done_by(average_below),
    Function {
        name: "averageOutsidePercentile",
        signature: "(seriesList, n)",
        about: "Keeps the series whose average lies outside the middle band of all averages: n=5 leaves the lowest and highest 5 %.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
    }
    .done_by(average_outside_percentile),
    Function {
        name: "currentAbove",
        signature: "(seriesList, n)",
        about: "Keeps the series whose last value is above n.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
    }
    .done_by(current_above),
    Function {
        name: "currentBelow",
        signature: "(seriesList, n)",
        about: "Keeps the series whose last value is n or less; those without values too.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
    }
    .done_by(current_below),
    Function {
        name: "exclude",
        signature: "(seriesList, pattern)",
        about: "Drops the series whose name matches a regular expression.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("pattern", Kind::Text),
        ],
    }
    .done_by(exclude),
    Function {
        name: "filterSeries",
        signature: "(seriesList, func, operator, threshold)",
        about: "Keeps the series whose aggregate over the whole range compares with a threshold: filterSeries(app.*.load, 'max', '>', 40).",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("func", Kind::AggFunc).one_of(AGGREGATES),
            Parameter::required("operator", Kind::Text).one_of(&texts(["!=", "<", "<=", "=", ">", ">="])),
            Parameter::required("threshold", Kind::Float),
        ],
    }
    .done_by(filter_series),
    Function {
        name: "grep",
        signature: "(seriesList, pattern)",
        about: "Keeps the series whose name matches a regular expression.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("pattern", Kind::Text),
        ],
    }
    .done_by(grep),
    Function {
        name: "highest",
        signature: "(seriesList, n=1, func='average')",
        about: "The n series with the highest aggregate over the whole range, the highest first.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Integer),
            Parameter::optional("func", Kind::AggFunc).or(Default::Text("average")).one_of(AGGREGATES),
        ],
    }
    .done_by(highest),
    Function {
        name: "highestAverage",
        signature: "(seriesList, n)",
        about: "The n series with the highest average, the highest first.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Integer),
        ],
    }
    .done_by(highest_average),
    Function {
        name: "highestCurrent",
        signature: "(seriesList, n)",
        about: "The n series with the highest last value, the highest first.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Integer),
        ],
    }
    .done_by(highest_current),
    Function {
        name: "highestMax",
        signature: "(seriesList, n)",
        about: "The n series with the highest maximum, the highest first.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Integer),
        ],
    }
    .done_by(highest_max),
    Function {
        name: "limit",
        signature: "(seriesList, n)",
        about: "The first n series.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Integer),
        ],
    }
    .done_by(limit),
    Function {
        name: "lowest",
        signature: "(seriesList, n=1, func='average')",
        about: "The n series with the lowest aggregate over the whole range, the lowest first.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Integer),
            Parameter::optional("func", Kind::AggFunc).or(Default::Text("average")).one_of(AGGREGATES),
        ],
    }
    .done_by(lowest),
    Function {
        name: "lowestAverage",
        signature: "(seriesList, n)",
        about: "The n series with the lowest average, the lowest first.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Integer),
        ],
    }
    .done_by(lowest_average),
    Function {
        name: "lowestCurrent",
        signature: "(seriesList, n)",
        about: "The n series with the lowest last value, the lowest first.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Integer),
        ],
    }
    .done_by(lowest_current),
    Function {
        name: "maximumAbove",
        signature: "(seriesList, n)",
        about: "Keeps the series whose maximum is above n.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
    }
    .done_by(maximum_above),
    Function {
        name: "maximumBelow",
        signature: "(seriesList, n)",
        about: "Keeps the series whose maximum is n or less; those without values too.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
    }
    .done_by(maximum_below),
    Function {
        name: "minimumAbove",
        signature: "(seriesList, n)",
        about: "Keeps the series whose minimum is above n.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
    }
    .done_by(minimum_above),
    Function {
        name: "minimumBelow",
        signature: "(seriesList, n)",
        about: "Keeps the series whose minimum is n or less; those without values too.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
    }
    .done_by(minimum_below),
    Function {
        name: "mostDeviant",
        signature: "(seriesList, n)",
        about: "The n series that scatter most around their own average (by variance), the widest first.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Integer),
        ],
    }
    .done_by(most_deviant),
    Function {
        name: "removeBetweenPercentile",
        signature: "(seriesList, n)",
        about: "Drops the series that stay in the middle band of all series all the time: n=5 keeps those that are once among the lowest or highest 5 %.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
    }
    .done_by(remove_between_percentile),
    Function {
        name: "removeEmptySeries",
        signature: "(seriesList, xFilesFactor=None)",
        about: "Drops the series without values, or with a smaller share of values than xFilesFactor.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("xFilesFactor", Kind::Float),
        ],
    }
    .done_by(remove_empty_series),
    Function {
        name: "unique",
        signature: "(*seriesLists)",
        about: "Each series once: of those with the same name, the first.",
        parameters: &[Parameter::required("seriesLists", Kind::SeriesList).multiple()],
    }
    .done_by(unique),
    Function {
        name: "useSeriesAbove",
        signature: "(seriesList, value, search, replace)",
        about: "For each series whose maximum is above value, rewrites its name by a regular expression and answers the series of that name.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("value", Kind::Float),
            Parameter::required("search", Kind::Text),
            Parameter::required("replace", Kind::Text),
        ],
    }
    .done_by(use_series_above),
];

/// The aggregate named by the argument `func`.
pub(super) fn aggregate_of(call: &Call<'_>) -> Result<Aggregate, Problem> {
    let name = call.text("func").unwrap_or_default();
    let plain = (!name.ends_with("Series")).then(|| Aggregate::named(&name)).flatten();
    plain.ok_or_else(|| {
        call.problem(format!("there is no aggregate '{name}'; there are sum, average, max and others"))
    })
}

/// One value of a whole series.
pub(super) fn value_of(aggregate: Aggregate, series: &Series) -> f64 {
    aggregate.of(series.values.iter().copied())
}

/// The number given for `name`.
pub(super) fn number(call: &Call<'_>, name: &str) -> Result<f64, Problem> {
    call.number(name).ok_or_else(|| call.problem(format!("{name} must be a number")))
}

/// The expression given for `name`.
pub(super) fn pattern(call: &Call<'_>, name: &str) -> Result<Pattern, Problem> {
    match call.literal(name) {
        Some(Literal::Text(text)) => Pattern::new(&text).map_err(|error| call.problem(error)),
        _ => Err(call.problem(format!("{name} is a regular expression in quotes"))),
    }
}

/// The series whose value compares so. One without a value is below everything.
fn keep(call: &Call<'_>, aggregate: Aggregate, operator: &str, than: f64) -> Answer {
    let mut series = call.series("seriesList")?;
    let compare: fn(f64, f64) -> bool = match operator {
        "=" => |value, than| value == than,
        "!=" => |value, than| value != than,
        ">" => |value, than| value > than,
        ">=" => |value, than| value >= than,
        "<" => |value, than| value.is_nan() || value < than,
        "<=" => |value, than| value.is_nan() || value <= than,
        other => return Err(call.problem(format!("operator is one of = != < <= > >=, not '{other}'"))),
    };
    series.retain(|series| compare(value_of(aggregate, series), than));
    Ok(series)
}

fn average_above(call: &Call<'_>) -> Answer {
    keep(call, Aggregate::Average, ">", number(call, "n")?)
}

fn average_below(call: &Call<'_>) -> Answer {
    keep(call, Aggregate::Average, "<=", number(call, "n")?)
}

fn current_above(call: &Call<'_>) -> Answer {
    keep(call, Aggregate::Last, ">", number(call, "n")?)
}

fn current_below(call: &Call<'_>) -> Answer {
    keep(call, Aggregate::Last, "<=", number(call, "n")?)
}

fn maximum_above(call: &Call<'_>) -> Answer {
    keep(call, Aggregate::Max, ">", number(call, "n")?)
}

fn maximum_below(call: &Call<'_>) -> Answer {
    keep(call, Aggregate::Max, "<=", number(call, "n")?)
}

fn minimum_above(call: &Call<'_>) -> Answer {
    keep(call, Aggregate::Min, ">", number(call, "n")?)
}

fn minimum_below(call: &Call<'_>) -> Answer {
    keep(call, Aggregate::Min, "<=", number(call, "n")?)
}

fn filter_series(call: &Call<'_>) -> Answer {
    keep(call, aggregate_of(call)?, &call.text("operator").unwrap_or_default(), number(call, "threshold")?)
}

fn grep(call: &Call<'_>) -> Answer {
    let pattern = pattern(call, "pattern")?;
    let mut series = call.series("seriesList")?;
    series.retain(|series| pattern.is_in(&series.name));
    Ok(series)
}

fn exclude(call: &Call<'_>) -> Answer {
    let pattern = pattern(call, "pattern")?;
    let mut series = call.series("seriesList")?;
    series.retain(|series| !pattern.is_in(&series.name));
    Ok(series)
}

/// Sorted by one value of each, equal ones in the order that they had. One without a value is the least.
pub(super) fn sorted(series: Vec<Series>, descending: bool, key: impl Fn(&Series) -> f64) -> Vec<Series> {
    let key =
        |series: &Series| Some(key(series)).filter(|key| !key.is_nan()).unwrap_or(f64::NEG_INFINITY) + 0.0; // -0 is 0
    let mut keyed: Vec<(f64, Series)> = series.into_iter().map(|series| (key(&series), series)).collect();
    if descending {
        keyed.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    } else {
        keyed.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    }
    keyed.into_iter().map(|(_, series)| series).collect()
}

/// The first `n`; all but the last `-n` where it is negative.
fn first(mut series: Vec<Series>, n: i64) -> Vec<Series> {
    let many = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX);
    series.truncate(if n < 0 { series.len().saturating_sub(many) } else { many });
    series
}

fn n(call: &Call<'_>) -> i64 {
    call.integer("n").unwrap_or(1)
}

fn extreme(call: &Call<'_>, highest: bool, aggregate: Aggregate) -> Answer {
    let series = sorted(call.series("seriesList")?, highest, |series| value_of(aggregate, series));
    Ok(first(series, n(call)))
}

fn highest(call: &Call<'_>) -> Answer {
    extreme(call, true, aggregate_of(call)?)
}

fn highest_average(call: &Call<'_>) -> Answer {
    extreme(call, true, Aggregate::Average)
}

fn highest_current(call: &Call<'_>) -> Answer {
    extreme(call, true, Aggregate::Last)
}

fn highest_max(call: &Call<'_>) -> Answer {
    extreme(call, true, Aggregate::Max)
}

fn lowest(call: &Call<'_>) -> Answer {
    extreme(call, false, aggregate_of(call)?)
}

fn lowest_average(call: &Call<'_>) -> Answer {
    extreme(call, false, Aggregate::Average)
}

fn lowest_current(call: &Call<'_>) -> Answer {
    extreme(call, false, Aggregate::Last)
}

fn limit(call: &Call<'_>) -> Answer {
    let n = whole(call)?;
    Ok(first(call.series("seriesList")?, n))
}

fn most_deviant(call: &Call<'_>) -> Answer {
    let n = whole(call)?;
    let mut series = call.series("seriesList")?;
    series.retain(|series| series.last().is_some());
    let series = sorted(series, true, |series| value_of(Aggregate::Stddev, series));
    Ok(first(series, n))
}

/// The number of series to keep, which may not have a fraction here.
fn whole(call: &Call<'_>) -> Result<i64, Problem> {
    match call.literal("n") {
        Some(Literal::Int(n)) => Ok(n),
        _ => Err(call.problem("n is a whole number")),
    }
}

/// The band of percentiles between `100 - n` and `n`, where `n` is 50 at least.
fn band(call: &Call<'_>, values: impl Iterator<Item = f64>) -> Result<(f64, f64), Problem> {
    let n = number(call, "n")?;
    let n = if n < 50.0 { 100.0 - n } else { n };
    let values: Vec<f64> = values.collect();
    let at = |n| percentile(&values, n, false);
    Ok((at(100.0 - n), at(n)))
}

fn average_outside_percentile(call: &Call<'_>) -> Answer {
    let mut series = call.series("seriesList")?;
    let average = |series: &Series| value_of(Aggregate::Average, series);
    if let Some(empty) = series.iter().find(|series| average(series).is_nan()) {
        let message = format!("{} has no value: put removeEmptySeries() around the series", empty.name);
        return Err(call.problem(message));
    }
    let (low, high) = band(call, series.iter().map(average))?;
    series.retain(|series| !(low < average(series) && average(series) < high));
    Ok(series)
}

fn remove_between_percentile(call: &Call<'_>) -> Answer {
    let series = call.series("seriesList")?;
    let n_values = series.first().map_or(0, |series| series.values.len());
    for one in &series {
        if one.values.len() != n_values {
            return Err(call.problem(format!("{} has not as many values as the first series", one.name)));
        }
        if one.values.iter().any(|value| value.is_nan()) {
            return Err(call.problem(format!("{} has gaps: put keepLastValue() around the series", one.name)));
        }
    }
    let at = |i: usize| series.iter().filter_map(move |series| series.values.get(i).copied());
    let bands = (0..n_values).map(|i| band(call, at(i))).collect::<Result<Vec<_>, _>>()?;
    let leaves = |one: &&Series| {
        one.values.iter().zip(&bands).any(|(value, (low, high))| !(low < value && value < high))
    };
    Ok(series.iter().filter(leaves).cloned().collect())
}

fn remove_empty_series(call: &Call<'_>) -> Answer {
    let needed = call.number("xFilesFactor").unwrap_or(0.0);
    let mut series = call.series("seriesList")?;
    series.retain(|series| {
        let n_there = value_of(Aggregate::Count, series);
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 values")]
        let n = series.values.len() as f64;
        n_there > 0.0 && n_there / n >= needed
    });
    Ok(series)
}

fn unique(call: &Call<'_>) -> Answer {
    let mut series = call.series("seriesLists")?;
    let mut seen = HashSet::new();
    series.retain(|series| seen.insert(series.name.clone()));
    Ok(series)
}

fn use_series_above(call: &Call<'_>) -> Answer {
    let value = number(call, "value")?;
    let search = pattern(call, "search")?;
    let replace = Replacement::new(&call.text("replace").unwrap_or_default(), &search);
    let replace = replace.map_err(|error| call.problem(error))?;
    let mut found = Vec::new();
    for series in call.series("seriesList")? {
        if series.values.iter().any(|value| value.is_nan()) {
            return Err(
                call.problem(format!("{} has gaps: put keepLastValue() around the series", series.name))
            );
        }
        if value_of(Aggregate::Max, &series) > value {
            let name = replace.replace_all(&search, &series.name).map_err(|error| call.problem(error))?;
            found.extend(call.scope.ask(&name).map_err(|error| call.problem(error))?);
        }
    }
    Ok(found)
}
