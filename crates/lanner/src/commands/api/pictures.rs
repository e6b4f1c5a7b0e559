//! A model in pictures, as one HTML file: how well it tells sessions apart at each threshold, what it goes by, and how.
//!
//! Reading order: [`Pictures`]; `curves` (what comes of each threshold), `effects` (what features contribute), `plot` (axes and lines).

mod curves;
mod effects;
mod plot;

use std::io::Write;

use lanner_page::assets;
use lanner_traffic::{FEATURES, Model, Session};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use self::curves::{Curve, Point};
use self::effects::{Effect, effects};
use self::plot::{Axis, Plot};
use crate::charts::STYLE;
use crate::failure::Result;

/// What these pictures have beside the style of all reports.
const OWN_STYLE: &str = "
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); gap: .4rem 1.2rem; }
figure { margin: .3rem 0; } figcaption { color: var(--dim); } figcaption b { color: var(--text); }
svg { width: 100%; height: auto; display: block; } svg text { fill: var(--dim); font: 11px system-ui, sans-serif; }
.axis { stroke: var(--line); } .chance { stroke: var(--dim); stroke-dasharray: 2 4; fill: none; }
.line { fill: none; stroke: var(--value); stroke-width: 2; } .line.b { stroke: var(--bad); stroke-dasharray: 7 3; }
.line.c { stroke: var(--known); stroke-dasharray: 2 3; } .here { fill: var(--bad); } .limit { stroke: var(--text); stroke-dasharray: 4 3; }
.usual { fill: var(--band); opacity: .3; } .normal { fill: var(--value); opacity: .45; } .anomalous { fill: var(--bad); opacity: .6; }
.bars { width: auto; } .bars td.share { width: 24rem; min-width: 8rem; } .bars i { display: block; height: .75em; background: var(--value); border-radius: 2px; }
";

/// Features that are listed, and those that are drawn.
const N_LISTED: usize = 15;
const N_DRAWN: usize = 9;

/// What the pictures are of.
pub(super) struct Pictures<'a> {
    pub(super) title: String,
    pub(super) model: &'a Model,
    /// Sessions that it was not learned from, their probabilities, and whether they are anomalous.
    pub(super) sessions: &'a [&'a Session],
    pub(super) probabilities: &'a [f64],
    pub(super) labels: &'a [bool],
    /// Names and values of what was measured.
    pub(super) facts: Vec<(&'static str, String)>,
}

impl Pictures<'_> {
    /// Writes the page. Cost: that of explaining up to 2,000 sessions.
    pub(super) fn write(&self, to: &mut impl Write) -> Result<()> {
        let curve = Curve::new(self.probabilities, self.labels);
        let effects = effects(self.model, self.sessions, self.labels);
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                    title { (self.title) }
                    style { (PreEscaped(assets::STYLE.text)) (PreEscaped(STYLE)) (PreEscaped(OWN_STYLE)) }
                }
                body {
                    h1 { (self.title) }
                    p { "Measured on sessions that the model was not learned from. The red dot is the model's own threshold." }
                    table #facts { tbody { @for (name, value) in &self.facts { tr { th scope="row" { (name) } td.n { (value) } } } } }
                    h2 { "Thresholds" small { "what comes of flagging from each probability on" } }
                    div.pictures { (self.roc(&curve)) (self.precision_recall(&curve)) (self.thresholds(&curve)) }
                    details { summary { "The same as a table" } (table(&curve)) }
                    h2 { "Importance" small { "by how much each feature changes the odds of a session, on average" } }
                    (importance(&effects))
                    h2 { "Dependence" small { "what a value multiplies the odds with; each dot is a session, red if it is anomalous, and nine of ten normal sessions lie in the shaded range" } }
                    div.pictures { @for effect in effects.iter().take(N_DRAWN) { (dependence(effect)) } }
                }
            }
        };
        Ok(to.write_all(page.into_string().as_bytes())?)
    }

    /// What comes of the model's own threshold.
    fn here(&self, curve: &Curve) -> Point {
        curve.at(self.model.threshold)
    }

    fn roc(&self, curve: &Curve) -> Markup {
        let plot = Plot::new(Axis::share("normal sessions flagged"), Axis::share("anomalous sessions found"));
        let here = self.here(curve);
        let words = format!(
            "{} of anomalous sessions are found, {} of normal ones flagged",
            percent(curve.recall(&here)),
            percent(curve.false_share(&here))
        );
        let points = || curve.points().map(|point| (curve.false_share(point), curve.recall(point)));
        let inside = html! {
            (plot.line("chance", [(0.0, 0.0), (1.0, 1.0)].into_iter()))
            (plot.line("line", points()))
            (plot.dot("here", 5.0, curve.false_share(&here), curve.recall(&here)))
        };
        figure("Receiver operating characteristic", &words, &plot.draw(&inside, &words))
    }

    fn precision_recall(&self, curve: &Curve) -> Markup {
        let plot = Plot::new(
            Axis::share("anomalous sessions found (recall)"),
            Axis::share("of flagged, anomalous (precision)"),
        );
        let here = self.here(curve);
        let words = format!(
            "at a recall of {}, {} of what is flagged is anomalous",
            percent(curve.recall(&here)),
            percent(here.precision())
        );
        let base = curve.share_of_anomalous();
        let points = || {
            let flagging = curve.points().filter(|point| point.n_flagged() > 0);
            let drawn = flagging.map(|point| (curve.recall(point), point.precision()));
            // What is flagged first is as precise however little of it is taken.
            let first = drawn.clone().next().map(|(_, precision)| (0.0, precision));
            first.into_iter().chain(drawn)
        };
        let inside = html! {
            (plot.line("chance", [(0.0, base), (1.0, base)].into_iter()))
            (plot.line("line", points()))
            (plot.dot("here", 5.0, curve.recall(&here), here.precision()))
        };
        figure("Precision and recall", &words, &plot.draw(&inside, &words))
    }

    fn thresholds(&self, curve: &Curve) -> Markup {
        let plot = Plot::new(Axis::share("threshold"), Axis::share(""));
        let here = self.here(curve);
        let words = format!("F1 is {:.3} at the threshold of {:.3}", curve.f1(&here), self.model.threshold);
        let at = |of: &dyn Fn(&Point) -> f64| {
            let points: Vec<(f64, f64)> = curve
                .points()
                .filter(|point| point.n_flagged() > 0)
                .map(|point| (point.threshold.min(1.0), of(point)))
                .collect();
            points.into_iter()
        };
        let inside = html! {
            (plot.upright("limit", self.model.threshold))
            (plot.line("line", at(&|point| curve.f1(point))))
            (plot.line("line b", at(&Point::precision)))
            (plot.line("line c", at(&|point| curve.recall(point))))
            (plot.dot("here", 5.0, self.model.threshold, curve.f1(&here)))
        };
        let caption = html! { b { "F1" } " (blue), " b { "precision" } " (red, dashed) and " b { "recall" } " (yellow, dotted). " (words) "." };
        html! { figure { figcaption { (caption) } (plot.draw(&inside, &words)) } }
    }
}

fn figure(name: &str, words: &str, svg: &Markup) -> Markup {
    html! { figure { figcaption { b { (name) } ": " (words) "." } (svg) } }
}

/// What comes of round thresholds.
fn table(curve: &Curve) -> Markup {
    let rows = [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99];
    html! {
        table { thead { tr {
            @for (name, class) in [("threshold", "n"), ("found", "n"), ("missed", "n"), ("normal ones flagged", "n"), ("precision", "n"), ("recall", "n"), ("F1", "n")] {
                th.(class) scope="col" { (name) }
            }
        } } tbody { @for (threshold, point) in rows.map(|threshold| (threshold, curve.at(threshold))) { tr {
            td.n { (threshold) } td.n { (point.n_true) } td.n { (curve.n_anomalous() - point.n_true) } td.n { (point.n_false) }
            td.n { (percent(point.precision())) } td.n { (percent(curve.recall(&point))) } td.n { (format!("{:.3}", curve.f1(&point))) }
        } } } }
    }
}

fn importance(effects: &[Effect]) -> Markup {
    let most = effects.first().map_or(1.0, |effect| effect.mean).max(1e-9);
    html! {
        table.bars { thead { tr { th scope="col" { "feature" } th scope="col" { "what it counts" } th.n scope="col" { "odds × or ÷" } th {} } }
            tbody { @for effect in effects.iter().take(N_LISTED) { tr {
                th scope="row" { (FEATURES[effect.feature].name) }
                td { (FEATURES[effect.feature].words) }
                td.n { (format!("{:.2}", effect.mean.exp())) }
                td.share { i style=(format!("width:{:.1}%", effect.mean / most * 100.0)) {} }
            } } }
        }
    }
}

/// What the values of a feature do to the odds.
fn dependence(effect: &Effect) -> Markup {
    let info = &FEATURES[effect.feature];
    let (values, odds) = (effect.dots.iter().map(|dot| dot.value), effect.dots.iter().map(|dot| dot.odds));
    let plot = Plot::new(Axis::around(info.words, values), Axis::factors("odds ×", odds));
    let words = format!("{}: {} on average", info.name, format_args!("odds × or ÷ {:.2}", effect.mean.exp()));
    let inside = html! {
        @if let Some(normal) = effect.normal { (plot.range("usual", normal.low, normal.high)) }
        (plot.level("chance", 1.0))
        @for dot in &effect.dots { (plot.dot(if dot.is_anomalous { "anomalous" } else { "normal" }, 2.5, dot.value, dot.odds)) }
    };
    figure(info.name, &format!("{}{}", info.words, missing(effect.n_missing)), &plot.draw(&inside, &words))
}

fn missing(n: usize) -> String {
    if n == 0 { String::new() } else { format!(" (unknown in {n} of the sessions)") }
}

fn percent(share: f64) -> String {
    if share.is_nan() { "–".to_owned() } else { format!("{:.1} %", share * 100.0) }
}
