//! The audit log as the API shows it.

use lanner_io::store::AuditEntry;
use lanner_wire::api::{AuditView, Time};

/// An entry of the audit as the API shows it.
pub(crate) fn audit_view(entry: AuditEntry) -> AuditView {
    AuditView {
        seq: entry.seq,
        time: Time(entry.time_ms),
        actor: entry.actor,
        action: entry.action,
        subject: entry.subject,
        detail: entry.detail,
        hash: entry.hash,
    }
}
