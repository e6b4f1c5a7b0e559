//! A configuration file: rules, who is told and how, inhibition, and sections that others read.
//!
//! One `lanner.yaml`, or a folder of such files, whose lists are joined.

use std::collections::HashSet;
use std::sync::Arc;

use lanner_core::time::parse_duration_ms;
use lanner_core::{Labels, MatchOp, Matcher, nearest};
use serde_json::Value;

use crate::document::{Check, Content, Fields, Node, Problem, Problems};
use crate::matcher::Matchers;
use crate::notify::{Inhibition, Route};
use crate::rule::Rule;

/// What configuration files say, checked as far as the engine knows it.
#[derive(Debug, Default)]
pub struct Config {
    /// The rules, version 1 each.
    pub rules: Vec<Rule>,
    /// How receivers want their messages.
    pub routes: Vec<Route>,
    /// What else was written about each receiver: its kind and address. Parallel to `routes`.
    pub receivers: Vec<ReceiverDocument>,
    /// What mutes what.
    pub inhibitions: Vec<Inhibition>,
    /// The documents of the inhibitions, for showing.
    pub inhibition_documents: Vec<Value>,
    /// The `switches`, for whoever knows them to read.
    pub switches: Vec<Node>,
    /// The `server` section, for the server to read.
    pub server: Option<Node>,
    /// The `retention` section, for the store to read.
    pub retention: Option<Node>,
}

/// What was written about a receiver, less what its [`Route`] took.
#[derive(Debug, Clone, PartialEq)]
pub struct ReceiverDocument {
    /// Its name.
    pub name: Arc<str>,
    /// The fields that its kind reads.
    pub config: Value,
    /// Where it stands in its file.
    pub at: Option<crate::document::Position>,
}

const SECTIONS: [&str; 6] = ["rules", "receivers", "inhibit", "switches", "server", "retention"];
const ROUTE_FIELDS: [&str; 6] =
    ["group_by", "group_wait", "group_interval", "repeat", "send_resolved", "only"];

impl Config {
    /// Reads one file.
    ///
    /// # Errors
    /// Every problem in the file.
    ///
    /// ```
    /// let problems = lanner_engine::Config::from_yaml("rules: [{ id: a }]").unwrap_err();
    /// assert!(problems.to_string().contains("the field \"query\" is missing"));
    /// ```
    pub fn from_yaml(text: &str) -> Result<Self, Problems> {
        let node = Node::from_yaml(text).map_err(|problem| Problems(vec![problem]))?;
        let mut config = Self::default();
        let mut problems = config.read(&node);
        problems.extend(config.cross_check());
        if problems.is_empty() { Ok(config) } else { Err(Problems(problems)) }
    }

    /// Adds what `node` says, and returns the problems in it. Parts with problems are left out.
    pub fn read(&mut self, node: &Node) -> Vec<Problem> {
        let mut check = Check::default();
        let Some(mut fields) = check.map(node, "") else { return check.problems };
        if let Some(list) = fields.get("rules") {
            self.read_rules(list, &mut check);
        }
        if let Some(list) = fields.get("receivers") {
            self.read_receivers(list, &mut check);
        }
        if let Some(list) = fields.get("inhibit") {
            self.read_inhibitions(list, &mut check);
        }
        if let Some(list) = fields.get("switches") {
            self.switches.extend(check.items(list).into_iter().cloned());
        }
        self.server = fields.get("server").cloned().or(self.server.take());
        self.retention = fields.get("retention").cloned().or(self.retention.take());
        fields.finish(&SECTIONS, &mut check);
        check.problems
    }

    /// Problems between parts: names given twice, receivers that nobody described.
    #[must_use]
    pub fn cross_check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut problem = |path: String, message: String, hint: Option<String>| {
            problems.push(Problem { at: None, path, message, hint });
        };
        let (mut ids, mut names) = (HashSet::new(), HashSet::new());
        for rule in &self.rules {
            if !ids.insert(&rule.id) {
                problem(format!("rules.{}", rule.id), "is the id of two rules".to_owned(), None);
            }
            for receiver in &rule.receivers {
                if !self.routes.iter().any(|route| route.receiver == *receiver) {
                    let names: Vec<&str> = self.routes.iter().map(|route| &*route.receiver).collect();
                    let hint = nearest(receiver, names)
                        .map(|name| format!("did you mean \"{name}\"?"))
                        .or_else(|| Some("describe it under receivers:".to_owned()));
                    let message = format!("names the receiver \"{receiver}\", which is not described");
                    problem(format!("rules.{}.receivers", rule.id), message, hint);
                }
            }
        }
        for route in &self.routes {
            if !names.insert(&route.receiver) {
                problem(
                    format!("receivers.{}", route.receiver),
                    "is the name of two receivers".to_owned(),
                    None,
                );
            }
        }
        problems
    }

    fn read_rules(&mut self, list: &Node, check: &mut Check) {
        for (at, node) in check.items(list).into_iter().enumerate() {
            match Rule::check(node, &format!("rules[{at}]"), 1) {
                Ok(rule) => self.rules.push(rule),
                Err(Problems(problems)) => check.problems.extend(problems),
            }
        }
    }

    fn read_receivers(&mut self, list: &Node, check: &mut Check) {
        for (at, node) in check.items(list).into_iter().enumerate() {
            let path = format!("receivers[{at}]");
            let Some(mut fields) = check.map(node, &path) else { continue };
            let name = fields.require("name", "on-call", check).and_then(Node::scalar_text);
            let Some(name) = name.map(Arc::<str>::from) else { continue };
            let route = read_route(&name, &mut fields, check);
            let config = Value::Object(fields.rest());
            self.routes.push(route);
            self.receivers.push(ReceiverDocument { name, config, at: node.at });
        }
    }

    fn read_inhibitions(&mut self, list: &Node, check: &mut Check) {
        for (at, node) in check.items(list).into_iter().enumerate() {
            let Some(mut fields) = check.map(node, &format!("inhibit[{at}]")) else { continue };
            let source = read_matchers("source", &mut fields, check);
            let target = read_matchers("target", &mut fields, check);
            let equal = fields.get("equal").map(|node| check.items(node)).unwrap_or_default();
            let equal = equal.into_iter().filter_map(Node::scalar_text).collect();
            fields.finish(&["source", "target", "equal"], check);
            if let (Some(source), Some(target)) = (source, target) {
                self.inhibitions.push(Inhibition { source, target, equal });
                self.inhibition_documents.push(node.to_json());
            }
        }
    }
}

fn read_route(name: &Arc<str>, fields: &mut Fields<'_>, check: &mut Check) -> Route {
    let default = Route::new(name.clone());
    let duration = |node: &Node| {
        parse_duration_ms(&node.scalar_text().unwrap_or_default()).map_err(|error| error.to_string())
    };
    let group_by = fields.get("group_by").map(|node| {
        let names = check.items(node).into_iter().filter_map(Node::scalar_text);
        names.collect::<Vec<String>>()
    });
    let [_, wait, interval, repeat, resolved, only] = ROUTE_FIELDS;
    Route {
        receiver: name.clone(),
        group_by: group_by.unwrap_or(default.group_by),
        group_wait_ms: fields.read(wait, check, duration).unwrap_or(default.group_wait_ms),
        group_interval_ms: fields.read(interval, check, duration).unwrap_or(default.group_interval_ms),
        repeat_ms: fields
            .read(repeat, check, |node| match node.scalar_text().as_deref() {
                Some("never" | "false") => Ok(None),
                _ => duration(node).map(Some),
            })
            .unwrap_or(default.repeat_ms),
        send_resolved: fields
            .read(resolved, check, |node| match node.content {
                Content::Bool(value) => Ok(value),
                _ => Err("should be true or false".to_owned()),
            })
            .unwrap_or(default.send_resolved),
        only: fields.read(only, check, read_only).unwrap_or_default(),
    }
}

/// A map of labels to the values that they must have.
fn read_only(node: &Node) -> Result<Labels, String> {
    let Content::Map(entries) = &node.content else {
        return Err("should be a map of labels, for example { severity: error }".to_owned());
    };
    Ok(Labels::new(
        entries.iter().map(|(key, value)| (key.name.clone(), value.scalar_text().unwrap_or_default())),
    ))
}

/// A map of labels to values; a value between slashes is a regular expression.
fn read_matchers(name: &str, fields: &mut Fields<'_>, check: &mut Check) -> Option<Matchers> {
    let node = fields.require(name, "{ severity: page }", check)?;
    let path = fields.path_of(name);
    check.map(node, &path)?;
    let Content::Map(entries) = &node.content else { return None };
    let matcher = |(key, value): &(crate::document::Key, Node)| {
        let value = value.scalar_text().unwrap_or_default();
        let regex = value.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
        let op = if regex.is_some() { MatchOp::Regex } else { MatchOp::Equal };
        Matcher { label: key.name.clone(), op, value: regex.unwrap_or(&value).to_owned() }
    };
    let matchers: Vec<Matcher> = entries.iter().map(matcher).collect();
    if matchers.is_empty() {
        check.problem(node, &path, "should match at least one label");
        return None;
    }
    Matchers::compile(&matchers).map_err(|message| check.problem(node, &path, message)).ok()
}
