//! Formats of files, as commands offer them and speak of them.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use lanner_wire::format::{FORMATS, Format, named};

/// The values of `--format`, with what each is.
pub(crate) fn parser() -> impl TypedValueParser<Value = &'static Format> {
    let values = FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.about));
    PossibleValuesParser::new(values).try_map(|name| named(&name).ok_or("there is no such format"))
}

/// The names of those formats that `are`, as in `csv, json and line`.
pub(crate) fn names(are: impl Fn(&Format) -> bool) -> String {
    let names: Vec<&str> = FORMATS.iter().filter(|format| are(format)).map(|format| format.name).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

/// Those formats that `are`, a line each with what it is.
pub(crate) fn listed(are: impl Fn(&Format) -> bool) -> String {
    let formats = FORMATS.iter().filter(|format| are(format));
    formats.map(|format| format!("  {:<10}  {}\n", format.name, format.about)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_listed_by_what_they_hold() {
        assert_eq!(names(|format| format.events.is_some()), "ndjson, json and text");
        assert_eq!(names(|format| format.name == "csv"), "csv");
        assert_eq!(names(|_| false), "");
    }
}
