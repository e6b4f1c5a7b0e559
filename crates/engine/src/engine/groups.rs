//! What is known of the groups of a rule.

use std::collections::BTreeMap;

use lanner_core::{Alert, Group};

use super::decide::Found;

/// The alerts of a rule. Boxed, because a tree makes room for eleven at once and most rules have one.
pub(super) type Alerts = BTreeMap<Group, Box<Alert>>;

/// A group: its alert, and what was found of it.
pub(super) type Subject<'a> = (&'a Group, Option<&'a Alert>, Option<Found<'a>>);
