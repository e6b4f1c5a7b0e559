//! F1 of events found and points taken.

use super::{Scored, events, f1};

/// The best F1, over 100 thresholds, of the share of events hit (recall) and the share of taken points that are
/// labelled (precision).
///
/// Cost: O(100 n). Source: as in TSB-AD, after Garg et al., "An evaluation of anomaly detection and diagnosis in
/// multivariate time series", IEEE TNNLS 33(6), 2022.
#[must_use]
pub fn event_f1(scored: &Scored<'_>) -> f64 {
    let events = events(scored.labels());
    scored.best_of_100(|taken| {
        let n_hit = events.iter().filter(|event| taken[(*event).clone()].contains(&true)).count();
        let n_taken = taken.iter().filter(|&&taken| taken).count();
        let right = taken.iter().zip(scored.labels()).filter(|(taken, label)| **taken && **label).count();
        let precision = if n_taken == 0 { 0.0 } else { right as f64 / n_taken as f64 };
        f1(precision, n_hit as f64 / events.len() as f64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        #[track_caller]
        fn check(scores: &[f64], expected: f64) {
            let labels = [true, true, false, false, true, false];
            let found = event_f1(&Scored::new(&labels, scores).unwrap());
            assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
        }
        check(&[0.0, 1.0, 0.0, 0.0, 1.0, 0.0], 1.0); // one point of each event
        check(&[0.0, 1.0, 0.0, 0.0, 0.0, 0.0], 2.0 / 3.0);
        check(&[0.0, 1.0, 1.0, 0.0, 1.0, 0.0], 0.8); // a false point in three
        check(&[3.0; 6], 0.0); // nothing is above a constant
    }
}
