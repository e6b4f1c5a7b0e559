//! Fields of Falco that behaviours are made of: `proc.name`, `proc.aname[2]`, `fd.name`.

use crate::threads::{OfFile, What};

/// Whose process is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    Itself,
    Parent,
    /// The ancestor at this distance; 0 is the process itself.
    Ancestor(usize),
    /// The eldest ancestor of the same session.
    SessionLeader,
    /// The eldest ancestor of the same process group.
    GroupLeader,
}

/// What of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OfProcess {
    /// A field of the table of threads.
    Plain(What),
    /// What is named, if anything, and the arguments, with blanks between them.
    Line(Option<What>),
    /// How many arguments there are.
    NArguments,
    /// How long the arguments are together.
    ArgumentsLength,
}

/// A part of the path or address behind a file descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OfFd {
    /// A field of the table of files.
    Plain(OfFile),
    /// Its number.
    Number,
    /// The path up to the last `/`.
    Folder,
    /// The path after the last `/`.
    FileName,
    /// Of a connection: what stands before `->`.
    Client,
    /// Of a connection: what stands behind `->`.
    Server,
}

/// A field of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Field {
    Process(Of, OfProcess),
    /// A list: the same of each ancestor, the nearest first.
    Ancestors(OfProcess),
    /// The same of the process and of so many ancestors, one after the other.
    Lineage(What, usize),
    /// The environment, or one variable of it.
    Environment(Option<String>),
    IsSessionLeader,
    IsGroupLeader,
    File(OfFd),
    /// The name of the system call.
    EventType,
}

/// For how long a field stays the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lasts {
    /// It is asked for with each event.
    Event,
    /// As long as a process runs one program and has the same parent.
    Process,
    /// As long as no ancestor becomes another, for all children of one parent.
    Family,
}

const ARGUMENTS: OfProcess = OfProcess::Line(None);
const COMMAND_LINE: OfProcess = OfProcess::Line(Some(What::Name));
const EXE_LINE: OfProcess = OfProcess::Line(Some(What::Exe));
const NAME: OfProcess = OfProcess::Plain(What::Name);
const EXE: OfProcess = OfProcess::Plain(What::Exe);
const EXE_PATH: OfProcess = OfProcess::Plain(What::ExePath);
const PID: OfProcess = OfProcess::Plain(What::Pid);
const VIRTUAL_PID: OfProcess = OfProcess::Plain(What::VirtualPid);

/// Fields of one process.
const PROCESS: [(&str, Of, OfProcess); 36] = [
    ("proc.name", Of::Itself, NAME),
    ("proc.exe", Of::Itself, EXE),
    ("proc.exepath", Of::Itself, EXE_PATH),
    ("proc.args", Of::Itself, ARGUMENTS),
    ("proc.cmdline", Of::Itself, COMMAND_LINE),
    ("proc.exeline", Of::Itself, EXE_LINE),
    ("proc.cmdnargs", Of::Itself, OfProcess::NArguments),
    ("proc.cmdlenargs", Of::Itself, OfProcess::ArgumentsLength),
    ("proc.cwd", Of::Itself, OfProcess::Plain(What::Folder)),
    ("proc.tty", Of::Itself, OfProcess::Plain(What::Terminal)),
    ("proc.pid", Of::Itself, PID),
    ("proc.vpid", Of::Itself, VIRTUAL_PID),
    ("proc.sid", Of::Itself, OfProcess::Plain(What::Session)),
    ("proc.vpgid", Of::Itself, OfProcess::Plain(What::VirtualGroup)),
    ("proc.is_exe_writable", Of::Itself, OfProcess::Plain(What::IsWritable)),
    ("proc.is_exe_upper_layer", Of::Itself, OfProcess::Plain(What::IsUpperLayer)),
    ("proc.is_exe_from_memfd", Of::Itself, OfProcess::Plain(What::IsMemory)),
    ("proc.exe_ino", Of::Itself, OfProcess::Plain(What::Inode)),
    ("proc.exe_ino.ctime", Of::Itself, OfProcess::Plain(What::InodeChanged)),
    ("proc.exe_ino.mtime", Of::Itself, OfProcess::Plain(What::InodeModified)),
    ("proc.pname", Of::Parent, NAME),
    ("proc.pexe", Of::Parent, EXE),
    ("proc.pexepath", Of::Parent, EXE_PATH),
    ("proc.pcmdline", Of::Parent, COMMAND_LINE),
    ("proc.ppid", Of::Parent, PID),
    ("proc.pvpid", Of::Parent, VIRTUAL_PID),
    ("proc.sname", Of::SessionLeader, NAME),
    ("proc.sid.exe", Of::SessionLeader, EXE),
    ("proc.sid.exepath", Of::SessionLeader, EXE_PATH),
    ("proc.vpgid.name", Of::GroupLeader, NAME),
    ("proc.vpgid.exe", Of::GroupLeader, EXE),
    ("proc.vpgid.exepath", Of::GroupLeader, EXE_PATH),
    ("container.id", Of::Itself, OfProcess::Plain(What::Container)),
    ("user.uid", Of::Itself, OfProcess::Plain(What::User)),
    ("group.gid", Of::Itself, OfProcess::Plain(What::Group)),
    ("user.loginuid", Of::Itself, OfProcess::Plain(What::LoginUser)),
];

/// Fields of ancestors: with an index of one, without of all.
const ANCESTORS: [(&str, OfProcess); 5] = [
    ("proc.aname", NAME),
    ("proc.aexe", EXE),
    ("proc.aexepath", EXE_PATH),
    ("proc.acmdline", COMMAND_LINE),
    ("proc.apid", PID),
];

/// Fields of what an event opened.
const FILE: [(&str, OfFd); 9] = [
    ("fd.num", OfFd::Number),
    ("fd.name", OfFd::Plain(OfFile::Name)),
    ("fd.directory", OfFd::Folder),
    ("fd.filename", OfFd::FileName),
    ("fd.dev", OfFd::Plain(OfFile::Device)),
    ("fd.ino", OfFd::Plain(OfFile::Inode)),
    ("fd.nameraw", OfFd::Plain(OfFile::RawName)),
    ("custom.fd.name.part1", OfFd::Client),
    ("custom.fd.name.part2", OfFd::Server),
];

/// Fields that exist in behaviour profiles of Falco's own plugin only.
const LINEAGES: [(&str, What); 3] = [
    ("custom.proc.aname.lineage.join", What::Name),
    ("custom.proc.aexe.lineage.join", What::Exe),
    ("custom.proc.aexepath.lineage.join", What::ExePath),
];

/// The farthest ancestor that can be named.
pub(crate) const MAX_DEPTH: usize = 32;

impl Field {
    /// Reads the name of a field.
    ///
    /// # Errors
    /// What is wrong with it, and what to write.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (name, argument) = match text.split_once('[') {
            Some((name, rest)) => {
                let argument =
                    rest.strip_suffix(']').ok_or_else(|| format!("{text} has no closing bracket"))?;
                (name, Some(argument))
            }
            None => (text, None),
        };
        let found = Self::indexed(name, argument).transpose()?.or_else(|| Self::plain(name));
        match found {
            Some(
                Self::Process(..)
                | Self::File(_)
                | Self::EventType
                | Self::IsSessionLeader
                | Self::IsGroupLeader,
            ) if argument.is_some() && Self::indexed(name, None).is_none() => {
                Err(format!("{name} takes no argument"))
            }
            Some(field) => Ok(field),
            None => Err(unknown(name)),
        }
    }

    /// A field that takes an argument.
    fn indexed(name: &str, argument: Option<&str>) -> Option<Result<Self, String>> {
        if let Some((_, what)) = LINEAGES.iter().find(|(known, _)| *known == name) {
            let example = format!("{name} needs a depth from 1 to {MAX_DEPTH}, as in {name}[7]");
            let depth = argument.and_then(depth).filter(|depth| *depth > 0);
            return Some(depth.map(|depth| Self::Lineage(*what, depth)).ok_or(example));
        }
        if let Some((_, what)) = ANCESTORS.iter().find(|(known, _)| *known == name) {
            let Some(argument) = argument else { return Some(Ok(Self::Ancestors(*what))) };
            let wrong =
                format!("{name} takes the distance of an ancestor from 0 to {MAX_DEPTH}, as in {name}[2]");
            return Some(depth(argument).map(|depth| Self::Process(Of::Ancestor(depth), *what)).ok_or(wrong));
        }
        (name == "proc.env").then(|| Ok(Self::Environment(argument.map(str::to_owned))))
    }

    fn plain(name: &str) -> Option<Self> {
        let process =
            PROCESS.iter().find(|(known, ..)| *known == name).map(|(_, of, what)| Self::Process(*of, *what));
        let file = FILE.iter().find(|(known, _)| *known == name).map(|(_, what)| Self::File(*what));
        process.or(file).or(match name {
            "evt.type" => Some(Self::EventType),
            "proc.is_sid_leader" => Some(Self::IsSessionLeader),
            "proc.is_vpgid_leader" => Some(Self::IsGroupLeader),
            _ => None,
        })
    }

    /// For how long it stays the same. Names of a process itself do not: it may give itself another.
    pub(crate) const fn lasts(&self) -> Lasts {
        match self {
            Self::Process(Of::Parent | Of::Ancestor(1..), _) | Self::Ancestors(_) => Lasts::Family,
            Self::Environment(_) => Lasts::Process,
            Self::Process(
                Of::Itself,
                OfProcess::Plain(
                    What::Exe
                    | What::ExePath
                    | What::Pid
                    | What::Parent
                    | What::VirtualPid
                    | What::IsWritable
                    | What::IsUpperLayer
                    | What::IsMemory
                    | What::Inode
                    | What::InodeChanged
                    | What::InodeModified,
                ),
            ) => Lasts::Process,
            Self::Process(Of::Itself, OfProcess::Plain(_) | COMMAND_LINE) => Lasts::Event,
            Self::Process(Of::Itself, _) => Lasts::Process,
            _ => Lasts::Event,
        }
    }

    /// Whether only events about a file or a connection have it.
    pub(crate) const fn is_of_file(&self) -> bool {
        matches!(self, Self::File(_))
    }
}

fn depth(text: &str) -> Option<usize> {
    text.parse().ok().filter(|depth| *depth <= MAX_DEPTH)
}

fn unknown(name: &str) -> String {
    let hint = lanner_core::nearest(name, names()).map_or_else(
        || "the plugin reads fields of proc, fd, user and container".to_owned(),
        |near| format!("did you mean {near}?"),
    );
    format!("the plugin cannot read the field {name}; {hint}")
}

fn names() -> impl Iterator<Item = &'static str> {
    let process = PROCESS.iter().map(|(name, ..)| *name);
    let others = ["evt.type", "proc.env", "proc.is_sid_leader", "proc.is_vpgid_leader"];
    let ancestors = ANCESTORS.iter().map(|(name, _)| *name);
    process.chain(ancestors).chain(FILE.iter().map(|(name, _)| *name)).chain(others)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read() {
        #[track_caller]
        fn check(text: &str, expected: &Field) {
            assert_eq!(Field::parse(text).as_ref(), Ok(expected));
        }
        check("proc.name", &Field::Process(Of::Itself, NAME));
        check("proc.aname", &Field::Ancestors(NAME));
        check("proc.aname[2]", &Field::Process(Of::Ancestor(2), NAME));
        check("proc.env[HOME]", &Field::Environment(Some("HOME".to_owned())));
        check("custom.proc.aname.lineage.join[7]", &Field::Lineage(What::Name, 7));
        check("fd.name", &Field::File(OfFd::Plain(OfFile::Name)));
    }

    #[test]
    fn mistakes_are_named() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            let why = Field::parse(text).unwrap_err();
            assert!(why.contains(expected), "{why}");
        }
        check("proc.nmae", "did you mean proc.name?");
        check("proc.name[1]", "proc.name takes no argument");
        check("proc.aname[x]", "as in proc.aname[2]");
        check("proc.aname[99]", "from 0 to 32");
        check("custom.proc.aname.lineage.join", "needs a depth");
        check("proc.aname[2", "no closing bracket");
        check("k8s.pod.name", "cannot read the field k8s.pod.name");
    }
}
