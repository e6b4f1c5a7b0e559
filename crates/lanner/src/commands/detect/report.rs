//! A report as one HTML file: charts of value, band, score and findings.

use jiff::tz::TimeZone;
use lanner_page::chart::Clock;

use super::finding::Series;
use super::trace::{Bucket, Trace};
use crate::charts::{self, Found, MAX_FINDINGS};

/// What the scores of the page mean.
const NOTE: &str =
    "Each value is scored by those before it only; a score of 1 is what happens about once a week by chance.";

/// What a report shows.
pub(super) struct Report<'a> {
    pub(super) title: &'a str,
    pub(super) has_times: bool,
    pub(super) threshold: f64,
    pub(super) n_rows: u64,
    /// By which times are shown.
    pub(super) zone: Option<&'a TimeZone>,
    pub(super) charts: Vec<Chart<'a>>,
}

/// One series.
pub(super) struct Chart<'a> {
    pub(super) series: &'a Series,
    pub(super) trace: &'a Trace,
    /// Known incidents: the first and the last moment of each.
    pub(super) incidents: Vec<(i64, i64)>,
}

/// Points drawn of each of `n_series` series; longer ones are thinned.
pub(super) fn points_each(n_series: usize) -> usize {
    charts::points_each(n_series)
}

impl Report<'_> {
    /// What is written.
    pub(super) fn shown(&self) -> charts::Report {
        let named = self.zone.filter(|zone| zone.iana_name().is_some());
        charts::Report {
            title: self.title.to_owned(),
            summary: None,
            note: NOTE,
            facts: Vec::new(),
            clock: match named {
                _ if !self.has_times => Clock::Lines,
                Some(zone) => Clock::Zone(zone.clone()),
                None => Clock::Utc,
            },
            n_rows: self.n_rows,
            series: self.charts.iter().map(|chart| chart.shown(self.threshold)).collect(),
        }
    }
}

impl Chart<'_> {
    fn shown(&self, threshold: f64) -> charts::Series {
        let Self { series, trace, incidents } = self;
        let all = |read: fn(&Bucket) -> f64| trace.buckets.iter().map(read).collect::<Vec<f64>>();
        let found = series.told().take(MAX_FINDINGS).map(|it| Found {
            from: it.from.number(),
            to: it.to.number(),
            score: it.score,
            what: it.what,
        });
        charts::Series {
            name: series.name.clone(),
            caption: "score",
            limit: Some(threshold),
            at: trace.buckets.iter().map(|bucket| bucket.at).collect(),
            least: all(|bucket| bucket.least),
            greatest: if trace.n_together > 1 { all(|bucket| bucket.greatest) } else { Vec::new() },
            expected: all(|bucket| bucket.expected),
            lower: all(|bucket| bucket.lower),
            upper: all(|bucket| bucket.upper),
            score: all(|bucket| bucket.score),
            holes: series.holes.found(),
            incidents: incidents.clone(),
            findings: found.collect(),
            is_listed: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_becomes_a_chart() {
        let mut trace = Trace::new(2);
        for (at, value) in [(0, 1.0), (1_000, f64::NAN), (2_000, 3.0), (3_000, 5.0)] {
            trace.push(at, value, None);
        }
        let clock = lanner_detect::automatic::WallClock::new(None, []);
        let one = Series::new("load".to_owned(), true, 1.0, clock);
        let shown = Chart { series: &one, trace: &trace, incidents: vec![(1, 2)] }.shown(2.0);
        assert_eq!((shown.name.as_str(), &shown.incidents, shown.limit), ("load", &vec![(1, 2)], Some(2.0)));
        assert_eq!((shown.at, shown.least, shown.greatest), (vec![0, 2_000], vec![1.0, 3.0], vec![1.0, 5.0]));
    }
}
