//! What people are notified of about kill switches: alerts were wrong about one too often, an alert has activated one, one waits for
//! an approval, one ends soon. Each lasts as long as it is so, and its end is told with how it came.
//!
//! That is news and no complaint: the server is well.

use std::collections::BTreeMap;
use std::sync::Arc;

use lanner_core::{Group, Labels};

use super::symptom::{Kind, Symptom};

/// The label with the switch's id.
pub(super) const SWITCH: &str = "switch";

const ACTIVATED: Kind = Kind {
    name: "lanner:switch-activated",
    severity: "warning",
    about: "an alert has activated a switch, and it blocks",
};
const WAITS: Kind = Kind {
    name: "lanner:switch-waits",
    severity: "warning",
    about: "a person or an alert requested the activation of a switch, which needs approval",
};
const ENDS: Kind =
    Kind { name: "lanner:switch-ends", severity: "warning", about: "a switch ends soon and stops blocking" };

const STEPPED_BACK: Kind = Kind {
    name: "lanner:dry-run",
    severity: "error",
    about: "alerts activated a switch wrongly more often than allowed, so it only reports until a person enforces it again",
};

/// All of them.
pub(super) const KINDS: [&Kind; 4] = [&STEPPED_BACK, &ACTIVATED, &WAITS, &ENDS];

/// What is to be told of a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SwitchNews {
    /// Alerts were wrong about it too often, so it only reports.
    SteppedBack,
    /// An alert has activated it, and it blocks.
    Activated,
    /// It waits for an approval.
    Waits,
    /// It ends soon.
    Ends,
}

impl SwitchNews {
    const fn kind(self) -> &'static Kind {
        match self {
            Self::SteppedBack => &STEPPED_BACK,
            Self::Activated => &ACTIVATED,
            Self::Waits => &WAITS,
            Self::Ends => &ENDS,
        }
    }

    /// The news that an alert of this name is about, if it is about a switch.
    #[must_use]
    pub fn of(rule: &str) -> Option<Self> {
        [Self::SteppedBack, Self::Activated, Self::Waits, Self::Ends]
            .into_iter()
            .find(|news| news.kind().name == rule)
    }
}

/// How switches are, as far as notifications are about them; texts say what is blocked, until when, and what to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SwitchVitals {
    /// What is so now, by switch.
    pub now: BTreeMap<(Arc<str>, SwitchNews), String>,
    /// How what was so before came to an end.
    pub over: BTreeMap<(Arc<str>, SwitchNews), String>,
}

impl SwitchVitals {
    pub(super) fn symptoms(&self) -> impl Iterator<Item = Symptom> {
        self.now.iter().map(|((id, news), text)| Symptom {
            kind: news.kind(),
            group: Group::Of(Labels::new([(SWITCH, &**id)])),
            value: 1.0,
            text: text.clone(),
        })
    }

    /// How an alert about a switch came to an end.
    pub(super) fn end(&self, rule: &str, group: &Group) -> Option<&str> {
        let id = group.labels().get(SWITCH)?;
        Some(self.over.get(&(Arc::from(id), SwitchNews::of(rule)?))?)
    }
}
