//! Trainings of detectors, from the series that `lanner detector train --tell` writes: `detector.training.NAME`, with the detector as a
//! label.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lanner_core::TimeRange;
use lanner_core::time::DAY_MS;
use lanner_page::chart::{Chart, Line};
use lanner_page::training::{LATER_FORECAST, Training};
use lanner_wire::api::Time;

use crate::api::data::select;
use crate::http::{ApiError, blocking};
use crate::services::Services;

/// How far back trainings are shown.
const SPAN_MS: i64 = DAY_MS;
/// Passes of a training that are shown.
const MAX_PASSES: usize = 2_000;
/// Trainings that are shown.
const MAX_TRAININGS: usize = 50;

/// How the series begin.
const SERIES: &str = "detector.training.";
/// The errors that are drawn: the end of the series' name, and what it is.
const ERRORS: [(&str, &str); 4] = [
    ("forecast", "forecast"),
    ("reconstruction", "reconstruction"),
    ("later_forecast", LATER_FORECAST),
    ("later_reconstruction", "reconstruction, later rows"),
];

/// What was told of one detector: by name of series, the values by their times.
type Told = BTreeMap<String, BTreeMap<i64, f64>>;

/// The last training of each detector that told of one within a day, the latest first; of `name` alone if one is given.
pub(super) async fn trainings(services: &Services, name: Option<&str>) -> Result<Vec<Training>, ApiError> {
    let expressions = Arc::clone(&services.expressions);
    let now_ms = services.evaluation.now_ms();
    let name = name.map(str::to_owned);
    let told = blocking(move || -> Result<BTreeMap<String, Told>, ApiError> {
        let mut told = BTreeMap::<String, Told>::new();
        let range = TimeRange::new(now_ms - SPAN_MS, now_ms + 1);
        for (id, key) in select(&expressions, Some(&format!("{SERIES}*")), None)? {
            let Some(detector) = key.labels.get("detector") else { continue };
            if name.as_deref().is_some_and(|name| name != detector) {
                continue;
            }
            let samples = expressions.data.samples(id, range)?;
            let values = samples.iter().map(|sample| (sample.time_ms, sample.value));
            let of = key.name.strip_prefix(SERIES).unwrap_or_default().to_owned();
            told.entry(detector.to_owned()).or_default().entry(of).or_default().extend(values);
        }
        Ok(told)
    });
    let told = told.await??;
    let mut trainings: Vec<Training> =
        told.into_iter().filter_map(|(name, told)| training(name, &told)).collect();
    trainings.sort_by_key(|training| std::cmp::Reverse(training.last.0));
    trainings.truncate(MAX_TRAININGS);
    Ok(trainings)
}

/// The last training: from where passes were counted anew.
fn training(name: String, told: &Told) -> Option<Training> {
    let passes = told.get("pass")?;
    let mut began_ms = *passes.first_key_value()?.0;
    for ((_, before), (time_ms, pass)) in passes.iter().zip(passes.iter().skip(1)) {
        if pass <= before {
            began_ms = *time_ms;
        }
    }
    let times: BTreeSet<i64> = passes.range(began_ms..).map(|(time_ms, _)| *time_ms).collect();
    let times: Vec<i64> = times.into_iter().rev().take(MAX_PASSES).collect();
    let times: Vec<i64> = times.into_iter().rev().collect();
    let last_ms = *times.last()?;
    let line = |(of, name): (&str, &str)| {
        let told = told.get(of)?;
        let values: Vec<Option<f64>> = times.iter().map(|time_ms| told.get(time_ms).copied()).collect();
        values.iter().any(Option::is_some).then(|| Line { name: name.to_owned(), values })
    };
    let count = |of: &str| told.get(of).and_then(|values| values.get(&last_ms)).map_or(0, |n| *n as usize);
    let chart = Chart {
        title: format!("Errors of {name} after each pass over the rows"),
        lines: ERRORS.into_iter().filter_map(line).collect(),
        times,
        ..Chart::default()
    };
    Some(Training { name, n_done: count("pass"), n: count("passes"), last: Time(last_ms), chart })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_training_begins_where_passes_are_counted_anew() {
        let series = |values: &[(i64, f64)]| values.iter().copied().collect::<BTreeMap<i64, f64>>();
        let told = Told::from([
            ("pass".to_owned(), series(&[(1, 1.0), (2, 2.0), (5, 1.0), (6, 2.0), (9, 3.0)])),
            ("passes".to_owned(), series(&[(1, 2.0), (2, 2.0), (5, 10.0), (6, 10.0), (9, 10.0)])),
            ("forecast".to_owned(), series(&[(1, 9.0), (2, 8.0), (5, 0.5), (9, 0.25)])),
        ]);
        let training = training("web".to_owned(), &told).unwrap();
        assert_eq!((training.n_done, training.n, training.last), (3, 10, Time(9)));
        assert_eq!(training.chart.times, [5, 6, 9]);
        let [line] = &training.chart.lines[..] else { panic!("{:?}", training.chart.lines) };
        assert_eq!((&*line.name, &line.values[..]), ("forecast", &[Some(0.5), None, Some(0.25)][..]));
        assert!(training.is_running(60_000) && !training.is_running(3_600_000));
        assert_eq!(super::training("web".to_owned(), &Told::new()), None);
    }
}
