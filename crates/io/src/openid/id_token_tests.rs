//! Tokens that are believed and tokens that are not, signed here by keys that are made for it, and one of the specification.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use serde_json::json;

use super::*;

const EXPECTED: Expected<'static> =
    Expected { issuer: "https://login.example", client_id: "lanner", nonce: "n-1" };

fn base64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// A provider with a key of each curve.
struct Provider {
    p256: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
}

impl Provider {
    fn new() -> Self {
        let random = SystemRandom::new();
        let p256 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let p256 = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, p256.as_ref(), &random);
        let ed25519 = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        Self { p256: p256.unwrap(), ed25519: Ed25519KeyPair::from_pkcs8(ed25519.as_ref()).unwrap() }
    }

    fn keys(&self) -> Keys {
        let (x, y) = self.p256.public_key().as_ref()[1..].split_at(32);
        let x_ed = base64(self.ed25519.public_key());
        Keys::read(&json!({ "keys": [
            { "kty": "something new", "kid": "z" },
            { "kty": "EC", "crv": "P-256", "kid": "e", "use": "enc", "x": base64(x), "y": base64(y) },
            { "kty": "EC", "crv": "P-256", "kid": "a", "use": "sig", "x": base64(x), "y": base64(y) },
            { "kty": "OKP", "crv": "Ed25519", "kid": "b", "x": x_ed },
        ] }))
    }

    /// A token with this header and these claims.
    fn token(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", base64(header.to_string()), base64(claims.to_string()));
        let signature = match header["alg"].as_str().unwrap() {
            "ES256" => base64(self.p256.sign(&SystemRandom::new(), message.as_bytes()).unwrap()),
            "EdDSA" => base64(self.ed25519.sign(message.as_bytes())),
            "HS256" => {
                // The public key as if it were a shared secret: an old trick.
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, self.p256.public_key().as_ref());
                base64(ring::hmac::sign(&key, message.as_bytes()))
            }
            _ => String::new(),
        };
        format!("{message}.{signature}")
    }
}

fn claims() -> Value {
    let now_s = jsonwebtoken::get_current_timestamp();
    json!({ "iss": "https://login.example", "aud": "lanner", "sub": "1", "nonce": "n-1", "iat": now_s, "exp": now_s + 300 })
}

#[track_caller]
fn check(token: &str, keys: &Keys, expected: Result<(), &str>) {
    match (believed(token, keys, EXPECTED), expected) {
        (Ok(claims), Ok(())) => assert_eq!(claims["sub"], "1"),
        (Err(why), Err(part)) => assert!(why.to_string().contains(part), "{why}"),
        (found, expected) => panic!("{found:?}, not {expected:?}"),
    }
}

#[test]
fn a_token_is_believed_or_why_not() {
    let provider = Provider::new();
    let keys = provider.keys();
    let es256 = json!({ "alg": "ES256", "kid": "a" });
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        provider.token(&es256, &claims)
    };
    let without = |name: &str| {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        provider.token(&es256, &claims)
    };
    let now_s = jsonwebtoken::get_current_timestamp();
    check(&provider.token(&es256, &claims()), &keys, Ok(()));
    check(&with("aud", json!(["lanner"])), &keys, Ok(()));
    check(&with("exp", json!(now_s - 30)), &keys, Ok(())); // clocks differ
    check(&with("exp", json!(now_s - 90)), &keys, Err("ExpiredSignature"));
    check(&with("nbf", json!(now_s + 90)), &keys, Err("ImmatureSignature"));
    check(&with("iss", json!("https://evil.example")), &keys, Err("InvalidIssuer"));
    check(&with("aud", json!("other")), &keys, Err("InvalidAudience"));
    check(&with("aud", json!(["lanner", "other"])), &keys, Err("another program"));
    check(&with("azp", json!("other")), &keys, Err("another program"));
    check(&with("nonce", json!("n-2")), &keys, Err("another sign-in"));
    for name in ["exp", "iss", "aud", "sub"] {
        check(&without(name), &keys, Err("Missing required claim"));
    }
    check(&without("nonce"), &keys, Err("another sign-in"));
}

#[test]
fn only_the_providers_own_keys_sign() {
    let (provider, other) = (Provider::new(), Provider::new());
    let keys = provider.keys();
    let token = |header: Value| provider.token(&header, &claims());
    check(&token(json!({ "alg": "EdDSA", "kid": "b" })), &keys, Ok(()));
    check(&token(json!({ "alg": "ES256" })), &keys, Ok(())); // whichever key fits
    check(&token(json!({ "alg": "ES256", "kid": "a" })), &other.keys(), Err("InvalidSignature"));
    // A key for something else, a name that nobody has, and a key of another kind.
    for kid in ["e", "z", "nobody"] {
        check(&token(json!({ "alg": "ES256", "kid": kid })), &keys, Err("no key of the provider fits"));
    }
    check(&token(json!({ "alg": "ES256", "kid": "b" })), &keys, Err("InvalidAlgorithm"));
    check(&token(json!({ "alg": "HS256", "kid": "a" })), &keys, Err("not signed by a key"));
    check(&token(json!({ "alg": "none" })), &keys, Err("not believed"));
    let whole = token(json!({ "alg": "ES256", "kid": "a" }));
    let (message, signature) = whole.rsplit_once('.').unwrap();
    let forged = base64(claims().to_string().replace("\"1\"", "\"2\""));
    let header = message.split_once('.').unwrap().0;
    check(&format!("{header}.{forged}.{signature}"), &keys, Err("InvalidSignature"));
    for rubbish in ["", ".", "..", "a.b.c", message, &format!("{message}."), &format!("{whole}.x")] {
        check(rubbish, &keys, Err("not believed"));
    }
}

/// The ID token and the key of OpenID Connect Core 1.0, appendices A.2 and A.7: RS256, and long expired.
#[test]
fn the_signature_of_the_specification_is_right() {
    let key = json!({ "keys": [{ "kty": "RSA", "kid": "1e9gdk7", "e": "AQAB", "n": "w7Zdfmece8iaB0kiTY8pCtiBtzbptJmP28nSWwtdjRu0f2GFpajvWE4VhfJAjEsOcwYzay7XGN0b-X84BfC8hmCTOj2b2eHT7NsZegFPKRUQzJ9wW8ipn_aDJWMGDuB1XyqT1E7DYqjUCEOD1b4FLpy_xPn6oV_TYOfQ9fZdbE5HGxJUzekuGcOKqOQ8M7wfYHhHHLxGpQVgL0apWuP2gDDOdTtpuld4D2LK1MZK99s9gaSjRHE8JDb1Z4IGhEcEyzkxswVdPndUWzfvWBBWXWxtSUvQGBRkuy1BHOa4sP6FKjWEeeF7gm7UMs2Nm2QUgNZw6xvEDGaLk4KASdIxRQ" }] });
    let token = "eyJraWQiOiIxZTlnZGs3IiwiYWxnIjoiUlMyNTYifQ.ewogImlzcyI6ICJodHRwOi8vc2VydmVyLmV4YW1wbGUuY29tIiwKICJzdWIiOiAiMjQ4Mjg5NzYxMDAxIiwKICJhdWQiOiAiczZCaGRSa3F0MyIsCiAibm9uY2UiOiAibi0wUzZfV3pBMk1qIiwKICJleHAiOiAxMzExMjgxOTcwLAogImlhdCI6IDEzMTEyODA5NzAsCiAibmFtZSI6ICJKYW5lIERvZSIsCiAiZ2l2ZW5fbmFtZSI6ICJKYW5lIiwKICJmYW1pbHlfbmFtZSI6ICJEb2UiLAogImdlbmRlciI6ICJmZW1hbGUiLAogImJpcnRoZGF0ZSI6ICIwMDAwLTEwLTMxIiwKICJlbWFpbCI6ICJqYW5lZG9lQGV4YW1wbGUuY29tIiwKICJwaWN0dXJlIjogImh0dHA6Ly9leGFtcGxlLmNvbS9qYW5lZG9lL21lLmpwZyIKfQ.rHQjEmBqn9Jre0OLykYNnspA10Qql2rvx4FsD00jwlB0Sym4NzpgvPKsDjn_wMkHxcp6CilPcoKrWHcipR2iAjzLvDNAReF97zoJqq880ZD1bwY82JDauCXELVR9O6_B0w3K-E7yM2macAAgNCUwtik6SjoSUZRcf-O5lygIyLENx882p6MtmwaL1hd6qn5RZOQ0TLrOYu0532g9Exxcm-ChymrB4xLykpDj3lUivJt63eEGGN6DH5K6o33TcxkIjNrCD4XB1CKKumZvCedgHHF3IAK4dVEDSUoGlH9z4pP_eWYNXvqQOjGs-rDaQzUHl6cQQWNiDpWOl_lxXjQEvQ";
    check(token, &Keys::read(&key), Err("ExpiredSignature"));
    let forged = token.replace(
        "eyJraWQiOiIxZTlnZGs3IiwiYWxnIjoiUlMyNTYifQ.ewogImlzcyI6",
        "eyJraWQiOiIxZTlnZGs3IiwiYWxnIjoiUlMyNTYifQ.ewogImlzcyM6",
    );
    check(&forged, &Keys::read(&key), Err("InvalidSignature"));
}
