//! The functions of the group "Graph".

use crate::evaluate::{Answer, Entry};
use crate::function::Function;
use crate::parameter::{Default, Kind, Parameter};
use std::sync::Arc;

use super::filter_series::number;
use super::special::line;
use crate::at_time::at_time;
use crate::evaluate::{Call, Request};
use crate::expr::Literal;
use crate::number::{shortest, six_digits};
use crate::series::Series;

pub(super) const FUNCTIONS: &[Entry] = &[
    Function {
        name: "alpha",
        signature: "(seriesList, alpha)",
        about: "Draws the series with this opacity, 0 to 1.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("alpha", Kind::Float),
        ],
    }
    .done_by(alpha),
    Function {
        name: "areaBetween",
        signature: "(seriesList)",
        about: "Draws the area between exactly two series, the lower one first.",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
    }
    .done_by(area_between),
    Function {
        name: "color",
        signature: "(seriesList, theColor)",
        about: "Draws the series in this colour.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("theColor", Kind::Text),
        ],
    }
    .done_by(color),
    Function {
        name: "dashed",
        signature: "(seriesList, dashLength=5)",
        about: "Draws the series as dashed lines.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("dashLength", Kind::Integer).or(Default::Int(5)),
        ],
    }
    .done_by(dashed),
    Function {
        name: "drawAsInfinite",
        signature: "(seriesList)",
        about: "Draws a line from bottom to top wherever a value is not 0.",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
    }
    .done_by(draw_as_infinite),
    Function {
        name: "lineWidth",
        signature: "(seriesList, width)",
        about: "Draws the series in lines of this width.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("width", Kind::Float),
        ],
    }
    .done_by(line_width),
    Function {
        name: "secondYAxis",
        signature: "(seriesList)",
        about: "Draws the series on the axis at the right.",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
    }
    .done_by(second_y_axis),
    Function {
        name: "stacked",
        signature: "(seriesLists, stackName='__DEFAULT__')",
        about: "Puts the series on top of each other, and of those stacked under the same name before.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("stack", Kind::Text),
        ],
    }
    .done_by(stacked),
    Function {
        name: "threshold",
        signature: "(value, label=None, color=None)",
        about: "A line at value, with a label and a colour.",
        parameters: &[
            Parameter::required("value", Kind::Float),
            Parameter::optional("label", Kind::Text),
            Parameter::optional("color", Kind::Text),
        ],
    }
    .done_by(threshold),
    Function {
        name: "verticalLine",
        signature: "(ts, label=None, color=None)",
        about: "A line from bottom to top at a time.",
        parameters: &[
            Parameter::required("ts", Kind::Date),
            Parameter::optional("label", Kind::Text),
            Parameter::optional("color", Kind::Text),
        ],
    }
    .done_by(vertical_line),
];

/// Sets an option of pictures.
fn set(series: &mut Series, option: &'static str, value: impl Into<String>) {
    Arc::make_mut(&mut series.options).insert(option, value.into());
}

/// Every series given, with an option of pictures.
fn with_option(call: &Call<'_>, option: &'static str, value: &str) -> Answer {
    let mut series = call.series("seriesList")?;
    series.iter_mut().for_each(|series| set(series, option, value));
    Ok(series)
}

/// The same for options that show in name and tags.
fn marked(call: &Call<'_>) -> Answer {
    let option = call.function.name;
    let mark = |mut series: Series| {
        set(&mut series, option, "true");
        series.set_tag(option, "1");
        let name = format!("{option}({})", series.name);
        series.renamed(name)
    };
    Ok(call.series("seriesList")?.into_iter().map(mark).collect())
}

fn alpha(call: &Call<'_>) -> Answer {
    with_option(call, "alpha", &shortest(number(call, "alpha")?))
}

fn color(call: &Call<'_>) -> Answer {
    with_option(call, "color", &call.text("theColor").unwrap_or_default())
}

fn line_width(call: &Call<'_>) -> Answer {
    with_option(call, "lineWidth", &shortest(number(call, "width")?))
}

fn draw_as_infinite(call: &Call<'_>) -> Answer {
    marked(call)
}

fn second_y_axis(call: &Call<'_>) -> Answer {
    marked(call)
}

fn area_between(call: &Call<'_>) -> Answer {
    let series = call.series("seriesList")?;
    let Ok([mut lower, mut upper]) = <[Series; 2]>::try_from(series) else {
        return Err(call.problem("seriesList must be exactly two series, the lower one first"));
    };
    upper.set_tag("areaBetween", "1");
    lower.tags = Arc::clone(&upper.tags);
    upper = upper.clone().renamed(format!("areaBetween({})", upper.path_expression));
    lower.name = Arc::clone(&upper.name);
    set(&mut lower, "stacked", "true");
    set(&mut lower, "invisible", "true");
    set(&mut upper, "stacked", "true");
    Ok(vec![lower, upper])
}

fn dashed(call: &Call<'_>) -> Answer {
    let (length, tag) = match call.literal("dashLength") {
        Some(Literal::Float(length)) => (length, shortest(length)),
        _ => number(call, "dashLength").map(|length| (length, six_digits(length)))?,
    };
    let dash = |mut series: Series| {
        series.set_tag("dashed", &*tag);
        set(&mut series, "dashed", &*tag);
        let name = format!("dashed({}, {})", series.name, six_digits(length));
        series.renamed(name)
    };
    Ok(call.series("seriesList")?.into_iter().map(dash).collect())
}

fn stacked(call: &Call<'_>) -> Answer {
    let named = call.text("stack");
    let stack = named.as_deref().unwrap_or("__DEFAULT__");
    let put = |mut series: Series| {
        call.scope.stack(stack, series.values_mut());
        set(&mut series, "stacked", "true");
        if stack != "__DEFAULT__" {
            return series;
        }
        series.set_tag("stacked", stack);
        let name = format!("stacked({})", series.name);
        series.renamed(name)
    };
    Ok(call.series("seriesList")?.into_iter().map(put).collect())
}

fn threshold(call: &Call<'_>) -> Answer {
    let mut series = line(call)?;
    if let Some(label) = call.text("label").filter(|label| !label.is_empty()) {
        series.name = label.into();
    }
    Ok(vec![coloured(call, series)])
}

fn vertical_line(call: &Call<'_>) -> Answer {
    let (start_s, end_s) = (call.scope.start_s, call.scope.end_s);
    let written = call.text("ts").unwrap_or_default();
    let Request { now_s, zone, .. } = call.scope.request;
    let time_s = at_time(&written, *now_s, zone).map_err(|error| call.problem(error))?;
    if !(start_s..=end_s).contains(&time_s) {
        let side = if time_s < start_s { "before" } else { "after" };
        return Err(call.problem(format!("'{written}' is {side} the range that is asked for")));
    }
    let label = call.text("label").ok_or_else(|| call.problem("it needs a label to be called by"))?;
    let mut series = Series::new(&label, time_s, 1, vec![1.0]);
    series.x_files_factor = call.scope.x_files_factor();
    set(&mut series, "drawAsInfinite", "true");
    Ok(vec![coloured(call, series)])
}

fn coloured(call: &Call<'_>, mut series: Series) -> Series {
    if let Some(color) = call.text("color").filter(|color| !color.is_empty()) {
        set(&mut series, "color", color);
    }
    series
}
