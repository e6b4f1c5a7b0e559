//! Binds the arguments of a call to parameters and checks their types; every mistake is a sentence.

use super::aggregate::Aggregate;
use super::expr::{Argument, Expr, Literal};
use super::function::{Function, Vocabulary};
use super::parameter::{Default, Kind, Parameter};
use super::problem::Problem;

/// Mistakes that are told at once.
pub(super) const MAX_PROBLEMS: usize = 20;

/// How a call is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'v> {
    /// The functions that there are.
    pub(super) vocabulary: &'v Vocabulary,
    /// As Graphite does: see [`mismatch`].
    pub(super) lenient: bool,
    /// Within a template: what `$name` alone stands for is not known yet.
    pub(super) in_template: bool,
}

/// Which argument is for which parameter; what does not fit becomes a problem.
pub(super) fn bind(
    function: &'static Function,
    given: Vec<(Option<String>, Expr)>,
    column: usize,
    reading: Reading<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<Argument> {
    let strict = Some(reading.vocabulary).filter(|_| !reading.lenient);
    let mut bound: Vec<Argument> = Vec::with_capacity(given.len());
    for (place, (name, mut expr)) in given.into_iter().enumerate() {
        if problems.len() >= MAX_PROBLEMS {
            return bound;
        }
        match place_of(function, place, name.as_deref(), &bound) {
            Ok(parameter) => {
                convert(&function.parameters[parameter], &mut expr);
                let known = !reading.in_template || !is_variable(&expr);
                let wrong = mismatch(&function.parameters[parameter], &expr, strict).filter(|_| known);
                if let Some(wrong) = wrong {
                    let message = format!("{}(): {wrong}", function.name);
                    problems.push(Problem::new(expr.column(), message));
                }
                bound.push(Argument { parameter, expr });
            }
            Err(message) => problems.push(Problem::new(expr.column(), message)),
        }
    }
    let missing: Vec<&str> = (0..)
        .zip(function.parameters)
        .filter(|(i, parameter)| parameter.required && !bound.iter().any(|argument| argument.parameter == *i))
        // Graphite lists some as required that it does without, as the signature says.
        .filter(|(_, parameter)| !function.signature.contains(&format!("{}=", parameter.name)))
        .map(|(_, parameter)| parameter.name)
        .collect();
    // A list that may be empty (`sumSeries()`) is for Graphite to complain about, or not.
    let empty_list = bound.is_empty() && function.parameters.first().is_some_and(|first| first.multiple);
    if !missing.is_empty() && !empty_list {
        let Function { name, signature, .. } = function;
        let message = format!("{name}() needs {}: {name}{signature}", missing.join(" and "));
        problems.push(Problem::new(column, message));
    }
    bound
}

/// Index of the parameter for the argument at `place`, or why there is none.
fn place_of(
    function: &Function,
    place: usize,
    name: Option<&str>,
    bound: &[Argument],
) -> Result<usize, String> {
    let Function { name: of, signature, parameters, .. } = function;
    let Some(name) = name else {
        let last = parameters.len().saturating_sub(1);
        return match parameters.get(place.min(last)) {
            Some(parameter) if place <= last || parameter.multiple => Ok(place.min(last)),
            _ => Err(format!("{of}() takes {} arguments: {of}{signature}", parameters.len())),
        };
    };
    // Graphite checks arguments by the names of parameters, and takes them by those in the signature.
    let index = parameters
        .iter()
        .position(|parameter| parameter.name == name)
        .or_else(|| names_in(signature).position(|known| known == name))
        .filter(|index| *index < parameters.len());
    let Some(index) = index else { return Err(format!("{of}() has no parameter {name}: {of}{signature}")) };
    if bound.iter().any(|argument| argument.parameter == index) {
        return Err(format!("{of}() is given {name} twice"));
    }
    Ok(index)
}

/// The names in a signature: `seriesList` and `n` in `(seriesList, n=1)`.
fn names_in(signature: &str) -> impl Iterator<Item = &str> {
    let names = signature.trim_matches(['(', ')']).split(", ");
    names.map(|name| name.trim_start_matches('*').split('=').next().unwrap_or_default())
}

/// Whether it is a variable of a template and nothing else.
pub(super) fn is_variable(expr: &Expr) -> bool {
    matches!(expr, Expr::Path { text, .. } if text.starts_with('$'))
}

/// Numbers and truths may be written as texts, and truths as 0 and 1.
pub(super) fn convert(parameter: &Parameter, expr: &mut Expr) {
    let Expr::Literal { value, .. } = expr else { return };
    let converted = match (parameter.kind, &*value) {
        (Kind::Float | Kind::IntOrInf | Kind::Integer, Literal::Text(text)) => Literal::of_word(text.trim())
            .filter(|number| matches!(number, Literal::Int(_) | Literal::Float(_))),
        (Kind::Float | Kind::IntOrInf | Kind::Integer, Literal::Bool(truth)) => {
            Some(Literal::Int(i64::from(*truth)))
        }
        (Kind::Boolean, Literal::Int(0)) => Some(Literal::Bool(false)),
        (Kind::Boolean, Literal::Int(1)) => Some(Literal::Bool(true)),
        (Kind::Boolean, Literal::Text(text)) => {
            Literal::of_word(text).filter(|truth| matches!(truth, Literal::Bool(_)))
        }
        _ => None,
    };
    if let Some(converted) = converted {
        *value = converted;
    }
}

/// Why `expr` cannot be given for `parameter`, if so. A word must be among the options only where the functions that
/// there are, whose names may be options too, are given as `strict`: what clients of Graphite ask may be another, and a
/// few functions have an answer even then.
pub(super) fn mismatch(parameter: &Parameter, expr: &Expr, strict: Option<&Vocabulary>) -> Option<String> {
    use Literal::{Bool, Float, Int, None as Nothing, Text};
    let Parameter { name, kind, .. } = parameter;
    let Expr::Literal { value, .. } = expr else {
        return match (kind, expr) {
            (Kind::SeriesList | Kind::SeriesLists | Kind::Any, _) => None,
            (_, Expr::Path { text, .. }) => {
                Some(format!("{name} is {}: write \"{text}\" in quotes?", wanted(*kind)))
            }
            _ => Some(format!("{name} is {}", wanted(*kind))),
        };
    };
    let fits = match (kind, value) {
        (_, Nothing) => !parameter.required,
        (Kind::Any, _) => true,
        (Kind::SeriesList | Kind::SeriesLists, _) => false,
        (Kind::Float | Kind::IntOrInf, value) => matches!(value, Int(_) | Float(_)),
        (Kind::Integer | Kind::Node, value) => matches!(value, Int(_) | Float(_)),
        (Kind::Interval | Kind::Date | Kind::IntOrInterval, value) => {
            matches!(value, Int(_) | Float(_) | Text(_))
        }
        (Kind::NodeOrTag | Kind::Tag, value) => matches!(value, Int(_) | Text(_)),
        (Kind::Boolean, value) => matches!(value, Bool(_)),
        (Kind::Text, value) => !matches!(value, Bool(_)) || parameter.options.contains(&Default::Bool(true)),
        (Kind::AggFunc | Kind::AggOrSeriesFunc, value) => matches!(value, Text(_)),
    };
    if !fits {
        return Some(format!("{name} is {}, not {}", wanted(*kind), shown(value)));
    }
    match value {
        Text(text) if strict.is_some_and(|vocabulary| !is_option(parameter, text, vocabulary)) => {
            Some(format!("{name} is one of {}, not '{text}'", options(parameter)))
        }
        _ => None,
    }
}

fn is_option(parameter: &Parameter, text: &str, vocabulary: &Vocabulary) -> bool {
    let Parameter { kind, options, .. } = parameter;
    let aggregate = matches!(kind, Kind::AggFunc | Kind::AggOrSeriesFunc)
        && (Aggregate::named(text).is_some() || vocabulary.named(text).is_some());
    let listed = |option: &Default| matches!(option, Default::Text(known) if *known == text);
    options.is_empty() || aggregate || options.iter().any(listed)
}

/// What a parameter may be, for a message.
fn options(parameter: &Parameter) -> String {
    let names = parameter.options.iter().filter_map(|option| match option {
        Default::Text(name) => Some(*name),
        _ => None,
    });
    names.collect::<Vec<_>>().join(", ")
}

fn wanted(kind: Kind) -> &'static str {
    match kind {
        Kind::SeriesList | Kind::SeriesLists => "a metric or an expression",
        Kind::Float => "a number",
        Kind::Integer | Kind::Node => "a whole number",
        Kind::IntOrInf => "a whole number or inf",
        Kind::Text => "a text",
        Kind::Interval => "a length of time such as '7d'",
        Kind::IntOrInterval => "a number of points or a length of time such as '1h'",
        Kind::AggFunc => "the name of an aggregate such as 'sum'",
        Kind::AggOrSeriesFunc => "the name of an aggregate or function such as 'sum'",
        Kind::NodeOrTag => "the number of a node or the name of a tag",
        Kind::Tag => "the name of a tag",
        Kind::Boolean => "true or false",
        Kind::Date => "a time such as '-1h'",
        Kind::Any => "anything",
    }
}

/// A literal as it stands in a message.
fn shown(value: &Literal) -> String {
    match value {
        Literal::Text(text) => format!("'{text}'"),
        other => plain(other),
    }
}

/// A literal as it stands in a path.
pub(super) fn plain(value: &Literal) -> String {
    match value {
        Literal::Int(value) => value.to_string(),
        Literal::Float(value) => value.to_string(),
        Literal::Text(text) => text.clone(),
        Literal::Bool(value) => value.to_string(),
        Literal::None => "none".to_owned(),
    }
}

/// The message for a function that does not exist, with the nearest that does.
pub(super) fn unknown(name: &str, vocabulary: &Vocabulary) -> String {
    match vocabulary.nearest(name) {
        Some(near) => format!("there is no function {name}(); did you mean {near}()?"),
        None => format!("there is no function {name}()"),
    }
}
