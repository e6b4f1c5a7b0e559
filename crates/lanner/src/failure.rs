//! How a command ends: its exit code, and the message for a failure.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use lanner_core::printable::printable;

/// How a command ended that did its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing to report: code 0.
    Fine,
    /// It found something: problems, failed tests, differences. Code 1.
    Found,
    /// Nothing could be judged, or not all of it, so neither is known. Code 2.
    Undecided,
}

impl Outcome {
    /// [`Outcome::Found`] when `found`.
    pub(crate) const fn found(found: bool) -> Self {
        if found { Self::Found } else { Self::Fine }
    }

    pub(crate) fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Fine => 0,
            Self::Found => 1,
            Self::Undecided => 2,
        })
    }
}

/// Whose mistake it is, which is what the exit code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// What was asked for cannot be done: code 2.
    User,
    /// Something failed that the user did not cause: code 3.
    Program,
    /// Ctrl-C: code 130, as shells expect.
    Interrupted,
    /// Whoever read the output has left, as `head` does: code 0.
    Closed,
}

/// Why a command did not do its work: what is wrong, and what to do.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
    hint: Option<String>,
}

pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    /// The user's mistake.
    pub(crate) fn user(message: impl Into<String>) -> Self {
        Self::new(Kind::User, message)
    }

    /// A failure that the user did not cause.
    pub(crate) fn program(message: impl Into<String>) -> Self {
        Self::new(Kind::Program, message)
    }

    /// There is nothing to work with.
    pub(crate) fn undecided(message: impl Into<String>) -> Self {
        Self::user(message)
    }

    /// Whether the user can do something about it.
    pub(crate) fn is_users(&self) -> bool {
        self.kind == Kind::User
    }

    /// Ctrl-C.
    pub(crate) fn interrupted() -> Self {
        Self::new(Kind::Interrupted, "interrupted")
    }

    /// Says what it is about.
    pub(crate) fn of(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Adds what to do.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A file that could not be read or written; `doing` is for example `read`.
    pub(crate) fn file(doing: &str, path: &std::path::Path, error: &io::Error) -> Self {
        let failure = Self::user(format!("cannot {doing} {}: {error}", path.display()));
        match error.kind() {
            io::ErrorKind::NotFound => failure.hint("check the path"),
            io::ErrorKind::PermissionDenied => failure.hint("check the permissions"),
            _ => Self { kind: Kind::Program, ..failure },
        }
    }

    /// What is wrong, and what to do, in one line.
    pub(crate) fn text(&self) -> String {
        self.hint.as_ref().map_or_else(|| self.message.clone(), |hint| format!("{} ({hint})", self.message))
    }

    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(match self.kind {
            Kind::User => 2,
            Kind::Program => 3,
            Kind::Interrupted => 130,
            Kind::Closed => 0,
        })
    }

    /// Says it on standard error.
    pub(crate) fn tell(&self) {
        if self.kind == Kind::Closed {
            return;
        }
        let (bold, plain) = if colours(&io::stderr()) { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
        let mut text = format!("{bold}lanner:{plain} {}\n", printable(&self.message));
        if let Some(hint) = &self.hint {
            text.push_str(&format!("  hint: {}\n", printable(hint)));
        }
        // If even this cannot be written, nobody is left to be told.
        let _ = io::stderr().write_all(text.as_bytes());
    }
}

/// Standard output that cannot be written.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::new(Kind::Closed, ""),
            _ => Self::program(format!("cannot write the output: {error}")),
        }
    }
}

/// Whether colours may be written to `stream`: a terminal, and nobody said `NO_COLOR`.
pub(crate) fn colours(stream: &impl io::IsTerminal) -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    stream.is_terminal() && !refused && !is_dumb
}

/// A remark on standard error, beside the output.
pub(crate) fn remark(text: &str) {
    let _ = writeln!(io::stderr(), "{}", printable(text));
}

/// Whether standard output is a terminal.
pub(crate) fn is_for_people() -> bool {
    io::stdout().is_terminal()
}
