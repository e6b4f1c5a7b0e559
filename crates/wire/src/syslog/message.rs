//! A message, and the event that it becomes.

use jiff::tz::TimeZone;
use lanner_core::Event;
use serde_json::{Map, Value};

const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
    "local7",
];
const SEVERITIES: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

/// When and where a message was received, which completes what it does not say.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// When, milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// The zone of times that name none.
    pub zone: &'a TimeZone,
    /// The address that it came from, if one is known.
    pub sender: Option<&'a str>,
}

/// A message, with its parts as they are written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Message<'a> {
    /// Eight times the facility, plus the severity: 0 to 191.
    pub priority: u8,
    /// When it was written, if it says so; milliseconds since the Unix epoch.
    pub time_ms: Option<i64>,
    /// The host that wrote it.
    pub host: Option<&'a str>,
    /// The program, or the tag.
    pub app: Option<&'a str>,
    /// Its process.
    pub pid: Option<&'a str>,
    /// The kind of message.
    pub msgid: Option<&'a str>,
    /// Structured data: the parameters of each element by name.
    pub data: Map<String, Value>,
    /// The text.
    pub text: &'a str,
}

impl Message<'_> {
    /// The message as an event. Fields that a message lacks are left out; without a host, the sender stands in for it.
    #[must_use]
    pub fn into_event(self, received: Received<'_>) -> Event {
        let Self { priority, time_ms, host, app, pid, msgid, data, text } = self;
        let mut fields = Map::new();
        let host = host.or(received.sender);
        let (facility, severity) = (priority / 8, priority % 8);
        let texts = [
            ("host", host),
            ("app", app),
            ("pid", pid),
            ("msgid", msgid),
            ("facility", FACILITIES.get(usize::from(facility)).copied()),
            ("severity", SEVERITIES.get(usize::from(severity)).copied()),
        ];
        for (name, text) in texts {
            fields.extend(text.map(|text| (name.to_owned(), Value::from(text))));
        }
        fields.insert("severity_code".to_owned(), Value::from(severity));
        if !data.is_empty() {
            fields.insert("data".to_owned(), Value::Object(data));
        }
        fields.insert("message".to_owned(), Value::from(text));
        fields.extend(received.sender.map(|sender| ("sender".to_owned(), Value::from(sender))));
        Event { time_ms: time_ms.unwrap_or(received.time_ms), fields }
    }
}
