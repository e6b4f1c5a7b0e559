//! The machine-readable cause of a change to a document; its message is for people.

use serde::{Deserialize, Serialize};

/// What led to a change of a document.
///
/// ```
/// use lanner_core::Cause;
/// let cause = Cause::Alert { rule: "floor".to_owned(), episode_ms: 1_767_225_600_000 };
/// let approved = Cause::Approved { by: "bob".to_owned(), cause: Box::new(cause) };
/// assert_eq!(
///     serde_json::to_string(&approved).unwrap(),
///     r#"{"kind":"approved","by":"bob","for":{"kind":"alert","rule":"floor","episode_ms":1767225600000}}"#
/// );
/// assert_eq!(approved.rule(), Some("floor"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Cause {
    /// A person, or a program in a person's name.
    #[default]
    Person,
    /// The configuration file that a server started with.
    Configuration,
    /// An alert that fires or has ended.
    Alert {
        /// Its rule.
        rule: String,
        /// When its episode began, milliseconds since the Unix epoch.
        episode_ms: i64,
    },
    /// What somebody asked for was approved by a second person.
    Approved {
        /// Who approved it.
        by: String,
        /// What led to the request.
        #[serde(rename = "for")]
        cause: Box<Self>,
    },
}

impl Cause {
    /// The rule whose alert led to this, if one did, approved or not.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        match self {
            Self::Alert { rule, .. } => Some(rule),
            Self::Approved { cause, .. } => cause.rule(),
            Self::Person | Self::Configuration => None,
        }
    }
}
