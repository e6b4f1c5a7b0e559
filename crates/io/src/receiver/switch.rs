//! `switch`: activates a kill switch while an alert lasts, and deactivates it when the alert is over.
//!
//! It sends nothing: whoever holds the switches does what its [`ActionPlan`] says.

use std::collections::BTreeMap;

use lanner_core::WrongBudget;
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
    /// That it only reports until somebody enforces it, and how often it may be wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<DryRunConfig>,
    /// For one attempt.
    pub timeout: Timeout,
}

/// How often alerts may be wrong about a switch.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DryRunConfig {
    /// Activations a day that may turn out to be wrong.
    pub wrong_per_day: f64,
    /// Over how many past days they are counted.
    pub days: u32,
}

impl Default for DryRunConfig {
    fn default() -> Self {
        Self { wrong_per_day: 1.0, days: 7 }
    }
}

/// Longer ago nothing is counted.
const MAX_DAYS: u32 = 90;

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

/// How often alerts may be wrong.
pub(super) const DRY_RUN: &[Field] = &[
    Field::new("wrong_per_day", "1", "activations a day that may turn out to be wrong")
        .of(Type::Number)
        .or("1"),
    Field::new("days", "7", "number of past days over which they are counted, from 1 to 90")
        .of(Type::Whole)
        .or("7"),
];

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
    Field::new(
        "dry_run",
        "{ wrong_per_day: 1, days: 7 }",
        "report what would be blocked until a person enforces it, and again once too much was blocked wrongly",
    )
    .of(Type::Map(DRY_RUN)),
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
        if let Some(DryRunConfig { wrong_per_day, days }) = self.dry_run {
            if !(0.0..=1e6).contains(&wrong_per_day) {
                problems.push(Problem::new("dry_run.wrong_per_day", "should be a number from 0 to 1000000"));
            }
            if !(1..=MAX_DAYS).contains(&days) {
                problems.push(Problem::new("dry_run.days", format!("should be from 1 to {MAX_DAYS}")));
            }
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
            budget: self.dry_run.map(|DryRunConfig { wrong_per_day, days }| WrongBudget {
                per_day: wrong_per_day,
                n_days: days,
            }),
        })
    }

    fn build(&self, _: &BuildContext) -> Result<Box<dyn Transport>, Vec<Problem>> {
        Err(vec![Problem::new("kind", "acts on switches, and sends no messages")])
    }
}
