//! The table: what was measured, the target, and the peer beside it.

use std::fmt::Write as _;
use std::path::Path;

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// So many times the peer's figure at least; larger is better.
    TimesMore(f64),
    /// The peer's figure should be so many times this one at least; smaller is better.
    TimesFaster(f64),
    /// No target; larger is better.
    Larger,
    /// No target; smaller is better.
    Smaller,
}

/// One thing measured.
#[derive(Debug)]
pub(crate) struct Row {
    what: String,
    unit: &'static str,
    target: Target,
    lanner: f64,
    peer: Peer,
}

/// What the peer came to.
#[derive(Debug, Clone, Copy)]
enum Peer {
    /// It has nothing of the kind.
    None,
    /// It is not on this machine.
    Missing,
    Figure(f64),
}

impl Row {
    pub(crate) fn new(what: impl Into<String>, unit: &'static str, target: Target, lanner: f64) -> Self {
        Self { what: what.into(), unit, target, lanner, peer: Peer::None }
    }

    /// The peer's figure in the same run; `None` when it could not be measured.
    pub(crate) fn beside(mut self, peer: Option<f64>) -> Self {
        self.peer = peer.map_or(Peer::Missing, Peer::Figure);
        self
    }

    /// How many times better than `other` the figure is; nothing against nothing is as good.
    fn better_than(&self, other: f64) -> f64 {
        match self.target {
            _ if self.lanner == other => 1.0,
            Target::AtLeast(_) | Target::TimesMore(_) | Target::Larger => self.lanner / other,
            Target::AtMost(_) | Target::TimesFaster(_) | Target::Smaller => other / self.lanner,
        }
    }

    fn cells(&self) -> [String; 6] {
        let unit = self.unit;
        let times = |other: f64| match self.better_than(other) {
            // Against nothing there is no ratio.
            ratio if ratio.is_finite() && ratio > 0.0 => format!("{} x", figure(ratio)),
            _ => "–".to_owned(),
        };
        let none = || "–".to_owned();
        let (peer, beside) = match self.peer {
            Peer::None => (none(), none()),
            Peer::Missing => ("peer not measured".to_owned(), none()),
            Peer::Figure(peer) => (format!("{} {unit}", figure(peer)), times(peer)),
        };
        let (target, reached) = match (self.target, self.peer) {
            (Target::AtLeast(limit), _) => (format!("≥ {} {unit}", figure(limit)), times(limit)),
            (Target::AtMost(limit), _) => (format!("≤ {} {unit}", figure(limit)), times(limit)),
            (Target::TimesMore(wanted) | Target::TimesFaster(wanted), peer) => {
                let reached = match peer {
                    Peer::Figure(peer) => format!("{} x", figure(self.better_than(peer) / wanted)),
                    Peer::None | Peer::Missing => none(),
                };
                (format!("{} x the peer", figure(wanted)), reached)
            }
            (Target::Larger | Target::Smaller, _) => (none(), none()),
        };
        [self.what.clone(), target, format!("{} {unit}", figure(self.lanner)), reached, peer, beside]
    }
}

/// A number with three digits that matter, thousands set apart.
fn figure(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let size = value.abs().log10().floor() as i32;
    if size < 3 {
        let digits = usize::try_from(2 - size).unwrap_or(0).min(4);
        return format!("{value:.digits$}");
    }
    let unit = 10_f64.powi(size - 2);
    let mut text = format!("{:.0}", (value / unit).round() * unit);
    for at in (1..text.len()).rev().filter(|at| (text.len() - at).is_multiple_of(3)).collect::<Vec<_>>() {
        text.insert(at, ',');
    }
    text
}

/// The rows as a Markdown table.
pub(crate) fn render(rows: &[Row]) -> String {
    let heads =
        ["What", "Target", "Lanner", "Times better than the target", "Peer", "Times better than the peer"];
    let mut text = format!("| {} |\n|{}\n", heads.join(" | "), " --- |".repeat(heads.len()));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.cells().join(" | "));
    }
    text
}

const BEGIN: &str = "<!-- measured: written by `cargo xtask bench --write` -->";
const END: &str = "<!-- end of measured -->";

/// Replaces what stands between the two marks of a page.
pub(crate) fn replace_in(page: &Path, report: &str) {
    let text = std::fs::read_to_string(page).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    std::fs::write(page, format!("{before}{BEGIN}\n\n{report}\n{END}{after}")).unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (0.01234, "0.0123"),
            (1.0, "1.00"),
            (12.345, "12.3"),
            (999.0, "999"),
            (1_234_567.0, "1,230,000"),
        ] {
            assert_eq!(figure(value), text);
        }
    }

    #[test]
    fn better_is_above_one() {
        let row = |target| Row::new("x", "s", target, 2.0).beside(Some(4.0)).cells();
        assert_eq!(row(Target::AtMost(3.0))[3..], ["1.50 x", "4.00 s", "2.00 x"]);
        assert_eq!(row(Target::AtLeast(1.0))[3..], ["2.00 x", "4.00 s", "0.500 x"]);
    }

    #[test]
    fn a_target_may_be_the_peers_figure_many_times() {
        let row = |target, peer| Row::new("x", "s", target, 2.0).beside(peer).cells();
        assert_eq!(row(Target::TimesFaster(4.0), Some(4.0))[1..4], ["4.00 x the peer", "2.00 s", "0.500 x"]);
        assert_eq!(row(Target::TimesMore(0.25), Some(4.0))[3..], ["2.00 x", "4.00 s", "0.500 x"]);
        assert_eq!(row(Target::TimesMore(20.0), None)[3..], ["–", "peer not measured", "–"]);
    }

    #[test]
    fn nothing_has_no_ratio() {
        let row = |lanner, peer| Row::new("x", "", Target::AtMost(0.0), lanner).beside(Some(peer)).cells();
        assert_eq!(row(0.0, 0.0)[3..], ["1.00 x", "0 ", "1.00 x"]);
        assert_eq!(row(3.0, 0.0)[3..], ["–", "0 ", "–"]);
        assert_eq!(row(0.0, 3.0)[3..], ["1.00 x", "3.00 ", "–"]);
        assert_eq!(row(f64::NAN, 0.0)[3..], ["–", "0 ", "–"]);
    }
}
