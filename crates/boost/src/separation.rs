//! How well one number tells two classes apart.

/// How often a positive row has a larger value than another, equal ones counting half: the area under the receiver
/// operating characteristic. 0.5 if there is only one class. Values are not NaN. Cost: O(n log n).
///
/// Source: H. Mann and D. Whitney, "On a test of whether one of two random variables is stochastically larger than the
/// other", Annals of Mathematical Statistics 18, 1947.
pub(crate) fn separation(values: &[f64], labels: &[bool]) -> f64 {
    let mut ranked: Vec<(f64, bool)> = values.iter().copied().zip(labels.iter().copied()).collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut pairs, mut n_positive, mut n_other) = (0.0, 0, 0);
    for equal in ranked.chunk_by(|a, b| a.0 == b.0) {
        let positive = equal.iter().filter(|(_, label)| *label).count();
        let other = equal.len() - positive;
        pairs += positive as f64 * (n_other as f64 + other as f64 / 2.0);
        n_positive += positive;
        n_other += other;
    }
    let n_pairs = n_positive as f64 * n_other as f64;
    if n_pairs == 0.0 { 0.5 } else { pairs / n_pairs }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        #[track_caller]
        fn check(labels: &[u8], values: &[f64], expected: f64) {
            let labels: Vec<bool> = labels.iter().map(|&label| label == 1).collect();
            assert_eq!(separation(values, &labels), expected);
        }
        check(&[0, 0, 1, 1], &[0.1, 0.4, 0.35, 0.8], 0.75);
        check(&[1, 0], &[0.0, 1.0], 0.0);
        check(&[1, 0, 0, 0], &[7.0; 4], 0.5);
        check(&[1, 1], &[0.0, 1.0], 0.5);
        check(&[0, 1], &[f64::NEG_INFINITY, f64::INFINITY], 1.0);
    }
}
