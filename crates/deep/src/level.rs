//! How far scores of the last days are above those of training.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Scores of the last days that are kept; of more, every so manieth.
const MAX_RECENT: usize = 10_000;

/// The level of scores. Two measures of it: the mean of the scores that were no alarms moves with the first of them, but never to what is an
/// alarm; the median of all moves to what lasts for more than half of the days, alarm or not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Level {
    /// Median and mean of training.
    median: f64,
    mean: f64,
    all: Recent,
    ordinary: Ordinary,
}

impl Level {
    /// From the scores of training, for so many rows as the last days have.
    pub(crate) fn new(scores: &[f32], rows: f64) -> Self {
        let finite = scores.iter().copied().filter(|score| score.is_finite()).map(f64::from);
        let n = finite.clone().count().max(1);
        let all = Recent::new(rows);
        let ordinary = Ordinary { n: all.n, step: all.step, n_skipped: 0, values: VecDeque::new(), sum: 0.0 };
        Self { median: median(scores), mean: finite.sum::<f64>() / n as f64, all, ordinary }
    }

    /// Rows of the last days.
    pub(crate) const fn n_rows(&self) -> usize {
        self.all.n * self.all.step
    }

    /// How much higher the threshold is: nothing while half of the days are missing, and never below 0.
    pub(crate) fn rise(&self) -> f64 {
        let median = self.all.median().map_or(0.0, |median| median - self.median);
        let mean = self.ordinary.mean().map_or(0.0, |mean| mean - self.mean);
        median.max(mean).max(0.0)
    }

    /// Learns from a finite score.
    pub(crate) fn push(&mut self, score: f32, is_alarm: bool) {
        self.all.push(score);
        if !is_alarm {
            self.ordinary.push(score);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.all.clear();
        (self.ordinary.n_skipped, self.ordinary.sum) = (0, 0.0);
        self.ordinary.values.clear();
    }

    /// The scores, less what their level rose before each of them, as if none were an alarm.
    #[expect(clippy::cast_possible_truncation, reason = "scores are kept in single precision")]
    pub(crate) fn over(&self, scores: &[f32]) -> Vec<f32> {
        let mut level = self.clone();
        let over = scores.iter().map(|score| {
            let over = score - level.rise() as f32;
            if score.is_finite() {
                level.push(*score, false);
            }
            over
        });
        over.collect()
    }
}

/// The last scores that were no alarms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Ordinary {
    n: usize,
    step: usize,
    n_skipped: usize,
    values: VecDeque<f32>,
    /// Kept as well, so that what is read again goes on to the last bit.
    sum: f64,
}

impl Ordinary {
    fn push(&mut self, score: f32) {
        self.n_skipped += 1;
        if self.n_skipped < self.step {
            return;
        }
        self.n_skipped = 0;
        if self.values.len() >= self.n
            && let Some(oldest) = self.values.pop_front()
        {
            self.sum -= f64::from(oldest);
        }
        self.values.push_back(score);
        self.sum += f64::from(score);
    }

    /// The mean, once more than half of the days are known.
    fn mean(&self) -> Option<f64> {
        (2 * self.values.len() > self.n).then(|| self.sum / self.values.len() as f64)
    }
}

fn median(scores: &[f32]) -> f64 {
    let mut finite: Vec<f32> = scores.iter().copied().filter(|score| score.is_finite()).collect();
    let middle = finite.len() / 2;
    if finite.is_empty() { 0.0 } else { f64::from(*finite.select_nth_unstable_by(middle, f32::total_cmp).1) }
}

/// The scores of the last days, in their order and sorted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "KeptRecent", into = "KeptRecent")]
struct Recent {
    /// Scores that are kept, and which of the scores that come: every one, every second, …
    n: usize,
    step: usize,
    /// Scores since the last one that was kept.
    n_skipped: usize,
    values: VecDeque<f32>,
    sorted: Vec<f32>,
}

/// As it is kept: what is sorted follows from the rest.
#[derive(Serialize, Deserialize)]
struct KeptRecent {
    n: usize,
    step: usize,
    n_skipped: usize,
    values: VecDeque<f32>,
}

impl From<KeptRecent> for Recent {
    fn from(KeptRecent { n, step, n_skipped, values }: KeptRecent) -> Self {
        let mut sorted: Vec<f32> = values.iter().copied().collect();
        sorted.sort_unstable_by(f32::total_cmp);
        Self { n, step, n_skipped, values, sorted }
    }
}

impl From<Recent> for KeptRecent {
    fn from(Recent { n, step, n_skipped, values, .. }: Recent) -> Self {
        Self { n, step, n_skipped, values }
    }
}

impl Recent {
    fn new(rows: f64) -> Self {
        let rows = (rows as usize).max(20);
        let step = rows.div_ceil(MAX_RECENT);
        Self { n: rows / step, step, n_skipped: 0, values: VecDeque::new(), sorted: Vec::new() }
    }

    fn clear(&mut self) {
        self.values.clear();
        self.sorted.clear();
        self.n_skipped = 0;
    }

    fn push(&mut self, score: f32) {
        self.n_skipped += 1;
        if self.n_skipped < self.step {
            return;
        }
        self.n_skipped = 0;
        if self.values.len() >= self.n
            && let Some(oldest) = self.values.pop_front()
        {
            let at = self.sorted.partition_point(|other| other.total_cmp(&oldest).is_lt());
            self.sorted.remove(at);
        }
        self.values.push_back(score);
        self.sorted.insert(self.sorted.partition_point(|other| other.total_cmp(&score).is_lt()), score);
    }

    /// The median, once more than half of the days are known.
    fn median(&self) -> Option<f64> {
        let median = self.sorted.get(self.sorted.len() / 2).copied().map(f64::from);
        median.filter(|_| 2 * self.sorted.len() > self.n)
    }
}
