//! `switch`: activates a kill switch while an alert lasts, and deactivates it when the alert is over.
//!
//! What throws is the server's [`SwitchHand`]; here the message, which is about one alert, becomes an order.

use std::collections::BTreeMap;
use std::sync::Arc;

use lanner_core::field::{Field, Type};
use lanner_core::time::{format_duration, parse_duration_ms};
use lanner_core::{Notification, NotifiedAlert};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::context::BuildContext;
use super::hand::{SwitchHand, SwitchOrder};
use super::kind::{KindConfig, TIMEOUT, Timeout};
use super::{Problem, SendError, SendErrorKind, Sending, Transport};

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
    /// For how long it is not thrown again.
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

    fn build(&self, context: &BuildContext) -> Result<Box<dyn Transport>, Vec<Problem>> {
        let hand = context.hand.get().cloned();
        let hand = hand.ok_or_else(|| vec![Problem::new("kind", "this program holds no switches")])?;
        Ok(Box::new(Throw { config: self.clone(), hand }))
    }
}

struct Throw {
    config: SwitchConfig,
    hand: Arc<dyn SwitchHand>,
}

impl Throw {
    fn order(&self, alert: &NotifiedAlert) -> Result<SwitchOrder, SendError> {
        let SwitchConfig { switch, with, duration, cooldown, per_hour, approval, .. } = &self.config;
        let (mut values, mut labels) = (Vec::with_capacity(with.len()), Vec::with_capacity(with.len()));
        for (field, label) in with {
            // `{{ bank }}`, as templates have it, is the label as well.
            let label = label.trim().trim_start_matches("{{").trim_end_matches("}}").trim();
            let value = alert.group.get(label).or_else(|| alert.labels.get(label)).ok_or_else(|| {
                SendError::permanent(format!(
                    "the alert of {} has no label \"{label}\" for {field}",
                    alert.rule
                ))
            })?;
            values.push((field.clone(), value.to_owned()));
            labels.push(label.to_owned());
        }
        Ok(SwitchOrder {
            switch: switch.clone(),
            with: values,
            for_ms: duration.0,
            cooldown_ms: cooldown.0,
            per_hour: per_hour.0,
            wants_approval: *approval,
            labels,
            rule: alert.rule.to_string(),
            group: alert.group.clone(),
            since_ms: alert.started_ms,
            is_over: alert.is_resolved(),
        })
    }
}

impl Throw {
    async fn act(&self, alert: &NotifiedAlert) -> Result<(), SendError> {
        self.hand.obey(self.order(alert)?).await
    }
}

impl Transport for Throw {
    /// A message is about one alert; where there are several they are episodes of it, or an earlier release wrote it.
    /// They are acted on as they began, so that the last one counts, and none keeps another from being acted on. What is
    /// done already is not done twice.
    fn send<'a>(&'a self, notification: &'a Notification) -> Sending<'a> {
        Box::pin(async move {
            let mut alerts: Vec<&NotifiedAlert> = notification.alerts.iter().collect();
            alerts.sort_by_key(|alert| (alert.started_ms, !alert.is_resolved()));
            let mut result = Ok(());
            for alert in alerts {
                result = graver(result, self.act(alert).await);
            }
            result
        })
    }

    fn is_repeatable(&self) -> bool {
        true
    }
}

/// The one of two results that more needs to be done about; the later one of two alike.
fn graver(earlier: Result<(), SendError>, later: Result<(), SendError>) -> Result<(), SendError> {
    let grade = |result: &Result<(), SendError>| match result.as_ref().map_err(|error| error.kind) {
        Err(SendErrorKind::Retry) => 2,
        Err(SendErrorKind::Permanent | SendErrorKind::Partly) => 1,
        Ok(()) | Err(SendErrorKind::Noted) => 0,
    };
    if grade(&earlier) > grade(&later) { earlier } else { later }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_work_later_is_tried_again() {
        #[track_caller]
        fn check(results: &[Result<(), SendError>], expected: &str) {
            let result = results.iter().cloned().reduce(graver).unwrap();
            assert_eq!(result.err().map_or(String::new(), |error| error.message), expected);
        }
        let [busy, no_label, waits] =
            [SendError::retry("busy"), SendError::permanent("no label"), SendError::noted("waits")].map(Err);
        check(&[Ok(()), Ok(())], "");
        check(&[waits.clone(), Ok(())], "");
        check(&[Ok(()), waits.clone()], "waits");
        check(&[no_label.clone(), waits.clone(), Ok(())], "no label");
        check(&[no_label, busy, waits], "busy");
    }
}
