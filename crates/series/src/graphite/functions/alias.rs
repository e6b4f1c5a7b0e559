//! The functions of the group "Alias".

use super::parameter::texts;
use super::{Answer, Function, Kind, Parameter};
use crate::graphite::evaluate::Call;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "alias",
        signature: "(seriesList, newName)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("newName", Kind::Text),
        ],
        run: alias,
    },
    Function {
        name: "aliasByMetric",
        signature: "(seriesList)",
        about: "",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
        run: alias_by_metric,
    },
    Function {
        name: "aliasByNode",
        signature: "(seriesList, *nodes)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("nodes", Kind::NodeOrTag).multiple(),
        ],
        run: alias_by_node,
    },
    Function {
        name: "aliasByTags",
        signature: "(seriesList, *tags)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("tags", Kind::NodeOrTag).multiple(),
        ],
        run: alias_by_tags,
    },
    Function {
        name: "aliasQuery",
        signature: "(seriesList, search, replace, newName)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("search", Kind::Text),
            Parameter::required("replace", Kind::Text),
            Parameter::required("newName", Kind::Text),
        ],
        run: alias_query,
    },
    Function {
        name: "aliasSub",
        signature: "(seriesList, search, replace)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("search", Kind::Text),
            Parameter::required("replace", Kind::Text),
        ],
        run: alias_sub,
    },
    Function {
        name: "legendValue",
        signature: "(seriesList, *valueTypes)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("valuesTypes", Kind::Text).multiple().one_of(&texts([
                "average",
                "averageSeries",
                "avg",
                "avgSeries",
                "avg_zero",
                "avg_zeroSeries",
                "binary",
                "count",
                "countSeries",
                "current",
                "currentSeries",
                "diff",
                "diffSeries",
                "last",
                "lastSeries",
                "max",
                "maxSeries",
                "median",
                "medianSeries",
                "min",
                "minSeries",
                "multiply",
                "multiplySeries",
                "range",
                "rangeOf",
                "rangeOfSeries",
                "rangeSeries",
                "si",
                "stddev",
                "stddevSeries",
                "sum",
                "sumSeries",
                "total",
                "totalSeries",
            ])),
        ],
        run: legend_value,
    },
    Function {
        name: "lower",
        signature: "(seriesList, *pos)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("pos", Kind::Integer).multiple(),
        ],
        run: lower,
    },
    Function {
        name: "upper",
        signature: "(seriesList, *pos)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("pos", Kind::Integer).multiple(),
        ],
        run: upper,
    },
];

fn alias(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn alias_by_metric(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn alias_by_node(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn alias_by_tags(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn alias_query(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn alias_sub(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn legend_value(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn lower(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn upper(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}
