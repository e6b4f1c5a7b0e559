//! Any data: an expression or a measure of a stream over time, and which part made a change.

use maud::{Markup, html};

use crate::chart::{self, Chart};
use crate::frame::{self, Section, Visitor};
use crate::text::{self, count, link, number, percent};

/// What is asked, as it stands in the address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// An expression of Graphite; empty where a stream is asked.
    pub target: String,
    /// A stream of events.
    pub stream: String,
    /// What is measured of its events.
    pub measure: String,
    /// Which events count.
    pub condition: String,
    /// The fields that events are grouped by, with commas between.
    pub by: String,
    /// Where the time begins: `now-6h`.
    pub from: String,
    /// Where it ends: `now`.
    pub to: String,
    /// By how long the comparison lies back; empty for none.
    pub shift: String,
}

impl Asked {
    /// Whether anything is asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.target.is_empty() && self.stream.is_empty()
    }

    fn with<'a>(&'a self, from: &'a str, to: &'a str, shift: &'a str) -> String {
        link(
            &["explore"],
            &[
                ("target", &self.target),
                ("stream", &self.stream),
                ("measure", &self.measure),
                ("where", &self.condition),
                ("by", &self.by),
                ("from", from),
                ("to", to),
                ("shift", shift),
            ],
        )
    }
}

/// One label value's part in a change.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The group.
    pub name: String,
    /// Its value in the earlier half.
    pub before: f64,
    /// Its value in the later half.
    pub after: f64,
    /// Which share of the whole change is gone without it; more than one where others go the other way.
    pub share: f64,
}

/// What is shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Explore {
    /// What was asked.
    pub asked: Asked,
    /// The names of streams, to choose from.
    pub streams: Vec<String>,
    /// The answer.
    pub chart: Option<Chart>,
    /// How many series there are; a few of them are drawn.
    pub n_series: usize,
    /// Which groups made the change, the largest share first.
    pub parts: Vec<Part>,
    /// Why there is no answer.
    pub problem: Option<String>,
}

/// The page.
#[must_use]
pub fn page(visitor: &Visitor, explore: &Explore) -> String {
    let asked = &explore.asked;
    frame::page(
        visitor,
        Section::Explore,
        "Explore",
        None,
        &html! {
            h1 { "Explore" }
            (frame::complaint(explore.problem.as_deref()))
            (expression(asked))
            (stream(asked, &explore.streams))
            @if let Some(chart) = &explore.chart {
                (times(asked))
                (chart::figure("chart", chart))
                @if explore.n_series > chart.lines.len() { p { (count(explore.n_series, "series").replace("seriess", "series")) @if explore.n_series > chart.lines.len() + chart.others.len() { ", those with the largest values drawn" } @else { ", those with the largest values by name" } } }
                (parts(&explore.parts))
                p { a.button.plain href=(link(&["edit"], &[("text", &rule(asked))])) { "Make this a rule…" } }
            } @else if asked.is_empty() {
                p.empty { "Ask for a series, such as " a href="/explore?target=*" { code { "*" } } ", or for a measure of a stream of events." }
            }
        },
    )
}

fn expression(asked: &Asked) -> Markup {
    html! {
        form.ask method="get" action="/explore" {
            label { "Expression" input name="target" value=(asked.target) placeholder="sumSeries(shop.*.orders)" spellcheck="false"; }
            input type="hidden" name="from" value=(asked.from);
            input type="hidden" name="to" value=(asked.to);
            button { "Draw" }
        }
    }
}

fn stream(asked: &Asked, streams: &[String]) -> Markup {
    html! {
        form.ask method="get" action="/explore" {
            label { "Stream" input name="stream" value=(asked.stream) list="streams" placeholder="payments"; }
            datalist #streams { @for stream in streams { option value=(stream) {} } }
            label { "Measure" input name="measure" value=(if asked.measure.is_empty() { "count" } else { &asked.measure }) placeholder="count" spellcheck="false"; }
            label { "Where" input name="where" value=(asked.condition) placeholder="status == \"ok\"" spellcheck="false"; }
            label { "By" input name="by" value=(asked.by) placeholder="bank" spellcheck="false"; }
            input type="hidden" name="from" value=(asked.from);
            input type="hidden" name="to" value=(asked.to);
            button { "Draw" }
        }
    }
}

fn times(asked: &Asked) -> Markup {
    html! {
        nav.spans aria-label="Time shown" {
            @for span in ["1h", "6h", "24h", "1w", "4w"] {
                @let from = format!("now-{span}");
                a href=(asked.with(&from, "now", &asked.shift)) aria-current=[(from == asked.from).then_some("true")] { (span) }
            }
            a href=(link(&["explore", "unlike"], &[("from", &asked.from), ("to", &asked.to)])) { "what else changed" }
            @if asked.shift.is_empty() { a href=(asked.with(&asked.from, &asked.to, "1w")) { "compare with a week earlier" } }
            @else { a href=(asked.with(&asked.from, &asked.to, "")) { "do not compare" } }
        }
    }
}

/// What is drawn as a rule that needs no number: found is what happens once a week by chance.
fn rule(asked: &Asked) -> String {
    let part =
        |name: &str, value: &str| if value.is_empty() { String::new() } else { format!(", {name}: {value}") };
    let query = if asked.target.is_empty() {
        let condition =
            if asked.condition.is_empty() { String::new() } else { text::quoted(&asked.condition) };
        let by = if asked.by.is_empty() { String::new() } else { format!("[{}]", asked.by) };
        format!(
            "stream: {}, measure: {}{}{}",
            text::quoted(&asked.stream),
            text::quoted(&asked.measure),
            part("where", &condition),
            part("by", &by)
        )
    } else {
        format!("target: {}", text::quoted(&asked.target))
    };
    format!("id: my-rule\nquery: {{ {query} }}\nwindow: 10m\nautomatic: {{ alarms_per_week: 1 }}\n")
}

fn parts(parts: &[Part]) -> Markup {
    html! {
        @if !parts.is_empty() {
            h2 { "What made it" small { "how much of the change from the first to the second half is gone without each group" } }
            div.scroll { table {
                thead { tr { th scope="col" { "Without" } th.n scope="col" { "Share" } th.n scope="col" { "Before" } th.n scope="col" { "After" } } }
                tbody { @for part in parts.iter().take(50) { tr {
                    th scope="row" { (part.name) } td.n { (percent(part.share)) } td.n { (number(part.before)) } td.n { (number(part.after)) }
                } } }
            } }
        }
    }
}

/// Which groups made the change from the first half of the time to the second, for measures whose groups add up. Nothing
/// where the whole did not change.
///
/// ```
/// use lanner_page::explore::what_made_it;
/// let series = [("hsbc".to_owned(), vec![Some(10.0), Some(2.0)]), ("ing".to_owned(), vec![Some(10.0), Some(12.0)])];
/// let parts = what_made_it(&series);
/// assert_eq!((parts[0].name.as_str(), parts[0].share), ("hsbc", 8.0 / 6.0));
/// ```
#[must_use]
pub fn what_made_it(series: &[(String, Vec<Option<f64>>)]) -> Vec<Part> {
    let halves = |values: &[Option<f64>]| {
        let (before, after) = values.split_at(values.len() / 2);
        let sum = |values: &[Option<f64>]| values.iter().flatten().sum::<f64>();
        (sum(before), sum(after))
    };
    let all: Vec<(&String, (f64, f64))> =
        series.iter().map(|(name, values)| (name, halves(values))).collect();
    let change: f64 = all.iter().map(|(_, (before, after))| after - before).sum();
    if change == 0.0 || !change.is_finite() || series.len() < 2 {
        return Vec::new();
    }
    let part = |(name, (before, after)): (&String, (f64, f64))| Part {
        name: name.clone(),
        before,
        after,
        share: (after - before) / change,
    };
    let mut parts: Vec<Part> = all.into_iter().map(part).collect();
    parts.sort_by(|one, other| other.share.total_cmp(&one.share).then_with(|| one.name.cmp(&other.name)));
    parts
}

/// The name of a group in a chart.
#[must_use]
pub fn series_name(labels: &lanner_core::Labels) -> String {
    labels.get("name").filter(|_| labels.len() == 1).map_or_else(
        || if labels.is_empty() { "all".to_owned() } else { text::labels(labels) },
        str::to_owned,
    )
}
