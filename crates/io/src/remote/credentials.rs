//! What goes into `Authorization`.

use reqwest::RequestBuilder;
use reqwest::header::AUTHORIZATION;

/// What goes into `Authorization`.
#[derive(Clone)]
pub(crate) enum Credentials {
    Bearer(String),
    Basic {
        username: String,
        password: String,
    },
    /// A scheme of a service's own.
    Key {
        scheme: &'static str,
        key: String,
    },
}

impl Credentials {
    pub(crate) fn secret(&self) -> String {
        match self {
            Self::Bearer(secret) | Self::Basic { password: secret, .. } | Self::Key { key: secret, .. } => {
                secret.clone()
            }
        }
    }

    /// The request with them.
    pub(crate) fn authorize(&self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Self::Bearer(token) => request.bearer_auth(token),
            Self::Basic { username, password } => request.basic_auth(username, Some(password)),
            Self::Key { scheme, key } => request.header(AUTHORIZATION, format!("{scheme} {key}")),
        }
    }
}
