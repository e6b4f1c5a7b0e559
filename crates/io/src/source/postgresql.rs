//! `postgresql`: a PostgreSQL, asked in a transaction that only reads, by one prepared statement for all windows. The query is
//! a [`WindowQuery`]; the database writes each row of its answer as JSON, so that values of any type can be read.

use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use lanner_core::document::{Check, Fields};
use lanner_core::field::{Field, Type};
use lanner_core::reading::text;
use lanner_core::{Instants, RemoteAsk, RemoteSeries, WindowQuery};
use tokio_postgres::types::{ToSql, Type as SqlType};
use tokio_postgres::{Client, Config, Transaction};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::endpoint::{AUTH_FIELD, CA_FILE, decoded};
use super::kind::KindConfig;
use super::rows::Rows;
use super::{Fetch, Fetching, RequestError};
use crate::remote::auth::Auth;
use crate::remote::problem::check_absolute;
use crate::remote::redact::cleaned;
use crate::remote::tls::Authorities;
use crate::remote::{Clients, Credentials, Problem, Secret};

const URL: Field = Field::new(
    "url",
    "postgresql://db.example.org/shop?sslmode=require",
    "where it is, as a connection string of PostgreSQL",
)
.of(Type::Secret)
.required();

/// The fields of a `postgresql` source.
pub(super) const FIELDS: &[Field] = &[URL, AUTH_FIELD, CA_FILE];

/// More rows of one window are refused: no rule has more groups.
const MAX_ROWS: usize = 10_000;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A `postgresql` source as the operator writes it.
#[derive(Debug)]
struct PostgreSqlConfig {
    url: Secret,
    auth: Option<Auth>,
    ca_file: Option<PathBuf>,
}

/// Reads the fields of one.
pub(super) fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn KindConfig>> {
    let url = fields.require(URL.name, URL.example, check);
    let url: Option<Secret> = url.and_then(|node| decoded(node, URL, &fields.path_of(URL.name), check));
    let auth: Option<Auth> = fields
        .get(AUTH_FIELD.name)
        .and_then(|node| decoded(node, AUTH_FIELD, &fields.path_of(AUTH_FIELD.name), check));
    let ca_file = fields.read(CA_FILE.name, check, text).map(PathBuf::from);
    let config = PostgreSqlConfig { url: url?, auth, ca_file };
    let problems = config.problems();
    for problem in &problems {
        let name = problem.field.split('.').next().unwrap_or_default();
        let at = fields.get(name).and_then(|node| node.at);
        check.push(at, &fields.path_of(&problem.field), problem.message.clone(), None);
    }
    problems.is_empty().then(|| Box::new(config) as Box<dyn KindConfig>)
}

impl PostgreSqlConfig {
    fn problems(&self) -> Vec<Problem> {
        let bearer = |auth: &Auth| {
            let is_bearer = !auth.bearer.is_empty();
            is_bearer
                .then(|| Problem::new("auth.bearer", "is not for databases; write username and password"))
        };
        [
            self.url.plain().and_then(|text| connection(text).err()),
            self.auth.as_ref().and_then(|auth| auth.check().or_else(|| bearer(auth))),
            self.ca_file.as_deref().and_then(|path| check_absolute(CA_FILE.name, path)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Reads a connection string, which may hold a password and is not quoted.
fn connection(text: &str) -> Result<Config, Problem> {
    let wrong = |why: String| Problem::new(URL.name, format!("{why}; write for example {}", URL.example));
    let mut config =
        Config::from_str(text).map_err(|_| wrong("is no connection string of PostgreSQL".to_owned()))?;
    if config.get_hosts().is_empty() {
        return Err(wrong("has no host".to_owned()));
    }
    config.connect_timeout(CONNECT_TIMEOUT).application_name("lanner");
    Ok(config)
}

impl KindConfig for PostgreSqlConfig {
    fn build(&self, _clients: &Clients) -> Result<Box<dyn Fetch>, Vec<Problem>> {
        let config = self.url.resolve(URL.name).and_then(|text| connection(&text));
        let credentials = self.auth.as_ref().map(Auth::resolve).transpose();
        let authorities = Authorities::load(self.ca_file.as_deref());
        let (mut config, credentials, authorities) = match (config, credentials, authorities) {
            (Ok(config), Ok(credentials), Ok(authorities)) => (config, credentials, authorities),
            (config, credentials, authorities) => {
                let problems = [config.err(), credentials.err(), authorities.err()];
                return Err(problems.into_iter().flatten().collect());
            }
        };
        if let Some(Credentials::Basic { username, password }) = credentials {
            config.user(username).password(password);
        }
        let tls = MakeRustlsConnect::new(authorities.client_config());
        Ok(Box::new(PostgreSql { config, tls, idle: Mutex::default() }))
    }
}

struct PostgreSql {
    config: Config,
    tls: MakeRustlsConnect,
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
        let mut busy = Busy { database: self, client: Some(self.connected().await?) };
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
        let connected = self.config.connect(self.tls.clone()).await.map_err(|error| self.failed(&error))?;
        let (client, connection) = connected;
        // Ends with the client; what goes wrong is told to whoever asks next.
        drop(tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!("a connection to PostgreSQL ended: {error}");
            }
        }));
        Ok(client)
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
        let secrets: Vec<String> = self
            .config
            .get_password()
            .map(|password| String::from_utf8_lossy(password).into_owned())
            .into_iter()
            .collect();
        let Some(said) = error.as_db_error() else {
            let why = cleaned(&lanner_core::cause::deepest(error), &secrets);
            return RequestError::temporary(format!("cannot reach the database: {why}"));
        };
        let hint = said.hint().map_or_else(String::new, |hint| format!("; {hint}"));
        let why = cleaned(&format!("{}{hint}", said.message()), &secrets);
        match &said.code().code()[..2] {
            // Connection, rollback, resources, an operator.
            "08" | "40" | "53" | "57" => RequestError::temporary(format!("the database says: {why}")),
            "28" => RequestError::permanent(format!(
                "the database says: {why}; check the credentials of this source"
            )),
            _ => RequestError::permanent(format!("the database refuses the query: {why}")),
        }
    }
}

/// A connection that is in use. One whose query is given up is told so, and closed.
struct Busy<'a> {
    database: &'a PostgreSql,
    client: Option<Client>,
}

impl Busy<'_> {
    fn done(mut self) {
        if let Some(client) = self.client.take().filter(|client| !client.is_closed()) {
            self.database.idle().push(client);
        }
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let (Some(client), Ok(runtime)) = (self.client.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        let (cancel, tls) = (client.cancel_token(), self.database.tls.clone());
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

    #[test]
    fn connection_strings_are_checked_without_being_quoted() {
        #[track_caller]
        fn check(text: &str, is_fine: bool) {
            match connection(text) {
                Ok(_) => assert!(is_fine, "{text}"),
                Err(problem) => assert!(!is_fine && !problem.message.contains("s3cret"), "{problem}"),
            }
        }
        check("postgresql://u:s3cret@db.example.org:5432/shop?sslmode=require", true);
        check("host=/run/postgresql dbname=shop", true);
        check("postgresql:///s3cret", false);
        check("https://u:s3cret@db", false);
        check("", false);
    }
}
