//! Sysmon and Windows' security log as JSON: flat, below `winlog` or `EventData`, or as Windows' own XML is converted, below
//! `Event.System` and `Event.EventData`.

use serde_json::{Map, Value, json};

use super::event::{HostEvent, add, complete};
use super::instant;

/// Whether that is the form of Windows' own XML.
pub(super) fn is_converted(object: &Map<String, Value>) -> bool {
    object.get("Event").is_some_and(|event| event.get("System").is_some_and(Value::is_object))
}

pub(super) fn read(object: &mut Map<String, Value>) -> Result<HostEvent, String> {
    let (event, winlog) = (object.get("Event"), object.get("winlog"));
    let nested = [
        winlog.and_then(|log| log.get("event_data")),
        object.get("EventData"),
        event.and_then(|event| event.get("EventData")),
    ];
    let data = nested.into_iter().flatten().find_map(Value::as_object).unwrap_or(object);
    let system = event.and_then(|event| event.get("System")).and_then(Value::as_object).unwrap_or(object);
    let id = ["event_id", "EventID", "EventId"].iter().find_map(|name| system.get(*name));
    let id = id.or_else(|| winlog?.get("event_id"));
    let id = id.and_then(number).ok_or("has no event_id that is a number")?;
    let text = |names: &[&str]| {
        names.iter().find_map(|name| data.get(*name)).and_then(Value::as_str).map(Value::from)
    };
    let mut fields = Map::new();
    let kind = match id {
        1 | 4_688 => "execve".to_owned(),
        3 => "connect".to_owned(),
        5 => "procexit".to_owned(),
        11 => "creat".to_owned(),
        other => format!("windows_{other}"),
    };
    add(&mut fields, "evt.type", Some(kind.into()));
    for (name, names) in [
        ("proc.exepath", &["NewProcessName", "Image", "SourceImage"][..]),
        ("proc.cmdline", &["CommandLine"]),
        ("proc.cwd", &["CurrentDirectory"]),
        ("proc.pexepath", &["ParentProcessName", "ParentImage"]),
        ("proc.pcmdline", &["ParentCommandLine"]),
        ("user.name", &["User", "SubjectUserName"]),
        ("fd.name", &["TargetFilename", "TargetObject"]),
    ] {
        add(&mut fields, name, text(names));
    }
    add(&mut fields, "fd.name", connection(data));
    let host = object.get("host").map(|host| host.get("name").unwrap_or(host));
    for host in [host, system.get("Computer"), winlog.and_then(|log| log.get("computer_name"))] {
        add(&mut fields, "evt.hostname", host.cloned());
    }
    add(&mut fields, "dataset", object.get("dataset").cloned());
    let time_ms = instant::first(object, &["time", "@timestamp", "UtcTime", "TimeCreated"]);
    let created = || system.get("TimeCreated")?.get("#attributes")?.as_object();
    let time_ms = time_ms
        .or_else(|| instant::first(data, &["UtcTime"]))
        .or_else(|| instant::first(created()?, &["SystemTime"]));
    complete(&mut fields);
    Ok(HostEvent { time_ms, fields })
}

fn number(value: &Value) -> Option<i64> {
    // What XML has beside attributes is a text of its own.
    let value = value.get("#text").unwrap_or(value);
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// `10.0.0.1:50000->10.0.0.2:443`
fn connection(data: &Map<String, Value>) -> Option<Value> {
    let part = |name: &str| match data.get(name) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
        None => None,
    };
    let (source, target) = (part("SourceIp")?, part("DestinationIp")?);
    let (from, to) = (part("SourcePort").unwrap_or_default(), part("DestinationPort").unwrap_or_default());
    Some(json!(format!("{source}:{from}->{target}:{to}")))
}
