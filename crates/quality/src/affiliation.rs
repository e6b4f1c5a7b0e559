//! Affiliation: the distance between predicted and labelled points, compared with chance.

use super::{Scored, events, f1};

/// The best F1, over 100 thresholds, of affiliation precision and recall.
///
/// Time is cut into one zone for each event, halfway between neighbours. Precision is the probability that a random point of
/// the zone is farther from the event than a taken one; recall, that a random point is farther from the
/// event's points than the nearest taken one. Zones in which nothing is taken have recall 0 and no precision.
/// Random scores reach about 0.7.
///
/// Cost: O(100 (n + ranges log ranges)).
///
/// # Source
/// Huet, Navarro and Rossi, "Local evaluation of time series anomaly detection algorithms", KDD 2022.
#[must_use]
pub fn affiliation_f(scored: &Scored<'_>) -> f64 {
    let zones = zones(&spans(scored.labels()), scored.n() as f64);
    scored.best_of_100(|taken| {
        let taken = spans(taken);
        let parts: Vec<(Option<f64>, f64)> = zones.iter().map(|zone| zone.compare(&taken)).collect();
        let precisions: Vec<f64> = parts.iter().filter_map(|(precision, _)| *precision).collect();
        let recall = parts.iter().map(|(_, recall)| recall).sum::<f64>() / parts.len() as f64;
        if precisions.is_empty() {
            return 0.0;
        }
        f1(precisions.iter().sum::<f64>() / precisions.len() as f64, recall)
    })
}

/// A piece of time, in samples; a point `i` is the piece `[i, i + 1)`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Span {
    start: f64,
    end: f64,
}

impl Span {
    fn length(self) -> f64 {
        self.end - self.start
    }

    /// What both have in common, if it is more than a moment.
    fn intersect(self, other: Self) -> Option<Self> {
        let common = Self { start: self.start.max(other.start), end: self.end.min(other.end) };
        (common.start < common.end).then_some(common)
    }

    fn distance(self, x: f64) -> f64 {
        (self.start - x).max(x - self.end).max(0.0)
    }
}

fn spans(labels: &[bool]) -> Vec<Span> {
    let span = |range: std::ops::Range<usize>| Span { start: range.start as f64, end: range.end as f64 };
    events(labels).into_iter().map(span).collect()
}

/// The part of time that is nearest to an event.
struct Zone {
    event: Span,
    all: Span,
}

fn zones(events: &[Span], n: f64) -> Vec<Zone> {
    let mut start = 0.0;
    let zone = |index: usize| {
        let end = events.get(index + 1).map_or(n, |next: &Span| f64::midpoint(events[index].end, next.start));
        let zone = Zone { event: events[index], all: Span { start, end } };
        start = end;
        zone
    };
    (0..events.len()).map(zone).collect()
}

impl Zone {
    /// Precision (when something is taken in this zone) and recall.
    fn compare(&self, taken: &[Span]) -> (Option<f64>, f64) {
        let from = taken.partition_point(|span| span.end <= self.all.start);
        let taken: Vec<Span> = taken[from..].iter().map_while(|span| span.intersect(self.all)).collect();
        if taken.is_empty() {
            return (None, 0.0);
        }
        let total: f64 = taken.iter().map(|span| span.length()).sum();
        let precision = taken.iter().map(|&span| self.precision_over(span)).sum::<f64>() / total;
        (Some(precision), self.recall(&taken))
    }

    /// The integral over `span` of the probability that a random point is not nearer to the event.
    fn precision_over(&self, span: Span) -> f64 {
        let Span { start, end } = self.event;
        let (before, after) = (start - self.all.start, self.all.end - end);
        // Where the probability changes its slope, on both sides of the event.
        let cuts = [start - before.min(after), start, end, end + before.min(after)];
        // Outside of the event. Inside, nothing is nearer.
        let outside = |x: f64| {
            let distance = self.event.distance(x);
            let nearer = self.event.length() + distance.min(before) + distance.min(after);
            1.0 - nearer / self.all.length()
        };
        let inside = span.intersect(self.event).map_or(0.0, Span::length);
        let left = span.intersect(Span { start: self.all.start, end: start });
        let right = span.intersect(Span { start: end, end: self.all.end });
        let sides = [left, right].into_iter().flatten();
        inside + sides.map(|side| integral(side, &cuts, outside)).sum::<f64>()
    }

    /// The mean over the event of the probability that a random point is not nearer than the nearest taken one.
    fn recall(&self, taken: &[Span]) -> f64 {
        let probability = |x: f64, distance: f64| {
            let nearer = distance.min(x - self.all.start) + distance.min(self.all.end - x);
            1.0 - nearer / self.all.length()
        };
        let mut sum = 0.0;
        for (index, &span) in taken.iter().enumerate() {
            // The part of time to which this span is the nearest.
            let halfway = |other: Option<&Span>, otherwise: f64| {
                other.map_or(otherwise, |other| {
                    f64::midpoint(span.start.max(other.start), span.end.min(other.end))
                })
            };
            let before = index.checked_sub(1).and_then(|before| taken.get(before));
            let start = halfway(before, self.all.start);
            let end = halfway(taken.get(index + 1), self.all.end);
            let Some(part) = self.event.intersect(Span { start, end }) else { continue };
            // Slopes change at the span's ends, and where its distance equals that of the zone's border.
            let cuts = [
                f64::midpoint(self.all.start, span.start),
                span.start,
                span.end,
                f64::midpoint(span.end, self.all.end),
            ];
            sum += integral(part, &cuts, |x| probability(x, span.distance(x)));
        }
        sum / self.event.length()
    }
}

/// The integral over `span` of a function that is linear between ascending `cuts`.
fn integral(span: Span, cuts: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    let mut sum = 0.0;
    let mut start = span.start;
    for end in cuts.iter().copied().filter(|&cut| cut > span.start && cut < span.end).chain([span.end]) {
        sum += (end - start) * f64::midpoint(f(start), f(end));
        start = end;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        #[track_caller]
        fn check(taken: &[Span], precision: Option<f64>, recall: f64) {
            let zone = Zone { event: span(4, 6), all: span(0, 10) };
            let found = zone.compare(taken);
            let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
            assert_eq!(found.0.is_some(), precision.is_some());
            assert!(close(found.0.unwrap_or(0.0), precision.unwrap_or(0.0)), "{found:?}");
            assert!(close(found.1, recall), "{found:?}");
        }
        check(&[], None, 0.0);
        check(&[span(4, 6)], Some(1.0), 1.0);
        check(&[span(20, 30)], None, 0.0); // in another zone
        // From 6 to 7 the share that is nearer grows from 0.2 to 0.4; from 4 to 6 distances fall from 2 to 0.
        check(&[span(6, 7)], Some(0.7), 0.8);
        check(&[span(0, 10)], Some(0.2 + 0.8 * 0.4), 1.0);
    }

    fn span(start: u32, end: u32) -> Span {
        Span { start: start.into(), end: end.into() }
    }

    #[test]
    fn zones_meet_halfway() {
        let zones = zones(&[span(2, 3), span(8, 10)], 20.0);
        assert_eq!(zones[0].all, Span { start: 0.0, end: 5.5 });
        assert_eq!(zones[1].all, Span { start: 5.5, end: 20.0 });
    }

    #[test]
    fn constant_scores_find_nothing() {
        assert_eq!(affiliation_f(&Scored::new(&[true, false], &[1.0, 1.0]).unwrap()), 0.0);
    }
}
