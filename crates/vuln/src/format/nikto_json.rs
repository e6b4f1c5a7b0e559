//! Nikto JSON: an object, or a list of them, with or without commas before closing brackets.

use serde_json::Value;

use crate::error::ReadError;
use crate::finding;
use crate::format::kind::{Format, json_with};
use crate::format::nikto::{Item, nikto_host, result};
use crate::input::Text;
use crate::json;
use crate::scan::Checks;
use crate::sink::Sink;

pub(crate) const FORMAT: Format = Format {
    name: "nikto-json",
    title: "Nikto JSON",
    example: r#"{"host":"h","ip":"192.0.2.7","port":"80","banner":"","vulnerabilities":
[{"id":"999957","OSVDB":"0","method":"GET","url":"/","msg":"No X-Frame-Options header."}]}"#,
    detect: |head| json_with(head, &["host", "banner", "vulnerabilities"]),
    read,
};

fn read(text: Text<'_>, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    sink.scanning.scan.scanner = "nikto".to_owned();
    json::walk(text, &[&["*"], &[]], sink, &mut |sink, _, target| target_of(&target, sink))?;
    sink.complete = true;
    sink.scanning.scan.checks = Checks::All;
    Ok(())
}

fn target_of(target: &Value, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    let text = |name: &str| json::text(target, &[name]);
    let (host, port) = (nikto_host(&text("ip"), &text("host")), finding::port(&text("port")));
    let mut failed = false;
    for entry in json::items(target, &["vulnerabilities"]) {
        let text = |name: &str| json::text(entry, &[name]);
        let (id, message) = (text("id"), text("msg"));
        // Nikto reports its own failures as results of check 0.
        if id == "0" && message.starts_with("ERROR") {
            failed = true;
            sink.warn(format!("Nikto could not scan a target: {message}"));
            continue;
        }
        let (osvdb, method, uri, references) =
            (text("OSVDB"), text("method"), text("url"), text("references"));
        let item = Item {
            id: &id,
            osvdb: &osvdb,
            method: &method,
            uri: &uri,
            message: &message,
            references: &references,
        };
        sink.take(result(&host, port, &item))?;
    }
    if !failed {
        sink.scanned(&host, port);
    }
    Ok(())
}
