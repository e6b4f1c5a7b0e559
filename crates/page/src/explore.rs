//! Any data: an expression or a measure of a stream over time, and which part made a change.

use maud::{Markup, html};

use crate::chart::{self, Chart};
use crate::frame::{self, Section, Visitor};
use crate::text::{self, count, link, number, percent};

/// So many expressions are drawn together.
pub const MAX_TARGETS: usize = 8;
/// So many names are shown where nothing is asked.
const MAX_NAMED: usize = 20;

/// What is asked, as it stands in the address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Expressions of Graphite, drawn together; none where something else is asked.
    pub targets: Vec<String>,
    /// A query as a rule has it, in YAML; empty where something else is asked.
    pub query: String,
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
    /// Whether what is usual is drawn, and what is not.
    pub unusual: bool,
}

impl Asked {
    /// Whether anything is asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty() && self.query.is_empty() && self.stream.is_empty()
    }

    /// The question again, with another time.
    fn with(&self, from: &str, to: &str, shift: &str) -> String {
        let again =
            Self { from: from.to_owned(), to: to.to_owned(), shift: shift.to_owned(), ..self.clone() };
        again.address()
    }

    fn address(&self) -> String {
        let targets = self.targets.iter().map(|target| ("target", target.as_str()));
        let others = [
            ("query", self.query.as_str()),
            ("stream", &self.stream),
            ("measure", if self.stream.is_empty() { "" } else { &self.measure }),
            ("where", &self.condition),
            ("by", &self.by),
            ("from", &self.from),
            ("to", &self.to),
            ("shift", &self.shift),
            ("unusual", if self.unusual { "1" } else { "" }),
        ];
        link(&["explore"], &targets.chain(others).collect::<Vec<_>>())
    }

    /// What is drawn, as a rule has it; of several expressions the first.
    fn as_query(&self) -> String {
        let part = |name: &str, value: &str| {
            if value.is_empty() { String::new() } else { format!(", {name}: {value}") }
        };
        if !self.query.is_empty() {
            return self.query.clone();
        }
        if let Some(target) = self.targets.first() {
            return format!("{{ target: {} }}", text::quoted(target));
        }
        let condition = if self.condition.is_empty() { String::new() } else { text::quoted(&self.condition) };
        let by = if self.by.is_empty() { String::new() } else { format!("[{}]", self.by) };
        format!(
            "{{ stream: {}, measure: {}{}{} }}",
            text::quoted(&self.stream),
            text::quoted(&self.measure),
            part("where", &condition),
            part("by", &by)
        )
    }

    /// What is drawn as a rule that needs no number: found is what happens once a week by chance.
    #[must_use]
    pub fn rule(&self, window: &str) -> String {
        format!(
            "id: my-rule\nquery: {}\nwindow: {window}\nautomatic: {{ alarms_per_week: 1 }}\n",
            self.as_query()
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
    /// What there is to ask for.
    pub there: There,
    /// The answer.
    pub chart: Option<Chart>,
    /// How many series there are; a few of them are drawn.
    pub n_series: usize,
    /// Which groups made the change, the largest share first.
    pub parts: Vec<Part>,
    /// Which group the chart shows with what is usual and what is not, where that was asked.
    pub judged: Option<String>,
    /// Why there is no answer.
    pub problem: Option<String>,
}

/// What there is to ask for, a bounded number of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct There {
    /// The names of streams.
    pub streams: Vec<String>,
    /// The names of series without labels.
    pub series: Vec<String>,
    /// How many of these there are.
    pub n_series: usize,
    /// The names of servers elsewhere.
    pub sources: Vec<String>,
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
            (expressions(asked, &explore.there))
            (stream(asked, &explore.there.streams))
            (other(asked, &explore.there.sources))
            @if let Some(chart) = &explore.chart {
                (times(asked))
                (judged(explore.judged.as_deref(), chart))
                (chart::figure("chart", chart))
                @if chart.is_empty() { (nothing(asked, &explore.there)) }
                @if explore.n_series > chart.lines.len() && explore.judged.is_none() { p { (count(explore.n_series, "series").replace("seriess", "series")) @if explore.n_series > chart.lines.len() + chart.others.len() { ", those with the largest values drawn" } @else { ", those with the largest values by name" } } }
                (parts(&explore.parts))
                p { a.button.plain href=(link(&["edit"], &[("text", &asked.rule("10m"))])) { "Make this a rule…" } }
            } @else if asked.is_empty() {
                (there(&explore.there))
            }
        },
    )
}

/// One line for each expression, and one for the next.
fn expressions(asked: &Asked, there: &There) -> Markup {
    let has_room = asked.targets.len() < MAX_TARGETS;
    html! {
        form.ask method="get" action="/explore" {
            @for target in &asked.targets { (expression("Expression", target, "")) }
            @if asked.targets.is_empty() { (expression("Expression", "", "sumSeries(shop.*.orders)")) }
            @else if has_room { (expression("Another expression", "", "")) }
            datalist #series { @for name in &there.series { option value=(name) {} } }
            (kept(asked))
            button { "Draw" }
        }
    }
}

fn expression(label: &str, target: &str, example: &str) -> Markup {
    html! { label { (label) input name="target" value=(target) list="series" data-completed autocomplete="off" placeholder=(example) spellcheck="false"; } }
}

/// The time that stays when something else is asked.
fn kept(asked: &Asked) -> Markup {
    html! {
        input type="hidden" name="from" value=(asked.from);
        input type="hidden" name="to" value=(asked.to);
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
            (kept(asked))
            button { "Draw" }
        }
    }
}

/// Whatever else a rule can ask, such as a source or a trained detector.
fn other(asked: &Asked, sources: &[String]) -> Markup {
    let example = sources.first().map_or_else(
        || "{ model: my-detector }".to_owned(),
        |source| format!("{{ source: {source}, … }} in the language of {source}"),
    );
    html! {
        details open[!asked.query.is_empty()] {
            summary { "Any other query, as a rule has it" }
            form.ask method="get" action="/explore" {
                label { "Query" input name="query" value=(asked.query) placeholder=(example) spellcheck="false"; }
                (kept(asked))
                button { "Draw" }
            }
        }
    }
}

/// Of which group what is usual is drawn, and how often it was left.
fn judged(group: Option<&str>, chart: &Chart) -> Markup {
    let n_findings = chart.findings.iter().filter(|is_finding| **is_finding).count();
    html! { @if let Some(group) = group { p { b { (group) } ": " (count(n_findings, "finding")) ", with about one a week to expect by chance." } } }
}

/// Where nothing is asked yet.
fn there(there: &There) -> Markup {
    let name =
        |name: &str| html! { a href=(link(&["explore"], &[("target", name)])) { code { (name) } } " " };
    html! {
        @if there.series.is_empty() && there.streams.is_empty() {
            p.empty { "Nothing has come in yet. Send samples to " code { "/api/v2/write" } ", events to " code { "/api/v1/events/NAME" } ", or ask a source." }
        }
        @if !there.series.is_empty() {
            h2 { "Series" small { (there.n_series) } }
            p { @for series in there.series.iter().take(MAX_NAMED) { (name(series)) } @if there.n_series > MAX_NAMED { a href="/explore?target=*" { "all" } } }
        }
        @if !there.streams.is_empty() {
            h2 { "Streams" small { (there.streams.len()) } }
            p { @for stream in there.streams.iter().take(MAX_NAMED) { a href=(link(&["explore"], &[("stream", stream), ("measure", "count")])) { code { (stream) } } " " } }
        }
    }
}

/// What to do where nothing was found.
fn nothing(asked: &Asked, there: &There) -> Markup {
    let is_unknown = !asked.stream.is_empty() && !there.streams.contains(&asked.stream);
    html! {
        p { @if is_unknown { "Nothing ever came in for a stream " code { (asked.stream) } ". " } @else { "Choose a longer time, or another name. " } "There are:" }
        (self::there(there))
    }
}

fn times(asked: &Asked) -> Markup {
    html! {
        nav.spans aria-label="Time shown" {
            @for span in ["1h", "6h", "24h", "1w", "4w"] {
                @let from = format!("now-{span}");
                a href=(asked.with(&from, "now", &asked.shift)) aria-current=[(from == asked.from).then_some("true")] { (span) }
            }
            // A script aims these two at what is zoomed into.
            a href=(asked.address()) data-span="zoomed" hidden { "draw this span" }
            a href=(link(&["explore", "unlike"], &[("from", &asked.from), ("to", &asked.to)])) data-span { "what else changed" }
            // What is usual is drawn of one group, an earlier time beside several.
            @if asked.unusual { a href=(Asked { unusual: false, ..asked.clone() }.address()) { "without what is usual" } }
            @else { a href=(Asked { unusual: true, shift: String::new(), ..asked.clone() }.address()) { "with what is usual" } }
            @if asked.shift.is_empty() { a href=(Asked { unusual: false, shift: "1w".to_owned(), ..asked.clone() }.address()) { "compare with a week earlier" } }
            @else { a href=(asked.with(&asked.from, &asked.to, "")) { "do not compare" } }
        }
    }
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

/// The name of a group in a chart: of the only series by its name alone.
#[must_use]
pub fn series_name(labels: &lanner_core::Labels) -> String {
    let alone = labels.get("name").or_else(|| labels.get("target")).filter(|_| labels.len() == 1);
    alone.map_or_else(
        || if labels.is_empty() { "all".to_owned() } else { text::labels(labels) },
        str::to_owned,
    )
}
