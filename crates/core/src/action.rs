//! What an alert wants done with a kill switch.

use crate::Labels;

/// How often alerts may be wrong about a switch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WrongBudget {
    /// Activations a day that may turn out to be wrong; 0 or more, may be a fraction.
    pub per_day: f64,
    /// Over how many past days they are counted, 1 or more.
    pub n_days: u32,
}

/// An action: one alert, and the switch that is to be active while it lasts.
#[derive(Debug, Clone, PartialEq)]
pub struct SwitchAction {
    /// The id of the switch.
    pub switch: String,
    /// Fields of the context and the values they must have.
    pub with: Vec<(String, String)>,
    /// For how long the switch is active, milliseconds.
    pub for_ms: i64,
    /// For how long after a deactivation it is not activated again, milliseconds.
    pub cooldown_ms: i64,
    /// How many switches made after this one are activated within an hour without asking a person.
    pub per_hour: u32,
    /// Whether a person has to approve.
    pub wants_approval: bool,
    /// How often it may be wrong, if the switch is only to report until somebody enforces it.
    pub budget: Option<WrongBudget>,
    /// The alert's labels that contain these values, in the same order.
    pub labels: Vec<String>,
    /// The rule whose alert it is.
    pub rule: String,
    /// The alert's group.
    pub group: Labels,
    /// When the alert's episode began, milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// Whether the alert is over, so that the switch is deactivated.
    pub is_over: bool,
}
