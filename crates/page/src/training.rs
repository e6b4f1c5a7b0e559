//! Trainings of detectors that told how they go: the errors after each pass over the rows.

use lanner_core::time::MINUTE_MS;
use lanner_wire::api::Time;
use maud::{Markup, html};

use crate::chart::{self, Chart};
use crate::frame::{self, Section, Visitor};
use crate::text::{ago, link, number_or_dash};

/// Who has told nothing for so long has ended, or takes very long passes.
const QUIET_MS: i64 = 15 * MINUTE_MS;

/// The last training of a detector, as far as it was told.
#[derive(Debug, Clone, PartialEq)]
pub struct Training {
    /// The detector.
    pub name: String,
    /// Passes over all rows that are done.
    pub n_done: usize,
    /// Passes in all.
    pub n: usize,
    /// When the last pass was done.
    pub last: Time,
    /// The errors after each pass.
    pub chart: Chart,
}

impl Training {
    /// Whether it may go on.
    #[must_use]
    pub fn is_running(&self, now_ms: i64) -> bool {
        self.n_done < self.n && now_ms.saturating_sub(self.last.0) < QUIET_MS
    }

    /// The last error on rows that are not trained on.
    fn later_error(&self) -> Option<f64> {
        let last = |name: &str| {
            let line = self.chart.lines.iter().find(|line| line.name == name)?;
            line.values.iter().rev().flatten().next().copied()
        };
        last(LATER_FORECAST)
    }
}

/// The name of the line with the error of forecasts of later rows.
pub const LATER_FORECAST: &str = "forecast, later rows";

/// Trainings that go on or have ended of late, above the list of detectors.
#[must_use]
pub fn list(trainings: &[Training], now_ms: i64) -> Markup {
    html! {
        section #trainings data-fragment data-again[trainings.iter().any(|it| it.is_running(now_ms))] {
            @if !trainings.is_empty() {
                h2 { "Trainings" }
                div.scroll { table.compare {
                    thead { tr { th scope="col" { "Detector" } th scope="col" { "State" } th.n scope="col" { "Passes" } th.n scope="col" { "Error on later rows" } th scope="col" { "Last pass" } } }
                    tbody { @for training in trainings { tr {
                        th scope="row" { a href=(link(&["detectors", &training.name], &[])) { (training.name) } }
                        td { (state(training, now_ms)) }
                        td.n { (training.n_done) " of " (training.n) }
                        td.n { (number_or_dash(training.later_error())) }
                        td { (ago(training.last, now_ms)) " ago" }
                    } } }
                } }
            }
        }
    }
}

fn state(training: &Training, now_ms: i64) -> Markup {
    html! {
        @if training.is_running(now_ms) { b.pending { "training" } }
        @else if training.n_done < training.n { b.bad { "stopped" } }
        @else { b.normal { "ended" } }
    }
}

/// The training on the page of its detector.
#[must_use]
pub fn part(training: Option<&Training>, now_ms: i64) -> Markup {
    html! {
        section #training data-fragment data-again[training.is_some_and(|it| it.is_running(now_ms))] {
            @if let Some(training) = training {
                h2 { "Training" small { (training.n_done) " of " (training.n) " passes" } }
                p {
                    (state(training, now_ms)) ", last pass " (ago(training.last, now_ms)) " ago. "
                    "The errors fall while it learns. Where those on later rows rise again, it has begun to learn by heart."
                }
                (chart::figure("losses", &training.chart))
            }
        }
    }
}

/// The page of a name of which no model is kept yet.
#[must_use]
pub fn page(visitor: &Visitor, training: &Training) -> String {
    let keep = format!("lanner model import {}.detector", training.name);
    frame::page(
        visitor,
        Section::Detectors,
        &training.name,
        None,
        &html! {
            h1 { (training.name) }
            (part(Some(training), visitor.now_ms))
            p { "No model of this name is kept yet. When the training has ended:" }
            pre tabindex="0" { (keep) }
        },
    )
}
