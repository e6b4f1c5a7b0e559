//! How a score comes about, step by step: where it begins, what each reason adds, and where it ends.

use lanner_wire::api::{AmountView, ScoreAccountView};
use maud::{Markup, html};

use crate::text::{number, percent};

/// Reasons that have a row; the others share one.
const MAX_ROWS: usize = 10;
/// The width of a bar, in units of its drawing.
const WIDTH: f64 = 200.0;

/// One row.
struct Row<'a> {
    text: &'a str,
    from: f64,
    to: f64,
}

/// The sentence, and the table with its bars.
#[must_use]
pub fn figure(score: &ScoreAccountView) -> Markup {
    let rest: f64 = score.amounts.iter().skip(MAX_ROWS).map(|amount| amount.amount).sum();
    let others = match score.amounts.len().saturating_sub(MAX_ROWS) {
        0 => None,
        1 => Some("one other reason".to_owned()),
        n => Some(format!("{n} other reasons")),
    };
    let mut rows = Vec::new();
    let mut at = score.base;
    let named = score.amounts.iter().take(MAX_ROWS).map(|AmountView { text, amount, .. }| (&**text, *amount));
    for (text, amount) in named.chain(others.as_deref().map(|text| (text, rest))) {
        rows.push(Row { text, from: at, to: at + amount });
        at += amount;
    }
    let ends = rows.iter().map(|row| row.to).chain([score.base, score.total]).chain(score.threshold);
    let (low, high) =
        ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), end| (low.min(end), high.max(end)));
    let scale = Scale { low, width: (high - low).max(1e-9), threshold: score.threshold };
    html! {
        p { (sentence(score)) }
        div.scroll { table.waterfall {
            thead { tr { th scope="col" { "Reason" } th.n scope="col" { "Adds" } th.n scope="col" { "Comes to" } th scope="col" { span.hidden { "As a bar" } } } }
            tbody {
                tr { th scope="row" { (begins(score)) } td.n {} td.n { (value(score, score.base)) } td { (scale.bar(score.base, score.base)) } }
                @for row in &rows {
                    tr {
                        th scope="row" { (row.text) }
                        td.n { (adds(score, row.to - row.from)) }
                        td.n { (value(score, row.to)) }
                        td { (scale.bar(row.from, row.to)) }
                    }
                }
            }
        } }
    }
}

fn is_odds(score: &ScoreAccountView) -> bool {
    score.unit == "log_odds"
}

fn sentence(score: &ScoreAccountView) -> Markup {
    let is_flagged = score.threshold.is_some_and(|threshold| score.total >= threshold);
    html! {
        @if is_odds(score) { "Anomalous with a probability of " } @else { "As unusual as " }
        b class=[is_flagged.then_some("bad")] { (value(score, score.total)) }
        @match score.threshold {
            Some(threshold) => { ", which is " @if is_flagged { "above" } @else { "below" } " the limit of " (value(score, threshold)) }
            None => { "; no session is flagged by it" }
        }
        ". "
        @if is_odds(score) { small { "Exact Shapley values: each reason multiplies the odds, and together they are the score." } }
        @else { small { "One more bit: half as many usual sessions are like it. The three respects that are strangest count." } }
    }
}

fn begins(score: &ScoreAccountView) -> &'static str {
    if is_odds(score) { "before anything is known of it" } else { "a usual session" }
}

/// A place on the way as people read it.
fn value(score: &ScoreAccountView, at: f64) -> String {
    if is_odds(score) { percent(1.0 / (1.0 + (-at).exp())) } else { format!("{} bits", short(at)) }
}

fn adds(score: &ScoreAccountView, amount: f64) -> String {
    match is_odds(score) {
        true if amount < 0.0 => format!("odds ÷ {}", short((-amount).exp())),
        true => format!("odds × {}", short(amount.exp())),
        false if amount < 0.0 => format!("−{} bits", short(-amount)),
        false => format!("+{} bits", short(amount)),
    }
}

/// A number in three digits.
fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return number(value);
    }
    let unit = 10_f64.powf(value.abs().log10().floor() - 2.0);
    number((value / unit).round() * unit)
}

/// From where to where bars go.
struct Scale {
    low: f64,
    width: f64,
    threshold: Option<f64>,
}

impl Scale {
    fn place(&self, at: f64) -> f64 {
        ((at - self.low) / self.width * (WIDTH - 4.0) + 2.0).clamp(0.0, WIDTH)
    }

    /// A bar with the limit behind it. It says what the row says already.
    fn bar(&self, from: f64, to: f64) -> Markup {
        let (left, right) = (self.place(from.min(to)), self.place(from.max(to)));
        let x = |at: f64| format!("{at:.1}");
        html! {
            svg.bar viewBox=(format!("0 0 {WIDTH} 14")) preserveAspectRatio="none" aria-hidden="true" {
                @if let Some(threshold) = self.threshold { line.limit x1=(x(self.place(threshold))) x2=(x(self.place(threshold))) y1="0" y2="14" {} }
                rect class=(if to < from { "down" } else { "up" }) x=(x(left)) y="3" width=(x((right - left).max(1.5))) height="8" {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(unit: &str, amounts: &[f64]) -> ScoreAccountView {
        let amount = |(nth, amount): (usize, &f64)| AmountView {
            feature: String::new(),
            text: format!("reason {nth}"),
            amount: *amount,
        };
        ScoreAccountView {
            model: None,
            decides: true,
            unit: unit.to_owned(),
            base: -3.0,
            amounts: amounts.iter().enumerate().map(amount).collect(),
            total: -3.0 + amounts.iter().sum::<f64>(),
            threshold: Some(0.0),
        }
    }

    #[test]
    fn the_last_row_comes_to_the_score() {
        let amounts: Vec<f64> =
            (1..=14).map(|nth| if nth % 3 == 0 { -0.2 } else { 3.0 / f64::from(nth) }).collect();
        let score = score("log_odds", &amounts);
        let written = figure(&score).into_string();
        let last = written.rsplit("<tr>").next().unwrap();
        assert!(last.contains("4 other reasons") && last.contains(&value(&score, score.total)), "{last}");
        assert_eq!(written.matches("<tr>").count(), 1 + 1 + MAX_ROWS + 1);
    }

    #[test]
    fn amounts_are_said_in_their_unit() {
        let odds = score("log_odds", &[2.0]);
        assert_eq!(
            (adds(&odds, 21.3_f64.ln()), adds(&odds, -2_f64.ln())),
            ("odds × 21.3".into(), "odds ÷ 2".into())
        );
        assert_eq!((value(&odds, 0.0), value(&odds, 1_000.0)), ("50 %".into(), "100 %".into()));
        let bits = score("bits", &[2.0]);
        assert_eq!((adds(&bits, 8.204), value(&bits, 12.0)), ("+8.2 bits".into(), "12 bits".into()));
    }
}
