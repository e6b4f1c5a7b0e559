//! Many windows of stored series in few reads.
//!
//! A rule may ask for thousands of windows that lie side by side, or for three that lie weeks apart: windows that
//! touch are read in one go.

use lanner_core::{Aggregate, Sample, TimeRange};
use lanner_io::store::{SeriesId, Store, StoreError};

/// Windows without a gap between them.
#[derive(Debug, PartialEq)]
pub(crate) struct Run {
    /// From the first window's start to the last one's end.
    pub(crate) range: TimeRange,
    /// Each with its place in the list it came from, in order of time.
    pub(crate) windows: Vec<(usize, TimeRange)>,
}

/// Windows of one length, in any order, as runs in order of time. `None` is left out.
#[must_use]
pub(crate) fn runs(windows: &[Option<TimeRange>]) -> Vec<Run> {
    let mut sorted: Vec<(usize, TimeRange)> =
        windows.iter().enumerate().filter_map(|(at, window)| window.map(|window| (at, window))).collect();
    sorted.sort_by_key(|(_, window)| window.start_ms);
    let mut runs: Vec<Run> = Vec::new();
    for (at, window) in sorted {
        match runs.last_mut() {
            Some(run) if run.range.end_ms >= window.start_ms => {
                run.range.end_ms = window.end_ms;
                run.windows.push((at, window));
            }
            _ => runs.push(Run { range: window, windows: vec![(at, window)] }),
        }
    }
    runs
}

/// What a series comes to in each of `n_windows` windows, by their place; `None` without data.
///
/// Cost: one read a run, and a merge for each row and each window that holds it.
///
/// # Errors
/// Failures of the store.
pub(crate) fn aggregates(
    store: &Store,
    id: SeriesId,
    n_windows: usize,
    runs: &[Run],
) -> Result<Vec<Option<Aggregate>>, StoreError> {
    let mut totals: Vec<Option<Aggregate>> = vec![None; n_windows];
    for run in runs {
        let mut open = 0;
        store.points(id, run.range, |time_ms, row| {
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
pub(crate) fn counter(store: &Store, id: SeriesId, runs: &[Run]) -> Result<Vec<Sample>, StoreError> {
    let mut samples = Vec::new();
    for run in runs {
        store.points(id, run.range, |time_ms, row| samples.extend(counted(time_ms, row)))?;
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
    fn windows_that_touch_are_one_run() {
        #[track_caller]
        fn check(windows: &[Option<(i64, i64)>], expected: &[(i64, i64, &[usize])]) {
            let windows: Vec<Option<TimeRange>> =
                windows.iter().map(|window| window.map(|(start, end)| TimeRange::new(start, end))).collect();
            let found = runs(&windows);
            let found: Vec<(i64, i64, Vec<usize>)> = found
                .iter()
                .map(|run| {
                    let places = run.windows.iter().map(|(at, _)| *at).collect();
                    (run.range.start_ms, run.range.end_ms, places)
                })
                .collect();
            let expected: Vec<(i64, i64, Vec<usize>)> =
                expected.iter().map(|(start, end, places)| (*start, *end, places.to_vec())).collect();
            assert_eq!(found, expected);
        }
        check(&[], &[]);
        check(&[None, Some((5, 9))], &[(5, 9, &[1])]);
        check(&[Some((6, 9)), Some((3, 6)), Some((0, 3))], &[(0, 9, &[2, 1, 0])]); // side by side, nearest first
        check(&[Some((4, 9)), Some((2, 7)), Some((0, 5))], &[(0, 9, &[2, 1, 0])]); // over one another
        check(&[Some((70, 75)), Some((0, 5)), None], &[(0, 5, &[1]), (70, 75, &[0])]); // far apart
    }

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
