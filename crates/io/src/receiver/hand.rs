//! Who throws kill switches for a receiver, and what it is told.

use lanner_core::Labels;

use super::Sending;

/// What a `switch` receiver wants done for one alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchOrder {
    /// The id of the switch.
    pub switch: String,
    /// Fields of the context and the values they must have.
    pub with: Vec<(String, String)>,
    /// For how long it is on, milliseconds.
    pub for_ms: i64,
    /// For how long after it was taken back it is not thrown again, milliseconds.
    pub cooldown_ms: i64,
    /// How many switches made after this one are thrown within an hour without asking a person.
    pub per_hour: u32,
    /// Whether a person has to approve.
    pub wants_approval: bool,
    /// The alert's labels that say these values, in the same order.
    pub labels: Vec<String>,
    /// The rule whose alert it is.
    pub rule: String,
    /// The alert's group.
    pub group: Labels,
    /// When the alert's episode began, milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// Whether the alert is over, so that the switch is taken back.
    pub is_over: bool,
}

/// Throws kill switches.
pub trait SwitchHand: std::fmt::Debug + Send + Sync {
    /// Throws one, or takes it back. The same order may come twice. Where nothing was to be done, or a person has to
    /// approve, [`SendErrorKind::Noted`](super::SendErrorKind::Noted) says so.
    fn obey(&self, order: SwitchOrder) -> Sending<'_>;
}
