//! Areas under the curves over all thresholds, and the best F1 on the way.

use super::Scored;

/// Area under the precision-recall curve, as average precision: the precision at each threshold, weighted by
/// the recall it adds. A random score reaches the share of labelled points.
///
/// Cost: O(n log n). Source: Davis and Goadrich, "The relationship between precision-recall and ROC curves", ICML 2006.
#[must_use]
pub fn auc_pr(scored: &Scored<'_>) -> f64 {
    let n_labelled = scored.n_labelled() as f64;
    let mut area = 0.0;
    let mut hits_before = 0;
    for Taken { hits, taken } in operating_points(scored) {
        area += (hits - hits_before) as f64 / n_labelled * hits as f64 / taken as f64;
        hits_before = hits;
    }
    area
}

/// Area under the receiver operating characteristic: how often a labelled point has a higher score than one that is
/// not labelled, equal scores counting half. A random score reaches 0.5.
///
/// Cost: O(n log n). Source: Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters 27, 2006.
#[must_use]
pub fn auc_roc(scored: &Scored<'_>) -> f64 {
    let n_labelled = scored.n_labelled();
    let pairs = n_labelled as f64 * (scored.n() - n_labelled) as f64;
    let mut area = 0.0;
    let mut before = Taken { hits: 0, taken: 0 };
    for now in operating_points(scored) {
        let wrong = (now.taken - now.hits) - (before.taken - before.hits);
        area += wrong as f64 * (now.hits + before.hits) as f64 / 2.0;
        before = now;
    }
    area / pairs
}

/// The best point-wise F1 over all thresholds. The threshold is chosen with the labels in view, so this is an
/// upper bound. (0.00001 is added to the denominator, as in TSB-AD.)
///
/// Cost: O(n log n).
#[must_use]
pub fn best_f1(scored: &Scored<'_>) -> f64 {
    let n_labelled = scored.n_labelled() as f64;
    let f1 = |Taken { hits, taken }| {
        let (precision, recall) = (hits as f64 / taken as f64, hits as f64 / n_labelled);
        2.0 * precision * recall / (precision + recall + 0.00001)
    };
    operating_points(scored).into_iter().map(f1).fold(0.0, f64::max)
}

/// What a threshold takes.
#[derive(Clone, Copy)]
struct Taken {
    /// Labelled points at or above the threshold.
    hits: usize,
    /// Points at or above the threshold.
    taken: usize,
}

/// One for each distinct score, highest first.
fn operating_points(scored: &Scored<'_>) -> Vec<Taken> {
    let mut ranked: Vec<(f64, bool)> =
        scored.scores().iter().copied().zip(scored.labels().iter().copied()).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut so_far = Taken { hits: 0, taken: 0 };
    let mut points = Vec::new();
    for equal in ranked.chunk_by(|a, b| a.0 == b.0) {
        so_far.taken += equal.len();
        so_far.hits += equal.iter().filter(|(_, label)| *label).count();
        points.push(so_far);
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        #[track_caller]
        fn check(labels: &[u8], scores: &[f64], expected: [f64; 3]) {
            let labels: Vec<bool> = labels.iter().map(|&label| label == 1).collect();
            let scored = Scored::new(&labels, scores).unwrap();
            let found = [auc_pr(&scored), auc_roc(&scored), best_f1(&scored)];
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
            }
        }
        //    labels         scores                    AUC-PR            AUC-ROC  best F1
        check(&[0, 0, 1, 1], &[0.1, 0.4, 0.35, 0.8], [0.5 + 1.0 / 3.0, 0.75, 0.8]);
        check(&[0, 1], &[0.0, 1.0], [1.0, 1.0, 1.0]);
        check(&[1, 0], &[0.0, 1.0], [0.5, 0.0, 2.0 / 3.0]);
        check(&[1, 0, 0, 0], &[7.0; 4], [0.25, 0.5, 0.4]); // constant scores say nothing
        check(&[1, 0, 0, 1], &[f64::INFINITY, 0.0, 0.0, f64::NEG_INFINITY], [0.75, 0.5, 2.0 / 3.0]);
        check(&[1, 0], &[0.0, -0.0], [0.5, 0.5, 2.0 / 3.0]); // zero is zero
    }
}
