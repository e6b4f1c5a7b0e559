//! A JSON schema of configuration files, for editors: draft 7, which all of them know.
//!
//! It accepts what the readers accept and refuses most of what they refuse; `lanner check` has the last word.

use lanner_core::field::{Field, Type};
use lanner_engine::processor::KIND_FIELDS;
use lanner_engine::rule::DETECTORS;
use lanner_io::receiver::KINDS;
use lanner_io::{consume, source};
use serde_json::{Map, Value, json};

use super::{Section, Shape, sections};

/// The schema.
pub(crate) fn schema() -> Value {
    let mut properties = Map::new();
    for Section { name, about, fields, shape } in sections() {
        let item = match name {
            "rules" => one_of(object(&fields), &DETECTORS),
            "processors" => one_of(object(&fields), &KIND_FIELDS),
            "receivers" => of_kinds(&fields, KINDS.iter().map(|kind| (kind.name, kind.fields))),
            "consume" => of_kinds(&fields, consume::KINDS.iter().map(|kind| (kind.name, kind.fields))),
            "sources" => of_kinds(&fields, source::KINDS.iter().map(|kind| (kind.name, kind.fields))),
            _ => object(&fields),
        };
        let mut section = match shape {
            Shape::List => {
                json!({"anyOf": [{"type": "array", "items": item.clone()}, item, {"type": "null"}]})
            }
            Shape::ByName => {
                json!({"anyOf": [{"type": "object", "additionalProperties": item}, {"type": "null"}]})
            }
            Shape::One => item,
        };
        section["description"] = json!(about);
        properties.insert(name.to_owned(), section);
    }
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Lanner's configuration",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

/// A rule has one detector, a processor one kind.
fn one_of(mut object: Value, fields: &[Field]) -> Value {
    object["oneOf"] = fields.iter().map(|field| json!({"required": [field.name]})).collect();
    object
}

/// A receiver or a source has the fields of its kind.
fn of_kinds(
    shared: &[Field],
    kinds: impl Iterator<Item = (&'static str, &'static [Field])> + Clone,
) -> Value {
    let names: Vec<&str> = kinds.clone().map(|(name, _)| name).collect();
    let of_kind = |(name, fields): (&str, &[Field])| {
        json!({
            "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
            "then": object(&[shared, fields].concat()),
        })
    };
    let kinds: Vec<Value> = kinds.map(of_kind).collect();
    json!({
        "type": "object",
        "required": ["name", "kind"],
        "properties": {"kind": {"enum": names}},
        "allOf": kinds,
    })
}

fn object(fields: &[Field]) -> Value {
    let property = |field: &Field| {
        let mut property = of(field.kind);
        property["description"] = json!(field.about);
        if !field.default.is_empty() {
            property["default"] = json!(field.default);
        }
        (field.name.to_owned(), property)
    };
    let properties: Map<String, Value> = fields.iter().map(property).collect();
    let required: Vec<&str> =
        fields.iter().filter(|field| field.is_required).map(|field| field.name).collect();
    json!({"type": "object", "additionalProperties": false, "properties": properties, "required": required})
}

/// What is written without quotes and means its text, whatever it looks like.
fn scalar() -> Value {
    json!({"type": ["string", "number", "boolean"]})
}

fn of(kind: Type) -> Value {
    match kind {
        Type::Text | Type::Id | Type::Duration | Type::Time | Type::TimeOfDay | Type::Condition => scalar(),
        Type::Percent | Type::Share => json!({"type": "string", "pattern": "^\\s*[0-9.eE+-]+\\s*%\\s*$"}),
        Type::Number => json!({"type": "number"}),
        Type::Whole => json!({"type": "integer"}),
        Type::Truth => json!({"enum": [true, false, "yes", "no", "on", "off"]}),
        Type::OneOf(words) => json!({"enum": words}),
        Type::Template | Type::Any => json!({}),
        Type::Secret => {
            let place = |name: &str| json!({"type": "object", "additionalProperties": false, "properties": {name: scalar()}, "required": [name]});
            json!({"anyOf": [scalar(), place("env"), place("file")]})
        }
        Type::List(kind) => {
            let item = of(*kind);
            json!({"anyOf": [{"type": "array", "items": item}, item]})
        }
        Type::ByName(kind) => json!({"type": "object", "additionalProperties": of(*kind)}),
        Type::Map(fields) => object(fields),
        Type::Either(kinds) => {
            // Also the words that stand for one of them, such as off.
            let kinds: Vec<Value> =
                kinds.iter().map(|kind| of(*kind)).chain([json!({"enum": ["off", false]})]).collect();
            json!({"anyOf": kinds})
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use lanner_core::Node;

    use super::*;

    /// What Python's `jsonschema` says of each document: nothing, or its first objection. `None` without it.
    fn judged(documents: &[Value]) -> Option<Vec<String>> {
        const JUDGE: &str = "
import json, sys, warnings
from jsonschema import Draft7Validator
schema, documents = json.load(sys.stdin)
Draft7Validator.check_schema(schema)
judge = Draft7Validator(schema)
said = [next((e.json_path + ': ' + e.message[:300] for e in judge.iter_errors(d)), '') for d in documents]
json.dump(said, sys.stdout)";
        let python = std::env::var_os("LANNER_TEST_JSONSCHEMA").unwrap_or_else(|| "python3".into());
        let mut judge = Command::new(python);
        judge.args(["-c", JUDGE]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let Ok(mut judge) = judge.spawn() else {
            eprintln!("SKIPPED: the schema is not tried, because there is no python3");
            return None;
        };
        let mut input = judge.stdin.take().unwrap();
        input.write_all(json!([schema(), documents]).to_string().as_bytes()).unwrap();
        drop(input);
        let output = judge.wait_with_output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        if complaint.contains("No module named") {
            eprintln!("SKIPPED: the schema is not tried, because python3 has no jsonschema");
            return None;
        }
        assert!(output.status.success(), "{complaint}");
        Some(serde_json::from_slice(&output.stdout).unwrap())
    }

    #[track_caller]
    fn accepted(documents: &[(String, Value)]) {
        let values: Vec<Value> = documents.iter().map(|(_, document)| document.clone()).collect();
        for ((name, _), said) in documents.iter().zip(judged(&values).unwrap_or_default()) {
            assert_eq!(said, "", "{name}");
        }
    }

    fn yaml(text: &str) -> Value {
        Node::from_yaml(text).unwrap_or_else(|problem| panic!("{problem}:\n{text}")).to_json()
    }

    #[test]
    fn the_schema_accepts_what_the_readers_accept() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        let mut documents = Vec::new();
        for file in [
            "examples/access.yaml",
            "examples/api.yaml",
            "examples/payments.yaml",
            "docs/processors.md",
            "docs/receivers.md",
            "docs/rules.md",
            "docs/switches.md",
        ] {
            let text = std::fs::read_to_string(format!("{root}/{file}")).unwrap();
            let blocks: Vec<&str> = match file.strip_suffix(".md") {
                Some(_) => {
                    text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
                }
                None => vec![&text],
            };
            for block in blocks {
                let Ok(node) = Node::from_yaml(block) else { continue };
                if lanner_engine::Config::default().read(&node).is_empty() {
                    documents.push((format!("{file}:\n{block}"), node.to_json()));
                }
            }
        }
        assert!(documents.len() >= 3, "{} documents", documents.len());
        accepted(&documents);
    }

    /// The least that an item of a section holds.
    fn least(section: &str) -> &'static str {
        match section {
            "rules" => "id: a\nquery: { stream: s, measure: count }\nwindow: 1m\nabsolute: { max: 1 }\n",
            "processors" => "id: a\nstream: s\nparse: { as: json }\n",
            "receivers" => "name: a\nkind: log\npath: /x\n",
            "inhibit" => "source: { a: b }\ntarget: { c: d }\n",
            "switches" => "id: a\nwhen: x\n",
            "sources" => "name: a\nkind: graphite\nurl: http://a\n",
            "scrape" => "job: a\ntargets: [a:9100]\n",
            "remote_write" => "name: a\nurl: http://a\n",
            "consume" => "name: a\nkind: nats\nurl: nats://a\nsubject: b\n",
            "streams" => "source: a\ntable: b\ntime: c\n",
            "silences" => "id: a\nmatchers: [a=b]\nend: 2026-12-01\ncomment: c\n",
            _ => "",
        }
    }

    #[test]
    fn the_schema_accepts_every_example() {
        let mut documents = Vec::new();
        for section in sections() {
            for field in &section.fields {
                if section.name == "receivers" && field.name == "kind" {
                    continue;
                }
                let chosen = DETECTORS.iter().chain(&*KIND_FIELDS);
                let is_chosen = chosen.filter(|chosen| chosen.name == field.name).count() > 0;
                let is_replaced = |line: &&str| {
                    line.starts_with(&format!("{}:", field.name))
                        || (is_chosen && (line.starts_with("absolute") || line.starts_with("parse")))
                };
                let kept = least(section.name).lines().filter(|line| !is_replaced(line));
                let kept: String = kept.map(|line| format!("{line}\n")).collect();
                let item = yaml(&format!("{kept}{}: {}\n", field.name, field.example));
                let content = match section.shape {
                    Shape::List => json!([item]),
                    Shape::ByName => json!({ "a": item }),
                    Shape::One => item,
                };
                documents.push((format!("{}.{}", section.name, field.name), json!({section.name: content})));
            }
        }
        for kind in KINDS {
            let mut receiver: Value = serde_json::from_str(kind.example).unwrap();
            receiver["name"] = json!("on-call");
            documents.push((kind.name.to_owned(), json!({"receivers": [receiver]})));
        }
        accepted(&documents);
    }

    #[test]
    fn the_schema_refuses_mistakes() {
        let rule = "id: a, query: { stream: s, measure: count }, window: 1m";
        let mistakes = [
            format!("rules: [{{ {rule} }}]"),
            format!("rules: [{{ {rule}, absolute: {{ max: 1 }}, variation: {{ n: 5 }} }}]"),
            format!("rules: [{{ {rule}, relative: {{ to: 1w, drop: 0.25 }} }}]"),
            format!("rules: [{{ {rule}, absolute: {{ max: 1 }}, fro: 2 }}]"),
            "receivers: [{ name: a, kind: pigeon }]".to_owned(),
            "receivers: [{ name: a, kind: webhook, url: x, path: /x }]".to_owned(),
            "receivers: [{ name: a, kind: webhook }]".to_owned(),
            "rulez: []".to_owned(),
            "server: { guard: 0.5 }".to_owned(),
            "server: { lisen: x }".to_owned(),
            "switches: [{ id: a }]".to_owned(),
            "processors: [{ id: a, stream: s }]".to_owned(),
            "processors: [{ id: a, stream: s, parse: { as: xml } }]".to_owned(),
            "processors: [{ id: a, stream: s, parse: { as: json }, copy: { to: t } }]".to_owned(),
        ];
        let documents: Vec<Value> = mistakes.iter().map(|text| yaml(text)).collect();
        for (text, said) in mistakes.iter().zip(judged(&documents).unwrap_or_default()) {
            assert_ne!(said, "", "{text}");
        }
    }

    /// `UPDATE_GOLDEN=1 cargo test -p lanner --bin lanner configuration` writes the files.
    #[test]
    fn the_published_schema_is_what_the_readers_know() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/lanner.schema.json");
        let written = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(path, &written).unwrap();
        }
        let published = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            published == written,
            "docs/lanner.schema.json is not what the readers know; write it with UPDATE_GOLDEN=1"
        );
    }
}
