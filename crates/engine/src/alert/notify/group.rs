//! What groups of alerts are known by.

use std::sync::Arc;

use lanner_core::{Labels, NotifiedAlert};

/// A receiver's name, and the labels that its group's alerts agree in.
pub(super) type GroupKey = (Arc<str>, Labels);

/// How bad an alert is, by its label.
pub(super) fn severity(alert: &NotifiedAlert) -> Option<&str> {
    alert.labels.get("severity")
}
