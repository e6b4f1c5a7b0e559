//! The list of formats, and how an object tells its own.

use serde_json::{Map, Value};

use super::event::HostEvent;
use super::{falco, plain, sysmon, tetragon};

/// The form of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Each line tells its own.
    Auto,
    /// Falco's JSON output.
    Falco,
    /// Tetragon's JSON export.
    Tetragon,
    /// The log of Linux' audit daemon.
    Auditd,
    /// Sysmon and Windows' security log as JSON.
    Sysmon,
    /// JSON whose fields are called as in Falco.
    Json,
}

/// All formats by name.
pub const FORMATS: [(&str, Format); 6] = [
    ("auto", Format::Auto),
    ("falco", Format::Falco),
    ("tetragon", Format::Tetragon),
    ("auditd", Format::Auditd),
    ("sysmon", Format::Sysmon),
    ("json", Format::Json),
];

/// Reads an event that is a JSON object already.
///
/// # Errors
/// What is wrong with it.
pub fn object_of(mut object: Map<String, Value>, format: Format) -> Result<HostEvent, String> {
    let read = match format {
        Format::Auto => detect(&object),
        Format::Falco => falco::read,
        Format::Tetragon => tetragon::read,
        Format::Sysmon => sysmon::read,
        Format::Json | Format::Auditd => plain::read,
    };
    read(&mut object)
}

/// How an object is read.
type Read = fn(&mut Map<String, Value>) -> Result<HostEvent, String>;

fn detect(object: &Map<String, Value>) -> Read {
    let has = |name: &str| object.contains_key(name);
    if has("output_fields") {
        falco::read
    } else if object.keys().any(|name| name.starts_with("process_")) {
        tetragon::read
    } else if ["event_id", "EventID", "EventId", "winlog"].into_iter().any(has)
        || sysmon::is_converted(object)
    {
        sysmon::read
    } else {
        plain::read
    }
}
