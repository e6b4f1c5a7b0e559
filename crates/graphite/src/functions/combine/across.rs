//! Many series to one: aggregates, counts, powers and percentiles at each time.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::aggregate::Aggregate;
use crate::evaluate::Answer;
use crate::evaluate::{Call, Given};
use crate::expr::Literal;
use crate::normalize::{Normalized, normalize};
use crate::number::six_digits;
use crate::percentile::percentile;
use crate::problem::Problem;
use crate::series::Series;

/// `aggregate`.
pub(super) fn aggregate(call: &Call<'_>) -> Answer {
    let func = func(call)?;
    let series = call.series("seriesList")?;
    Ok(aggregated(call, &series, &func, call.number("xFilesFactor"))?.into_iter().collect())
}

/// `sumSeries` and those like it.
pub(super) fn all(call: &Call<'_>, func: &str) -> Answer {
    let series = call.series("seriesLists")?;
    Ok(aggregated(call, &series, func, None)?.into_iter().collect())
}

/// `multiplySeries`: one series alone stays what it is.
pub(super) fn multiply(call: &Call<'_>) -> Answer {
    let mut lists = call.series_lists("seriesLists")?;
    match lists.as_mut_slice() {
        [list] if list.len() == 1 => Ok(std::mem::take(list)),
        _ => Ok(aggregated(call, &lists.concat(), "multiply", None)?.into_iter().collect()),
    }
}

/// `aggregateSeriesLists`.
pub(super) fn pairs(call: &Call<'_>) -> Answer {
    pairs_with(call, &func(call)?, call.number("xFilesFactor"))
}

/// `sumSeriesLists` and those like it.
pub(super) fn pairs_by(call: &Call<'_>, func: &str) -> Answer {
    pairs_with(call, func, None)
}

fn pairs_with(call: &Call<'_>, func: &str, x_files_factor: Option<f64>) -> Answer {
    let (first, second) = (call.series("seriesListFirstPos")?, call.series("seriesListSecondPos")?);
    same_length(call, first.len(), second.len())?;
    let mut results = Vec::with_capacity(first.len());
    for (first, second) in first.into_iter().zip(second) {
        let name = format!("{}Series({},{})", short(func), first.name, second.name);
        let one = aggregated(call, &[first, second], func, x_files_factor)?;
        results.extend(one.map(|series| series.renamed(name)));
    }
    Ok(results)
}

pub(super) fn same_length(call: &Call<'_>, first: usize, second: usize) -> Result<(), Problem> {
    if first == second {
        return Ok(());
    }
    Err(call.problem(format!("both lists must have as many series, but they have {first} and {second}")))
}

/// `aggregateWithWildcards`.
pub(super) fn without_nodes(call: &Call<'_>) -> Answer {
    without_nodes_by(call, &func(call)?)
}

/// `sumSeriesWithWildcards` and those like it.
pub(super) fn without_nodes_by(call: &Call<'_>, func: &str) -> Answer {
    let places: Vec<usize> = call
        .literals("position")
        .iter()
        .filter_map(|place| match place {
            Literal::Int(place) => usize::try_from(*place).ok(),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a whole number from 0"
            )]
            Literal::Float(place) if place.fract() == 0.0 && *place >= 0.0 => Some(*place as usize),
            _ => None,
        })
        .collect();
    let rest = |series: &Series| -> String {
        let nodes = series.name.split('.').enumerate();
        nodes.filter(|(i, _)| !places.contains(i)).map(|(_, node)| node).collect::<Vec<_>>().join(".")
    };
    let mut results = Vec::new();
    for (key, series) in groups(call.series("seriesList")?, rest) {
        let one = aggregated(call, &series, func, None)?;
        results.extend(one.map(|series| series.renamed(key)));
    }
    Ok(results)
}

/// `group`.
pub(super) fn group(call: &Call<'_>) -> Answer {
    call.series("seriesLists")
}

/// `countSeries`.
pub(super) fn count(call: &Call<'_>) -> Answer {
    if call.given("seriesLists").next().is_none() {
        let Some(line) = call.named("constantLine") else { return Ok(Vec::new()) };
        let mut line = call.ask(line, vec![Given::Value(Literal::Int(0))])?;
        line.iter_mut().for_each(|series| series.path_expression = "countSeries()".into());
        return Ok(line);
    }
    let series = call.series("seriesLists")?;
    let name = format!("countSeries({})", paths(&series));
    #[expect(clippy::cast_precision_loss, reason = "numbers of series are far below 2^53")]
    let count = series.len() as f64;
    let counted = normalize(&series).map(|all| plain(call, &name, &all, vec![count; all.len()]));
    Ok(counted.into_iter().collect())
}

/// `powSeries`.
pub(super) fn power(call: &Call<'_>) -> Answer {
    let series = call.series("seriesList")?;
    let names: Vec<&str> = series.iter().map(|series| &*series.name).collect();
    let name = format!("powSeries({})", names.join(","));
    let powers = |row: &[f64]| row.iter().copied().reduce(to_the_power).unwrap_or(f64::NAN);
    Ok(normalize(&series).map(|all| plain(call, &name, &all, all.combine(powers))).into_iter().collect())
}

/// NaN where either is, and where the power does not exist or is too great.
fn to_the_power(base: f64, exponent: f64) -> f64 {
    let power = if base.is_nan() || exponent.is_nan() { f64::NAN } else { base.powf(exponent) };
    if power.is_infinite() && base.is_finite() && exponent.is_finite() { f64::NAN } else { power }
}

/// `percentileOfSeries`.
pub(super) fn percentile_of_series(call: &Call<'_>) -> Answer {
    let n = call.number("n").unwrap_or(f64::NAN);
    if n.is_nan() || n <= 0.0 {
        return Err(call.problem(format!("n must be above 0, such as 95, not {n}")));
    }
    let interpolate = call.is_set("interpolate");
    let series = call.series("seriesList")?;
    let path = series.first().map_or("", |series| &*series.path_expression);
    let name = format!("percentileOfSeries({path},{})", six_digits(n));
    let values = |all: &Normalized| all.combine(|row| percentile(row, n, interpolate));
    Ok(normalize(&series).map(|all| plain(call, &name, &all, values(&all))).into_iter().collect())
}

/// The aggregate that the argument `func` names, as written.
fn func(call: &Call<'_>) -> Result<String, Problem> {
    call.text("func").ok_or_else(|| call.problem("func must be the name of an aggregate such as 'sum'"))
}

/// A series called `name`, and nothing else, at the times of `all`.
pub(super) fn plain(call: &Call<'_>, name: &str, all: &Normalized, values: Vec<f64>) -> Series {
    let mut series = Series::new(name, all.start_s, all.step_s, values);
    series.end_s = all.end_s;
    series.x_files_factor = call.scope.x_files_factor();
    series
}

/// One series of many by the aggregate called `func`; nothing of nothing.
///
/// A time has a value where any series has one there, and at least the share that `x_files_factor` wants.
pub(super) fn aggregated(
    call: &Call<'_>,
    series: &[Series],
    func: &str,
    x_files_factor: Option<f64>,
) -> Result<Option<Series>, Problem> {
    let Some(aggregate) = Aggregate::named(func) else {
        return Err(
            call.problem(format!("there is no aggregate {func}; there are sum, average, max and others"))
        );
    };
    let Some(all) = normalize(series) else { return Ok(None) };
    let func = short(func);
    let name = format!("{func}Series({})", paths(series));
    let x_files_factor = x_files_factor.unwrap_or(call.scope.x_files_factor());
    let values = all.combine(|row| {
        if has_enough(row, x_files_factor) { aggregate.of(row.iter().copied()) } else { f64::NAN }
    });
    let mut tags = shared_tags(series);
    tags.entry("name".to_owned()).or_insert_with(|| name.clone());
    tags.insert("aggregatedBy".to_owned(), func.to_owned());
    let mut result = plain(call, &name, &all, values);
    result.tags = Arc::new(tags);
    result.x_files_factor = x_files_factor;
    Ok(Some(result))
}

#[expect(clippy::cast_precision_loss, reason = "numbers of series are far below 2^53")]
fn has_enough(row: &[f64], x_files_factor: f64) -> bool {
    if x_files_factor <= 0.0 {
        return row.iter().any(|value| !value.is_nan());
    }
    let n_there = row.iter().filter(|value| !value.is_nan()).count();
    n_there > 0 && n_there as f64 / row.len() as f64 >= x_files_factor
}

/// `sum` of `sumSeries`.
fn short(func: &str) -> &str {
    func.strip_suffix("Series").unwrap_or(func)
}

/// The tags that all series have with the same value.
fn shared_tags(series: &[Series]) -> BTreeMap<String, String> {
    let Some((first, others)) = series.split_first() else { return BTreeMap::new() };
    let mut tags = (*first.tags).clone();
    for other in others {
        tags.retain(|tag, value| other.tags.get(tag) == Some(value));
    }
    tags
}

/// The distinct path expressions in order of appearance, joined by commas.
pub(super) fn paths(series: &[Series]) -> String {
    let mut known = HashSet::new();
    let distinct = series.iter().map(|series| &*series.path_expression).filter(|path| known.insert(*path));
    distinct.collect::<Vec<_>>().join(",")
}

/// Series by key, in the order in which the keys appear.
pub(super) fn groups(series: Vec<Series>, key: impl Fn(&Series) -> String) -> Vec<(String, Vec<Series>)> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<(String, Vec<Series>)> = Vec::new();
    for series in series {
        let key = key(&series);
        let place = *places.entry(key.clone()).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, group)) => group.push(series),
            None => groups.push((key, vec![series])),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::{has_enough, to_the_power};

    #[test]
    fn powers() {
        let none = f64::NAN;
        for (base, exponent, expected) in [
            (2.0, 3.0, 8.0),
            (none, 0.0, none),
            (1.0, none, none),
            (-8.0, 0.5, none),
            (0.0, -1.0, none),
            (1e300, 2.0, none),
            (f64::INFINITY, 1.0, f64::INFINITY),
        ] {
            let power = to_the_power(base, exponent);
            assert!(
                power == expected || (power.is_nan() && f64::is_nan(expected)),
                "{base} ** {exponent}: {power}"
            );
        }
    }

    #[test]
    fn enough() {
        let row = [1.0, f64::NAN, f64::NAN, 2.0];
        for (x_files_factor, expected) in [(0.0, true), (0.5, true), (0.6, false), (f64::NAN, false)] {
            assert_eq!(has_enough(&row, x_files_factor), expected, "{x_files_factor}");
        }
        assert!(!has_enough(&[f64::NAN], 0.0));
        assert!(!has_enough(&[], 0.0));
    }
}
