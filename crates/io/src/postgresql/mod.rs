//! A [`StateStore`](crate::state::StateStore) in PostgreSQL: state that more than one server can reach.
//!
//! ```text
//!  apply, save_batches, ... ──▶ writer (a transaction each, in order) ──▶ tables
//!  load, documents, ...     ──▶ pool (connections for reading) ◀──────────┘
//! ```
//!
//! Reading order: [`PostgreSqlState`], `session` (a connection and its errors), `pool` (reading), `writer` (writing, and what
//! became of a commit whose answer was lost), `shards`, [`lease`], `place`, [`sharing`] and [`acknowledgements`] (who evaluates), `schema`; then `turns`, `cursors`,
//! `evaluations`, `measured`, `told`, `outbox`, `documents`, `audit`, `revisions`, `silences`, `models`, `watch` (the tables).
//!
//! Invariants of this module:
//! - A receipt resolves when its transaction is committed, or when it certainly is not. It is begun anew only as long as
//!   nothing of it is written.
//! - Whoever claimed everything writes nothing after somebody else's claim.
//! - No statement holds a value: all of them are parameters.
//! - No clock but the database's, which alone decides about leases.

pub mod acknowledgements;
mod as_state;
mod audit;
mod cursors;
mod documents;
mod evaluations;
pub mod lease;
mod measured;
mod models;
mod outbox;
mod place;
mod pool;
mod prune;
mod revisions;
mod schema;
mod session;
mod shards;
pub mod sharing;
mod silences;
mod told;
mod turns;
mod watch;
mod writer;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use lanner_core::document::{Check, Fields};
use lanner_core::field::Field;
use tokio_postgres::config::TargetSessionAttrs;

use self::lease::{Held, Lease};
use self::pool::Pool;
use self::session::{Failure, Session, column};
use self::writer::Writer;
use crate::remote::Problem;
use crate::remote::postgresql::DatabaseConfig;
use crate::store::{StoreError, StoreOptions};

/// How long it takes to notice that the way to the database is cut.
const NOTICED_WITHIN: Duration = Duration::from_secs(15);

/// The fields of a PostgreSQL that holds state.
pub const FIELDS: &[Field] = crate::remote::postgresql::FIELDS;

/// Where the database is and who Lanner says it is, as the operator writes it.
#[derive(Debug, Clone)]
pub struct PostgreSqlConfig(DatabaseConfig);

impl PostgreSqlConfig {
    /// Reads the fields. What is wrong goes to `check`.
    pub fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Self> {
        DatabaseConfig::read(fields, check).map(Self)
    }

    /// At a connection string of PostgreSQL, which holds the credentials as well.
    ///
    /// # Errors
    /// What is wrong with it; it is not quoted.
    pub fn at(url: &str) -> Result<Self, Problem> {
        DatabaseConfig::at(url).map(Self)
    }
}

/// State in PostgreSQL. See the [module](self).
///
/// Its methods may be called from anywhere, also in async code: a reader that has to wait for the database lets others have
/// its thread.
pub struct PostgreSqlState {
    pool: Arc<Pool>,
    writer: Writer,
    options: StoreOptions,
    secret: u64,
    /// Set once this server has taken the lease.
    lease: OnceLock<Arc<lease::Shared>>,
}

impl std::fmt::Debug for PostgreSqlState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PostgreSqlState({})", self.place())
    }
}

impl PostgreSqlState {
    /// Connects, and makes or upgrades the tables. Of `options` the times count for which state is kept.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database is not there now, [`StoreError::Refused`] when it does not let Lanner in
    /// or was written by a later release, [`StoreError::BadOptions`] when a secret or a file cannot be read.
    pub fn open(config: &PostgreSqlConfig, options: StoreOptions) -> Result<Self, StoreError> {
        let wrong = |problems: Vec<Problem>| {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            StoreError::BadOptions { detail: format!("server.state: {}", problems.join("; ")) }
        };
        let mut database = config.0.resolve().map_err(wrong)?;
        // Of several hosts the one that writes, and a way that is cut is noticed.
        database.config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        database.config.keepalives_idle(NOTICED_WITHIN).tcp_user_timeout(NOTICED_WITHIN);
        let pool = Arc::new(Pool::start(database)?);
        let (name, secret, is_safe) = pool.look(async |db| {
            schema::prepare(db).await?;
            Ok((fresh_name(db).await?, secret(db).await?, is_safe(db).await?))
        })?;
        if !is_safe {
            tracing::warn!(
                "the database of the state runs with fsync=off: what it acknowledges may be lost when its machine stops"
            );
        }
        let writer = Writer::start(Arc::clone(&pool), name)?;
        Ok(Self { pool, writer, options, secret, lease: OnceLock::new() })
    }

    /// Where the database is, without secrets: `db.example.org:5432/lanner`.
    #[must_use]
    pub fn place(&self) -> String {
        self.pool.database().place()
    }

    /// Takes the lease on evaluation, unless another server holds it. `holder` names this server, and stays the same when it
    /// is started anew; `about` is for people.
    ///
    /// # Errors
    /// Failures of the database.
    pub fn lease(&self, holder: &str, about: &str) -> Result<Result<Lease, Held>, StoreError> {
        let lease = Lease::acquire(&self.pool, holder, about)?;
        if let Ok(lease) = &lease {
            // A second one changes nothing.
            let _ = self.lease.set(lease.shared());
        }
        Ok(lease)
    }

    /// Whether messages may be sent from here: not while another server may do so.
    fn may_deliver(&self) -> bool {
        self.lease.get().is_none_or(|lease| lease.is_held())
    }

    /// Writes what waits, gives back the lease and closes the connections; later calls get [`StoreError::Closed`].
    ///
    /// Dropping it does the same.
    pub fn close(&self) {
        self.writer.close();
        if let Some(Err(error)) = self.lease.get().map(|lease| lease.release()) {
            tracing::debug!("the lease on evaluation is not given back, and ends by itself: {error}");
        }
        self.pool.close();
    }
}

impl Drop for PostgreSqlState {
    fn drop(&mut self) {
        self.close();
    }
}

/// A name that no other writer has or had.
async fn fresh_name(db: &Session) -> Result<String, Failure> {
    let row = db.query_opt("SELECT gen_random_uuid()::text", &[]).await?;
    row.map_or(Ok(String::new()), |row| column(&row, 0))
}

async fn secret(db: &Session) -> Result<u64, Failure> {
    let text = revisions::get(db, "secret").await?;
    let digits = text.as_deref().and_then(|text| text.get(..16));
    let secret = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let missing = || StoreError::Corrupt {
        detail: "the secret of the installation is gone from the database".to_owned(),
    };
    Ok(secret.ok_or_else(missing)?)
}

async fn is_safe(db: &Session) -> Result<bool, Failure> {
    let row = db.query_opt("SELECT current_setting('fsync') = 'on'", &[]).await?;
    row.map_or(Ok(true), |row| column(&row, 0))
}
