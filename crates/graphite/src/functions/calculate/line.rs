//! Straight lines: an aggregate, a percentile, a trend, and time itself.

use std::sync::Arc;

use crate::evaluate::Answer;
use crate::evaluate::{Call, each};
use crate::functions::given::{aggregate, count_of, list, made, moment, number};
use crate::number::{shortest, six_digits};
use crate::percentile::percentile;
use crate::series::{Consolidation, Series};

pub(super) fn aggregate_line(call: &Call<'_>) -> Answer {
    let (_, aggregate) = aggregate(call, "func")?;
    let keep_step = call.is_set("keepStep");
    let (start_s, end_s) = (call.scope.start_s, call.scope.end_s);
    Ok(each(list(call)?, |series| {
        let value = aggregate.of(series.values.iter().copied());
        let written = if value.is_nan() { "None".to_owned() } else { six_digits(value) };
        let name = format!("aggregateLine({}, {written})", series.name);
        if keep_step {
            let n = series.values.len();
            return series.called(name).with_values(vec![value; n]);
        }
        let tag = if value.is_nan() { "None".to_owned() } else { shortest(value) };
        let step_s = (end_s.saturating_sub(start_s) / 2).max(1);
        let mut line = Series::new(&tag, start_s, step_s, vec![value; 3]).called(name);
        line.end_s = end_s;
        line.x_files_factor = call.scope.x_files_factor();
        line
    }))
}

pub(super) fn identity(call: &Call<'_>) -> Answer {
    const STEP_S: i64 = 60;
    let name = call.text("name").unwrap_or_default();
    let (start_s, end_s) = (call.scope.start_s, call.scope.end_s);
    let n = made(call, count_of(end_s.saturating_sub(start_s), STEP_S))?;
    #[expect(clippy::cast_precision_loss, reason = "times are far below 2^53")]
    let values = (0..).map(|i: i64| (start_s + i * STEP_S) as f64).take(n).collect();
    let mut series = Series::new(&name, start_s, STEP_S, values);
    series.path_expression = Arc::from(format!("identity(\"{name}\")"));
    series.end_s = end_s;
    series.x_files_factor = call.scope.x_files_factor();
    Ok(vec![series])
}

pub(super) fn n_percentile(call: &Call<'_>) -> Answer {
    let n = number(call, "n")?;
    if n == 0.0 {
        return Err(call.problem("n must be above 0"));
    }
    let lines = each(list(call)?, |series| {
        let value = percentile(&series.values, n, false);
        let name = format!("nPercentile({}, {})", series.name, six_digits(n));
        let length = count_of(series.end_s.saturating_sub(series.start_s), series.step_s.max(1));
        let length = usize::try_from(length).unwrap_or(0).min(series.values.len());
        let mut series = series.called(name).with_values(vec![value; length]);
        series.set_tag("nPercentile", shortest(n));
        (!value.is_nan()).then_some(series)
    });
    Ok(lines.into_iter().flatten().collect())
}

pub(super) fn linear_regression(call: &Call<'_>) -> Answer {
    let start_s = moment(call, "startSourceAt")?.unwrap_or(call.scope.start_s);
    let end_s = moment(call, "endSourceAt")?.unwrap_or(call.scope.end_s);
    let source = call.series_within("seriesList", start_s, end_s)?;
    let lines = source.iter().zip(list(call)?).filter_map(|(source, series)| {
        let line = Line::through(source)?;
        let time_s = |i: i64| series.start_s.saturating_add(i.saturating_mul(series.step_s));
        let values = (0..).map(|i| line.at(time_s(i))).take(series.values.len()).collect();
        let name = format!("linearRegression({}, {start_s}, {end_s})", series.name);
        let mut series = series.called(name).with_values(values);
        series.consolidation = Consolidation::Average;
        series.set_tag("linearRegressions", format!("{start_s}, {end_s}"));
        Some(series)
    });
    Ok(lines.collect())
}

/// The straight line nearest to values, in squares of vertical distances.
struct Line {
    /// A moment near the values: far from it, more would be lost to rounding.
    origin_s: i64,
    /// Its value there.
    level: f64,
    slope: f64,
}

impl Line {
    /// `None` with fewer than two values.
    #[expect(
        clippy::cast_precision_loss,
        reason = "numbers of values and lengths of time are far below 2^53"
    )]
    fn through(series: &Series) -> Option<Self> {
        let points =
            || (0..).map(|i: i32| f64::from(i)).zip(series.values.iter()).filter(|(_, v)| !v.is_nan());
        let (n, sum_x, sum_y) =
            points().fold((0.0, 0.0, 0.0), |(n, x, y), (i, value)| (n + 1.0, x + i, y + value));
        let (mean_x, mean_y) = (sum_x / n, sum_y / n);
        let (covariance, variance) = points().fold((0.0, 0.0), |(covariance, variance), (i, value)| {
            let apart = i - mean_x;
            (covariance + apart * (value - mean_y), variance + apart * apart)
        });
        let slope = covariance / variance;
        (variance > 0.0).then(|| Self {
            origin_s: series.start_s,
            level: mean_y - mean_x * slope,
            slope: slope / series.step_s.max(1) as f64,
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "lengths of time are far below 2^53 seconds")]
    fn at(&self, time_s: i64) -> f64 {
        self.level + self.slope * time_s.saturating_sub(self.origin_s) as f64
    }
}
