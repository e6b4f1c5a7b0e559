//! The server's certificate and key, read again when their files change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// How often the files are looked at, at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A certificate and its key in two files of PEM form. Whoever renews them, as ACME clients do, need not tell anybody: new
/// connections get the new certificate. Files that do not fit together, as in the midst of a renewal, change nothing.
#[derive(Debug)]
pub struct Certificates {
    files: Files,
    current: RwLock<Arc<CertifiedKey>>,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Files {
    cert: PathBuf,
    key: PathBuf,
}

/// When the files were last looked at, and what they looked like.
#[derive(Debug)]
struct Seen {
    at: Instant,
    stamps: Stamps,
}

/// Time of change and length of each file.
type Stamps = [Option<(SystemTime, u64)>; 2];

impl Certificates {
    /// Reads both files.
    ///
    /// # Errors
    /// A sentence that names the file and says what is wrong with it.
    pub fn read(cert: &Path, key: &Path) -> Result<Self, String> {
        crate::receiver::install_crypto_provider();
        let files = Files { cert: cert.to_owned(), key: key.to_owned() };
        let seen = Seen { at: Instant::now(), stamps: files.stamps() };
        let current = RwLock::new(Arc::new(files.load()?));
        Ok(Self { files, current, seen: Mutex::new(seen) })
    }

    /// What greets clients, who speak this protocol.
    pub(super) fn server_config(self: Arc<Self>, protocol: &[u8]) -> Arc<ServerConfig> {
        let mut config = ServerConfig::builder().with_no_client_auth().with_cert_resolver(self);
        config.alpn_protocols = vec![protocol.to_vec()];
        Arc::new(config)
    }

    fn current(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes over files that have changed.
    fn renew(&self, now: Instant) {
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if now.saturating_duration_since(seen.at) < LOOK_EVERY {
                return;
            }
            seen.at = now;
            let stamps = self.files.stamps();
            if stamps == seen.stamps {
                return;
            }
            seen.stamps = stamps;
        }
        match self.files.load() {
            Ok(key) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
                tracing::info!("server.tls: the renewed certificate is in use");
            }
            Err(why) => tracing::warn!("server.tls: {why}; the previous certificate stays in use"),
        }
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.renew(Instant::now());
        Some(self.current())
    }
}

impl Files {
    fn stamps(&self) -> Stamps {
        [&self.cert, &self.key].map(|path| {
            let about = std::fs::metadata(path).ok()?;
            Some((about.modified().ok()?, about.len()))
        })
    }

    fn load(&self) -> Result<CertifiedKey, String> {
        let (cert, key) = (self.cert.display(), self.key.display());
        let form = "give a file in PEM form";
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&self.cert)
            .and_then(Iterator::collect)
            .map_err(|error| format!("cert: cannot read {cert}: {error}; {form}"))?;
        if chain.is_empty() {
            return Err(format!("cert: {cert} holds no certificate; {form}"));
        }
        let private = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| format!("key: cannot read {key}: {error}; {form}"))?;
        let provider = rustls::crypto::ring::default_provider();
        CertifiedKey::from_der(chain, private, &provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => format!("key: {key} is not the key of {cert}"),
            error => format!("{cert} and {key} cannot be used: {error}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_no_certificates_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        let why = || Certificates::read(&cert, &key).unwrap_err();
        assert!(why().starts_with("cert: cannot read") && why().contains("cert.pem"), "{}", why());
        std::fs::write(&cert, "hello").unwrap();
        assert!(why().contains("holds no certificate"), "{}", why());
        std::fs::write(&cert, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        assert!(why().starts_with("key: cannot read"), "{}", why());
        std::fs::write(&key, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").unwrap();
        assert!(why().contains("cannot be used") || why().contains("not the key"), "{}", why());
    }
}
