//! Why no client was made, or no flag evaluated.

/// Why no client was made. That the server does not answer is no such reason: see [`Switches::status`](crate::Switches::status).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address is none.
    #[error("\"{url}\" is not the address of a server: {why}; write for example http://127.0.0.1:9797")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The server's public key is none.
    #[error(
        "\"{key}\" is not a public key: 64 hexadecimal digits, as the server shows them at /api/v1/switches/key"
    )]
    Key {
        /// What was given.
        key: String,
    },
    /// HTTP cannot be started in this process.
    #[error("cannot start HTTP: {0}")]
    Http(String),
}

/// Why a flag has no value; OpenFeature clients then use the caller's default.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlagError {
    /// No switches were ever known.
    #[error("no kill switches are known yet")]
    NotReady,
    /// There is no such switch.
    #[error("there is no switch \"{key}\"")]
    NotFound {
        /// What was asked for.
        key: String,
    },
}

impl FlagError {
    /// OpenFeature's word for it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotReady => "PROVIDER_NOT_READY",
            Self::NotFound { .. } => "FLAG_NOT_FOUND",
        }
    }
}
