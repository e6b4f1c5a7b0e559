//! A picture of the last values, as small as a word.

use std::fmt::Write as _;

use maud::{Markup, html};

/// More values than this are not drawn; the last ones are.
pub const MAX_VALUES: usize = 20;
const WIDTH: f64 = 60.0;
const HEIGHT: f64 = 14.0;

/// The last values as a line; a gap where there is none. Nothing is drawn of fewer than two.
#[must_use]
pub fn spark(values: &[Option<f64>]) -> Markup {
    let path = path(values.get(values.len().saturating_sub(MAX_VALUES)..).unwrap_or_default());
    html! { @if let Some(path) = path { svg.s viewBox="0 0 60 14" aria-hidden="true" { path d=(path) {} } } }
}

/// In whole steps and relative, so that a thousand of them stay short.
fn path(values: &[Option<f64>]) -> Option<String> {
    let known = || values.iter().flatten().copied().filter(|value| value.is_finite());
    let (low, high) = (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
    known().nth(1)?;
    let height = |value: f64| {
        let share = if high > low { (value - low) / (high - low) } else { 0.5 };
        (HEIGHT - 1.0 - share * (HEIGHT - 2.0)).round()
    };
    let step = WIDTH / (values.len() as f64 - 1.0).max(1.0);
    let (mut path, mut last) = (String::new(), None::<(f64, f64)>);
    let mut is_drawing = false;
    for (at, value) in values.iter().enumerate() {
        let Some(value) = value.filter(|value| value.is_finite()) else {
            is_drawing = false;
            continue;
        };
        let (x, y) = ((at as f64 * step).round(), height(value));
        let _ = match last.filter(|_| is_drawing) {
            Some((before_x, before_y)) => write!(path, "l{} {}", x - before_x, y - before_y),
            None => write!(path, "M{x} {y}"),
        };
        (last, is_drawing) = (Some((x, y)), true);
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_a_line_with_gaps() {
        #[track_caller]
        fn check(values: &[Option<f64>], expected: Option<&str>) {
            assert_eq!(path(values).as_deref(), expected);
        }
        check(&[Some(0.0), Some(12.0), Some(6.0)], Some("M0 13l30 -12l30 6"));
        check(&[Some(0.0), Some(1.0), None, Some(1.0)], Some("M0 13l20 -12M60 1"));
        check(&[Some(5.0), Some(5.0)], Some("M0 7l60 0"));
        check(&[Some(5.0)], None);
        check(&[None, Some(f64::NAN), Some(1.0)], None);
        check(&[], None);
    }

    #[test]
    fn only_the_last_are_drawn() {
        let many: Vec<Option<f64>> = (0..1_000).map(|at| Some(f64::from(at % 7))).collect();
        let drawn = spark(&many).into_string();
        assert!(drawn.len() < 200 && drawn.matches('l').count() >= MAX_VALUES - 1, "{drawn}");
    }
}
