//! Windows that lie side by side, read in one go.
//!
//! A rule may ask for thousands of windows that touch, or for three that lie weeks apart.

use std::collections::BTreeMap;

use lanner_core::TimeRange;

/// Windows without a gap between them.
#[derive(Debug, PartialEq)]
pub struct Run {
    /// From the first window's start to the last one's end.
    pub range: TimeRange,
    /// Each with its place in the list it came from, in order of time.
    pub windows: Vec<(usize, TimeRange)>,
}

/// Windows of one length, in any order, as runs in order of time. `None` is left out.
#[must_use]
pub fn runs(windows: &[Option<TimeRange>]) -> Vec<Run> {
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

/// Windows by their length, each at its place: days on which clocks change are longer or shorter than others.
pub(super) fn by_length(windows: &[Option<TimeRange>]) -> BTreeMap<i64, Vec<Option<TimeRange>>> {
    let mut same = BTreeMap::new();
    for (at, window) in windows.iter().enumerate() {
        let Some(window) = window else { continue };
        let row = same.entry(window.length_ms()).or_insert_with(|| vec![None; windows.len()]);
        row[at] = Some(*window);
    }
    same
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
}
