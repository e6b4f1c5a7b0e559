//! The functions of the group "Filter Series".

use super::parameter::{AGGREGATES, texts};
use super::{Answer, Default, Function, Kind, Parameter};
use crate::graphite::evaluate::Call;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "averageAbove",
        signature: "(seriesList, n)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
        run: average_above,
    },
    Function {
        name: "averageBelow",
        signature: "(seriesList, n)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
        run: average_below,
    },
    Function {
        name: "averageOutsidePercentile",
        signature: "(seriesList, n)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
        run: average_outside_percentile,
    },
    Function {
        name: "currentAbove",
        signature: "(seriesList, n)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
        run: current_above,
    },
    Function {
        name: "currentBelow",
        signature: "(seriesList, n)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
        run: current_below,
    },
    Function {
        name: "exclude",
        signature: "(seriesList, pattern)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("pattern", Kind::Text),
        ],
        run: exclude,
    },
    Function {
        name: "filterSeries",
        signature: "(seriesList, func, operator, threshold)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("func", Kind::AggFunc).one_of(AGGREGATES),
            Parameter::required("operator", Kind::Text).one_of(&texts(["!=", "<", "<=", "=", ">", ">="])),
            Parameter::required("threshold", Kind::Float),
        ],
        run: filter_series,
    },
    Function {
        name: "grep",
        signature: "(seriesList, pattern)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("pattern", Kind::Text),
        ],
        run: grep,
    },
    Function {
        name: "highest",
        signature: "(seriesList, n=1, func='average')",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Integer),
            Parameter::optional("func", Kind::AggFunc).or(Default::Text("average")).one_of(AGGREGATES),
        ],
        run: highest,
    },
    Function {
        name: "highestAverage",
        signature: "(seriesList, n)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Integer),
        ],
        run: highest_average,
    },
    Function {
        name: "highestCurrent",
        signature: "(seriesList, n)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Integer),
        ],
        run: highest_current,
    },
    Function {
        name: "highestMax",
        signature: "(seriesList, n)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Integer),
        ],
        run: highest_max,
    },
    Function {
        name: "limit",
        signature: "(seriesList, n)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Integer),
        ],
        run: limit,
    },
    Function {
        name: "lowest",
        signature: "(seriesList, n=1, func='average')",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Integer),
            Parameter::optional("func", Kind::AggFunc).or(Default::Text("average")).one_of(AGGREGATES),
        ],
        run: lowest,
    },
    Function {
        name: "lowestAverage",
        signature: "(seriesList, n)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Integer),
        ],
        run: lowest_average,
    },
    Function {
        name: "lowestCurrent",
        signature: "(seriesList, n)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Integer),
        ],
        run: lowest_current,
    },
    Function {
        name: "maximumAbove",
        signature: "(seriesList, n)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
        run: maximum_above,
    },
    Function {
        name: "maximumBelow",
        signature: "(seriesList, n)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
        run: maximum_below,
    },
    Function {
        name: "minimumAbove",
        signature: "(seriesList, n)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
        run: minimum_above,
    },
    Function {
        name: "minimumBelow",
        signature: "(seriesList, n)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
        run: minimum_below,
    },
    Function {
        name: "mostDeviant",
        signature: "(seriesList, n)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Integer),
        ],
        run: most_deviant,
    },
    Function {
        name: "removeBetweenPercentile",
        signature: "(seriesList, n)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
        run: remove_between_percentile,
    },
    Function {
        name: "removeEmptySeries",
        signature: "(seriesList, xFilesFactor=None)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("xFilesFactor", Kind::Float),
        ],
        run: remove_empty_series,
    },
    Function {
        name: "unique",
        signature: "(*seriesLists)",
        about: "",
        parameters: &[Parameter::required("seriesLists", Kind::SeriesList).multiple()],
        run: unique,
    },
    Function {
        name: "useSeriesAbove",
        signature: "(seriesList, value, search, replace)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("value", Kind::Float),
            Parameter::required("search", Kind::Text),
            Parameter::required("replace", Kind::Text),
        ],
        run: use_series_above,
    },
];

fn average_above(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn average_below(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn average_outside_percentile(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn current_above(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn current_below(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn exclude(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn filter_series(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn grep(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn highest(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn highest_average(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn highest_current(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn highest_max(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn limit(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn lowest(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn lowest_average(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn lowest_current(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn maximum_above(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn maximum_below(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn minimum_above(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn minimum_below(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn most_deviant(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn remove_between_percentile(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn remove_empty_series(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn unique(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn use_series_above(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}
