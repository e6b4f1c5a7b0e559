//! Whether an ID token is to be believed: who signed it, for whom, for which sign-in, and whether it still holds.

use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use serde_json::Value;

use super::signature::{ALGORITHMS, install};
use super::{Claims, OpenIdError};

/// So many keys of a provider are tried.
const MAX_KEYS: usize = 50;
/// So far a provider's clock may be off, seconds.
const LEEWAY_S: u64 = 60;

/// The keys by which a provider signs.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys(Vec<Jwk>);

impl Keys {
    /// Those of a JSON Web Key Set that can be read; others are for others.
    pub(super) fn read(set: &Value) -> Self {
        let keys = set["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
        let keys = keys.iter().filter_map(|key| serde_json::from_value::<Jwk>(key.clone()).ok());
        let signs = |key: &Jwk| !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption));
        Self(keys.filter(signs).take(MAX_KEYS).collect())
    }

    /// Whether the key that a token names is among them.
    pub(super) fn knows(&self, token: &str) -> bool {
        let named = decode_header(token).ok().and_then(|header| header.kid);
        named.is_none_or(|kid| self.0.iter().any(|key| key.common.key_id.as_ref() == Some(&kid)))
    }
}

/// What a token has to say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
}

/// The claims of a token that is to be believed.
///
/// # Errors
/// [`OpenIdError::Refused`], which says what is wrong.
pub(super) fn believed(token: &str, keys: &Keys, expected: Expected<'_>) -> Result<Claims, OpenIdError> {
    install();
    let refused = |why: &str| OpenIdError::Refused(format!("the provider's ID token is not believed: {why}"));
    let header = decode_header(token).map_err(|error| refused(&error.to_string()))?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(refused("it is not signed by a key of the provider"));
    }
    let mut validation = Validation::new(header.alg);
    validation.leeway = LEEWAY_S;
    validation.validate_nbf = true;
    validation.set_issuer(&[expected.issuer]);
    validation.set_audience(&[expected.client_id]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let is_named = |key: &&Jwk| header.kid.is_none() || key.common.key_id == header.kid;
    let mut why = "no key of the provider fits".to_owned();
    for key in keys.0.iter().filter(is_named) {
        let Ok(key) = DecodingKey::from_jwk(key) else { continue };
        match decode::<Claims>(token, &key, &validation) {
            Ok(data) => return meant(data.claims, expected).map_err(refused),
            Err(error) => why = error.to_string(),
        }
    }
    Err(refused(&why))
}

/// Claims that were made for this sign-in and for us.
fn meant<'c>(claims: Claims, expected: Expected<'_>) -> Result<Claims, &'c str> {
    if claims.get("nonce").and_then(Value::as_str) != Some(expected.nonce) {
        return Err("it is for another sign-in");
    }
    let party = claims.get("azp").map(Value::as_str);
    let has_others = claims.get("aud").and_then(Value::as_array).is_some_and(|all| all.len() > 1);
    if party.is_some_and(|party| party != Some(expected.client_id)) || has_others && party.is_none() {
        return Err("it is for another program");
    }
    Ok(claims)
}

#[cfg(test)]
#[path = "id_token_tests.rs"]
mod tests;
