//! `band`: a value outside the usual range of the same windows of the last days or weeks.
//!
//! See [`lanner_detect::band`]. The score is the distance from the median in half widths of the band.

use lanner_core::field::{Field, Type};
use lanner_detect::{Band, BandParams};

use super::replayed::{Replayed, accepted, count, limit, number};
use super::time_shift::shift;
use super::{ABOVE, Baselines, Detector, Kind, MIN_WIDTH, RECOVER_AT, TO, WIDTH};
use crate::document::{Check, Fields};

pub(super) const KIND: Kind = Kind {
    name: "band",
    about: "a value outside the usual range for this time of day or week",
    example: "{ to: 1w, seasons: 8, width: 3, min_width: 10 }",
    read,
    fields: &[
        TO.required(),
        Field::new("seasons", "8", "number of such windows that make the band, 2 to 60")
            .of(Type::Whole)
            .or("7"),
        WIDTH,
        MIN_WIDTH,
        ABOVE,
        RECOVER_AT,
    ],
};

fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn Detector>> {
    let shift = shift(fields, check);
    let seasons = count(fields, "seasons", 7, check);
    let width = number(fields, "width", 3.0, check);
    let min_width = number(fields, "min_width", 0.0, check);
    let limit = limit(fields, check);
    let seasons = seasons?;
    if !(2..=60).contains(&seasons) {
        let message = format!("should be a whole number from 2 to 60, found {seasons}");
        check.problem(fields.node, &fields.path_of("seasons"), message);
        return None;
    }
    // Of the windows of the rule only those at the shifts are shown to the detector: one a season.
    let params =
        BandParams { season_length: 1, n_seasons: seasons as usize, width: width?, min_width: min_width? };
    let detector = accepted(Band::try_new(params), fields, check)?;
    let baselines = Baselines::Shifted { shift: shift?, count: seasons };
    Some(Box::new(Replayed { detector, kind: KIND.name, baselines, limit: limit? }))
}
