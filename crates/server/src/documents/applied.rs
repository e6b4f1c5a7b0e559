//! How documents are applied, and what that makes of them.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::StatusCode;
use lanner_core::{Cause, Problems};
use lanner_io::store::StoreError;
use lanner_wire::api::AppliedView;

use crate::http::ApiError;

/// What the application of a configuration made of one kind of things, by id.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Applied {
    /// New ones.
    pub created: Vec<String>,
    /// Those with a new version.
    pub changed: Vec<String>,
    /// Those that were as written already.
    pub unchanged: Vec<String>,
    /// Those that are gone.
    pub deleted: Vec<String>,
    /// Those that are not in the configuration and stay.
    pub kept: Vec<String>,
}

impl Applied {
    /// The ids of what is not as it was before.
    pub(crate) fn touched(&self) -> impl Iterator<Item = &String> {
        [&self.created, &self.changed, &self.deleted].into_iter().flatten()
    }
}

/// What the application of a configuration made of everything in it.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Outcome {
    /// Rules.
    pub rules: Applied,
    /// Processors.
    pub processors: Applied,
    /// Receivers.
    pub receivers: Applied,
    /// Inhibitions; they have no names, and are called as they are written.
    pub inhibitions: Applied,
    /// Switches.
    pub switches: Applied,
    /// Silences.
    pub silences: Applied,
}

/// Why a configuration was not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Something in it is wrong; nothing was changed.
    #[error("{0}")]
    Problems(Problems),
    /// Somebody else has changed what is expected otherwise; nothing was changed.
    #[error("{0}")]
    Conflict(String),
    /// It could not be written.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// Switches were changed, and it could not be written yet.
    #[error(
        "the change is in force, but not recorded: {0}; Lanner keeps trying to record it, and it is lost if the server \
         stops before that"
    )]
    Unwritten(StoreError),
    /// Switches were changed, and nobody knows yet whether it is written.
    #[error(
        "the change is in force, but not recorded within {} s; Lanner keeps trying to record it, and it is lost if the \
         server stops before that", .within.as_secs()
    )]
    Late {
        /// How long was waited.
        within: Duration,
    },
    /// Changes before it take too long; nothing was changed.
    #[error(
        "nothing was changed: changes of switches before it have waited for the store for {} s; try again",
        .within.as_secs()
    )]
    Waited {
        /// How long was waited.
        within: Duration,
    },
}

/// How a configuration is applied.
#[derive(Debug, Clone, Default)]
pub struct ApplyOptions {
    /// Who applies it.
    pub actor: String,
    /// What led to it.
    pub cause: Cause,
    /// Why, for the history.
    pub message: String,
    /// What is deleted that is not in it.
    pub prune: Prune,
    /// Whether nothing is changed, only said what would be.
    pub dry_run: bool,
    /// Whether to do it though the guard of switches objects.
    pub force: bool,
    /// The versions of switches that were looked at; where one has another by now, nothing is changed.
    pub expect: BTreeMap<String, u32>,
}

/// What is deleted that is not in a configuration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Prune {
    /// Nothing.
    #[default]
    Nothing,
    /// What was last written for the same cause.
    Own,
    /// All of these kinds.
    All(Sections),
}

/// Kinds of things in a configuration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sections {
    /// Rules.
    pub rules: bool,
    /// Processors.
    pub processors: bool,
    /// Receivers.
    pub receivers: bool,
    /// Switches.
    pub switches: bool,
    /// Silences that came from files.
    pub silences: bool,
}

impl Prune {
    /// Whether it may take anything of the kinds that `section` picks.
    pub(crate) fn may_take(self, section: fn(Sections) -> bool) -> bool {
        match self {
            Self::Nothing => false,
            Self::Own => true,
            Self::All(sections) => section(sections),
        }
    }

    /// Whether something of a kind that `section` picks is deleted; `is_own` where it was last written for the same cause.
    pub(crate) fn takes(self, section: fn(Sections) -> bool, is_own: bool) -> bool {
        match self {
            Self::Nothing => false,
            Self::Own => is_own,
            Self::All(sections) => section(sections),
        }
    }
}

/// What was applied, as the API says it: ids in alphabetical order; what merely stays is told on a dry run only.
pub(crate) fn applied_view(applied: Applied, dry_run: bool) -> AppliedView {
    let sorted = |mut ids: Vec<String>| {
        ids.sort();
        ids
    };
    let Applied { created, changed, unchanged, deleted, kept } = applied;
    AppliedView {
        kept: if dry_run { sorted(kept) } else { Vec::new() },
        created: sorted(created),
        changed: sorted(changed),
        unchanged: sorted(unchanged),
        deleted: sorted(deleted),
    }
}

impl From<ApplyError> for ApiError {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Problems(problems) => problems.into(),
            ApplyError::Conflict(why) => Self::new(StatusCode::CONFLICT, why),
            ApplyError::Store(error) => error.into(),
            ApplyError::Unwritten(StoreError::DiskFull) => {
                Self::new(StatusCode::INSUFFICIENT_STORAGE, error.to_string())
            }
            ApplyError::Unwritten(StoreError::Unavailable { .. })
            | ApplyError::Late { .. }
            | ApplyError::Waited { .. } => Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
            ApplyError::Unwritten(_) => Self::internal(error.to_string()),
        }
    }
}
