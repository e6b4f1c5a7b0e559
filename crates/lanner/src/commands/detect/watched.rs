//! One series of the tables: scored sample by sample, with what is kept for charts, metrics and `--scores`.

use std::io;

use lanner_core::SeriesKey;
use lanner_detect::Scored;
use lanner_wire::table::Growth;

use super::finding::Series;
use super::quality::Judgements;
use super::scores::Scores;
use super::trace::Trace;

/// So many values are held until it is known whether they count up.
const MAX_WAITING: usize = 120;

/// A value of one row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) at: i64,
    /// How far the clocks that it was written by are ahead of UTC, where nobody named a time zone.
    pub(super) offset_ms: Option<i64>,
    /// NaN for a gap.
    pub(super) y: f64,
    /// Whether it is in a known incident.
    pub(super) is_marked: bool,
}

/// A series, and what is kept of it.
#[derive(Clone)]
pub(super) struct Watched {
    pub(super) key: SeriesKey,
    /// The file in which it was met first.
    pub(super) file: usize,
    pub(super) series: Series,
    /// If there is to be a report.
    pub(super) trace: Option<Trace>,
    /// If it is to be measured.
    pub(super) judgements: Option<Judgements>,
    pub(super) first_at: i64,
    pub(super) last_at: i64,
    /// The first values, as long as nothing says whether they are a counter's.
    waiting: Option<Vec<Seen>>,
}

impl Watched {
    /// A series of which nothing was seen; `is_total` is `None` where its first values are to tell.
    pub(super) fn new(key: SeriesKey, file: usize, mut series: Series, is_total: Option<bool>) -> Self {
        series.is_total = is_total.unwrap_or(false);
        Self {
            key,
            file,
            series,
            trace: None,
            judgements: None,
            first_at: i64::MAX,
            last_at: i64::MIN,
            waiting: is_total.is_none().then(Vec::new),
        }
    }

    /// Takes the next value.
    ///
    /// # Errors
    /// Only what `scores` returns.
    pub(super) fn see(&mut self, seen: Seen, scores: &mut Scores) -> io::Result<()> {
        self.first_at = self.first_at.min(seen.at);
        self.last_at = seen.at;
        let Some(waiting) = &mut self.waiting else { return self.judge(seen, scores) };
        waiting.push(seen);
        if waiting.len() < MAX_WAITING { Ok(()) } else { self.decide(scores) }
    }

    /// Decides what the values are, and scores those that waited; also when there are no more.
    ///
    /// # Errors
    /// Only what `scores` returns.
    pub(super) fn decide(&mut self, scores: &mut Scores) -> io::Result<()> {
        let Some(waiting) = self.waiting.take() else { return Ok(()) };
        let mut growth = Growth::default();
        waiting.iter().filter(|seen| !seen.y.is_nan()).for_each(|seen| growth.see(seen.y));
        self.series.is_total = growth.is_total(&self.key.name);
        waiting.into_iter().try_for_each(|seen| self.judge(seen, scores))
    }

    fn judge(&mut self, seen: Seen, scores: &mut Scores) -> io::Result<()> {
        let Seen { at, offset_ms, is_marked, .. } = seen;
        self.series.offset_ms = offset_ms;
        let y = self.series.measured(seen.y);
        let judged: Option<Scored> = self.series.judge(at, y);
        if let Some(trace) = &mut self.trace {
            trace.push(at, y, judged);
        }
        if let Some(judgements) = &mut self.judgements {
            judgements.push(at, is_marked, judged, self.series.decision);
        }
        scores.write(&self.key, at, y, judged)
    }
}

#[cfg(test)]
mod tests {
    use lanner_core::Labels;
    use lanner_detect::automatic::WallClock;

    use super::*;

    fn watched(is_total: Option<bool>) -> Watched {
        let series = Series::new("a".to_owned(), true, 1.0, WallClock::new(None, []));
        let key = SeriesKey::new("a", Labels::default());
        Watched { judgements: Some(Judgements::default()), ..Watched::new(key, 0, series, is_total) }
    }

    #[track_caller]
    fn check(is_total: Option<bool>, y: impl Fn(i64) -> f64, n: i64, expected: bool) {
        let mut watched = watched(is_total);
        for row in 0..n {
            let seen = Seen { at: row * 60_000, offset_ms: None, y: y(row), is_marked: false };
            watched.see(seen, &mut Scores::nowhere()).unwrap();
        }
        watched.decide(&mut Scores::nowhere()).unwrap();
        assert_eq!(watched.series.is_total, expected);
        let judgements = watched.judgements.unwrap();
        assert_eq!(judgements.at, (0..n).map(|row| row * 60_000).collect::<Vec<_>>());
    }

    #[test]
    fn the_first_values_tell_whether_it_is_a_counter() {
        check(None, |row| (row * 7) as f64, 500, true);
        check(None, |row| (row % 9) as f64, 500, false);
        check(None, |row| (row * 7) as f64, 30, false); // too few to tell
        check(None, |row| if row % 8 == 1 { f64::NAN } else { (row * 7) as f64 }, 500, true);
        check(Some(false), |row| (row * 7) as f64, 500, false);
    }
}
