//! Volume under the surface: the area under the curve, averaged over how lenient we are about an event's edges.

use super::{Scored, events};

/// Both volumes, in `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vus {
    /// Under precision and recall.
    pub pr: f64,
    /// Under true and false positive rate.
    pub roc: f64,
}

/// Thresholds looked at: the scores at evenly spaced ranks.
const N_THRESHOLDS: usize = 250;

/// The volume under the precision-recall surface, see [`vus()`].
///
/// ```
/// use lanner_quality::{Scored, vus_pr};
///
/// let labels = [false, false, true, true, false, false];
/// let early = [0.0, 1.0, 1.0, 0.0, 0.0, 0.0]; // one sample early
/// assert!(vus_pr(&Scored::new(&labels, &early)?, 4) > vus_pr(&Scored::new(&labels, &early)?, 0));
/// # Ok::<(), lanner_quality::MetricError>(())
/// ```
#[must_use]
pub fn vus_pr(scored: &Scored<'_>, largest_buffer: usize) -> f64 {
    vus(scored, largest_buffer).pr
}

/// The volume under the surface of true and false positive rate, see [`vus()`].
#[must_use]
pub fn vus_roc(scored: &Scored<'_>, largest_buffer: usize) -> f64 {
    vus(scored, largest_buffer).roc
}

/// Both volumes under the surface.
///
/// For each buffer `l` from 0 to `largest_buffer` (samples), events get soft shoulders of `l / 2` samples on both
/// sides, worth `sqrt(1 - distance / l)`; recall is multiplied by the share of events hit. The areas under
/// the two curves of 250 thresholds are then averaged over the buffers. A usual `largest_buffer` is
/// the length of a season, or of a typical event.
///
/// Cost: O(n log n + buffers * (thresholds + events * buffers)); an event's shoulders are looked at once for each buffer.
///
/// # Source
/// Paparrizos et al., "Volume under the surface: a new accuracy evaluation measure for time-series anomaly
/// detection", PVLDB 15(11), 2022; corner cases as in TSB-AD.
#[must_use]
pub fn vus(scored: &Scored<'_>, largest_buffer: usize) -> Vus {
    let ranks = Ranks::new(scored);
    let mut shoulders = Shoulders::new(scored, &ranks);
    let mut sum = Vus { pr: 0.0, roc: 0.0 };
    for buffer in 0..=largest_buffer {
        shoulders.widen(buffer, &ranks);
        let area = area(scored, &ranks, &shoulders);
        sum.pr += area.pr;
        sum.roc += area.roc;
    }
    let n_buffers = (largest_buffer + 1) as f64;
    Vus { pr: sum.pr / n_buffers, roc: sum.roc / n_buffers }
}

/// The thresholds, and which of them is the first to take each point.
struct Ranks {
    /// A point's first threshold; the lowest threshold takes every point.
    first: Vec<usize>,
    /// Points taken by each threshold.
    n_taken: Vec<usize>,
    /// Labelled points taken by each threshold.
    n_hits: Vec<usize>,
}

impl Ranks {
    fn new(scored: &Scored<'_>) -> Self {
        let mut sorted = scored.scores().to_vec();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let last = sorted.len() - 1;
        let step = last as f64 / (N_THRESHOLDS - 1) as f64;
        let rank = |k: usize| if k == N_THRESHOLDS - 1 { last } else { (k as f64 * step) as usize };
        let thresholds: Vec<f64> = (0..N_THRESHOLDS).map(|k| sorted[rank(k)]).collect();
        let first: Vec<usize> = scored
            .scores()
            .iter()
            .map(|score| thresholds.partition_point(|threshold| threshold > score))
            .collect();
        let mut n_taken = vec![0; N_THRESHOLDS];
        let mut n_hits = vec![0; N_THRESHOLDS];
        for (&k, &label) in first.iter().zip(scored.labels()) {
            n_taken[k] += 1;
            n_hits[k] += usize::from(label);
        }
        for k in 1..N_THRESHOLDS {
            n_taken[k] += n_taken[k - 1];
            n_hits[k] += n_hits[k - 1];
        }
        Self { first, n_taken, n_hits }
    }
}

/// Events with shoulders of one width.
struct Shoulders {
    events: Vec<Event>,
    /// Worth of each point outside events; all 0 between two calls.
    worth: Vec<f64>,
    labels: Vec<bool>,
    /// Worth that each threshold adds to the one before.
    added: Vec<f64>,
    /// Events, those whose shoulders touch counted as one, that each threshold is the first to hit.
    newly_hit: Vec<usize>,
}

/// An event, with the first threshold that hits it or its shoulders.
struct Event {
    start: usize,
    end: usize,
    first: usize,
}

impl Shoulders {
    fn new(scored: &Scored<'_>, ranks: &Ranks) -> Self {
        let event = |range: std::ops::Range<usize>| {
            let first = range.clone().map(|index| ranks.first[index]).min().unwrap_or(N_THRESHOLDS - 1);
            Event { start: range.start, end: range.end, first }
        };
        Self {
            events: events(scored.labels()).into_iter().map(event).collect(),
            worth: vec![0.0; scored.n()],
            labels: scored.labels().to_vec(),
            added: vec![0.0; N_THRESHOLDS],
            newly_hit: vec![0; N_THRESHOLDS],
        }
    }

    /// Goes from the shoulders of `buffer - 1` to those of `buffer`.
    fn widen(&mut self, buffer: usize, ranks: &Ranks) {
        let half = buffer / 2;
        for event in &mut self.events {
            // Only the outermost point is new, and only at every second buffer.
            let left = event.start.checked_sub(half);
            let right = Some(event.end - 1 + half).filter(|&index| index < ranks.first.len());
            for index in [left, right].into_iter().flatten() {
                event.first = event.first.min(ranks.first[index]);
            }
        }
        self.add_worth(buffer, half, ranks);
        self.newly_hit.fill(0);
        for group in self.events.chunk_by(|a, b| a.end - 1 + half >= b.start.saturating_sub(half)) {
            let first = group.iter().map(|event| event.first).min().unwrap_or(N_THRESHOLDS - 1);
            self.newly_hit[first] += 1;
        }
    }

    /// Shoulders that overlap add up, to 1 at most.
    fn add_worth(&mut self, buffer: usize, half: usize, ranks: &Ranks) {
        let n = self.worth.len();
        let points = |event: &Event| {
            let left = (1..=half.min(event.start)).map({
                let start = event.start;
                move |distance| (start - distance, distance)
            });
            let right = (1..=half.min(n - event.end)).map({
                let end = event.end;
                move |distance| (end - 1 + distance, distance)
            });
            left.chain(right)
        };
        for (index, distance) in self.events.iter().flat_map(points) {
            self.worth[index] += (1.0 - distance as f64 / buffer as f64).sqrt();
        }
        self.added.fill(0.0);
        for (index, _) in self.events.iter().flat_map(points) {
            let worth = std::mem::take(&mut self.worth[index]);
            if !self.labels[index] {
                self.added[ranks.first[index]] += worth.min(1.0);
            }
        }
    }

    /// Events, those whose shoulders touch counted as one.
    fn n_groups(&self) -> usize {
        self.newly_hit.iter().sum()
    }
}

/// The areas under the two curves for one buffer.
fn area(scored: &Scored<'_>, ranks: &Ranks, shoulders: &Shoulders) -> Vus {
    let n_labelled = scored.n_labelled() as f64;
    let n_groups = shoulders.n_groups() as f64;
    let mut area = Vus { pr: 0.0, roc: 0.0 };
    let (mut soft, mut n_hit) = (0.0, 0);
    let (mut tpr_before, mut fpr_before) = (0.0, 0.0);
    for k in 0..N_THRESHOLDS {
        soft += shoulders.added[k];
        n_hit += shoulders.newly_hit[k];
        let true_positives = ranks.n_hits[k] as f64 + soft;
        let n_taken = ranks.n_taken[k] as f64;
        // Half of the shoulders' worth counts as labelled.
        let positives = n_labelled + soft / 2.0;
        let tpr = (true_positives / positives).min(1.0) * n_hit as f64 / n_groups;
        let fpr = (n_taken - true_positives) / (scored.n() as f64 - positives);
        area.pr += (tpr - tpr_before) * true_positives / n_taken;
        area.roc += (fpr - fpr_before) * (tpr + tpr_before) / 2.0;
        (tpr_before, fpr_before) = (tpr, fpr);
    }
    area.roc += (1.0 - fpr_before) * (1.0 + tpr_before) / 2.0;
    area
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        #[track_caller]
        fn check(labels: &[u8], scores: &[f64], buffer: usize, expected: f64) {
            let labels: Vec<bool> = labels.iter().map(|&label| label == 1).collect();
            let found = vus_pr(&Scored::new(&labels, scores).unwrap(), buffer);
            assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
        }
        check(&[0, 1, 0], &[0.0, 1.0, 0.0], 0, 1.0);
        check(&[1, 0, 0, 0], &[7.0; 4], 0, 0.25); // constant scores say nothing
        check(&[1, 0], &[0.0, 1.0], 1, 0.5); // a buffer of 1 has no shoulders
        // Buffer 2: one shoulder worth sqrt(1/2) on each side. With both points taken at once,
        // precision is (1 + s) / 2 and recall 1.
        check(&[1, 0], &[1.0, 1.0], 2, (0.5 + 0.5 + (1.0 + 0.5_f64.sqrt()) / 2.0) / 3.0);
    }

    #[test]
    fn long_series_take_no_time() {
        let labels: Vec<bool> = (0..50_000).map(|i| i % 1_000 < 20).collect();
        let scores: Vec<f64> = (0..50_000).map(|i| f64::from(i * 7_919 % 10_007)).collect();
        let volumes = vus(&Scored::new(&labels, &scores).unwrap(), 200);
        assert!(volumes.roc > 0.5 && volumes.roc < 0.9 && volumes.pr < 0.2, "{volumes:?}");
    }
}
