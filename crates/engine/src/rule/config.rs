//! A configuration file: rules, processors, receivers, inhibition, and sections that other crates read.
//!
//! One `lanner.yaml`, or a folder of such files, whose lists are joined.

use std::collections::HashSet;
use std::sync::Arc;

use lanner_core::field::{self, Field, Type};
use lanner_core::intervals::{TIME_INTERVALS, replace_names};
use lanner_core::matchers::parse_matchers;
use lanner_core::reading::{self, text};
use lanner_core::time::parse_duration_ms;
use lanner_core::{MatchOp, Matcher, TimeIntervals, nearest};
use serde_json::Value;

use super::Rule;
use crate::alert::matcher::Matchers;
use crate::alert::notify::{Inhibition, Route};
use crate::document::{Check, Content, Fields, Node, Problem, Problems};
use crate::processor::{self, Configured};
use crate::source::Elsewhere;

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
    /// The time intervals by name. Where they are named, what they say is put in the place of the name.
    pub time_intervals: Vec<(String, Node)>,
    /// What becomes of events before they are stored, in the order written.
    pub processors: Vec<Configured>,
    /// The `switches`, for whoever knows them to read.
    pub switches: Vec<Node>,
    /// The `silences`, for whoever knows them to read.
    pub silences: Vec<Node>,
    /// The `server` section, for the server to read.
    pub server: Option<Node>,
    /// The `retention` section, for the store to read.
    pub retention: Option<Node>,
    /// The `sources`, for whoever asks them to read.
    pub sources: Option<Node>,
    /// The `streams` that lie in sources, for whoever knows the sources to read.
    pub streams: Option<Node>,
    /// The `scrape` section, for whoever asks its targets to read.
    pub scrape: Option<Node>,
    /// The `consume` section, for whoever takes messages of brokers to read.
    pub consume: Option<Node>,
    /// The `remote_write` section, for whoever sends samples to read.
    pub remote_write: Option<Node>,
    /// What rules with problems name, so that one problem does not hide another.
    broken: Vec<Broken>,
}

/// What a rule with problems names.
#[derive(Debug)]
struct Broken {
    id: String,
    receivers: Vec<String>,
    source: Option<String>,
}

/// What was written about a receiver, less what its [`Route`] took.
#[derive(Debug, Clone, PartialEq)]
pub struct ReceiverDocument {
    /// Its name.
    pub name: Arc<str>,
    /// The fields that its kind reads, a map.
    pub config: Node,
    /// The whole of it, as it was written.
    pub node: Node,
}

/// The sections of a configuration file.
pub const SECTIONS: [&str; 14] = [
    "rules",
    "processors",
    "receivers",
    "time_intervals",
    "inhibit",
    "switches",
    "silences",
    "sources",
    "streams",
    "scrape",
    "consume",
    "remote_write",
    "server",
    "retention",
];

/// The fields of receivers that may name time intervals.
const RECEIVER_TIMES: &[&str] = &["mute_time_intervals", "active_time_intervals"];
/// That of silences.
const SILENCE_TIMES: &[&str] = &["every"];

/// The fields of a receiver of any kind.
pub const RECEIVER: &[Field] = &[
    Field::new("name", "on-call", "unique name of the receiver").of(Type::Id).required(),
    Field::new("group_by", "[rule, bank]", "alerts with the same values of these labels share a message")
        .of(Type::List(&Type::Text))
        .or("[rule]"),
    Field::new("group_wait", "5s", "how long the first message of a group waits for more alerts")
        .of(Type::Duration)
        .or("5s"),
    Field::new(
        "group_interval",
        "1m",
        "shortest time between two messages of a group",
    )
    .of(Type::Duration)
    .or("1m"),
    Field::new("repeat", "4h", "time after which a message is repeated while its alerts last, or never")
        .of(Type::Duration)
        .or("4h"),
    Field::new("send_resolved", "true", "whether the end of an alert is sent").of(Type::Truth).or("true"),
    Field::new("only", "{ severity: error }", "labels that alerts must have").of(MATCHERS),
    Field::new(
        "mute_time_intervals",
        "[nights, \"sun 02:00-04:00 Europe/London\"]",
        "times at which the receiver gets no messages: names of time intervals, or intervals; afterwards it is sent the alerts that still last",
    )
    .of(TIME_INTERVALS),
    Field::new(
        "active_time_intervals",
        "[office-hours]",
        "the only times at which the receiver gets messages, written as `mute_time_intervals`",
    )
    .of(TIME_INTERVALS)
    .or("always"),
    Field::new(
        "give_up_after",
        "1d",
        "how long a message that fails is retried before it becomes a dead letter",
    )
    .of(Type::Duration)
    .or("1d"),
];

/// Labels and their values, of which one between slashes is a regular expression; or matchers as silences have them.
const MATCHERS: Type = Type::Either(&[Type::Text, Type::ByName(&Type::Text), Type::List(&Type::Text)]);

/// The fields of an inhibition.
pub const INHIBITION: &[Field] = &[
    Field::new(
        "source",
        "{ severity: page }",
        "labels of the alerts that mute others; `/.../` is a regular expression, and `severity!=info` a matcher",
    )
    .of(MATCHERS)
    .required(),
    Field::new("target", "{ severity: ticket }", "labels of the alerts that are muted")
        .of(MATCHERS)
        .required(),
    Field::new("equal", "[bank]", "labels that must have the same value in both").of(Type::List(&Type::Text)),
];

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
        let mut problems = self.read_time_intervals(node);
        problems.extend(self.read_others(node));
        problems
    }

    /// Adds the time intervals that `node` describes: of all files before anything that names them.
    pub fn read_time_intervals(&mut self, node: &Node) -> Vec<Problem> {
        let Content::Map(entries) = &node.content else { return Vec::new() };
        let mut check = Check::default();
        let lists = entries.iter().filter(|(key, _)| key.name == "time_intervals");
        let items: Vec<&Node> = lists.flat_map(|(_, list)| check.items(list)).collect();
        for (at, item) in items.into_iter().enumerate() {
            let path = format!("time_intervals[{at}]");
            let Some(mut fields) = check.map(item, &path) else { continue };
            fields.require("name", "nights", &mut check);
            let name = fields.get("name").and_then(Node::scalar_text);
            let n_before = check.problems.len();
            TimeIntervals::read(item, &path, &mut check);
            if check.problems.len() == n_before {
                self.time_intervals.extend(name.map(|name| (name, item.clone())));
            }
        }
        check.problems
    }

    /// Adds what `node` says, except time intervals.
    pub fn read_others(&mut self, node: &Node) -> Vec<Problem> {
        let mut check = Check::default();
        let Some(mut fields) = check.map(node, "") else { return check.problems };
        fields.get("time_intervals");
        if let Some(list) = fields.get("rules") {
            self.read_rules(list, &mut check);
        }
        if let Some(list) = fields.get("processors") {
            self.read_processors(list, &mut check);
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
        if let Some(list) = fields.get("silences") {
            let items = check.items(list).into_iter();
            let silences: Vec<Node> = items.map(|item| self.with_intervals(item, SILENCE_TIMES)).collect();
            self.silences.extend(silences);
        }
        for (name, known) in [
            ("server", &mut self.server),
            ("retention", &mut self.retention),
            ("sources", &mut self.sources),
            ("streams", &mut self.streams),
            ("scrape", &mut self.scrape),
            ("consume", &mut self.consume),
            ("remote_write", &mut self.remote_write),
        ] {
            let Some(node) = fields.get(name) else { continue };
            if known.is_some() {
                check.problem(
                    node,
                    name,
                    "stands in two files, of which only one would count; write it in one",
                );
            }
            *known = Some(node.clone());
        }
        fields.finish(&SECTIONS, &mut check);
        check.problems
    }

    /// Problems between parts: names given twice, receivers that nobody described, circles of processors.
    #[must_use]
    pub fn cross_check(&self) -> Vec<Problem> {
        self.cross_check_with(&HashSet::new())
    }

    /// [`Self::cross_check`] where these receivers are described elsewhere.
    #[must_use]
    pub fn cross_check_with(&self, elsewhere: &HashSet<&str>) -> Vec<Problem> {
        let mut problems = processor::cross_check(&self.processors);
        let mut problem = |path: String, message: String, hint: Option<String>| {
            problems.push(Problem { at: None, path, message, hint });
        };
        let (mut ids, mut names) = (HashSet::new(), HashSet::new());
        for route in &self.routes {
            if !names.insert(&*route.receiver) {
                let path = format!("receivers.{}", route.receiver);
                problem(path, "is the name of two receivers".to_owned(), None);
            }
        }
        for (id, receivers) in self.named() {
            if !ids.insert(id) {
                problem(format!("rules.{id}"), "is the id of two rules".to_owned(), None);
            }
            let is_described = |receiver: &&str| names.contains(receiver) || elsewhere.contains(receiver);
            for receiver in receivers.filter(|receiver| !is_described(receiver)) {
                let hint = nearest(receiver, names.iter().chain(elsewhere).copied())
                    .map(|name| format!("did you mean \"{name}\"?"))
                    .or_else(|| Some("define it under receivers:".to_owned()));
                let message = format!("names the receiver \"{receiver}\", which is not defined");
                problem(format!("rules.{id}.receivers"), message, hint);
            }
        }
        problems
    }

    /// Problems of rules that ask a source which is not among `known`.
    #[must_use]
    pub fn unknown_sources(&self, known: &[String]) -> Vec<Problem> {
        let whole = self.rules.iter().filter_map(|rule| Some((&*rule.id, &**rule.query.source()?)));
        let broken = self.broken.iter().filter_map(|rule| Some((&*rule.id, rule.source.as_deref()?)));
        let unknown = whole.chain(broken).filter(|(_, source)| !known.iter().any(|known| known == source));
        let problem = |(id, source): (&str, &str)| Problem {
            at: None,
            path: format!("rules.{id}.query.source"),
            message: format!("names the source \"{source}\", which is not defined"),
            hint: nearest(source, known.iter().map(String::as_str))
                .map(|name| format!("did you mean \"{name}\"?"))
                .or_else(|| Some("define it under sources: in the server's configuration file".to_owned())),
        };
        unknown.map(problem).collect()
    }

    /// Problems of rules and processors with streams that lie elsewhere.
    #[must_use]
    pub fn misplaced(&self, streams: &Elsewhere) -> Vec<Problem> {
        let rules = self.rules.iter().filter_map(|rule| rule.objection(streams));
        let processors = self.processors.iter().flat_map(|processor| {
            let sees = Some((&processor.stream, "looks at the events of"));
            let makes = processor.processor.copies_to().iter().map(|stream| (stream, "makes events of"));
            let told = sees.into_iter().chain(makes).filter(|(stream, _)| streams.place(stream).is_some());
            told.map(|(stream, does)| Problem {
                at: None,
                path: format!("processors.{}", processor.id),
                message: format!("{does} {stream}, which lie elsewhere and never come here"),
                hint: Some(
                    "remove it, or the stream under streams: in the server's configuration file".to_owned(),
                ),
            })
        });
        rules.chain(processors).collect()
    }

    /// The ids of all rules, also of those with problems, and the receivers that they name.
    fn named(&self) -> impl Iterator<Item = (&str, Box<dyn Iterator<Item = &str> + '_>)> {
        let whole = self.rules.iter().map(|rule| {
            let receivers: Box<dyn Iterator<Item = &str>> =
                Box::new(rule.receivers.iter().map(|name| &**name));
            (&*rule.id, receivers)
        });
        let broken = self.broken.iter().map(|rule| {
            let receivers: Box<dyn Iterator<Item = &str>> =
                Box::new(rule.receivers.iter().map(String::as_str));
            (rule.id.as_str(), receivers)
        });
        whole.chain(broken)
    }

    fn read_rules(&mut self, list: &Node, check: &mut Check) {
        for (at, node) in check.items(list).into_iter().enumerate() {
            match Rule::check(node, &format!("rules[{at}]"), 1) {
                Ok(rule) => self.rules.push(rule),
                Err(Problems(problems)) => {
                    check.problems.extend(problems);
                    self.broken.extend(Broken::of(node));
                }
            }
        }
    }

    fn read_processors(&mut self, list: &Node, check: &mut Check) {
        for (at, node) in check.items(list).into_iter().enumerate() {
            let others = &self.processors;
            let place = |stream: &str| others.iter().filter(|other| &*other.stream == stream).count() as i64;
            match Configured::check(node, &format!("processors[{at}]"), place) {
                Ok(processor) => self.processors.push(processor),
                Err(Problems(problems)) => check.problems.extend(problems),
            }
        }
    }

    fn read_receivers(&mut self, list: &Node, check: &mut Check) {
        for (at, node) in check.items(list).into_iter().enumerate() {
            let path = format!("receivers[{at}]");
            let node = &self.with_intervals(node, RECEIVER_TIMES);
            let Some(mut fields) = check.map(node, &path) else { continue };
            fields.require("name", "on-call", check);
            let name = fields.read("name", check, reading::name);
            let Some(name) = name.map(Arc::<str>::from) else { continue };
            let route = read_route(&name, &mut fields, is_switch(node), check);
            self.routes.push(route);
            self.receivers.push(ReceiverDocument { name, config: fields.rest(), node: node.clone() });
        }
    }

    /// A receiver or silence with time intervals in the place of their names, in these fields.
    fn with_intervals(&self, node: &Node, fields: &[&str]) -> Node {
        let Content::Map(entries) = &node.content else { return node.clone() };
        let mut entries = entries.clone();
        for (key, value) in &mut entries {
            if fields.contains(&key.name.as_str()) && value.content != Content::Null {
                *value = replace_names(value, &self.time_intervals);
            }
        }
        Node::new(node.at, Content::Map(entries))
    }

    fn read_inhibitions(&mut self, list: &Node, check: &mut Check) {
        for (at, node) in check.items(list).into_iter().enumerate() {
            let Some(mut fields) = check.map(node, &format!("inhibit[{at}]")) else { continue };
            let mut side = |name: &str, check: &mut Check| {
                let node = fields.require(name, "{ severity: page }", check)?;
                read_matchers(node, &fields.path_of(name), check)
            };
            let (source, target) = (side("source", check), side("target", check));
            let equal = reading::names(&mut fields, "equal", check);
            fields.finish_of(INHIBITION, check);
            if let (Some(source), Some(target)) = (source, target) {
                self.inhibitions.push(Inhibition { source, target, equal });
                self.inhibition_documents.push(field::to_json(node, &[INHIBITION]));
            }
        }
    }
}

impl Broken {
    /// What a rule names that could not be read as a whole.
    fn of(node: &Node) -> Option<Self> {
        let Content::Map(entries) = &node.content else { return None };
        let field = |name: &str| entries.iter().find(|(key, _)| key.name == name).map(|(_, value)| value);
        let source = match field("query").map(|query| &query.content) {
            Some(Content::Map(query)) => query.iter().find(|(key, _)| key.name == "source"),
            _ => None,
        };
        let source = source.and_then(|(_, value)| value.scalar_text());
        let receivers = match field("receivers") {
            Some(Node { content: Content::List(items), .. }) => {
                items.iter().filter_map(Node::scalar_text).collect()
            }
            Some(one) => one.scalar_text().into_iter().collect(),
            None => Vec::new(),
        };
        Some(Self { id: field("id")?.scalar_text()?, receivers, source })
    }
}

fn read_route(name: &Arc<str>, fields: &mut Fields<'_>, acts: bool, check: &mut Check) -> Route {
    let mut default = Route::new(name.clone());
    if acts {
        default.group_wait_ms = 0; // each alert is alone: there is no company to wait for
    }
    let duration = |node: &Node| parse_duration_ms(&text(node)?).map_err(|error| error.to_string());
    let group_by = fields.get("group_by").is_some().then(|| reading::names(fields, "group_by", check));
    Route {
        receiver: name.clone(),
        group_by: group_by.unwrap_or(default.group_by),
        group_wait_ms: fields.read("group_wait", check, duration).unwrap_or(default.group_wait_ms),
        group_interval_ms: fields
            .read("group_interval", check, duration)
            .unwrap_or(default.group_interval_ms),
        repeat_ms: fields
            .read("repeat", check, |node| match text(node)?.as_str() {
                "never" | "false" => Ok(None),
                _ => duration(node).map(Some),
            })
            .unwrap_or(default.repeat_ms),
        send_resolved: fields.read("send_resolved", check, Node::truth).unwrap_or(default.send_resolved),
        only: read_only(fields, check),
        mute: read_times("mute_time_intervals", fields, check),
        active: read_times("active_time_intervals", fields, check),
        give_up_after_ms: fields.read("give_up_after", check, duration).unwrap_or(default.give_up_after_ms),
        acts,
    }
}

fn read_times(name: &str, fields: &mut Fields<'_>, check: &mut Check) -> TimeIntervals {
    let node = fields.get(name);
    node.map(|node| TimeIntervals::read(node, &fields.path_of(name), check)).unwrap_or_default()
}

/// What labels must match, if that matters.
fn read_only(fields: &mut Fields<'_>, check: &mut Check) -> Option<Matchers> {
    let node = fields.get("only")?;
    if matches!(&node.content, Content::Map(entries) if entries.is_empty()) {
        return None;
    }
    read_matchers(node, &fields.path_of("only"), check)
}

/// Whether a receiver acts on alerts instead of telling somebody.
fn is_switch(node: &Node) -> bool {
    let Content::Map(entries) = &node.content else { return false };
    entries.iter().any(|(key, value)| key.name == "kind" && value.scalar_text().as_deref() == Some("switch"))
}

/// Labels and what their values must be: a map, in which a value between slashes is a regular expression, or
/// matchers as silences have them, `severity!="info"`, as one text or a list.
fn read_matchers(node: &Node, path: &str, check: &mut Check) -> Option<Matchers> {
    let n_before = check.problems.len();
    let read = match &node.content {
        Content::List(items) => {
            items.iter().map(matchers_of).collect::<Result<Vec<_>, _>>().map(|all| all.concat())
        }
        Content::Text(_) => matchers_of(node),
        _ => Ok(reading::texts(node, path, check).into_iter().map(matcher_of).collect()),
    };
    if check.problems.len() > n_before {
        return None;
    }
    let matchers = read.and_then(|matchers: Vec<Matcher>| match matchers.as_slice() {
        [] => Err("should match at least one label".to_owned()),
        matchers => Matchers::compile(matchers),
    });
    matchers.map_err(|message| check.problem(node, path, message)).ok()
}

fn matcher_of((key, value): (&crate::document::Key, String)) -> Matcher {
    let regex = value.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
    let op = if regex.is_some() { MatchOp::Regex } else { MatchOp::Equal };
    Matcher { label: key.name.clone(), op, value: regex.unwrap_or(&value).to_owned() }
}

fn matchers_of(node: &Node) -> Result<Vec<Matcher>, String> {
    let text = text(node)?;
    parse_matchers(&text).map_err(|error| format!("{text}: {error}"))
}
