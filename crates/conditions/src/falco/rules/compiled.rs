//! From definitions to rules that can be asked.

use std::collections::BTreeSet;

use lanner_core::document::Position;

use super::definitions::{Definitions, Priority, RuleItem, SYSCALL};
use super::exceptions::with_exceptions;
use super::lists::with_list;
use super::locate::{Place, locate};
use super::macros::{Known, Unresolved, resolve};
use super::output::Output;
use super::report::{Code, Remark};
use crate::falco::compile::Mismatch;
use crate::falco::event_types::EventTypes;
use crate::falco::filter::FalcoFilter;
use crate::falco::parse::parse_within;
use crate::falco::problem::FalcoProblem;
use crate::falco::tree::Filter;
use crate::falco::warnings::{About, DEPRECATED, doubts};

/// Parentheses in the conditions of rule files nested deeper than this are refused, as in Falco.
const MAX_DEPTH: usize = 1_000;

/// A rule that can be asked.
#[derive(Debug)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub desc: String,
    /// How urgent what it finds is.
    pub priority: Priority,
    /// The source of the events that it is about: `syscall`.
    pub source: String,
    /// Its tags, in order.
    pub tags: BTreeSet<String>,
    /// Whether it is in force.
    pub enabled: bool,
    /// What it prints, as it is written.
    pub output: String,
    /// The same, ready to be filled in.
    pub output_format: Output,
    /// Its condition, with all lists, macros and exceptions in it.
    pub condition: Filter,
    /// The same, compiled.
    pub filter: FalcoFilter,
    /// The types of events that it can select.
    pub event_types: EventTypes,
    /// Whether Falco is to record what happens when it fires, and for how long.
    pub capture: Option<u32>,
}

/// Makes the rules of what was defined.
pub(super) struct Compiler<'d> {
    all: &'d Definitions,
    /// The files' texts.
    texts: &'d [String],
    lists: Vec<(String, Vec<String>)>,
    used_lists: Vec<bool>,
    macros: Vec<Known>,
    used_macros: BTreeSet<String>,
    pub(super) errors: Vec<Remark>,
    pub(super) warnings: Vec<Remark>,
}

/// The one who is asked about: a rule or a macro.
#[derive(Debug, Clone, Copy)]
struct Subject<'s> {
    kind: &'static str,
    name: &'s str,
    place: Place,
}

impl<'d> Compiler<'d> {
    pub(super) fn new(all: &'d Definitions, texts: &'d [String]) -> Self {
        let mut compiler = Self {
            all,
            texts,
            lists: Vec::new(),
            used_lists: Vec::new(),
            macros: Vec::new(),
            used_macros: BTreeSet::new(),
            errors: Vec::new(),
            warnings: Vec::new(),
        };
        compiler.expand_lists();
        compiler.compile_macros();
        compiler
    }

    /// A list sees the lists that were defined before it was last changed, as they are written.
    fn expand_lists(&mut self) {
        let lists = &self.all.lists;
        self.used_lists = lists.iter().map(|_| false).collect();
        for entry in lists.iter() {
            let mut items = Vec::new();
            for item in &entry.it.items {
                match lists.get(item).filter(|named| named.first < entry.last) {
                    Some(named) => {
                        items.extend_from_slice(&named.it.items);
                        if let Some(at) = lists.position(item) {
                            self.used_lists[at] = true;
                        }
                    }
                    None => items.push(item.clone()),
                }
            }
            self.lists.push((entry.it.name.clone(), items));
        }
    }

    fn compile_macros(&mut self) {
        for entry in self.all.macros.iter() {
            let subject = Subject { kind: "macro", name: &entry.it.name, place: entry.it.place };
            let filter = self.read(&entry.it.condition, subject);
            self.macros.push(Known { name: entry.it.name.clone(), filter, first: entry.first });
        }
        for (at, entry) in self.all.macros.iter().enumerate() {
            let Some(filter) = self.macros[at].filter.clone() else { continue };
            let subject = Subject { kind: "macro", name: &entry.it.name, place: entry.it.place };
            self.macros[at].filter = self.resolved(&filter, entry.last, subject);
        }
    }

    /// The tree of a condition, with lists put in.
    fn read(&mut self, condition: &str, subject: Subject<'_>) -> Option<Filter> {
        let mut text = condition.to_owned();
        for (at, (name, items)) in self.lists.iter().enumerate() {
            match with_list(&text, name, items) {
                Ok(Some(with)) => {
                    text = with;
                    self.used_lists[at] = true;
                }
                Ok(None) => {}
                Err(message) => {
                    self.error(Code::CompileCondition, subject, subject.place.at, message, None);
                    return None;
                }
            }
        }
        match parse_within(&text, MAX_DEPTH) {
            Ok(filter) => Some(filter),
            Err(problem) => {
                self.not_read(&text, &problem, subject);
                None
            }
        }
    }

    /// Tells where reading stopped: behind the word before that place.
    fn not_read(&mut self, text: &str, problem: &FalcoProblem, subject: Subject<'_>) {
        let mut cut = problem.offset.min(text.len());
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        let before = text[..cut].trim_end();
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '/');
        let start = before.char_indices().rev().take_while(|(_, c)| is_word(*c)).last();
        let word = start.map_or("", |(at, _)| &before[at..]);
        let nth = before.match_indices(word).count().saturating_sub(1);
        let at = if word.is_empty() { None } else { self.place_of(subject.place, word, nth) };
        let hint = match text[cut..].trim_start().chars().next() {
            None => "the condition ends there".to_owned(),
            Some(_) => {
                let rest: String = text[cut..].trim_start().chars().take(30).collect();
                format!("found `{rest}`")
            }
        };
        let at = at.or(subject.place.at);
        self.error(Code::CompileCondition, subject, at, problem.message.clone(), Some(hint));
    }

    fn resolved(&mut self, filter: &Filter, visible: usize, subject: Subject<'_>) -> Option<Filter> {
        match resolve(filter, &self.macros, visible) {
            Ok((filter, used)) => {
                self.used_macros.extend(used);
                Some(filter)
            }
            Err(unresolved) => {
                let (message, name) = match unresolved {
                    Unresolved::Unknown(name) => {
                        (format!("Undefined macro '{}' used in filter.", name.text), name.text)
                    }
                    Unresolved::Loop(name) => (format!("reference loop in macro '{}'", name.text), name.text),
                    Unresolved::TooLarge => {
                        ("with its macros the condition is too large".to_owned(), String::new())
                    }
                    Unresolved::Refused => return None,
                };
                let at = self.place_of(subject.place, &name, 0).or(subject.place.at);
                self.error(Code::Validate, subject, at, message, None);
                None
            }
        }
    }

    /// The rules, in the order in which they were first defined.
    pub(super) fn rules(&mut self) -> Vec<Rule> {
        let all = self.all;
        let rules = all.rules.iter().map(|entry| &entry.it).filter(|rule| !rule.has_unknown_source);
        rules.filter_map(|rule| self.rule(rule)).collect()
    }

    fn rule(&mut self, rule: &RuleItem) -> Option<Rule> {
        let subject = Subject { kind: "rule", name: &rule.name, place: rule.place };
        let (output, output_format) = self.output(rule, subject)?;
        let condition = match with_exceptions(&rule.condition, &rule.exceptions) {
            _ if rule.exceptions.is_empty() => rule.condition.clone(),
            Ok(condition) => condition,
            Err((code, message)) => {
                self.error(code, subject, rule.place.at, message, None);
                return None;
            }
        };
        let filter = self.read(&condition, subject)?;
        let condition = self.resolved(&filter, usize::MAX, subject)?;
        self.warn(&condition, subject);
        let filter = match FalcoFilter::of(&condition) {
            Ok(filter) => filter,
            Err(mismatches) => {
                self.refuse(mismatches, rule.skip_if_unknown_filter, subject);
                return None;
            }
        };
        self.warn_of_values(&condition, subject);
        if rule.source == SYSCALL && rule.warn_evttypes && EventTypes::counted(&condition).are_many() {
            let message =
                "Rule matches too many evt.type values. This has a significant performance penalty.";
            let hint = "say of which types of events it is, such as `evt.type in (open, openat)`";
            self.warning(Code::NoEvtType, subject, rule.place.at, message.to_owned(), Some(hint.to_owned()));
        }
        Some(Rule {
            name: rule.name.clone(),
            desc: rule.desc.clone(),
            priority: rule.priority,
            source: rule.source.clone(),
            tags: rule.tags.clone(),
            enabled: rule.enabled,
            output,
            output_format,
            event_types: EventTypes::of(&condition),
            condition,
            filter,
            capture: rule.capture.then_some(rule.capture_duration_ms),
        })
    }

    fn output(&mut self, rule: &RuleItem, subject: Subject<'_>) -> Option<(String, Output)> {
        const CONTAINER_INFO: &str = "%container.info";
        let at = |compiler: &Self, part: &str| compiler.place_of(rule.place, part, 0).or(rule.place.at);
        let mut output = rule.output.clone();
        if output.contains(CONTAINER_INFO) {
            let at = at(self, "container.info");
            let message = "%container.info is deprecated and prints nothing".to_owned();
            self.warning(Code::DeprecatedItem, subject, at, message, Some("leave it out".to_owned()));
            output = output.replace(CONTAINER_INFO, "");
        }
        let format = match Output::read(&output) {
            Ok(format) => format,
            Err(flaw) => {
                let at = at(self, &flaw.part);
                if flaw.is_unknown && rule.skip_if_unknown_filter {
                    self.warning(Code::UnknownFilter, subject, at, flaw.message, None);
                } else {
                    self.error(Code::CompileOutput, subject, at, format!("output: {}", flaw.message), None);
                }
                return None;
            }
        };
        for field in DEPRECATED.iter().filter(|field| output.contains(**field)) {
            let at = at(self, field);
            let message = format!("the output has the deprecated field `{field}`");
            self.warning(Code::DeprecatedItem, subject, at, message, None);
        }
        Some((output, format))
    }

    fn refuse(&mut self, mismatches: Vec<Mismatch>, skips_unknown: bool, subject: Subject<'_>) {
        let is_skipped = skips_unknown && mismatches.iter().all(|mismatch| mismatch.is_unknown);
        for mismatch in mismatches {
            let at = self.place_anywhere(subject, &mismatch.part);
            if is_skipped {
                self.warning(Code::UnknownFilter, subject, at, mismatch.message, mismatch.hint);
            } else {
                self.error(Code::CompileCondition, subject, at, mismatch.message, mismatch.hint);
            }
        }
    }

    fn warn(&mut self, condition: &Filter, subject: Subject<'_>) {
        for doubt in doubts(condition).into_iter().filter(|doubt| doubt.about != About::Value) {
            let code = match doubt.about {
                About::NotAvailable => Code::UnsafeNaCheck,
                About::Deprecated | About::Value => Code::DeprecatedItem,
            };
            let at = self.place_anywhere(subject, &doubt.part);
            self.warning(code, subject, at, doubt.message, None);
        }
    }

    fn warn_of_values(&mut self, condition: &Filter, subject: Subject<'_>) {
        for doubt in doubts(condition).into_iter().filter(|doubt| doubt.about == About::Value) {
            let at = self.place_anywhere(subject, &doubt.part);
            self.warning(Code::CompileConditionDoubt, subject, at, doubt.message, None);
        }
    }

    /// Says which macros and lists nobody uses.
    pub(super) fn warn_of_unused(&mut self) {
        for entry in self.all.macros.iter() {
            if !self.used_macros.contains(&entry.it.name) {
                let subject = Subject { kind: "macro", name: &entry.it.name, place: entry.it.place };
                let message = "Macro not referred to by any other rule/macro".to_owned();
                self.warning(Code::UnusedMacro, subject, entry.it.place.at, message, None);
            }
        }
        for (at, entry) in self.all.lists.iter().enumerate() {
            if !self.used_lists[at] {
                let subject = Subject { kind: "list", name: &entry.it.name, place: entry.it.place };
                let message = "List not referred to by any other rule/macro".to_owned();
                self.warning(Code::UnusedList, subject, entry.it.place.at, message, None);
            }
        }
    }

    fn place_of(&self, place: Place, part: &str, nth: usize) -> Option<Position> {
        let text = self.texts.get(place.file).filter(|_| !part.is_empty())?;
        locate(text, place, part, nth)
    }

    /// Where a part stands: in the item itself, or in a macro that it may have come with.
    fn place_anywhere(&self, subject: Subject<'_>, part: &str) -> Option<Position> {
        let own = self.place_of(subject.place, part, 0);
        let in_macros = || {
            let mut places = self.all.macros.iter().map(|entry| entry.it.place);
            places
                .find_map(|place| self.place_of(place, part, 0).filter(|_| place.file == subject.place.file))
        };
        own.or_else(in_macros).or(subject.place.at)
    }

    fn error(
        &mut self,
        code: Code,
        subject: Subject<'_>,
        at: Option<Position>,
        message: String,
        hint: Option<String>,
    ) {
        self.errors.push(remark(code, subject, at, message, hint));
    }

    fn warning(
        &mut self,
        code: Code,
        subject: Subject<'_>,
        at: Option<Position>,
        message: String,
        hint: Option<String>,
    ) {
        self.warnings.push(remark(code, subject, at, message, hint));
    }
}

fn remark(
    code: Code,
    Subject { kind, name, place }: Subject<'_>,
    at: Option<Position>,
    message: String,
    hint: Option<String>,
) -> Remark {
    Remark { code, file: place.file, at, item: format!("{kind} \"{name}\""), message, hint }
}
