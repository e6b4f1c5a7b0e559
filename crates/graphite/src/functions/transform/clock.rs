//! Series generated from time alone.

use crate::evaluate::Answer;
use crate::evaluate::Call;
use crate::functions::given::{self, count_of};
use crate::series::Series;

/// The epoch in seconds at each step.
pub(super) fn time(call: &Call<'_>) -> Answer {
    made(call, |time_s| time_s)
}

/// The sine of the epoch in seconds.
pub(super) fn sine(call: &Call<'_>) -> Answer {
    let amplitude = call.number("amplitude").unwrap_or(1.0);
    made(call, |time_s| time_s.sin() * amplitude)
}

fn made(call: &Call<'_>, value: impl Fn(f64) -> f64) -> Answer {
    let step_s = call.integer("step").unwrap_or(60);
    if step_s < 1 {
        return Err(call.problem(format!("step must be a number of seconds, 1 or more, not {step_s}")));
    }
    let (start_s, end_s) = (call.scope.start_s, call.scope.end_s);
    let n = given::made(call, count_of(end_s.saturating_sub(start_s), step_s))?;
    #[expect(clippy::cast_precision_loss, reason = "times are far below 2^53")]
    let at = |i: i64| value(start_s.saturating_add(i.saturating_mul(step_s)) as f64);
    let mut series =
        Series::new(&call.text("name").unwrap_or_default(), start_s, step_s, (0..).take(n).map(at).collect());
    series.end_s = end_s;
    series.x_files_factor = call.scope.x_files_factor();
    Ok(vec![series])
}
