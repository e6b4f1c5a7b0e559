//! A rule being written: its text, what is wrong with it, and what it would have done.
//!
//! One form holds all of it, so that nothing is lost when it is checked, previewed or refused. With a script the text is checked
//! while it is typed, and the limits have a handle; without, buttons do the same.

use lanner_wire::api::{EpisodeView, ProblemView, ReviewView, SettingView, SuggestionView, Time};
use maud::{Markup, html};
use serde_json::{Value, json};

use crate::chart::{self, Chart};
use crate::explore::series_name;
use crate::frame::{self, Section, Visitor};
use crate::rules;
use crate::text::{self, count, link, moment, number, percent};

/// How far back a preview looks.
const SPANS: [&str; 5] = ["1d", "1w", "2w", "4w", "12w"];
/// Firings that a preview lists; it counts all.
const MAX_FIRINGS: usize = 20;

/// A rule that is being written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Draft {
    /// The rule that is changed; empty for a new one.
    pub rule: String,
    /// Its version when this began.
    pub version: u32,
    /// The text, in YAML.
    pub text: String,
    /// Why, for the history.
    pub message: String,
    /// How far back the preview looks, such as `2w`.
    pub span: String,
    /// What is wrong with the text; `None` before it is checked.
    pub problems: Option<Vec<ProblemView>>,
    /// What is not wrong, but worth knowing.
    pub warnings: Vec<String>,
    /// Why it was not saved.
    pub refusal: Option<String>,
    /// What the rule would have done.
    pub preview: Option<Preview>,
}

/// What a rule would have done.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// In numbers and sentences, with other limits.
    pub review: ReviewView,
    /// The group that fired most, over time.
    pub chart: Chart,
}

/// The page.
#[must_use]
pub fn page(visitor: &Visitor, draft: &Draft) -> String {
    let title = if draft.rule.is_empty() { "New rule".to_owned() } else { format!("Change {}", draft.rule) };
    frame::page(
        visitor,
        Section::Rules,
        &title,
        None,
        &html! {
            h1 { (title) }
            form.editor method="post" action="/edit" data-checked {
                (frame::token(visitor))
                input type="hidden" name="rule" value=(draft.rule);
                input type="hidden" name="version" value=(draft.version);
                // What Enter presses.
                button.hidden name="step" value="preview" tabindex="-1" aria-hidden="true" { "Preview" }
                label for="text" { "Rule" }
                textarea #text name="text" rows=(rows(&draft.text)) spellcheck="false" autocapitalize="off" autocomplete="off" aria-describedby="check" { "\n" (draft.text) }
                section #check data-fragment { (checked(draft)) }
                div.ask {
                    label { "Look back" select name="span" { @for span in spans(&draft.span) { option value=(span) selected[span == draft.span] { (span) } } } }
                    button.plain name="step" value="preview" { "Preview" }
                }
                @if let Some(preview) = &draft.preview { (previewed(preview)) }
                label { "Why" input name="message" value=(draft.message) maxlength="500" placeholder="what those who read the history should know"; }
                button name="step" value="save" { "Save" }
                a.button.plain href=(if draft.rule.is_empty() { "/rules".to_owned() } else { link(&["rules", &draft.rule], &[]) }) { "Cancel" }
            }
        },
    )
}

/// Rows of the text, and a little room.
fn rows(text: &str) -> usize {
    (text.lines().count() + 2).clamp(10, 40)
}

/// The usual spans, and the one that was asked for.
fn spans(asked: &str) -> Vec<&str> {
    let own = Some(asked).filter(|asked| !asked.is_empty() && !SPANS.contains(asked));
    SPANS.into_iter().chain(own).collect()
}

/// What is known of the text.
fn checked(draft: &Draft) -> Markup {
    html! {
        (frame::complaint(draft.refusal.as_deref()))
        @match draft.problems.as_deref() {
            None => {}
            Some([]) => p.fine role="status" { "Nothing is wrong with it." }
            Some(problems) => {
                p.problem role="alert" { (count(problems.len(), "problem")) }
                ul.rows { @for problem in problems { li { (place(problem)) (problem.message) @if let Some(hint) = &problem.hint { small { " " (hint) } } } } }
            }
        }
        @for warning in &draft.warnings { p.notice { (warning) } }
    }
}

/// Where a problem is: by line in the text, else by field.
fn place(problem: &ProblemView) -> Markup {
    html! {
        b {
            @match (problem.line, problem.column, &problem.path) {
                (Some(line), Some(column), _) => { "line " (line) ", character " (column) }
                (Some(line), None, _) => { "line " (line) }
                (None, _, Some(path)) => { code { (path) } }
                (None, _, None) => {}
            }
        }
        @if problem.line.is_some() { @if let Some(path) = &problem.path { " " code { (path) } } }
        ": "
    }
}

fn previewed(preview: &Preview) -> Markup {
    let review = &preview.review;
    html! {
        section #preview {
            h2 { "What it would have done" }
            @for (nth, sentence) in review.text.iter().enumerate() { p class=[(nth == 0).then_some("said")] { (sentence) } }
            (chart::figure("chart", &preview.chart))
            (choice(preview))
            (episodes(&review.episodes))
        }
    }
}

fn episodes(episodes: &[EpisodeView]) -> Markup {
    html! {
        @if !episodes.is_empty() {
            h3 { "When" }
            ul.rows {
                @for episode in episodes.iter().rev().take(MAX_FIRINGS) {
                    li { (moment(episode.alarm)) " " b { (series_name(&episode.group)) } " " (lasted(episode)) }
                }
                @if episodes.len() > MAX_FIRINGS { li { "and " (episodes.len() - MAX_FIRINGS) " earlier" } }
            }
        }
    }
}

fn lasted(episode: &EpisodeView) -> String {
    let span = |end: Time| format!("for {}", text::span(end.0 - episode.alarm.0));
    episode.end.map_or_else(|| "until now".to_owned(), span)
}

/// Other limits: a table, which the script turns into a handle on the chart.
fn choice(preview: &Preview) -> Markup {
    let tried = &preview.review.tried;
    html! {
        @if tried.len() > 1 {
            div.handle data-limits=(edges(preview)) {
                h3 { "Other limits" }
                div.scroll { table {
                    thead { tr { th scope="col" { "Limits" } th.n scope="col" { "Times fired" } th.n scope="col" { "A week" } th.n scope="col" { "On for" } th scope="col" { "Use" } } }
                    tbody { @for one in tried {
                        tr {
                            th scope="row" { (settings(&one.settings)) }
                            td.n { (one.fired) } td.n { (number(one.per_week)) } td.n { (percent(one.running)) }
                            td { button.plain name="detector" value=(one.detector) aria-label={ "Use " (settings(&one.settings)) } { "Use" } }
                        }
                    } }
                } }
            }
        }
    }
}

fn settings(settings: &[SettingView]) -> String {
    let one = |setting: &SettingView| format!("{} {}{}", setting.field, number(setting.value), setting.unit);
    settings.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What the script needs to move the band: for each choice its words, and the band's edges as fixed numbers or as factors of the
/// baseline. The last entry says which one is nearest to what is written.
fn edges(preview: &Preview) -> String {
    let tried = &preview.review.tried;
    let kind = preview
        .review
        .tried
        .first()
        .and_then(|one| one.settings.first())
        .map(|setting| setting.field.as_str());
    let kind = kind.and_then(|field| field.split('.').next()).unwrap_or_default();
    let choice = |one: &SuggestionView| {
        let document = json!({ kind: one.detector });
        let (low, high) = rules::limits(&document, None);
        let (low_factor, high_factor) = rules::limits(&document, Some(1.0));
        json!({
            "text": format!("{}: fires {}", settings(&one.settings), times(one.fired)),
            "low": low, "high": high,
            "lowFactor": low.is_none().then_some(low_factor), "highFactor": high.is_none().then_some(high_factor),
        })
    };
    let choices: Vec<Value> = tried.iter().map(choice).collect();
    json!({ "choices": choices, "current": nearest(tried) }).to_string()
}

fn times(n: u64) -> String {
    match n {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        n => format!("{n} times"),
    }
}

/// The choice nearest to what is written.
fn nearest(tried: &[SuggestionView]) -> usize {
    let distance = |one: &SuggestionView| -> f64 {
        one.settings
            .iter()
            .map(|setting| ((setting.value - setting.was) / setting.was.abs().max(1e-9)).abs())
            .sum()
    };
    let all = tried.iter().map(distance).enumerate();
    all.min_by(|one, other| one.1.total_cmp(&other.1)).map_or(0, |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_lines_before_fields() {
        #[track_caller]
        fn check(line: Option<u64>, column: Option<u64>, path: Option<&str>, expected: &str) {
            let problem =
                ProblemView { line, column, path: path.map(str::to_owned), ..ProblemView::default() };
            let html = place(&problem).into_string();
            let text: String = html.split('<').filter_map(|part| part.split('>').nth(1)).collect();
            assert_eq!(text, expected);
        }
        check(Some(3), Some(7), Some("window"), "line 3, character 7 window: ");
        check(Some(3), None, None, "line 3: ");
        check(None, None, Some("rules[0].notify"), "rules[0].notify: ");
        check(None, None, None, ": ");
    }
}
