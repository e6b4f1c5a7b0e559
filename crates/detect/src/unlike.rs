//! How unlike a stretch of a series is to others of the same length: for asking, of many series at once, which ones changed while
//! something else did.
//!
//! A level is compared with the levels of the other stretches, and so are the highest and the lowest value, since a spike hardly
//! moves a mean. What the others differ by among themselves is the unit; it is never smaller than what their own noise says.

use crate::robust::{median, median_and_spread};

/// Levels nearer to each other than this part of them are the same.
const SAME: f64 = 0.005;
/// Series that are new are no more remarkable than this: a deployment makes many.
const MAX_NEW: f64 = 3.0;

/// What a stretch of a series comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    n: u64,
    mean: f64,
    /// The sum of the squares of what the values differ from their mean by.
    squares: f64,
    min: f64,
    max: f64,
}

impl Default for Stretch {
    fn default() -> Self {
        Self { n: 0, mean: 0.0, squares: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
}

impl Stretch {
    /// Takes one more value; what is no finite number is a gap.
    pub fn add(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        self.n += 1;
        let off = value - self.mean;
        self.mean += off / self.n as f64;
        self.squares += off * (value - self.mean);
        (self.min, self.max) = (self.min.min(value), self.max.max(value));
    }

    fn variance(&self) -> f64 {
        self.squares / self.n.max(1) as f64
    }
}

/// In which way a stretch differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Its level is higher.
    Higher,
    /// Its level is lower.
    Lower,
    /// It holds a value that is higher than those of the others.
    Peak,
    /// It holds a value that is lower than those of the others.
    Dip,
    /// It has no values, and the others do.
    Stopped,
    /// It has values, and the others do not.
    New,
}

impl Change {
    /// As documents have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Higher => "higher",
            Self::Lower => "lower",
            Self::Peak => "peak",
            Self::Dip => "dip",
            Self::Stopped => "stopped",
            Self::New => "new",
        }
    }
}

/// How a stretch differs from others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unlike {
    /// In which way.
    pub change: Change,
    /// How far, in units of what the others differ by among themselves; 0 or more.
    pub score: f64,
    /// The level, the peak or the dip; `None` where it stopped.
    pub found: Option<f64>,
    /// What that is of the others; `None` where they have no values.
    pub expected: Option<f64>,
}

/// How `during` differs from `others`, the latest of them first. `None` where neither has values, or the series had ended before.
///
/// Cost: O(stretches).
///
/// ```
/// use lanner_detect::unlike::{Change, Stretch, unlike};
/// let stretch = |values: &[f64]| values.iter().fold(Stretch::default(), |mut all, value| { all.add(*value); all });
/// let others = [[10.0, 11.0], [11.0, 9.0], [10.0, 12.0]].map(|values| stretch(&values));
/// let found = unlike(&others, &stretch(&[30.0, 31.0])).unwrap();
/// assert_eq!((found.change, found.found, found.expected), (Change::Higher, Some(30.5), Some(10.5)));
/// assert!(found.score > 10.0);
/// ```
#[must_use]
pub fn unlike(others: &[Stretch], during: &Stretch) -> Option<Unlike> {
    let known: Vec<&Stretch> = others.iter().filter(|stretch| stretch.n > 0).collect();
    match (during.n, known.is_empty()) {
        (0, true) => None,
        (0, false) => stopped(others, &known),
        (n, true) => {
            let score = (n as f64).sqrt().min(MAX_NEW);
            Some(Unlike { change: Change::New, score, found: Some(during.mean), expected: None })
        }
        (_, false) => Some(changed(&known, during)),
    }
}

/// As improbable as no arrival is where so many are usual.
fn stopped(others: &[Stretch], known: &[&Stretch]) -> Option<Unlike> {
    let had_ended = others.first().is_some_and(|latest| latest.n == 0) || known.len() * 2 < others.len();
    let n = median(&mut known.iter().map(|stretch| stretch.n as f64).collect::<Vec<_>>())?;
    let expected = median(&mut known.iter().map(|stretch| stretch.mean).collect::<Vec<_>>());
    (!had_ended).then(|| Unlike { change: Change::Stopped, score: n.sqrt(), found: None, expected })
}

fn changed(known: &[&Stretch], during: &Stretch) -> Unlike {
    let noise =
        median(&mut known.iter().map(|stretch| stretch.variance()).collect::<Vec<_>>()).unwrap_or(0.0).sqrt();
    let of_mean = noise / (during.n as f64).sqrt();
    let level = compared(known, |stretch| stretch.mean, during, of_mean, (Change::Higher, Change::Lower));
    let peak = compared(known, |stretch| stretch.max, during, noise, (Change::Peak, Change::Peak));
    let dip = compared(known, |stretch| stretch.min, during, noise, (Change::Dip, Change::Dip));
    let is_up = |it: &Unlike| it.found > it.expected;
    let extremes = [Some(peak).filter(is_up), Some(dip).filter(|it| it.found < it.expected)];
    // A level that changed moves its extremes along.
    extremes.into_iter().flatten().fold(level, |best, it| if it.score > best.score * 1.5 { it } else { best })
}

/// One number of a stretch beside those of the others; `(up, down)` is what a difference is called.
fn compared(
    known: &[&Stretch],
    of: impl Fn(&Stretch) -> f64,
    during: &Stretch,
    noise: f64,
    (up, down): (Change, Change),
) -> Unlike {
    let found = of(during);
    let mut all: Vec<f64> = known.iter().map(|stretch| of(stretch)).collect();
    let (expected, spread) = median_and_spread(&mut all).unwrap_or((found, 0.0));
    let unit = spread.max(noise).max(expected.abs() * SAME);
    let off = (found - expected).abs();
    let score = if off == 0.0 { 0.0 } else { off / unit.max(off * 1e-6) };
    Unlike {
        change: if found >= expected { up } else { down },
        score,
        found: Some(found),
        expected: Some(expected),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(values: &[f64]) -> Stretch {
        let mut stretch = Stretch::default();
        values.iter().for_each(|value| stretch.add(*value));
        stretch
    }

    #[test]
    fn what_changed_is_named() {
        #[track_caller]
        fn check(others: &[&[f64]], during: &[f64], expected: Option<(Change, f64, f64)>) {
            let others: Vec<Stretch> = others.iter().map(|values| stretch(values)).collect();
            let found = unlike(&others, &stretch(during));
            let Some((change, least, most)) = expected else {
                assert_eq!(found, None);
                return;
            };
            let found = found.unwrap_or_else(|| panic!("{change:?} of {during:?}"));
            assert_eq!(found.change, change, "{found:?}");
            assert!((least..=most).contains(&found.score), "{found:?}");
        }
        let calm: &[&[f64]] =
            &[&[10.0, 12.0, 11.0], &[11.0, 10.0, 12.0], &[12.0, 10.0, 11.5], &[10.0, 11.0, 11.0]];
        check(calm, &[10.5, 11.5, 11.0], Some((Change::Higher, 0.0, 2.0)));
        check(calm, &[3.0, 4.0, 3.5], Some((Change::Lower, 10.0, 100.0)));
        check(calm, &[11.0, 30.0, 11.0], Some((Change::Peak, 5.0, 100.0)));
        let long: Vec<f64> = (0..100).map(|at| f64::from(at % 3)).collect();
        let mut spike = long.clone();
        spike[50] = 30.0;
        check(&[&long, &long, &long], &spike, Some((Change::Peak, 20.0, 100.0)));
        spike[50] = -30.0;
        check(&[&long, &long, &long], &spike, Some((Change::Dip, 20.0, 100.0)));
        // What differs among itself is not remarkable for differing.
        check(&[&[1.0], &[100.0], &[20.0], &[70.0]], &[90.0], Some((Change::Higher, 0.0, 2.0)));
        // Nothing moved before, so that any move is large; and a little is nothing.
        check(&[&[5.0, 5.0], &[5.0, 5.0]], &[6.0, 6.0], Some((Change::Higher, 30.0, 50.0)));
        check(&[&[5.0, 5.0], &[5.0, 5.0]], &[5.0, 5.0], Some((Change::Higher, 0.0, 0.0)));
        check(&[&[0.0], &[0.0]], &[1.0], Some((Change::Higher, 1e5, 1e7)));
        check(calm, &[], Some((Change::Stopped, 1.7, 1.8)));
        check(&[&[], &[1.0], &[1.0]], &[], None); // it had ended before
        check(&[&[], &[]], &[7.0; 4], Some((Change::New, 2.0, 2.0)));
        check(&[&[], &[]], &[], None);
        check(&[], &[1.0], Some((Change::New, 1.0, 1.0)));
        check(&[&[f64::NAN, 1.0]], &[f64::INFINITY, 1.0], Some((Change::Higher, 0.0, 0.0)));
    }
}
