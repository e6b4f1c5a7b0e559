//! One series over another: quotients, and means by weight.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::across::{aggregated, plain, same_length};
use crate::evaluate::Answer;
use crate::evaluate::Call;
use crate::expr::Literal;
use crate::nodes::key;
use crate::normalize::{Normalized, normalize};
use crate::number::shortest;
use crate::series::Series;

/// `divideSeries`.
pub(super) fn divide(call: &Call<'_>) -> Answer {
    let dividends = call.series("dividendSeriesList")?;
    let divisors = call.series("divisorSeries")?;
    match divisors.as_slice() {
        [] => Ok(dividends.into_iter().map(without_divisor).collect()),
        [divisor] => Ok(dividends.iter().map(|dividend| quotient(call, dividend, divisor)).collect()),
        _ => Err(call.problem(format!(
            "the divisor must be one series, but it is {}; divideSeriesLists() divides series by series",
            divisors.len()
        ))),
    }
}

fn without_divisor(dividend: Series) -> Series {
    let n = dividend.values.len();
    let name = format!("divideSeries({},MISSING)", dividend.name);
    dividend.called(name).with_values(vec![f64::NAN; n])
}

/// `divideSeriesLists`.
pub(super) fn divide_pairs(call: &Call<'_>) -> Answer {
    let (dividends, divisors) = (call.series("dividendSeriesList")?, call.series("divisorSeriesList")?);
    same_length(call, dividends.len(), divisors.len())?;
    let pairs = dividends.iter().zip(&divisors);
    Ok(pairs.map(|(dividend, divisor)| quotient(call, dividend, divisor)).collect())
}

fn quotient(call: &Call<'_>, dividend: &Series, divisor: &Series) -> Series {
    let name = format!("divideSeries({},{})", dividend.name, divisor.name);
    of_two(call, &name, dividend, divisor, over)
}

/// One series of two at their common step.
pub(super) fn of_two(
    call: &Call<'_>,
    name: &str,
    a: &Series,
    b: &Series,
    of: impl Fn(f64, f64) -> f64,
) -> Series {
    let both = normalize(&[a.clone(), b.clone()]);
    let values = |both: &Normalized| zipped(both.values.iter(), &of);
    both.map_or_else(|| a.clone(), |both| plain(call, name, &both, values(&both)))
}

/// Value by value; NaN where one list is shorter.
fn zipped<'v>(mut lists: impl Iterator<Item = &'v Arc<Vec<f64>>>, of: &impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let (Some(a), Some(b)) = (lists.next(), lists.next()) else { return Vec::new() };
    zip(a, b, of)
}

/// Value by value; NaN stands where one list is shorter.
pub(super) fn zip(a: &[f64], b: &[f64], of: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let both = a.len().min(b.len());
    let mut values: Vec<f64> = a.iter().zip(b).map(|(a, b)| of(*a, *b)).collect();
    values.extend(a.iter().skip(both).map(|a| of(*a, f64::NAN)));
    values.extend(b.iter().skip(both).map(|b| of(f64::NAN, *b)));
    values
}

/// `a / b`; NaN where `b` is 0.
pub(super) fn over(a: f64, b: f64) -> f64 {
    if b == 0.0 { f64::NAN } else { a / b }
}

/// `weightedAverage`.
pub(super) fn weighted_average(call: &Call<'_>) -> Answer {
    let (averages, weights) = (call.series("seriesListAvg")?, call.series("seriesListWeight")?);
    same_length(call, averages.len(), weights.len())?;
    let nodes = call.literals("nodes");
    let products = products(&averages, &weights, &nodes);
    let sums = (aggregated(call, &products, "sum", None)?, aggregated(call, &weights, "sum", None)?);
    let (Some(products), Some(sum_of_weights)) = sums else { return Ok(Vec::new()) };
    let nodes: Vec<String> = nodes.iter().map(as_text).collect();
    let name = format!(
        "weightedAverage({}, {}, {})",
        sorted_paths(&averages),
        sorted_paths(&weights),
        nodes.join(",")
    );
    let mut result = Series::new(
        &name,
        products.start_s,
        products.step_s,
        zip(&products.values, &sum_of_weights.values, over),
    );
    result.end_s = products.end_s;
    result.x_files_factor = call.scope.x_files_factor();
    Ok(vec![result])
}

/// Average times weight for each key that has both, in the order in which the keys appear; of several with one key,
/// the last counts.
fn products(averages: &[Series], weights: &[Series], nodes: &[Literal]) -> Vec<Series> {
    let mut keys: Vec<String> = Vec::new();
    let mut known: std::collections::HashMap<String, [Option<&Series>; 2]> = std::collections::HashMap::new();
    for pair in averages.iter().zip(weights) {
        for (place, series) in [pair.0, pair.1].into_iter().enumerate() {
            let key = key(series, nodes);
            if !known.contains_key(&key) {
                keys.push(key.clone());
            }
            known.entry(key).or_default()[place] = Some(series);
        }
    }
    let product = |key: &String| match known.get(key) {
        Some([Some(average), Some(weight)]) => {
            let name = format!("product({},{})", weight.name, average.name);
            let values = zip(&average.values, &weight.values, |a, b| a * b);
            let mut series = Series::new(&name, average.start_s, average.step_s, values);
            series.end_s = average.end_s;
            Some(series)
        }
        _ => None,
    };
    keys.iter().filter_map(product).collect()
}

fn sorted_paths(series: &[Series]) -> String {
    let paths: BTreeSet<&str> = series.iter().map(|series| &*series.path_expression).collect();
    paths.into_iter().collect::<Vec<_>>().join(",")
}

/// A literal as it stands in names.
pub(super) fn as_text(literal: &Literal) -> String {
    match literal {
        Literal::Int(value) => value.to_string(),
        Literal::Float(value) => shortest(*value),
        Literal::Text(text) => text.clone(),
        Literal::Bool(true) => "True".to_owned(),
        Literal::Bool(false) => "False".to_owned(),
        Literal::None => "None".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{over, zip};

    #[test]
    fn quotients() {
        let none = f64::NAN;
        let found = zip(&[1.0, none, 1.0, 0.0, 5.0], &[2.0, 2.0, 0.0, 4.0], over);
        assert_eq!(format!("{found:?}"), format!("{:?}", [0.5, none, none, 0.0, none]));
        assert_eq!(zip(&[], &[1.0], over).len(), 1);
    }
}
