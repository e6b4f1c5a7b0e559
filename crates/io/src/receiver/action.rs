//! What a receiver that acts wants done about an alert.

use std::collections::BTreeMap;

use lanner_core::{NotifiedAlert, SwitchAction, WrongBudget};

use super::SendError;

/// A switch, and how far alerts may go with it.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionPlan {
    pub(super) switch: String,
    pub(super) with: BTreeMap<String, String>,
    pub(super) for_ms: i64,
    pub(super) cooldown_ms: i64,
    pub(super) per_hour: u32,
    pub(super) wants_approval: bool,
    pub(super) budget: Option<WrongBudget>,
}

impl ActionPlan {
    /// The id of the switch.
    #[must_use]
    pub fn switch(&self) -> &str {
        &self.switch
    }

    /// How often alerts may be wrong about it, where it only reports until somebody enforces it.
    #[must_use]
    pub const fn budget(&self) -> Option<WrongBudget> {
        self.budget
    }

    /// What is to be done about `alert`.
    ///
    /// # Errors
    /// The alert lacks a label that the context needs; trying again does not help.
    pub fn action(&self, alert: &NotifiedAlert) -> Result<SwitchAction, SendError> {
        let (mut with, mut labels) = (Vec::new(), Vec::new());
        for (field, label) in &self.with {
            // `{{ bank }}`, as templates have it, is the label as well.
            let label = label.trim().trim_start_matches("{{").trim_end_matches("}}").trim();
            let value = alert.group.get(label).or_else(|| alert.labels.get(label)).ok_or_else(|| {
                let rule = &alert.rule;
                SendError::permanent(format!("the alert of {rule} has no label \"{label}\" for {field}"))
            })?;
            with.push((field.clone(), value.to_owned()));
            labels.push(label.to_owned());
        }
        Ok(SwitchAction {
            switch: self.switch.clone(),
            with,
            for_ms: self.for_ms,
            cooldown_ms: self.cooldown_ms,
            per_hour: self.per_hour,
            wants_approval: self.wants_approval,
            budget: self.budget,
            labels,
            rule: alert.rule.to_string(),
            group: alert.group.clone(),
            since_ms: alert.started_ms,
            is_over: alert.is_resolved(),
        })
    }
}
