//! Axes, and what is drawn between them, as SVG.

use maud::{Markup, html};

/// The drawing, and its margins at the left, at the bottom, and at the other sides.
const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 270.0;
const LEFT: f64 = 48.0;
const BOTTOM: f64 = 36.0;
const EDGE: f64 = 8.0;

/// Values of more than this that begin at 0 are drawn by their logarithm.
const LARGE: f64 = 100.0;

/// How values become places.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Scale {
    Even,
    /// By the logarithm of one more, so that 0 has a place.
    FromZero,
    /// By the logarithm.
    Factors,
}

/// An axis with its name and its ends.
#[derive(Debug)]
pub(super) struct Axis {
    name: String,
    low: f64,
    high: f64,
    scale: Scale,
}

impl Axis {
    /// From 0 to 1.
    pub(super) fn share(name: &str) -> Self {
        Self { name: name.to_owned(), low: 0.0, high: 1.0, scale: Scale::Even }
    }

    /// As far as values go.
    pub(super) fn around(name: &str, values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = ends(values);
        let is_large = low >= 0.0 && high > LARGE;
        let scale = if is_large { Scale::FromZero } else { Scale::Even };
        Self { name: name.to_owned(), low, high: if high > low { high } else { low + 1.0 }, scale }
    }

    /// Factors, at least from half to twice.
    pub(super) fn factors(name: &str, values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = ends(values);
        Self {
            name: name.to_owned(),
            low: low.clamp(1e-6, 0.5),
            high: high.clamp(2.0, 1e6),
            scale: Scale::Factors,
        }
    }

    fn by(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Even => value,
            Scale::FromZero => value.max(0.0).ln_1p(),
            Scale::Factors => value.max(f64::MIN_POSITIVE).ln(),
        }
    }

    /// Where a value lies, from 0 to 1.
    fn share_of(&self, value: f64) -> f64 {
        let (low, high) = (self.by(self.low), self.by(self.high));
        ((self.by(value) - low) / (high - low)).clamp(0.0, 1.0)
    }

    /// Round values along the axis.
    fn ticks(&self) -> Vec<f64> {
        let decades = |from: i32, to: i32| (from..=to).map(|power| 10_f64.powi(power));
        let all: Vec<f64> = match self.scale {
            Scale::Even => {
                let step = round_step((self.high - self.low) / 4.0);
                let first = (self.low / step).ceil() as i64;
                (first..first + 6).map(|n| n as f64 * step).collect()
            }
            Scale::FromZero => std::iter::once(0.0).chain(decades(0, 12)).collect(),
            Scale::Factors if self.high / self.low > 1e4 => decades(-6, 6).collect(),
            Scale::Factors => decades(-6, 6).flat_map(|ten| [ten, 2.0 * ten, 5.0 * ten]).collect(),
        };
        let within = all.into_iter().filter(|tick| *tick >= self.low && *tick <= self.high * (1.0 + 1e-9));
        within.collect()
    }
}

fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low <= high { (low, high) } else { (0.0, 1.0) }
}

/// 1, 2 or 5 times a power of ten, near `step`.
fn round_step(step: f64) -> f64 {
    let ten = 10_f64.powf(step.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|n| n * ten)
        .into_iter()
        .find(|round| *round >= step * (1.0 - 1e-9))
        .unwrap_or(step)
}

/// Two axes.
#[derive(Debug)]
pub(super) struct Plot {
    x: Axis,
    y: Axis,
}

impl Plot {
    pub(super) const fn new(x: Axis, y: Axis) -> Self {
        Self { x, y }
    }

    fn left(&self, value: f64) -> f64 {
        LEFT + self.x.share_of(value) * (WIDTH - LEFT - EDGE)
    }

    fn top(&self, value: f64) -> f64 {
        EDGE + (1.0 - self.y.share_of(value)) * (HEIGHT - BOTTOM - EDGE)
    }

    /// The drawing with its axes; `words` say what it shows.
    pub(super) fn draw(&self, inside: &Markup, words: &str) -> Markup {
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - EDGE);
        html! {
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(words) {
                @for tick in self.x.ticks() {
                    line.axis x1=(place(self.left(tick))) x2=(place(self.left(tick))) y1=(EDGE) y2=(bottom) {}
                    text x=(place(self.left(tick))) y=(bottom + 14.0) text-anchor="middle" { (short(tick)) }
                }
                @for tick in self.y.ticks() {
                    line.axis x1=(LEFT) x2=(right) y1=(place(self.top(tick))) y2=(place(self.top(tick))) {}
                    text x=(LEFT - 5.0) y=(place(self.top(tick) + 4.0)) text-anchor="end" { (short(tick)) }
                }
                text x=(f64::midpoint(LEFT, right)) y=(HEIGHT - 5.0) text-anchor="middle" { (self.x.name) }
                text transform=(format!("translate(11 {:.0}) rotate(-90)", f64::midpoint(EDGE, bottom))) text-anchor="middle" { (self.y.name) }
                (inside)
            }
        }
    }

    pub(super) fn line(&self, class: &str, points: impl Iterator<Item = (f64, f64)>) -> Markup {
        let points: Vec<String> =
            points.map(|(x, y)| format!("{:.1},{:.1}", self.left(x), self.top(y))).collect();
        html! { polyline class=(class) points=(points.join(" ")) {} }
    }

    pub(super) fn dot(&self, class: &str, radius: f64, x: f64, y: f64) -> Markup {
        html! { circle class=(class) r=(radius) cx=(place(self.left(x))) cy=(place(self.top(y))) {} }
    }

    /// A line from bottom to top.
    pub(super) fn upright(&self, class: &str, x: f64) -> Markup {
        let x = place(self.left(x));
        html! { line class=(class) x1=(x) x2=(x) y1=(EDGE) y2=(HEIGHT - BOTTOM) {} }
    }

    /// A line from left to right.
    pub(super) fn level(&self, class: &str, y: f64) -> Markup {
        let y = place(self.top(y));
        html! { line class=(class) x1=(LEFT) x2=(WIDTH - EDGE) y1=(y) y2=(y) {} }
    }

    /// What lies between two values of the axis below.
    pub(super) fn range(&self, class: &str, low: f64, high: f64) -> Markup {
        let (low, high) = (self.left(low), self.left(high));
        html! { rect class=(class) x=(place(low)) y=(EDGE) width=(place((high - low).max(2.0))) height=(HEIGHT - BOTTOM - EDGE) {} }
    }
}

fn place(at: f64) -> String {
    format!("{at:.1}")
}

/// A round number as it stands at an axis.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 1e6 => format!("{}M", value / 1e6),
        size if size >= 1e3 => format!("{}k", value / 1e3),
        _ => format!("{}", (value * 1e6).round() / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_ticks() {
        #[track_caller]
        fn check(axis: &Axis, expected: &[&str]) {
            assert_eq!(axis.ticks().into_iter().map(short).collect::<Vec<_>>(), expected);
        }
        check(&Axis::share(""), &["0", "0.5", "1"]);
        check(&Axis::around("", [3.0, 17.0].into_iter()), &["5", "10", "15"]);
        check(&Axis::around("", [0.0, 2_500.0].into_iter()), &["0", "1", "10", "100", "1k"]);
        check(&Axis::around("", [4.0].into_iter()), &["4", "4.5", "5"]);
        check(&Axis::around("", std::iter::empty()), &["0", "0.5", "1"]);
        check(&Axis::factors("", [0.9, 40.0].into_iter()), &["0.5", "1", "2", "5", "10", "20"]);
        check(&Axis::factors("", [0.3, 3e4].into_iter()), &["1", "10", "100", "1k", "10k"]);
    }

    #[test]
    fn places_lie_between_the_axes() {
        let plot = Plot::new(Axis::share("a<b"), Axis::factors("y", [0.01, 100.0].into_iter()));
        assert_eq!((plot.left(0.0), plot.left(1.0), plot.left(7.0)), (LEFT, WIDTH - EDGE, WIDTH - EDGE));
        assert!((plot.top(1.0) - f64::midpoint(plot.top(0.01), plot.top(100.0))).abs() < 1e-9);
        let svg = plot.draw(&plot.line("line", [(0.0, 0.01), (1.0, 100.0)].into_iter()), "\"").into_string();
        assert!(svg.contains("a&lt;b") && svg.contains("48.0,234.0 392.0,8.0"), "{svg}");
    }
}
