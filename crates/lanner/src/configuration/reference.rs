//! The reference of the whole configuration, `docs/configuration.md`.

use std::fmt::Write as _;

use clap::CommandFactory as _;
use lanner_core::field::{Field, Type};
use lanner_io::receiver::KINDS;
use lanner_io::{consume, source};
use lanner_wire::events::TIME_FIELDS;

use super::{Section, Shape, sections};
use crate::cli::Cli;

/// The reference as Markdown.
pub(crate) fn markdown() -> String {
    let mut text = INTRODUCTION.to_owned();
    for section in sections() {
        let Section { name, about, fields, shape } = section;
        let _ =
            writeln!(text, "\n## {name}\n\n{about}{}", if shape == Shape::List { " A list." } else { "" });
        let path = match shape {
            Shape::List => format!("{name}[]"),
            Shape::ByName => format!("{name}.NAME"),
            Shape::One => name.to_owned(),
        };
        table(&mut text, &path, &fields);
        match name {
            "receivers" => {
                kinds(&mut text, "receivers[]", KINDS.iter().map(|it| (it.name, it.about, it.fields)));
            }
            "consume" => {
                kinds(&mut text, "consume[]", consume::KINDS.iter().map(|it| (it.name, it.about, it.fields)));
            }
            "sources" => {
                kinds(&mut text, "sources[]", source::KINDS.iter().map(|it| (it.name, it.about, it.fields)));
            }
            _ => {}
        }
    }
    events(&mut text);
    options(&mut text);
    text
}

const INTRODUCTION: &str = "\
# Configuration

Every key with its type, default, example and meaning. This page is generated from the code that reads configuration files.
`lanner check FILE` reports every mistake in a file. `lanner schema` prints a JSON schema, which editors use to complete and
check files. For the YAML language server, put this line at the top of a file:

```yaml
# yaml-language-server: $schema=lanner.schema.json
```

Files are YAML 1.2.

- Where text is expected, values stay as written: `1001`, `no`, `1.10` and `0123` are names like `payments`.
- Booleans are `true` and `false`; where one is expected, `yes`, `no`, `on` and `off` are accepted too.
- Percentages need their sign: `25%`.
- A key given twice in one map is an error.

A file may contain some or all sections. `lanner serve --config FILE` reads it at startup, and again on SIGHUP or `lanner
reload`: either all of it takes effect or, if anything is invalid, nothing. `lanner apply FILE...` applies the sections
other than `server`, `retention`, `sources`, `streams`, `scrape`, `consume` and `remote_write` to a running server, and prints what was created, changed and left unchanged. `--dry-run`
only prints the changes; `--prune` also deletes what is not in the files. The API takes the same documents as JSON.
";

fn table(text: &mut String, path: &str, fields: &[Field]) {
    text.push_str("\n| Key | Written as | Default | Example | Meaning |\n| --- | --- | --- | --- | --- |\n");
    for field in fields {
        let Field { name, kind, is_required, default, example, about } = field;
        let default = match (is_required, default.is_empty()) {
            (true, _) => "required".to_owned(),
            (false, true) => "–".to_owned(),
            (false, false) => format!("`{default}`"),
        };
        let example = example.replace('|', "\\|");
        let _ = writeln!(text, "| `{name}` | {} | {default} | `{example}` | {about} |", written_as(*kind));
    }
    for field in fields {
        for inner in maps(field.kind) {
            let path = format!("{path}.{}", field.name);
            let _ = writeln!(text, "\n### `{path}`\n\n{}:", capital(field.about));
            table(text, &path, inner);
        }
    }
}

/// Name, description and fields of each kind of `section`.
fn kinds<'k>(text: &mut String, section: &str, kinds: impl Iterator<Item = (&'k str, &'k str, &'k [Field])>) {
    for (name, about, fields) in kinds {
        let _ = writeln!(text, "\n### `kind: {name}`\n\n{}.", capital(about));
        table(text, section, fields);
    }
}

fn events(text: &mut String) {
    let fields: Vec<String> = TIME_FIELDS.iter().map(|name| format!("`{name}`")).collect();
    let _ = write!(
        text,
        "\n## Times in events\n\nThe time of an event is in the first of the fields {} that is present, or in the field that the \
         request names (`?time=created`; `lanner import --time`). It is RFC 3339, a date with a time (UTC if it has no zone), or \
         seconds, milliseconds, microseconds or nanoseconds since 1970. An event without a time gets the time of its arrival; \
         an event with an unreadable time is refused. The body is one JSON object, an array of objects, or one object per \
         line; as `text/plain`, [lines of text](processors.md).\n\n## Authentication\n\nA server with a token requires it from every caller: `Authorization: Bearer TOKEN` (or \
         `Token TOKEN`, as InfluxDB clients write it), or `X-API-Key: TOKEN`, as OpenFeature clients do. `/healthz` and \
         `/readyz` are open. [Access](access.md) describes tokens.\n",
        fields.join(", ")
    );
}

/// The options of `lanner serve`, and the corresponding variables.
fn options(text: &mut String) {
    text.push_str("\n## Options and environment variables of `lanner serve`\n\n| Option | Variable | Meaning |\n| --- | --- | --- |\n");
    let cli = Cli::command();
    let arguments = cli.find_subcommand("serve").into_iter().flat_map(clap::Command::get_arguments);
    for argument in arguments {
        let Some(long) = argument.get_long() else { continue };
        let variable =
            argument.get_env().map_or_else(|| "–".to_owned(), |name| format!("`{}`", name.to_string_lossy()));
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(text, "| `--{long}` | {variable} | {help} |");
    }
}

/// The type of a value, in a word or two.
fn written_as(kind: Type) -> String {
    match kind {
        Type::Text => "text".to_owned(),
        Type::Id => "a name".to_owned(),
        Type::Duration => "a duration".to_owned(),
        Type::Time => "a time".to_owned(),
        Type::TimeOfDay => "a time of day".to_owned(),
        Type::Percent | Type::Share => "a percentage".to_owned(),
        Type::Number => "a number".to_owned(),
        Type::Whole => "a whole number".to_owned(),
        Type::Truth => "`true` or `false`".to_owned(),
        Type::OneOf(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        Type::Condition => "a [condition](conditions.md)".to_owned(),
        Type::Template => "text, or JSON".to_owned(),
        Type::Secret => "a secret: text, `{ env: NAME }` or `{ file: PATH }`".to_owned(),
        Type::List(kind) => format!("{}, or a list of these", written_as(*kind)),
        Type::ByName(kind) => format!("a map of names to {}", plain(&written_as(*kind))),
        Type::Map(_) => "a map, see below".to_owned(),
        Type::Either(kinds) => kinds.iter().map(|kind| written_as(*kind)).collect::<Vec<_>>().join(", or "),
        Type::Any => "anything".to_owned(),
    }
}

fn plain(text: &str) -> &str {
    text.strip_prefix("a ").unwrap_or(text)
}

/// The maps that a value may be or contain.
pub(super) fn maps(kind: Type) -> Vec<&'static [Field]> {
    match kind {
        Type::Map(fields) => vec![fields],
        Type::List(kind) | Type::ByName(kind) => maps(*kind),
        Type::Either(kinds) => kinds.iter().flat_map(|kind| maps(*kind)).collect(),
        _ => Vec::new(),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `UPDATE_GOLDEN=1 cargo test -p lanner --bin lanner configuration` writes the files.
    #[test]
    fn the_reference_is_what_the_readers_know() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
        let written = markdown();
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(path, &written).unwrap();
        }
        let manual = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            manual == written,
            "docs/configuration.md is not what the readers know; write it with UPDATE_GOLDEN=1"
        );
    }
}
