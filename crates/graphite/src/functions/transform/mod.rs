//! The functions of the group "Transform".

mod buckets;
mod change;
mod clock;
mod gaps;
mod point;
mod shift;

use crate::evaluate::Entry;
use crate::function::Function;
use crate::parameter::{AGGREGATES, Default, Kind, Parameter};

const SERIES: Parameter = Parameter::required("seriesList", Kind::SeriesList);
const FACTOR: Parameter = Parameter::required("factor", Kind::Float);
const INTERVAL: Parameter = Parameter::required("intervalString", Kind::Interval).suggest(&[
    Default::Text("10min"),
    Default::Text("1h"),
    Default::Text("1d"),
]);
const FUNC: Parameter =
    Parameter::optional("func", Kind::AggFunc).or(Default::Text("sum")).one_of(AGGREGATES);
const LIMIT: Parameter = Parameter::optional("limit", Kind::IntOrInf).or(Default::Float(f64::INFINITY));
const MAX_VALUE: Parameter = Parameter::optional("maxValue", Kind::Float);
const MIN_VALUE: Parameter = Parameter::optional("minValue", Kind::Float);
const NAME: Parameter = Parameter::required("name", Kind::Text);
const AMPLITUDE: Parameter = Parameter::optional("amplitude", Kind::Integer).or(Default::Int(1));
const STEP: Parameter = Parameter::optional("step", Kind::Integer).or(Default::Int(60));
const SHIFTS: &[Default] = &[
    Default::Text("1h"),
    Default::Text("6h"),
    Default::Text("12h"),
    Default::Text("1d"),
    Default::Text("2d"),
    Default::Text("7d"),
    Default::Text("14d"),
    Default::Text("30d"),
];

pub(super) const FUNCTIONS: &[Entry] = &[
    Function {
        name: "absolute",
        signature: "(seriesList)",
        about: "Each value without its sign.",
        parameters: &[SERIES],
    }
    .done_by(point::absolute),
    Function {
        name: "add",
        signature: "(seriesList, constant)",
        about: "Each value plus a constant.",
        parameters: &[SERIES, Parameter::required("constant", Kind::Float)],
    }
    .done_by(point::add),
    Function {
        name: "compressPeriodicGaps",
        signature: "(seriesList)",
        about: "A series with a value only every so many steps, and nothing in between, as one of that larger step.",
        parameters: &[SERIES],
    }
    .done_by(gaps::compress_periodic_gaps),
    Function {
        name: "delay",
        signature: "(seriesList, steps)",
        about: "Each series later by a number of steps; earlier where it is negative.",
        parameters: &[SERIES, Parameter::required("steps", Kind::Integer)],
    }
    .done_by(shift::delay),
    Function {
        name: "derivative",
        signature: "(seriesList)",
        about: "Each value minus the one before it.",
        parameters: &[SERIES],
    }
    .done_by(change::derivative),
    Function {
        name: "exp",
        signature: "(seriesList)",
        about: "e to the power of each value.",
        parameters: &[SERIES],
    }
    .done_by(point::exp),
    Function {
        name: "hitcount",
        signature: "(seriesList, intervalString, alignToInterval=False)",
        about: "How much there was in each interval, where values are rates a second: each value times the seconds that it stands for.",
        parameters: &[
            SERIES,
            INTERVAL,
            Parameter::optional("alignToInterval", Kind::Boolean).or(Default::Bool(false)),
        ],
    }
    .done_by(buckets::hitcount),
    Function {
        name: "integral",
        signature: "(seriesList)",
        about: "The sum of all values so far.",
        parameters: &[SERIES],
    }
    .done_by(change::integral),
    Function {
        name: "integralByInterval",
        signature: "(seriesList, intervalUnit)",
        about: "The sum of all values so far, from 0 again at each interval from the beginning of the time range.",
        parameters: &[SERIES, Parameter::required("intervalUnit", Kind::Text)],
    }
    .done_by(change::integral_by_interval),
    Function {
        name: "interpolate",
        signature: "(seriesList, limit=inf)",
        about: "Gaps of up to `limit` values filled by a straight line between the values around them.",
        parameters: &[SERIES, LIMIT],
    }
    .done_by(gaps::interpolate),
    Function {
        name: "invert",
        signature: "(seriesList)",
        about: "1 divided by each value.",
        parameters: &[SERIES],
    }
    .done_by(point::invert),
    Function {
        name: "isNonNull",
        signature: "(seriesList)",
        about: "1 where there is a value, 0 where there is none.",
        parameters: &[SERIES],
    }
    .done_by(point::is_non_null),
    Function {
        name: "keepLastValue",
        signature: "(seriesList, limit=inf)",
        about: "Gaps of up to `limit` values filled with the last value before them.",
        parameters: &[SERIES, LIMIT],
    }
    .done_by(gaps::keep_last_value),
    Function {
        name: "log",
        signature: "(seriesList, base=10)",
        about: "The logarithm of each value; none for values of 0 or less.",
        parameters: &[SERIES, Parameter::optional("base", Kind::Integer).or(Default::Int(10))],
    }
    .done_by(point::log),
    Function {
        name: "logit",
        signature: "(seriesList)",
        about: "The logarithm of value / (1 - value) for values between 0 and 1; none for others.",
        parameters: &[SERIES],
    }
    .done_by(point::logit),
    Function {
        name: "minMax",
        signature: "(seriesList)",
        about: "Each value's place between the least (0) and the greatest (1) of its series.",
        parameters: &[SERIES],
    }
    .done_by(point::min_max),
    Function {
        name: "nonNegativeDerivative",
        signature: "(seriesList, maxValue=None, minValue=None)",
        about: "How much a counter grew from value to value; where it fell, nothing, or what `maxValue` or `minValue` say of where it wraps.",
        parameters: &[SERIES, MAX_VALUE, MIN_VALUE],
    }
    .done_by(change::non_negative_derivative),
    Function {
        name: "offset",
        signature: "(seriesList, factor)",
        about: "Each value plus a number.",
        parameters: &[SERIES, FACTOR],
    }
    .done_by(point::offset),
    Function {
        name: "offsetToZero",
        signature: "(seriesList)",
        about: "Each value minus the least of its series.",
        parameters: &[SERIES],
    }
    .done_by(point::offset_to_zero),
    Function {
        name: "perSecond",
        signature: "(seriesList, maxValue=None, minValue=None)",
        about: "How much a counter grew a second, from value to value.",
        parameters: &[SERIES, MAX_VALUE, MIN_VALUE],
    }
    .done_by(change::per_second),
    Function {
        name: "pow",
        signature: "(seriesList, factor)",
        about: "Each value to the power of a number.",
        parameters: &[SERIES, FACTOR],
    }
    .done_by(point::power),
    Function {
        name: "round",
        signature: "(seriesList, precision=None)",
        about: "Each value rounded to so many decimal places.",
        parameters: &[SERIES, Parameter::optional("precision", Kind::Integer).or(Default::Int(0))],
    }
    .done_by(point::round),
    Function {
        name: "scale",
        signature: "(seriesList, factor)",
        about: "Each value times a number.",
        parameters: &[SERIES, FACTOR],
    }
    .done_by(point::scale),
    Function {
        name: "scaleToSeconds",
        signature: "(seriesList, seconds)",
        about: "Each value as if its step were so many seconds long.",
        parameters: &[SERIES, Parameter::required("seconds", Kind::Float)],
    }
    .done_by(point::scale_to_seconds),
    Function {
        name: "sigmoid",
        signature: "(seriesList)",
        about: "1 / (1 + e to the power of minus each value).",
        parameters: &[SERIES],
    }
    .done_by(point::sigmoid),
    Function {
        name: "sin",
        signature: "(name, amplitude=1, step=60)",
        about: "The sine of the time in seconds since the Unix epoch.",
        parameters: &[NAME, AMPLITUDE, STEP],
    }
    .done_by(clock::sine),
    Function {
        name: "sinFunction",
        signature: "(name, amplitude=1, step=60)",
        about: "The sine of the time in seconds since the Unix epoch.",
        parameters: &[NAME, AMPLITUDE, STEP],
    }
    .done_by(clock::sine),
    Function {
        name: "smartSummarize",
        signature: "(seriesList, intervalString, func='sum', alignTo=None)",
        about: "What an aggregate makes of each interval, the first of which begins with the series, or with an hour, a day, a week...",
        parameters: &[
            SERIES,
            INTERVAL,
            FUNC,
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
    }
    .done_by(buckets::smart_summarize),
    Function {
        name: "squareRoot",
        signature: "(seriesList)",
        about: "The square root of each value.",
        parameters: &[SERIES],
    }
    .done_by(point::square_root),
    Function {
        name: "summarize",
        signature: "(seriesList, intervalString, func='sum', alignToFrom=False)",
        about: "What an aggregate makes of each interval; intervals are those of the clock, or begin with the series.",
        parameters: &[
            SERIES,
            INTERVAL,
            FUNC,
            Parameter::optional("alignToFrom", Kind::Boolean).or(Default::Bool(false)),
        ],
    }
    .done_by(buckets::summarize),
    Function {
        name: "time",
        signature: "(name, step=60)",
        about: "A series whose value is its time, in seconds since the Unix epoch.",
        parameters: &[NAME, STEP],
    }
    .done_by(clock::time),
    Function {
        name: "timeFunction",
        signature: "(name, step=60)",
        about: "A series whose value is its time, in seconds since the Unix epoch.",
        parameters: &[NAME, STEP],
    }
    .done_by(clock::time),
    Function {
        name: "timeShift",
        signature: "(seriesList, timeShift, resetEnd=True, alignDST=False)",
        about: "Each series as it was some time ago, drawn over the time range asked for.",
        parameters: &[
            SERIES,
            Parameter::required("timeShift", Kind::Interval).suggest(SHIFTS),
            Parameter::optional("resetEnd", Kind::Boolean).or(Default::Bool(true)),
            Parameter::optional("alignDst", Kind::Boolean).or(Default::Bool(false)),
        ],
    }
    .done_by(shift::time_shift),
    Function {
        name: "timeSlice",
        signature: "(seriesList, startSliceAt, endSliceAt='now')",
        about: "Each series without its values outside two moments.",
        parameters: &[
            SERIES,
            Parameter::required("startSliceAt", Kind::Date),
            Parameter::optional("endSliceAt", Kind::Date).or(Default::Text("now")),
        ],
    }
    .done_by(shift::time_slice),
    Function {
        name: "timeStack",
        signature: "(seriesList, timeShiftUnit='1d', timeShiftStart=0, timeShiftEnd=7)",
        about: "Each series as it was several times ago: one series for each shift.",
        parameters: &[
            SERIES,
            Parameter::optional("timeShiftUnit", Kind::Interval).or(Default::Text("1d")).suggest(SHIFTS),
            Parameter::optional("timeShiftStart", Kind::Integer).or(Default::Int(0)),
            Parameter::optional("timeShiftEnd", Kind::Integer).or(Default::Int(7)),
        ],
    }
    .done_by(shift::time_stack),
    Function {
        name: "transformNull",
        signature: "(seriesList, default=0, referenceSeries=None)",
        about: "Gaps filled with a number; only where one of the reference series has a value, if there are any.",
        parameters: &[
            SERIES,
            Parameter::optional("default", Kind::Float).or(Default::Int(0)),
            Parameter::optional("referenceSeries", Kind::SeriesList),
        ],
    }
    .done_by(point::transform_null),
];
