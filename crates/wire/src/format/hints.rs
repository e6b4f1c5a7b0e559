//! What is known of samples beside their text.

use crate::line_protocol::Precision;

/// What the user says beside the format and the options of tables.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hints {
    /// The unit of the times of line protocol.
    pub precision: Precision,
    /// The time of samples without one, milliseconds since 1970; they are refused, if absent.
    pub received_ms: Option<i64>,
}
