//! What the values of a timer come to, under the names that Etsy's `StatsD` gives them.

/// Calls `on_number` with the name and value of each statistic of these values, which are put in order.
/// - `count`: how many there were, with those that were not sent because of a sample rate
/// - `interval_s`: the length of the interval, seconds
/// - `percentiles`: above 0 those of the smallest values, below 0 those of the largest
///
/// Cost: O(n log n).
pub(super) fn statistics(
    values: &mut [f64],
    count: f64,
    interval_s: f64,
    percentiles: &[f64],
    mut on_number: impl FnMut(&str, f64),
) {
    on_number("count", count);
    on_number("count_ps", count / interval_s);
    values.sort_by(f64::total_cmp);
    let (Some(lowest), Some(highest)) = (values.first(), values.last()) else { return };
    for percentile in percentiles {
        of_percentile(values, *percentile, &mut on_number);
    }
    let n = values.len();
    let sum: f64 = values.iter().sum();
    let mean = sum / n as f64;
    let squares = |mean: f64| values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>();
    let median = if n % 2 == 1 { values[n / 2] } else { f64::midpoint(values[n / 2 - 1], values[n / 2]) };
    on_number("std", (squares(mean) / n as f64).sqrt());
    on_number("upper", *highest);
    on_number("lower", *lowest);
    on_number("sum", sum);
    on_number("sum_squares", squares(0.0));
    on_number("mean", mean);
    on_number("median", median);
}

fn of_percentile(values: &[f64], percentile: f64, on_number: &mut impl FnMut(&str, f64)) {
    let n = values.len();
    let n_within = if n == 1 { 1 } else { (percentile.abs() / 100.0 * n as f64).round() as usize };
    let within =
        if percentile > 0.0 { values.get(..n_within) } else { values.get(n.saturating_sub(n_within)..) };
    let Some(within) = within.filter(|within| !within.is_empty()) else { return };
    let (bound, name) = if percentile > 0.0 { (within.last(), "upper") } else { (within.first(), "lower") };
    let written = percentile.to_string().replace('.', "_").replace('-', "top");
    let sum: f64 = within.iter().sum();
    on_number(&format!("count_{written}"), within.len() as f64);
    on_number(&format!("mean_{written}"), sum / within.len() as f64);
    on_number(&format!("{name}_{written}"), bound.copied().unwrap_or_default());
    on_number(&format!("sum_{written}"), sum);
    on_number(&format!("sum_squares_{written}"), within.iter().map(|value| value * value).sum());
}
