//! The functions of the group "Combine".

use super::parameter::{AGGREGATES, texts};
use super::{Answer, Default, Function, Kind, Parameter};
use crate::graphite::evaluate::Call;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "aggregate",
        signature: "(seriesList, func, xFilesFactor=None)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("func", Kind::AggFunc).one_of(AGGREGATES),
            Parameter::optional("xFilesFactor", Kind::Float),
        ],
        run: aggregate,
    },
    Function {
        name: "aggregateSeriesLists",
        signature: "(seriesListFirstPos, seriesListSecondPos, func, xFilesFactor=None)",
        about: "",
        parameters: &[
            Parameter::required("seriesListFirstPos", Kind::SeriesList),
            Parameter::required("seriesListSecondPos", Kind::SeriesList),
            Parameter::required("func", Kind::AggFunc).one_of(AGGREGATES),
            Parameter::optional("xFilesFactor", Kind::Float),
        ],
        run: aggregate_series_lists,
    },
    Function {
        name: "aggregateWithWildcards",
        signature: "(seriesList, func, *positions)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("func", Kind::AggFunc).one_of(AGGREGATES),
            Parameter::optional("position", Kind::Node).multiple(),
        ],
        run: aggregate_with_wildcards,
    },
    Function {
        name: "applyByNode",
        signature: "(seriesList, nodeNum, templateFunction, newName=None)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("nodeNum", Kind::Node),
            Parameter::required("templateFunction", Kind::Text),
            Parameter::optional("newName", Kind::Text),
        ],
        run: apply_by_node,
    },
    Function {
        name: "asPercent",
        signature: "(seriesList, total=None, *nodes)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("total", Kind::Any),
            Parameter::optional("nodes", Kind::NodeOrTag).multiple(),
        ],
        run: as_percent,
    },
    Function {
        name: "averageSeries",
        signature: "(*seriesLists)",
        about: "",
        parameters: &[Parameter::required("seriesLists", Kind::SeriesList).multiple()],
        run: average_series,
    },
    Function {
        name: "averageSeriesWithWildcards",
        signature: "(seriesList, *position)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("position", Kind::Node).multiple(),
        ],
        run: average_series_with_wildcards,
    },
    Function {
        name: "avg",
        signature: "(*seriesLists)",
        about: "",
        parameters: &[Parameter::required("seriesLists", Kind::SeriesList).multiple()],
        run: avg,
    },
    Function {
        name: "countSeries",
        signature: "(*seriesLists)",
        about: "",
        parameters: &[Parameter::optional("seriesLists", Kind::SeriesList).multiple()],
        run: count_series,
    },
    Function {
        name: "diffSeries",
        signature: "(*seriesLists)",
        about: "",
        parameters: &[Parameter::required("seriesLists", Kind::SeriesList).multiple()],
        run: diff_series,
    },
    Function {
        name: "diffSeriesLists",
        signature: "(seriesListFirstPos, seriesListSecondPos)",
        about: "",
        parameters: &[
            Parameter::required("seriesListFirstPos", Kind::SeriesList),
            Parameter::required("seriesListSecondPos", Kind::SeriesList),
        ],
        run: diff_series_lists,
    },
    Function {
        name: "divideSeries",
        signature: "(dividendSeriesList, divisorSeries)",
        about: "",
        parameters: &[
            Parameter::required("dividendSeriesList", Kind::SeriesList),
            Parameter::required("divisorSeries", Kind::SeriesList),
        ],
        run: divide_series,
    },
    Function {
        name: "divideSeriesLists",
        signature: "(dividendSeriesList, divisorSeriesList)",
        about: "",
        parameters: &[
            Parameter::required("dividendSeriesList", Kind::SeriesList),
            Parameter::required("divisorSeriesList", Kind::SeriesList),
        ],
        run: divide_series_lists,
    },
    Function {
        name: "group",
        signature: "(*seriesLists)",
        about: "",
        parameters: &[Parameter::optional("seriesLists", Kind::SeriesList).multiple()],
        run: group,
    },
    Function {
        name: "groupByNode",
        signature: "(seriesList, nodeNum, callback='average')",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("nodeNum", Kind::NodeOrTag),
            Parameter::optional("callback", Kind::AggOrSeriesFunc).or(Default::Text("average")).one_of(
                &texts([
                    "asPercent",
                    "average",
                    "averageSeries",
                    "averageSeriesWithWildcards",
                    "avg",
                    "avg_zero",
                    "count",
                    "countSeries",
                    "current",
                    "diff",
                    "diffSeries",
                    "diffSeriesLists",
                    "last",
                    "max",
                    "maxSeries",
                    "median",
                    "min",
                    "minSeries",
                    "multiply",
                    "multiplySeries",
                    "multiplySeriesLists",
                    "multiplySeriesWithWildcards",
                    "pct",
                    "powSeries",
                    "range",
                    "rangeOf",
                    "rangeOfSeries",
                    "stddev",
                    "stddevSeries",
                    "sum",
                    "sumSeries",
                    "sumSeriesLists",
                    "sumSeriesWithWildcards",
                    "total",
                ]),
            ),
        ],
        run: group_by_node,
    },
    Function {
        name: "groupByNodes",
        signature: "(seriesList, callback, *nodes)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("callback", Kind::AggOrSeriesFunc).one_of(&texts([
                "asPercent",
                "average",
                "averageSeries",
                "averageSeriesWithWildcards",
                "avg",
                "avg_zero",
                "count",
                "countSeries",
                "current",
                "diff",
                "diffSeries",
                "diffSeriesLists",
                "last",
                "max",
                "maxSeries",
                "median",
                "min",
                "minSeries",
                "multiply",
                "multiplySeries",
                "multiplySeriesLists",
                "multiplySeriesWithWildcards",
                "pct",
                "powSeries",
                "range",
                "rangeOf",
                "rangeOfSeries",
                "stddev",
                "stddevSeries",
                "sum",
                "sumSeries",
                "sumSeriesLists",
                "sumSeriesWithWildcards",
                "total",
            ])),
            Parameter::optional("nodes", Kind::NodeOrTag).multiple(),
        ],
        run: group_by_nodes,
    },
    Function {
        name: "groupByTags",
        signature: "(seriesList, callback, *tags)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("callback", Kind::AggOrSeriesFunc).one_of(&texts([
                "asPercent",
                "average",
                "averageSeries",
                "averageSeriesWithWildcards",
                "avg",
                "avg_zero",
                "count",
                "countSeries",
                "current",
                "diff",
                "diffSeries",
                "diffSeriesLists",
                "last",
                "max",
                "maxSeries",
                "median",
                "min",
                "minSeries",
                "multiply",
                "multiplySeries",
                "multiplySeriesLists",
                "multiplySeriesWithWildcards",
                "pct",
                "powSeries",
                "range",
                "rangeOf",
                "rangeOfSeries",
                "stddev",
                "stddevSeries",
                "sum",
                "sumSeries",
                "sumSeriesLists",
                "sumSeriesWithWildcards",
                "total",
            ])),
            Parameter::required("tags", Kind::Tag).multiple(),
        ],
        run: group_by_tags,
    },
    Function {
        name: "map",
        signature: "(seriesList, *mapNodes)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("mapNodes", Kind::NodeOrTag).multiple(),
        ],
        run: map_series,
    },
    Function {
        name: "mapSeries",
        signature: "(seriesList, *mapNodes)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("mapNodes", Kind::NodeOrTag).multiple(),
        ],
        run: map_series,
    },
    Function {
        name: "maxSeries",
        signature: "(*seriesLists)",
        about: "",
        parameters: &[Parameter::required("seriesLists", Kind::SeriesList).multiple()],
        run: max_series,
    },
    Function {
        name: "minSeries",
        signature: "(*seriesLists)",
        about: "",
        parameters: &[Parameter::required("seriesLists", Kind::SeriesList).multiple()],
        run: min_series,
    },
    Function {
        name: "multiplySeries",
        signature: "(*seriesLists)",
        about: "",
        parameters: &[Parameter::required("seriesLists", Kind::SeriesList).multiple()],
        run: multiply_series,
    },
    Function {
        name: "multiplySeriesLists",
        signature: "(seriesListFirstPos, seriesListSecondPos)",
        about: "",
        parameters: &[
            Parameter::required("seriesListFirstPos", Kind::SeriesList),
            Parameter::required("seriesListSecondPos", Kind::SeriesList),
        ],
        run: multiply_series_lists,
    },
    Function {
        name: "multiplySeriesWithWildcards",
        signature: "(seriesList, *position)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("position", Kind::Node).multiple(),
        ],
        run: multiply_series_with_wildcards,
    },
    Function {
        name: "pct",
        signature: "(seriesList, total=None, *nodes)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("total", Kind::Any),
            Parameter::optional("nodes", Kind::NodeOrTag).multiple(),
        ],
        run: pct,
    },
    Function {
        name: "percentileOfSeries",
        signature: "(seriesList, n, interpolate=False)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
            Parameter::optional("interpolate", Kind::Boolean).or(Default::Bool(false)),
        ],
        run: percentile_of_series,
    },
    Function {
        name: "powSeries",
        signature: "(*seriesLists)",
        about: "",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList).multiple()],
        run: pow_series,
    },
    Function {
        name: "rangeOfSeries",
        signature: "(*seriesLists)",
        about: "",
        parameters: &[Parameter::required("seriesLists", Kind::SeriesList).multiple()],
        run: range_of_series,
    },
    Function {
        name: "reduce",
        signature: "(seriesLists, reduceFunction, reduceNode, *reduceMatchers)",
        about: "",
        parameters: &[
            Parameter::required("seriesLists", Kind::SeriesLists),
            Parameter::required("reduceFunction", Kind::Text),
            Parameter::required("reduceNode", Kind::Node),
            Parameter::required("reduceMatchers", Kind::Text).multiple(),
        ],
        run: reduce_series,
    },
    Function {
        name: "reduceSeries",
        signature: "(seriesLists, reduceFunction, reduceNode, *reduceMatchers)",
        about: "",
        parameters: &[
            Parameter::required("seriesLists", Kind::SeriesLists),
            Parameter::required("reduceFunction", Kind::Text),
            Parameter::required("reduceNode", Kind::Node),
            Parameter::required("reduceMatchers", Kind::Text).multiple(),
        ],
        run: reduce_series,
    },
    Function {
        name: "stddevSeries",
        signature: "(*seriesLists)",
        about: "",
        parameters: &[Parameter::required("seriesLists", Kind::SeriesList).multiple()],
        run: stddev_series,
    },
    Function {
        name: "sum",
        signature: "(*seriesLists)",
        about: "",
        parameters: &[Parameter::required("seriesLists", Kind::SeriesList).multiple()],
        run: sum_series,
    },
    Function {
        name: "sumSeries",
        signature: "(*seriesLists)",
        about: "",
        parameters: &[Parameter::required("seriesLists", Kind::SeriesList).multiple()],
        run: sum_series,
    },
    Function {
        name: "sumSeriesLists",
        signature: "(seriesListFirstPos, seriesListSecondPos)",
        about: "",
        parameters: &[
            Parameter::required("seriesListFirstPos", Kind::SeriesList),
            Parameter::required("seriesListSecondPos", Kind::SeriesList),
        ],
        run: sum_series_lists,
    },
    Function {
        name: "sumSeriesWithWildcards",
        signature: "(seriesList, *position)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("position", Kind::Node).multiple(),
        ],
        run: sum_series_with_wildcards,
    },
    Function {
        name: "weightedAverage",
        signature: "(seriesListAvg, seriesListWeight, *nodes)",
        about: "",
        parameters: &[
            Parameter::required("seriesListAvg", Kind::SeriesList),
            Parameter::required("seriesListWeight", Kind::SeriesList),
            Parameter::optional("nodes", Kind::NodeOrTag).multiple(),
        ],
        run: weighted_average,
    },
];

fn aggregate(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn aggregate_series_lists(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn aggregate_with_wildcards(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn apply_by_node(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn as_percent(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn average_series(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn average_series_with_wildcards(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn avg(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn count_series(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn diff_series(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn diff_series_lists(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn divide_series(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn divide_series_lists(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn group(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn group_by_node(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn group_by_nodes(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn group_by_tags(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn map_series(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn max_series(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn min_series(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn multiply_series(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn multiply_series_lists(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn multiply_series_with_wildcards(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn pct(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn percentile_of_series(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn pow_series(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn range_of_series(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn reduce_series(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn stddev_series(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn sum_series(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn sum_series_lists(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn sum_series_with_wildcards(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn weighted_average(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}
