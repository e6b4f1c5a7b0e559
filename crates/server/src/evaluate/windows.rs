//! Many windows of stored series in few reads: one for windows that touch.

use lanner_core::{Aggregate, Sample};
use lanner_engine::source::Run;
use lanner_io::data::{DataStore, SeriesId, StoreError};

/// What a series comes to in each of `n_windows` windows, by their place; `None` without data.
///
/// Cost: one read a run, and a merge for each row and each window that holds it.
///
/// # Errors
/// Failures of the store.
pub(crate) fn aggregates(
    store: &dyn DataStore,
    id: SeriesId,
    n_windows: usize,
    runs: &[Run],
) -> Result<Vec<Option<Aggregate>>, StoreError> {
    let mut totals: Vec<Option<Aggregate>> = vec![None; n_windows];
    for run in runs {
        let mut open = 0;
        store.points(id, run.range, &mut |time_ms, row| {
            open += run.windows[open..].iter().take_while(|(_, window)| window.end_ms <= time_ms).count();
            for (at, _) in run.windows[open..].iter().take_while(|(_, window)| window.start_ms <= time_ms) {
                match &mut totals[*at] {
                    Some(total) => total.merge(row),
                    empty => *empty = Some(*row),
                }
            }
        })?;
    }
    Ok(totals)
}

/// The samples of a counter. Of a step of older data its last value, when it was written; and before it the largest,
/// where the counter began again within the step, so that the fall is seen.
///
/// # Errors
/// Failures of the store.
pub(crate) fn counter(store: &dyn DataStore, id: SeriesId, runs: &[Run]) -> Result<Vec<Sample>, StoreError> {
    let mut samples = Vec::new();
    for run in runs {
        store.points(id, run.range, &mut |time_ms, row| samples.extend(counted(time_ms, row)))?;
    }
    Ok(samples)
}

fn counted(time_ms: i64, row: &Aggregate) -> impl Iterator<Item = Sample> {
    let fell = row.max > row.last && time_ms < row.last_ms;
    let top = fell.then(|| Sample::new(time_ms, row.max));
    top.into_iter().chain([Sample::new(row.last_ms, row.last)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_a_counter_is_its_last_value_and_what_it_fell_from() {
        #[track_caller]
        fn check(values: &[f64], expected: &[(i64, f64)]) {
            let samples = values.iter().enumerate().map(|(at, value)| Sample::new(at as i64 + 1, *value));
            let row = samples.map(Aggregate::of).reduce(|mut all, more| {
                all.merge(&more);
                all
            });
            let found: Vec<_> = row
                .iter()
                .flat_map(|row| counted(0, row))
                .map(|sample| (sample.time_ms, sample.value))
                .collect();
            assert_eq!(found, expected);
        }
        check(&[7.0], &[(1, 7.0)]);
        check(&[7.0, 8.0, 8.0], &[(3, 8.0)]);
        check(&[7.0, 9.0, 2.0, 3.0], &[(0, 9.0), (4, 3.0)]); // began again
    }
}
