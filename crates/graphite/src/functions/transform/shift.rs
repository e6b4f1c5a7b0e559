//! Series shifted in time.

use jiff::Timestamp;

use crate::evaluate::Answer;
use crate::evaluate::{Call, each};
use crate::functions::given::{length_of, list, moment};
use crate::problem::Problem;
use crate::series::Series;

/// More copies of an argument than this are not made at once.
const MAX_COPIES: i64 = 1000;

/// The shift given for `name`: as it stands in names, and in seconds. Without a sign it goes back.
fn shift(call: &Call<'_>, name: &str) -> Result<(String, i64), Problem> {
    let text = call.text(name).unwrap_or_default();
    let written = if text.starts_with(|c: char| c.is_ascii_digit()) { format!("-{text}") } else { text };
    let shift_s = length_of(call, name, &written)?;
    Ok((written, shift_s))
}

/// The argument, as it is in the time range moved by `shift_s`.
fn shifted(call: &Call<'_>, shift_s: i64) -> Answer {
    let moved = |time_s: i64| time_s.saturating_add(shift_s);
    call.series_within("seriesList", moved(call.scope.start_s), moved(call.scope.end_s))
}

pub(super) fn time_shift(call: &Call<'_>) -> Answer {
    let (written, mut shift_s) = shift(call, "timeShift")?;
    if call.is_set("alignDst") {
        shift_s = shift_s.saturating_add(summer_time(call, shift_s));
    }
    let reset_end = call.is_set("resetEnd");
    let plain = list(call)?;
    let Some(&Series { start_s, end_s, .. }) = plain.first() else { return Ok(Vec::new()) };
    Ok(each(shifted(call, shift_s)?, |mut series| {
        let length_s = series.end_s.saturating_sub(series.start_s);
        series.end_s = if reset_end { end_s } else { start_s.saturating_add(length_s) };
        series.start_s = start_s;
        series.set_tag("timeShift", written.as_str());
        let name = format!("timeShift({}, \"{written}\")", series.name);
        series.renamed(name)
    }))
}

/// An hour there or back, if all of the time range is in summer time and none of the shifted one is, or the reverse.
fn summer_time(call: &Call<'_>, shift_s: i64) -> i64 {
    let in_summer = |time_s: i64| {
        Timestamp::from_second(time_s)
            .is_ok_and(|time| call.scope.request.zone.to_offset_info(time).dst().is_dst())
    };
    let range = [call.scope.start_s, call.scope.end_s];
    let now = range.map(in_summer);
    let then = range.map(|time_s| in_summer(time_s.saturating_add(shift_s)));
    match (now, then) {
        ([true, true], [false, false]) => 3600,
        ([false, false], [true, true]) => -3600,
        _ => 0,
    }
}

pub(super) fn time_stack(call: &Call<'_>) -> Answer {
    let (written, unit_s) = shift(call, "timeShiftUnit")?;
    let (first, end) =
        (call.integer("timeShiftStart").unwrap_or(0), call.integer("timeShiftEnd").unwrap_or(7));
    if end.saturating_sub(first) > MAX_COPIES {
        return Err(call.problem(format!(
            "timeShiftEnd may be up to {MAX_COPIES} above timeShiftStart, not {first} to {end}"
        )));
    }
    let plain = list(call)?;
    let Some(&Series { start_s, end_s, .. }) = plain.first() else { return Ok(Vec::new()) };
    let mut stack = Vec::new();
    for times in first..end {
        let shift_s = length_of(call, "timeShiftEnd", &format!("{}s", unit_s.saturating_mul(times)))?;
        stack.extend(shifted(call, shift_s)?.into_iter().map(|series| {
            let name = format!("timeShift({}, {written}, {times})", series.name);
            let mut series = series.called(name);
            (series.start_s, series.end_s) = (start_s, end_s);
            series.set_tag("timeShiftUnit", written.as_str());
            series.set_tag("timeShift", times.to_string());
            series
        }));
    }
    Ok(stack)
}

pub(super) fn delay(call: &Call<'_>) -> Answer {
    let steps = call.integer("steps").unwrap_or(0);
    Ok(each(list(call)?, |series| {
        let n = usize::try_from(steps.unsigned_abs()).unwrap_or(usize::MAX).min(series.values.len());
        let name = format!("delay({},{steps})", series.name);
        let mut series = series.called(name);
        let values = series.values_mut();
        if steps < 0 {
            values.rotate_left(n);
            values.iter_mut().rev().take(n).for_each(|value| *value = f64::NAN);
        } else {
            values.rotate_right(n);
            values.iter_mut().take(n).for_each(|value| *value = f64::NAN);
        }
        series.set_tag("delay", steps.to_string());
        series
    }))
}

pub(super) fn time_slice(call: &Call<'_>) -> Answer {
    let [Some(first_s), Some(last_s)] = [moment(call, "startSliceAt")?, moment(call, "endSliceAt")?] else {
        return Err(call.problem("startSliceAt and endSliceAt must be times such as '-1h'"));
    };
    Ok(each(list(call)?, |series| {
        // As Graphite has it: times are counted from the beginning of the range, not from the first value.
        let (mut time_s, step_s) = (call.scope.start_s, series.step_s);
        let inside = |value: &f64| {
            let now_s = time_s;
            time_s = time_s.saturating_add(step_s);
            if (first_s..=last_s).contains(&now_s) { *value } else { f64::NAN }
        };
        let values = series.values.iter().map(inside).collect();
        let name = format!("timeSlice({}, {first_s}, {last_s})", series.name);
        let mut series = series.renamed(name).with_values(values);
        series.set_tag("timeSliceStart", first_s.to_string());
        series.set_tag("timeSliceEnd", last_s.to_string());
        series
    }))
}
