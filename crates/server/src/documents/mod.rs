//! What everything that is kept as documents shares: rules, processors, receivers, inhibitions, silences and
//! switches.

mod applied;
pub(crate) mod audit;
pub(crate) mod cause;
mod compare;
mod set_aside;

use lanner_io::store::StoreError;

pub(crate) use applied::applied_view;
pub(crate) use applied::{Applied, Outcome, Sections};
pub use applied::{ApplyError, ApplyOptions, Prune};
pub(crate) use compare::{changes, compare, name_of};
pub(crate) use set_aside::misplaced;
pub(crate) use set_aside::{Aside, SetAside};

/// How the audit calls the configuration that the server was started with. No caller has this name.
pub const CONFIGURATION: &str = "config";
/// The kind of documents that rules are.
pub(crate) const RULE: &str = "rule";
/// The kind of documents that processors are.
pub(crate) const PROCESSOR: &str = "processor";
/// The kind of documents that receivers are.
pub(crate) const RECEIVER: &str = "receiver";
/// The kind of documents that switches are.
pub(crate) const SWITCH: &str = "switch";
/// The kind of documents that requests for switches are; each has the id of its switch.
pub(crate) const REQUEST: &str = "switch_request";
/// The kind of documents in which people say what an API session was; each has the id of its session.
pub(crate) const SESSION_LABEL: &str = "session_label";
/// The kind of documents that inhibitions are.
pub(crate) const INHIBITION: &str = "inhibition";

#[expect(clippy::needless_pass_by_value, reason = "it is what `unwrap_or_else` hands over")]
pub(crate) fn broke_off<T>(panic: tokio::task::JoinError) -> Result<T, StoreError> {
    Err(StoreError::Database { detail: format!("the change was aborted: {panic}") })
}
