//! `level`: the latest windows are on a different level than those before.
//!
//! See [`lanner_detect::level`]. The score is the distance of the medians in half widths of the band.

use lanner_core::field::{Field, Type};
use lanner_detect::{Level, LevelParams};

use super::replayed::{Replayed, accepted, count, limit, number};
use super::{ABOVE, Baselines, Detector, Kind, MIN_WIDTH, RECOVER_AT, WIDTH};
use crate::document::{Check, Fields};

pub(super) const KIND: Kind = Kind {
    name: "level",
    about: "a new level: the latest windows compared with those before them",
    example: "{ reference: 48, recent: 6, width: 3, min_width: 10 }",
    read,
    fields: &[
        Field::new("reference", "48", "number of windows that make the old level").of(Type::Whole).or("48"),
        Field::new("recent", "6", "number of windows that make the new level").of(Type::Whole).or("6"),
        WIDTH,
        MIN_WIDTH,
        ABOVE,
        RECOVER_AT,
    ],
};

fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn Detector>> {
    let reference = count(fields, "reference", 48, check);
    let recent = count(fields, "recent", 6, check);
    let width = number(fields, "width", 3.0, check);
    let min_width = number(fields, "min_width", 0.0, check);
    let limit = limit(fields, check);
    let (reference, recent) = (reference?, recent?);
    let params = LevelParams {
        reference: reference as usize,
        recent: recent as usize,
        width: width?,
        min_width: min_width?,
    };
    let detector = accepted(Level::try_new(params), fields, check)?;
    Some(Box::new(Replayed {
        detector,
        kind: KIND.name,
        baselines: Baselines::Preceding { count: reference + recent - 1 },
        limit: limit?,
    }))
}
