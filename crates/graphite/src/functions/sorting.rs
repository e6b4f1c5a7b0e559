//! The functions of the group "Sorting".

use std::cmp::Reverse;

use super::filter_series::{aggregate_of, sorted, value_of};
use crate::aggregate::Aggregate;
use crate::evaluate::Call;
use crate::evaluate::{Answer, Entry};
use crate::function::Function;
use crate::parameter::{AGGREGATES, Default, Kind, Parameter};

pub(super) const FUNCTIONS: &[Entry] = &[
    Function {
        name: "sortBy",
        signature: "(seriesList, func='average', reverse=False)",
        about: "Sorts by an aggregate over the whole range, the lowest first.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("func", Kind::AggFunc).or(Default::Text("average")).one_of(AGGREGATES),
            Parameter::optional("reverse", Kind::Boolean).or(Default::Bool(false)),
        ],
    }
    .done_by(sort_by),
    Function {
        name: "sortByMaxima",
        signature: "(seriesList)",
        about: "Sorts by maximum, the highest first.",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
    }
    .done_by(sort_by_maxima),
    Function {
        name: "sortByMinima",
        signature: "(seriesList)",
        about: "Sorts by minimum, the lowest first, and drops the series that are never above 0.",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
    }
    .done_by(sort_by_minima),
    Function {
        name: "sortByName",
        signature: "(seriesList, natural=False, reverse=False)",
        about: "Sorts by name; natural puts node9 before node10.",
        parameters: &[
            Parameter::required("seriesList", Kind::SeriesList),
            Parameter::optional("natural", Kind::Boolean).or(Default::Bool(false)),
            Parameter::optional("reverse", Kind::Boolean).or(Default::Bool(false)),
        ],
    }
    .done_by(sort_by_name),
    Function {
        name: "sortByTotal",
        signature: "(seriesList)",
        about: "Sorts by sum, the highest first.",
        parameters: &[Parameter::required("seriesList", Kind::SeriesList)],
    }
    .done_by(sort_by_total),
];

fn sort_by(call: &Call<'_>) -> Answer {
    let aggregate = aggregate_of(call)?;
    Ok(sorted(call.series("seriesList")?, call.is_set("reverse"), |series| value_of(aggregate, series)))
}

fn sort_by_maxima(call: &Call<'_>) -> Answer {
    Ok(sorted(call.series("seriesList")?, true, |series| value_of(Aggregate::Max, series)))
}

fn sort_by_minima(call: &Call<'_>) -> Answer {
    let mut series = call.series("seriesList")?;
    series.retain(|series| value_of(Aggregate::Max, series) > 0.0);
    Ok(sorted(series, false, |series| value_of(Aggregate::Min, series)))
}

fn sort_by_total(call: &Call<'_>) -> Answer {
    Ok(sorted(call.series("seriesList")?, true, |series| value_of(Aggregate::Sum, series)))
}

fn sort_by_name(call: &Call<'_>) -> Answer {
    let mut series = call.series("seriesList")?;
    let natural = call.is_set("natural");
    let key = |name: &str| if natural { with_even_numbers(name) } else { name.to_owned() };
    if call.is_set("reverse") {
        series.sort_by_cached_key(|series| Reverse(key(&series.name)));
    } else {
        series.sort_by_cached_key(|series| key(&series.name));
    }
    Ok(series)
}

/// `name` with its numbers ten digits wide, so that `node9` comes before `node10`.
fn with_even_numbers(name: &str) -> String {
    let mut even = String::with_capacity(name.len() + 16);
    let mut rest = name;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (text, number) = rest.split_at(start);
        let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
        let (number, after) = number.split_at(end);
        even.push_str(text);
        let number = number.trim_start_matches('0');
        even.extend(std::iter::repeat_n('0', 10_usize.saturating_sub(number.len())));
        even.push_str(number);
        rest = after;
    }
    even + rest
}

#[cfg(test)]
mod tests {
    use super::with_even_numbers;

    #[test]
    fn numbers_in_names() {
        for (name, expected) in [
            ("node9.load", "node0000000009.load"),
            ("a10b007", "a0000000010b0000000007"),
            ("0", "0000000000"),
            ("12345678901x", "12345678901x"),
            ("none", "none"),
        ] {
            assert_eq!(with_even_numbers(name), expected);
        }
    }
}
