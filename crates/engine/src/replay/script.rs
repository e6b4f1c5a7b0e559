//! Test scripts of rules: written samples and events in, expected states out.
//!
//! ```yaml
//! rules: [payments.yaml]
//! tests:
//!   - name: a bank stops
//!     start: 2026-06-01T08:00Z
//!     series:
//!       - { series: queue.length, labels: { host: a }, every: 1m, values: "5x9 80+10x4 _x3 5" }
//!     events:
//!       - { stream: payments, every: 10s, from: 0m, to: 30m, event: { bank: hsbc, status: ok } }
//!     expect:
//!       - { at: 60m, rule: payments-floor, group: { bank: hsbc }, state: firing, value: 0 }
//!     messages:
//!       - { at: 60m5s, receiver: pager, title: 'FIRING payments-floor {bank="hsbc"}' }
//! ```
//!
//! `values` is promtool's notation: `a`, `_` (missing), `axn` (n more of a), `a+bxn` and `a-bxn` (n more,
//! each larger or smaller by b), `_xn` (n missing). A series with `source: berlin` and `query: TEXT` is what that source
//! answers to that query. `models: [{ model: web, rows: 2, usual: { cpu: [0, 1] } }]` stand in for trained detectors: the score of a
//! row is how far its strangest value is from the middle of what is usual, 1 at the end; of several rows, their mean. An expectation holds after every window that ends by `at`. Where
//! `messages` stand, they are all there are by the last of them, in their order.

use std::sync::Arc;

use lanner_core::reading;
use lanner_core::time::{format_time, parse_duration_ms, parse_time_ms};
use lanner_core::{AlertState, Evaluation, Event, Group, Labels, RemoteSeries, Sample, SeriesKey};
use serde_json::{Map, Value};

use super::run::{self, Replay};
use super::stand_in::StandIn;
use crate::alert::notify::{Inhibition, Route};
use crate::document::{Check, Content, Fields, Node, Position, Problem, Problems};
use crate::engine::Engine;
use crate::processor::{Draft, Processors};
use crate::rule::Rule;
use crate::source::Recorded;

/// Samples and events that one written entry may expand to.
const MAX_EXPANDED: i64 = 1_000_000;

/// A file of tests.
#[derive(Debug)]
pub struct Script {
    /// Rule files that the tests are about, as written.
    pub rule_files: Vec<String>,
    /// The tests.
    pub tests: Vec<Test>,
}

/// One test.
#[derive(Debug)]
pub struct Test {
    /// Its name.
    pub name: String,
    start_ms: i64,
    models: Vec<StandIn>,
    series: Vec<WrittenSeries>,
    events: Vec<(String, i64, Map<String, Value>)>,
    expectations: Vec<Expectation>,
    messages: Option<Vec<Message>>,
}

/// A series as it is written.
#[derive(Debug)]
struct WrittenSeries {
    key: SeriesKey,
    samples: Vec<Sample>,
    /// The source that answers it, and the query; `None` where it is stored here.
    answers: Option<(String, String)>,
}

/// A message that somebody is to get.
#[derive(Debug, Clone, PartialEq)]
struct Message {
    at: Option<Position>,
    at_ms: i64,
    receiver: String,
    title: String,
}

#[derive(Debug)]
struct Expectation {
    at: Option<Position>,
    at_ms: i64,
    rule: String,
    group: Group,
    state: Option<AlertState>,
    value: Option<Option<f64>>,
    outcome: Option<String>,
}

/// An expectation that did not hold.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Failure {
    /// Where it is written.
    #[serde(flatten)]
    pub at: Option<Position>,
    /// What was expected and what was found.
    pub message: String,
}

impl Script {
    /// Reads a file of tests.
    ///
    /// # Errors
    /// Every problem in it.
    pub fn from_yaml(text: &str) -> Result<Self, Problems> {
        let node = Node::from_yaml(text).map_err(|problem| Problems(vec![problem]))?;
        let mut check = Check::default();
        let script = read_script(&node, &mut check);
        match script {
            Some(script) if check.problems.is_empty() => Ok(script),
            _ => Err(Problems(check.problems)),
        }
    }
}

impl Test {
    /// Runs the test with rules (`documents` are checked again for each run) and returns what did not hold. Its events pass
    /// `processors` first.
    #[must_use]
    pub fn run(
        &self,
        documents: &[Value],
        processors: &Processors,
        routes: &[Route],
        inhibitions: &[Inhibition],
    ) -> (Vec<Failure>, Replay) {
        let rules: Vec<Rule> =
            documents.iter().filter_map(|document| Rule::from_json(document, 1).ok()).collect();
        let mut source = Recorded::new(&rules, 0);
        let last_message_ms = self.messages.iter().flatten().map(|message| message.at_ms).max();
        let mut end_ms = self.expectations.iter().map(|e| e.at_ms).max().unwrap_or(self.start_ms);
        self.models.iter().for_each(|model| source.model_of(&model.name, model.scorer()));
        for series in &self.series {
            series.record(&mut source);
        }
        self.process(processors, end_ms, &mut source);
        // Evaluations come after the windows' ends; expectations speak of windows.
        let spread_ms = |rule: &Rule| rule.spread_ms(rules.len());
        end_ms += rules.iter().map(|rule| rule.delay_ms + spread_ms(rule)).max().unwrap_or(0);
        end_ms = end_ms.max(last_message_ms.unwrap_or(end_ms));
        let rules_spread_ms = rules.iter().map(spread_ms).max().unwrap_or(0);
        let mut engine = Engine::new();
        engine.configure(routes.to_vec(), inhibitions.to_vec());
        engine.set_rules(rules, self.start_ms);
        let replay = run::run(&mut engine, &mut source, self.start_ms, end_ms, |_| true);
        let mut failures: Vec<Failure> =
            self.expectations.iter().flat_map(|e| e.failures(documents, &replay.evaluations)).collect();
        let tolerance_ms = rules_spread_ms + 1_000;
        failures.extend(self.messages.as_ref().and_then(|it| wrong_message(it, &replay, tolerance_ms)));
        (failures, replay)
    }
}

impl Test {
    /// Has the events pass the processors, which have learned nothing before, and time go by until `end_ms`.
    fn process(&self, processors: &Processors, end_ms: i64, source: &mut Recorded) {
        processors
            .all()
            .iter()
            .filter_map(|one| one.processor.memory())
            .for_each(|memory| memory.begin(0, None));
        let mut pass = |stream: &Arc<str>, event: Event| {
            processors.pass(stream, Draft::new(event), &mut [], &mut |stream, draft| {
                source.event(stream, draft.event.time_ms, &draft.event.fields);
            });
        };
        for (stream, time_ms, fields) in &self.events {
            pass(&stream.as_str().into(), Event { time_ms: *time_ms, fields: fields.clone() });
        }
        let last_ms = self.events.iter().map(|(_, time_ms, _)| *time_ms).max().unwrap_or(self.start_ms);
        for now_ms in [last_ms, end_ms] {
            processors.tick(now_ms).into_iter().for_each(|(stream, event)| pass(&stream, event));
        }
    }
}

impl WrittenSeries {
    fn record(&self, source: &mut Recorded) {
        match &self.answers {
            None => source.samples(self.key.clone(), self.samples.iter().copied()),
            Some((name, query)) => {
                let (labels, points) = (self.key.labels.clone(), self.samples.clone());
                let series = RemoteSeries { name: self.key.name.to_string(), labels, points };
                source.answer_of(name, query, series);
            }
        }
    }
}

/// The first message that differs from what was expected. Evaluations are spread over a short time, and so are messages.
fn wrong_message(expected: &[Message], replay: &Replay, tolerance_ms: i64) -> Option<Failure> {
    let mut found = replay.notifications.iter().map(|message| Message {
        at: None,
        at_ms: message.created_ms,
        receiver: message.receiver.to_string(),
        title: if message.repeat { format!("{} again", message.title()) } else { message.title() },
    });
    let shown = |message: Option<&Message>| match message {
        Some(it) => format!("{} to {} at {}", it.title, it.receiver, format_time(it.at_ms)),
        None => "no message".to_owned(),
    };
    let mut last = None;
    for message in expected {
        let next = found.next();
        let is_same = |next: &Message| {
            (0..tolerance_ms).contains(&(next.at_ms - message.at_ms))
                && (&next.receiver, &next.title) == (&message.receiver, &message.title)
        };
        if !next.as_ref().is_some_and(is_same) {
            let text = format!("expected {}, found {}", shown(Some(message)), shown(next.as_ref()));
            return Some(Failure { at: message.at, message: text });
        }
        last = message.at;
    }
    let more = found.next()?;
    Some(Failure { at: last, message: format!("found {}, which was not expected", shown(Some(&more))) })
}

impl Expectation {
    fn failures(&self, documents: &[Value], evaluations: &[Evaluation]) -> Vec<Failure> {
        let about = format!("{}{} at {}", self.rule, self.group_text(), format_time(self.at_ms));
        let failure = |message: String| vec![Failure { at: self.at, message: format!("{about}: {message}") }];
        if !documents.iter().any(|document| document["id"].as_str() == Some(&self.rule)) {
            return failure("there is no such rule".to_owned());
        }
        let last = evaluations
            .iter()
            .filter(|e| {
                *e.rule == *self.rule
                    && e.group.labels() == self.group.labels()
                    && e.window.end_ms <= self.at_ms
            })
            .max_by_key(|e| e.window.end_ms);
        let Some(last) = last else {
            // Nothing evaluated yet is as good as normal.
            return match self.state {
                Some(AlertState::Normal) | None if self.value.is_none() && self.outcome.is_none() => {
                    Vec::new()
                }
                _ => failure("was not evaluated by then".to_owned()),
            };
        };
        let mut failures = Vec::new();
        if self.state.is_some_and(|state| state != last.state) {
            let expected = self.state.map_or("", AlertState::name);
            failures.extend(failure(format!(
                "expected state {expected}, found {} ({})",
                last.state,
                found(last)
            )));
        }
        if let Some(expected) = self.value
            && !same(expected, last.value)
        {
            failures.extend(failure(format!("expected value {}, found {}", shown(expected), found(last))));
        }
        if self.outcome.as_ref().is_some_and(|outcome| outcome != last.outcome.name()) {
            let expected = self.outcome.as_deref().unwrap_or_default();
            failures.extend(failure(format!("expected outcome {expected}, found {}", last.outcome)));
        }
        failures
    }

    fn group_text(&self) -> String {
        if self.group == Group::Whole { String::new() } else { format!(" {}", self.group) }
    }
}

/// Equal, or apart by rounding only.
fn same(expected: Option<f64>, found: Option<f64>) -> bool {
    match (expected, found) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()),
        (a, b) => a.is_none() && b.is_none(),
    }
}

fn shown(value: Option<f64>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}

fn found(evaluation: &Evaluation) -> String {
    let base = evaluation.base.map_or_else(String::new, |base| format!(" against {base}"));
    format!("{}{base}, {}", shown(evaluation.value), evaluation.outcome)
}

fn read_script(node: &Node, check: &mut Check) -> Option<Script> {
    let mut fields = check.map(node, "")?;
    let rule_files = fields.get("rules").map(|node| check.items(node)).unwrap_or_default();
    let rule_files = rule_files.into_iter().filter_map(Node::scalar_text).collect();
    let tests = fields.require("tests", "[{ name: ..., expect: [...] }]", check);
    let mut read = Vec::new();
    for (at, node) in tests.map(|node| check.items(node)).unwrap_or_default().into_iter().enumerate() {
        read.extend(read_test(node, &format!("tests[{at}]"), check));
    }
    fields.finish(&["rules", "tests"], check);
    Some(Script { rule_files, tests: read })
}

fn text(node: &Node) -> Result<String, String> {
    node.scalar_text().ok_or_else(|| format!("should be text, found {}", node.content.kind()))
}

fn duration(node: &Node) -> Result<i64, String> {
    parse_duration_ms(&text(node)?).map_err(|error| error.to_string())
}

fn read_test(node: &Node, path: &str, check: &mut Check) -> Option<Test> {
    let mut fields = check.map(node, path)?;
    let name = fields.read("name", check, text).unwrap_or_else(|| path.to_owned());
    let start = fields.read("start", check, |node| parse_time_ms(&text(node)?));
    let start_ms = start.unwrap_or(1_767_571_200_000); // 2026-01-05, a Monday
    let mut list = |name: &str, check: &mut Check| -> Vec<(&Node, String)> {
        let items = fields.get(name).map(|node| check.items(node)).unwrap_or_default();
        items.into_iter().enumerate().map(|(at, node)| (node, format!("{path}.{name}[{at}]"))).collect()
    };
    let (series, events, expect) = (list("series", check), list("events", check), list("expect", check));
    let (messages, models) = (list("messages", check), list("models", check));
    let has_messages = fields.get("messages").is_some();
    fields.finish(&["name", "start", "models", "series", "events", "expect", "messages"], check);
    let models = models.into_iter().filter_map(|(node, path)| StandIn::read(node, &path, check)).collect();
    let series =
        series.into_iter().filter_map(|(node, path)| read_series(node, &path, start_ms, check)).collect();
    let events =
        events.into_iter().flat_map(|(node, path)| read_events(node, &path, start_ms, check)).collect();
    let expectations = expect
        .into_iter()
        .filter_map(|(node, path)| read_expectation(node, &path, start_ms, check))
        .collect();
    let messages: Vec<Message> =
        messages.into_iter().filter_map(|(node, path)| read_message(node, &path, start_ms, check)).collect();
    let messages = has_messages.then_some(messages);
    Some(Test { name, start_ms, models, series, events, expectations, messages })
}

fn read_labels(name: &str, fields: &mut Fields<'_>, check: &mut Check) -> Labels {
    let Some(node) = fields.get(name) else { return Labels::default() };
    let texts = reading::texts(node, &fields.path_of(name), check);
    Labels::new(texts.into_iter().map(|(key, value)| (key.name.clone(), value)))
}

/// `{ bank: "" }` is the group with the empty label; nothing is the rule as a whole.
fn read_group(fields: &mut Fields<'_>, check: &mut Check) -> Group {
    let Some(node) = fields.get("group") else { return Group::Whole };
    let texts = reading::texts(node, &fields.path_of("group"), check);
    let by: Vec<String> = texts.iter().map(|(key, _)| key.name.clone()).collect();
    Group::of(&by, Labels::new(texts.into_iter().map(|(key, value)| (key.name.clone(), value))))
}

fn read_series(node: &Node, path: &str, start_ms: i64, check: &mut Check) -> Option<WrittenSeries> {
    let mut fields = check.map(node, path)?;
    let labels = read_labels("labels", &mut fields, check);
    let source = fields.read("source", check, text);
    let query = source.is_some().then(|| fields.require("query", "'scale(web.*, 60)'", check));
    let query = query.flatten().and_then(Node::scalar_text);
    let name = fields.require("series", "queue.length", check).and_then(Node::scalar_text);
    fields.require("values", "\"1 2x3 _\"", check);
    let every_ms = fields.read("every", check, duration).unwrap_or(60_000);
    let values = fields.read("values", check, |node| expand(&text(node)?));
    fields.finish(&["series", "labels", "every", "values", "source", "query"], check);
    let samples = values?
        .into_iter()
        .enumerate()
        .filter_map(|(at, value)| value.map(|value| Sample::new(start_ms + at as i64 * every_ms, value)));
    let samples = samples.collect();
    Some(WrittenSeries { key: SeriesKey::new(name?, labels), samples, answers: source.zip(query) })
}

/// promtool's notation; `None` is missing.
fn expand(text: &str) -> Result<Vec<Option<f64>>, String> {
    let mut values = Vec::new();
    for part in text.split_whitespace() {
        let wrong = || format!("\"{part}\" is not a value; write for example 5, _, 5x3, 1+2x10 or _x4");
        let (head, times) = match part.split_once('x') {
            Some((head, times)) => (head, Some(times.parse::<u32>().map_err(|_| wrong())?)),
            None => (part, None),
        };
        if values.len() as i64 + i64::from(times.unwrap_or(1)) > MAX_EXPANDED {
            return Err(format!("expands to more than {MAX_EXPANDED} samples"));
        }
        if head == "_" {
            values.extend((0..times.unwrap_or(1)).map(|_| None));
            continue;
        }
        let sign = head
            .char_indices()
            .skip(1)
            .find(|(at, c)| "+-".contains(*c) && !head[..*at].ends_with(['e', 'E']));
        let (first, step) = sign.map_or((head, "0"), |(at, _)| head.split_at(at));
        let number = |text: &str| text.parse::<f64>().ok().filter(|n| n.is_finite()).ok_or_else(wrong);
        let (first, step) = (number(first)?, number(step)?);
        values.extend((0..=times.unwrap_or(0)).map(|n| Some(first + step * f64::from(n))));
    }
    Ok(values)
}

fn read_events(
    node: &Node,
    path: &str,
    start_ms: i64,
    check: &mut Check,
) -> Vec<(String, i64, Map<String, Value>)> {
    let Some(mut fields) = check.map(node, path) else { return Vec::new() };
    let stream = fields.require("stream", "payments", check).and_then(Node::scalar_text);
    let event = fields.require("event", "{ bank: hsbc }", check).map(Node::to_json);
    let at_ms = fields.read("at", check, duration);
    let from_ms = fields.read("from", check, duration).or(at_ms).unwrap_or(0);
    let every_ms = fields.read("every", check, duration);
    let to_ms = fields.read("to", check, duration);
    fields.finish(&["stream", "event", "at", "from", "every", "to"], check);
    let (Some(stream), Some(Value::Object(event))) = (stream, event) else {
        check.problem(node, path, "needs a stream, and an event that is a map of fields");
        return Vec::new();
    };
    let (every_ms, to_ms) = match (every_ms, to_ms) {
        (Some(every_ms), Some(to_ms)) if every_ms > 0 => (every_ms, to_ms),
        (None, None) => (1, from_ms + 1),
        _ => {
            check.problem(node, path, "needs every and to together, for example every: 10s, to: 30m");
            return Vec::new();
        }
    };
    if (to_ms - from_ms) / every_ms > MAX_EXPANDED {
        check.problem(node, path, format!("expands to more than {MAX_EXPANDED} events"));
        return Vec::new();
    }
    let times = (from_ms..to_ms).step_by(usize::try_from(every_ms).unwrap_or(1));
    times.map(|at_ms| (stream.clone(), start_ms + at_ms, event.clone())).collect()
}

fn read_message(node: &Node, path: &str, start_ms: i64, check: &mut Check) -> Option<Message> {
    let mut fields = check.map(node, path)?;
    fields.require("at", "30m5s", check);
    let at_ms = fields.read("at", check, |node| time(node, start_ms));
    let receiver = fields.require("receiver", "pager", check).and_then(Node::scalar_text);
    let title = fields.require("title", "FIRING payments-floor", check).and_then(Node::scalar_text);
    fields.finish(&["at", "receiver", "title"], check);
    Some(Message { at: node.at, at_ms: at_ms?, receiver: receiver?, title: title? })
}

/// A time, or how long after the start.
fn time(node: &Node, start_ms: i64) -> Result<i64, String> {
    let text = text(node)?;
    parse_duration_ms(&text).map(|after_ms| start_ms + after_ms).or_else(|_| parse_time_ms(&text))
}

fn read_expectation(node: &Node, path: &str, start_ms: i64, check: &mut Check) -> Option<Expectation> {
    let mut fields = check.map(node, path)?;
    fields.require("at", "30m", check);
    let at_ms = fields.read("at", check, |node| time(node, start_ms));
    let rule = fields.require("rule", "payments-floor", check).and_then(Node::scalar_text);
    let group = read_group(&mut fields, check);
    let state = fields.read("state", check, |node| {
        let name = text(node)?;
        AlertState::parse(&name)
            .ok_or_else(|| "should be normal, pending, firing, recovering, no_data or error".to_owned())
    });
    let value = fields.read("value", check, |node| match (&node.content, node.number()) {
        (_, Some(number)) => Ok(Some(number)),
        (Content::Text(text), _) if text == "none" => Ok(None),
        _ => Err("should be a number, or none".to_owned()),
    });
    let outcome = fields.read("outcome", check, text);
    fields.finish(&["at", "rule", "group", "state", "value", "outcome"], check);
    Some(Expectation { at: node.at, at_ms: at_ms?, rule: rule?, group, state, value, outcome })
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let problem = Problem { at: self.at, path: String::new(), message: self.message.clone(), hint: None };
        write!(f, "{problem}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_expand_as_in_promtool() {
        #[track_caller]
        fn check(text: &str, expected: &[Option<f64>]) {
            assert_eq!(expand(text).as_deref(), Ok(expected));
        }
        check("1 _ 2x2", &[Some(1.0), None, Some(2.0), Some(2.0), Some(2.0)]);
        check("1+2x2 -1-1x1 _x2", &[Some(1.0), Some(3.0), Some(5.0), Some(-1.0), Some(-2.0), None, None]);
        check("1e-3", &[Some(0.001)]);
        for text in ["x", "1x", "1x-1", "a", "1+x2", "inf", "1x99999999"] {
            assert!(expand(text).is_err(), "{text}");
        }
    }
}
