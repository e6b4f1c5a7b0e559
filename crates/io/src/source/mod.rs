//! Sources: other servers that are asked for series.
//!
//! Reading order: [`RemoteAsk`] and [`RemoteSeries`] (what is asked and answered), [`Fetch`] (one kind of server), [`Source`] (one
//! that is asked within bounds), [`SourceConfig`] (its document), [`KINDS`] (the list of kinds; one file each).
//!
//! To add a kind: one file that implements [`Fetch`] and reads its fields, one entry in [`KINDS`].
//!
//! Invariants:
//! - An ask never takes longer than the source's `timeout`, waiting and retries included.
//! - At most `parallel` requests of one source are under way at once, and one that keeps failing is left alone for a while.
//! - No error, description or debug output holds a secret.

mod asked;
mod breaker;
mod config;
mod counting;
mod endpoint;
mod failure;
mod graphite;
mod guarded;
mod health;
mod influxdb;
mod influxdb_events;
mod kind;
mod kinds;
mod measured;
mod mysql;
#[cfg(feature = "mysql")]
mod mysql_client;
mod mysql_config;
#[cfg(feature = "mysql")]
mod mysql_events;
#[cfg(feature = "mysql")]
mod mysql_time;
mod opensearch;
mod opensearch_events;
mod postgresql;
mod postgresql_bound;
mod postgresql_events;
mod prometheus;
mod rows;

use std::future::Future;
use std::pin::Pin;

use lanner_core::{RemoteAsk, RemoteSeries};

pub use config::{FIELDS, SourceConfig};
pub(crate) use endpoint::Server;
pub use guarded::Source;
pub use health::SourceHealth;
pub use kinds::{KINDS, Kind};

/// Whether asking again may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestErrorKind {
    /// It may pass: timeouts, refused connections, overload.
    Temporary,
    /// The same request would fail again: a mistake in the query, wrong credentials.
    Permanent,
}

/// Why a source did not answer: what is wrong, where, and what to do. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RequestError {
    /// Whether asking again may help.
    pub kind: RequestErrorKind,
    /// A lower-case fragment for people.
    pub message: String,
    /// How long the source asked to be left alone, milliseconds.
    pub retry_after_ms: Option<i64>,
    /// The status that it answered, if it answered by HTTP.
    pub status: Option<u16>,
}

impl RequestError {
    /// An error that may pass.
    pub(crate) fn temporary(message: impl Into<String>) -> Self {
        Self {
            kind: RequestErrorKind::Temporary,
            message: message.into(),
            retry_after_ms: None,
            status: None,
        }
    }

    /// An error that stays: somebody has to change the query or the source. `message` is a lower-case fragment for people.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self {
            kind: RequestErrorKind::Permanent,
            message: message.into(),
            retry_after_ms: None,
            status: None,
        }
    }

    /// Whether asking again may help.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.kind == RequestErrorKind::Temporary
    }
}

impl From<RequestError> for lanner_core::SourceError {
    fn from(error: RequestError) -> Self {
        match error.kind {
            RequestErrorKind::Temporary => Self::Temporary(error.message),
            RequestErrorKind::Permanent => Self::Permanent(error.message),
        }
    }
}

/// An answer on its way. Dropping it gives the request up.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Vec<RemoteSeries>, RequestError>> + Send + 'a>>;

/// How one kind of server is asked. Built once, used for every request; need not limit its own time.
pub trait Fetch: Send + Sync {
    /// Makes one request.
    fn fetch<'a>(&'a self, ask: &'a RemoteAsk) -> Fetching<'a>;
}
