//! The functions of the group "Special".

use super::parameter::texts;
use super::{Answer, Default, Function, Kind, Parameter};
use crate::graphite::evaluate::Call;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "cactiStyle",
        signature: "(seriesList, system=None, units=None)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("system", Kind::Text).one_of(&texts(["binary", "si"])),
            Parameter::optional("units", Kind::Text),
        ],
        run: cacti_style,
    },
    Function {
        name: "changed",
        signature: "(seriesList)",
        about: "",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
        run: changed,
    },
    Function {
        name: "consolidateBy",
        signature: "(seriesList, consolidationFunc)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("consolidationFunc", Kind::Text)
                .one_of(&texts(["average", "avg", "avg_zero", "first", "last", "max", "min", "sum"])),
        ],
        run: consolidate_by,
    },
    Function {
        name: "constantLine",
        signature: "(value)",
        about: "",
        parameters: &[Parameter::required("value", Kind::Float)],
        run: constant_line,
    },
    Function {
        name: "cumulative",
        signature: "(seriesList)",
        about: "",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
        run: cumulative,
    },
    Function {
        name: "events",
        signature: "(*tags)",
        about: "",
        parameters: &[Parameter::required("tags", Kind::Text).multiple()],
        run: events,
    },
    Function {
        name: "fallbackSeries",
        signature: "(seriesList, fallback)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("fallback", Kind::SeriesList),
        ],
        run: fallback_series,
    },
    Function {
        name: "randomWalk",
        signature: "(name, step=60)",
        about: "",
        parameters: &[
            Parameter::required("name", Kind::Text),
            Parameter::optional("step", Kind::Integer).or(Default::Int(60)),
        ],
        run: random_walk,
    },
    Function {
        name: "randomWalkFunction",
        signature: "(name, step=60)",
        about: "",
        parameters: &[
            Parameter::required("name", Kind::Text),
            Parameter::optional("step", Kind::Integer).or(Default::Int(60)),
        ],
        run: random_walk_function,
    },
    Function {
        name: "seriesByTag",
        signature: "(*tagExpressions)",
        about: "",
        parameters: &[Parameter::required("tagExpressions", Kind::Text).multiple()],
        run: series_by_tag,
    },
    Function {
        name: "setXFilesFactor",
        signature: "(seriesList, xFilesFactor)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("xFilesFactor", Kind::Float),
        ],
        run: set_x_files_factor,
    },
    Function {
        name: "substr",
        signature: "(seriesList, start=0, stop=0)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("start", Kind::Node).or(Default::Int(0)),
            Parameter::optional("stop", Kind::Node).or(Default::Int(0)),
        ],
        run: substr,
    },
    Function {
        name: "xFilesFactor",
        signature: "(seriesList, xFilesFactor)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("xFilesFactor", Kind::Float),
        ],
        run: x_files_factor,
    },
];

fn cacti_style(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn changed(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn consolidate_by(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn constant_line(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn cumulative(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn events(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn fallback_series(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn random_walk(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn random_walk_function(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn series_by_tag(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn set_x_files_factor(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn substr(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn x_files_factor(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}
