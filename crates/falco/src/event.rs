//! The events of Falco that say how a host behaves: what starts a program, and what opens a file or a connection.

use falco_event::events::AnyEventPayload;
use falco_plugin::event::events::RawEvent;

/// What is known of a kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    /// Its number in Falco's table of events.
    pub(crate) code: u16,
    /// Its name, as in `evt.type`.
    pub(crate) name: &'static str,
    /// Which parameter is the file descriptor.
    fd: Option<usize>,
    /// Which parameter is a path.
    path: Option<usize>,
    /// Which parameter is the directory that a relative path is in; without one it is the working directory.
    folder: Option<usize>,
    starts: Starts,
}

/// What an event starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Starts {
    /// Nothing.
    Nothing,
    /// Another program, in the same process.
    Program,
    /// Another process.
    Process,
}

impl Kind {
    const fn program(code: u16, name: &'static str, starts: Starts) -> Self {
        Self { code, name, fd: None, path: None, folder: None, starts }
    }

    const fn socket(code: u16, name: &'static str, fd: usize) -> Self {
        Self { code, name, fd: Some(fd), path: None, folder: None, starts: Starts::Nothing }
    }

    const fn file(code: u16, name: &'static str, path: usize, folder: Option<usize>) -> Self {
        Self { code, name, fd: Some(0), path: Some(path), folder, starts: Starts::Nothing }
    }
}

/// All kinds, by their number. Each is the event at the end of a system call, when its result is known.
pub(crate) const KINDS: [Kind; 12] = [
    Kind::file(3, "open", 1, None),
    Kind::socket(23, "connect", 2),
    Kind::file(59, "creat", 1, None),
    Kind::program(223, "clone", Starts::Process),
    Kind::socket(247, "accept", 0),
    Kind::program(293, "execve", Starts::Program),
    Kind::file(307, "openat", 2, Some(1)),
    Kind::file(327, "openat2", 2, Some(1)),
    Kind::program(331, "execveat", Starts::Program),
    Kind::program(335, "clone3", Starts::Process),
    Kind::file(337, "open_by_handle_at", 3, None),
    Kind::socket(389, "accept4", 0),
];

/// An event of the kernel; with `ANY` of any kind, else of one of [`KINDS`]. Falco asks the type which ones to hand over.
#[derive(Debug)]
pub struct Syscall<'e, const ANY: bool>(pub(crate) RawEvent<'e>);

impl<const ANY: bool> AnyEventPayload for Syscall<'_, ANY> {
    const SOURCES: &'static [Option<&'static str>] = &[Some("syscall")];
    const EVENT_TYPES: &'static [u16] = if ANY { &[] } else { &CODES };
}

impl<'e, const ANY: bool> From<&RawEvent<'e>> for Syscall<'e, ANY> {
    fn from(raw: &RawEvent<'e>) -> Self {
        let RawEvent { metadata, len, event_type, nparams, payload } = raw;
        let (metadata, payload) = (metadata.clone(), *payload);
        Self(RawEvent { metadata, len: *len, event_type: *event_type, nparams: *nparams, payload })
    }
}

const CODES: [u16; KINDS.len()] = {
    let (mut codes, mut at) = ([0; KINDS.len()], 0);
    while at < codes.len() {
        codes[at] = KINDS[at].code;
        at += 1;
    }
    codes
};

/// The directory of a path that is relative to the working directory, as drivers write it.
const WORKING_FOLDER: i64 = -100;

impl Kind {
    /// The kind with this number.
    pub(crate) fn of(code: u16) -> Option<Self> {
        KINDS.into_iter().find(|kind| kind.code == code)
    }

    /// Whether its events are about a file or a connection.
    pub(crate) const fn has_fd(self) -> bool {
        self.fd.is_some()
    }

    /// Whether its events are about a file.
    pub(crate) const fn has_path(self) -> bool {
        self.path.is_some()
    }

    /// The process that is another one from now on, if there is one.
    pub(crate) fn changes(self, event: &RawEvent<'_>) -> Option<i64> {
        let own = event.metadata.tid;
        match self.starts {
            Starts::Nothing => None,
            Starts::Program => Some(own),
            // The parent is told the number of its child, and the child 0.
            Starts::Process => number(event, 0).map(|child| if child == 0 { own } else { child }),
        }
    }

    /// The file descriptor; negative if the call failed.
    pub(crate) fn fd(self, event: &RawEvent<'_>) -> Option<i64> {
        number(event, self.fd?)
    }

    /// The path as the program gave it.
    pub(crate) fn path<'e>(self, event: &RawEvent<'e>) -> Option<&'e str> {
        let bytes = parameter(event, self.path?)?;
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        str::from_utf8(&bytes[..end]).ok()
    }

    /// The descriptor of the directory that a relative path is in; `None` for the working directory.
    pub(crate) fn folder(self, event: &RawEvent<'_>) -> Option<i64> {
        number(event, self.folder?).filter(|folder| *folder != WORKING_FOLDER)
    }
}

fn parameter<'e>(event: &RawEvent<'e>, at: usize) -> Option<&'e [u8]> {
    event.params::<u16>().ok()?.nth(at)?.ok()
}

fn number(event: &RawEvent<'_>, at: usize) -> Option<i64> {
    parameter(event, at)?.try_into().ok().map(i64::from_le_bytes)
}

/// A path without `.`, `..` and doubled separators, in `folder` if it is relative.
///
/// ```text
/// absolute("/srv/app", "../etc//passwd") == "/srv/etc/passwd"
/// ```
pub(crate) fn absolute(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let begin = if path.starts_with('/') { "" } else { folder };
    for part in begin.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_absolute() {
        #[track_caller]
        fn check(folder: &str, path: &str, expected: &str) {
            assert_eq!(absolute(folder, path), expected);
        }
        check("/srv/app", "data/x", "/srv/app/data/x");
        check("/srv/app/", "../etc//passwd", "/srv/etc/passwd");
        check("/srv", "/etc/./shadow", "/etc/shadow");
        check("/", "../../x", "/x");
        check("", "x", "/x");
        check("/srv", "/", "/");
    }
}
