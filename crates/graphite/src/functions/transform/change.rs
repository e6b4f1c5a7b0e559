//! Differences, rates and running sums.

use crate::evaluate::Answer;
use crate::evaluate::{Call, each};
use crate::functions::given::{interval, list};
use crate::rounding::round_to;

pub(super) fn derivative(call: &Call<'_>) -> Answer {
    Ok(each(list(call)?, |series| {
        let mut previous = f64::NAN;
        let name = format!("derivative({})", series.name);
        let difference = |value: f64| value - std::mem::replace(&mut previous, value);
        let differences = series.values.iter().copied().map(difference).collect();
        let mut series = series.called(name).with_values(differences);
        series.set_tag("derivative", "1");
        series
    }))
}

/// A counter that only grows, until it begins again.
struct Counter {
    previous: f64,
    max: Option<f64>,
    min: Option<f64>,
}

impl Counter {
    fn of(call: &Call<'_>) -> Self {
        Self { previous: f64::NAN, max: call.number("maxValue"), min: call.number("minValue") }
    }

    /// How much it grew to `value`; NaN if that is not known.
    fn growth(&mut self, value: f64) -> f64 {
        if self.max.is_some_and(|max| value > max) || self.min.is_some_and(|min| value < min) {
            self.previous = f64::NAN;
            return f64::NAN;
        }
        let previous = std::mem::replace(&mut self.previous, value);
        if value >= previous {
            return value - previous;
        }
        match (self.max, self.min) {
            // NaN if either is missing.
            (Some(max), min) => max + 1.0 + value - previous - min.unwrap_or(0.0),
            (None, Some(min)) if !previous.is_nan() => value - min,
            _ => f64::NAN,
        }
    }
}

pub(super) fn non_negative_derivative(call: &Call<'_>) -> Answer {
    Ok(each(list(call)?, |series| {
        let mut counter = Counter::of(call);
        let name = format!("nonNegativeDerivative({})", series.name);
        let growth = series.values.iter().map(|value| counter.growth(*value)).collect();
        let mut series = series.called(name).with_values(growth);
        series.set_tag("nonNegativeDerivative", "1");
        series
    }))
}

pub(super) fn per_second(call: &Call<'_>) -> Answer {
    Ok(each(list(call)?, |series| {
        let mut counter = Counter::of(call);
        let name = format!("perSecond({})", series.name);
        #[expect(clippy::cast_precision_loss, reason = "steps are far below 2^53")]
        let step = series.step_s as f64;
        let rates = series.values.iter().map(|value| round_to(counter.growth(*value) / step, 6)).collect();
        let mut series = series.called(name).with_values(rates);
        series.set_tag("perSecond", "1");
        series
    }))
}

pub(super) fn integral(call: &Call<'_>) -> Answer {
    Ok(each(list(call)?, |series| {
        let mut sum = 0.0;
        let name = format!("integral({})", series.name);
        let running = |value: &f64| {
            if value.is_nan() {
                return f64::NAN;
            }
            sum += value;
            sum
        };
        let sums = series.values.iter().map(running).collect();
        let mut series = series.called(name).with_values(sums);
        series.set_tag("integral", "1");
        series
    }))
}

pub(super) fn integral_by_interval(call: &Call<'_>) -> Answer {
    let (written, interval_s) = interval(call, "intervalUnit")?;
    let start_s = call.scope.start_s;
    Ok(each(list(call)?, |series| {
        let mut sum = 0.0;
        let mut time_s = series.start_s.saturating_sub(start_s);
        let running = |value: &f64| {
            let before_s = time_s.saturating_sub(series.step_s);
            if time_s.div_euclid(interval_s) != before_s.div_euclid(interval_s) {
                sum = 0.0;
            }
            if !value.is_nan() {
                sum += value;
            }
            time_s = time_s.saturating_add(series.step_s);
            sum
        };
        let sums = series.values.iter().map(running).collect();
        let name = format!("integralByInterval({},'{written}')", series.name);
        let mut series = series.called(name).with_values(sums);
        series.set_tag("integralByInterval", written.as_str());
        series
    }))
}
