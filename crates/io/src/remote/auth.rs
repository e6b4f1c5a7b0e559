//! Credentials as the operator writes them.

use lanner_core::field::{Field, Type};
use reqwest::header::HeaderValue;
use serde::{Deserialize, Serialize};

use super::credentials::Credentials;
use super::problem::Problem;
use super::secret::Secret;

/// Credentials: a bearer token, or a name and a password.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// Sent as `Authorization: Bearer`.
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub bearer: Secret,
    /// Sent as `Authorization: Basic`, with `password`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub username: String,
    /// The password that goes with `username`.
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub password: Secret,
}

/// The fields of credentials.
pub(crate) const AUTH: &[Field] = &[
    Field::new("bearer", "{ env: HOOK_TOKEN }", "a bearer token").of(Type::Secret),
    Field::new("username", "lanner", "user name for basic authentication"),
    Field::new("password", "{ file: /etc/lanner/hook }", "its password").of(Type::Secret),
];

impl Auth {
    /// What is wrong with them.
    pub(crate) fn check(&self) -> Option<Problem> {
        let basic = !self.username.is_empty() || !self.password.is_empty();
        match (!self.bearer.is_empty(), basic) {
            (true, false) => None,
            (true, true) => {
                Some(Problem::new("auth", "has both a bearer token and a username; keep one of them"))
            }
            (false, _) if self.username.is_empty() => {
                Some(Problem::new("auth", "needs `bearer`, or `username` and `password`"))
            }
            (false, _) if self.username.contains(':') => Some(Problem::new(
                "auth.username",
                "contains a colon, which basic authentication does not allow",
            )),
            (false, _) if self.password.is_empty() => {
                Some(Problem::new("auth.password", "is missing; write text, { env: NAME } or { file: PATH }"))
            }
            (false, _) => None,
        }
    }

    /// The credentials with their secret looked up.
    pub(crate) fn resolve(&self) -> Result<Credentials, Problem> {
        if self.bearer.is_empty() {
            let password = self.password.resolve("auth.password")?;
            return Ok(Credentials::Basic { username: self.username.clone(), password });
        }
        let token = self.bearer.resolve("auth.bearer")?;
        if HeaderValue::try_from(&token).is_err() {
            return Err(Problem::new("auth.bearer", "holds characters that a header cannot carry"));
        }
        Ok(Credentials::Bearer(token))
    }
}
