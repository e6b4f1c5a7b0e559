//! The severity of a message, in the terms that paging services share.

use lanner_core::{Notification, NotifiedAlert};

/// How bad a message is: the gravest severity of its running alerts, in the words of PagerDuty and others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    Info,
    Warning,
    Error,
    Critical,
}

impl Severity {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }

    /// The severity of an alert's label `severity`; what is not known, and what has none, is an error.
    pub(super) fn of(alert: &NotifiedAlert) -> Self {
        let label = alert.labels.get("severity").unwrap_or_default().to_lowercase();
        match label.as_str() {
            "critical" | "crit" | "fatal" | "emergency" | "page" | "disaster" | "p1" | "sev1" => {
                Self::Critical
            }
            "warning" | "warn" | "minor" | "p3" | "sev3" => Self::Warning,
            "info" | "informational" | "notice" | "debug" | "low" | "p4" | "p5" => Self::Info,
            _ => Self::Error,
        }
    }

    /// The gravest of a message's running alerts, or of all where none runs.
    pub(super) fn gravest(notification: &Notification) -> Self {
        let of = |running: bool| {
            let alerts = notification.alerts.iter().filter(|alert| !(running && alert.is_resolved()));
            alerts.map(Self::of).max()
        };
        of(true).or_else(|| of(false)).unwrap_or(Self::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receiver::message::tests::sample;
    use lanner_core::Labels;

    #[test]
    fn severities_are_read_as_people_write_them() {
        let mut message = sample();
        #[track_caller]
        fn check(message: &Notification, expected: Severity) {
            assert_eq!(Severity::gravest(message), expected);
        }
        check(&message, Severity::Error); // without a label
        message.alerts[0].labels = Labels::new([("severity", "warn")]);
        message.alerts[1].labels = Labels::new([("severity", "CRITICAL")]); // over
        check(&message, Severity::Warning);
        message.alerts.remove(0);
        check(&message, Severity::Critical);
    }
}
