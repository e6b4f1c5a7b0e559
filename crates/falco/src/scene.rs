//! What a field is for the event at hand.

use falco_plugin::event::events::RawEvent;
use serde_json::Value;

use crate::event::{Kind, absolute};
use crate::field::{Field, MAX_DEPTH, Of, OfFd, OfProcess};
use crate::threads::{OfFile, Reader, Thread, Threads, What};

/// How far the leader of a session, and of a process group, is looked for.
const SESSION_DEPTH: usize = 9;
const GROUP_DEPTH: usize = 5;
/// What most command lines have room in.
const USUAL_LINE_BYTES: usize = 256;
/// Ancestors that a list of all of them has at most.
const ALL: usize = 16;

/// An event, and the thread that caused it.
pub(crate) struct Scene<'s> {
    threads: &'s Threads,
    reader: &'s Reader<'s>,
    event: &'s RawEvent<'s>,
    kind: Option<Kind>,
    thread: Option<Thread>,
}

impl<'s> Scene<'s> {
    pub(crate) fn new(threads: &'s Threads, reader: &'s Reader<'s>, event: &'s RawEvent<'s>) -> Self {
        let thread = threads.get(reader, event.metadata.tid);
        Self { threads, reader, event, kind: Kind::of(event.event_type), thread }
    }

    /// The kind of the event, if it is one that behaviours are made of.
    pub(crate) const fn kind(&self) -> Option<Kind> {
        self.kind
    }

    /// The number of the thread, and that of its parent.
    pub(crate) fn numbers(&self) -> Option<(i64, i64)> {
        let parent = self.threads.number(self.reader, self.thread.as_ref()?, What::Parent)?;
        Some((self.event.metadata.tid, parent))
    }

    /// The number of the parent of a process, if Falco knows it.
    pub(crate) fn parent_of(&self, tid: i64) -> Option<i64> {
        self.threads.number(self.reader, &self.threads.get(self.reader, tid)?, What::Parent)
    }

    /// The numbers of all ancestors that a field may be about.
    pub(crate) fn ancestors(&self) -> Vec<i64> {
        let Some(thread) = &self.thread else { return Vec::new() };
        let parent = |thread: &Thread| self.threads.number(self.reader, thread, What::Parent);
        let ancestors = self.threads.ancestors(self.reader, thread, MAX_DEPTH);
        parent(thread).into_iter().chain(ancestors.iter().filter_map(parent)).collect()
    }

    /// The process that is another one from this event on.
    pub(crate) fn changes(&self) -> Option<i64> {
        self.kind?.changes(self.event)
    }

    /// Calls `on_text` with the value of a field that Falco holds as a text, or as arguments that make one, without allocating once
    /// `line` is long enough; says whether it did.
    pub(crate) fn with_text(&self, field: &Field, line: &mut String, on_text: &mut dyn FnMut(&str)) -> bool {
        let found = match (field, &self.thread) {
            (Field::Process(Of::Itself, OfProcess::Plain(what)), Some(thread)) => {
                self.threads.text(self.reader, thread, *what).map(|text| on_text(&text))
            }
            (Field::Process(Of::Itself, OfProcess::Line(begin)), Some(thread)) => {
                self.write_line(*begin, thread, line);
                on_text(line);
                Some(())
            }
            (Field::File(OfFd::Plain(OfFile::Name)), Some(thread)) => self
                .kind
                .and_then(|kind| kind.fd(self.event))
                .and_then(|fd| self.threads.file_name(self.reader, thread, fd, on_text)),
            _ => None,
        };
        found.is_some()
    }

    /// Whether Falco knows the thread.
    pub(crate) const fn has_thread(&self) -> bool {
        self.thread.is_some()
    }

    /// When it happened, milliseconds since 1970.
    pub(crate) fn time_ms(&self) -> i64 {
        i64::try_from(self.event.metadata.ts / 1_000_000).unwrap_or(i64::MAX)
    }

    /// The value of a field; `None` where there is none.
    pub(crate) fn value(&self, field: &Field) -> Option<Value> {
        let thread = || self.thread.as_ref();
        match field {
            Field::EventType => Some(self.kind?.name.into()),
            Field::File(what) => self.file(*what),
            Field::Process(of, what) => self.of(*of, |process| self.process(process, *what)),
            Field::Ancestors(what) => {
                let ancestors = self.threads.ancestors(self.reader, thread()?, ALL);
                Some(ancestors.iter().filter_map(|ancestor| self.process(ancestor, *what)).collect())
            }
            Field::Lineage(what, depth) => {
                let mut joined = self.text(thread()?, *what);
                for ancestor in self.threads.ancestors(self.reader, thread()?, *depth) {
                    joined += &self.text(&ancestor, *what);
                }
                Some(joined.into())
            }
            Field::Environment(name) => self.environment(thread()?, name.as_deref()).map(Value::from),
            Field::IsSessionLeader => self.is_same(What::Session, What::VirtualPid),
            Field::IsGroupLeader => self.is_same(What::VirtualGroup, What::VirtualPid),
        }
    }

    /// What `read` finds of the process that is meant.
    fn of(&self, of: Of, read: impl FnOnce(&Thread) -> Option<Value>) -> Option<Value> {
        let thread = self.thread.as_ref()?;
        let distance = match of {
            Of::Itself | Of::Ancestor(0) => return read(thread),
            Of::Parent => 1,
            Of::Ancestor(distance) => distance,
            Of::SessionLeader => return self.leader(thread, What::Session, SESSION_DEPTH, read),
            Of::GroupLeader => return self.leader(thread, What::VirtualGroup, GROUP_DEPTH, read),
        };
        let mut ancestors = self.threads.ancestors(self.reader, thread, distance);
        (ancestors.len() == distance).then(|| ancestors.pop()).flatten().and_then(|ancestor| read(&ancestor))
    }

    /// What `read` finds of the eldest ancestor with the same `group`, without a gap.
    fn leader(
        &self,
        thread: &Thread,
        group: What,
        depth: usize,
        read: impl FnOnce(&Thread) -> Option<Value>,
    ) -> Option<Value> {
        let number = |thread: &Thread| self.threads.number(self.reader, thread, group);
        let wanted = number(thread);
        let ancestors = self.threads.ancestors(self.reader, thread, depth);
        let leader = ancestors.iter().take_while(|ancestor| number(ancestor) == wanted).last();
        read(leader.unwrap_or(thread))
    }

    fn process(&self, process: &Thread, what: OfProcess) -> Option<Value> {
        let (mut n, mut length) = (0_u64, 0);
        let mut count = |argument: &str| (n, length) = (n + 1, length + argument.len() as u64);
        Some(match what {
            OfProcess::Plain(what) => return self.threads.value(self.reader, process, what),
            OfProcess::Line(begin) => {
                let mut line = String::with_capacity(USUAL_LINE_BYTES);
                self.write_line(begin, process, &mut line);
                line.into()
            }
            OfProcess::NArguments => {
                self.threads.each_argument(self.reader, process, &mut count)?;
                n.into()
            }
            OfProcess::ArgumentsLength => {
                self.threads.each_argument(self.reader, process, &mut count)?;
                length.into()
            }
        })
    }

    /// What it begins with, if anything, and the arguments, with blanks between them.
    fn write_line(&self, begin: Option<What>, process: &Thread, line: &mut String) {
        line.clear();
        if let Some(begin) = begin.and_then(|what| self.threads.text(self.reader, process, what)) {
            line.push_str(&begin);
        }
        let add = |argument: &str| {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(argument);
        };
        // A table without arguments leaves the line as it begins.
        let _ = self.threads.each_argument(self.reader, process, add);
    }

    fn text(&self, thread: &Thread, what: What) -> String {
        match self.threads.value(self.reader, thread, what) {
            Some(Value::String(text)) => text,
            _ => String::new(),
        }
    }

    fn environment(&self, thread: &Thread, name: Option<&str>) -> Option<String> {
        let mut found = String::new();
        let Some(name) = name else {
            let all = |variable: &str| {
                if !found.is_empty() {
                    found.push(' ');
                }
                found.push_str(variable);
            };
            self.threads.each_variable(self.reader, thread, all)?;
            return Some(found);
        };
        let one = |variable: &str| {
            if let Some(value) = variable.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) {
                value.trim_matches(' ').clone_into(&mut found);
            }
        };
        self.threads.each_variable(self.reader, thread, one)?;
        Some(found)
    }

    fn is_same(&self, one: What, other: What) -> Option<Value> {
        let thread = self.thread.as_ref()?;
        let number = |what| self.threads.number(self.reader, thread, what);
        Some((number(one)? == number(other)?).into())
    }

    /// What is known of the file or connection that the event opened: first from the table, else from the event itself.
    fn file(&self, what: OfFd) -> Option<Value> {
        let kind = self.kind.filter(|kind| kind.has_fd())?;
        let fd = kind.fd(self.event)?;
        let of = |what| self.threads.file(self.reader, self.thread.as_ref()?, fd, what);
        match what {
            OfFd::Number => Some(fd.into()),
            OfFd::Plain(OfFile::Name) => self.name(kind, fd).map(Value::from),
            OfFd::Plain(OfFile::RawName) if kind.has_path() => {
                of(OfFile::RawName).or_else(|| Some(kind.path(self.event)?.into()))
            }
            OfFd::Plain(what) => of(what),
            OfFd::Folder if kind.has_path() => {
                let name = self.name(kind, fd)?;
                Some(name.rsplit_once('/').map_or(&*name, |(folder, _)| folder).into())
            }
            OfFd::FileName if kind.has_path() => {
                let name = self.name(kind, fd)?;
                Some(name.rsplit_once('/').map_or(&*name, |(_, file)| file).into())
            }
            OfFd::Client if !kind.has_path() => Some(self.name(kind, fd)?.split_once("->")?.0.into()),
            OfFd::Server if !kind.has_path() => Some(self.name(kind, fd)?.split_once("->")?.1.into()),
            OfFd::Folder | OfFd::FileName | OfFd::Client | OfFd::Server => None,
        }
    }

    /// The name behind a file descriptor: a path, or `client->server`.
    fn name(&self, kind: Kind, fd: i64) -> Option<String> {
        let known = |fd| match self.threads.file(self.reader, self.thread.as_ref()?, fd, OfFile::Name)? {
            Value::String(name) => Some(name),
            _ => None,
        };
        known(fd).or_else(|| {
            let folder = match kind.folder(self.event) {
                Some(folder) => known(folder),
                None => self.thread.as_ref().map(|thread| self.text(thread, What::Folder)),
            };
            Some(absolute(&folder.unwrap_or_default(), kind.path(self.event)?))
        })
    }
}
