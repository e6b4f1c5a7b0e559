//! The functions of the group "Calculate".

use super::parameter::AGGREGATES;
use super::{Answer, Default, Function, Kind, Parameter};
use crate::graphite::evaluate::Call;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "aggregateLine",
        signature: "(seriesList, func='average', keepStep=False)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("func", Kind::AggFunc).or(Default::Text("average")).one_of(AGGREGATES),
            Parameter::optional("keepStep", Kind::Boolean).or(Default::Bool(false)),
        ],
        run: aggregate_line,
    },
    Function {
        name: "exponentialMovingAverage",
        signature: "(seriesList, windowSize)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("windowSize", Kind::IntOrInterval).suggest(&[
                Default::Int(5),
                Default::Int(7),
                Default::Int(10),
                Default::Text("1min"),
                Default::Text("5min"),
                Default::Text("10min"),
                Default::Text("30min"),
                Default::Text("1hour"),
            ]),
        ],
        run: exponential_moving_average,
    },
    Function {
        name: "holtWintersAberration",
        signature: "(seriesList, delta=3, bootstrapInterval='7d', seasonality='1d')",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("delta", Kind::Integer).or(Default::Int(3)),
            Parameter::optional("bootstrapInterval", Kind::Interval)
                .or(Default::Text("7d"))
                .suggest(&[Default::Text("7d"), Default::Text("30d")]),
            Parameter::optional("seasonality", Kind::Interval)
                .or(Default::Text("1d"))
                .suggest(&[Default::Text("1d"), Default::Text("7d")]),
        ],
        run: holt_winters_aberration,
    },
    Function {
        name: "holtWintersConfidenceArea",
        signature: "(seriesList, delta=3, bootstrapInterval='7d', seasonality='1d')",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("delta", Kind::Integer).or(Default::Int(3)),
            Parameter::optional("bootstrapInterval", Kind::Interval)
                .or(Default::Text("7d"))
                .suggest(&[Default::Text("7d"), Default::Text("30d")]),
            Parameter::optional("seasonality", Kind::Interval)
                .or(Default::Text("1d"))
                .suggest(&[Default::Text("1d"), Default::Text("7d")]),
        ],
        run: holt_winters_confidence_area,
    },
    Function {
        name: "holtWintersConfidenceBands",
        signature: "(seriesList, delta=3, bootstrapInterval='7d', seasonality='1d')",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("delta", Kind::Integer).or(Default::Int(3)),
            Parameter::optional("bootstrapInterval", Kind::Interval)
                .or(Default::Text("7d"))
                .suggest(&[Default::Text("7d"), Default::Text("30d")]),
            Parameter::optional("seasonality", Kind::Interval)
                .or(Default::Text("1d"))
                .suggest(&[Default::Text("1d"), Default::Text("7d")]),
        ],
        run: holt_winters_confidence_bands,
    },
    Function {
        name: "holtWintersForecast",
        signature: "(seriesList, bootstrapInterval='7d', seasonality='1d')",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("bootstrapInterval", Kind::Interval)
                .or(Default::Text("7d"))
                .suggest(&[Default::Text("7d"), Default::Text("30d")]),
            Parameter::optional("seasonality", Kind::Interval)
                .or(Default::Text("1d"))
                .suggest(&[Default::Text("1d"), Default::Text("7d")]),
        ],
        run: holt_winters_forecast,
    },
    Function {
        name: "identity",
        signature: "(name)",
        about: "",
        parameters: &[Parameter::required("name", Kind::Text)],
        run: identity,
    },
    Function {
        name: "linearRegression",
        signature: "(seriesList, startSourceAt=None, endSourceAt=None)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("startSourceAt", Kind::Date),
            Parameter::optional("endSourceAt", Kind::Date),
        ],
        run: linear_regression,
    },
    Function {
        name: "movingAverage",
        signature: "(seriesList, windowSize, xFilesFactor=None)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("windowSize", Kind::IntOrInterval).suggest(&[
                Default::Int(5),
                Default::Int(7),
                Default::Int(10),
                Default::Text("1min"),
                Default::Text("5min"),
                Default::Text("10min"),
                Default::Text("30min"),
                Default::Text("1hour"),
            ]),
            Parameter::optional("xFilesFactor", Kind::Float),
        ],
        run: moving_average,
    },
    Function {
        name: "movingMax",
        signature: "(seriesList, windowSize, xFilesFactor=None)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("windowSize", Kind::IntOrInterval).suggest(&[
                Default::Int(5),
                Default::Int(7),
                Default::Int(10),
                Default::Text("1min"),
                Default::Text("5min"),
                Default::Text("10min"),
                Default::Text("30min"),
                Default::Text("1hour"),
            ]),
            Parameter::optional("xFilesFactor", Kind::Float),
        ],
        run: moving_max,
    },
    Function {
        name: "movingMedian",
        signature: "(seriesList, windowSize, xFilesFactor=None)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("windowSize", Kind::IntOrInterval).suggest(&[
                Default::Int(5),
                Default::Int(7),
                Default::Int(10),
                Default::Text("1min"),
                Default::Text("5min"),
                Default::Text("10min"),
                Default::Text("30min"),
                Default::Text("1hour"),
            ]),
            Parameter::optional("xFilesFactor", Kind::Float),
        ],
        run: moving_median,
    },
    Function {
        name: "movingMin",
        signature: "(seriesList, windowSize, xFilesFactor=None)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("windowSize", Kind::IntOrInterval).suggest(&[
                Default::Int(5),
                Default::Int(7),
                Default::Int(10),
                Default::Text("1min"),
                Default::Text("5min"),
                Default::Text("10min"),
                Default::Text("30min"),
                Default::Text("1hour"),
            ]),
            Parameter::optional("xFilesFactor", Kind::Float),
        ],
        run: moving_min,
    },
    Function {
        name: "movingSum",
        signature: "(seriesList, windowSize, xFilesFactor=None)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("windowSize", Kind::IntOrInterval).suggest(&[
                Default::Int(5),
                Default::Int(7),
                Default::Int(10),
                Default::Text("1min"),
                Default::Text("5min"),
                Default::Text("10min"),
                Default::Text("30min"),
                Default::Text("1hour"),
            ]),
            Parameter::optional("xFilesFactor", Kind::Float),
        ],
        run: moving_sum,
    },
    Function {
        name: "movingWindow",
        signature: "(seriesList, windowSize, func='average', xFilesFactor=None)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("windowSize", Kind::IntOrInterval).suggest(&[
                Default::Int(5),
                Default::Int(7),
                Default::Int(10),
                Default::Text("1min"),
                Default::Text("5min"),
                Default::Text("10min"),
                Default::Text("30min"),
                Default::Text("1hour"),
            ]),
            Parameter::optional("func", Kind::AggFunc).or(Default::Text("average")).one_of(AGGREGATES),
            Parameter::optional("xFilesFactor", Kind::Float),
        ],
        run: moving_window,
    },
    Function {
        name: "nPercentile",
        signature: "(seriesList, n)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("n", Kind::Float),
        ],
        run: n_percentile,
    },
    Function {
        name: "stdev",
        signature: "(seriesList, points, windowTolerance=0.1)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("points", Kind::Integer),
            Parameter::optional("windowTolerance", Kind::Float).or(Default::Float(0.1)),
        ],
        run: stdev,
    },
];

fn aggregate_line(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn exponential_moving_average(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn holt_winters_aberration(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn holt_winters_confidence_area(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn holt_winters_confidence_bands(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn holt_winters_forecast(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn identity(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn linear_regression(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn moving_average(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn moving_max(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn moving_median(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn moving_min(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn moving_sum(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn moving_window(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn n_percentile(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn stdev(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}
