//! The score of the Numenta Anomaly Benchmark: early alarms in streams, with one threshold over many files.

use std::ops::Range;

use super::MetricError;

/// Scores of one file, and the windows in which an alarm is right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NabFile<'a> {
    scores: &'a [f64],
    windows: &'a [Range<usize>],
}

/// What mistakes cost; a window found at its first point is worth 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NabProfile {
    /// The most that a false alarm costs.
    pub false_alarm: f64,
    /// What a missed window costs.
    pub missed: f64,
}

impl NabProfile {
    /// The profile whose score is usually meant.
    pub const STANDARD: Self = Self { false_alarm: 0.11, missed: 1.0 };
    /// The profile `reward_low_FP_rate`, in which false alarms cost double.
    pub const FEW_FALSE_ALARMS: Self = Self { false_alarm: 0.22, missed: 1.0 };
    /// The profile `reward_low_FN_rate`, in which missed windows cost double.
    pub const FEW_MISSED: Self = Self { false_alarm: 0.11, missed: 2.0 };
}

/// How a detector did over all files.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NabScore {
    /// 100 for a perfect detector, 0 for one that never speaks; below 0 for one that is worse than silence.
    pub score: f64,
    /// Scores strictly above it are alarms.
    pub threshold: f64,
    /// Windows with an alarm inside.
    pub n_found: usize,
    /// Windows.
    pub n_windows: usize,
    /// Points above the threshold outside of windows.
    pub n_false: usize,
}

impl<'a> NabFile<'a> {
    /// Checks one file.
    ///
    /// - `scores`: one a point, oldest first, of any unit; the same unit in all files.
    /// - `windows`: half-open ranges of points, in order and apart.
    ///
    /// # Errors
    /// [`MetricError::NotANumber`], and [`MetricError::Window`] for a window that is empty, out of order or out of the file.
    pub fn new(scores: &'a [f64], windows: &'a [Range<usize>]) -> Result<Self, MetricError> {
        if let Some(index) = scores.iter().position(|score| score.is_nan()) {
            return Err(MetricError::NotANumber { index });
        }
        let mut end = 0;
        for (index, window) in windows.iter().enumerate() {
            if window.start < end || window.is_empty() || window.end > scores.len() {
                return Err(MetricError::Window { index });
            }
            end = window.end;
        }
        Ok(Self { scores, windows })
    }

    /// What an alarm at `index` is worth.
    fn worth(&self, index: usize) -> Worth {
        let after = self.windows.partition_point(|window| window.start <= index);
        let Some(last) = after.checked_sub(1) else { return Worth::False(-1.0) };
        let window = &self.windows[last];
        if window.contains(&index) {
            let earliest = sigmoid(-1.0);
            let position = -((window.end - index) as f64) / window.len() as f64;
            return Worth::Right { window: last, worth: sigmoid(position) / earliest };
        }
        let past = (index - (window.end - 1)) as f64 / (window.len() - 1) as f64;
        Worth::False(sigmoid(past))
    }
}

/// What an alarm is worth.
enum Worth {
    /// In a window: from 1 at its start to almost 0 at its end.
    Right { window: usize, worth: f64 },
    /// Outside: from almost 0 just after a window to -1 far from any.
    False(f64),
}

/// From 1 long before 0, through 0, to -1 from 3 on.
fn sigmoid(x: f64) -> f64 {
    if x > 3.0 { -1.0 } else { 2.0 / (1.0 + (5.0 * x).exp()) - 1.0 }
}

/// Points at the start of a file of `n` that are not scored: 15 %, 750 at most.
///
/// ```
/// assert_eq!(lanner_quality::nab_probation(1_000), 150);
/// ```
#[must_use]
pub fn nab_probation(n: usize) -> usize {
    n.min(5_000) * 15 / 100
}

/// The NAB score with the one threshold, for all files, that makes it greatest.
///
/// A window counts once, by its earliest alarm. Cost: O(n log n) over all files.
///
/// # Errors
/// [`MetricError::NothingLabelled`] when no file has a window after its probation.
///
/// # Source
/// Lavin and Ahmad, "Evaluating real-time anomaly detection algorithms: the Numenta Anomaly Benchmark", ICMLA 2015.
///
/// # Examples
/// ```
/// use lanner_quality::{NabFile, NabProfile, nab};
///
/// let mut scores = [0.0; 100];
/// scores[50] = 1.0; // as early as can be
/// let files = [NabFile::new(&scores, &[50..60])?];
/// assert_eq!(nab(&files, NabProfile::STANDARD)?.score, 100.0);
/// # Ok::<(), lanner_quality::MetricError>(())
/// ```
pub fn nab(files: &[NabFile<'_>], profile: NabProfile) -> Result<NabScore, MetricError> {
    let mut points: Vec<(f64, usize, Worth)> = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let scored = nab_probation(file.scores.len())..file.scores.len();
        points.extend(scored.map(|point| (file.scores[point], index, file.worth(point))));
    }
    points.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut tally = Tally::new(files)?;
    let mut best = tally.score(profile, points.first().map_or(f64::INFINITY, |(score, ..)| *score));
    let mut taken = points.as_slice();
    while let Some(&(threshold, ..)) = taken.first() {
        let n_equal = taken.iter().take_while(|(score, ..)| *score == threshold).count();
        taken[..n_equal].iter().for_each(|(_, file, worth)| tally.take(*file, worth));
        taken = &taken[n_equal..];
        let now = tally.score(profile, taken.first().map_or(f64::NEG_INFINITY, |(score, ..)| *score));
        if now.score > best.score {
            best = now;
        }
    }
    Ok(best)
}

/// The NAB score with a given threshold: scores strictly above it are alarms.
///
/// Cost: O(n log windows) over all files.
///
/// # Errors
/// [`MetricError::NothingLabelled`] when no file has a window after its probation.
pub fn nab_above(
    files: &[NabFile<'_>],
    profile: NabProfile,
    threshold: f64,
) -> Result<NabScore, MetricError> {
    let mut tally = Tally::new(files)?;
    for (index, file) in files.iter().enumerate() {
        let scored = nab_probation(file.scores.len())..file.scores.len();
        for point in scored.filter(|&point| file.scores[point] > threshold) {
            tally.take(index, &file.worth(point));
        }
    }
    Ok(tally.score(profile, threshold))
}

/// What the alarms so far are worth.
struct Tally {
    /// For each file and window the most that an alarm was worth; `None` for windows inside the probation.
    windows: Vec<Vec<Option<f64>>>,
    n_windows: usize,
    n_found: usize,
    n_false: usize,
    right: f64,
    wrong: f64,
}

impl Tally {
    fn new(files: &[NabFile<'_>]) -> Result<Self, MetricError> {
        let counts = |file: &NabFile<'_>| {
            let from = nab_probation(file.scores.len());
            file.windows.iter().map(|window| (window.end > from).then_some(0.0)).collect()
        };
        let windows: Vec<Vec<Option<f64>>> = files.iter().map(counts).collect();
        let n_windows = windows.iter().flatten().flatten().count();
        if n_windows == 0 {
            return Err(MetricError::NothingLabelled);
        }
        Ok(Self { windows, n_windows, n_found: 0, n_false: 0, right: 0.0, wrong: 0.0 })
    }

    fn take(&mut self, file: usize, worth: &Worth) {
        match *worth {
            Worth::False(worth) => {
                self.n_false += 1;
                self.wrong += worth;
            }
            Worth::Right { window, worth } => {
                if let Some(most) = &mut self.windows[file][window] {
                    self.n_found += usize::from(*most == 0.0);
                    self.right += (worth - *most).max(0.0);
                    *most = most.max(worth);
                }
            }
        }
    }

    fn score(&self, profile: NabProfile, threshold: f64) -> NabScore {
        let n_missed = self.n_windows - self.n_found;
        let raw = self.right + profile.false_alarm * self.wrong - profile.missed * n_missed as f64;
        let (null, perfect) = (-profile.missed * self.n_windows as f64, self.n_windows as f64);
        NabScore {
            score: 100.0 * (raw - null) / (perfect - null),
            threshold,
            n_found: self.n_found,
            n_windows: self.n_windows,
            n_false: self.n_false,
        }
    }
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "one range is meant")]
mod tests {
    use super::*;

    const PROFILES: [NabProfile; 3] =
        [NabProfile::STANDARD, NabProfile::FEW_FALSE_ALARMS, NabProfile::FEW_MISSED];

    /// 200 points, of which 30 are on probation, with two windows of 10, and alarms at `alarms`.
    #[track_caller]
    fn check(alarms: &[usize], expected: [f64; 3]) {
        let windows = [60..70, 150..160];
        let mut scores = [0.0; 200];
        alarms.iter().for_each(|&index| scores[index] = 1.0);
        let files = [NabFile::new(&scores, &windows).unwrap()];
        for (profile, expected) in PROFILES.into_iter().zip(expected) {
            let found = nab_above(&files, profile, 0.5).unwrap().score;
            assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
            assert!(nab(&files, profile).unwrap().score >= found.max(0.0) - 1e-9);
        }
    }

    #[test]
    fn by_hand() {
        let s = |x: f64| 2.0 / (1.0 + (5.0 * x).exp()) - 1.0;
        check(&[], [0.0; 3]);
        check(&[60, 150], [100.0; 3]);
        check(&[60, 61, 69, 150, 159], [100.0; 3]); // only the earliest counts
        check(&[0, 29, 60, 150], [100.0; 3]); // on probation
        check(&[60], [50.0; 3]);
        // The last point of a window is at -1/10, and 1 missed window of 2.
        let last = s(-0.1) / s(-1.0);
        check(&[69], [25.0 * (last + 1.0), 25.0 * (last + 1.0), 100.0 * (last + 2.0) / 6.0]);
        // Before all windows a false alarm costs all; the point after a window is 1/9 of its width away.
        check(&[30, 60, 150], [100.0 - 25.0 * 0.11, 100.0 - 25.0 * 0.22, 100.0 - 100.0 * 0.11 / 6.0]);
        let near = s(1.0 / 9.0);
        check(
            &[60, 70, 150],
            [100.0 + 25.0 * 0.11 * near, 100.0 + 25.0 * 0.22 * near, 100.0 + 100.0 * 0.11 * near / 6.0],
        );
        check(&[60, 149, 150], [100.0 - 25.0 * 0.11, 100.0 - 25.0 * 0.22, 100.0 - 100.0 * 0.11 / 6.0]);
    }

    #[test]
    fn one_threshold_for_all_files() {
        let (mut low, mut high) = ([0.0; 100], [0.0; 100]);
        low[50] = 0.3;
        high[50] = 0.9;
        (20..40).for_each(|index| high[index] = 0.3);
        let windows = [50..60];
        let files = [NabFile::new(&low, &windows).unwrap(), NabFile::new(&high, &windows).unwrap()];
        let found = nab(&files, NabProfile::STANDARD).unwrap();
        // The lower threshold would find both, at the cost of 20 false alarms.
        assert_eq!((found.score, found.threshold, found.n_found, found.n_false), (50.0, 0.3, 1, 0));
        assert_eq!(nab_above(&files, NabProfile::STANDARD, found.threshold).unwrap(), found);
        let all = nab_above(&files, NabProfile::STANDARD, 0.0).unwrap();
        assert_eq!((all.n_found, all.n_false), (2, 20));
        assert!((all.score - (100.0 - 20.0 * 0.11 * 25.0)).abs() < 1e-9, "{all:?}");
    }

    #[test]
    fn constant_scores_are_silent() {
        let windows = [50..60];
        let files = [NabFile::new(&[7.0; 100], &windows).unwrap()];
        let found = nab(&files, NabProfile::STANDARD).unwrap();
        assert_eq!((found.score, found.threshold), (0.0, 7.0));
    }

    #[test]
    fn what_cannot_be_measured_is_refused() {
        #[track_caller]
        fn check(scores: &[f64], windows: &[Range<usize>], message: &str) {
            assert_eq!(NabFile::new(scores, windows).unwrap_err().to_string(), message);
        }
        check(&[0.0, f64::NAN], &[], "score 1 is not a number");
        check(&[0.0; 9], &[3..10], "window 0 is empty, out of order or out of the file");
        check(&[0.0; 9], &[3..5, 4..6], "window 1 is empty, out of order or out of the file");
        check(&[0.0; 9], &[3..3], "window 0 is empty, out of order or out of the file");
        let files = [NabFile::new(&[0.0; 9], &[]).unwrap()];
        assert_eq!(nab(&files, NabProfile::STANDARD), Err(MetricError::NothingLabelled));
    }
}
