//! `switch`: activates a kill switch while an alert lasts, and deactivates it when the alert is over.
//!
//! It sends nothing: whoever holds the switches does what its [`ActionPlan`] says.

use std::collections::BTreeMap;

use lanner_core::field::{Field, Type};
use lanner_core::time::{format_duration, parse_duration_ms};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::action::ActionPlan;
use super::context::BuildContext;
use super::kind::{KindConfig, TIMEOUT, Timeout};
use super::{Problem, Transport};

/// A `switch` receiver as the operator writes it.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SwitchConfig {
    /// The id of the switch.
    pub switch: String,
    /// Fields of the context, and the labels that say which value each must have.
    pub with: BTreeMap<String, String>,
    /// For how long it is on.
    #[serde(rename = "for")]
    pub duration: Span<1_800_000>,
    /// For how long after a deactivation it is not activated again.
    pub cooldown: Span<600_000>,
    /// How many within an hour, without asking.
    pub per_hour: PerHour,
    /// Whether a person has to approve each.
    pub approval: bool,
    /// For one attempt.
    pub timeout: Timeout,
}

/// How many within an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct PerHour(pub u32);

impl Default for PerHour {
    fn default() -> Self {
        Self(10)
    }
}

/// A duration in milliseconds, written as `30m`; its default is its parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span<const DEFAULT_MS: i64>(pub i64);

impl<const DEFAULT_MS: i64> Default for Span<DEFAULT_MS> {
    fn default() -> Self {
        Self(DEFAULT_MS)
    }
}

impl<'de, const DEFAULT_MS: i64> Deserialize<'de> for Span<DEFAULT_MS> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_duration_ms(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

impl<const DEFAULT_MS: i64> Serialize for Span<DEFAULT_MS> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_duration(self.0))
    }
}

/// The fields of a `switch` receiver.
pub(super) const FIELDS: &[Field] = &[
    Field::new("switch", "block-bank", "id of the switch").of(Type::Id).required(),
    Field::new(
        "with",
        "{ BANK: bank }",
        "fields of the context, each with the label of the alert that contains its value",
    )
    .of(Type::ByName(&Type::Text)),
    Field::new("for", "30m", "how long the switch stays active, unless the alert ends before")
        .of(Type::Duration)
        .or("30m"),
    Field::new("cooldown", "10m", "how long after a deactivation the switch is not activated again")
        .of(Type::Duration)
        .or("10m"),
    Field::new("per_hour", "10", "number of switches activated within an hour without approval")
        .of(Type::Whole)
        .or("10"),
    Field::new("approval", "false", "whether each activation needs approval").of(Type::Truth).or("false"),
    TIMEOUT,
];

impl KindConfig for SwitchConfig {
    fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.switch.is_empty() {
            problems.push(Problem::new("switch", "is missing; write the id of a switch"));
        }
        if self.duration.0 < 1_000 {
            problems.push(Problem::new("for", "should be a second at least"));
        }
        problems
    }

    fn describe(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    fn timeout(&self) -> Timeout {
        self.timeout
    }

    fn plan(&self) -> Option<ActionPlan> {
        Some(ActionPlan {
            switch: self.switch.clone(),
            with: self.with.clone(),
            for_ms: self.duration.0,
            cooldown_ms: self.cooldown.0,
            per_hour: self.per_hour.0,
            wants_approval: self.approval,
        })
    }

    fn build(&self, _: &BuildContext) -> Result<Box<dyn Transport>, Vec<Problem>> {
        Err(vec![Problem::new("kind", "acts on switches, and sends no messages")])
    }
}
