//! What can be wrong inside Lanner, and what is.

use lanner_core::Group;

/// One thing that can go wrong inside Lanner.
#[derive(Debug)]
pub struct Kind {
    /// The name of its alerts, in the place of a rule's id.
    pub name: &'static str,
    /// How bad it is: the label `severity`.
    pub severity: &'static str,
    /// One line for people.
    pub about: &'static str,
}

/// Something that is wrong now.
pub(super) struct Symptom {
    pub(super) kind: &'static Kind,
    pub(super) group: Group,
    pub(super) value: f64,
    pub(super) text: String,
}
