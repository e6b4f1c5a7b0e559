//! `holt_winters`: off the forecast from level, trend and season.
//!
//! See [`lanner_series::detect::holt_winters`]. The score is the distance from the forecast in half widths of the
//! band. For each value the smoothing runs anew over the last `seasons` seasons of windows; the first two of them
//! are its warm-up.

use lanner_core::time::{format_duration, parse_duration_ms};
use lanner_series::detect::{HoltWinters, HoltWintersParams, SeriesDetector};

use super::replayed::{Fresh, Replayed, accepted, count, limit, number};
use super::{Bases, Detector, Kind};
use crate::document::{Check, Fields};

pub(super) const KIND: Kind = Kind {
    name: "holt_winters",
    about: "a value off the forecast from level, trend and season",
    example: "{ season: 1d, seasons: 4, width: 3, min_width: 10 }",
    read,
    fields: &["season", "seasons", "width", "min_width", "above", "recover_at"],
};

/// Smoothing over so many seasons; how many windows a season has, the number of earlier windows says.
#[derive(Debug)]
struct Seasonal {
    n_seasons: usize,
    width: f64,
    min_width: f64,
}

impl Seasonal {
    fn params(&self, season_length: usize) -> HoltWintersParams {
        let Self { width, min_width, .. } = *self;
        let defaults = HoltWintersParams::seasonal(season_length);
        HoltWintersParams { width, min_width, limit: defaults.limit.min(width), ..defaults }
    }
}

impl Fresh for Seasonal {
    fn fresh(&self, n_bases: usize) -> Option<Box<dyn SeriesDetector>> {
        let detector = HoltWinters::try_new(self.params(n_bases / self.n_seasons)).ok()?;
        Some(Box::new(detector))
    }
}

fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn Detector>> {
    let season = fields.require("season", "1d", check).and_then(|_| {
        fields.read("season", check, |node| {
            let text = node.scalar_text().unwrap_or_default();
            let season_ms = parse_duration_ms(&text).map_err(|error| error.to_string())?;
            if season_ms > 0 { Ok(season_ms) } else { Err("should be longer than nothing".to_owned()) }
        })
    });
    let seasons = count(fields, "seasons", 4, check);
    let width = number(fields, "width", 3.0, check);
    let min_width = number(fields, "min_width", 0.0, check);
    let limit = limit(fields, check);
    let (season_ms, seasons) = (season?, seasons?);
    if !(3..=60).contains(&seasons) {
        let message =
            format!("should be a whole number from 3 to 60, found {seasons}; two are only the warm-up");
        check.problem(fields.node, &fields.path_of("seasons"), message);
        return None;
    }
    let detector = Seasonal { n_seasons: seasons as usize, width: width?, min_width: min_width? };
    accepted(HoltWinters::try_new(detector.params(1)), fields, check)?;
    let bases = Bases::Spanning { season_ms, count: seasons };
    Some(Box::new(Replayed { detector, bases, limit: limit? }))
}

/// What is wrong with a season for windows that start `every_ms` apart, if something is.
pub(super) fn misfit(season_ms: i64, every_ms: i64) -> Option<String> {
    let fits = season_ms % every_ms == 0 && season_ms / every_ms >= 2;
    (!fits).then(|| {
        let (season, every) = (format_duration(season_ms), format_duration(every_ms));
        format!("a season of {season} is not a multiple of the distance of windows, {every}; change every")
    })
}
