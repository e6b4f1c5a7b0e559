//! `time_shift`: doubled or halved against the same window some time ago, rise and drop alike.
//!
//! See [`lanner_detect::time_shift`]. `relative` tells drops from rises and speaks in percent; this
//! one treats both alike, also near zero and below it.

use lanner_core::Shift;
use lanner_core::field::{Field, Type};
use lanner_detect::{TimeShift, TimeShiftParams};

use super::replayed::{Range, Replayed, accepted, count, limit, number};
use super::{ABOVE, Baselines, Detector, Kind, MEDIAN_OF, RECOVER_AT, TO};
use crate::document::{Check, Fields};

pub(super) const KIND: Kind = Kind {
    name: "time_shift",
    about: "a value that is a multiple or a fraction of the same window hours, days, weeks or months ago",
    example: "{ to: 1w, median_of: 3, above: 1, floor: 50 }",
    read,
    fields: &[
        TO.required(),
        MEDIAN_OF,
        Field::new("floor", "50", "smaller values count as this value").of(Type::Number).or("0"),
        ABOVE,
        RECOVER_AT,
    ],
};

fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn Detector>> {
    let shift = shift(fields, check);
    let median_of = count(fields, "median_of", 1, check);
    let floor = number(fields, "floor", 0.0, check);
    let limit = limit(fields, check);
    // Of the windows of the rule only those at the shifts are shown to the detector: one a step.
    let floor = floor?;
    let params = TimeShiftParams { shift: 1, median_of: median_of? as usize, floor };
    let detector = accepted(TimeShift::try_new(params), fields, check)?;
    let baselines = Baselines::Shifted { shift: shift?, count: median_of? };
    Some(Box::new(Replayed {
        detector,
        kind: KIND.name,
        baselines,
        limit: limit?.ranging(Range::Multiples { floor }),
    }))
}

/// The field `to`, which is required.
pub(super) fn shift(fields: &mut Fields<'_>, check: &mut Check) -> Option<Shift> {
    let node = fields.require("to", "1w", check)?;
    let text = node.scalar_text().unwrap_or_default();
    Shift::parse(&text).map_err(|message| check.problem(node, &fields.path_of("to"), message)).ok()
}
