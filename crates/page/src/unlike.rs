//! What else changed: all series, ranked by how unlike they are to themselves before.

use lanner_core::Labels;
use lanner_wire::api::{UnlikeResponse, UnlikeSeries};
use maud::{Markup, html};

use crate::frame::{self, Section, Visitor};
use crate::text::{self, count, link, moment, number, number_or_dash};

/// What was asked, and what came of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ranked {
    /// Where the stretch begins, as it was written.
    pub from: String,
    /// Where it ends.
    pub to: String,
    /// The answer.
    pub answer: Option<UnlikeResponse>,
    /// Why there is none.
    pub problem: Option<String>,
}

/// The page.
#[must_use]
pub fn page(visitor: &Visitor, ranked: &Ranked) -> String {
    frame::page(
        visitor,
        Section::Explore,
        "What else changed",
        None,
        &html! {
            h1 { "What else changed" }
            form.ask method="get" action="/explore/unlike" {
                label { "From" input name="from" value=(ranked.from) placeholder="now-30m" spellcheck="false"; }
                label { "To" input name="to" value=(ranked.to) placeholder="now" spellcheck="false"; }
                button { "Compare" }
            }
            (frame::complaint(ranked.problem.as_deref()))
            @if let Some(answer) = &ranked.answer { (ranking(ranked, answer)) }
        },
    )
}

fn ranking(ranked: &Ranked, answer: &UnlikeResponse) -> Markup {
    html! {
        p {
            (moment(answer.range.start)) " to " (moment(answer.range.end)) ", beside the eight stretches before it and the same time a day and a week earlier: "
            (count(answer.series.len(), "change")) " among " (number(answer.compared as f64)) " series"
            @if answer.truncated { ", which are not all; ask for fewer by name" } "."
        }
        @if answer.series.is_empty() { p.empty { "Nothing else changed more than usual." } }
        @else {
            div.scroll { table {
                thead { tr { th scope="col" { "Series" } th scope="col" { "Change" } th.n scope="col" { "Found" } th.n scope="col" { "Before" } th.n scope="col" { "Times its usual difference" } } }
                tbody { @for series in &answer.series { (row(ranked, series)) } }
            } }
        }
    }
}

fn row(ranked: &Ranked, series: &UnlikeSeries) -> Markup {
    let target = target(&series.name, &series.labels);
    html! {
        tr {
            th scope="row" { a href=(link(&["explore"], &[("target", &target), ("from", "now-24h"), ("to", &ranked.to)])) { (series.name) " " (text::labels(&series.labels)) } }
            td { (series.change) }
            td.n { (number_or_dash(series.found)) }
            td.n { (number_or_dash(series.expected)) }
            td.n { (if series.score < 1_000.0 { number((series.score * 10.0).round() / 10.0) } else { "over 1000".to_owned() }) }
        }
    }
}

/// A series in Graphite's language.
fn target(name: &str, labels: &Labels) -> String {
    if labels.is_empty() {
        return name.to_owned();
    }
    let quoted =
        |name: &str, value: &str| format!("'{name}={}'", value.replace('\\', "\\\\").replace('\'', "\\'"));
    let tags = labels.iter().map(|(label, value)| quoted(label, value));
    let all: Vec<String> = std::iter::once(quoted("name", name)).chain(tags).collect();
    format!("seriesByTag({})", all.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_can_be_drawn() {
        assert_eq!(target("cpu.usage", &Labels::default()), "cpu.usage");
        let labels = Labels::new([("host", "o'brien")]);
        assert_eq!(target("cpu", &labels), "seriesByTag('name=cpu','host=o\\'brien')");
    }
}
