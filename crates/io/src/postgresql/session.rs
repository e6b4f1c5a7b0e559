//! One connection, its prepared statements, and what its errors mean for a store.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row, Statement};

use crate::remote::postgresql::{Database, Refusal};
use crate::store::{StoreError, locked};

/// An operation that takes longer is given up, and its connection with it.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// Set as a session begins. Whoever stands still in the middle of a transaction must not keep others waiting, and what is
/// acknowledged is durable, whatever the database's default.
const SETUP: &str = "SELECT set_config('idle_in_transaction_session_timeout', '10s', false), \
     set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' \
         ELSE current_setting('synchronous_commit') END, false)";

/// The tables are in a schema of this name.
pub(super) const SCHEMA: &str = "lanner";

/// Why something did not work.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// The same again would fail again.
    Final(StoreError),
    /// The database is not there at the moment. What was not committed is not written.
    Away(String),
    /// Another transaction was in the way; the same again may succeed.
    Conflict(String),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Final(error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Final(error.into())
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Final(error) => error,
            Failure::Away(why) | Failure::Conflict(why) => Self::Unavailable { detail: why },
        }
    }
}

/// What a statement is given.
pub(super) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A connection with its prepared statements.
pub(super) struct Session {
    client: Client,
    database: Database,
    statements: Mutex<HashMap<String, Statement>>,
}

impl Session {
    /// A new connection, served by the runtime that this is called in.
    pub(super) async fn connect(database: &Database) -> Result<Self, Failure> {
        let connected = within(database.connect()).await?;
        let client = connected.map_err(|error| failure(database, &error))?;
        let session = Self { client, database: database.clone(), statements: Mutex::default() };
        session.batch(SETUP).await?;
        session.batch(&format!("SET search_path TO {SCHEMA}")).await?;
        Ok(session)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Runs statements that take and answer nothing.
    pub(super) async fn batch(&self, sql: &str) -> Result<(), Failure> {
        within(self.client.batch_execute(sql)).await?.map_err(|error| self.failed(&error))
    }

    pub(super) async fn query(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        let statement = self.prepared(sql).await?;
        within(self.client.query(&statement, values)).await?.map_err(|error| self.failed(&error))
    }

    pub(super) async fn query_opt(&self, sql: &str, values: Values<'_>) -> Result<Option<Row>, Failure> {
        Ok(self.query(sql, values).await?.into_iter().next())
    }

    /// Returns how many rows were written.
    pub(super) async fn execute(&self, sql: &str, values: Values<'_>) -> Result<u64, Failure> {
        let statement = self.prepared(sql).await?;
        within(self.client.execute(&statement, values)).await?.map_err(|error| self.failed(&error))
    }

    async fn prepared(&self, sql: &str) -> Result<Statement, Failure> {
        if let Some(statement) = locked(&self.statements).get(sql) {
            return Ok(statement.clone());
        }
        let statement = within(self.client.prepare(sql)).await?.map_err(|error| self.failed(&error))?;
        locked(&self.statements).insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    fn failed(&self, error: &Error) -> Failure {
        failure(&self.database, error)
    }
}

async fn within<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    tokio::time::timeout(PATIENCE, work)
        .await
        .map_err(|_| Failure::Away(format!("the database does not answer within {} s", PATIENCE.as_secs())))
}

fn failure(database: &Database, error: &Error) -> Failure {
    let refused = |detail: String| Failure::Final(StoreError::Refused { place: database.place(), detail });
    match database.refusal(error) {
        Refusal::Away(why) => Failure::Away(why),
        Refusal::Conflict(why) => Failure::Conflict(format!("the database says: {why}")),
        Refusal::Credentials(why) => refused(format!("{why}; check the credentials in server.state")),
        Refusal::Other(why) => match error.code().map(tokio_postgres::error::SqlState::code) {
            // It is a copy that only reads until it takes over, or ended a transaction that stood still.
            Some("25006" | "25P03") => Failure::Away(format!("the database says: {why}")),
            Some("3D000") => refused(format!("{why}; make it, or name another one in server.state.url")),
            Some("42501") => refused(format!(
                "{why}; the user needs the right to create a schema there, or to own one called {SCHEMA}"
            )),
            Some("42P01" | "42703") => refused(format!(
                "{why}; somebody changed the tables in the schema {SCHEMA}; restore a backup of the database"
            )),
            _ => refused(why),
        },
    }
}

/// Text as the database can hold it, which has no place for the character NUL.
pub(super) fn text(text: &str) -> String {
    text.replace('\0', "\u{2400}")
}

/// What stands for a group in an index: groups may be longer than an index takes.
pub(super) fn key_of(group: &str) -> Vec<u8> {
    lanner_core::content::digest(group.as_bytes())[..16].to_vec()
}

/// A number that is none is stored as nothing, as in the store in one file.
pub(super) fn number(value: Option<f64>) -> Option<f64> {
    value.filter(|value| !value.is_nan())
}

/// A column; one of another type was never written so.
pub(super) fn column<'r, T: tokio_postgres::types::FromSql<'r>>(
    row: &'r Row,
    at: usize,
) -> Result<T, Failure> {
    row.try_get(at).map_err(|error| Failure::Final(StoreError::Corrupt { detail: error.to_string() }))
}

/// A column of JSON.
pub(super) fn json<T: serde::de::DeserializeOwned>(row: &Row, at: usize) -> Result<T, Failure> {
    Ok(serde_json::from_str(column(row, at)?)?)
}
