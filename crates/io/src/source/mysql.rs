//! `mysql`: a MySQL or MariaDB as the operator writes it. Asking one is in `mysql_client`, behind a feature of this crate; without it
//! a document is still checked, and using it says what to build.

use std::path::PathBuf;

use lanner_core::document::{Check, Fields, Node};
use lanner_core::field::{Field, Type};
use lanner_core::reading::text;

use super::Fetch;
use super::kind::KindConfig;
use super::mysql_config::{MySqlConfig, URL};
use crate::remote::auth::Auth;
use crate::remote::place::decoded;
use crate::remote::{Clients, Problem, Secret};

/// Credentials of a database: those of [`Auth`] that its protocol knows.
const USER: &[Field] = &[
    Field::new("username", "lanner", "the user").required(),
    Field::new("password", "{ file: /etc/lanner/mysql-password }", "its password")
        .of(Type::Secret)
        .required(),
];
const AUTH_FIELD: Field =
    Field::new("auth", "{ username: lanner, password: { env: MYSQL_PWD } }", "who Lanner says it is")
        .of(Type::Map(USER))
        .required();

/// The fields of one.
pub(super) const FIELDS: &[Field] = &[
    URL,
    AUTH_FIELD,
    Field::new("tls", "true", "whether the connection has TLS; its certificate is verified")
        .of(Type::Truth)
        .or("false"),
    Field::new(
        "ca_file",
        "/etc/ssl/own-ca.pem",
        "certificates to trust besides the system's, PEM; with TLS then",
    ),
];

/// Reads the fields of one.
pub(super) fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn KindConfig>> {
    let url = fields.require(URL.name, URL.example, check);
    let url: Option<Secret> = url.and_then(|node| decoded(node, &URL, &fields.path_of(URL.name), check));
    let auth = fields.require(AUTH_FIELD.name, AUTH_FIELD.example, check);
    let auth: Option<Auth> =
        auth.and_then(|node| decoded(node, &AUTH_FIELD, &fields.path_of(AUTH_FIELD.name), check));
    let tls = fields.read("tls", check, Node::truth);
    let ca_file = fields.read("ca_file", check, text).map(PathBuf::from);
    let config = MySqlConfig { url: url?, auth: auth?, tls: tls.unwrap_or(ca_file.is_some()), ca_file };
    let problems = config.problems();
    for problem in &problems {
        let name = problem.field.split('.').next().unwrap_or_default();
        let at = fields.get(name).and_then(|node| node.at);
        check.push(at, &fields.path_of(&problem.field), problem.message.clone(), None);
    }
    problems.is_empty().then(|| Box::new(config) as Box<dyn KindConfig>)
}

impl KindConfig for MySqlConfig {
    #[cfg(feature = "mysql")]
    fn build(&self, _clients: &Clients) -> Result<Box<dyn Fetch>, Vec<Problem>> {
        super::mysql_client::build(self)
    }

    #[cfg(not(feature = "mysql"))]
    fn build(&self, _clients: &Clients) -> Result<Box<dyn Fetch>, Vec<Problem>> {
        let why = "MySQL is not part of this program; build it with `cargo build --release --features mysql`";
        Err(vec![Problem::new("kind", why)])
    }
}
