//! `postgresql`: a PostgreSQL, asked in a transaction that only reads, by one prepared statement for all windows. The query is
//! a [`WindowQuery`], of whose answer the database writes each row as JSON, so that values of any type can be read; or the events of a
//! stream are [counted there](super::postgresql_events).

use std::sync::{Mutex, PoisonError};

use lanner_core::document::{Check, Fields};
use lanner_core::{Instants, RemoteAsk, RemoteSeries, WindowQuery};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Transaction};

use super::asked::Asked;
use super::failure::Failure;
use super::kind::KindConfig;
use super::postgresql_bound::bound;
use super::postgresql_events;
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
        let query = Asked::read(ask)?;
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
        query: &Asked,
        instants: Instants,
    ) -> Result<Vec<RemoteSeries>, RequestError> {
        let failed = |error| self.failed(&error);
        let transaction = client.build_transaction().read_only(true).start().await.map_err(failed)?;
        let rows = match query {
            Asked::Windows(query) => answers(&transaction, query, instants).await,
            Asked::Events(query) => postgresql_events::answers(&transaction, query, instants).await,
        };
        let rows = rows.map_err(|error| match error {
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

async fn answers(
    transaction: &Transaction<'_>,
    query: &WindowQuery,
    instants: Instants,
) -> Result<Rows, Failure<tokio_postgres::Error>> {
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

#[cfg(test)]
mod tests {
    use tokio_postgres::types::Type as SqlType;

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
