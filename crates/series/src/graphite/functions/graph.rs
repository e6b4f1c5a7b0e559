//! The functions of the group "Graph".

use super::{Answer, Default, Function, Kind, Parameter};
use crate::graphite::evaluate::Call;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "alpha",
        signature: "(seriesList, alpha)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("alpha", Kind::Float),
        ],
        run: alpha,
    },
    Function {
        name: "areaBetween",
        signature: "(seriesList)",
        about: "",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
        run: area_between,
    },
    Function {
        name: "color",
        signature: "(seriesList, theColor)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("theColor", Kind::Text),
        ],
        run: color,
    },
    Function {
        name: "dashed",
        signature: "(seriesList, dashLength=5)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("dashLength", Kind::Integer).or(Default::Int(5)),
        ],
        run: dashed,
    },
    Function {
        name: "drawAsInfinite",
        signature: "(seriesList)",
        about: "",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
        run: draw_as_infinite,
    },
    Function {
        name: "lineWidth",
        signature: "(seriesList, width)",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("width", Kind::Float),
        ],
        run: line_width,
    },
    Function {
        name: "secondYAxis",
        signature: "(seriesList)",
        about: "",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
        run: second_y_axis,
    },
    Function {
        name: "stacked",
        signature: "(seriesLists, stackName='__DEFAULT__')",
        about: "",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("stack", Kind::Text),
        ],
        run: stacked,
    },
    Function {
        name: "threshold",
        signature: "(value, label=None, color=None)",
        about: "",
        parameters: &[
            Parameter::required("value", Kind::Float),
            Parameter::optional("label", Kind::Text),
            Parameter::optional("color", Kind::Text),
        ],
        run: threshold,
    },
    Function {
        name: "verticalLine",
        signature: "(ts, label=None, color=None)",
        about: "",
        parameters: &[
            Parameter::required("ts", Kind::Date),
            Parameter::optional("label", Kind::Text),
            Parameter::optional("color", Kind::Text),
        ],
        run: vertical_line,
    },
];

fn alpha(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn area_between(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn color(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn dashed(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn draw_as_infinite(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn line_width(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn second_y_axis(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn stacked(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn threshold(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}

fn vertical_line(call: &Call<'_>) -> Answer {
    Err(call.problem("is not there yet"))
}
