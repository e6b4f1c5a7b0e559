//! Charts: a figure that is whole without a script, can be read by keyboard with one, and has its data as a table.
//!
//! The drawing stretches to its place, so it holds shapes only; labels are text beside it. `chart.js` adds a cursor that arrows
//! move and a live region reads, and zoom, by the numbers in `data-chart`.

use std::fmt::Write as _;

use lanner_core::time::{DAY_MS, format_time};
use lanner_wire::api::Time;
use maud::{Markup, html};
use serde_json::{Value, json};

use crate::text::{self, number, number_or_dash};

const WIDTH: f64 = 1_000.0;
const HEIGHT: f64 = 200.0;
/// Room above the highest and below the lowest value, so that no dot is cut.
const EDGE: f64 = 5.0;
/// The part of what is drawn that lies beyond a band.
const ROOM: f64 = 0.08;
/// More points are thinned to the lowest and the highest of each slot.
pub const MAX_POINTS: usize = 1_500;

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

/// The figure. `id` is that of the page's element, and has to be the only one.
#[must_use]
pub fn figure(id: &str, chart: &Chart) -> Markup {
    let Some((low, high)) = chart.range() else {
        return html! { p.empty { "There is nothing to draw: no values in this time." } };
    };
    let (first, last) = (chart.times.first().copied().unwrap_or(0), chart.times.last().copied().unwrap_or(0));
    let scale = Scale { low, high, first, last };
    let (table, stretches) = (format!("{id}-table"), stretches(&chart.times));
    html! {
        figure.chart #(id) tabindex="0" role="group" aria-label=(chart.title) aria-details=(table) data-chart=(numbers(chart)) {
            div.plot {
                div.y { span { (number(high)) } span { (number(f64::midpoint(low, high))) } span { (number(low)) } }
                svg viewBox="0 0 1000 200" preserveAspectRatio="none" aria-hidden="true" {
                    @for y in [5, 100, 195] { line.grid x1="0" x2="1000" y1=(y) y2=(y) {} }
                    @if let Some(band) = band(chart, &scale) { path.band d=(band) {} }
                    @for values in &chart.others { path.other d=(path(&chart.times, &stretches, values, &scale)) {} }
                    @for (nth, line) in chart.lines.iter().enumerate().rev() { path class={ "line l" (nth % 8) } d=(path(&chart.times, &stretches, &line.values, &scale)) {} }
                    @if let Some(marks) = marks(chart, &scale) { path.finding d=(marks) {} }
                }
                div.x { span { (label(first, last - first)) } span { (label(first + (last - first) / 2, last - first)) } span { (label(last, last - first)) " UTC" } }
            }
            figcaption { (legend(chart)) }
            output.read aria-live="polite" { }
        }
        (data(&table, chart))
    }
}

/// From values to places.
struct Scale {
    low: f64,
    high: f64,
    first: i64,
    last: i64,
}

impl Scale {
    fn x(&self, time_ms: i64) -> f64 {
        let length = (self.last - self.first).max(1) as f64;
        ((time_ms - self.first) as f64 / length * WIDTH * 10.0).round() / 10.0
    }

    fn y(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        ((HEIGHT - EDGE - share * (HEIGHT - 2.0 * EDGE)) * 10.0).round() / 10.0
    }
}

/// Which stretch of time each point belongs to. A hole, as where a rule does not watch at night, divides two: where the next
/// point is more than three usual steps away.
fn stretches(times: &[i64]) -> Vec<usize> {
    let step = |pair: &[i64]| pair.iter().copied().reduce(|earlier, later| later - earlier).unwrap_or(0);
    let mut steps: Vec<i64> = times.windows(2).map(step).collect();
    steps.sort_unstable();
    let longest_ms = steps.get(steps.len() / 2).map_or(i64::MAX, |usual_ms| usual_ms.saturating_mul(3));
    let mut stretch = 0;
    let later = times.windows(2).map(|pair| {
        stretch += usize::from(step(pair) > longest_ms);
        stretch
    });
    times.first().map(|_| 0).into_iter().chain(later).collect()
}

/// A line with its gaps; of many points those that the eye would see.
/// - `stretches`: of the times
fn path(times: &[i64], stretches: &[usize], values: &[Option<f64>], scale: &Scale) -> String {
    let (mut path, mut last) = (String::new(), None);
    for at in thinned(values) {
        let value = values.get(at).copied().flatten().filter(|value| value.is_finite());
        let (Some(value), Some(time_ms), own) = (value, times.get(at), stretches.get(at)) else {
            last = None;
            continue;
        };
        let is_drawing = last.is_some() && last == own;
        let command = if is_drawing { 'L' } else { 'M' };
        let _ = write!(path, "{command}{} {}", scale.x(*time_ms), scale.y(value));
        if !is_drawing {
            path.push_str("h0"); // a point alone is a dot
        }
        last = own;
    }
    path
}

/// The places of the points to draw: all, or of each slot the lowest, the highest and the gaps.
fn thinned(values: &[Option<f64>]) -> Vec<usize> {
    if values.len() <= MAX_POINTS {
        return (0..values.len()).collect();
    }
    let slot = values.len().div_ceil(MAX_POINTS / 2);
    let mut kept = Vec::new();
    for (nth, chunk) in values.chunks(slot).enumerate() {
        let known = || chunk.iter().enumerate().filter_map(|(at, value)| Some((at, (*value)?)));
        let low = known().min_by(|one, other| one.1.total_cmp(&other.1)).map(|(at, _)| at);
        let high = known().max_by(|one, other| one.1.total_cmp(&other.1)).map(|(at, _)| at);
        let gap = chunk.iter().position(Option::is_none);
        let mut own: Vec<usize> = [low, high, gap].into_iter().flatten().map(|at| nth * slot + at).collect();
        own.sort_unstable();
        own.dedup();
        kept.extend(own);
    }
    kept
}

/// Where a band lies: from left to right, its lower and its upper edge.
type Area = Vec<(f64, f64, f64)>;

/// The band as areas, one for each stretch in which it is known.
fn band(chart: &Chart, scale: &Scale) -> Option<String> {
    let (mut areas, mut last) = (Vec::<Area>::new(), None);
    for ((time_ms, (low, high)), own) in chart.times.iter().zip(&chart.band).zip(stretches(&chart.times)) {
        if low.is_none() && high.is_none() {
            last = None;
            continue;
        }
        if last != Some(own) {
            areas.push(Vec::new());
        }
        let (low, high) = (low.unwrap_or(scale.low), high.unwrap_or(scale.high));
        if let Some(area) = areas.last_mut() {
            area.push((scale.x(*time_ms), scale.y(low), scale.y(high)));
        }
        last = Some(own);
    }
    let mut path = String::new();
    for stretch in &areas {
        for (nth, (x, low, _)) in stretch.iter().enumerate() {
            let _ = write!(path, "{}{x} {low}", if nth == 0 { 'M' } else { 'L' });
        }
        for (x, _, high) in stretch.iter().rev() {
            let _ = write!(path, "L{x} {high}");
        }
        path.push('Z');
    }
    Some(path).filter(|path| !path.is_empty())
}

/// Findings as dots on the first line.
fn marks(chart: &Chart, scale: &Scale) -> Option<String> {
    let first = chart.lines.first()?;
    let mut path = String::new();
    for ((time_ms, value), is_finding) in chart.times.iter().zip(&first.values).zip(&chart.findings) {
        if let (Some(value), true) = (value.filter(|value| value.is_finite()), *is_finding) {
            let _ = write!(path, "M{} {}h0", scale.x(*time_ms), scale.y(value));
        }
    }
    Some(path).filter(|path| !path.is_empty())
}

fn label(time_ms: i64, length_ms: i64) -> String {
    let text = format_time(time_ms);
    let part = if length_ms >= 2 * DAY_MS { text.get(5..16) } else { text.get(11..16) };
    part.unwrap_or(&text).replace('T', " ")
}

fn legend(chart: &Chart) -> Markup {
    let n_findings = chart.findings.iter().filter(|is_finding| **is_finding).count();
    html! {
        @for (nth, line) in chart.lines.iter().enumerate() {
            span.key { svg viewBox="0 0 24 8" aria-hidden="true" { path class={ "line l" (nth % 8) } d="M0 4h24" {} } (line.name) }
        }
        @if !chart.others.is_empty() { span.key { svg viewBox="0 0 24 8" aria-hidden="true" { path.other d="M0 4h24" {} } (chart.others.len()) " more" } }
        @if !chart.band.is_empty() { span.key { svg viewBox="0 0 24 8" aria-hidden="true" { path.band d="M0 0h24v8h-24Z" {} } "usual" } }
        @if n_findings > 0 { span.key { svg viewBox="0 0 24 8" aria-hidden="true" { path.finding d="M12 4h0" {} } (text::count(n_findings, "finding")) } }
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
                thead { tr { th scope="col" { "Time (UTC)" } @for line in &chart.lines { th.n scope="col" { (line.name) } }
                    @if !chart.band.is_empty() { th.n scope="col" { "Usual from" } th.n scope="col" { "to" } } th scope="col" { "Finding" } } }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn line(values: &[Option<f64>]) -> Line {
        Line { name: "value".to_owned(), values: values.to_vec() }
    }

    fn chart(values: &[Option<f64>]) -> Chart {
        let times = (0..values.len() as i64).map(|at| at * 60_000).collect();
        Chart { title: "t".to_owned(), times, lines: vec![line(values)], ..Chart::default() }
    }

    fn drawn(chart: &Chart, scale: &Scale) -> String {
        path(&chart.times, &stretches(&chart.times), &chart.lines[0].values, scale)
    }

    #[test]
    fn lines_have_gaps_and_stretch_to_the_edges() {
        let chart = chart(&[Some(0.0), Some(10.0), None, Some(5.0)]);
        let scale = Scale { low: 0.0, high: 10.0, first: 0, last: 180_000 };
        assert_eq!(drawn(&chart, &scale), "M0 195h0L333.3 5M1000 100h0");
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
    fn a_hole_is_no_line() {
        let mut chart = chart(&[Some(0.0), Some(10.0), Some(5.0), Some(0.0)]);
        chart.times = vec![0, 60_000, 540_000, 600_000];
        let scale = Scale { low: 0.0, high: 10.0, first: 0, last: 600_000 };
        assert_eq!(drawn(&chart, &scale), "M0 195h0L100 5M900 100h0L1000 195");
        assert_eq!((stretches(&[]), stretches(&[7])), (vec![], vec![0]));
    }

    #[test]
    fn bands_are_areas() {
        let mut chart = chart(&[Some(0.0), Some(10.0)]);
        chart.band = vec![(Some(2.0), Some(4.0)), (Some(2.0), None)];
        let scale = Scale { low: 0.0, high: 10.0, first: 0, last: 60_000 };
        assert_eq!(band(&chart, &scale).unwrap(), "M0 157L1000 157L1000 5L0 119Z");
        chart.band = vec![(None, None); 2];
        assert_eq!(band(&chart, &scale), None);
        assert_eq!(chart.range(), Some((0.0, 10.0)));
        chart.band = vec![(Some(2.0), Some(20.0)), (Some(3.0), None)];
        assert_eq!(chart.range(), Some((0.0, 20.0 + 0.08 * 20.0)));
    }

    #[test]
    fn many_points_keep_their_extremes() {
        let mut values: Vec<Option<f64>> = (0..100_000).map(|at| Some(f64::from(at % 10))).collect();
        values[54_321] = Some(1e6);
        values[12_345] = None;
        let kept = thinned(&values);
        assert!(
            kept.len() <= MAX_POINTS + 3 && kept.contains(&54_321) && kept.contains(&12_345),
            "{}",
            kept.len()
        );
        assert!(kept.is_sorted());
    }

    #[test]
    fn nothing_to_draw_is_said() {
        assert!(figure("c", &chart(&[None, None])).into_string().contains("nothing to draw"));
        assert!(figure("c", &Chart::default()).into_string().contains("nothing to draw"));
    }
}
