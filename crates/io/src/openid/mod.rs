//! OpenID Connect: asking a provider who somebody is, by the authorization code flow with PKCE.
//!
//! ```text
//!  browser ─▶ provider, with state, nonce and challenge ─▶ browser comes back with a code
//!                                                                │
//!  code, verifier ─▶ token endpoint ─▶ ID token ─▶ signature, issuer, audience, expiry, nonce ─▶ claims
//! ```
//!
//! Reading order: [`Relying`] (the party that relies on a provider: the two steps), `discovery` (what a provider says of itself),
//! `id_token` (whether to believe a token), `signature` (by which cryptography).
//!
//! Sources: OpenID Connect Core 1.0 (errata set 2), sections 3.1 and 5.3; OpenID Connect Discovery 1.0; RFC 7636 (PKCE); RFC 9207.

mod discovery;
mod id_token;
mod relying;
mod signature;

use std::path::PathBuf;

use serde_json::{Map, Value};

pub use self::discovery::check_issuer;
pub use self::relying::Relying;
use crate::receiver::Secret;

/// What is said of a person: names and values.
pub type Claims = Map<String, Value>;

/// Which provider is asked, and who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenIdConfig {
    /// The provider's issuer, a URL.
    pub issuer: String,
    /// What the provider calls us.
    pub client_id: String,
    /// What shows that it is us; none for a public client.
    pub client_secret: Option<Secret>,
    /// Scopes of OAuth that are asked for besides `openid`.
    pub request: Vec<String>,
    /// Claims that have to come; where the ID token lacks one, the provider is asked for more.
    pub claims: Vec<String>,
    /// Certificates that are trusted besides the system's.
    pub ca_file: Option<PathBuf>,
}

/// What a sign-in that began waits for.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// Where the provider sends the browser back to.
    pub redirect_uri: &'a str,
    /// What comes back unchanged.
    pub state: &'a str,
    /// What the ID token has to hold.
    pub nonce: &'a str,
    /// The verifier of PKCE.
    pub verifier: &'a str,
}

/// Why nobody was signed in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenIdError {
    /// The provider does not answer, or not as one.
    #[error("{0}")]
    Provider(String),
    /// What came back is not believed, or the provider refused it.
    #[error("{0}")]
    Refused(String),
}
