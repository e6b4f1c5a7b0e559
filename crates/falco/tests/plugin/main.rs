//! The plugin in Falco's place: loaded by the SDK's runner, beside a plugin that has the table of threads and the events.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unsafe_code,
    reason = "a failed step is a failed test"
)]
#![allow(clippy::needless_pass_by_value, reason = "tables of values read better")]
#![allow(missing_docs, reason = "the SDK's macros write code")]

mod cost;
mod crowd;
mod fleet;
mod host;
mod interface;
mod loaded;
mod official;
mod profiles;
mod table;

use std::ffi::CString;

use falco_plugin_runner::{CapturingPluginRunner, Event, ExtractedField, PluginRunner};
use serde_json::{Value, json};

const MINUTE_MS: i64 = 60_000;
/// Numbers of events, as in Falco's table.
const EXECVE: u16 = 293;
const OPEN: u16 = 3;
const OPENAT: u16 = 307;
const CONNECT: u16 = 23;
const CLONE: u16 = 223;

/// A shell below a web server, one below cron, and a browser of files.
fn threads() -> Value {
    json!([
        {"id": 1, "comm": "systemd", "exe": "/sbin/init", "path": "/usr/lib/systemd/systemd", "parent": 0, "sid": 1, "vpgid": 1},
        {"id": 20, "comm": "nginx", "exe": "nginx:", "path": "/usr/sbin/nginx", "parent": 1, "sid": 20, "vpgid": 20},
        {"id": 21, "comm": "sh", "exe": "sh", "path": "/bin/dash", "parent": 20, "sid": 20, "vpgid": 20,
         "args": ["-c", "id"], "env": ["HOME=/root", "X= y "], "cwd": "/srv/app", "tty": 34816,
         "files": {"3": "/etc/passwd", "4": "10.0.0.1:5->10.0.0.2:443", "9": "/srv/data"}},
        {"id": 30, "comm": "cron", "exe": "cron", "path": "/usr/sbin/cron", "parent": 1, "sid": 30, "vpgid": 30},
        {"id": 31, "comm": "sh", "exe": "sh", "path": "/bin/dash", "parent": 30, "sid": 31, "vpgid": 31, "args": ["-c", "backup"]},
    ])
}

fn event(code: u16, tid: i64, ms: i64, with: Value) -> Value {
    json!({"code": code, "tid": tid, "ms": ms, "with": with})
}

/// The host and the plugin with this configuration.
fn loaded(events: Vec<Value>, config: &Value) -> Result<PluginRunner, String> {
    let mut runner = PluginRunner::new();
    let host = json!({"threads": threads(), "events": events}).to_string();
    runner.register_plugin(&host::HOST, &CString::new(host).unwrap()).unwrap();
    let config = CString::new(config.to_string()).unwrap();
    runner.register_plugin(&loaded::ANOMALY, &config).map_err(|error| format!("{error:#}"))?;
    Ok(runner)
}

fn running(events: Vec<Value>, config: &Value) -> CapturingPluginRunner {
    loaded(events, config).unwrap().start_capture().unwrap()
}

/// A field of an event as Falco prints it; `<NA>` where there is none, `failed` where the plugin reports an error.
fn shown(runner: &mut CapturingPluginRunner, event: &Event, field: &str) -> String {
    match runner.extract_field(event, field) {
        Some(Ok(ExtractedField::String(text))) => text.to_string_lossy().into_owned(),
        Some(Ok(value)) => value.to_string(),
        Some(Err(_)) => "failed".to_owned(),
        None => panic!("no plugin has the field {field}"),
    }
}
