//! `falco`: holds each event against rules of Falco, and adds which of them select it.

use std::sync::Arc;

use lanner_conditions::falco::rules::{Loader, Rule, RuleSet};
use lanner_core::Event;
use lanner_core::document::Node;
use lanner_core::field::{Field, Type};
use lanner_core::reading;
use lanner_profile::read::{FORMATS, Format, object_of};
use serde_json::{Map, Value, json};

use super::{Kind, Made, Processor};
use crate::document::{Check, Fields};

/// The object that holds what the rules say.
const INTO: &str = "falco";

const FORMAT_NAMES: &[&str] = &["auto", "falco", "tetragon", "sysmon", "json"];
const MATCHING: &[&str] = &["first", "all"];

pub(super) const KIND: Kind = Kind {
    name: "falco",
    about: "holds events against rules of Falco, and adds which of them select each",
    example: "{ rules: '[{ rule: A, desc: a shell, condition: evt.type = execve and proc.name = sh, output: run %proc.cmdline, priority: INFO }]' }",
    read,
    fields: &[
        Field::new("rules", "'[{ rule: A, ... }]'", "rule files as texts, one after the other")
            .of(Type::List(&Type::Text)),
        Field::new("files", "[falco_rules.yaml]", "the same as files, which the command line reads")
            .of(Type::List(&Type::Text)),
        Field::new("matching", "all", "whether all rules that select an event are told, or only the first")
            .of(Type::OneOf(MATCHING))
            .or("first"),
        Field::new("into", INTO, "the object that holds what the rules say").or(INTO),
        Field::new("as", "falco", "how events are written; by default each tells")
            .of(Type::OneOf(FORMAT_NAMES))
            .or("auto"),
    ],
};

#[derive(Debug)]
struct Rules {
    into: String,
    format: Format,
    set: RuleSet,
    is_first_enough: bool,
}

impl Processor for Rules {
    fn kind(&self) -> &'static str {
        KIND.name
    }

    fn process(&self, event: &Event) -> Made {
        let Ok(read) = object_of(event.fields.clone(), self.format) else { return Made::unmatched() };
        let mut matching = self.set.matching(&read.fields);
        let Some(first) = matching.next() else { return Made::default() };
        let mut said = said(first, &read.fields);
        if !self.is_first_enough {
            let others = matching.map(|rule| rule.name.as_str());
            let names: Vec<_> = std::iter::once(first.name.as_str()).chain(others).collect();
            said.insert("rules".to_owned(), json!(names));
        }
        Made { fields: Map::from_iter([(self.into.clone(), Value::Object(said))]), ..Made::default() }
    }
}

/// What a rule says of an event.
fn said(rule: &Rule, event: &Map<String, Value>) -> Map<String, Value> {
    let mut said = Map::new();
    said.insert("rule".to_owned(), rule.name.as_str().into());
    said.insert("priority".to_owned(), rule.priority.name().into());
    said.insert("output".to_owned(), rule.output_format.fill(event).into());
    said.insert("tags".to_owned(), json!(rule.tags));
    said
}

fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Arc<dyn Processor>> {
    let into = fields.read("into", check, reading::name).unwrap_or_else(|| INTO.to_owned());
    let format = fields.read("as", check, |node| {
        let name = one_of(node, FORMAT_NAMES)?;
        let known = FORMATS.iter().find(|(known, _)| *known == name).map(|(_, format)| *format);
        known.ok_or_else(|| format!("\"{name}\" is not a form"))
    });
    let matching = fields.read("matching", check, |node| one_of(node, MATCHING));
    if let Some(node) = fields.get("files") {
        let message = "files are read by the commands that are given a configuration as a file";
        check.push(
            node.at,
            &fields.path_of("files"),
            message.to_owned(),
            Some("send their text as rules".to_owned()),
        );
    }
    let node = match fields.get("rules") {
        Some(node) => node,
        None => {
            fields.require("rules", "'- rule: ...'", check);
            return None;
        }
    };
    let set = rules(node, &fields.path_of("rules"), check)?;
    let is_first_enough = matching.as_deref() != Some("all");
    Some(Arc::new(Rules { into, format: format.unwrap_or(Format::Auto), set, is_first_enough }))
}

fn one_of(node: &Node, words: &[&str]) -> Result<String, String> {
    let word = reading::text(node)?;
    match words.contains(&word.as_str()) {
        true => Ok(word),
        false => Err(format!("should be one of {}, found \"{word}\"", words.join(", "))),
    }
}

/// Loads rule files that stand in a document as texts.
fn rules(node: &Node, path: &str, check: &mut Check) -> Option<RuleSet> {
    let mut loader = Loader::default();
    let items = check.items(node);
    for item in &items {
        match reading::text(item) {
            Ok(text) => loader.read(&text),
            Err(message) => {
                check.problem(item, path, message);
                return None;
            }
        }
    }
    let loaded = loader.finish();
    for error in &loaded.errors {
        let at = items.get(error.file).and_then(|item| item.at);
        check.push(at, path, error.to_string(), None);
    }
    loaded.errors.is_empty().then(|| RuleSet::new(loaded.rules))
}
