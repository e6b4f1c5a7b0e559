//! Verifies that a snapshot was signed by the server with a known public key.

use lanner_core::content;
use lanner_switch::Snapshot;
use ring::signature::{ED25519, UnparsedPublicKey};

use crate::error::ConnectError;

/// The server's public key.
#[derive(Debug)]
pub(crate) struct Verifier(UnparsedPublicKey<Vec<u8>>);

impl Verifier {
    /// The key of 64 hexadecimal digits.
    pub(crate) fn new(key: &str) -> Result<Self, ConnectError> {
        let bytes = content::unhex(key.trim()).filter(|bytes| bytes.len() == 32);
        let bytes = bytes.ok_or_else(|| ConnectError::Key { key: key.to_owned() })?;
        Ok(Self(UnparsedPublicKey::new(&ED25519, bytes)))
    }

    /// Whether the key's owner signed this.
    pub(crate) fn check(&self, snapshot: &Snapshot) -> Result<(), String> {
        let signature = snapshot.signature().ok_or("is not signed, and this client requires a signature")?;
        let is_signed = self.is_signed(&snapshot.signed_text(), signature);
        if is_signed { Ok(()) } else { Err("is signed by somebody else, or was changed".to_owned()) }
    }

    /// Whether the key's owner signed this text.
    pub(crate) fn is_signed(&self, text: &str, signature: &str) -> bool {
        let signature = content::unhex(signature).unwrap_or_default();
        self.0.verify(text.as_bytes(), &signature).is_ok()
    }
}
