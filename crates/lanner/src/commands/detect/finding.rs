//! Findings: events of anomalous samples, each with its worst.

use lanner_core::Score;
use lanner_detect::automatic::{Alarms, Course, Decision, View, WallClock};
use lanner_detect::{Automatic, Scored};
use serde::Serialize;

use super::holes::Holes;
use super::moment::Moment;
use super::sentence::{Length, Within, Worst, duration, sentence};
use crate::list::{Cell, Row};

/// Rows of a table without times are taken for so far apart, milliseconds.
const STEP_MS: i64 = 300_000;

/// Scores are shown up to this; JSON knows no infinity.
const LARGEST_SCORE: f64 = 1e12;

/// A stretch of strange samples of one series.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Finding {
    pub(super) series: String,
    /// The first strange sample.
    pub(super) from: Moment,
    /// The last one that was off: then it was over.
    pub(super) to: Moment,
    /// The strangest one.
    pub(super) at: Moment,
    /// What it was there.
    pub(super) value: f64,
    /// What was expected there.
    pub(super) expected: f64,
    /// How strange that is, at most [`LARGEST_SCORE`]: a first change of what never changed.
    pub(super) score: f64,
    /// What was strange there.
    #[serde(skip)]
    pub(super) view: View,
    /// Strange samples.
    pub(super) samples: u64,
    /// All samples from the first strange one to the last.
    #[serde(skip)]
    pub(super) n_within: u64,
    /// All of it in one sentence.
    pub(super) what: String,
}

impl Row for Finding {
    const COLUMNS: &'static [&'static str] = &["series", "from", "to", "value", "expected", "score", "what"];
    fn cells(&self) -> Vec<Cell> {
        vec![
            self.series.as_str().into(),
            self.from.text(None).into(),
            self.to.text(None).into(),
            self.value.into(),
            self.expected.into(),
            self.score.into(),
            self.what.as_str().into(),
        ]
    }
}

impl Finding {
    /// One that begins and ends here, of which nothing else is known.
    pub(super) const fn at(at: Moment) -> Self {
        Self {
            series: String::new(),
            from: at,
            to: at,
            at,
            value: 0.0,
            expected: 0.0,
            score: 0.0,
            view: View::Value,
            samples: 1,
            n_within: 1,
            what: String::new(),
        }
    }
}

/// One series being judged.
#[derive(Clone)]
pub(super) struct Series {
    pub(super) name: String,
    has_times: bool,
    threshold: f64,
    detector: Automatic,
    clock: WallClock,
    /// How far the clocks that the newest time was written by are ahead of UTC, where nobody named a time zone.
    pub(super) offset_ms: Option<i64>,
    alarms: Alarms,
    /// What there was to say of the newest sample.
    pub(super) decision: Decision,
    /// When the one before was.
    last_at: i64,
    pub(super) findings: Vec<Finding>,
    /// Of the last finding.
    course: Option<Course>,
    /// Samples since it began, with its first.
    n_since: u64,
    /// Samples so far, without gaps.
    pub(super) n_samples: u64,
    /// Samples that had a score.
    pub(super) n_judged: u64,
    /// Stretches without values.
    pub(super) holes: Holes,
    /// The last value, where the values are a total that grows: then its increase is judged.
    total: Option<f64>,
    pub(super) is_total: bool,
}

impl Series {
    pub(super) fn new(name: String, has_times: bool, threshold: f64, clock: WallClock) -> Self {
        Self {
            name,
            has_times,
            threshold,
            detector: Automatic::default(),
            clock,
            offset_ms: None,
            alarms: Alarms::default(),
            decision: Decision::Quiet,
            last_at: 0,
            findings: Vec::new(),
            course: None,
            n_since: 0,
            n_samples: 0,
            n_judged: 0,
            holes: Holes::default(),
            total: None,
            is_total: false,
        }
    }

    /// A time zone whose clocks the days of the series move with, where nobody named one.
    pub(super) fn found_zone(&self) -> Option<&'static str> {
        self.detector.found_zone()
    }

    /// What is judged of a row: its value, or how much a total has grown since the last one; NaN for a gap.
    pub(super) fn measured(&mut self, y: f64) -> f64 {
        if !self.is_total || y.is_nan() {
            return y;
        }
        match self.total.replace(y) {
            None => f64::NAN,
            // It started again, from nothing.
            Some(last) if y < last => y,
            Some(last) => y - last,
        }
    }

    /// Judges the newest sample by those before it; `None` for a gap, and while it is too early.
    pub(super) fn judge(&mut self, at: i64, y: f64) -> Option<Scored> {
        self.decision = Decision::Quiet;
        if y.is_nan() {
            return None;
        }
        self.n_samples += 1;
        if self.has_times {
            self.holes.see(at);
        }
        let before = std::mem::replace(&mut self.last_at, at);
        let judged = if self.has_times {
            let clock = &self.clock;
            let when =
                self.offset_ms.map_or_else(|| clock.at(at), |offset_ms| clock.at_offset(at, offset_ms));
            self.detector.judge_at(when, y)
        } else {
            lanner_detect::SeriesDetector::step(&mut self.detector, Some(y))
        };
        let judged = judged.ok()?;
        self.n_judged += 1;
        let time_ms = if self.has_times { at } else { at.saturating_mul(STEP_MS) };
        let score = Score::new(judged.score.value() / self.threshold);
        self.decision = self.alarms.decide(time_ms, score, self.detector.view());
        self.n_since += 1;
        match self.decision {
            Decision::Quiet => {}
            Decision::Begins => self.begin(at, before, y, judged),
            Decision::Lasts => self.go_on(at, y, judged),
        }
        Some(judged)
    }

    fn begin(&mut self, at: i64, before: i64, y: f64, judged: Scored) {
        let is_missing = self.detector.view() == View::Missing;
        let what = if is_missing {
            format!("no values for {} before this", duration(at.saturating_sub(before)))
        } else {
            String::new()
        };
        self.course = Some(Course::begin(y, &judged, self.detector.view()));
        self.n_since = 1;
        self.findings.push(Finding {
            value: y,
            expected: judged.expected,
            score: judged.score.value().min(LARGEST_SCORE),
            what,
            view: self.detector.view(),
            ..Finding::at(Moment::new(at, self.has_times))
        });
    }

    fn go_on(&mut self, at: i64, y: f64, judged: Scored) {
        let now = Moment::new(at, self.has_times);
        let score = judged.score.value().min(LARGEST_SCORE);
        let (Some(open), Some(course)) = (self.findings.last_mut(), &mut self.course) else { return };
        if !course.goes_on(y, &judged, self.detector.view()) {
            return;
        }
        open.to = now;
        open.samples += 1;
        open.n_within = self.n_since;
        if score > open.score {
            (open.at, open.value, open.expected, open.score) = (now, y, judged.expected, score);
            open.view = self.detector.view();
        }
    }

    /// The findings with the name of the series, each in words.
    pub(super) fn told(&self) -> impl Iterator<Item = Finding> {
        self.findings.iter().map(|finding| {
            let what = match finding.what.as_str() {
                "" => sentence(self.worst(finding), self.length(finding)),
                gap => gap.to_owned(),
            };
            Finding { series: self.name.clone(), what, ..finding.clone() }
        })
    }

    fn worst(&self, finding: &Finding) -> Worst {
        let Finding { value, expected, view, .. } = *finding;
        Worst { value, expected, view, is_increase: self.is_total }
    }

    /// From its first sample to the end of its last one; nothing of a single sample.
    fn length(&self, finding: &Finding) -> Length {
        let length = finding.to.number() - finding.from.number();
        let within = if self.has_times {
            Within::Time(length.saturating_add(self.holes.usual().unwrap_or(0)))
        } else {
            Within::Rows(length + 1)
        };
        match finding.samples {
            1 => Length::Once,
            n if 2 * n < finding.n_within => Length::Times(n, within),
            _ => Length::For(within),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(has_times: bool) -> Series {
        Series::new("a".to_owned(), has_times, 1.0, WallClock::new(None, []))
    }

    #[test]
    fn strange_samples_close_together_are_one_finding() {
        let mut series = series(false);
        let strange = [(300, 40.0), (310, 60.0), (400, 120.0)];
        for line in 0..500 {
            let height = strange.iter().find(|(at, _)| *at == line).map_or(0.0, |(_, height)| *height);
            series.judge(line, (line % 7) as f64 + height);
        }
        let found: Vec<_> = series.findings.iter().map(|it| (it.from, it.to, it.samples, it.value)).collect();
        let line = Moment::Line;
        // Of the first two the first is the stranger one: the second had an example.
        assert_eq!(found, [(line(300), line(310), 2, 46.0), (line(400), line(400), 1, 121.0)]);
        assert_eq!((series.n_samples, series.n_judged), (500, 450));
    }

    #[test]
    fn a_total_is_judged_by_its_increase() {
        let mut series = series(true);
        series.is_total = true;
        let measured = [10.0, 13.0, f64::NAN, 20.0, 4.0].map(|y| series.measured(y));
        assert!(measured[0].is_nan() && measured[2].is_nan());
        assert_eq!([measured[1], measured[3], measured[4]], [3.0, 7.0, 4.0]);
    }

    #[test]
    fn a_score_is_a_number() {
        let mut series = series(true);
        for row in 0..400 {
            series.judge(row * 60_000, if row == 300 { 2.0 } else { 1.0 });
        }
        let text = serde_json::to_value(&series.findings).unwrap();
        assert_eq!(text[0]["score"], LARGEST_SCORE);
    }

    #[test]
    fn gaps_are_no_samples() {
        let mut series = series(true);
        assert!((0..1_000).all(|n| series.judge(n * 1_000, f64::NAN).is_none()));
        assert_eq!(series.n_samples, 0);
    }
}
