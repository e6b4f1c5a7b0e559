//! Charts: a figure that is whole without a script, can be read by keyboard with one, and has its data as a table.
//!
//! The drawing stretches to its place, so it holds shapes only; labels are text beside it. `chart.js` adds a cursor that arrows
//! move and a live region reads, and zoom, by the numbers in `data-chart`. Reports are drawn by the same code: see [`drawing`].
//!
//! Reading order: [`Chart`], [`figure`]; `clock` (how moments are told), `draw` (from values to shapes).

mod clock;
mod draw;

use lanner_wire::api::Time;
use maud::{Markup, html};
use serde_json::{Value, json};

pub use self::clock::Clock;
pub use self::draw::MAX_POINTS;
use self::draw::{HEIGHT, Scale};
use crate::text::{self, number, number_or_dash};

/// The part of what is drawn that lies beyond a band.
const ROOM: f64 = 0.08;
/// How high the curve below a chart is drawn.
const BELOW: f64 = 60.0;

/// One line of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What it is.
    pub name: String,
    /// A value for each of the chart's times; a gap where there is none.
    pub values: Vec<Option<f64>>,
}

/// What is drawn.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chart {
    /// What it shows, for those who cannot see it.
    pub title: String,
    /// The end of each window or the start of each step, milliseconds since the Unix epoch, rising.
    pub times: Vec<i64>,
    /// The lines, the most important one first; each dashed in its own way.
    pub lines: Vec<Line>,
    /// The values of further lines, drawn thin behind the others, without a name: there are more than can be told apart.
    pub others: Vec<Vec<Option<f64>>>,
    /// The band of usual values, low and high, for each time.
    pub band: Vec<(Option<f64>, Option<f64>)>,
    /// Which points are findings.
    pub findings: Vec<bool>,
}

impl Chart {
    /// Whether there is nothing to draw.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.range().is_none()
    }

    /// The lowest and the highest of all that is drawn, with room beyond a band, so that its edges are seen.
    fn range(&self) -> Option<(f64, f64)> {
        let lines = self.lines.iter().map(|line| &line.values).chain(&self.others).flatten().copied();
        let (low, high) = extent(lines.flatten());
        let (lower, upper) = extent(self.band.iter().flat_map(|(low, high)| [*low, *high]).flatten());
        let room = ROOM * (high.max(upper) - low.min(lower));
        let low = if lower < low { lower - room } else { low };
        let high = if upper > high { upper + room } else { high };
        match low <= high {
            false => None,
            true if low == high => Some((low - 1.0, high + 1.0)),
            true => Some((low, high)),
        }
    }
}

/// The lowest and the highest of some values; the wrong way around where there are none.
fn extent(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let none = (f64::INFINITY, f64::NEG_INFINITY);
    values
        .filter(|value| value.is_finite())
        .fold(none, |(low, high), value| (low.min(value), high.max(value)))
}

/// What a report draws beside: it shows several charts of the same time, of many values each.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Beside {
    /// By which clock.
    pub clock: Clock,
    /// From when to when all of its charts are drawn, if that is not from the first to the last of their own times.
    pub span: Option<(i64, i64)>,
    /// Where a point stands for several values, the highest of each; the first line then has the lowest.
    pub highest: Vec<Option<f64>>,
    /// Stretches of time that are shaded.
    pub shades: Vec<(Shade, Vec<(i64, i64)>)>,
    /// A curve below, with a scale of its own.
    pub below: Option<Below>,
}

/// What a stretch of time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shade {
    /// Somebody knew that something was wrong.
    Known,
    /// Nothing was measured.
    Hole,
    /// Something was found.
    Finding,
}

impl Shade {
    const fn class(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Hole => "hole",
            Self::Finding => "found",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Known => "known incident",
            Self::Hole => "no values",
            Self::Finding => "finding",
        }
    }
}

/// A curve below a chart, from 0 up.
#[derive(Debug, Clone, PartialEq)]
pub struct Below {
    /// The curve.
    pub line: Line,
    /// Where it decides, as a line through it.
    pub limit: Option<f64>,
}

impl Below {
    /// The most that is drawn: what lies far beyond the limit would leave nothing of the rest.
    fn most(&self) -> f64 {
        let (_, most) = extent(self.line.values.iter().flatten().copied());
        let most = self.limit.map_or(most, |limit| most.clamp(2.0 * limit, 10.0 * limit));
        if most > 0.0 && most.is_finite() { most } else { 1.0 }
    }
}

/// The figure with its numbers and its table. `id` is that of the page's element, and has to be the only one.
#[must_use]
pub fn figure(id: &str, chart: &Chart) -> Markup {
    if chart.is_empty() {
        return nothing();
    }
    let numbers = numbers(chart);
    html! { (drawn(id, chart, &Beside::default(), Some(&numbers))) (data(&table_of(id), chart)) }
}

/// The figure alone. A script has the numbers: it hands them to `chart.js` as `figure.chart`, with which that fills the table.
#[must_use]
pub fn drawing(id: &str, chart: &Chart, beside: &Beside) -> Markup {
    if chart.is_empty() {
        return nothing();
    }
    let columns = chart.lines.iter().chain(beside.below.iter().map(|below| &below.line));
    html! {
        (drawn(id, chart, beside, None))
        details.data #(table_of(id)) {
            summary { "The same as a table: " (text::count(chart.times.len(), "row")) }
            div.scroll tabindex="0" role="region" aria-label={ "Data of " (chart.title) } {
                table { (heading(columns, !chart.band.is_empty(), &beside.clock)) }
            }
        }
    }
}

fn nothing() -> Markup {
    html! { p.empty { "There is nothing to draw: no values in this time." } }
}

fn table_of(id: &str) -> String {
    format!("{id}-table")
}

/// - `numbers`: those that the script reads
fn drawn(id: &str, chart: &Chart, beside: &Beside, numbers: Option<&str>) -> Markup {
    let (low, high) = chart.range().unwrap_or((0.0, 1.0));
    let own = (chart.times.first().copied().unwrap_or(0), chart.times.last().copied().unwrap_or(0));
    let (first, last) = beside.span.unwrap_or(own);
    let scale = Scale { low, high, first, last, height: HEIGHT };
    html! {
        figure.chart #(id) tabindex="0" role="group" aria-label=(chart.title) aria-details=(table_of(id)) data-chart=[numbers] {
            div.plot {
                div.y { span { (number(high)) } span { (number(f64::midpoint(low, high))) } span { (number(low)) } }
                svg viewBox="0 0 1000 200" preserveAspectRatio="none" aria-hidden="true" { (shapes(chart, beside, &scale)) }
                @if let Some(below) = &beside.below { (curve(chart, below, &scale)) }
                div.x {
                    @for at in [first, first + (last - first) / 2] { span { (beside.clock.label(at, last - first)) } }
                    span { (beside.clock.label(last, last - first)) (beside.clock.suffix()) }
                }
            }
            figcaption { (legend(chart, beside)) }
            output.read aria-live="polite" { }
        }
    }
}

fn shapes(chart: &Chart, beside: &Beside, scale: &Scale) -> Markup {
    let stretches = draw::stretches(&chart.times);
    let path = |values, highest| draw::path(&chart.times, &stretches, &draw::points(values, highest), scale);
    let marked = chart.lines.first().map_or(&[][..], |line| &line.values);
    html! {
        @for (shade, spans) in &beside.shades { path.shade.(shade.class()) d=(draw::shade(spans, scale)) {} }
        @for y in [5, 100, 195] { line.grid x1="0" x2="1000" y1=(y) y2=(y) {} }
        @if let Some(band) = draw::band(&chart.times, &chart.band, scale) { path.band d=(band) {} }
        @for values in &chart.others { path.other d=(path(values, &[])) {} }
        @for (nth, line) in chart.lines.iter().enumerate().rev() {
            path class={ "line l" (nth % 8) } d=(path(&line.values, if nth == 0 { &beside.highest } else { &[] })) {}
        }
        @if let Some(marks) = draw::marks(&chart.times, marked, &chart.findings, scale) { path.finding d=(marks) {} }
    }
}

fn curve(chart: &Chart, below: &Below, scale: &Scale) -> Markup {
    let most = below.most();
    let scale = Scale { low: 0.0, high: most, height: BELOW, ..*scale };
    let values: Vec<Option<f64>> =
        below.line.values.iter().map(|value| value.map(|it| it.min(most))).collect();
    let path = draw::path(&chart.times, &draw::stretches(&chart.times), &draw::points(&values, &[]), &scale);
    html! {
        div.y { span { (number(most)) } span { (below.line.name) } }
        svg.below viewBox={ "0 0 1000 " (BELOW) } preserveAspectRatio="none" aria-hidden="true" data-most=(most) {
            @if let Some(limit) = below.limit { @let y = scale.y(limit.min(most)); line.limit x1="0" x2="1000" y1=(y) y2=(y) {} }
            path.line.score d=(path) {}
        }
    }
}

fn legend(chart: &Chart, beside: &Beside) -> Markup {
    let n_findings = chart.findings.iter().filter(|is_finding| **is_finding).count();
    html! {
        @for (nth, line) in chart.lines.iter().enumerate() {
            span.key { svg viewBox="0 0 24 8" aria-hidden="true" { path class={ "line l" (nth % 8) } d="M0 4h24" {} } (line.name) }
        }
        @if !chart.others.is_empty() { span.key { svg viewBox="0 0 24 8" aria-hidden="true" { path.other d="M0 4h24" {} } (chart.others.len()) " more" } }
        @if !chart.band.is_empty() { span.key { svg viewBox="0 0 24 8" aria-hidden="true" { path.band d="M0 0h24v8h-24Z" {} } "usual" } }
        @if n_findings > 0 { span.key { svg viewBox="0 0 24 8" aria-hidden="true" { path.finding d="M12 4h0" {} } (text::count(n_findings, "finding")) } }
        @for (shade, spans) in &beside.shades {
            @if !spans.is_empty() { span.key { svg viewBox="0 0 24 8" aria-hidden="true" { path.shade.(shade.class()) d="M0 0h24v8h-24Z" {} } (shade.words()) } }
        }
        @if let Some(below) = &beside.below {
            span.key { svg viewBox="0 0 24 8" aria-hidden="true" { path.line.score d="M0 4h24" {} } (below.line.name) @if let Some(limit) = below.limit { ", found above " (number(limit)) } }
        }
    }
}

/// What the script reads: times, lines, band, findings, and between which values they are drawn.
fn numbers(chart: &Chart) -> String {
    let value = |value: &Option<f64>| {
        value.filter(|value| value.is_finite()).map_or(Value::Null, |value| json!(value))
    };
    let line = |line: &Line| json!({ "name": line.name, "values": line.values.iter().map(value).collect::<Vec<_>>() });
    let (low, high) = chart.range().unwrap_or((0.0, 1.0));
    let findings = chart.findings.iter().enumerate().filter(|(_, is_finding)| **is_finding).map(|(at, _)| at);
    let edges = |(lower, upper): &(Option<f64>, Option<f64>)| json!([value(lower), value(upper)]);
    json!({
        "times": chart.times,
        "lines": chart.lines.iter().map(line).collect::<Vec<_>>(),
        "band": chart.band.iter().map(edges).collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<_>>(),
        "low": low,
        "high": high,
    })
    .to_string()
}

/// The same numbers as a table, which the script shows page by page.
fn data(id: &str, chart: &Chart) -> Markup {
    html! {
        details.data #(id) {
            summary { "The same as a table: " (text::count(chart.times.len(), "row")) }
            div.scroll tabindex="0" role="region" aria-label={ "Data of " (chart.title) } { table {
                (heading(chart.lines.iter(), !chart.band.is_empty(), &Clock::Utc))
                tbody {
                    @for (at, time_ms) in chart.times.iter().enumerate().rev() {
                        tr {
                            td { (text::moment(Time(*time_ms))) }
                            @for line in &chart.lines { td.n { (number_or_dash(line.values.get(at).copied().flatten())) } }
                            @if let Some((lower, upper)) = chart.band.get(at) { td.n { (number_or_dash(*lower)) } td.n { (number_or_dash(*upper)) } }
                            td { @if chart.findings.get(at) == Some(&true) { "yes" } }
                        }
                    }
                }
            } }
        }
    }
}

/// The names of the columns.
fn heading<'a>(lines: impl Iterator<Item = &'a Line>, has_band: bool, clock: &Clock) -> Markup {
    let time = if *clock == Clock::Lines {
        "Line".to_owned()
    } else {
        format!("Time ({})", clock.suffix().trim_start())
    };
    html! {
        thead { tr { th scope="col" { (time) } @for line in lines { th.n scope="col" { (line.name) } }
            @if has_band { th.n scope="col" { "Usual from" } th.n scope="col" { "to" } } th scope="col" { "Finding" } } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(values: &[Option<f64>]) -> Chart {
        let times = (0..values.len() as i64).map(|at| at * 60_000).collect();
        let line = Line { name: "value".to_owned(), values: values.to_vec() };
        Chart { title: "t".to_owned(), times, lines: vec![line], ..Chart::default() }
    }

    #[test]
    fn what_cannot_be_told_apart_is_drawn_behind() {
        let mut chart = chart(&[Some(5.0), Some(5.0)]);
        chart.others = vec![vec![Some(0.0), Some(10.0)]; 92];
        assert_eq!(chart.range(), Some((0.0, 10.0)));
        let drawn = figure("c", &chart).into_string();
        assert_eq!(drawn.matches("<path class=\"other\" d=\"M0 195h0L1000 5\">").count(), 92);
        assert!(drawn.contains("92 more") && drawn.find("class=\"other\"") < drawn.find("class=\"line l0\""));
    }

    #[test]
    fn the_edges_of_a_band_are_seen() {
        let mut chart = chart(&[Some(0.0), Some(10.0)]);
        chart.band = vec![(None, None); 2];
        assert_eq!(chart.range(), Some((0.0, 10.0)));
        chart.band = vec![(Some(2.0), Some(20.0)), (Some(3.0), None)];
        assert_eq!(chart.range(), Some((0.0, 20.0 + 0.08 * 20.0)));
    }

    #[test]
    fn a_drawing_leaves_its_numbers_to_a_script() {
        let below = Below {
            line: Line { name: "score".to_owned(), values: vec![Some(0.5), Some(70.0)] },
            limit: Some(1.0),
        };
        assert_eq!(below.most(), 10.0);
        let beside = Beside {
            span: Some((0, 120_000)),
            highest: vec![Some(4.0), Some(8.0)],
            shades: vec![(Shade::Known, vec![(0, 60_000)]), (Shade::Hole, Vec::new())],
            below: Some(below),
            ..Beside::default()
        };
        let drawn = drawing("c", &chart(&[Some(0.0), Some(8.0)]), &beside).into_string();
        assert!(
            !drawn.contains("data-chart") && !drawn.contains("<td") && !drawn.contains("no values"),
            "{drawn}"
        );
        // Half of the width, since the other charts go on; and a stroke where a point stands for several values.
        for part in [
            "d=\"M0 195h0L0 100L500 5\"",
            "class=\"shade known\" d=\"M-1 0H501V200H-1Z\"",
            "score, found above 1",
            "Time (UTC)",
        ] {
            assert!(drawn.contains(part), "{part}: {drawn}");
        }
    }

    #[test]
    fn nothing_to_draw_is_said() {
        assert!(figure("c", &chart(&[None, None])).into_string().contains("nothing to draw"));
        assert!(
            drawing("c", &Chart::default(), &Beside::default()).into_string().contains("nothing to draw")
        );
    }
}
