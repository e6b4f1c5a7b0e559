//! The functions of the group "Special".

use super::alias::part;
use super::filter_series::{number, value_of};
use crate::aggregate::Aggregate;
use crate::evaluate::{Answer, Entry};
use crate::evaluate::{Call, each};
use crate::expr::Literal;
use crate::function::Function;
use crate::legend::{System, fixed};
use crate::number::shortest;
use crate::parameter::{Default, Kind, Parameter, texts};
use crate::problem::Problem;
use crate::series::{Consolidation, Series};
use crate::source::EventTags;
use crate::tags::TagCondition;

pub(super) const FUNCTIONS: &[Entry] = &[
    Function {
        name: "cactiStyle",
        signature: "(seriesList, system=None, units=None)",
        about: "Adds columns with the last, greatest and least value to every name.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("system", Kind::Text).one_of(&texts(["binary", "si"])),
            Parameter::optional("units", Kind::Text),
        ],
    }
    .done_by(cacti_style),
    Function {
        name: "changed",
        signature: "(seriesList)",
        about: "1 where a value differs from the one before it (gaps aside), else 0.",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
    }
    .done_by(changed),
    Function {
        name: "consolidateBy",
        signature: "(seriesList, consolidationFunc)",
        about: "Says how several values become one where fewer points are wanted: sum, average, min, max, first, last or avg_zero.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("consolidationFunc", Kind::Text)
                .one_of(&texts(["average", "avg", "avg_zero", "first", "last", "max", "min", "sum"])),
        ],
    }
    .done_by(consolidate_by),
    Function {
        name: "constantLine",
        signature: "(value)",
        about: "A line at value.",
        parameters: &[Parameter::required("value", Kind::Float)],
    }
    .done_by(constant_line),
    Function {
        name: "cumulative",
        signature: "(seriesList)",
        about: "Adds values up where fewer points are wanted: consolidateBy(x, 'sum').",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
    }
    .done_by(cumulative),
    Function {
        name: "events",
        signature: "(*tags)",
        about: "How many stored events carry all the tags, second by second; '*' is for all events.",
        parameters: &[Parameter::required("tags", Kind::Text).multiple()],
    }
    .done_by(events),
    Function {
        name: "fallbackSeries",
        signature: "(seriesList, fallback)",
        about: "The second list where the first one has no series.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("fallback", Kind::SeriesList),
        ],
    }
    .done_by(fallback_series),
    Function {
        name: "randomWalk",
        signature: "(name, step=60)",
        about: "A walk that looks random; it is the same for the same name and time.",
        parameters: &[
            Parameter::required("name", Kind::Text),
            Parameter::optional("step", Kind::Integer).or(Default::Int(60)),
        ],
    }
    .done_by(random_walk),
    Function {
        name: "randomWalkFunction",
        signature: "(name, step=60)",
        about: "A walk that looks random; it is the same for the same name and time.",
        parameters: &[
            Parameter::required("name", Kind::Text),
            Parameter::optional("step", Kind::Integer).or(Default::Int(60)),
        ],
    }
    .done_by(random_walk),
    Function {
        name: "seriesByTag",
        signature: "(*tagExpressions)",
        about: "The series whose tags fulfil all conditions: seriesByTag('name=disk.used', 'dc!=ams', 'host=~web.*').",
        parameters: &[Parameter::required("tagExpressions", Kind::Text).multiple()],
    }
    .done_by(series_by_tag),
    Function {
        name: "setXFilesFactor",
        signature: "(seriesList, xFilesFactor)",
        about: "Says which share of values is needed wherever several become one from here on: 0 (any) to 1 (all).",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("xFilesFactor", Kind::Float),
        ],
    }
    .done_by(set_x_files_factor),
    Function {
        name: "substr",
        signature: "(seriesList, start=0, stop=0)",
        about: "Names every series by its nodes from start up to, not including, stop.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("start", Kind::Node).or(Default::Int(0)),
            Parameter::optional("stop", Kind::Node).or(Default::Int(0)),
        ],
    }
    .done_by(substr),
    Function {
        name: "xFilesFactor",
        signature: "(seriesList, xFilesFactor)",
        about: "Says which share of values is needed wherever several become one from here on: 0 (any) to 1 (all).",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("xFilesFactor", Kind::Float),
        ],
    }
    .done_by(set_x_files_factor),
];

/// Values that a function may make from nothing.
const MAX_MADE: i64 = 10_000_000;

fn cacti_style(call: &Call<'_>) -> Answer {
    let text = |name| call.text(name).filter(|text| !text.is_empty());
    let system = match text("system") {
        Some(name) => Some(System::named(&name).ok_or_else(|| call.problem("system is 'si' or 'binary'"))?),
        None => None,
    };
    let units = text("units").unwrap_or_default();
    let series = call.series("seriesList")?;
    let aggregates = [Aggregate::Last, Aggregate::Max, Aggregate::Min];
    let name_width = series.iter().map(|series| series.name.chars().count()).max().unwrap_or(0);
    let widths = aggregates.map(|aggregate| {
        let width = |series: &Series| {
            let whole = Some(value_of(aggregate, series)).filter(|value| !value.is_nan() && *value != 0.0);
            fixed(whole.unwrap_or(3.0).trunc() + 0.0, system, &units).chars().count()
        };
        series.iter().map(width).max().unwrap_or(0) + 3
    });
    let name = |series: &Series| {
        let mut name = format!("{:<name_width$} ", series.name);
        for ((title, aggregate), width) in ["Current", "Max", "Min"].iter().zip(aggregates).zip(widths) {
            let value = value_of(aggregate, series);
            let value = if value.is_nan() { "nan".to_owned() } else { fixed(value, system, &units) };
            name.push_str(&format!("{title}:{value:<width$} "));
        }
        name
    };
    Ok(series.iter().map(|series| series.clone().renamed(name(series))).collect())
}

fn changed(call: &Call<'_>) -> Answer {
    Ok(each(call.series("seriesList")?, |mut series| {
        series.name = format!("changed({})", series.name).into();
        series.path_expression = series.name.clone();
        let mut before = f64::NAN;
        for value in series.values_mut() {
            let now = *value;
            *value = f64::from(u8::from(!before.is_nan() && !now.is_nan() && before != now));
            before = if now.is_nan() { before } else { now };
        }
        series
    }))
}

fn consolidate_by(call: &Call<'_>) -> Answer {
    consolidated(call, &call.text("consolidationFunc").unwrap_or_default())
}

fn cumulative(call: &Call<'_>) -> Answer {
    consolidated(call, "sum")
}

fn consolidated(call: &Call<'_>, by: &str) -> Answer {
    let consolidation = match by {
        "average" | "avg" => Consolidation::Average,
        "avg_zero" => Consolidation::AverageZero,
        "sum" => Consolidation::Sum,
        "min" => Consolidation::Min,
        "max" => Consolidation::Max,
        "first" => Consolidation::First,
        "last" => Consolidation::Last,
        other => {
            let message = format!(
                "consolidationFunc is average, avg_zero, sum, min, max, first or last, not '{other}'"
            );
            return Err(call.problem(message));
        }
    };
    Ok(each(call.series("seriesList")?, |mut series| {
        series.consolidation = consolidation;
        series.set_tag("consolidateBy", by);
        series.name = format!("consolidateBy({},\"{by}\")", series.name).into();
        series.path_expression = series.name.clone();
        series
    }))
}

fn constant_line(call: &Call<'_>) -> Answer {
    Ok(vec![line(call)?])
}

/// The argument `value` at the beginning, in the middle and at the end of the range.
pub(super) fn line(call: &Call<'_>) -> Result<Series, Problem> {
    let value = number(call, "value")?;
    let (start_s, end_s) = (call.scope.start_s, call.scope.end_s);
    let step_s = end_s.saturating_sub(start_s) / 2;
    if step_s < 1 {
        return Err(call.problem("the range is shorter than two seconds"));
    }
    let mut series = Series::new(&shortest(value), start_s, step_s, vec![value; 3]);
    series.path_expression = format!("constantLine({})", series.name).into();
    series.end_s = end_s;
    series.x_files_factor = call.scope.x_files_factor();
    Ok(series)
}

fn events(call: &Call<'_>) -> Answer {
    let tags: Vec<String> = call
        .literals("tags")
        .iter()
        .filter_map(|tag| if let Literal::Text(tag) = tag { Some(tag.clone()) } else { None })
        .collect();
    let (start_s, end_s) = (call.scope.start_s, call.scope.end_s);
    let mut values = vec![f64::NAN; n_made(call, 1)?];
    let wanted: Vec<&str> = tags.iter().map(String::as_str).collect();
    let times = if wanted.is_empty() {
        Ok(Vec::new())
    } else {
        call.scope.request.source.events(EventTags(&wanted), start_s, end_s)
    };
    for time_s in times.map_err(|error| call.problem(error))? {
        let second = usize::try_from(time_s.saturating_sub(start_s)).ok();
        if let Some(value) = second.and_then(|second| values.get_mut(second)) {
            *value = if value.is_nan() { 1.0 } else { *value + 1.0 };
        }
    }
    let name = format!("events(\"{}\")", tags.join("\", \""));
    let mut series = Series::new(&name, start_s, 1, values);
    series.consolidation = Consolidation::Sum;
    series.x_files_factor = call.scope.x_files_factor();
    Ok(vec![series])
}

/// How many values fill the range at a step, if not too many.
fn n_made(call: &Call<'_>, step_s: i64) -> Result<usize, Problem> {
    let range_s = call.scope.end_s.saturating_sub(call.scope.start_s).max(0);
    let n = range_s.checked_div(step_s).unwrap_or(0) + i64::from(range_s % step_s.max(1) > 0);
    usize::try_from(n).ok().filter(|_| n <= MAX_MADE).ok_or_else(|| {
        call.problem(format!("{n} values are too many; {MAX_MADE} can be made: ask for a shorter range"))
    })
}

fn fallback_series(call: &Call<'_>) -> Answer {
    let series = call.series("seriesList")?;
    if series.is_empty() { call.series("fallback") } else { Ok(series) }
}

fn random_walk(call: &Call<'_>) -> Answer {
    let name = call.text("name").unwrap_or_default();
    let step_s = call.integer("step").unwrap_or(60);
    if step_s < 1 {
        return Err(call.problem("step is a number of seconds, 1 at least"));
    }
    let start_s = call.scope.start_s;
    let mut now = 0.0;
    let walk = (0_i64..).take(n_made(call, step_s)?).map(|i| {
        let here = now;
        now += scatter(&name, start_s.saturating_add(i.saturating_mul(step_s)));
        here
    });
    let mut series = Series::new(&name, start_s, step_s, walk.collect());
    series.end_s = call.scope.end_s;
    series.x_files_factor = call.scope.x_files_factor();
    Ok(vec![series])
}

/// A number in [-0.5, 0.5) that looks random, always the same for a name and a time (FNV-1a, stirred by `SplitMix64`).
fn scatter(name: &str, time_s: i64) -> f64 {
    let bytes = name.bytes().chain(time_s.to_le_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let stirred = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let stirred = (stirred ^ (stirred >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let upper = u32::try_from((stirred ^ (stirred >> 31)) >> 32).unwrap_or(0);
    f64::from(upper) / 4_294_967_296.0 - 0.5
}

fn series_by_tag(call: &Call<'_>) -> Answer {
    let given = call.literals("tagExpressions");
    let conditions: Vec<&str> = given
        .iter()
        .filter_map(|condition| if let Literal::Text(text) = condition { Some(&**text) } else { None })
        .collect();
    TagCondition::parse_all(&conditions).map_err(|error| call.problem(error))?;
    call.scope.fetch_tagged(&conditions, call.text, call.column())
}

fn set_x_files_factor(call: &Call<'_>) -> Answer {
    let share = number(call, "xFilesFactor")?;
    let mut series = call.series("seriesList")?;
    call.scope.set_x_files_factor(share);
    for series in &mut series {
        series.x_files_factor = share;
        series.set_tag("xFilesFactor", shortest(share));
    }
    Ok(series)
}

fn substr(call: &Call<'_>) -> Answer {
    let (start, stop) = (call.integer("start").unwrap_or(0), call.integer("stop").unwrap_or(0));
    let rename = |series: Series| {
        let name = part(&series.name, start, stop);
        series.renamed(name)
    };
    Ok(call.series("seriesList")?.into_iter().map(rename).collect())
}
