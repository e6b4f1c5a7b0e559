//! Why no client was made.

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
