//! Asks a MySQL or MariaDB in a transaction that only reads, by one prepared statement for all windows. The query is a
//! [`WindowQuery`], whose bounds are parameters of the type DATETIME(6), in UTC as is the session; or the events of a stream are
//! [counted there](super::mysql_events).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lanner_core::{Instants, RemoteAsk, RemoteSeries, WindowQuery};
use mysql_async::consts::ColumnType;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Error, Opts, OptsBuilder, Params, Row, ServerError, SslOpts, Value};
use serde_json::{Map, Number, Value as Json};

use super::asked::Asked;
use super::failure::Failure;
use super::mysql_config::{MySqlConfig, place};
use super::mysql_events;
use super::mysql_time::time;
use super::rows::Rows;
use super::{Fetch, Fetching, RequestError};
use crate::remote::redact::cleaned;
use crate::remote::tls::{Authorities, install_crypto_provider};
use crate::remote::{Credentials, Problem};

/// More rows of one window are refused: no rule has more groups.
const MAX_ROWS: usize = 10_000;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// What a session is before anything is asked. Times of the type TIMESTAMP are read and compared in its time zone.
const SETUP: [&str; 2] = ["SET time_zone = '+00:00'", "SET SESSION TRANSACTION READ ONLY"];
const BEGIN: &str = "START TRANSACTION READ ONLY";

/// Looks up secrets and certificates.
pub(super) fn build(config: &MySqlConfig) -> Result<Box<dyn Fetch>, Vec<Problem>> {
    let place = config.url.resolve("url").and_then(|text| place(&text));
    let credentials = config.auth.resolve();
    let tls = config.tls.then(|| Authorities::load(config.ca_file.as_deref())).transpose();
    let (place, credentials, tls) = match (place, credentials, tls) {
        (Ok(place), Ok(credentials), Ok(tls)) => (place, credentials, tls),
        (place, credentials, tls) => {
            return Err([place.err(), credentials.err(), tls.err()].into_iter().flatten().collect());
        }
    };
    install_crypto_provider();
    let secret = credentials.secret();
    let (username, password) = match credentials {
        Credentials::Basic { username, password } => (Some(username), Some(password)),
        _ => (None, None),
    };
    let opts = OptsBuilder::default()
        .ip_or_hostname(place.host)
        .tcp_port(place.port)
        .db_name(Some(place.database))
        .user(username)
        .pass(password)
        .prefer_socket(false)
        .setup(SETUP.to_vec())
        .ssl_opts(tls.map(|authorities| trusting(&authorities)));
    Ok(Box::new(MySql { opts: opts.into(), secret, idle: Mutex::default() }))
}

/// TLS that trusts these authorities and nobody else.
fn trusting(authorities: &Authorities) -> SslOpts {
    let certificates = authorities.certificates.iter().map(|it| it.to_vec().into()).collect();
    SslOpts::default().with_root_certs(certificates).with_disable_built_in_roots(!authorities.with_builtin)
}

struct MySql {
    opts: Opts,
    secret: String,
    /// Connections that nobody uses, outside of any transaction.
    idle: Mutex<Vec<Conn>>,
}

impl Fetch for MySql {
    fn fetch<'a>(&'a self, ask: &'a RemoteAsk) -> Fetching<'a> {
        Box::pin(self.query(ask))
    }
}

impl MySql {
    async fn query(&self, ask: &RemoteAsk) -> Result<Vec<RemoteSeries>, RequestError> {
        let asked = Asked::read(ask)?;
        let mut busy = Busy { source: self, connection: Some(self.begun().await?) };
        let Some(connection) = &mut busy.connection else { return Ok(Vec::new()) };
        let rows = match &asked {
            Asked::Windows(query) => answers(connection, query, ask.instants).await,
            Asked::Events(query) => mysql_events::answers(connection, query, ask.instants).await,
        };
        // What reads holds old versions of rows back for as long as it is open.
        if connection.query_drop("ROLLBACK").await.is_ok() {
            busy.done();
        }
        rows.map(Rows::into_series).map_err(|failure| match failure {
            Failure::Database(error) => self.failed(&error),
            Failure::Answer(error) => error,
        })
    }

    /// A connection in a transaction that only reads: one that nobody uses, unless the server has closed it, or a new one.
    async fn begun(&self) -> Result<Conn, RequestError> {
        while let Some(mut connection) = self.unused() {
            if connection.query_drop(BEGIN).await.is_ok() {
                return Ok(connection);
            }
        }
        let connecting = async {
            let mut connection = Conn::new(self.opts.clone()).await?;
            connection.query_drop(BEGIN).await?;
            Ok(connection)
        };
        match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(connected) => connected.map_err(|error| self.failed(&error)),
            Err(_) => {
                let why =
                    format!("cannot reach the database: no answer within {} s", CONNECT_TIMEOUT.as_secs());
                Err(RequestError::temporary(why))
            }
        }
    }

    fn unused(&self) -> Option<Conn> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// What an error of the database or of the way there means.
    fn failed(&self, error: &Error) -> RequestError {
        let secrets = [self.secret.clone()];
        let Error::Server(ServerError { code, message, .. }) = error else {
            let why = cleaned(&lanner_core::cause::deepest(error), &secrets);
            return RequestError::temporary(format!("cannot reach the database: {why}"));
        };
        let why = cleaned(message, &secrets);
        match code {
            // Access denied: to a database, with or without a password, to a host.
            1044 | 1045 | 1130 | 1698 => RequestError::permanent(format!(
                "the database says: {why}; check the credentials of this source"
            )),
            // No connections left, no disk, no memory, going down, network, locks, given up by somebody.
            1020
            | 1021
            | 1037..=1041
            | 1053
            | 1077
            | 1129
            | 1152
            | 1158..=1161
            | 1203
            | 1205
            | 1213
            | 1226
            | 1317
            | 1927
            | 1969
            | 3024 => RequestError::temporary(format!("the database says: {why}")),
            _ => RequestError::permanent(format!("the database refuses the query: {why}")),
        }
    }
}

/// A connection that is in use. One whose query is given up is ended there, too.
struct Busy<'a> {
    source: &'a MySql,
    connection: Option<Conn>,
}

impl Busy<'_> {
    fn done(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.source.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let (Some(connection), Ok(runtime)) = (&self.connection, tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let (id, opts) = (connection.id(), self.source.opts.clone());
        drop(runtime.spawn(tokio::time::timeout(CONNECT_TIMEOUT, async move {
            let mut other = Conn::new(opts).await?;
            // It may have ended by itself.
            let _ = other.query_drop(format!("KILL {id}")).await;
            other.disconnect().await
        })));
    }
}

async fn answers(
    connection: &mut Conn,
    query: &WindowQuery,
    instants: Instants,
) -> Result<Rows, Failure<Error>> {
    let (statement, order) = statement(&query.query);
    let statement = connection.prep(statement).await?;
    let mut rows = Rows::default();
    for last_ms in instants.times() {
        let until_ms = last_ms.saturating_add(1);
        let from_ms = until_ms.saturating_sub(query.window_ms);
        let bounds = order.iter().map(|bound| match bound {
            Bound::From => time(from_ms),
            Bound::Until => time(until_ms),
        });
        let bounds: Vec<Value> = bounds.collect::<Result<_, _>>()?;
        let found: Vec<Row> = connection.exec(&statement, Params::Positional(bounds)).await?;
        if found.len() > MAX_ROWS {
            let why = format!("answers more than {MAX_ROWS} rows for one window; group by less");
            return Err(RequestError::permanent(why).into());
        }
        for row in &found {
            rows.add(last_ms, &object(row))?;
        }
    }
    Ok(rows)
}

/// A bound of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    From,
    Until,
}

/// The query with its bounds as parameters, which are given in this order, and no more rows than are looked at. As a part of another one it
/// can be nothing but a query.
fn statement(query: &str) -> (String, Vec<Bound>) {
    let (mut statement, mut order, mut rest) = ("SELECT * FROM (".to_owned(), Vec::new(), query);
    let names = [(":from", Bound::From), (":until", Bound::Until)];
    while let Some((at, name, bound)) =
        names.iter().filter_map(|(name, bound)| Some((rest.find(name)?, *name, *bound))).min_by_key(|it| it.0)
    {
        statement.push_str(&rest[..at]);
        statement.push('?');
        order.push(bound);
        rest = &rest[at + name.len()..];
    }
    // What follows a comment would be part of it.
    statement.push_str(&format!("{rest}\n) AS answer LIMIT {}", MAX_ROWS + 1));
    (statement, order)
}

/// A row by the names of its columns.
fn object(row: &Row) -> Map<String, Json> {
    let columns = row.columns_ref().iter().enumerate();
    columns
        .map(|(at, column)| (column.name_str().into_owned(), json(column.column_type(), row.as_ref(at))))
        .collect()
}

/// A value as JSON: numbers of every kind as such, everything else as the text that MySQL shows.
fn json(kind: ColumnType, value: Option<&Value>) -> Json {
    let number = |number: f64| Number::from_f64(number).map_or(Json::Null, Json::Number);
    match value {
        None | Some(Value::NULL) => Json::Null,
        Some(Value::Int(n)) => (*n).into(),
        Some(Value::UInt(n)) => (*n).into(),
        Some(Value::Double(n)) => number(*n),
        // The shortest text that means this one is what was written.
        Some(Value::Float(n)) => n.to_string().parse().map_or(Json::Null, number),
        Some(Value::Bytes(bytes)) => match kind {
            ColumnType::MYSQL_TYPE_DECIMAL | ColumnType::MYSQL_TYPE_NEWDECIMAL => {
                String::from_utf8_lossy(bytes).parse().map_or(Json::Null, number)
            }
            ColumnType::MYSQL_TYPE_BIT => {
                bytes.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte)).into()
            }
            _ => String::from_utf8_lossy(bytes).into_owned().into(),
        },
        Some(time @ (Value::Date(..) | Value::Time(..))) => time.as_sql(true).trim_matches('\'').into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_become_parameters() {
        let (text, order) =
            statement("SELECT count(*) FROM t WHERE u < :until AND ts >= :from AND ts < :until -- all");
        let expected = "SELECT * FROM (SELECT count(*) FROM t WHERE u < ? AND ts >= ? AND ts < ? -- all\n) AS answer LIMIT 10001";
        assert_eq!(
            (text.as_str(), order.as_slice()),
            (expected, &[Bound::Until, Bound::From, Bound::Until][..])
        );
        assert_eq!(time(1_767_268_800_123).unwrap(), Value::Date(2026, 1, 1, 12, 0, 0, 123_000));
        assert!(time(i64::MAX).is_err());
    }

    #[test]
    fn values() {
        #[track_caller]
        fn check(kind: ColumnType, value: &Value, expected: impl Into<Json>) {
            assert_eq!(json(kind, Some(value)), expected.into());
        }
        let bytes = |text: &str| Value::Bytes(text.as_bytes().to_vec());
        check(ColumnType::MYSQL_TYPE_NEWDECIMAL, &bytes("0.60"), 0.6);
        check(ColumnType::MYSQL_TYPE_VAR_STRING, &bytes("0.60"), "0.60");
        check(ColumnType::MYSQL_TYPE_BIT, &Value::Bytes(vec![1, 2]), 258);
        check(ColumnType::MYSQL_TYPE_LONGLONG, &Value::UInt(u64::MAX), u64::MAX);
        check(ColumnType::MYSQL_TYPE_FLOAT, &Value::Float(0.1), 0.1);
        check(ColumnType::MYSQL_TYPE_DATETIME, &Value::Date(0, 0, 0, 0, 0, 0, 0), "0000-00-00");
        check(ColumnType::MYSQL_TYPE_NULL, &Value::NULL, Json::Null);
    }
}
