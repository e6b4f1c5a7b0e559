//! Sysmon and Windows' security log as JSON: flat, or below `winlog.event_data` or `EventData`.

use serde_json::{Map, Value, json};

use super::event::{HostEvent, add, complete};
use super::instant;

pub(super) fn read(object: &mut Map<String, Value>) -> Result<HostEvent, String> {
    let nested = [object.get("winlog").and_then(|log| log.get("event_data")), object.get("EventData")];
    let data = nested.into_iter().flatten().find_map(Value::as_object).unwrap_or(object);
    let id = ["event_id", "EventID", "EventId"].iter().find_map(|name| object.get(*name));
    let id = id.or_else(|| object.get("winlog")?.get("event_id"));
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
    for name in ["host", "Computer", "dataset"] {
        add(&mut fields, if name == "dataset" { name } else { "evt.hostname" }, object.get(name).cloned());
    }
    let time_ms = instant::first(object, &["time", "@timestamp", "UtcTime", "TimeCreated"]);
    let time_ms = time_ms.or_else(|| instant::first(data, &["UtcTime"]));
    complete(&mut fields);
    Ok(HostEvent { time_ms, fields })
}

fn number(value: &Value) -> Option<i64> {
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
