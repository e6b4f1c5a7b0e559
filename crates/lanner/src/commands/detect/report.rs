//! A report as one HTML file: charts of value, band, score and findings, to zoom into; nothing is loaded from anywhere.
//!
//! The page is `report.html` with `report.css` and `report.js`; here its data is written, as JSON in which no text can end
//! the script.

use std::io::Write;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::finding::{LARGEST_SCORE, Series};
use super::trace::{Bucket, Trace};

const PAGE: &str = include_str!("report.html");
const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// Findings of a series that are drawn; a report is for people.
const MAX_FINDINGS: usize = 2_000;

/// Points of all series together.
const MAX_POINTS: usize = 300_000;

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
    (MAX_POINTS / n_series.max(1)).clamp(200, 20_000)
}

impl Report<'_> {
    /// Writes the page.
    pub(super) fn write(&self, to: &mut impl Write) -> std::io::Result<()> {
        let mut rest = PAGE;
        while let Some((before, (name, after))) =
            rest.split_once("{{").and_then(|(before, rest)| Some((before, rest.split_once("}}")?)))
        {
            to.write_all(before.as_bytes())?;
            match name {
                "style" => to.write_all(STYLE.as_bytes())?,
                "script" => to.write_all(SCRIPT.as_bytes())?,
                _ => self.data(to)?,
            }
            rest = after;
        }
        to.write_all(rest.as_bytes())
    }

    fn data(&self, to: &mut impl Write) -> std::io::Result<()> {
        let head = json!({
            "title": self.title,
            "has_times": self.has_times,
            "threshold": self.threshold,
            "rows": self.n_rows,
            "zone": self.zone.and_then(TimeZone::iana_name),
        });
        write!(to, "{{\"head\":{},\"series\":[", harmless(&head))?;
        for (index, chart) in self.charts.iter().enumerate() {
            let comma = if index == 0 { "" } else { ",\n" };
            write!(to, "{comma}{}", harmless(&chart.json()))?;
        }
        to.write_all(b"]}")
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

/// Seven digits; nothing where there is no number.
fn number(number: f64) -> Value {
    if number.is_nan() {
        return Value::Null;
    }
    let number = number.clamp(-1e300, 1e300);
    let number = if number >= 1e300 { LARGEST_SCORE } else { number };
    format!("{number:.6e}").parse::<f64>().map_or(Value::Null, Value::from)
}

/// JSON in which nothing looks like HTML.
fn harmless(value: &Value) -> String {
    // These can only stand within texts.
    value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_texts() {
        let mut trace = Trace::new(10);
        trace.push(0, 1.0 / 3.0, None);
        trace.push(1_000, f64::NAN, None);
        let name = "</script><script>alert(1)</script>&amp;\u{2028}\"'";
        let clock = lanner_detect::automatic::WallClock::new(TimeZone::UTC, []);
        let one = Series::new(name.to_owned(), true, 1.0, clock);
        let charts = vec![Chart { series: &one, trace: &trace, incidents: vec![(1, 2)] }];
        let report = Report { title: name, has_times: true, threshold: 1.0, n_rows: 2, zone: None, charts };
        let mut page = Vec::new();
        report.write(&mut page).unwrap();
        let page = String::from_utf8(page).unwrap();
        assert_eq!(page.matches("<script").count(), PAGE.matches("<script").count());
        let (_, data) = page.split_once("type=\"application/json\">").unwrap();
        let data: Value = serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap();
        assert_eq!(data["series"][0]["name"], name);
        assert_eq!(data["series"][0]["least"], json!([0.333_333_3, null]));
        assert_eq!(data["series"][0]["steps"], json!([0, 1_000]));
    }

    #[test]
    fn the_page_loads_nothing() {
        for word in ["http:", "https:", "//cdn", "src=", "@import", "url(", "innerHTML", "eval("] {
            assert!([PAGE, STYLE, SCRIPT].iter().all(|part| !part.contains(word)), "{word}");
        }
    }
}
