//! What rule files define, while they are read: later items change earlier ones.

use std::collections::{BTreeMap, BTreeSet};

use super::exceptions::Exception;
use super::locate::Place;
use super::report::Code;
use crate::falco::fields::kind_of;

/// The source whose events the kernel reports, which rules are about unless they say otherwise.
pub(super) const SYSCALL: &str = "syscall";

/// How urgent what a rule finds is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the words say it")]
pub enum Priority {
    Emergency,
    Alert,
    Critical,
    Error,
    Warning,
    Notice,
    Informational,
    Debug,
}

impl Priority {
    /// All of them, the most urgent first.
    pub const ALL: [Self; 8] = [
        Self::Emergency,
        Self::Alert,
        Self::Critical,
        Self::Error,
        Self::Warning,
        Self::Notice,
        Self::Informational,
        Self::Debug,
    ];

    /// The priority as Falco writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Emergency => "Emergency",
            Self::Alert => "Alert",
            Self::Critical => "Critical",
            Self::Error => "Error",
            Self::Warning => "Warning",
            Self::Notice => "Notice",
            Self::Informational => "Informational",
            Self::Debug => "Debug",
        }
    }

    /// The priority of that name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let name = if name.eq_ignore_ascii_case("info") { Self::Informational.name() } else { name };
        Self::ALL.into_iter().find(|priority| priority.name().eq_ignore_ascii_case(name))
    }
}

/// A list as it is defined.
#[derive(Debug, Clone)]
pub(super) struct List {
    pub(super) name: String,
    pub(super) items: Vec<String>,
    pub(super) place: Place,
}

/// A macro as it is defined.
#[derive(Debug, Clone)]
pub(super) struct Macro {
    pub(super) name: String,
    pub(super) condition: String,
    pub(super) place: Place,
}

/// A rule as it is defined.
#[derive(Debug, Clone)]
pub(super) struct RuleItem {
    pub(super) name: String,
    pub(super) desc: String,
    pub(super) condition: String,
    pub(super) output: String,
    pub(super) priority: Priority,
    pub(super) source: String,
    pub(super) tags: BTreeSet<String>,
    pub(super) enabled: bool,
    pub(super) warn_evttypes: bool,
    pub(super) skip_if_unknown_filter: bool,
    pub(super) capture: bool,
    pub(super) capture_duration_ms: u32,
    pub(super) exceptions: Vec<Exception>,
    pub(super) has_unknown_source: bool,
    pub(super) place: Place,
}

/// What a later item changes of a rule. An absent field stays as it is.
#[derive(Debug, Clone, Default)]
pub(super) struct Change {
    pub(super) source: String,
    pub(super) condition: Option<String>,
    pub(super) output: Option<String>,
    pub(super) desc: Option<String>,
    pub(super) tags: Option<BTreeSet<String>>,
    pub(super) exceptions: Option<Vec<Exception>>,
    pub(super) priority: Option<Priority>,
    pub(super) enabled: Option<bool>,
    pub(super) warn_evttypes: Option<bool>,
    pub(super) skip_if_unknown_filter: Option<bool>,
    pub(super) capture: Option<bool>,
    pub(super) capture_duration_ms: Option<u32>,
}

/// Named things in the order in which they were first defined.
#[derive(Debug)]
pub(super) struct Named<T> {
    entries: Vec<Entry<T>>,
    places: BTreeMap<String, usize>,
}

/// A named thing, and when it came.
#[derive(Debug)]
pub(super) struct Entry<T> {
    pub(super) it: T,
    /// When it was first defined.
    pub(super) first: usize,
    /// When it was last defined or changed.
    pub(super) last: usize,
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), places: BTreeMap::new() }
    }
}

impl<T> Named<T> {
    fn define(&mut self, name: &str, it: T, now: usize) {
        match self.places.get(name) {
            Some(&at) => {
                let entry = &mut self.entries[at];
                (entry.it, entry.last) = (it, now);
            }
            None => {
                self.places.insert(name.to_owned(), self.entries.len());
                self.entries.push(Entry { it, first: now, last: now });
            }
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Entry<T>> {
        self.places.get(name).map(|&at| &self.entries[at])
    }

    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    fn get_mut(&mut self, name: &str) -> Option<&mut Entry<T>> {
        self.places.get(name).map(|&at| &mut self.entries[at])
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry<T>> {
        self.entries.iter()
    }
}

/// Why an item is refused. The words are Falco's.
pub(super) type Refused<T> = Result<T, (Code, String)>;

fn refuse<T>(message: impl Into<String>) -> Refused<T> {
    Err((Code::Validate, message.into()))
}

/// All that was defined so far.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    pub(super) lists: Named<List>,
    pub(super) macros: Named<Macro>,
    pub(super) rules: Named<RuleItem>,
    /// Counts the items that define or change something.
    now: usize,
}

impl Definitions {
    fn tick(&mut self) -> usize {
        self.now += 1;
        self.now
    }

    pub(super) fn list(&mut self, list: List, append: bool) -> Refused<()> {
        let now = self.tick();
        if !append {
            self.lists.define(&list.name.clone(), list, now);
            return Ok(());
        }
        let Some(entry) = self.lists.get_mut(&list.name) else {
            return refuse(
                "List uses 'append' or 'override.items: append' but no list by that name already exists",
            );
        };
        entry.it.items.extend(list.items);
        entry.last = now;
        Ok(())
    }

    pub(super) fn define_macro(&mut self, item: Macro, append: bool) -> Refused<()> {
        let now = self.tick();
        if !append {
            self.macros.define(&item.name.clone(), item, now);
            return Ok(());
        }
        let Some(entry) = self.macros.get_mut(&item.name) else {
            return refuse(
                "Macro uses 'append' or 'override.condition: append' but no macro by that name already exists",
            );
        };
        entry.it.condition.push(' ');
        entry.it.condition.push_str(&item.condition);
        entry.last = now;
        Ok(())
    }

    pub(super) fn rule(&mut self, mut rule: RuleItem) -> Refused<()> {
        self.same_source(&rule.name, &rule.source)?;
        for exception in &mut rule.exceptions {
            if exception.fields.is_none() {
                return refuse("Rule exception item must have fields property with a list of fields");
            }
            exception.complete(!rule.has_unknown_source, &is_field)?;
        }
        let now = self.tick();
        self.rules.define(&rule.name.clone(), rule, now);
        Ok(())
    }

    pub(super) fn enable(&mut self, name: &str, enabled: bool) -> Refused<()> {
        match self.rules.get_mut(name) {
            Some(entry) => {
                entry.it.enabled = enabled;
                Ok(())
            }
            None => refuse("Rule has 'enabled' key but no rule by that name already exists"),
        }
    }

    pub(super) fn append(&mut self, name: &str, change: Change) -> Refused<()> {
        self.same_source(name, &change.source)?;
        let now = self.tick();
        let Some(entry) = self.rules.get_mut(name) else {
            return refuse(
                "Rule uses 'append' or 'override.<key>: append' but no rule by that name already exists",
            );
        };
        let is_empty = change.condition.is_none()
            && change.output.is_none()
            && change.desc.is_none()
            && change.tags.is_none()
            && change.exceptions.is_none();
        if is_empty {
            return refuse("Appended rule must have exceptions or condition property");
        }
        entry.last = now;
        let rule = &mut entry.it;
        for (text, more) in [
            (&mut rule.condition, change.condition),
            (&mut rule.output, change.output),
            (&mut rule.desc, change.desc),
        ] {
            if let Some(more) = more.filter(|more| !more.is_empty()) {
                text.push(' ');
                text.push_str(&more);
            }
        }
        rule.tags.extend(change.tags.unwrap_or_default());
        for exception in change.exceptions.unwrap_or_default() {
            append_exception(rule, exception)?;
        }
        Ok(())
    }

    pub(super) fn replace(&mut self, name: &str, change: Change) -> Refused<()> {
        self.same_source(name, &change.source)?;
        let now = self.tick();
        let Some(entry) = self.rules.get_mut(name) else {
            return refuse(
                "An 'override.<key>: replace' to a rule was requested but no rule by that name already exists",
            );
        };
        entry.last = now;
        let rule = &mut entry.it;
        put(&mut rule.condition, change.condition);
        put(&mut rule.output, change.output);
        put(&mut rule.desc, change.desc);
        put(&mut rule.tags, change.tags);
        put(&mut rule.priority, change.priority);
        put(&mut rule.capture, change.capture);
        put(&mut rule.capture_duration_ms, change.capture_duration_ms);
        put(&mut rule.enabled, change.enabled);
        put(&mut rule.warn_evttypes, change.warn_evttypes);
        put(&mut rule.skip_if_unknown_filter, change.skip_if_unknown_filter);
        if let Some(mut exceptions) = change.exceptions {
            for exception in &mut exceptions {
                exception.complete(!rule.has_unknown_source, &is_field)?;
            }
            rule.exceptions = exceptions;
        }
        Ok(())
    }

    /// Rules of one name are about events of one source.
    fn same_source(&self, name: &str, source: &str) -> Refused<()> {
        match self.rules.get(name) {
            Some(previous) if !source.is_empty() && previous.it.source != source => {
                refuse("Rule has been re-defined with a different source")
            }
            _ => Ok(()),
        }
    }
}

fn put<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

fn append_exception(rule: &mut RuleItem, mut exception: Exception) -> Refused<()> {
    let Some(previous) = rule.exceptions.iter_mut().find(|previous| previous.name == exception.name) else {
        if exception.fields.is_none() {
            return refuse("Rule exception must have fields property with a list of fields");
        }
        if exception.values.is_empty() {
            return refuse("Rule exception must have values property with a list of values");
        }
        exception.complete(!rule.has_unknown_source, &is_field)?;
        rule.exceptions.push(exception);
        return Ok(());
    };
    if exception.fields.is_some() {
        return refuse("Can not append exception fields to existing exception, only values");
    }
    if exception.comps.is_some() {
        return refuse("Can not append exception comps to existing exception, only values");
    }
    previous.values.append(&mut exception.values);
    Ok(())
}

/// Whether `written` names a field, with or without its argument.
fn is_field(written: &str) -> bool {
    kind_of(written.split('[').next().unwrap_or_default()).is_some()
}
