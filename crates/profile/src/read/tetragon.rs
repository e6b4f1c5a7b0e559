//! Tetragon's JSON export: `process_exec`, `process_exit`, `process_kprobe` and the like.

use serde_json::{Map, Value, json};

use super::event::{HostEvent, add, base_name, complete};
use super::instant;

pub(super) fn read(object: &mut Map<String, Value>) -> Result<HostEvent, String> {
    let Some((kind, event)) = object.iter().find(|(name, _)| name.starts_with("process_")) else {
        return Err(
            "has none of process_exec, process_exit, process_kprobe, so Tetragon did not write it".to_owned()
        );
    };
    let process = &event["process"];
    let mut fields = Map::new();
    add(&mut fields, "evt.type", Some(Value::from(event_type(kind, event))));
    add_process(&mut fields, process, "proc.");
    add_process(&mut fields, &event["parent"], "proc.p");
    let pod = &process["pod"];
    for (name, value) in [
        ("container.id", &pod["container"]["id"]),
        ("container.name", &pod["container"]["name"]),
        ("container.image.repository", &pod["container"]["image"]["name"]),
        ("k8s.ns.name", &pod["namespace"]),
        ("k8s.pod.name", &pod["name"]),
        ("evt.hostname", &object.get("node_name").cloned().unwrap_or_default()),
    ] {
        add(&mut fields, name, value.as_str().map(Value::from));
    }
    add(&mut fields, "fd.name", target(event));
    let time_ms = instant::first(object, &["time"]);
    let started = process.as_object().and_then(|process| instant::first(process, &["start_time"]));
    complete(&mut fields);
    Ok(HostEvent { time_ms: time_ms.or(started), fields })
}

/// The system call, where there is one that Falco would name.
fn event_type(kind: &str, event: &Value) -> String {
    match kind {
        "process_exec" => "execve".to_owned(),
        "process_exit" => "procexit".to_owned(),
        _ => {
            let function =
                event["function_name"].as_str().unwrap_or_else(|| kind.trim_start_matches("process_"));
            function
                .trim_start_matches("__x64_")
                .trim_start_matches("__arm64_")
                .trim_start_matches("sys_")
                .to_owned()
        }
    }
}

/// A process under names that begin with `prefix`: `proc.` or `proc.p`.
fn add_process(fields: &mut Map<String, Value>, process: &Value, prefix: &str) {
    let Some(binary) = process["binary"].as_str() else { return };
    let line = match process["arguments"].as_str() {
        None | Some("") => binary.to_owned(),
        Some(arguments) => format!("{binary} {arguments}"),
    };
    for (name, value) in [
        ("exepath", json!(binary)),
        ("name", json!(base_name(binary))),
        ("cmdline", json!(line)),
        ("pid", process["pid"].clone()),
    ] {
        add(fields, &format!("{prefix}{name}"), Some(value).filter(|value| !value.is_null()));
    }
}

/// What a probe was called with, as far as it is a file or a connection.
fn target(event: &Value) -> Option<Value> {
    event["args"].as_array()?.iter().find_map(|argument| {
        if let Some(path) = argument["file_arg"]["path"].as_str().or(argument["string_arg"].as_str()) {
            return Some(json!(path));
        }
        let socket = argument["sock_arg"].as_object()?;
        let part = |name: &str| match socket.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        Some(json!(format!("{}:{}->{}:{}", part("saddr"), part("sport"), part("daddr"), part("dport"))))
    })
}
