//! Graphite's answer to `/render?format=json`: `[{"target":"a.b","datapoints":[[1.5,1767225600],[null,1767225660]]}]`.

use lanner_core::{Labels, SeriesKey};
use serde::Deserialize;

use crate::instant::within_bounds;
use crate::prometheus::json::Series;

#[derive(Deserialize)]
struct Target {
    target: String,
    datapoints: Vec<(Option<f64>, f64)>,
}

/// Reads the answer. A target is the name of its series, whatever it looks like.
pub(super) fn answer(body: &[u8]) -> Result<Vec<Series>, String> {
    let targets: Vec<Target> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    targets.into_iter().map(read).collect()
}

fn read(Target { target, datapoints }: Target) -> Result<Series, String> {
    if target.is_empty() {
        return Err("a target has no name".to_owned());
    }
    let samples =
        datapoints.into_iter().map(|(value, seconds)| match within_bounds((seconds * 1e3).round() as i64) {
            Some(time_ms) => Ok((time_ms, value.unwrap_or(f64::NAN))),
            None => Err(format!("{target}: the time {seconds} is outside 1900 to 2200")),
        });
    let samples = samples.collect::<Result<_, _>>()?;
    Ok((SeriesKey::new(target, Labels::default()), samples))
}
