//! Moving windows.

use crate::aggregate::Aggregate;
use crate::evaluate::Answer;
use crate::evaluate::{Call, each};
use crate::expr::Literal;
use crate::functions::given::{aggregate, bounded, length_of, list, list_from_before, number, plain};
use crate::problem::Problem;
use crate::rounding::round_to;
use crate::series::Series;
use crate::window;

pub(super) fn average(call: &Call<'_>) -> Answer {
    moving(call, "average", Aggregate::Average)
}

pub(super) fn max(call: &Call<'_>) -> Answer {
    moving(call, "max", Aggregate::Max)
}

pub(super) fn median(call: &Call<'_>) -> Answer {
    moving(call, "median", Aggregate::Median)
}

pub(super) fn min(call: &Call<'_>) -> Answer {
    moving(call, "min", Aggregate::Min)
}

pub(super) fn sum(call: &Call<'_>) -> Answer {
    moving(call, "sum", Aggregate::Sum)
}

pub(super) fn window(call: &Call<'_>) -> Answer {
    let (name, aggregate) = aggregate(call, "func")?;
    moving(call, &name, aggregate)
}

/// The length of a window as written: a number of values, or a length of time.
struct Width {
    written: String,
    /// How much earlier series must begin.
    earlier_s: i64,
    /// Given as a number.
    points: Option<usize>,
}

impl Width {
    fn of(call: &Call<'_>, series: &[Series]) -> Result<Self, Problem> {
        let written = plain(call, "windowSize");
        if let Some(Literal::Text(text)) = call.literal("windowSize") {
            let earlier_s = length_of(call, "windowSize", &text)?.saturating_abs();
            return Ok(Self { written: format!("\"{text}\""), earlier_s, points: None });
        }
        let points = call.integer("windowSize").filter(|points| *points >= 0).ok_or_else(|| {
            call.problem(format!(
                "windowSize is a number of points or a length of time such as '1h', not {written}"
            ))
        })?;
        let step_s = series.iter().map(|series| series.step_s).max().unwrap_or(0);
        let earlier_s = points.saturating_mul(step_s);
        Ok(Self { written, earlier_s, points: Some(bounded(call, points)?) })
    }

    /// How many values of `series` a window holds.
    fn points(&self, series: &Series) -> usize {
        let in_time = || usize::try_from(self.earlier_s / series.step_s.max(1)).unwrap_or(0);
        self.points.unwrap_or_else(in_time)
    }

    /// `series`, which began earlier, under its name in `function` and with `values` of the range asked for.
    fn drawn(&self, series: Series, function: &str, values: Vec<f64>) -> Series {
        let name = format!("{function}({},{})", series.name, self.written);
        let mut drawn = series.called(name).with_values(values);
        drawn.start_s = drawn.start_s.saturating_add(self.earlier_s);
        drawn.set_tag(function, self.written.trim_matches('"'));
        drawn
    }
}

fn moving(call: &Call<'_>, name: &str, aggregate: Aggregate) -> Answer {
    let series = list(call)?;
    if series.is_empty() {
        return Ok(series);
    }
    let width = Width::of(call, &series)?;
    let function = format!("moving{}", capitalized(name));
    let x_files_factor = call.number("xFilesFactor");
    Ok(each(list_from_before(call, width.earlier_s)?, |series| {
        let share = x_files_factor.unwrap_or(series.x_files_factor);
        let values = window::sliding(&series.values, width.points(&series), aggregate, share);
        width.drawn(series, &function, values)
    }))
}

/// `rangeOf` as `Rangeof`.
fn capitalized(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters.flat_map(char::to_lowercase)).collect()
    })
}

pub(super) fn exponential_average(call: &Call<'_>) -> Answer {
    let series = list(call)?;
    if series.is_empty() {
        return Ok(series);
    }
    let width = Width::of(call, &series)?;
    #[expect(clippy::cast_precision_loss, reason = "windows are far shorter than 2^53")]
    let length = width.points.map_or(width.earlier_s as f64, |points| points as f64);
    let weight = 2.0 / (length + 1.0);
    Ok(each(list_from_before(call, width.earlier_s)?, |series| {
        let (before, values) = series.values.split_at(width.points(&series).min(series.values.len()));
        let averages = exponential_averages(before, values, weight);
        width.drawn(series, "exponentialMovingAverage", averages)
    }))
}

/// The mean of `before`, then one average for each of `values`; NaN where there is none.
fn exponential_averages(before: &[f64], values: &[f64], weight: f64) -> Vec<f64> {
    let seed = Aggregate::Average.of(before.iter().copied());
    let mut average = if seed.is_nan() { 0.0 } else { seed };
    let mut averages = Vec::with_capacity(values.len() + 1);
    averages.push(round_to(average, 6));
    averages.extend(values.iter().map(|value| {
        if value.is_nan() {
            return f64::NAN;
        }
        average = weight * value + (1.0 - weight) * average;
        round_to(average, 6)
    }));
    averages
}

pub(super) fn deviation(call: &Call<'_>) -> Answer {
    let points = call.integer("points").unwrap_or(-1);
    let n = usize::try_from(points)
        .map_err(|_| call.problem(format!("points must be a number of values such as 10, not {points}")))?;
    let tolerance = number(call, "windowTolerance")?;
    Ok(each(list(call)?, |series| {
        let values = window::deviations(&series.values, n, tolerance);
        let name = format!("stdev({},{points})", series.name);
        let mut series = series.called(name).with_values(values);
        series.set_tag("stdev", points.to_string());
        series
    }))
}
