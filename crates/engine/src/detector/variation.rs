//! `variation`: volatility, as the coefficient of variation of this and the windows before.
//!
//! See [`lanner_detect::variation`]. The score is the coefficient in units of `above`.

use lanner_core::field::{Field, Type};
use lanner_detect::variation::{Variation, VariationParams, ceiling};

use super::replayed::{Range, Replayed, accepted, count, limit, number};
use super::{ABOVE, Baselines, Detector, Kind, RECOVER_AT};
use crate::document::{Check, Fields};
use crate::source::Ceiling;

pub(super) const KIND: Kind = Kind {
    name: "variation",
    about: "values that vary too much over the latest windows",
    example: "{ n: 10, above: 0.5, recover_at: 0.4 }",
    read,
    fields: &[
        Field::new("n", "10", "number of latest windows with data").of(Type::Whole).or("10"),
        ABOVE,
        RECOVER_AT,
    ],
};

fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn Detector>> {
    let n = count(fields, "n", 10, check);
    let limit = limit(fields, check);
    let n = n?;
    let detector = accepted(Variation::try_new(VariationParams { n: n as usize }), fields, check)?;
    let most = ceiling(n as usize);
    if number(fields, "above", 1.0, check)? >= most {
        let message =
            format!("can never be exceeded: {n} values reach {most:.2} at most, the square root of n - 1");
        check.problem(fields.node, &fields.path_of("above"), message);
        return None;
    }
    let never = Ceiling::never(most, format!("{n} values of one sign reach {most:.2} at most"));
    let limit = limit?.under(never).ranging(Range::Unknown);
    // Twice as many as without gaps, so that some may be missing.
    Some(Box::new(Replayed {
        detector,
        kind: KIND.name,
        baselines: Baselines::Preceding { count: 2 * (n - 1) },
        limit,
    }))
}
