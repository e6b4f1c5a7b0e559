//! F1 after point adjustment: kept only because papers report it.

use super::{Scored, events, f1};

/// The best F1, over 100 thresholds, when one point taken inside an event counts as the whole event.
///
/// It flatters everything: the longer the events, the better random scores do. Never report it alone.
///
/// Cost: O(100 n).
///
/// # Source
/// Xu et al., "Unsupervised anomaly detection via variational auto-encoder for seasonal KPIs", WWW 2018; for
/// what is wrong with it, Kim et al., "Towards a rigorous evaluation of time-series anomaly detection", AAAI 2022.
#[must_use]
pub fn point_adjusted_f1(scored: &Scored<'_>) -> f64 {
    let events = events(scored.labels());
    let n_labelled = scored.n_labelled() as f64;
    scored.best_of_100(|taken| {
        let hit = events.iter().filter(|event| taken[(*event).clone()].contains(&true));
        let right = hit.map(ExactSizeIterator::len).sum::<usize>() as f64;
        let wrong = taken.iter().zip(scored.labels()).filter(|(taken, label)| **taken && !**label).count();
        let precision = if right > 0.0 { right / (right + wrong as f64) } else { 0.0 };
        f1(precision, right / n_labelled)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        #[track_caller]
        fn check(scores: &[f64], expected: f64) {
            let labels = [true, true, true, false, true, false];
            let found = point_adjusted_f1(&Scored::new(&labels, scores).unwrap());
            assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
        }
        check(&[0.0, 0.0, 1.0, 0.0, 1.0, 0.0], 1.0);
        check(&[0.0, 0.0, 1.0, 0.0, 0.0, 0.0], 6.0 / 7.0); // three of four points for one
        check(&[0.0, 0.0, 0.0, 1.0, 0.0, 0.0], 0.0);
        check(&[3.0; 6], 0.0); // nothing is above a constant
    }

    #[test]
    fn it_flatters_random_scores() {
        let labels: Vec<bool> = (0..2_000).map(|i| i / 100 % 10 == 5).collect();
        let scores: Vec<f64> = (0..2_000).map(|i| f64::from(i * 7_919 % 10_007)).collect();
        let scored = Scored::new(&labels, &scores).unwrap();
        assert!(point_adjusted_f1(&scored) > 0.8);
        assert!(crate::auc_pr(&scored) < 0.15);
    }
}
