//! What the whole detector keeps, on made series.

use lanner_testkit::check_scorer;
use proptest::prelude::*;

use super::*;
use crate::testing::{mirrored_scores_agree, noise};

const STEP_MS: i64 = 300_000;
/// Samples of a day.
const DAY: u64 = 288;

#[test]
fn contract() {
    check_scorer(Automatic::default);
    check_scorer(|| Automatic::every(STEP_MS));
    check_scorer(|| Automatic::every(0));
    mirrored_scores_agree(|| Automatic::every(STEP_MS), 0.0);
}

/// What a hundred thousand series take.
#[test]
fn state_is_small() {
    let calendars = 4 * (288 * 4 + 336 * 3);
    assert!(size_of::<Automatic>() + calendars <= 12_500, "{} + {calendars}", size_of::<Automatic>());
}

/// The samples at which alarms are raised.
fn alarms(n: u64, sample: impl Fn(u64) -> f64) -> Vec<u64> {
    let (mut detector, mut alarms) = (Automatic::default(), Alarms::default());
    let mut begins = |t: &u64| {
        let time_ms = *t as i64 * STEP_MS;
        let judged = detector.judge(time_ms, sample(*t));
        judged.is_ok_and(|judged| alarms.decide(time_ms, judged.score, detector.view()) == Decision::Begins)
    };
    (0..n).filter(|t| begins(t)).collect()
}

#[test]
fn quiet_series() {
    #[track_caller]
    fn check(sample: impl Fn(u64) -> f64, expected: &[u64]) {
        assert_eq!(alarms(1_000, sample), expected);
    }
    check(|_| 0.0, &[]);
    check(|_| 0.1, &[]);
    check(|t| (t % 6) as f64, &[]);
    check(|t| if t == 700 { 0.1 + 1e-16 } else { 0.1 }, &[]); // rounding
    check(|t| if t == 700 { f64::NAN } else { 7.0 }, &[]);
    check(|t| if t < 700 { 42.0 } else { 43.0 }, &[700]); // a first change, said once
    check(|t| if t < 700 { 42.0 } else { 0.0 }, &[700]); // an outage
}

/// Made series with something at sample 4,000: an alarm is raised there, and seldom before.
#[test]
fn noisy_series() {
    #[track_caller]
    fn check(sample: impl Fn(u64) -> f64, at_most: u64) {
        let found = alarms(4_500, |t| noise(t) + sample(t));
        let n_before = found.iter().filter(|&&t| t < 4_000).count();
        let delay = found.iter().find(|&&t| t >= 4_000).map(|t| t - 4_000);
        assert!(n_before <= 3 && delay.is_some_and(|delay| delay <= at_most), "{found:?}");
    }
    let day = |t: u64| 10.0 * (t as f64 * std::f64::consts::TAU / DAY as f64).sin();
    let from = |t: u64, size: f64| if t >= 4_000 { size } else { 0.0 };
    let during = |t: u64, size: f64| if t % 1_000 < 12 { size } else { 0.0 };
    //    something                                     found within
    check(|t| if t == 4_000 { 4.0 } else { 0.0 }, 0); // a spike
    check(|t| if t == 4_000 { -4.0 } else { 0.0 }, 0);
    check(|t| from(t, 1.0), 24); // a shift within the noise
    check(|t| day(t) + from(t, 3.0), 10);
    check(|t| if t < 4_000 { day(t) } else { 5.0 }, DAY / 2); // a day that did not come
    check(|t| during(t, 8.0), 0); // as it was three times before
}

#[test]
fn a_spike_leaves_no_ghost() {
    let day = |t: u64| 100.0 + 40.0 * (t as f64 * std::f64::consts::TAU / DAY as f64).sin() + 3.0 * noise(t);
    let found = alarms(16 * DAY, |t| if (2_000..2_003).contains(&t) { 50.0 * day(t) } else { day(t) });
    assert_eq!(found.iter().filter(|&&t| t >= 2_000).collect::<Vec<_>>(), [&2_000]);
}

#[test]
fn samples_that_stayed_away() {
    let (mut detector, mut missing) = (Automatic::default(), Vec::new());
    for t in (0..4_000).filter(|t| !(2_000..2_036).contains(t)) {
        if detector.judge(t * STEP_MS, noise(t as u64)).is_ok_and(|judged| judged.score.value() > 1.0)
            && detector.view() == View::Missing
        {
            missing.push(t);
        }
    }
    assert_eq!(missing, [2_036]);
}

proptest! {
    #[test]
    fn the_band_holds_what_was_expected(seed in any::<u16>(), shift in -3.0..3.0, now in -9.0..9.0) {
        let mut detector = Automatic::default();
        for t in 0..400 {
            let y = noise(u64::from(seed) * 1_000 + t) + if t > 390 { shift } else { 0.0 };
            let _ = detector.judge(t as i64 * STEP_MS, y);
        }
        let judged = detector.judge(400 * STEP_MS, now).unwrap();
        prop_assert!(judged.lower <= judged.expected && judged.expected <= judged.upper);
    }

    /// Asked of the best forecast only; whatever the sample is, the band is that of the samples before.
    #[test]
    fn outside_of_the_band_a_sample_alone_is_found(
        seed in any::<u16>(),
        now in -12.0..12.0,
        found in 0.7..2.0,
    ) {
        let mut detector = Automatic::with(Constants { power: i32::MAX, ..Constants::default() });
        for t in 0..280 {
            let _ = detector.judge(t as i64 * STEP_MS, noise(u64::from(seed) * 1_000 + t));
        }
        let when = When::utc(280 * STEP_MS);
        let of_another = detector.clone().judge_reaching(when, 0.0, found).unwrap();
        let Judged { scored, reach } = detector.judge_reaching(when, now, found).unwrap();
        prop_assert_eq!((scored.expected, reach), (of_another.scored.expected, of_another.reach));
        let (off, score) = ((now - scored.expected).abs(), scored.score.value());
        prop_assert!(off < 1.001 * reach || score >= found, "{off} of {reach}: {score}");
        let is_spike = detector.view() == View::Value && score >= found;
        prop_assert!(off > 0.999 * reach || !is_spike, "{off} of {reach}: {score}");
    }

    #[test]
    fn nothing_is_ever_not_a_number(
        samples in prop::collection::vec((any::<i64>(), any::<f64>()), 60..200),
        step_ms in any::<i64>(),
    ) {
        let (mut detector, mut stepped) = (Automatic::default(), Automatic::every(step_ms));
        for (time_ms, y) in samples {
            for judged in [detector.judge(time_ms, y), stepped.step(Some(y))].into_iter().flatten() {
                prop_assert!(!judged.expected.is_nan() && judged.lower <= judged.upper, "{judged:?}");
            }
        }
    }
}
