//! What a database is asked: a query in SQL for each window, or a measure on the events of a stream.

use lanner_core::{EventsQuery, RemoteAsk, WindowQuery};

use super::RequestError;

/// What is asked.
pub(super) enum Asked {
    /// A query that names the bounds of each window.
    Windows(WindowQuery),
    /// A measure on events, which becomes one.
    Events(EventsQuery),
}

impl Asked {
    /// Reads what is asked.
    pub(super) fn read(ask: &RemoteAsk) -> Result<Self, RequestError> {
        let read = if ask.language == EventsQuery::LANGUAGE {
            serde_json::from_str(&ask.query).map(Self::Events)
        } else {
            serde_json::from_str(&ask.query).map(Self::Windows)
        };
        read.map_err(|error| RequestError::permanent(format!("the query cannot be read: {error}")))
    }
}
