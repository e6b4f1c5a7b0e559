//! `postgresql`: a PostgreSQL, asked in a transaction that only reads, by one prepared statement for all windows. The query is
//! a [`WindowQuery`]; the database writes each row of its answer as JSON, so that values of any type can be read.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use lanner_core::document::{Check, Fields};
use lanner_core::{Instants, RemoteAsk, RemoteSeries, WindowQuery};
use tokio_postgres::types::{ToSql, Type as SqlType};
use tokio_postgres::{Client, Transaction};

use super::kind::KindConfig;
use super::rows::Rows;
use super::{Fetch, Fetching, RequestError};
pub(super) use crate::remote::postgresql::FIELDS;
use crate::remote::postgresql::{Database, DatabaseConfig, Refusal};
use crate::remote::{Clients, Problem};

/// More rows of one window are refused: no rule has more groups.
const MAX_ROWS: usize = 10_000;

/// Reads the fields of one.
pub(super) fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn KindConfig>> {
    DatabaseConfig::read(fields, check).map(|config| Box::new(config) as Box<dyn KindConfig>)
}

impl KindConfig for DatabaseConfig {
    fn build(&self, _clients: &Clients) -> Result<Box<dyn Fetch>, Vec<Problem>> {
        Ok(Box::new(PostgreSql { database: self.resolve()?, idle: Mutex::default() }))
    }
}

struct PostgreSql {
    database: Database,
    /// Connections that nobody uses.
    idle: Mutex<Vec<Client>>,
}

impl Fetch for PostgreSql {
    fn fetch<'a>(&'a self, ask: &'a RemoteAsk) -> Fetching<'a> {
        Box::pin(self.query(ask))
    }
}

impl PostgreSql {
    async fn query(&self, ask: &RemoteAsk) -> Result<Vec<RemoteSeries>, RequestError> {
        let query: WindowQuery = serde_json::from_str(&ask.query)
            .map_err(|error| RequestError::permanent(format!("the query cannot be read: {error}")))?;
        let mut busy = Busy { source: self, client: Some(self.connected().await?) };
        let Some(client) = &mut busy.client else { return Ok(Vec::new()) };
        let series = self.windows(client, &query, ask.instants).await;
        busy.done();
        series
    }

    /// A connection that nobody uses, or a new one.
    async fn connected(&self) -> Result<Client, RequestError> {
        while let Some(client) = self.idle().pop() {
            if !client.is_closed() {
                return Ok(client);
            }
        }
        self.database.connect().await.map_err(|error| self.failed(&error))
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Client>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn windows(
        &self,
        client: &mut Client,
        query: &WindowQuery,
        instants: Instants,
    ) -> Result<Vec<RemoteSeries>, RequestError> {
        let failed = |error| self.failed(&error);
        let transaction = client.build_transaction().read_only(true).start().await.map_err(failed)?;
        let rows = answers(&transaction, query, instants).await.map_err(|error| match error {
            Failure::Database(error) => self.failed(&error),
            Failure::Answer(error) => error,
        })?;
        transaction.rollback().await.map_err(failed)?;
        Ok(rows.into_series())
    }

    /// What an error of the database or of the way there means.
    fn failed(&self, error: &tokio_postgres::Error) -> RequestError {
        match self.database.refusal(error) {
            Refusal::Away(why) => RequestError::temporary(why),
            Refusal::Conflict(why) => RequestError::temporary(format!("the database says: {why}")),
            Refusal::Credentials(why) => RequestError::permanent(format!(
                "the database says: {why}; check the credentials of this source"
            )),
            Refusal::Other(why) => RequestError::permanent(format!("the database refuses the query: {why}")),
        }
    }
}

/// A connection that is in use. One whose query is given up is told so, and closed; and with it those that stand idle, which may be as
/// dead.
struct Busy<'a> {
    source: &'a PostgreSql,
    client: Option<Client>,
}

impl Busy<'_> {
    fn done(mut self) {
        if let Some(client) = self.client.take().filter(|client| !client.is_closed()) {
            self.source.idle().push(client);
        }
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let (Some(client), Ok(runtime)) = (self.client.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        self.source.idle().clear();
        let (cancel, tls) = (client.cancel_token(), self.source.database.tls.clone());
        drop(runtime.spawn(async move { cancel.cancel_query(tls).await }));
    }
}

enum Failure {
    Database(tokio_postgres::Error),
    Answer(RequestError),
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        Self::Answer(error)
    }
}

async fn answers(
    transaction: &Transaction<'_>,
    query: &WindowQuery,
    instants: Instants,
) -> Result<Rows, Failure> {
    let statement = transaction.prepare(&statement(&query.query)).await?;
    let mut rows = Rows::default();
    for last_ms in instants.times() {
        let until_ms = last_ms.saturating_add(1);
        let bounds = [until_ms.saturating_sub(query.window_ms), until_ms];
        let bounds = bounds.into_iter().zip(statement.params()).map(|(at_ms, kind)| bound(kind, at_ms));
        let bounds: Vec<Box<dyn ToSql + Sync + Send>> = bounds.collect::<Result<_, _>>()?;
        let bounds: Vec<&(dyn ToSql + Sync)> = bounds.iter().map(|it| &**it as &(dyn ToSql + Sync)).collect();
        let found = transaction.query(&statement, &bounds).await?;
        if found.len() > MAX_ROWS {
            let why = format!("answers more than {MAX_ROWS} rows for one window; group by less");
            return Err(RequestError::permanent(why).into());
        }
        for row in found {
            let row = serde_json::from_str(row.try_get(0)?).map_err(|error| {
                RequestError::permanent(format!("answers a row that is no JSON: {error}"))
            })?;
            rows.add(last_ms, &row)?;
        }
    }
    Ok(rows)
}

/// The query with its bounds as parameters, its rows as JSON, and no more of them than are looked at.
fn statement(query: &str) -> String {
    let query = query.replace(":from", "$1").replace(":until", "$2");
    format!("SELECT row_to_json(answer)::text FROM ({query}) AS answer LIMIT {}", MAX_ROWS + 1)
}

/// A bound of a window, of the type that the query compares it with.
fn bound(kind: &SqlType, at_ms: i64) -> Result<Box<dyn ToSql + Sync + Send>, RequestError> {
    match *kind {
        SqlType::TIMESTAMPTZ | SqlType::TIMESTAMP => Ok(Box::new(time(at_ms))),
        SqlType::INT8 => Ok(Box::new(at_ms)),
        _ => Err(RequestError::permanent(format!(
            "the query compares :from or :until with the type {kind}; write :from::timestamptz, or :from::bigint for milliseconds"
        ))),
    }
}

fn time(at_ms: i64) -> SystemTime {
    let distance = Duration::from_millis(at_ms.unsigned_abs());
    let epoch = SystemTime::UNIX_EPOCH;
    if at_ms < 0 { epoch - distance } else { epoch + distance }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_become_parameters() {
        let query = "SELECT count(*) FROM t WHERE ts >= :from AND ts < :until";
        assert_eq!(
            statement(query),
            "SELECT row_to_json(answer)::text FROM (SELECT count(*) FROM t WHERE ts >= $1 AND ts < $2) AS answer LIMIT 10001"
        );
        assert!(bound(&SqlType::TIMESTAMPTZ, -1).is_ok() && bound(&SqlType::INT8, 1).is_ok());
        assert!(bound(&SqlType::TEXT, 1).is_err_and(|why| why.message.contains("type text")));
    }
}
