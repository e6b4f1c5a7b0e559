//! The functions of the group "Filter Data".

use super::{Answer, Function, Kind, Parameter};
use crate::graphite::evaluate::Call;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "removeAbovePercentile",
        signature: "(seriesList, n)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
        run: remove_above_percentile,
    },
    Function {
        name: "removeAboveValue",
        signature: "(seriesList, n)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
        run: remove_above_value,
    },
    Function {
        name: "removeBelowPercentile",
        signature: "(seriesList, n)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
        run: remove_below_percentile,
    },
    Function {
        name: "removeBelowValue",
        signature: "(seriesList, n)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
        run: remove_below_value,
    },
];

fn remove_above_percentile(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn remove_above_value(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn remove_below_percentile(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn remove_below_value(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}
