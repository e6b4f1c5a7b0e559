//! Trusted certificate authorities: the system's, or Mozilla's if the system has none, and a file.
//!
//! One policy for HTTP and mail. Authorities that this machine's administrator installed count; in a
//! container without any, the list that is compiled in stands in.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::problem::Problem;

/// Installs the cryptography that TLS uses (`ring`). May be called any number of times, from anywhere.
pub fn install_crypto_provider() {
    // An error means that one is installed already, and that is all that is needed.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// How a client speaks TLS that trusts the system's authorities, or Mozilla's if the system has none.
#[must_use]
pub fn client_config() -> ClientConfig {
    let none = || Authorities { certificates: Vec::new(), with_builtin: true };
    // Only a file of authorities can be wrong.
    Authorities::load(None).unwrap_or_else(|_| none()).client_config()
}

/// The certificate authorities that are trusted.
#[derive(Debug, Clone)]
pub(crate) struct Authorities {
    /// Certificates of the system and of `ca_file`, each of which can be a trust anchor.
    pub(crate) certificates: Vec<CertificateDer<'static>>,
    /// Whether Mozilla's list is trusted too, because the system has none.
    pub(crate) with_builtin: bool,
}

impl Authorities {
    /// The system's authorities and those in `ca_file` (PEM).
    pub(crate) fn load(ca_file: Option<&Path>) -> Result<Self, Problem> {
        let system = rustls_native_certs::load_native_certs();
        for error in &system.errors {
            tracing::debug!(%error, "a certificate authority of the system could not be read");
        }
        let mut certificates: Vec<_> = system.certs.into_iter().filter(is_anchor).collect();
        let with_builtin = certificates.is_empty();
        if let Some(ca_file) = ca_file {
            certificates.extend(read_pem(ca_file).map_err(|why| Problem::new("ca_file", why))?);
        }
        Ok(Self { certificates, with_builtin })
    }

    /// A client configuration that trusts these and nobody else.
    pub(crate) fn client_config(&self) -> ClientConfig {
        install_crypto_provider();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(self.certificates.iter().cloned());
        if self.with_builtin {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        ClientConfig::builder().with_root_certificates(Arc::new(roots)).with_no_client_auth()
    }
}

fn is_anchor(certificate: &CertificateDer<'static>) -> bool {
    RootCertStore::empty().add(certificate.clone()).is_ok()
}

fn read_pem(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let shown = path.display();
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| format!("cannot read {shown}: {error}; give a file of certificates in PEM form"))?;
    if certificates.is_empty() || !certificates.iter().all(is_anchor) {
        return Err(format!("{shown} does not hold usable certificates; give a file in PEM form"));
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_file_of_authorities_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("ca.pem");
        for text in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            std::fs::write(&file, text).unwrap();
            let problem = Authorities::load(Some(&file)).unwrap_err();
            assert!(problem.field == "ca_file" && problem.message.contains("ca.pem"), "{problem}");
        }
        assert!(Authorities::load(Some(Path::new("/no/such.pem"))).is_err());
        assert!(Authorities::load(None).is_ok());
    }
}
