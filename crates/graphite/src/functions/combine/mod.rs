//! The functions of the group "Combine": many series to one, series by series, group by group.
//!
//! Reading order: `across` (aggregates), `ratio` and `percent` (two series), `grouped` (by nodes and tags).

mod across;
mod grouped;
mod percent;
mod ratio;
#[cfg(test)]
mod tests;

use crate::evaluate::Entry;
use crate::function::Function;
use crate::parameter::{AGGREGATES, Default, Kind, Parameter, texts};

/// What groups can be given to.
const CALLBACKS: &[Default] = &texts([
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
]);

/// Several lists of series, as many as wanted.
const SERIES_LISTS: &[Parameter] = &[Parameter::required("seriesLists", Kind::SeriesList).multiple()];

/// Two lists of series, to be taken pair by pair.
const PAIRS: &[Parameter] = &[
    Parameter::required("seriesListFirstPos", Kind::SeriesList),
    Parameter::required("seriesListSecondPos", Kind::SeriesList),
];

/// Series, and the places of nodes that are left out of their names.
const WITHOUT_NODES: &[Parameter] = &[
    Parameter::required("seriesList", Kind::SeriesList),
    Parameter::optional("position", Kind::Node).multiple(),
];

/// Series, their total, and nodes within which to take it.
const SHARES: &[Parameter] = &[
    Parameter::required("seriesList", Kind::SeriesList),
    Parameter::optional("total", Kind::Any),
    Parameter::optional("nodes", Kind::NodeOrTag).multiple(),
];

pub(super) const FUNCTIONS: &[Entry] = &[
    Function {
        name: "aggregate",
        signature: "(seriesList, func, xFilesFactor=None)",
        about: "One value of all series at each time, by an aggregate.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("func", Kind::AggFunc).one_of(AGGREGATES),
            Parameter::optional("xFilesFactor", Kind::Float),
        ],
    }
    .done_by(across::aggregate),
    Function {
        name: "aggregateSeriesLists",
        signature: "(seriesListFirstPos, seriesListSecondPos, func, xFilesFactor=None)",
        about: "Aggregates the first series of each list, then the second, and so on.",
        parameters: &[
            Parameter::required("seriesListFirstPos", Kind::SeriesList),
            Parameter::required("seriesListSecondPos", Kind::SeriesList),
            Parameter::required("func", Kind::AggFunc).one_of(AGGREGATES),
            Parameter::optional("xFilesFactor", Kind::Float),
        ],
    }
    .done_by(across::pairs),
    Function {
        name: "aggregateWithWildcards",
        signature: "(seriesList, func, *positions)",
        about: "Aggregates the series whose names are the same without the nodes at the given places.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("func", Kind::AggFunc).one_of(AGGREGATES),
            Parameter::optional("position", Kind::Node).multiple(),
        ],
    }
    .done_by(across::without_nodes),
    Function {
        name: "applyByNode",
        signature: "(seriesList, nodeNum, templateFunction, newName=None)",
        about: "Evaluates a template for every distinct beginning of a name, up to a node; % stands for the beginning.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("nodeNum", Kind::Node),
            Parameter::required("templateFunction", Kind::Text),
            Parameter::optional("newName", Kind::Text),
        ],
    }
    .done_by(grouped::apply_by_node),
    Function {
        name: "asPercent",
        signature: "(seriesList, total=None, *nodes)",
        about: "Each series as a share of a total, in percent: of a number, of one series, of as many series, or of the sum; within groups of equal nodes if these are given.",
        parameters: SHARES,
    }
    .done_by(percent::as_percent),
    Function {
        name: "averageSeries",
        signature: "(*seriesLists)",
        about: "The mean of all series at each time.",
        parameters: SERIES_LISTS,
    }
    .done_by(|call| across::all(call, "average")),
    Function {
        name: "averageSeriesWithWildcards",
        signature: "(seriesList, *position)",
        about: "The mean of the series whose names are the same without the nodes at the given places.",
        parameters: WITHOUT_NODES,
    }
    .done_by(|call| across::without_nodes_by(call, "average")),
    Function {
        name: "avg",
        signature: "(*seriesLists)",
        about: "The mean of all series at each time, as averageSeries.",
        parameters: SERIES_LISTS,
    }
    .done_by(|call| across::all(call, "average")),
    Function {
        name: "countSeries",
        signature: "(*seriesLists)",
        about: "How many series there are; a line at 0 where none is given.",
        parameters: &[Parameter::optional("seriesLists", Kind::SeriesList).multiple()],
    }
    .done_by(across::count),
    Function {
        name: "diffSeries",
        signature: "(*seriesLists)",
        about: "The first series that has a value, minus all others, at each time.",
        parameters: SERIES_LISTS,
    }
    .done_by(|call| across::all(call, "diff")),
    Function {
        name: "diffSeriesLists",
        signature: "(seriesListFirstPos, seriesListSecondPos)",
        about: "The series of the first list minus those of the second, pair by pair.",
        parameters: PAIRS,
    }
    .done_by(|call| across::pairs_by(call, "diff")),
    Function {
        name: "divideSeries",
        signature: "(dividendSeriesList, divisorSeries)",
        about: "Each series divided by one; nothing where that is 0.",
        parameters: &[
            Parameter::required("dividendSeriesList", Kind::SeriesList),
            Parameter::required("divisorSeries", Kind::SeriesList),
        ],
    }
    .done_by(ratio::divide),
    Function {
        name: "divideSeriesLists",
        signature: "(dividendSeriesList, divisorSeriesList)",
        about: "The series of the first list divided by those of the second, pair by pair.",
        parameters: &[
            Parameter::required("dividendSeriesList", Kind::SeriesList),
            Parameter::required("divisorSeriesList", Kind::SeriesList),
        ],
    }
    .done_by(ratio::divide_pairs),
    Function {
        name: "group",
        signature: "(*seriesLists)",
        about: "Several lists of series in one.",
        parameters: &[Parameter::optional("seriesLists", Kind::SeriesList).multiple()],
    }
    .done_by(across::group),
    Function {
        name: "groupByNode",
        signature: "(seriesList, nodeNum, callback='average')",
        about: "Aggregates the series that have the same node or tag, and calls the result by it.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("nodeNum", Kind::NodeOrTag),
            Parameter::optional("callback", Kind::AggOrSeriesFunc)
                .or(Default::Text("average"))
                .one_of(CALLBACKS),
        ],
    }
    .done_by(grouped::by_node),
    Function {
        name: "groupByNodes",
        signature: "(seriesList, callback, *nodes)",
        about: "Aggregates the series that have the same nodes or tags, and calls the result by them.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("callback", Kind::AggOrSeriesFunc).one_of(CALLBACKS),
            Parameter::optional("nodes", Kind::NodeOrTag).multiple(),
        ],
    }
    .done_by(grouped::by_nodes),
    Function {
        name: "groupByTags",
        signature: "(seriesList, callback, *tags)",
        about: "Aggregates the series that have the same tags; the result has these tags.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("callback", Kind::AggOrSeriesFunc).one_of(CALLBACKS),
            Parameter::required("tags", Kind::Tag).multiple(),
        ],
    }
    .done_by(grouped::by_tags),
    Function {
        name: "map",
        signature: "(seriesList, *mapNodes)",
        about: "Puts the series that have the same nodes side by side, for reduceSeries.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("mapNodes", Kind::NodeOrTag).multiple(),
        ],
    }
    .done_by(grouped::map),
    Function {
        name: "mapSeries",
        signature: "(seriesList, *mapNodes)",
        about: "Puts the series that have the same nodes side by side, for reduceSeries.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("mapNodes", Kind::NodeOrTag).multiple(),
        ],
    }
    .done_by(grouped::map),
    Function {
        name: "maxSeries",
        signature: "(*seriesLists)",
        about: "The greatest of all series at each time.",
        parameters: SERIES_LISTS,
    }
    .done_by(|call| across::all(call, "max")),
    Function {
        name: "minSeries",
        signature: "(*seriesLists)",
        about: "The least of all series at each time.",
        parameters: SERIES_LISTS,
    }
    .done_by(|call| across::all(call, "min")),
    Function {
        name: "multiplySeries",
        signature: "(*seriesLists)",
        about: "The product of all series at each time; nothing where one has no value.",
        parameters: SERIES_LISTS,
    }
    .done_by(across::multiply),
    Function {
        name: "multiplySeriesLists",
        signature: "(seriesListFirstPos, seriesListSecondPos)",
        about: "The products of the series of two lists, pair by pair.",
        parameters: PAIRS,
    }
    .done_by(|call| across::pairs_by(call, "multiply")),
    Function {
        name: "multiplySeriesWithWildcards",
        signature: "(seriesList, *position)",
        about: "The product of the series whose names are the same without the nodes at the given places.",
        parameters: WITHOUT_NODES,
    }
    .done_by(|call| across::without_nodes_by(call, "multiply")),
    Function {
        name: "pct",
        signature: "(seriesList, total=None, *nodes)",
        about: "Each series as a share of a total, in percent, as asPercent.",
        parameters: SHARES,
    }
    .done_by(percent::as_percent),
    Function {
        name: "percentileOfSeries",
        signature: "(seriesList, n, interpolate=False)",
        about: "A percentile of all series at each time.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
            Parameter::optional("interpolate", Kind::Boolean).or(Default::Bool(false)),
        ],
    }
    .done_by(across::percentile_of_series),
    Function {
        name: "powSeries",
        signature: "(*seriesLists)",
        about: "The first series to the power of the second, that to the power of the third, and so on.",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList).multiple()],
    }
    .done_by(across::power),
    Function {
        name: "rangeOfSeries",
        signature: "(*seriesLists)",
        about: "The greatest minus the least of all series at each time.",
        parameters: SERIES_LISTS,
    }
    .done_by(|call| across::all(call, "rangeOf")),
    Function {
        name: "reduce",
        signature: "(seriesLists, reduceFunction, reduceNode, *reduceMatchers)",
        about: "Gives the series of each group that mapSeries made to a function, in the order of the matchers.",
        parameters: &[
            Parameter::required("seriesLists", Kind::SeriesLists),
            Parameter::required("reduceFunction", Kind::Text),
            Parameter::required("reduceNode", Kind::Node),
            Parameter::required("reduceMatchers", Kind::Text).multiple(),
        ],
    }
    .done_by(grouped::reduce),
    Function {
        name: "reduceSeries",
        signature: "(seriesLists, reduceFunction, reduceNode, *reduceMatchers)",
        about: "Gives the series of each group that mapSeries made to a function, in the order of the matchers.",
        parameters: &[
            Parameter::required("seriesLists", Kind::SeriesLists),
            Parameter::required("reduceFunction", Kind::Text),
            Parameter::required("reduceNode", Kind::Node),
            Parameter::required("reduceMatchers", Kind::Text).multiple(),
        ],
    }
    .done_by(grouped::reduce),
    Function {
        name: "stddevSeries",
        signature: "(*seriesLists)",
        about: "The standard deviation of all series at each time.",
        parameters: SERIES_LISTS,
    }
    .done_by(|call| across::all(call, "stddev")),
    Function {
        name: "sum",
        signature: "(*seriesLists)",
        about: "The sum of all series at each time, as sumSeries.",
        parameters: SERIES_LISTS,
    }
    .done_by(|call| across::all(call, "sum")),
    Function {
        name: "sumSeries",
        signature: "(*seriesLists)",
        about: "The sum of all series at each time.",
        parameters: SERIES_LISTS,
    }
    .done_by(|call| across::all(call, "sum")),
    Function {
        name: "sumSeriesLists",
        signature: "(seriesListFirstPos, seriesListSecondPos)",
        about: "The sums of the series of two lists, pair by pair.",
        parameters: PAIRS,
    }
    .done_by(|call| across::pairs_by(call, "sum")),
    Function {
        name: "sumSeriesWithWildcards",
        signature: "(seriesList, *position)",
        about: "The sum of the series whose names are the same without the nodes at the given places.",
        parameters: WITHOUT_NODES,
    }
    .done_by(|call| across::without_nodes_by(call, "sum")),
    Function {
        name: "weightedAverage",
        signature: "(seriesListAvg, seriesListWeight, *nodes)",
        about: "The mean of series by the weight of others, paired by nodes.",
        parameters: &[
            Parameter::required("seriesListAvg", Kind::SeriesList),
            Parameter::required("seriesListWeight", Kind::SeriesList),
            Parameter::optional("nodes", Kind::NodeOrTag).multiple(),
        ],
    }
    .done_by(ratio::weighted_average),
];
