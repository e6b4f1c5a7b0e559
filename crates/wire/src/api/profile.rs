//! Profiles of behaviour, and the hosts that tell of theirs.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Time;

/// A profile that a processor learns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProfileView {
    /// The id of the processor.
    #[cfg_attr(feature = "openapi", schema(example = "usual"))]
    pub id: String,
    /// The stream whose events it learns from.
    #[cfg_attr(feature = "openapi", schema(example = "falco"))]
    pub stream: String,
    /// The field of events that holds what it says.
    #[cfg_attr(feature = "openapi", schema(example = "anomaly"))]
    pub into: String,
    /// What makes a behaviour.
    #[cfg_attr(feature = "openapi", schema(example = json!(["proc.exepath", "proc.pname", "template(proc.cmdline)"])))]
    pub fields: Vec<String>,
    /// How complete it is: `learning`, `active`, `stale` or `incomplete`; only an active one flags.
    #[cfg_attr(feature = "openapi", schema(example = "active"))]
    pub status: String,
    /// How much of the time for which it only learns is over, from 0 to 1.
    pub learned: f64,
    /// Events that it learned.
    pub events: u64,
    /// Different behaviours, as far as sketches tell them apart.
    pub behaviours: u64,
    /// The share of events that are new, of late, from 0 to 1.
    pub novelty_rate: f64,
    /// Flags a day to expect.
    pub flags_per_day: Option<f64>,
    /// The time of the first event.
    pub first: Option<Time>,
    /// The time of the latest event.
    pub latest: Option<Time>,
    /// The share of the keys that fit before new behaviours are too often taken for known; beyond 1 it is incomplete.
    pub full: f64,
    /// Memory of its sketches.
    pub memory_bytes: u64,
    /// Hosts of its fleet.
    pub hosts: u64,
}

/// A profile with its frequent behaviours and its hosts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProfileDetail {
    /// The profile.
    pub profile: ProfileView,
    /// The most frequent behaviours, the most frequent first.
    pub frequent: Vec<BehaviourView>,
    /// Hosts of its fleet, by name.
    pub hosts: Vec<ProfileHostView>,
}

/// A behaviour that is frequent, with the bounds of its count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BehaviourView {
    /// The values of its fields.
    #[cfg_attr(feature = "openapi", schema(example = "/usr/bin/dash | cron | sh -c backup"))]
    pub behaviour: String,
    /// It was seen at least so often.
    pub at_least: u64,
    /// It was seen at most so often.
    pub at_most: u64,
}

/// A host, as its agent told of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProfileHostView {
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(example = "web-7"))]
    pub host: String,
    /// How complete its profile is.
    #[cfg_attr(feature = "openapi", schema(example = "active"))]
    pub status: String,
    /// Events that it learned.
    pub events: u64,
    /// Different behaviours.
    pub behaviours: u64,
    /// The share of its events that are new, of late.
    pub novelty_rate: f64,
    /// When it was heard last.
    pub heard: Time,
}

/// What a host has to learn so that its profile can be compared with those of others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProfileTerms {
    /// The document of the profile.
    #[cfg_attr(feature = "openapi", schema(example = json!({ "id": "usual", "fields": ["proc.exepath", "proc.pname"] })))]
    pub document: Value,
    /// The seed under which behaviours are hashed, in hexadecimal digits. Whoever knows it can search for behaviour that passes
    /// for normal.
    #[cfg_attr(feature = "openapi", schema(example = "5eed"))]
    pub seed: String,
}

/// A range of times, of which a profile is to learn nothing or to forget what it learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ProfileTimes {
    /// Its start.
    pub from: Time,
    /// Its end, which is not part of it.
    pub to: Time,
}

/// What a profile forgot: whole days, of the last two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ForgottenView {
    /// The start of the first day; none if nothing could be forgotten.
    pub from: Option<Time>,
    /// The end of the last day.
    pub to: Option<Time>,
    /// Whether that is all that was asked for; else a part is older than what is told apart by day.
    pub all: bool,
}

/// What a profile says of an event that it does not learn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProfileAnswer {
    /// What the processor would add to the event.
    pub answer: Value,
    /// How often each part was seen.
    pub parts: Vec<PartView>,
}

/// A part of an event, and how often it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PartView {
    /// The part, as it is written.
    #[cfg_attr(feature = "openapi", schema(example = "template(proc.cmdline)"))]
    pub part: String,
    /// What the event has there.
    #[cfg_attr(feature = "openapi", schema(example = "sh -c id"))]
    pub value: String,
    /// How often that value was seen; 15 is 15 and more.
    pub seen: u32,
    /// How often everything else was seen together.
    pub seen_without: u32,
}
