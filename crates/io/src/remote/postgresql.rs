//! Reaching a PostgreSQL: its address and credentials as they are written, connections, and what its errors mean.

use std::str::FromStr as _;
use std::time::Duration;

use lanner_core::document::{Check, Fields};
use lanner_core::field::{Field, Type};
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::auth::Auth;
use super::place::{Place, PlaceFields};
use super::problem::Problem;
use super::redact::cleaned;
use super::tls::Authorities;
use super::{Credentials, Secret};

const URL: Field = Field::new(
    "url",
    "postgresql://db.example.org/shop?sslmode=require",
    "where it is, as a connection string of PostgreSQL",
)
.of(Type::Secret)
.required();
/// Credentials of a database: those of [`Auth`] that its protocol knows.
const ROLE: &[Field] = &[
    Field::new("username", "lanner", "the role").required(),
    Field::new("password", "{ file: /etc/lanner/pg-password }", "its password").of(Type::Secret).required(),
];
const AUTH_FIELD: Field =
    Field::new("auth", "{ username: lanner, password: { env: PG_PASSWORD } }", "who Lanner says it is")
        .of(Type::Map(ROLE));
const CA_FILE: Field =
    Field::new("ca_file", "/etc/ssl/own-ca.pem", "certificates to trust besides the system's, PEM");

/// The fields of whatever is a PostgreSQL.
pub(crate) const FIELDS: &[Field] = &[URL, AUTH_FIELD, CA_FILE];

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

const PLACE: PlaceFields = PlaceFields { url: URL, auth: AUTH_FIELD, ca_file: CA_FILE };

/// A PostgreSQL as the operator writes it.
#[derive(Debug, Clone)]
pub(crate) struct DatabaseConfig(Place);

impl DatabaseConfig {
    /// Reads the fields of one. What is wrong goes to `check`.
    pub(crate) fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Self> {
        let problems = |place: &Place| {
            let of_url = place.url.plain().and_then(|text| connection(text).err());
            [of_url, place.auth.as_ref().and_then(role_problem)]
        };
        Place::read(&PLACE, fields, check, problems).map(Self)
    }

    /// One at an address that holds its credentials as well.
    ///
    /// # Errors
    /// What is wrong with the address, which is not quoted.
    pub(crate) fn at(url: &str) -> Result<Self, Problem> {
        connection(url)?;
        Ok(Self(Place { url: Secret::Text(url.to_owned()), auth: None, ca_file: None }))
    }

    /// Looks up secrets and certificates.
    ///
    /// # Errors
    /// Every secret or file that could not be read.
    pub(crate) fn resolve(&self) -> Result<Database, Vec<Problem>> {
        let Self(Place { url, auth, ca_file }) = self;
        let config = url.resolve(URL.name).and_then(|text| connection(&text));
        let credentials = auth.as_ref().map(Auth::resolve).transpose();
        let authorities = Authorities::load(ca_file.as_deref());
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
        Ok(Database { config, tls: MakeRustlsConnect::new(authorities.client_config()) })
    }
}

/// What is wrong with the credentials of a database.
fn role_problem(auth: &Auth) -> Option<Problem> {
    match (auth.bearer.is_empty(), auth.username.is_empty()) {
        (false, _) => {
            Some(Problem::new("auth.bearer", "is not for databases; write `username` and `password`"))
        }
        (true, true) => Some(Problem::new("auth.username", "is missing; write the role")),
        (true, false) => auth.check(),
    }
}

/// The encryption that is asked for where somebody wants the certificate checked: it always is.
const REQUIRED: &str = "sslmode=require";

/// Reads a connection string, which may hold a password and is not quoted.
fn connection(text: &str) -> Result<Config, Problem> {
    let wrong = |why: String| Problem::new(URL.name, format!("{why}; write for example {}", URL.example));
    if text.contains("sslrootcert") {
        return Err(wrong("names authorities to trust; write them as `ca_file`".to_owned()));
    }
    // What others call so is what is done wherever the way is encrypted.
    let text = text.replace("sslmode=verify-full", REQUIRED).replace("sslmode=verify-ca", REQUIRED);
    let mut config =
        Config::from_str(&text).map_err(|_| wrong("is no connection string of PostgreSQL".to_owned()))?;
    if config.get_hosts().is_empty() {
        return Err(wrong("has no host".to_owned()));
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    config.application_name("lanner");
    Ok(config)
}

/// A PostgreSQL that can be reached, with its secrets.
#[derive(Clone)]
pub(crate) struct Database {
    pub(crate) config: Config,
    pub(crate) tls: MakeRustlsConnect,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Database({})", self.place())
    }
}

/// What an error of a database, or of the way there, says about asking again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is not there at the moment: the way is cut, or it starts, ends, only reads, or has no room.
    Away(String),
    /// It does not let Lanner in.
    Credentials(String),
    /// Another transaction was in the way.
    Conflict(String),
    /// Anything else; asking again will not help.
    Other(String),
}

impl Database {
    /// A new connection, served by the runtime that this is called in.
    pub(crate) async fn connect(&self) -> Result<Client, Error> {
        let (client, connection) = self.config.connect(self.tls.clone()).await?;
        // Ends with the client; what goes wrong is told to whoever asks next.
        drop(tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!("a connection to PostgreSQL ended: {error}");
            }
        }));
        Ok(client)
    }

    /// Where it is, without secrets: `db.example.org:5432/shop`.
    pub(crate) fn place(&self) -> String {
        let ports = self.config.get_ports();
        let port = |at: usize| ports.get(at).or(ports.first()).copied().unwrap_or(5432);
        let hosts = self.config.get_hosts().iter().enumerate().map(|(at, host)| match host {
            Host::Tcp(name) => format!("{name}:{}", port(at)),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        });
        let hosts: Vec<String> = hosts.collect();
        let name = self.config.get_dbname().or(self.config.get_user()).unwrap_or("postgres");
        format!("{}/{name}", hosts.join(","))
    }

    /// What an error means, in words that hold no secret.
    pub(crate) fn refusal(&self, error: &Error) -> Refusal {
        let secrets: Vec<String> = self
            .config
            .get_password()
            .map(|password| String::from_utf8_lossy(password).into_owned())
            .into_iter()
            .collect();
        let Some(said) = error.as_db_error() else {
            let why = cleaned(&lanner_core::cause::deepest(error), &secrets);
            return Refusal::Away(format!("cannot reach the database: {why}"));
        };
        let hint = said.hint().map_or_else(String::new, |hint| format!("; {hint}"));
        let why = cleaned(&format!("{}{hint}", said.message()), &secrets);
        let code = said.code().code();
        match (&code[..2], code) {
            (_, "40001" | "40P01" | "55P03") => Refusal::Conflict(why),
            // Connection, rollback, resources, an operator.
            ("08" | "40" | "53" | "57", _) => Refusal::Away(format!("the database says: {why}")),
            ("28", _) => Refusal::Credentials(why),
            _ => Refusal::Other(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_strings_are_checked_without_being_quoted() {
        #[track_caller]
        fn check(text: &str, place: Option<&str>) {
            let database = DatabaseConfig::at(text).map(|config| config.resolve().unwrap());
            match (database, place) {
                (Ok(database), Some(place)) => assert_eq!(database.place(), place),
                (Err(problem), None) => assert!(!problem.message.contains("s3cret"), "{problem}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
        let url = "postgresql://u:s3cret@db.example.org:5433/shop?sslmode=require";
        check(url, Some("db.example.org:5433/shop"));
        check("postgresql://u@db/shop?sslmode=verify-full", Some("db:5432/shop"));
        check("host=db dbname=shop sslmode=verify-ca", Some("db:5432/shop"));
        check("postgresql://u:s3cret@db/shop?sslmode=verify-full&sslrootcert=/ca.pem", None);
        check("host=/run/postgresql dbname=shop", Some("/run/postgresql/shop"));
        check("postgresql://u:s3cret@a,b/", Some("a:5432,b:5432/u"));
        check("postgresql:///s3cret", None);
        check("https://u:s3cret@db", None);
        check("", None);
    }
}
