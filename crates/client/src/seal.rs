//! Whether a snapshot is the one server's whose public key is known.

use lanner_core::content;
use lanner_switch::Snapshot;
use ring::signature::{ED25519, UnparsedPublicKey};

use crate::switches::ConnectError;

/// The server's public key.
#[derive(Debug)]
pub(crate) struct Seal(UnparsedPublicKey<Vec<u8>>);

impl Seal {
    /// The key of 64 hexadecimal digits.
    pub(crate) fn new(key: &str) -> Result<Self, ConnectError> {
        let bytes = content::unhex(key.trim()).filter(|bytes| bytes.len() == 32);
        let bytes = bytes.ok_or_else(|| ConnectError::Key { key: key.to_owned() })?;
        Ok(Self(UnparsedPublicKey::new(&ED25519, bytes)))
    }

    /// Whether the key's owner signed this.
    pub(crate) fn check(&self, snapshot: &Snapshot) -> Result<(), String> {
        let signature = snapshot.signature().ok_or("is not signed, and this client wants a signature")?;
        let signature = content::unhex(signature).unwrap_or_default();
        let verified = self.0.verify(snapshot.signed_text().as_bytes(), &signature);
        verified.map_err(|_| "is signed by somebody else, or was changed".to_owned())
    }
}
