//! A report as one HTML file: charts of value, band, score and findings, to zoom into; nothing is loaded from anywhere.
//!
//! The page is `report.html`; here its data is written, as JSON in which no text can end the script.

use std::io::Write;

use serde_json::{Value, json};

use super::finding::{LARGEST_SCORE, Moment, Series};
use super::trace::Trace;

const PAGE: &str = include_str!("report.html");

/// Where the data belongs in the page.
const DATA_GOES: &str = "{{data}}";

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
    pub(super) series: Vec<(&'a Series, &'a Trace)>,
    /// Known incidents: the first and the last moment of each.
    pub(super) incidents: &'a [(i64, i64)],
}

/// Points drawn of each of `n_series` series; longer ones are thinned.
pub(super) fn points_each(n_series: usize) -> usize {
    (MAX_POINTS / n_series.max(1)).clamp(200, 20_000)
}

impl Report<'_> {
    /// Writes the page.
    pub(super) fn write(&self, to: &mut impl Write) -> std::io::Result<()> {
        let (before, after) = PAGE.split_once(DATA_GOES).unwrap_or((PAGE, ""));
        to.write_all(before.as_bytes())?;
        let head = json!({
            "title": self.title,
            "has_times": self.has_times,
            "threshold": self.threshold,
            "rows": self.n_rows,
            "incidents": self.incidents,
        });
        write!(to, "{{\"head\":{},\"series\":[", harmless(&head))?;
        for (index, (one, trace)) in self.series.iter().enumerate() {
            let comma = if index == 0 { "" } else { ",\n" };
            write!(to, "{comma}{}", harmless(&series(one, trace)))?;
        }
        to.write_all(b"]}")?;
        to.write_all(after.as_bytes())
    }
}

fn series(one: &Series, trace: &Trace) -> Value {
    let buckets = &trace.buckets;
    let all = |read: fn(&super::trace::Bucket) -> f64| -> Vec<Value> {
        buckets.iter().map(|bucket| number(read(bucket))).collect()
    };
    let mut last = 0;
    let steps: Vec<i64> =
        buckets.iter().map(|bucket| bucket.at - std::mem::replace(&mut last, bucket.at)).collect();
    let findings: Vec<Value> = one
        .findings
        .iter()
        .take(MAX_FINDINGS)
        .map(|it| {
            json!([
                at(it.from),
                at(it.to),
                at(it.at),
                number(it.value),
                number(it.expected),
                number(it.score)
            ])
        })
        .collect();
    let mut series = json!({
        "name": one.name,
        "holes": one.holes.found(),
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
        series["greatest"] = all(|bucket| bucket.greatest).into();
    }
    series
}

fn at(moment: Moment) -> i64 {
    match moment {
        Moment::Time(time) => time.0,
        Moment::Line(line) => line,
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
        let one = Series::new(name.to_owned(), true, lanner_core::Threshold::above(1.0), false);
        let series = vec![(&one, &trace)];
        let report =
            Report { title: name, has_times: true, threshold: 1.0, n_rows: 2, series, incidents: &[(1, 2)] };
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
            assert!(!PAGE.contains(word), "{word}");
        }
    }
}
