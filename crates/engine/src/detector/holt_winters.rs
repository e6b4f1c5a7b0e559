//! `holt_winters`: a value outside the band around a forecast from level, trend and season.
//!
//! See [`lanner_detect::holt_winters`]. The score is the distance from the forecast in half widths of the
//! band. Each value is judged by what at least `seasons` seasons have taught, and at most twice as many; the first
//! two are the warm-up. See `learning` for how that stays the same at every restart.

use lanner_core::field::{Field, Type};
use lanner_core::time::{format_duration, parse_duration_ms};
use lanner_core::{Outcome, Threshold};
use lanner_detect::{HoltWinters, HoltWintersParams, NotScored, ParamError, Scored, SeriesDetector};

use super::replayed::{Limit, accepted, count, limit, number};
use super::{ABOVE, Baseline, Detector, Kind, Learner, MIN_WIDTH, RECOVER_AT, ScoreResult, Tuning, WIDTH};
use crate::document::{Check, Fields};
use crate::rule::schedule::Schedule;

pub(super) const KIND: Kind = Kind {
    name: "holt_winters",
    about: "a value outside the band around a forecast from level, trend and season",
    example: "{ season: 1d, seasons: 4, width: 3, min_width: 10 }",
    read,
    fields: &[
        Field::new("season", "1d", "length of a season, a multiple of `every`").of(Type::Duration).required(),
        Field::new("seasons", "4", "number of seasons it remembers, 2 to 60").of(Type::Whole).or("4"),
        WIDTH,
        MIN_WIDTH,
        ABOVE,
        RECOVER_AT,
    ],
};

/// Windows that one value may be judged by: each is read when a rule begins.
const MAX_WINDOWS: i64 = 100_000;

#[derive(Debug)]
struct Seasonal {
    season_ms: i64,
    n_seasons: u32,
    width: f64,
    min_width: f64,
    limit: Limit,
}

impl Seasonal {
    fn try_new(&self, season_length: usize) -> Result<HoltWinters, ParamError> {
        let Self { width, min_width, .. } = *self;
        let defaults = HoltWintersParams::seasonal(season_length);
        let limit = defaults.limit.min(width);
        HoltWinters::try_new(HoltWintersParams { width, min_width, limit, ..defaults })
    }
}

impl Detector for Seasonal {
    fn kind(&self) -> &'static str {
        KIND.name
    }

    fn tuning(&self) -> &dyn Tuning {
        &self.limit
    }

    fn learner(&self) -> Option<&dyn Learner> {
        Some(self)
    }

    fn validate_for(&self, every_ms: i64) -> Result<(), String> {
        let season = format_duration(self.season_ms);
        if self.season_ms % every_ms != 0 || self.season_ms < 2 * every_ms {
            let every = format_duration(every_ms);
            return Err(format!(
                "a season of {season} is not a multiple of the distance of windows, {every}; change every"
            ));
        }
        let n_windows = 2 * self.generation_ms() / every_ms;
        if n_windows <= MAX_WINDOWS {
            return Ok(());
        }
        Err(format!(
            "{} seasons of {season} are {} windows, and at most {} are allowed; make every longer or seasons smaller",
            self.n_seasons,
            n_windows / 2,
            MAX_WINDOWS / 2
        ))
    }

    fn score(&self, _: f64, _: &[Baseline], _: bool) -> ScoreResult {
        ScoreResult::none(Outcome::HistoryShort)
    }

    /// Scores come in units of the limit.
    fn threshold(&self) -> Threshold {
        Threshold::above(1.0)
    }
}

impl Learner for Seasonal {
    fn generation_ms(&self) -> i64 {
        self.season_ms.saturating_mul(i64::from(self.n_seasons))
    }

    fn fresh(&self, schedule: &Schedule, _: i64) -> Option<Box<dyn SeriesDetector + Send>> {
        let season_length = usize::try_from(self.season_ms / schedule.every_ms).ok()?;
        let detector = self.try_new(season_length).ok()?;
        Some(Box::new(detector))
    }

    fn score_result(&self, judged: Result<Scored, NotScored>, firing: bool) -> ScoreResult {
        match judged {
            Ok(judged) => self.limit.judge(judged, firing),
            Err(NotScored::NothingToCompare) => ScoreResult::none(Outcome::BaseMissing),
            Err(_) => ScoreResult::none(Outcome::HistoryShort),
        }
    }
}

fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn Detector>> {
    let season = fields.require("season", "1d", check).and_then(|_| {
        fields.read("season", check, |node| {
            let text = node.scalar_text().unwrap_or_default();
            let season_ms = parse_duration_ms(&text).map_err(|error| error.to_string())?;
            if season_ms > 0 { Ok(season_ms) } else { Err("should be longer than 0s".to_owned()) }
        })
    });
    let seasons = count(fields, "seasons", 4, check);
    let width = number(fields, "width", 3.0, check);
    let min_width = number(fields, "min_width", 0.0, check);
    let limit = limit(fields, check);
    let (season_ms, n_seasons) = (season?, seasons?);
    if !(2..=60).contains(&n_seasons) {
        let message =
            format!("should be a whole number from 2 to 60, found {n_seasons}; two are the warm-up");
        check.problem(fields.node, &fields.path_of("seasons"), message);
        return None;
    }
    let detector = Seasonal { season_ms, n_seasons, width: width?, min_width: min_width?, limit: limit? };
    accepted(detector.try_new(2), fields, check)?;
    Some(Box::new(detector))
}
