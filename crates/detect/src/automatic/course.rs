//! When a finding is over: with the last value that was off, however long a mean still shows it.

use super::view::View;
use crate::Scored;

/// Values nearer to what is expected than this part of how far the finding's are off are as usual again.
const BACK: f64 = 0.5;

/// What a finding was like so far.
#[derive(Debug, Clone, Copy)]
pub struct Course {
    /// What was expected when it began.
    expected: f64,
    /// How far its values were from what was expected, on average, with its sign.
    off: f64,
    n: f64,
    /// Whether it began with values that scatter.
    is_scatter: bool,
}

impl Course {
    /// Of a finding that begins with `y`.
    #[must_use]
    pub fn begin(y: f64, judged: &Scored, view: View) -> Self {
        Self { expected: judged.expected, off: y - judged.expected, n: 1.0, is_scatter: view == View::Spread }
    }

    /// Whether a strange sample still belongs to the finding. Forecasts follow a series, so that the return to what is usual may
    /// be as strange as what it ends.
    pub fn goes_on(&mut self, y: f64, judged: &Scored, view: View) -> bool {
        let off = y - judged.expected;
        let is_outside = y < judged.lower || y > judged.upper;
        let is_off_as_before = off * self.off > 0.0 && off.abs() >= BACK * self.off.abs();
        let is_back = (y - self.expected).abs() < BACK * self.off.abs();
        let lasts = view == View::Stuck || (view == View::Spread && self.is_scatter);
        let goes_on = lasts || is_off_as_before || (is_outside && !is_back);
        if is_off_as_before {
            self.n += 1.0;
            self.off += (off - self.off) / self.n;
        }
        goes_on
    }
}

#[cfg(test)]
mod tests {
    use lanner_core::Score;

    use super::*;

    /// Which of the values after the first, each with what is expected there, belong to a finding; bands are 10 wide to both sides.
    #[track_caller]
    fn check(values: &[(f64, f64)], expected: &[bool]) {
        let judged = |expected: f64| Scored {
            score: Score::new(2.0),
            expected,
            lower: expected - 10.0,
            upper: expected + 10.0,
        };
        let [(y, first), rest @ ..] = values else { panic!("no values") };
        let mut course = Course::begin(*y, &judged(*first), View::Value);
        let found = rest.iter().map(|(y, expected)| course.goes_on(*y, &judged(*expected), View::Shift));
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn it_is_over_when_values_are_as_usual_again() {
        check(&[(150.0, 100.0), (148.0, 100.0), (101.0, 100.0), (99.0, 100.0)], &[true, false, false]);
        // The forecast followed, and the way back is outside its band.
        check(&[(150.0, 100.0), (150.0, 140.0), (101.0, 145.0)], &[false, false]);
        // Within the noise: each value alone is usual.
        check(&[(106.0, 100.0), (107.0, 100.0), (100.5, 100.0), (108.0, 100.0)], &[true, false, true]);
        // To both sides.
        check(&[(150.0, 100.0), (50.0, 100.0), (160.0, 100.0)], &[true, true]);
    }

    #[test]
    fn some_last_for_as_long_as_they_are_strange() {
        let judged = Scored { score: Score::new(2.0), expected: 5.0, lower: 4.0, upper: 6.0 };
        assert!(Course::begin(5.0, &judged, View::Value).goes_on(5.0, &judged, View::Stuck));
        assert!(Course::begin(5.0, &judged, View::Spread).goes_on(5.0, &judged, View::Spread));
        assert!(!Course::begin(9.0, &judged, View::Value).goes_on(5.0, &judged, View::Spread));
    }
}
