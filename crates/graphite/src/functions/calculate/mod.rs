//! The functions of the group "Calculate".

mod bands;
mod line;
mod moving;

use crate::evaluate::Entry;
use crate::function::Function;
use crate::parameter::{AGGREGATES, Default, Kind, Parameter};

const SERIES: Parameter = Parameter::required("seriesList", Kind::SeriesList);
const WINDOW: Parameter = Parameter::required("windowSize", Kind::IntOrInterval).suggest(&[
    Default::Int(5),
    Default::Int(7),
    Default::Int(10),
    Default::Text("1min"),
    Default::Text("5min"),
    Default::Text("10min"),
    Default::Text("30min"),
    Default::Text("1hour"),
]);
const X_FILES_FACTOR: Parameter = Parameter::optional("xFilesFactor", Kind::Float);
const DELTA: Parameter = Parameter::optional("delta", Kind::Integer).or(Default::Int(3));
const BOOTSTRAP: Parameter = Parameter::optional("bootstrapInterval", Kind::Interval)
    .or(Default::Text("7d"))
    .suggest(&[Default::Text("7d"), Default::Text("30d")]);
const SEASONALITY: Parameter = Parameter::optional("seasonality", Kind::Interval)
    .or(Default::Text("1d"))
    .suggest(&[Default::Text("1d"), Default::Text("7d")]);

pub(super) const FUNCTIONS: &[Entry] = &[
    Function {
        name: "aggregateLine",
        signature: "(seriesList, func='average', keepStep=False)",
        about: "A straight line at what an aggregate makes of all values of a series: three points, or as many as the series has.",
        parameters: &[
            SERIES,
            Parameter::optional("func", Kind::AggFunc).or(Default::Text("average")).one_of(AGGREGATES),
            Parameter::optional("keepStep", Kind::Boolean).or(Default::Bool(false)),
        ],
    }
    .done_by(line::aggregate_line),
    Function {
        name: "exponentialMovingAverage",
        signature: "(seriesList, windowSize)",
        about: "A moving average in which older values count less and less: the newest has the weight 2 / (window + 1).",
        parameters: &[SERIES, WINDOW],
    }
    .done_by(moving::exponential_average),
    Function {
        name: "holtWintersAberration",
        signature: "(seriesList, delta=3, bootstrapInterval='7d', seasonality='1d')",
        about: "How far each value lies outside the Holt-Winters confidence bands: above is positive, below is negative, within is 0.",
        parameters: &[SERIES, DELTA, BOOTSTRAP, SEASONALITY],
    }
    .done_by(bands::aberration),
    Function {
        name: "holtWintersConfidenceArea",
        signature: "(seriesList, delta=3, bootstrapInterval='7d', seasonality='1d')",
        about: "The area between the Holt-Winters confidence bands of one series.",
        parameters: &[SERIES, DELTA, BOOTSTRAP, SEASONALITY],
    }
    .done_by(bands::confidence_area),
    Function {
        name: "holtWintersConfidenceBands",
        signature: "(seriesList, delta=3, bootstrapInterval='7d', seasonality='1d')",
        about: "Two series for each: the Holt-Winters forecast minus and plus `delta` times the deviation usual at that time of the season.",
        parameters: &[SERIES, DELTA, BOOTSTRAP, SEASONALITY],
    }
    .done_by(bands::confidence_bands),
    Function {
        name: "holtWintersForecast",
        signature: "(seriesList, bootstrapInterval='7d', seasonality='1d')",
        about: "What Holt-Winters smoothing expects of each value from those before it; it learns from `bootstrapInterval` before the time range.",
        parameters: &[SERIES, BOOTSTRAP, SEASONALITY],
    }
    .done_by(bands::forecast),
    Function {
        name: "identity",
        signature: "(name)",
        about: "A series whose value is its time, in seconds since the Unix epoch, every 60 seconds.",
        parameters: &[Parameter::required("name", Kind::Text)],
    }
    .done_by(line::identity),
    Function {
        name: "linearRegression",
        signature: "(seriesList, startSourceAt=None, endSourceAt=None)",
        about: "The straight line nearest to the values of a series (least squares), drawn over the time range; it may be fitted to another range.",
        parameters: &[
            SERIES,
            Parameter::optional("startSourceAt", Kind::Date),
            Parameter::optional("endSourceAt", Kind::Date),
        ],
    }
    .done_by(line::linear_regression),
    Function {
        name: "movingAverage",
        signature: "(seriesList, windowSize, xFilesFactor=None)",
        about: "The mean of the values in a window that ends at each time: a number of points, or a length of time.",
        parameters: &[SERIES, WINDOW, X_FILES_FACTOR],
    }
    .done_by(moving::average),
    Function {
        name: "movingMax",
        signature: "(seriesList, windowSize, xFilesFactor=None)",
        about: "The greatest value in a window that ends at each time: a number of points, or a length of time.",
        parameters: &[SERIES, WINDOW, X_FILES_FACTOR],
    }
    .done_by(moving::max),
    Function {
        name: "movingMedian",
        signature: "(seriesList, windowSize, xFilesFactor=None)",
        about: "The median of the values in a window that ends at each time: a number of points, or a length of time.",
        parameters: &[SERIES, WINDOW, X_FILES_FACTOR],
    }
    .done_by(moving::median),
    Function {
        name: "movingMin",
        signature: "(seriesList, windowSize, xFilesFactor=None)",
        about: "The least value in a window that ends at each time: a number of points, or a length of time.",
        parameters: &[SERIES, WINDOW, X_FILES_FACTOR],
    }
    .done_by(moving::min),
    Function {
        name: "movingSum",
        signature: "(seriesList, windowSize, xFilesFactor=None)",
        about: "The sum of the values in a window that ends at each time: a number of points, or a length of time.",
        parameters: &[SERIES, WINDOW, X_FILES_FACTOR],
    }
    .done_by(moving::sum),
    Function {
        name: "movingWindow",
        signature: "(seriesList, windowSize, func='average', xFilesFactor=None)",
        about: "What an aggregate makes of the values in a window that ends at each time: a number of points, or a length of time.",
        parameters: &[
            SERIES,
            WINDOW,
            Parameter::optional("func", Kind::AggFunc).or(Default::Text("average")).one_of(AGGREGATES),
            X_FILES_FACTOR,
        ],
    }
    .done_by(moving::window),
    Function {
        name: "nPercentile",
        signature: "(seriesList, n)",
        about: "A straight line at the n-th percentile of the values of a series.",
        parameters: &[SERIES, Parameter::required("n", Kind::Float)],
    }
    .done_by(line::n_percentile),
    Function {
        name: "stdev",
        signature: "(seriesList, points, windowTolerance=0.1)",
        about: "The standard deviation of the last `points` values at each time; none where a smaller share of them than `windowTolerance` is there.",
        parameters: &[
            SERIES,
            Parameter::required("points", Kind::Integer),
            Parameter::optional("windowTolerance", Kind::Float).or(Default::Float(0.1)),
        ],
    }
    .done_by(moving::deviation),
];
