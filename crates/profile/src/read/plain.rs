//! JSON whose fields are called as in Falco.

use serde_json::{Map, Value};

use super::event::{HostEvent, complete};
use super::instant;

pub(super) fn read(object: &mut Map<String, Value>) -> Result<HostEvent, String> {
    let mut fields = std::mem::take(object);
    let time_ms = instant::first(
        &fields,
        &["evt.rawtime", "evt.time", "_time", "time", "timestamp", "@timestamp", "ts"],
    );
    complete(&mut fields);
    Ok(HostEvent { time_ms, fields })
}
