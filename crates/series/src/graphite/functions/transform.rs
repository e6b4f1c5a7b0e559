//! The functions of the group "Transform".

use super::parameter::AGGREGATES;
use super::{Answer, Default, Function, Kind, Parameter};
use crate::graphite::evaluate::Call;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "absolute",
        signature: "(seriesList)",
        about: "",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
        run: absolute,
    },
    Function {
        name: "add",
        signature: "(seriesList, constant)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("constant", Kind::Float),
        ],
        run: add,
    },
    Function {
        name: "compressPeriodicGaps",
        signature: "(seriesList)",
        about: "",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
        run: compress_periodic_gaps,
    },
    Function {
        name: "delay",
        signature: "(seriesList, steps)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("steps", Kind::Integer),
        ],
        run: delay,
    },
    Function {
        name: "derivative",
        signature: "(seriesList)",
        about: "",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
        run: derivative,
    },
    Function {
        name: "exp",
        signature: "(seriesList)",
        about: "",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
        run: exp,
    },
    Function {
        name: "hitcount",
        signature: "(seriesList, intervalString, alignToInterval=False)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("intervalString", Kind::Interval).suggest(&[
                Default::Text("10min"),
                Default::Text("1h"),
                Default::Text("1d"),
            ]),
            Parameter::optional("alignToInterval", Kind::Boolean).or(Default::Bool(false)),
        ],
        run: hitcount,
    },
    Function {
        name: "integral",
        signature: "(seriesList)",
        about: "",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
        run: integral,
    },
    Function {
        name: "integralByInterval",
        signature: "(seriesList, intervalUnit)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("intervalUnit", Kind::Text),
        ],
        run: integral_by_interval,
    },
    Function {
        name: "interpolate",
        signature: "(seriesList, limit=inf)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("limit", Kind::IntOrInf).or(Default::Float(f64::INFINITY)),
        ],
        run: interpolate,
    },
    Function {
        name: "invert",
        signature: "(seriesList)",
        about: "",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
        run: invert,
    },
    Function {
        name: "isNonNull",
        signature: "(seriesList)",
        about: "",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
        run: is_non_null,
    },
    Function {
        name: "keepLastValue",
        signature: "(seriesList, limit=inf)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("limit", Kind::IntOrInf).or(Default::Float(f64::INFINITY)),
        ],
        run: keep_last_value,
    },
    Function {
        name: "log",
        signature: "(seriesList, base=10)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("base", Kind::Integer).or(Default::Int(10)),
        ],
        run: log,
    },
    Function {
        name: "logit",
        signature: "(seriesList)",
        about: "",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
        run: logit,
    },
    Function {
        name: "minMax",
        signature: "(seriesList)",
        about: "",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
        run: min_max,
    },
    Function {
        name: "nonNegativeDerivative",
        signature: "(seriesList, maxValue=None, minValue=None)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("maxValue", Kind::Float),
            Parameter::optional("minValue", Kind::Float),
        ],
        run: non_negative_derivative,
    },
    Function {
        name: "offset",
        signature: "(seriesList, factor)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("factor", Kind::Float),
        ],
        run: offset,
    },
    Function {
        name: "offsetToZero",
        signature: "(seriesList)",
        about: "",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
        run: offset_to_zero,
    },
    Function {
        name: "perSecond",
        signature: "(seriesList, maxValue=None, minValue=None)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("maxValue", Kind::Float),
            Parameter::optional("minValue", Kind::Float),
        ],
        run: per_second,
    },
    Function {
        name: "pow",
        signature: "(seriesList, factor)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("factor", Kind::Float),
        ],
        run: power,
    },
    Function {
        name: "round",
        signature: "(seriesList, precision=None)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("precision", Kind::Integer).or(Default::Int(0)),
        ],
        run: round,
    },
    Function {
        name: "scale",
        signature: "(seriesList, factor)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("factor", Kind::Float),
        ],
        run: scale,
    },
    Function {
        name: "scaleToSeconds",
        signature: "(seriesList, seconds)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("seconds", Kind::Float),
        ],
        run: scale_to_seconds,
    },
    Function {
        name: "sigmoid",
        signature: "(seriesList)",
        about: "",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
        run: sigmoid,
    },
    Function {
        name: "sin",
        signature: "(name, amplitude=1, step=60)",
        about: "",
        parameters: &[
            Parameter::required("name", Kind::Text),
            Parameter::optional("amplitude", Kind::Integer).or(Default::Int(1)),
            Parameter::optional("step", Kind::Integer).or(Default::Int(60)),
        ],
        run: sin,
    },
    Function {
        name: "sinFunction",
        signature: "(name, amplitude=1, step=60)",
        about: "",
        parameters: &[
            Parameter::required("name", Kind::Text),
            Parameter::optional("amplitude", Kind::Integer).or(Default::Int(1)),
            Parameter::optional("step", Kind::Integer).or(Default::Int(60)),
        ],
        run: sin_function,
    },
    Function {
        name: "smartSummarize",
        signature: "(seriesList, intervalString, func='sum', alignTo=None)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("intervalString", Kind::Interval).suggest(&[
                Default::Text("10min"),
                Default::Text("1h"),
                Default::Text("1d"),
            ]),
            Parameter::optional("func", Kind::AggFunc).or(Default::Text("sum")).one_of(AGGREGATES),
            Parameter::optional("alignTo", Kind::Text).one_of(&[
                Default::Bool(false),
                Default::None,
                Default::Bool(true),
                Default::Text("days"),
                Default::Text("hours"),
                Default::Text("minutes"),
                Default::Text("months"),
                Default::Text("seconds"),
                Default::Text("weeks"),
                Default::Text("years"),
            ]),
        ],
        run: smart_summarize,
    },
    Function {
        name: "squareRoot",
        signature: "(seriesList)",
        about: "",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
        run: square_root,
    },
    Function {
        name: "summarize",
        signature: "(seriesList, intervalString, func='sum', alignToFrom=False)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("intervalString", Kind::Interval).suggest(&[
                Default::Text("10min"),
                Default::Text("1h"),
                Default::Text("1d"),
            ]),
            Parameter::optional("func", Kind::AggFunc).or(Default::Text("sum")).one_of(AGGREGATES),
            Parameter::optional("alignToFrom", Kind::Boolean).or(Default::Bool(false)),
        ],
        run: summarize,
    },
    Function {
        name: "time",
        signature: "(name, step=60)",
        about: "",
        parameters: &[
            Parameter::required("name", Kind::Text),
            Parameter::optional("step", Kind::Integer).or(Default::Int(60)),
        ],
        run: time,
    },
    Function {
        name: "timeFunction",
        signature: "(name, step=60)",
        about: "",
        parameters: &[
            Parameter::required("name", Kind::Text),
            Parameter::optional("step", Kind::Integer).or(Default::Int(60)),
        ],
        run: time_function,
    },
    Function {
        name: "timeShift",
        signature: "(seriesList, timeShift, resetEnd=True, alignDST=False)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("timeShift", Kind::Interval).suggest(&[
                Default::Text("1h"),
                Default::Text("6h"),
                Default::Text("12h"),
                Default::Text("1d"),
                Default::Text("2d"),
                Default::Text("7d"),
                Default::Text("14d"),
                Default::Text("30d"),
            ]),
            Parameter::optional("resetEnd", Kind::Boolean).or(Default::Bool(true)),
            Parameter::optional("alignDst", Kind::Boolean).or(Default::Bool(false)),
        ],
        run: time_shift,
    },
    Function {
        name: "timeSlice",
        signature: "(seriesList, startSliceAt, endSliceAt='now')",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("startSliceAt", Kind::Date),
            Parameter::optional("endSliceAt", Kind::Date).or(Default::Text("now")),
        ],
        run: time_slice,
    },
    Function {
        name: "timeStack",
        signature: "(seriesList, timeShiftUnit='1d', timeShiftStart=0, timeShiftEnd=7)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("timeShiftUnit", Kind::Interval).or(Default::Text("1d")).suggest(&[
                Default::Text("1h"),
                Default::Text("6h"),
                Default::Text("12h"),
                Default::Text("1d"),
                Default::Text("2d"),
                Default::Text("7d"),
                Default::Text("14d"),
                Default::Text("30d"),
            ]),
            Parameter::optional("timeShiftStart", Kind::Integer).or(Default::Int(0)),
            Parameter::optional("timeShiftEnd", Kind::Integer).or(Default::Int(7)),
        ],
        run: time_stack,
    },
    Function {
        name: "transformNull",
        signature: "(seriesList, default=0, referenceSeries=None)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("default", Kind::Float).or(Default::Int(0)),
            Parameter::optional("referenceSeries", Kind::SeriesList),
        ],
        run: transform_null,
    },
];

fn absolute(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn add(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn compress_periodic_gaps(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn delay(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn derivative(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn exp(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn hitcount(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn integral(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn integral_by_interval(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn interpolate(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn invert(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn is_non_null(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn keep_last_value(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn log(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn logit(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn min_max(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn non_negative_derivative(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn offset(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn offset_to_zero(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn per_second(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn power(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn round(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn scale(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn scale_to_seconds(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn sigmoid(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn sin(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn sin_function(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn smart_summarize(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn square_root(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn summarize(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn time(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn time_function(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn time_shift(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn time_slice(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn time_stack(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn transform_null(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}
