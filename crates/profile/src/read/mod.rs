//! Events of other programs, line by line, under Falco's names of fields: `proc.exepath`, `proc.pname`, `proc.cmdline`,
//! `fd.name`, `evt.type`.
//!
//! To add a format: a file here with one function, and a row in [`FORMATS`].

mod auditd;
mod event;
mod falco;
mod formats;
mod instant;
mod lines;
mod plain;
mod sysmon;
mod tetragon;

pub use event::HostEvent;
pub use formats::{FORMATS, Format, object_of};
pub use lines::{Lines, MAX_LINE_BYTES};
