//! A report as one HTML file: charts of value, band, score and findings.

use std::io::Write;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::finding::{LARGEST_SCORE, Series};
use super::trace::{Bucket, Trace};
use crate::charts::{self, MAX_FINDINGS};

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
    /// Writes the page.
    pub(super) fn write(&self, to: &mut impl Write) -> std::io::Result<()> {
        let head = json!({
            "title": self.title,
            "has_times": self.has_times,
            "threshold": self.threshold,
            "rows": self.n_rows,
            "zone": self.zone.and_then(TimeZone::iana_name),
            "note": NOTE,
        });
        charts::write(to, &head, self.charts.iter().map(Chart::json))
    }
}

impl Chart<'_> {
    fn json(&self) -> Value {
        let Self { series, trace, incidents } = self;
        let buckets = &trace.buckets;
        let all = |read: fn(&Bucket) -> f64| -> Vec<Value> {
            buckets.iter().map(|bucket| number(read(bucket))).collect()
        };
        let mut last = 0;
        let steps: Vec<i64> =
            buckets.iter().map(|bucket| bucket.at - std::mem::replace(&mut last, bucket.at)).collect();
        let findings = series.told().take(MAX_FINDINGS);
        let findings: Vec<Value> =
            findings.map(|it| json!([it.from.number(), it.to.number(), number(it.score), it.what])).collect();
        let mut json = json!({
            "name": series.name,
            "holes": series.holes.found(),
            "incidents": incidents,
            "together": trace.n_together,
            "steps": steps,
            "least": all(|bucket| bucket.least),
            "expected": all(|bucket| bucket.expected),
            "lower": all(|bucket| bucket.lower),
            "upper": all(|bucket| bucket.upper),
            "score": all(|bucket| bucket.score),
            "findings": findings,
        });
        if trace.n_together > 1 {
            json["greatest"] = all(|bucket| bucket.greatest).into();
        }
        json
    }
}

fn number(number: f64) -> Value {
    charts::number(number, LARGEST_SCORE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_becomes_numbers() {
        let mut trace = Trace::new(10);
        trace.push(0, 1.0 / 3.0, None);
        trace.push(1_000, f64::NAN, None);
        let clock = lanner_detect::automatic::WallClock::new(None, []);
        let one = Series::new("load".to_owned(), true, 1.0, clock);
        let json = Chart { series: &one, trace: &trace, incidents: vec![(1, 2)] }.json();
        assert_eq!((&json["name"], &json["incidents"]), (&json!("load"), &json!([[1, 2]])));
        assert_eq!((&json["least"], &json["steps"]), (&json!([0.333_333_3, null]), &json!([0, 1_000])));
    }
}
