//! Asking other servers: what receivers, sources and importers share.
//!
//! Reading order: [`Secret`] (what must not be shown), `url` (addresses), `tls` (whom to trust), `client` (HTTP), `postgresql`,
//! [`auth`], `place` (both, as documents write them), `answer` (what an answer says about trying again), [`Backoff`] (when to), [`redact`] (what may be
//! shown of it all), [`Problem`] (what is wrong with a document).
//!
//! **Invariant:** no error, description or debug output holds a secret: URLs are cut after the host.

pub(crate) mod answer;
pub mod auth;
pub mod backoff;
pub(crate) mod client;
pub(crate) mod credentials;
pub(crate) mod place;
pub(crate) mod postgresql;
pub(crate) mod problem;
pub mod redact;
mod secret;
pub(crate) mod tls;
pub(crate) mod url;

pub use backoff::Backoff;
pub use client::Clients;
pub(crate) use credentials::Credentials;
pub use problem::Problem;
pub use secret::Secret;
pub use tls::{client_config, install_crypto_provider};
