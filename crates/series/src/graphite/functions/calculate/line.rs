//! Straight lines: an aggregate, a percentile, a trend, and time itself.

use std::sync::Arc;

use crate::graphite::evaluate::{Call, each};
use crate::graphite::functions::Answer;
use crate::graphite::functions::given::{aggregate, bounded, count_of, list};
use crate::graphite::number::{shortest, six_digits};
use crate::graphite::series::Series;

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
    let n = bounded(call, count_of(end_s.saturating_sub(start_s), STEP_S))?;
    #[expect(clippy::cast_precision_loss, reason = "times are far below 2^53")]
    let values = (0..).map(|i: i64| (start_s + i * STEP_S) as f64).take(n).collect();
    let mut series = Series::new(&name, start_s, STEP_S, values);
    series.path_expression = Arc::from(format!("identity(\"{name}\")"));
    series.end_s = end_s;
    series.x_files_factor = call.scope.x_files_factor();
    Ok(vec![series])
}

pub(super) fn linear_regression(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

pub(super) fn n_percentile(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}
