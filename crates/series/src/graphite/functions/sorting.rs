//! The functions of the group "Sorting".

use super::parameter::AGGREGATES;
use super::{Answer, Default, Function, Kind, Parameter};
use crate::graphite::evaluate::Call;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "sortBy",
        signature: "(seriesList, func='average', reverse=False)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("func", Kind::AggFunc).or(Default::Text("average")).one_of(AGGREGATES),
            Parameter::optional("reverse", Kind::Boolean).or(Default::Bool(false)),
        ],
        run: sort_by,
    },
    Function {
        name: "sortByMaxima",
        signature: "(seriesList)",
        about: "",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
        run: sort_by_maxima,
    },
    Function {
        name: "sortByMinima",
        signature: "(seriesList)",
        about: "",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
        run: sort_by_minima,
    },
    Function {
        name: "sortByName",
        signature: "(seriesList, natural=False, reverse=False)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("natural", Kind::Boolean).or(Default::Bool(false)),
            Parameter::optional("reverse", Kind::Boolean).or(Default::Bool(false)),
        ],
        run: sort_by_name,
    },
    Function {
        name: "sortByTotal",
        signature: "(seriesList)",
        about: "",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
        run: sort_by_total,
    },
];

fn sort_by(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn sort_by_maxima(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn sort_by_minima(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn sort_by_name(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn sort_by_total(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}
