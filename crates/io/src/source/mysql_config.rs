//! What is known of a MySQL or MariaDB, checked: its address, who Lanner says it is, and whether the connection has TLS.

use std::path::PathBuf;

use lanner_core::field::{Field, Type};
use reqwest::Url;

use crate::remote::auth::Auth;
use crate::remote::problem::check_absolute;
use crate::remote::{Problem, Secret};

pub(super) const URL: Field =
    Field::new("url", "mysql://db.example.org:3306/shop", "where it is: host, port and database")
        .of(Type::Secret)
        .required();
const DEFAULT_PORT: u16 = 3306;

/// A MySQL as it is written.
#[derive(Debug)]
pub(super) struct MySqlConfig {
    pub(super) url: Secret,
    pub(super) auth: Auth,
    pub(super) tls: bool,
    pub(super) ca_file: Option<PathBuf>,
}

/// Where one is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) database: String,
}

impl MySqlConfig {
    /// What is wrong with it.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let wrong_user = if !self.auth.bearer.is_empty() {
            Some(Problem::new("auth.bearer", "is not for databases; write `username` and `password`"))
        } else {
            self.auth.check()
        };
        let unused = (self.ca_file.is_some() && !self.tls).then(|| {
            Problem::new("ca_file", "is of no use without TLS; write tls: true, or remove one of the two")
        });
        [
            self.url.plain().and_then(|text| place(text).err()),
            wrong_user,
            self.ca_file.as_deref().and_then(|path| check_absolute("ca_file", path)),
            unused,
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Reads an address, which is not quoted: somebody may write a password there.
pub(super) fn place(text: &str) -> Result<Place, Problem> {
    let wrong = |why: &str| Problem::new(URL.name, format!("{why}; write for example {}", URL.example));
    let url = Url::parse(text).map_err(|_| wrong("is no address of a MySQL"))?;
    if !matches!(url.scheme(), "mysql" | "mariadb") {
        return Err(wrong("does not begin with mysql://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("holds credentials, which belong under `auth`"));
    }
    if url.query().is_some() {
        return Err(wrong("has parameters, of which none is known; there is the field `tls`"));
    }
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("has no host"))?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let database = url.path().trim_start_matches('/').to_owned();
    if database.is_empty() || database.contains(['/', '%']) {
        return Err(wrong("names no database"));
    }
    Ok(Place { host, port: url.port().unwrap_or(DEFAULT_PORT), database })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_without_being_quoted() {
        #[track_caller]
        fn check(text: &str, expected: Result<(&str, u16, &str), &str>) {
            match (place(text), expected) {
                (Ok(found), Ok((host, port, database))) => {
                    assert_eq!((&*found.host, found.port, &*found.database), (host, port, database));
                }
                (Err(problem), Err(part)) => {
                    assert!(
                        problem.message.contains(part) && !problem.message.contains("s3cret"),
                        "{problem}"
                    );
                }
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
        check("mysql://db.example.org/shop", Ok(("db.example.org", 3306, "shop")));
        check("mariadb://[::1]:3307/shop", Ok(("::1", 3307, "shop")));
        check("mysql://u:s3cret@db/shop", Err("under `auth`"));
        check("mysql://db/shop?password=s3cret", Err("parameters"));
        check("mysql://db/", Err("no database"));
        check("mysql:///shop", Err("no host"));
        check("postgresql://db/shop", Err("does not begin with mysql://"));
        check("s3cret", Err("is no address"));
    }
}
