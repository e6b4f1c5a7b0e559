//! Rows scored as they come.

use lanner_core::Score;

use crate::detector::Detector;
use crate::limit::Limit;

/// Rows scored as they come. Memory: two windows of rows, and the scores that the threshold follows.
#[derive(Debug)]
pub struct Stream<'a> {
    detector: &'a Detector,
    /// The last rows, scaled.
    scaled: Vec<f32>,
    /// What the method keeps from one row to the next.
    kept: Vec<f32>,
    limit: Limit,
    /// By which the last row was judged.
    threshold: f64,
}

impl Detector {
    /// Scores rows as they come.
    #[must_use]
    pub fn stream(&self) -> Stream<'_> {
        let (limit, threshold) = (self.limit(), self.threshold());
        Stream { detector: self, scaled: Vec::new(), kept: Vec::new(), limit, threshold }
    }
}

impl Stream<'_> {
    /// The score of the next row, a value for each column; 1 is the threshold.
    ///
    /// `None` until there is a whole window, and for a row of nothing but gaps. Values that are missing at the end are gaps.
    pub fn push(&mut self, row: &[f32]) -> Option<Score> {
        let fitted = &self.detector.fitted;
        let n_columns = fitted.scale.centres.len();
        let mut whole = vec![f32::NAN; n_columns];
        whole.iter_mut().zip(row).for_each(|(value, given)| *value = *given);
        self.scaled.extend(fitted.scale.apply(&whole));
        let length = fitted.method.window() * n_columns;
        if self.scaled.len() > 2 * length {
            self.scaled.drain(..self.scaled.len() - length);
        }
        if whole.iter().all(|value| !value.is_finite()) {
            self.kept.clear();
            return None;
        }
        let window = self.scaled.get(self.scaled.len().checked_sub(length)?..)?;
        let score = fitted.method.next(window, &mut self.kept);
        self.threshold = self.limit.value();
        self.limit.push(score);
        Some(Score::new(f64::from(score) / self.threshold))
    }

    /// What each column contributes to the score of the last row; empty until there is one.
    #[must_use]
    pub fn explain(&self) -> Vec<f64> {
        self.window().map(|window| self.detector.contributions(window, self.threshold)).unwrap_or_default()
    }

    fn window(&self) -> Option<&[f32]> {
        let length = self.detector.window() * self.detector.columns().len();
        self.scaled.get(self.scaled.len().checked_sub(length)?..)
    }
}
