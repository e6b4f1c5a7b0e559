//! From values to shapes: paths of lines, bands, marks and shades, with their gaps.

use std::fmt::Write as _;

pub(super) const WIDTH: f64 = 1_000.0;
pub(super) const HEIGHT: f64 = 200.0;
/// Room above the highest and below the lowest value, so that no dot is cut.
const EDGE: f64 = 5.0;
/// More points are thinned to the lowest and the highest of each slot.
pub const MAX_POINTS: usize = 1_500;

/// From values to places.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) first: i64,
    pub(super) last: i64,
    /// How high the drawing is.
    pub(super) height: f64,
}

impl Scale {
    fn x(&self, time_ms: i64) -> f64 {
        let length = (self.last - self.first).max(1) as f64;
        ((time_ms - self.first) as f64 / length * WIDTH * 10.0).round() / 10.0
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        ((self.height - EDGE - share * (self.height - 2.0 * EDGE)) * 10.0).round() / 10.0
    }
}

/// Which stretch of time each point belongs to. A hole, as where a rule does not watch at night, divides two: where the next
/// point is more than three usual steps away.
pub(super) fn stretches(times: &[i64]) -> Vec<usize> {
    let step = |pair: &[i64]| pair.iter().copied().reduce(|earlier, later| later - earlier).unwrap_or(0);
    let mut steps: Vec<i64> = times.windows(2).map(step).collect();
    steps.sort_unstable();
    let longest_ms = steps.get(steps.len() / 2).map_or(i64::MAX, |usual_ms| usual_ms.saturating_mul(3));
    let mut stretch = 0;
    let later = times.windows(2).map(|pair| {
        stretch += usize::from(step(pair) > longest_ms);
        stretch
    });
    times.first().map(|_| 0).into_iter().chain(later).collect()
}

/// A value at one of the chart's times.
type Point = (usize, Option<f64>);

/// The points of a line: two where it has a lowest and a highest value.
pub(super) fn points(values: &[Option<f64>], highest: &[Option<f64>]) -> Vec<Point> {
    let known = |value: Option<f64>| value.filter(|value| value.is_finite());
    let each = values.iter().enumerate().flat_map(|(at, value)| {
        let high = highest.get(at).copied().flatten().filter(|high| Some(*high) != *value);
        [Some((at, known(*value))), high.map(|high| (at, known(Some(high))))]
    });
    each.flatten().collect()
}

/// A line with its gaps; of many points those that the eye would see.
/// - `stretches`: of the times
pub(super) fn path(times: &[i64], stretches: &[usize], points: &[Point], scale: &Scale) -> String {
    let (mut path, mut last) = (String::new(), None);
    for (at, value) in thinned(points) {
        let (Some(value), Some(time_ms), own) = (value, times.get(at), stretches.get(at)) else {
            last = None;
            continue;
        };
        let is_drawing = last.is_some() && last == own;
        let command = if is_drawing { 'L' } else { 'M' };
        let _ = write!(path, "{command}{} {}", scale.x(*time_ms), scale.y(value));
        if !is_drawing {
            path.push_str("h0"); // a point alone is a dot
        }
        last = own;
    }
    path
}

/// The points to draw: all, or of each slot the lowest, the highest and the gaps.
fn thinned(points: &[Point]) -> Vec<Point> {
    if points.len() <= MAX_POINTS {
        return points.to_vec();
    }
    let mut kept = Vec::new();
    for chunk in points.chunks(points.len().div_ceil(MAX_POINTS / 2)) {
        let known = || chunk.iter().enumerate().filter_map(|(nth, (_, value))| Some((nth, (*value)?)));
        let low = known().min_by(|one, other| one.1.total_cmp(&other.1)).map(|(nth, _)| nth);
        let high = known().max_by(|one, other| one.1.total_cmp(&other.1)).map(|(nth, _)| nth);
        let gap = chunk.iter().position(|(_, value)| value.is_none());
        let mut own: Vec<usize> = [low, high, gap].into_iter().flatten().collect();
        own.sort_unstable();
        own.dedup();
        kept.extend(own.into_iter().filter_map(|nth| chunk.get(nth)));
    }
    kept
}

/// Where a band lies: from left to right, its lower and its upper edge.
type Area = Vec<(f64, f64, f64)>;

/// The band as areas, one for each stretch in which it is known.
/// - `band`: its edges at each time; one that is not known is that of the drawing
pub(super) fn band(times: &[i64], band: &[(Option<f64>, Option<f64>)], scale: &Scale) -> Option<String> {
    let (mut areas, mut last) = (Vec::<Area>::new(), None);
    for ((time_ms, (low, high)), own) in times.iter().zip(band).zip(stretches(times)) {
        if low.is_none() && high.is_none() {
            last = None;
            continue;
        }
        if last != Some(own) {
            areas.push(Vec::new());
        }
        let (low, high) = (low.unwrap_or(scale.low), high.unwrap_or(scale.high));
        if let Some(area) = areas.last_mut() {
            area.push((scale.x(*time_ms), scale.y(low), scale.y(high)));
        }
        last = Some(own);
    }
    let mut path = String::new();
    for area in areas.into_iter().map(narrowed) {
        for (nth, (x, low, _)) in area.iter().enumerate() {
            let _ = write!(path, "{}{x} {low}", if nth == 0 { 'M' } else { 'L' });
        }
        for (x, _, high) in area.iter().rev() {
            let _ = write!(path, "L{x} {high}");
        }
        path.push('Z');
    }
    Some(path).filter(|path| !path.is_empty())
}

/// As many places as are drawn of a line, each with all that the band covers there. Downwards is more.
fn narrowed(area: Area) -> Area {
    if area.len() <= MAX_POINTS {
        return area;
    }
    let n_together = area.len().div_ceil(MAX_POINTS);
    let join =
        |one: (f64, f64, f64), (_, low, high): (f64, f64, f64)| (one.0, one.1.max(low), one.2.min(high));
    area.chunks(n_together).filter_map(|chunk| chunk.iter().copied().reduce(join)).collect()
}

/// Findings as dots on a line.
pub(super) fn marks(
    times: &[i64],
    values: &[Option<f64>],
    findings: &[bool],
    scale: &Scale,
) -> Option<String> {
    let mut path = String::new();
    for ((time_ms, value), is_finding) in times.iter().zip(values).zip(findings) {
        if let (Some(value), true) = (value.filter(|value| value.is_finite()), *is_finding) {
            let _ = write!(path, "M{} {}h0", scale.x(*time_ms), scale.y(value));
        }
    }
    Some(path).filter(|path| !path.is_empty())
}

/// Stretches of time from top to bottom, none too narrow to be seen.
pub(super) fn shade(spans: &[(i64, i64)], scale: &Scale) -> String {
    let mut path = String::new();
    for (from, to) in spans {
        let (left, right) = (scale.x(*from), scale.x(*to));
        let _ = write!(path, "M{} 0H{}V{}H{}Z", left - 1.0, right + 1.0, scale.height, left - 1.0);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALE: Scale = Scale { low: 0.0, high: 10.0, first: 0, last: 60_000, height: HEIGHT };

    fn drawn(times: &[i64], values: &[Option<f64>], highest: &[Option<f64>]) -> String {
        let scale = Scale { last: times.last().copied().unwrap_or(0), ..SCALE };
        path(times, &stretches(times), &points(values, highest), &scale)
    }

    #[test]
    fn lines_have_gaps_and_stretch_to_the_edges() {
        let values = [Some(0.0), Some(10.0), None, Some(5.0)];
        assert_eq!(drawn(&[0, 60_000, 120_000, 180_000], &values, &[]), "M0 195h0L333.3 5M1000 100h0");
    }

    #[test]
    fn a_hole_is_no_line() {
        let values = [Some(0.0), Some(10.0), Some(5.0), Some(0.0)];
        assert_eq!(drawn(&[0, 60_000, 540_000, 600_000], &values, &[]), "M0 195h0L100 5M900 100h0L1000 195");
        assert_eq!((stretches(&[]), stretches(&[7])), (vec![], vec![0]));
    }

    #[test]
    fn values_that_share_a_point_are_a_stroke() {
        let (values, highest) = ([Some(0.0), Some(5.0)], [Some(10.0), Some(5.0)]);
        assert_eq!(drawn(&[0, 1], &values, &highest), "M0 195h0L0 5L1000 100");
    }

    #[test]
    fn bands_are_areas() {
        let times = [0, 60_000];
        let drawn = |edges: [(Option<f64>, Option<f64>); 2]| band(&times, &edges, &SCALE);
        let expected = "M0 157L1000 157L1000 5L0 119Z";
        assert_eq!(drawn([(Some(2.0), Some(4.0)), (Some(2.0), None)]).unwrap(), expected);
        assert_eq!(drawn([(None, None); 2]), None);
    }

    #[test]
    fn many_points_keep_their_extremes() {
        let mut values: Vec<Option<f64>> = (0..100_000).map(|at| Some(f64::from(at % 10))).collect();
        values[54_321] = Some(1e6);
        values[12_345] = None;
        let kept: Vec<usize> = thinned(&points(&values, &[])).into_iter().map(|(at, _)| at).collect();
        assert!(
            kept.len() <= MAX_POINTS + 3 && kept.contains(&54_321) && kept.contains(&12_345),
            "{}",
            kept.len()
        );
        assert!(kept.is_sorted());
        let area = narrowed(
            (0..100_000).map(|at| (f64::from(at), 100.0, if at == 77 { 1.0 } else { 50.0 })).collect(),
        );
        assert!(area.len() <= MAX_POINTS && area.iter().filter(|place| place.2 == 1.0).count() == 1);
    }

    #[test]
    fn shades_can_be_seen() {
        assert_eq!(shade(&[(0, 0), (30_000, 60_000)], &SCALE), "M-1 0H1V200H-1ZM499 0H1001V200H499Z");
    }
}
