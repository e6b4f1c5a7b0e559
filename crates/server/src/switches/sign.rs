//! Signatures of snapshots (Ed25519): whoever holds the public key knows that switches come from this server, whatever
//! lay between.

use lanner_core::content;
use lanner_switch::Snapshot;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

/// Signs snapshots.
pub struct Signer(Ed25519KeyPair);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Signer").field(&self.public_key()).finish()
    }
}

impl Signer {
    /// A signer with this private key: 32 bytes as 64 hexadecimal digits, such as `openssl rand -hex 32` makes.
    ///
    /// # Errors
    /// A sentence, for what is no such key.
    pub(crate) fn from_hex(text: &str) -> Result<Self, String> {
        let wrong = || "should be 64 hexadecimal digits, as `openssl rand -hex 32` makes them".to_owned();
        let seed = content::unhex(text.trim()).ok_or_else(wrong)?;
        Ed25519KeyPair::from_seed_unchecked(&seed).map(Self).map_err(|_| wrong())
    }

    /// The public key, as clients want it.
    #[must_use]
    pub fn public_key(&self) -> String {
        content::hex(self.0.public_key().as_ref())
    }

    /// The snapshot with its signature.
    #[must_use]
    pub(crate) fn sign(&self, snapshot: Snapshot) -> Snapshot {
        let signature = self.sign_text(&snapshot.signed_text());
        snapshot.with_signature(signature)
    }

    /// The signature of a text, as hexadecimal digits.
    #[must_use]
    pub(crate) fn sign_text(&self, text: &str) -> String {
        content::hex(self.0.sign(text.as_bytes()).as_ref())
    }
}
