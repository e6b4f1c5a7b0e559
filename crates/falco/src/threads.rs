//! Falco's table of threads: what it knows of a process, its ancestors and its files.
//!
//! A field that this version of Falco does not have is a warning, not a failure: whoever asks for it finds nothing.

use std::borrow::Cow;
use std::ffi::CStr;
use std::ops::ControlFlow;

use falco_plugin::anyhow::{Context as _, Result};
use falco_plugin::tables::import::{Bool, Field, RuntimeEntry, Table};
use falco_plugin::tables::{TablesInput, ValidatedTableReader};
use serde_json::Value;

/// Tells entries of the table of threads from others.
#[derive(Debug)]
pub(crate) struct OfThreads;
#[derive(Debug)]
pub(crate) struct OfTexts;
#[derive(Debug)]
pub(crate) struct OfFiles;

/// A thread.
pub(crate) type Thread = RuntimeEntry<OfThreads>;
/// How the table is read while an event is at hand.
pub(crate) type Reader<'r> = ValidatedTableReader<'r>;

type TextEntry = RuntimeEntry<OfTexts>;
type Texts = Table<u64, TextEntry>;
type FileEntry = RuntimeEntry<OfFiles>;
type Files = Table<i64, FileEntry>;

/// The process that all others come from; it has no parent.
const INIT: i64 = 1;

/// What is known of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Name,
    Exe,
    ExePath,
    Folder,
    Container,
    Pid,
    Parent,
    Session,
    VirtualPid,
    VirtualGroup,
    Terminal,
    User,
    Group,
    LoginUser,
    IsWritable,
    IsUpperLayer,
    IsMemory,
    Inode,
    InodeChanged,
    InodeModified,
}

/// Of what type a field of the table is.
#[derive(Debug, Clone, Copy)]
enum Type {
    Text,
    Signed,
    Unsigned,
    Small,
    Truth,
}

/// Each with its name in the table, in the order of [`What`].
const FIELDS: [(What, &CStr, Type); 20] = [
    (What::Name, c"comm", Type::Text),
    (What::Exe, c"exe", Type::Text),
    (What::ExePath, c"exe_path", Type::Text),
    (What::Folder, c"cwd", Type::Text),
    (What::Container, c"container_id", Type::Text),
    (What::Pid, c"pid", Type::Signed),
    (What::Parent, c"ptid", Type::Signed),
    (What::Session, c"sid", Type::Signed),
    (What::VirtualPid, c"vpid", Type::Signed),
    (What::VirtualGroup, c"vpgid", Type::Signed),
    (What::Terminal, c"tty", Type::Small),
    (What::User, c"uid", Type::Small),
    (What::Group, c"gid", Type::Small),
    (What::LoginUser, c"loginuid", Type::Small),
    (What::IsWritable, c"exe_writable", Type::Truth),
    (What::IsUpperLayer, c"exe_upper_layer", Type::Truth),
    (What::IsMemory, c"exe_from_memfd", Type::Truth),
    (What::Inode, c"exe_ino", Type::Unsigned),
    (What::InodeChanged, c"exe_ino_ctime", Type::Unsigned),
    (What::InodeModified, c"exe_ino_mtime", Type::Unsigned),
];

/// A field that the table has.
#[derive(Debug)]
enum Found {
    Text(Field<CStr, Thread>),
    Signed(Field<i64, Thread>),
    Unsigned(Field<u64, Thread>),
    Small(Field<u32, Thread>),
    Truth(Field<Bool, Thread>),
}

impl Found {
    fn of(threads: &Table<i64, Thread>, input: &TablesInput, name: &CStr, kind: Type) -> Result<Self> {
        Ok(match kind {
            Type::Text => Self::Text(threads.get_field(input, name)?),
            Type::Signed => Self::Signed(threads.get_field(input, name)?),
            Type::Unsigned => Self::Unsigned(threads.get_field(input, name)?),
            Type::Small => Self::Small(threads.get_field(input, name)?),
            Type::Truth => Self::Truth(threads.get_field(input, name)?),
        })
    }
}

/// What is known of an open file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OfFile {
    Name,
    RawName,
    Device,
    Inode,
}

/// The table of files of each thread, and its fields.
#[derive(Debug)]
struct OpenFiles {
    table: Field<Files, Thread>,
    name: Option<Field<CStr, FileEntry>>,
    raw_name: Option<Field<CStr, FileEntry>>,
    device: Option<Field<u32, FileEntry>>,
    inode: Option<Field<u64, FileEntry>>,
}

/// A table of texts of each thread, such as its arguments, and their field.
type TextTable = (Field<Texts, Thread>, Field<CStr, TextEntry>);

/// Falco's table of threads.
#[derive(Debug)]
pub(crate) struct Threads {
    table: Table<i64, Thread>,
    fields: Vec<Option<Found>>,
    arguments: Option<TextTable>,
    environment: Option<TextTable>,
    files: Option<OpenFiles>,
}

impl Threads {
    /// Finds the table and its fields, and says which fields are missing.
    ///
    /// # Errors
    /// When there is no table of threads.
    pub(crate) fn find(input: &TablesInput) -> Result<(Self, Vec<String>)> {
        let table: Table<i64, Thread> = input
            .get_table(c"threads")
            .context("Falco has no table of threads; is the source syscall enabled?")?;
        let mut missing = Vec::new();
        let mut note = |name: &CStr| missing.push(name.to_string_lossy().into_owned());
        let mut fields = Vec::with_capacity(FIELDS.len());
        for (_, name, kind) in FIELDS {
            let found = Found::of(&table, input, name, kind).ok();
            if found.is_none() {
                note(name);
            }
            fields.push(found);
        }
        let arguments = texts(&table, input, c"args");
        let environment = texts(&table, input, c"env");
        let files = open_files(&table, input);
        for (name, is_there) in [
            (c"args", arguments.is_some()),
            (c"env", environment.is_some()),
            (c"file_descriptors", files.is_some()),
        ] {
            if !is_there {
                note(name);
            }
        }
        Ok((Self { table, fields, arguments, environment, files }, missing))
    }

    /// The thread with this id, if Falco knows it.
    pub(crate) fn get(&self, reader: &Reader<'_>, tid: i64) -> Option<Thread> {
        self.table.get_entry(reader, &tid).ok()
    }

    /// What is known of a thread; numbers and truths as such.
    pub(crate) fn value(&self, reader: &Reader<'_>, thread: &Thread, what: What) -> Option<Value> {
        Some(match self.fields.get(what as usize)?.as_ref()? {
            Found::Text(field) => text(thread.read_field(reader, field).ok()?).into_owned().into(),
            Found::Signed(field) => thread.read_field(reader, field).ok()?.into(),
            Found::Unsigned(field) => thread.read_field(reader, field).ok()?.into(),
            Found::Small(field) => thread.read_field(reader, field).ok()?.into(),
            Found::Truth(field) => thread.read_field(reader, field).ok()?.into(),
        })
    }

    /// A text that is known of a thread.
    pub(crate) fn text<'t>(
        &self,
        reader: &Reader<'_>,
        thread: &'t Thread,
        what: What,
    ) -> Option<Cow<'t, str>> {
        match self.fields.get(what as usize)?.as_ref()? {
            Found::Text(field) => thread.read_field(reader, field).ok().map(text),
            _ => None,
        }
    }

    /// A number that is known of a thread.
    pub(crate) fn number(&self, reader: &Reader<'_>, thread: &Thread, what: What) -> Option<i64> {
        match self.fields.get(what as usize)?.as_ref()? {
            Found::Signed(field) => thread.read_field(reader, field).ok(),
            _ => None,
        }
    }

    /// The ancestors of a thread, the nearest first, at most `n`.
    pub(crate) fn ancestors(&self, reader: &Reader<'_>, thread: &Thread, n: usize) -> Vec<Thread> {
        let mut ancestors = Vec::new();
        let mut parent = self.number(reader, thread, What::Parent);
        while let Some(tid) = parent.filter(|_| ancestors.len() < n) {
            let Some(ancestor) = self.get(reader, tid) else { break };
            parent = self.number(reader, &ancestor, What::Parent).filter(|next| tid != INIT && *next != tid);
            ancestors.push(ancestor);
        }
        ancestors
    }

    /// Calls `visit` for each argument of a thread's command line, without the name of the program.
    pub(crate) fn each_argument(
        &self,
        reader: &Reader<'_>,
        thread: &Thread,
        visit: impl FnMut(&str),
    ) -> Option<()> {
        each(self.arguments.as_ref()?, reader, thread, visit)
    }

    /// Calls `visit` for each variable of a thread's environment, as `NAME=value`.
    pub(crate) fn each_variable(
        &self,
        reader: &Reader<'_>,
        thread: &Thread,
        visit: impl FnMut(&str),
    ) -> Option<()> {
        each(self.environment.as_ref()?, reader, thread, visit)
    }

    /// Calls `on_text` with the name of an open file of a thread, if Falco knows it.
    pub(crate) fn file_name(
        &self,
        reader: &Reader<'_>,
        thread: &Thread,
        fd: i64,
        on_text: &mut dyn FnMut(&str),
    ) -> Option<()> {
        let files = self.files.as_ref()?;
        let file = thread.read_field(reader, &files.table).ok()?.get_entry(reader, &fd).ok()?;
        let name = text(file.read_field(reader, files.name.as_ref()?).ok()?);
        (!name.is_empty()).then(|| on_text(&name))
    }

    /// What is known of an open file of a thread.
    pub(crate) fn file(&self, reader: &Reader<'_>, thread: &Thread, fd: i64, what: OfFile) -> Option<Value> {
        let files = self.files.as_ref()?;
        let file = thread.read_field(reader, &files.table).ok()?.get_entry(reader, &fd).ok()?;
        let name = |field: &Option<Field<CStr, FileEntry>>| {
            let name = text(file.read_field(reader, field.as_ref()?).ok()?);
            (!name.is_empty()).then(|| name.into_owned().into())
        };
        match what {
            OfFile::Name => name(&files.name),
            OfFile::RawName => name(&files.raw_name),
            OfFile::Device => file.read_field(reader, files.device.as_ref()?).ok().map(Value::from),
            OfFile::Inode => file.read_field(reader, files.inode.as_ref()?).ok().map(Value::from),
        }
    }
}

fn texts(threads: &Table<i64, Thread>, input: &TablesInput, name: &CStr) -> Option<TextTable> {
    threads
        .get_table_field::<u64, Texts, TextEntry, _, _>(input, name, |table| table.get_field(input, c"value"))
        .ok()
}

fn open_files(threads: &Table<i64, Thread>, input: &TablesInput) -> Option<OpenFiles> {
    let fields = |files: &Table<(), FileEntry>| {
        Ok((
            files.get_field(input, c"name").ok(),
            files.get_field(input, c"name_raw").ok(),
            files.get_field(input, c"dev").ok(),
            files.get_field(input, c"ino").ok(),
        ))
    };
    let found = threads.get_table_field::<i64, Files, FileEntry, _, _>(input, c"file_descriptors", fields);
    let (table, (name, raw_name, device, inode)) = found.ok()?;
    Some(OpenFiles { table, name, raw_name, device, inode })
}

fn each(
    (table, field): &TextTable,
    reader: &Reader<'_>,
    thread: &Thread,
    mut visit: impl FnMut(&str),
) -> Option<()> {
    let texts = thread.read_field(reader, table).ok()?;
    let visit = |entry: &mut TextEntry| {
        visit(&entry.read_field(reader, field).map_or(Cow::Borrowed(""), text));
        ControlFlow::Continue(())
    };
    texts.iter_entries_mut(reader, visit).ok().map(drop)
}

/// Text of the table; bytes that are no UTF-8 become replacement characters.
fn text(text: &CStr) -> Cow<'_, str> {
    // The library's own way to replace them goes byte by byte even where there are none.
    text.to_str().map_or_else(|_| text.to_string_lossy(), Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_at_their_place() {
        for (at, (what, ..)) in FIELDS.into_iter().enumerate() {
            assert_eq!(what as usize, at, "{what:?}");
        }
    }
}
