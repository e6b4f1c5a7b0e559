//! Charts as one HTML file, to read and to zoom into; nothing is loaded from anywhere.
//!
//! They are drawn by the code that draws those of the web page, look like them, and are read by the same script. So they are
//! whole without a script and on paper. What only a report does is in `charts/report.js`: all charts show the same time, what is
//! zoomed into is drawn anew from the numbers, and pictures are saved. Two commands show their results so: `lanner detect` and
//! `lanner detector evaluate`.

use std::io::Write;

use lanner_page::assets;
use lanner_page::chart::{self, Below, Beside, Chart, Clock, Line, Shade};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::{Value, json};

use crate::output::counted;

/// What reports have beside the style of all pages.
pub(crate) const STYLE: &str = include_str!("charts/report.css");
const SCRIPT: &str = include_str!("charts/report.js");
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/// Points of all series together.
const MAX_POINTS: usize = 300_000;
/// Findings of a series that are drawn, and of all that are listed; a page is for people.
pub(crate) const MAX_FINDINGS: usize = 2_000;
/// What is shown at most; JSON knows no infinity.
const LARGEST: f64 = 1e12;
/// So many series without findings are not folded, where there are no others.
const FEW: usize = 4;

/// What a report shows.
pub(crate) struct Report {
    pub(crate) title: String,
    /// A line about all of it; without one, findings and rows are counted.
    pub(crate) summary: Option<String>,
    /// What the scores mean.
    pub(crate) note: &'static str,
    /// Names and values of what was measured.
    pub(crate) facts: Vec<(String, String)>,
    pub(crate) clock: Clock,
    pub(crate) n_rows: u64,
    pub(crate) series: Vec<Series>,
}

/// One chart. Numbers stand for points, one for each of `at`; NaN where there is none.
#[derive(Default)]
pub(crate) struct Series {
    pub(crate) name: String,
    /// What the lower curve is called.
    pub(crate) caption: &'static str,
    /// The line through the lower curve.
    pub(crate) limit: Option<f64>,
    /// Rising moments.
    pub(crate) at: Vec<i64>,
    /// The value, from and to; the second is empty where each point is one value.
    pub(crate) least: Vec<f64>,
    pub(crate) greatest: Vec<f64>,
    pub(crate) expected: Vec<f64>,
    pub(crate) lower: Vec<f64>,
    pub(crate) upper: Vec<f64>,
    pub(crate) score: Vec<f64>,
    /// From when to when nothing is there, or something is known to be wrong.
    pub(crate) holes: Vec<(i64, i64)>,
    pub(crate) incidents: Vec<(i64, i64)>,
    pub(crate) findings: Vec<Found>,
    /// Whether its findings are in the list.
    pub(crate) is_listed: bool,
}

/// One finding.
pub(crate) struct Found {
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) score: f64,
    pub(crate) what: String,
}

/// Points drawn of each of `n_series` series; longer ones are thinned.
pub(crate) fn points_each(n_series: usize) -> usize {
    (MAX_POINTS / n_series.max(1)).clamp(200, 20_000)
}

impl Report {
    /// Writes the page. Cost: that of its points.
    pub(crate) fn write(&self, to: &mut impl Write) -> std::io::Result<()> {
        to.write_all(self.page().into_string().as_bytes())
    }

    fn page(&self) -> Markup {
        let mut order: Vec<usize> = (0..self.series.len()).collect();
        let most = |nth: usize| self.series[nth].findings.iter().map(|it| it.score).fold(0.0, f64::max);
        order.sort_by(|one, other| most(*other).total_cmp(&most(*one)));
        let (noisy, quiet): (Vec<usize>, Vec<usize>) =
            order.into_iter().partition(|nth| !self.series[*nth].findings.is_empty());
        let script = |text: &str| html! { script { (PreEscaped(text)) } };
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta http-equiv="Content-Security-Policy" content=(POLICY);
                    title { (self.title) }
                    style { (PreEscaped(assets::STYLE.text)) (PreEscaped(STYLE)) }
                }
                body { main {
                    h1 { (self.title) }
                    p { (self.summary.clone().unwrap_or_else(|| self.counts(noisy.len()))) " " (self.note) }
                    @if !self.facts.is_empty() { table #facts { tbody { @for (name, value) in &self.facts { tr { th scope="row" { (name) } td { (value) } } } } } }
                    (self.list())
                    @for nth in &noisy { (self.section(*nth)) }
                    @if !quiet.is_empty() {
                        details #quiet open[noisy.is_empty() && quiet.len() <= FEW] {
                            summary { (quiet.len()) " series without findings" }
                            @for nth in &quiet { (self.section(*nth)) }
                        }
                    }
                } }
                script #data type="application/json" { (PreEscaped(harmless(&self.numbers()))) }
                (script(SCRIPT)) (script(assets::CHART.text))
            }
        }
    }

    fn counts(&self, n_noisy: usize) -> String {
        let n_findings =
            self.series.iter().filter(|one| one.is_listed).map(|one| one.findings.len()).sum::<usize>();
        let (from, to) = self.span();
        format!(
            "{} in {n_noisy} of {} series, {}, {} to {}{}.",
            counted(n_findings as u64, "finding"),
            self.series.len(),
            counted(self.n_rows, "row"),
            self.clock.moment(from),
            self.clock.moment(to),
            self.clock.suffix(),
        )
    }

    /// From when to when all charts are drawn.
    fn span(&self) -> (i64, i64) {
        let from = self.series.iter().filter_map(|one| one.at.first()).min().copied().unwrap_or(0);
        let to = self.series.iter().filter_map(|one| one.at.last()).max().copied().unwrap_or(0);
        (from, to.max(from + 1))
    }

    /// The findings, the most improbable first.
    fn list(&self) -> Markup {
        let listed = self.series.iter().enumerate().filter(|(_, one)| one.is_listed);
        let mut all: Vec<(usize, &Found)> =
            listed.flat_map(|(nth, one)| one.findings.iter().map(move |it| (nth, it))).collect();
        all.sort_by(|one, other| other.1.score.total_cmp(&one.1.score));
        let moment = |at| self.clock.moment(at);
        html! { @if !all.is_empty() {
            div #list.scroll tabindex="0" role="region" aria-label="Findings" { table {
                thead { tr { th.n scope="col" { "score" } th scope="col" { "series" } th scope="col" { "from" } th scope="col" { "to" } th scope="col" { "what" } } }
                tbody { @for (nth, it) in all.iter().take(MAX_FINDINGS) { tr {
                    td.n { (shown(it.score)) }
                    td { a href={ "#chart-" (nth) } data-from=(it.from) data-to=(it.to) { (self.series[*nth].name) } }
                    td.when { (moment(it.from)) } td.when.to { (moment(it.to)) } td.what { (it.what) }
                } } }
            } }
        } }
    }

    fn section(&self, nth: usize) -> Markup {
        let one = &self.series[nth];
        let n = one.findings.len();
        let notes = [(n > 0).then(|| counted(n as u64, "finding")), self.holes(one)];
        let notes: Vec<String> = notes.into_iter().flatten().collect();
        let beside = Beside { clock: self.clock.clone(), span: Some(self.span()), ..one.beside() };
        html! { section {
            h2 { span { (one.name) } small { (notes.join(" – ")) } }
            (chart::drawing(&format!("chart-{nth}"), &one.chart(), &beside))
        } }
    }

    /// The longest hole of a series, and how many more there are.
    fn holes(&self, one: &Series) -> Option<String> {
        let (from, to) = one.holes.iter().max_by_key(|(from, to)| to - from)?;
        let (from, to) = (self.clock.moment(*from), self.clock.moment(*to));
        let more = match one.holes.len() - 1 {
            0 => String::new(),
            n => format!(" and in {}", counted(n as u64, "more hole")),
        };
        Some(format!("no values from {from} to {to}{more}"))
    }

    /// What the script reads.
    fn numbers(&self) -> Value {
        let series: Vec<Value> = self.series.iter().map(Series::numbers).collect();
        json!({ "clock": self.clock.name(), "span": self.span(), "series": series })
    }
}

impl Series {
    fn chart(&self) -> Chart {
        let mut lines = vec![Line { name: "value".to_owned(), values: known(&self.least) }];
        if self.expected.iter().any(|value| !value.is_nan()) {
            lines.push(Line { name: "expected".to_owned(), values: known(&self.expected) });
        }
        Chart {
            title: self.name.clone(),
            times: self.at.clone(),
            lines,
            band: self.band(),
            findings: self.marked(),
            ..Chart::default()
        }
    }

    fn beside(&self) -> Beside {
        let found = self.findings.iter().map(|it| (it.from, it.to)).collect();
        Beside {
            highest: known(&self.greatest),
            shades: vec![
                (Shade::Known, self.incidents.clone()),
                (Shade::Hole, self.holes.clone()),
                (Shade::Finding, found),
            ],
            below: Some(Below {
                line: Line { name: self.caption.to_owned(), values: known(&self.score) },
                limit: self.limit,
            }),
            ..Beside::default()
        }
    }

    /// The usual range, as far as it can be seen beside the values: what is not known yet is wide.
    fn band(&self) -> Vec<(Option<f64>, Option<f64>)> {
        let values =
            self.least.iter().chain(&self.greatest).chain(&self.expected).filter(|it| it.is_finite());
        let (low, high) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), it| (low.min(*it), high.max(*it)));
        let room = if high > low { high - low } else { high.abs().max(1.0) };
        let edge = |value: &f64| (!value.is_nan()).then(|| value.clamp(low - room, high + room));
        self.lower.iter().map(edge).zip(self.upper.iter().map(edge)).collect()
    }

    /// The point of each finding with the highest score.
    fn marked(&self) -> Vec<bool> {
        let mut marked = vec![false; self.at.len()];
        for it in &self.findings {
            let from = self.at.partition_point(|at| *at <= it.from).saturating_sub(1);
            let to = self.at.partition_point(|at| *at <= it.to).max(from + 1).min(self.at.len());
            let score = |nth: &usize| {
                Some(self.score[*nth]).filter(|score| !score.is_nan()).unwrap_or(f64::NEG_INFINITY)
            };
            if let Some(worst) = (from..to).max_by(|one, other| score(one).total_cmp(&score(other))) {
                marked[worst] = true;
            }
        }
        marked
    }

    fn numbers(&self) -> Value {
        let all = |values: &[f64]| values.iter().map(|value| number(*value)).collect::<Vec<Value>>();
        let mut last = 0;
        let steps = self.at.iter().map(|at| at - std::mem::replace(&mut last, *at));
        let marked = self.marked().into_iter().enumerate().filter(|(_, is_marked)| *is_marked);
        let mut json = json!({
            "name": self.name,
            "caption": self.caption,
            "steps": steps.collect::<Vec<i64>>(),
            "least": all(&self.least),
            "expected": all(&self.expected),
            "lower": all(&self.lower),
            "upper": all(&self.upper),
            "score": all(&self.score),
            "marked": marked.map(|(at, _)| at).collect::<Vec<usize>>(),
            "findings": self.findings.iter().map(|it| json!([it.from, it.to, it.what])).collect::<Vec<Value>>(),
        });
        if !self.greatest.is_empty() {
            json["greatest"] = all(&self.greatest).into();
        }
        json
    }
}

fn known(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().map(|value| (!value.is_nan()).then(|| value.clamp(-LARGEST, LARGEST))).collect()
}

/// Three digits; what is beyond all measure has none.
fn shown(score: f64) -> String {
    if score >= LARGEST {
        "∞".to_owned()
    } else {
        lanner_page::text::number(format!("{score:.2e}").parse().unwrap_or(score))
    }
}

/// Seven digits; nothing where there is no number.
fn number(number: f64) -> Value {
    if number.is_nan() {
        return Value::Null;
    }
    let number = number.clamp(-LARGEST, LARGEST);
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

    fn series(name: &str) -> Series {
        Series {
            name: name.to_owned(),
            caption: "score",
            limit: Some(1.0),
            at: vec![0, 1_000, 2_000, 9_000],
            least: vec![1.0 / 3.0, f64::NAN, 7.0, 1.0],
            expected: vec![1.0, 1.0, 1.0, f64::NAN],
            lower: vec![0.0, 0.0, -1e9, f64::NAN],
            upper: vec![2.0, 2.0, 2.0, f64::NAN],
            score: vec![0.1, f64::NAN, f64::INFINITY, 0.2],
            holes: vec![(2_000, 9_000)],
            findings: vec![Found { from: 1_000, to: 2_000, score: 1e12, what: format!("{name} rose") }],
            is_listed: true,
            ..Series::default()
        }
    }

    fn page(series: Vec<Series>) -> String {
        let title = series.first().map(|one| one.name.clone()).unwrap_or_default();
        let report = Report {
            title,
            summary: None,
            note: "Note.",
            facts: Vec::new(),
            clock: Clock::Utc,
            n_rows: 4,
            series,
        };
        let mut page = Vec::new();
        report.write(&mut page).unwrap();
        String::from_utf8(page).unwrap()
    }

    #[test]
    fn texts_stay_texts() {
        let name = "</script><script>alert(1)</script>&amp;\u{2028}\"'";
        let page = page(vec![series(name)]);
        assert_eq!(page.matches("<script").count(), 3);
        let (_, data) = page.split_once("type=\"application/json\">").unwrap();
        let data: Value = serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap();
        assert_eq!(data["series"][0]["name"], name);
    }

    #[test]
    fn the_page_loads_nothing() {
        let page = page(vec![series("a")]);
        for word in ["http:", "https:", "//cdn", "src=", "@import", "url(", "innerHTML", "eval("] {
            assert!(!page.contains(word), "{word}");
        }
    }

    #[test]
    fn a_report_is_whole_without_a_script() {
        let quiet = || Series { findings: Vec::new(), ..series("b") };
        let page = page(vec![quiet(), series("a")]);
        for part in [
            "1 finding in 1 of 2 series, 4 rows, 1970-01-01 00:00:00 to 1970-01-01 00:00:09 UTC. Note.",
            "<a href=\"#chart-1\" data-from=\"1000\" data-to=\"2000\">a</a>",
            "<td class=\"n\">∞</td>",
            "a rose",
            "no values from 1970-01-01 00:00:02 to 1970-01-01 00:00:09",
            "1 series without findings",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert_eq!(
            (page.matches("class=\"line l0\" d=\"M").count(), page.matches("class=\"shade hole\"").count()),
            (4, 4)
        );
        assert!(page.find("id=\"chart-1\"") < page.find("id=\"chart-0\""), "what was found comes first");
    }

    #[test]
    fn series_become_numbers() {
        let one = series("a");
        let json = one.numbers();
        assert_eq!(
            (&json["steps"], &json["least"]),
            (&json!([0, 1_000, 1_000, 7_000]), &json!([0.333_333_3, null, 7.0, 1.0]))
        );
        assert_eq!((&json["score"][2], &json["marked"]), (&json!(1e12), &json!([2])));
        assert_eq!(
            one.band()[2].0,
            Some(1.0 / 3.0 - (7.0 - 1.0 / 3.0)),
            "a band does not make the rest a line"
        );
    }
}
