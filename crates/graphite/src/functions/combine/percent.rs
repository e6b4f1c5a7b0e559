//! `asPercent`: series as shares of a total.

use std::collections::HashMap;
use std::sync::Arc;

use super::across::{aggregated, groups, paths, plain};
use super::ratio::{as_text, of_two, over, zip};
use crate::evaluate::Answer;
use crate::evaluate::{Call, Given};
use crate::expr::{Expr, Literal};
use crate::nodes::key;
use crate::normalize::{Normalized, normalize};
use crate::problem::Problem;
use crate::series::Series;

/// What series are shares of.
enum Total {
    /// Their sum.
    Sum,
    /// A number, and its text.
    Number(f64, String),
    /// One series for all, or one for each.
    Series(Vec<Series>),
}

/// `asPercent`.
pub(super) fn as_percent(call: &Call<'_>) -> Answer {
    let series = call.series("seriesList")?;
    let total = total(call)?;
    let Some(all) = normalize(&series) else { return Ok(Vec::new()) };
    let nodes = call.literals("nodes");
    match total {
        Total::Sum if nodes.is_empty() => Ok(of_sum(call, &series, &all)),
        Total::Number(..) if !nodes.is_empty() => {
            Err(call.problem("with nodes, total must be series or none: a number is the same for all groups"))
        }
        Total::Number(number, text) => Ok(of_number(call, &series, &all, number, &text)),
        Total::Series(totals) if nodes.is_empty() => of_series(call, series, totals),
        Total::Sum => by_nodes(call, series, None, &nodes),
        Total::Series(totals) => by_nodes(call, series, Some(totals), &nodes),
    }
}

fn total(call: &Call<'_>) -> Result<Total, Problem> {
    let literal = match call.given("total").next() {
        None => Literal::None,
        Some(Given::Written(Expr::Literal { value, .. }) | Given::Value(value)) => value.clone(),
        Some(_) => return Ok(Total::Series(call.series("total")?)),
    };
    match (call.number("total"), &literal) {
        (_, Literal::None) => Ok(Total::Sum),
        (Some(number), _) => Ok(Total::Number(number, as_text(&literal))),
        (None, _) => Err(call.problem("total must be series or a number")),
    }
}

/// `a` of `b` in percent.
fn percent(a: f64, b: f64) -> f64 {
    over(a, b) * 100.0
}

/// Shares of `series` (with `values` at the common step) under their own times, as Graphite has it.
fn shares(call: &Call<'_>, series: &Series, values: &[f64], total: &[f64], text: &str) -> Series {
    let text = if text.is_empty() { &*series.path_expression } else { text };
    let name = format!("asPercent({},{text})", series.name);
    let mut result = Series::new(&name, series.start_s, series.step_s, zip(values, total, percent));
    result.end_s = series.end_s;
    result.x_files_factor = call.scope.x_files_factor();
    result
}

fn of_sum(call: &Call<'_>, series: &[Series], all: &Normalized) -> Vec<Series> {
    let sums = all.combine(sum);
    let text = format!("sumSeries({})", paths(series));
    series
        .iter()
        .zip(&all.values)
        .map(|(series, values)| shares(call, series, values, &sums, &text))
        .collect()
}

fn sum(row: &[f64]) -> f64 {
    row.iter().copied().filter(|value| !value.is_nan()).reduce(|sum, value| sum + value).unwrap_or(f64::NAN)
}

fn of_number(call: &Call<'_>, series: &[Series], all: &Normalized, total: f64, text: &str) -> Vec<Series> {
    // Graphite has as many totals as the first series has values, whatever the common step.
    let totals = vec![total; series.first().map_or(0, |series| series.values.len())];
    series
        .iter()
        .zip(&all.values)
        .map(|(series, values)| shares(call, series, values, &totals, text))
        .collect()
}

fn of_series(call: &Call<'_>, mut series: Vec<Series>, mut totals: Vec<Series>) -> Answer {
    if totals.len() == series.len() {
        series.sort_by(|a, b| a.name.cmp(&b.name));
        totals.sort_by(|a, b| a.name.cmp(&b.name));
        return Ok(series.iter().zip(&totals).map(|(series, total)| share(call, series, total)).collect());
    }
    let [total] = totals.as_slice() else {
        return Err(call.problem(format!(
            "total must be one series or as many as there are: {} series, {} totals",
            series.len(),
            totals.len()
        )));
    };
    let text = Arc::clone(&total.name);
    series.push(total.clone());
    let Some(all) = normalize(&series) else { return Ok(Vec::new()) };
    let Some((total, values)) = all.values.split_last() else { return Ok(Vec::new()) };
    Ok(series.iter().zip(values).map(|(series, values)| shares(call, series, values, total, &text)).collect())
}

fn share(call: &Call<'_>, series: &Series, total: &Series) -> Series {
    of_two(call, &format!("asPercent({},{})", series.name, total.name), series, total, percent)
}

/// Within groups of series, and totals, that have the same nodes.
fn by_nodes(call: &Call<'_>, series: Vec<Series>, totals: Option<Vec<Series>>, nodes: &[Literal]) -> Answer {
    let own = groups(series, |series| key(series, nodes));
    let totals = match totals {
        Some(totals) => groups(totals, |series| key(series, nodes)),
        None => own.clone(),
    };
    let mut total_of: HashMap<&str, Series> = HashMap::new();
    for (key, series) in &totals {
        if let Some(total) = one_total(call, series)? {
            total_of.insert(key, total);
        }
    }
    let mut results = Vec::new();
    for (key, series) in &own {
        let total = total_of.get(key.as_str());
        results.extend(series.iter().map(|series| match total {
            Some(total) => share(call, series, total),
            None => missing(call, series, &format!("asPercent({},MISSING)", series.name)),
        }));
    }
    for (key, _) in &totals {
        if let Some(total) = total_of.get(key.as_str()).filter(|_| own.iter().all(|(known, _)| known != key))
        {
            results.push(missing(call, total, &format!("asPercent(MISSING,{})", total.name)));
        }
    }
    Ok(results)
}

/// The one total of a group: itself or the sum.
fn one_total(call: &Call<'_>, series: &[Series]) -> Result<Option<Series>, Problem> {
    match series {
        [one] => Ok(Some(one.clone())),
        _ => {
            let sum = aggregated(call, series, "sum", Some(0.0))?;
            let x_files_factor = call.scope.x_files_factor();
            Ok(sum.map(|sum| Series { x_files_factor, ..sum }))
        }
    }
}

/// A series without values at the times of another.
fn missing(call: &Call<'_>, like: &Series, name: &str) -> Series {
    let times =
        Normalized { start_s: like.start_s, end_s: like.end_s, step_s: like.step_s, values: Vec::new() };
    plain(call, name, &times, vec![f64::NAN; like.values.len()])
}
