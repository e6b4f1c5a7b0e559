//! What comes of each threshold: how many anomalous sessions are found, and how many normal ones flagged.

/// More points than this are not drawn.
const MAX_POINTS: usize = 500;

/// What is flagged from a threshold on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) threshold: f64,
    /// Anomalous sessions among them, and normal ones.
    pub(super) n_true: usize,
    pub(super) n_false: usize,
}

impl Point {
    pub(super) const fn n_flagged(&self) -> usize {
        self.n_true + self.n_false
    }

    /// How many of the flagged are anomalous; NaN where none is flagged.
    pub(super) fn precision(&self) -> f64 {
        self.n_true as f64 / self.n_flagged() as f64
    }
}

/// The points of all thresholds, from that above all scores down.
pub(super) struct Curve {
    points: Vec<Point>,
    n_anomalous: usize,
    n_normal: usize,
}

impl Curve {
    pub(super) fn new(scores: &[f64], labels: &[bool]) -> Self {
        let mut scored: Vec<(f64, bool)> = scores.iter().copied().zip(labels.iter().copied()).collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut last = Point { threshold: f64::INFINITY, n_true: 0, n_false: 0 };
        let mut points = vec![last];
        for group in scored.chunk_by(|a, b| a.0 == b.0) {
            last.n_true += group.iter().filter(|(_, label)| *label).count();
            last.n_false += group.iter().filter(|(_, label)| !*label).count();
            last.threshold = group[0].0;
            points.push(last);
        }
        Self { points, n_anomalous: last.n_true, n_normal: last.n_false }
    }

    /// Points that are drawn: all, or so many of them, the first and the last included.
    pub(super) fn points(&self) -> impl Iterator<Item = &Point> + Clone {
        let (n, last) = (self.points.len().min(MAX_POINTS), self.points.len() - 1);
        (0..n).map(move |i| &self.points[i * last / (n - 1).max(1)])
    }

    /// What is flagged from a threshold on.
    pub(super) fn at(&self, threshold: f64) -> Point {
        let n = self.points.partition_point(|point| point.threshold >= threshold);
        Point { threshold, ..self.points[n.saturating_sub(1)] }
    }

    pub(super) const fn n_anomalous(&self) -> usize {
        self.n_anomalous
    }

    pub(super) fn share_of_anomalous(&self) -> f64 {
        self.n_anomalous as f64 / (self.n_anomalous + self.n_normal) as f64
    }

    /// The share of anomalous sessions that are found.
    pub(super) fn recall(&self, point: &Point) -> f64 {
        point.n_true as f64 / self.n_anomalous as f64
    }

    /// The share of normal sessions that are flagged.
    pub(super) fn false_share(&self, point: &Point) -> f64 {
        point.n_false as f64 / self.n_normal as f64
    }

    pub(super) fn f1(&self, point: &Point) -> f64 {
        2.0 * point.n_true as f64 / (point.n_flagged() + self.n_anomalous) as f64
    }
}

#[cfg(test)]
mod tests {
    use lanner_boost::outcomes_at;
    use lanner_quality::{Scored, auc_roc};

    use super::*;
    use crate::commands::api::chance::Chance;

    #[test]
    fn points_are_those_of_each_threshold() {
        let mut chance = Chance::new(3);
        let labels: Vec<bool> = (0..900).map(|_| chance.share() < 0.2).collect();
        // Two digits, so that many scores are equal.
        let score =
            |label: &bool| (chance.share() * 70.0 + f64::from(u8::from(*label)) * 30.0).round() / 100.0;
        let scores: Vec<f64> = labels.iter().map(score).collect();
        let curve = Curve::new(&scores, &labels);
        for threshold in [0.0, 0.2, 0.305, 0.5, 0.77, 0.99, 1.5] {
            let (point, outcomes) = (curve.at(threshold), outcomes_at(&scores, &labels, threshold));
            assert!((curve.f1(&point) - outcomes.f1()).abs() < 1e-12, "{threshold}");
            assert!((curve.recall(&point) - outcomes.recall()).abs() < 1e-12, "{threshold}");
            assert!((curve.false_share(&point) - outcomes.false_alarm_rate()).abs() < 1e-12, "{threshold}");
        }
        // The area below the line is the area that ranks give.
        let drawn: Vec<(f64, f64)> =
            curve.points().map(|point| (curve.false_share(point), curve.recall(point))).collect();
        let area: f64 =
            drawn.windows(2).map(|pair| (pair[1].0 - pair[0].0) * f64::midpoint(pair[1].1, pair[0].1)).sum();
        let expected = auc_roc(&Scored::new(&labels, &scores).unwrap());
        assert!((area - expected).abs() < 1e-9, "{area} {expected}");
    }

    #[test]
    fn many_points_are_thinned() {
        let scores: Vec<f64> = (0..5_000).map(f64::from).collect();
        let labels: Vec<bool> = (0..5_000).map(|i| i % 7 == 0).collect();
        let curve = Curve::new(&scores, &labels);
        let drawn: Vec<&Point> = curve.points().collect();
        assert_eq!((drawn.len(), drawn[0].n_flagged(), drawn[499].n_flagged()), (MAX_POINTS, 0, 5_000));
    }
}
