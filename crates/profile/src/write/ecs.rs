//! Elastic Common Schema.

use lanner_core::time::format_time;
use serde_json::{Value, json};

use super::finding::{Finding, object};

pub(super) fn write(finding: &Finding<'_>) -> Value {
    let text = |name: &str| finding.text(name).map(Value::from);
    let parent = object([
        ("name", text("proc.pname")),
        ("executable", text("proc.pexepath")),
        ("command_line", text("proc.pcmdline")),
    ]);
    let process = object([
        ("name", text("proc.name")),
        ("executable", text("proc.exepath")),
        ("command_line", text("proc.cmdline")),
        ("pid", finding.event.get("proc.pid").cloned()),
        ("parent", Some(parent)),
    ]);
    let container = object([
        ("id", text("container.id")),
        ("name", text("container.name")),
        ("image", Some(object([("name", text("container.image.repository"))]))),
    ]);
    object([
        ("@timestamp", Some(format_time(finding.time_ms).into())),
        ("ecs", Some(json!({ "version": "8.17.0" }))),
        ("message", Some(finding.message().into())),
        (
            "event",
            Some(object([
                ("kind", Some(json!("alert"))),
                ("category", Some(json!(["process"]))),
                ("type", Some(json!(["info"]))),
                ("module", Some(json!("lanner"))),
                ("action", text("evt.type")),
                ("reason", Some(finding.answer.reason().into())),
            ])),
        ),
        ("rule", Some(json!({ "name": format!("Unusual behaviour ({})", finding.answer.profile) }))),
        ("host", Some(object([("hostname", text("evt.hostname"))]))),
        ("process", Some(process)),
        ("container", Some(container)),
        ("file", Some(object([("path", text("fd.name"))]))),
        ("user", Some(object([("name", text("user.name"))]))),
        ("lanner", Some(json!({ "profile": finding.answer.to_fields(finding.time_ms) }))),
    ])
}
