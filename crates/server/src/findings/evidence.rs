//! Stored findings in the terms of comparisons.

use lanner_io::findings::FindingPlace;
use lanner_vuln::{Evidence, Place};

/// What is known of a stored finding.
pub(super) fn evidence(place: &FindingPlace) -> Evidence {
    Evidence {
        first_seen_ms: place.first_seen_ms,
        last_seen_ms: place.last_seen_ms,
        last_missed_ms: place.last_missed_ms.unwrap_or(i64::MIN),
    }
}

/// Where a stored finding lies.
pub(super) fn as_place(place: &FindingPlace) -> Place<'_> {
    Place {
        host: &place.host,
        check: &place.check,
        port: place.port,
        level: place.level,
        policy: &place.policy,
    }
}
