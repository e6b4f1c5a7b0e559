//! Profiles of hosts, which `lanner profile learn` writes.

use lanner_conditions::{Condition, Missing};
use lanner_core::document::{Check, Node};
use lanner_core::time::format_time;
use lanner_profile::{Filter, Profile, is_profile};
use serde_json::{Value, json};

use super::kind::{Facts, Kind};
use crate::output::counted;

pub(crate) const KIND: Kind = Kind {
    name: "profile",
    about: "profiles of hosts, from `lanner profile learn`",
    format: None,
    is_one: |start| is_profile(start.bytes),
    read,
};

fn read(bytes: &[u8]) -> Result<Facts, String> {
    let profiles = Profile::read_all(bytes, &filter).map_err(|error| error.to_string())?;
    let ids: Vec<&str> = profiles.iter().map(|profile| profile.spec().id.as_str()).collect();
    let about = format!("{}: {}", counted(profiles.len() as u64, "profile"), ids.join(", "));
    let metrics: serde_json::Map<String, Value> =
        profiles.iter().map(|profile| (profile.spec().id.clone(), seen(profile))).collect();
    Ok(Facts { about, metrics: metrics.into(), ..Facts::default() })
}

fn seen(profile: &Profile) -> Value {
    let (advice, times) = (profile.advice(), profile.times_ms());
    json!({
        "events": advice.n_events,
        "behaviours": advice.n_behaviours,
        "from": times.map(|(first_ms, _)| format_time(first_ms)),
        "to": times.map(|(_, latest_ms)| format_time(latest_ms)),
    })
}

/// Reads the condition of a profile.
pub(crate) fn filter(node: &Node, path: &str, check: &mut Check) -> Option<Filter> {
    let condition = Condition::read(node, path, check)?;
    Some(Filter::new(move |event| condition.matches(event, Missing::False)))
}
