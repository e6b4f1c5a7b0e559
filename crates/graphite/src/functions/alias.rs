//! The functions of the group "Alias".

use super::filter_series::pattern;
use crate::aggregate::Aggregate;
use crate::evaluate::Call;
use crate::evaluate::{Answer, Entry};
use crate::expr::Literal;
use crate::function::Function;
use crate::legend::{System, fixed};
use crate::nodes::key;
use crate::number::shortest;
use crate::one_number::with_number;
use crate::parameter::{Kind, Parameter, texts};
use crate::pattern::Replacement;
use crate::problem::Problem;
use crate::series::Series;

pub(super) const FUNCTIONS: &[Entry] = &[
    Function {
        name: "alias",
        signature: "(seriesList, newName)",
        about: "Gives every series the name newName.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("newName", Kind::Text),
        ],
    }
    .done_by(alias),
    Function {
        name: "aliasByMetric",
        signature: "(seriesList)",
        about: "Names every series by the last node of its path.",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
    }
    .done_by(alias_by_metric),
    Function {
        name: "aliasByNode",
        signature: "(seriesList, *nodes)",
        about: "Names every series by nodes of its path, counted from 0, or by tags: aliasByNode(servers.*.cpu, 1).",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("nodes", Kind::NodeOrTag).multiple(),
        ],
    }
    .done_by(alias_by_node),
    Function {
        name: "aliasByTags",
        signature: "(seriesList, *tags)",
        about: "Names every series by tags, or by nodes of its path.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("tags", Kind::NodeOrTag).multiple(),
        ],
    }
    .done_by(alias_by_tags),
    Function {
        name: "aliasQuery",
        signature: "(seriesList, search, replace, newName)",
        about: "Rewrites each name to another expression by a regular expression, and names the series by the last value of that: 'cpu %d'.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("search", Kind::Text),
            Parameter::required("replace", Kind::Text),
            Parameter::required("newName", Kind::Text),
        ],
    }
    .done_by(alias_query),
    Function {
        name: "aliasSub",
        signature: "(seriesList, search, replace)",
        about: "Replaces what a regular expression finds in every name; \\\\1 is its first group.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::required("search", Kind::Text),
            Parameter::required("replace", Kind::Text),
        ],
    }
    .done_by(alias_sub),
    Function {
        name: "legendValue",
        signature: "(seriesList, *valueTypes)",
        about: "Adds aggregates over the whole range to every name; with si or binary last, in columns.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("valuesTypes", Kind::Text).multiple().one_of(&texts([
                "average",
                "averageSeries",
                "avg",
                "avgSeries",
                "avg_zero",
                "avg_zeroSeries",
                "binary",
                "count",
                "countSeries",
                "current",
                "currentSeries",
                "diff",
                "diffSeries",
                "last",
                "lastSeries",
                "max",
                "maxSeries",
                "median",
                "medianSeries",
                "min",
                "minSeries",
                "multiply",
                "multiplySeries",
                "range",
                "rangeOf",
                "rangeOfSeries",
                "rangeSeries",
                "si",
                "stddev",
                "stddevSeries",
                "sum",
                "sumSeries",
                "total",
                "totalSeries",
            ])),
        ],
    }
    .done_by(legend_value),
    Function {
        name: "lower",
        signature: "(seriesList, *pos)",
        about: "Names in lower case, or only the characters at the places given.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("pos", Kind::Integer).multiple(),
        ],
    }
    .done_by(lower),
    Function {
        name: "upper",
        signature: "(seriesList, *pos)",
        about: "Names in upper case, or only the characters at the places given.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("pos", Kind::Integer).multiple(),
        ],
    }
    .done_by(upper),
];

/// The series given, under other names.
fn rename(call: &Call<'_>, name: impl Fn(&Series) -> Result<String, Problem>) -> Answer {
    let rename = |series: Series| {
        let name = name(&series)?;
        Ok(series.renamed(name))
    };
    call.series("seriesList")?.into_iter().map(rename).collect()
}

fn alias(call: &Call<'_>) -> Answer {
    let name = call.text("newName").unwrap_or_default();
    rename(call, |_| Ok(name.clone()))
}

fn alias_by_metric(call: &Call<'_>) -> Answer {
    rename(call, |series| Ok(part(&series.name, -1, 0)))
}

fn alias_by_node(call: &Call<'_>) -> Answer {
    let nodes = call.literals("nodes");
    rename(call, |series| Ok(key(series, &nodes)))
}

fn alias_by_tags(call: &Call<'_>) -> Answer {
    let tags = call.literals("tags");
    rename(call, |series| Ok(key(series, &tags)))
}

/// The nodes from `start` to `stop` (0: to the end) of what stands in the innermost brackets of a name, up to the
/// first comma. Numbers below 0 count from the end.
pub(super) fn part(name: &str, start: i64, stop: i64) -> String {
    let from = name.rfind('(').map_or(0, |at| at + 1);
    let to = name.find(')').unwrap_or(name.len());
    let nodes: Vec<&str> = name.get(from..to).unwrap_or_default().split('.').collect();
    let place = |place: i64| {
        let many = usize::try_from(place.unsigned_abs()).unwrap_or(usize::MAX);
        if place < 0 { nodes.len().saturating_sub(many) } else { many.min(nodes.len()) }
    };
    let stop = if stop == 0 { nodes.len() } else { place(stop) };
    let part = nodes.get(place(start)..stop).unwrap_or_default().join(".");
    part.split(',').next().unwrap_or_default().to_owned()
}

/// The arguments `search` and `replace`.
fn substitution(call: &Call<'_>) -> Result<impl Fn(&str) -> Result<String, Problem>, Problem> {
    let search = pattern(call, "search")?;
    let replace = Replacement::new(&call.text("replace").unwrap_or_default(), &search);
    let replace = replace.map_err(|error| call.problem(error))?;
    Ok(move |name: &str| replace.replace_all(&search, name).map_err(|error| call.problem(error)))
}

fn alias_sub(call: &Call<'_>) -> Answer {
    let new_name = substitution(call)?;
    rename(call, |series| new_name(&series.name))
}

fn alias_query(call: &Call<'_>) -> Answer {
    let query = substitution(call)?;
    let format = call.text("newName").unwrap_or_default();
    rename(call, |series| {
        let query = query(&series.name)?;
        let found = call.scope.ask(&query).map_err(|error| call.problem(error))?;
        let first = found.first().ok_or_else(|| call.problem(format!("there is no series '{query}'")))?;
        let last = first.last().ok_or_else(|| call.problem(format!("{} has no value", first.name)))?;
        with_number(&format, last).map_err(|error| call.problem(error))
    })
}

fn legend_value(call: &Call<'_>) -> Answer {
    let given = call.literals("valuesTypes");
    let mut kinds: Vec<&str> = given
        .iter()
        .filter_map(|kind| if let Literal::Text(kind) = kind { Some(&**kind) } else { None })
        .collect();
    let system = match kinds.last().and_then(|last| System::named(last)) {
        Some(system) => {
            kinds.pop();
            Some(system)
        }
        None if kinds.is_empty() => return Err(call.problem("name values to show, such as 'avg' or 'max'")),
        None => None,
    };
    rename(call, |series| {
        let mut name = series.name.to_string();
        for kind in &kinds {
            let value = legend(series, kind, system);
            name = match system {
                None => format!("{name} ({kind}: {value})"),
                Some(_) => format!("{name:<20}{kind:<5}{value:<10}"),
            };
        }
        Ok(name)
    })
}

/// The aggregate `kind` of a whole series as a text.
fn legend(series: &Series, kind: &str, system: Option<System>) -> String {
    let plain = (!kind.ends_with("Series")).then(|| Aggregate::named(kind)).flatten();
    let Some(aggregate) = plain else { return "(?)".to_owned() };
    let value = aggregate.of(series.values.iter().copied());
    match system {
        _ if value.is_nan() => "None".to_owned(),
        Some(_) => fixed(value, system, ""),
        None if aggregate == Aggregate::Count => format!("{value}"),
        None => shortest(value),
    }
}

fn lower(call: &Call<'_>) -> Answer {
    with_case(call, str::to_lowercase)
}

fn upper(call: &Call<'_>) -> Answer {
    with_case(call, str::to_uppercase)
}

/// Names in another case: all of them, or the characters at the places given (below 0: from the end).
fn with_case(call: &Call<'_>, change: fn(&str) -> String) -> Answer {
    let places = call.literals("pos");
    rename(call, |series| {
        if places.is_empty() {
            return Ok(change(&series.name));
        }
        let mut chars: Vec<String> = series.name.chars().map(String::from).collect();
        for place in &places {
            let Literal::Int(place) = place else {
                return Err(call.problem("pos is the place of a character"));
            };
            let many = usize::try_from(place.unsigned_abs()).unwrap_or(usize::MAX);
            let index = if *place < 0 { chars.len().checked_sub(many) } else { Some(many) };
            if let Some(char) = index.and_then(|index| chars.get_mut(index)) {
                *char = change(char);
            }
        }
        Ok(chars.concat())
    })
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn parts_of_names() {
        #[track_caller]
        fn check(name: &str, start: i64, stop: i64, expected: &str) {
            assert_eq!(part(name, start, stop), expected, "{name} {start} {stop}");
        }
        check("a.b.c", 1, 0, "b.c");
        check("a.b.c", 1, 2, "b");
        check("a.b.c", -1, 0, "c");
        check("a.b.c", 0, -1, "a.b");
        check("a.b.c", -9, 9, "a.b.c");
        check("a.b.c", 2, 1, "");
        check("f(g(a.b.c,2),'x.y')", 1, 0, "b.c");
        check("f(a.b,c.d)", 0, 0, "a.b");
        check(")a.b(c", 0, 0, "");
        check("", 0, 0, "");
        check("a.b", i64::MIN, i64::MAX, "a.b");
    }
}
