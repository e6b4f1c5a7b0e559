//! What a format is.

use std::io::Read;

use super::hints::Hints;
use super::rows::Rows;
use super::start::Start;
use crate::Report;
use crate::events::{self, RawEvent};
use crate::pieces::Ends;
use crate::table::{Options, TableError};

/// A format of files.
pub struct Format {
    /// What `--format` calls it.
    pub name: &'static str,
    /// What it is, for people: one line without a full stop.
    pub about: &'static str,
    /// How names of such files end, in lower case, without the dot.
    pub endings: &'static [&'static str],
    /// Whether a file holds one series without its name, which is then the file's.
    pub is_one_series: bool,
    /// A small file, for documentation and tests.
    pub example: &'static [u8],
    /// How events are read from it; `None` if it holds none.
    pub events: Option<EventReader>,
    /// How samples are read from it; `None` if it holds none.
    pub(super) samples: Option<OpenSamples>,
    /// Whether samples that begin like this are of this format.
    pub(super) is_one: fn(&Start<'_>) -> bool,
}

/// Begins to read samples.
pub(super) type OpenSamples = for<'a> fn(Opening<'a, '_>) -> Result<Box<dyn Rows + 'a>, TableError>;

/// Samples about to be read.
pub(crate) struct Opening<'a, 'o> {
    /// The first 64 KiB, as UTF-8 unless they are no text.
    pub(crate) start: &'o [u8],
    /// All of the input, the start included.
    pub(crate) input: Box<dyn Read + 'a>,
    pub(crate) options: &'o Options<'o>,
    pub(crate) hints: Hints,
}

/// Reads events, a piece of the input at a time.
#[derive(Debug, Clone, Copy)]
pub struct EventReader {
    /// Where a piece may end.
    pub ends: Ends,
    /// Reads a piece, as [`events::parse`] does.
    pub parse: ParseEvents,
}

/// Takes a piece, and what to do with each event in it.
pub type ParseEvents = fn(&[u8], events::Options<'_>, &mut Report, OnEvent<'_>);

/// Takes an event, or says why not.
pub type OnEvent<'f> = &'f mut dyn FnMut(RawEvent<'_>) -> Result<(), String>;

impl Format {
    /// Whether it holds samples.
    #[must_use]
    pub const fn holds_samples(&self) -> bool {
        self.samples.is_some()
    }

    /// Begins to read its samples.
    pub(crate) fn open<'a>(&self, opening: Opening<'a, '_>) -> Result<Box<dyn Rows + 'a>, TableError> {
        let open = self.samples.ok_or(TableError::NoSamples { format: self.name })?;
        open(opening)
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl std::fmt::Debug for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Format").field(&self.name).finish()
    }
}
