//! Score and decision together, for values at a fixed step: what a rule uses.

use lanner_core::{Score, Scorer};

use super::counter::{Counter, Growth, Nature};
use super::when::{WallClock, When};
use super::{Alarms, Automatic, Course, Decision, Judged};
use crate::{NotScored, Scored, SeriesDetector, score_of};

/// Larger scores are cut to this, as no document can hold an infinite number.
const MAX_SCORE: f64 = 1e9;

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Anything unusual.
    #[default]
    Both,
    /// Values above what was expected.
    Up,
    /// Values below.
    Down,
}

/// An [`Automatic`] detector whose score is in units of what its budget of alarms allows at the moment: above 1, an alarm.
///
/// - **Gaps** are skipped, and scored by nobody: a rule says itself what missing data means.
/// - **A total**, which in its first 51 values never fell and rose nearly always, is judged by what it grows by in a step. Falling
///   below half is a new start. Where it falls otherwise that is scored once more as a growth, and from then on its
///   values are, after a warm-up.
/// - **The end**: once values are as usual again after what raised an alarm, the score is at most 1, however long a mean still
///   shows it ([`Course`]).
/// - **The range** `lower..=upper` is that of [`Automatic`], for what the budget allows at the moment: wider for some days after
///   an alarm. Its end in a direction that is not looked for is NaN.
/// - **Days and weeks** are those of [`WallClock`]. Without one they are those of UTC, and move when clocks are changed if the
///   values do.
///
/// ```
/// use lanner_detect::SeriesDetector;
/// use lanner_detect::automatic::{Budgeted, Direction};
///
/// let mut detector = Budgeted::new(60_000, 0, 1.0, Direction::Up);
/// for minute in 0..200 {
///     let _ = detector.step(Some((minute % 10) as f64));
/// }
/// assert_eq!(detector.step(Some(-50.0))?.score.value(), 0.0); // the other direction
/// assert!(detector.step(Some(50.0))?.score.value() > 1.0);
/// # Ok::<(), lanner_detect::NotScored>(())
/// ```
#[derive(Debug, Clone)]
pub struct Budgeted {
    detector: Automatic,
    /// One that has seen growth only, while it is not known whether the values are a total's.
    of_growth: Option<Box<Automatic>>,
    counter: Counter,
    alarms: Alarms,
    /// Of what raised the last alarm.
    course: Option<Course>,
    direction: Direction,
    alarms_per_week: f64,
    /// The score above which somebody is told; where the range ends.
    found_above: f64,
    clock: WallClock,
    step_ms: i64,
    next_ms: i64,
}

impl Budgeted {
    /// Of values `step_ms` apart, the first at `start_ms` (milliseconds since the Unix epoch, UTC).
    #[must_use]
    pub fn new(step_ms: i64, start_ms: i64, alarms_per_week: f64, direction: Direction) -> Self {
        let detector = Automatic::every(step_ms).per_week(alarms_per_week);
        Self {
            of_growth: Some(Box::new(detector.clone())),
            detector,
            counter: Counter::default(),
            alarms: Alarms::per_week(alarms_per_week),
            course: None,
            direction,
            alarms_per_week,
            found_above: 1.0,
            clock: WallClock::new(None, []),
            step_ms,
            next_ms: start_ms,
        }
    }

    /// The same, for people who live by other clocks than UTC.
    #[must_use]
    pub fn by(self, clock: WallClock) -> Self {
        Self { clock, ..self }
    }

    /// The same, with a range that ends where the score is `found_above`, for those who tell only then.
    #[must_use]
    pub fn found_above(self, found_above: f64) -> Self {
        Self { found_above, ..self }
    }

    /// Whether a strange value only comes of what is over.
    fn is_over(&mut self, decision: Decision, y: f64, judged: &Scored) -> bool {
        match (decision, &mut self.course) {
            (Decision::Begins, course) => {
                *course = Some(Course::begin(y, judged, self.detector.view()));
                false
            }
            (Decision::Lasts, Some(course)) => !course.goes_on(y, judged, self.detector.view()),
            _ => false,
        }
    }

    /// What is expected, and the range around it, are values of the series, also where growth was judged.
    /// - `found`: the score that the reach is asked for
    fn judge(&mut self, when: When, y: f64, found: f64) -> Result<Judged, NotScored> {
        let was_total = self.counter.nature() == Nature::Total;
        let growth = self.counter.see(y);
        if was_total {
            let Some(growth) = growth else { return Err(NotScored::WarmingUp) };
            let judged = self.detector.judge_reaching(when, growth.per_step, found);
            if self.counter.nature() == Nature::Gauge {
                self.detector = Automatic::every(self.step_ms).per_week(self.alarms_per_week);
            }
            return judged.map(|judged| of_values(judged, growth));
        }
        match self.counter.nature() {
            Nature::Gauge => self.of_growth = None,
            Nature::Unknown => {
                if let (Some(detector), Some(growth)) = (&mut self.of_growth, growth) {
                    let _ = detector.judge_at(when, growth.per_step);
                }
            }
            Nature::Total => {
                if let (Some(detector), Some(growth)) = (self.of_growth.take(), growth) {
                    self.detector = *detector;
                    let judged = self.detector.judge_reaching(when, growth.per_step, found);
                    return judged.map(|judged| of_values(judged, growth));
                }
            }
        }
        self.detector.judge_reaching(when, y, found)
    }
}

/// What was said of the growth of a total, said of the total.
fn of_values(Judged { scored, reach }: Judged, growth: Growth) -> Judged {
    let scored = Scored {
        score: scored.score,
        expected: growth.value(scored.expected),
        lower: growth.value(scored.lower),
        upper: growth.value(scored.upper),
    };
    Judged { scored, reach: growth.n_steps * reach }
}

impl SeriesDetector for Budgeted {
    fn step(&mut self, y: Option<f64>) -> Result<Scored, NotScored> {
        let time_ms = self.next_ms;
        self.next_ms = time_ms.saturating_add(self.step_ms);
        let Some(y) = y.filter(|y| y.is_finite()) else {
            self.counter.miss();
            return Err(NotScored::Gap);
        };
        let limit = self.alarms.limit(time_ms);
        let Judged { scored: judged, reach } =
            self.judge(self.clock.at(time_ms), y, limit * self.found_above)?;
        let is_meant = match self.direction {
            Direction::Both => true,
            Direction::Up => y > judged.expected,
            Direction::Down => y < judged.expected,
        };
        let score = if is_meant { judged.score.value().min(MAX_SCORE) } else { 0.0 };
        let decision = self.alarms.decide(time_ms, Score::new(score), self.detector.view());
        let score = if self.is_over(decision, y, &judged) { score.min(1.0) } else { score };
        let (lower, upper) = (judged.expected - reach, judged.expected + reach);
        Ok(Scored {
            score: Score::new(score / limit),
            expected: judged.expected,
            lower: if self.direction == Direction::Up { f64::NAN } else { lower },
            upper: if self.direction == Direction::Down { f64::NAN } else { upper },
        })
    }
}

impl Scorer for Budgeted {
    fn warm_up(&self) -> usize {
        self.detector.warm_up()
    }

    fn push(&mut self, y: f64) -> Option<Score> {
        score_of(self.step(Some(y)))
    }
}

#[cfg(test)]
mod tests {
    use lanner_testkit::check_scorer;

    use super::*;
    use crate::testing::mirrored_scores_agree;

    #[test]
    fn it_is_over_when_values_are_as_usual_again() {
        let mut detector = Budgeted::new(60_000, 0, 1.0, Direction::Both);
        let mut is_alarm = |minute: i64, y: f64| {
            let y = y + crate::testing::noise(minute.unsigned_abs());
            detector.step(Some(y)).is_ok_and(|judged| judged.score.value() > 1.0)
        };
        assert_eq!((0..3_000).filter(|minute| is_alarm(*minute, 100.0)).count(), 0);
        let n_during = (3_000..3_020).filter(|minute| is_alarm(*minute, 110.0)).count();
        assert!(n_during >= 19, "{n_during}");
        let n_after = (3_020..3_300).filter(|minute| is_alarm(*minute, 100.0)).count();
        assert_eq!(n_after, 0);
        assert!(is_alarm(3_300, 130.0));
    }

    #[test]
    fn what_is_not_told_lies_in_the_range() {
        let of = |direction| Budgeted::new(300_000, 0, 1.0, direction);
        let (mut both, mut up) = (of(Direction::Both), of(Direction::Up));
        let mut lax = of(Direction::Both).found_above(3.0);
        let (mut n_told, mut n_outside) = (0, 0);
        for t in 0..12_000_u64 {
            let day = 10.0 * (t as f64 * std::f64::consts::TAU / 288.0).sin();
            // One in five days: not so often that the budget holds it back.
            let is_spike = t % 1_500 == 1_499;
            let y = day + crate::testing::noise(t) + if is_spike { 15.0 } else { 0.0 };
            let [judged, rises, laxer] = [&mut both, &mut up, &mut lax].map(|it| it.step(Some(y)));
            let Ok(judged) = rises.and(laxer).and(judged) else { continue };
            let (rises, laxer) = (rises.unwrap(), laxer.unwrap());
            assert!(rises.lower.is_nan() && rises.upper == judged.upper, "{t}: {rises:?} {judged:?}");
            assert!(laxer.lower < judged.lower && judged.upper < laxer.upper, "{t}: {laxer:?} {judged:?}");
            let is_outside = y < judged.lower || judged.upper < y;
            if is_spike && t > 3_000 {
                assert!(is_outside && judged.score.value() > 1.0, "{t}: {y} {judged:?}");
                n_told += 1;
            } else if judged.score.value() <= 1.0 {
                n_outside += u32::from(is_outside);
            }
        }
        assert!(n_told == 6 && n_outside < 40, "{n_told} {n_outside}");
    }

    #[test]
    fn contract() {
        let new = || Budgeted::new(300_000, 1_767_225_600_000, 1.0, Direction::Both);
        check_scorer(new);
        mirrored_scores_agree(new, 0.0);
    }
}
