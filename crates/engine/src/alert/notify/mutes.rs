//! What holds an alert back now, for those who ask.

use std::sync::Arc;

use lanner_core::Labels;

use super::Notifier;

/// Something that keeps people from being notified of an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MutedBy {
    /// What: a silence with its id, an inhibition, or the name of a time interval.
    pub by: String,
    /// The receiver that is not notified; `None` for all of them.
    pub receiver: Option<Arc<str>>,
    /// Until when, milliseconds since the Unix epoch; `None` for as long as something else fires.
    pub until_ms: Option<i64>,
}

impl Notifier {
    /// What keeps `receivers` from being notified of an alert with these labels at `now_ms`.
    pub fn muted_by(&mut self, labels: &Labels, receivers: &[Arc<str>], now_ms: i64) -> Vec<MutedBy> {
        let silences = self.silences.muting(labels, now_ms).map(|(silence, end_ms)| MutedBy {
            by: format!("silence {}", silence.id),
            receiver: None,
            until_ms: Some(end_ms),
        });
        let mut found: Vec<MutedBy> = silences.collect();
        if self.inhibitions.cause(labels).is_some() {
            found.push(MutedBy { by: "an inhibition".to_owned(), receiver: None, until_ms: None });
        }
        for receiver in receivers {
            let route = self.route(receiver);
            let phase = self.phase(&route, now_ms);
            if phase.holds {
                let by = route.muted_by(now_ms).join(", ");
                found.push(MutedBy {
                    by,
                    receiver: Some(receiver.clone()),
                    until_ms: Some(phase.time.end_ms),
                });
            }
        }
        found
    }
}
