//! Certificates that TLS connections of this machine trust.

use std::fmt::{self, Debug, Formatter};
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig, TlsProvider};

/// Authorities that sign the certificates of trusted servers, and the certificate of this client.
#[derive(Clone, Default)]
pub(crate) struct Trust {
    /// Authorities from a file, `None` for those of the system.
    authorities: Option<Vec<CertificateDer<'static>>>,
    client: Option<Arc<Client>>,
}

/// Certificate of this client.
struct Client {
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    /// The file of the key, in PEM.
    pem: Vec<u8>,
}

impl Trust {
    /// Reads authorities from `authorities`, and the client's certificate with its key from
    /// `client`, all in PEM. Without a file of authorities, those of the system are trusted.
    ///
    /// # Errors
    ///
    /// Those of reading a file; a file without the expected contents is [invalid data].
    ///
    /// [invalid data]: io::ErrorKind::InvalidData
    pub(crate) fn read(
        authorities: Option<&Path>,
        client: Option<(&Path, &Path)>,
    ) -> io::Result<Self> {
        let authorities = authorities.map(certificates).transpose()?;
        let client = client.map(|(certificate, key)| {
            let pem = std::fs::read(key)?;
            let key = PrivateKeyDer::from_pem_slice(&pem).map_err(invalid)?;
            let certificates = certificates(certificate)?;
            io::Result::Ok(Arc::new(Client { certificates, key, pem }))
        });
        Ok(Self { authorities, client: client.transpose()? })
    }

    /// Returns the settings of a client.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Other`] if the system has no authorities or a certificate is unusable.
    pub(crate) fn config(&self) -> io::Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(self.roots()?);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().map_err(io::Error::other)?;
        let config = config.with_root_certificates(roots);
        Ok(Arc::new(match &self.client {
            Some(client) => {
                let Client { certificates, key, .. } = &**client;
                let config = config.with_client_auth_cert(certificates.clone(), key.clone_key());
                config.map_err(io::Error::other)?
            }
            None => config.with_no_client_auth(),
        }))
    }

    /// Returns the settings of an HTTP client.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Other`] if the system has no authorities or the client's key is unusable.
    pub(crate) fn agent_config(&self) -> io::Result<TlsConfig> {
        let roots = self.roots()?;
        let roots = roots.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
        let client = self.client.as_deref().map(|Client { certificates, pem, .. }| {
            let chain: Vec<_> =
                certificates.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
            Ok(ClientCert::new_with_certs(&chain, PrivateKey::from_pem(pem)?))
        });
        let client: Option<ClientCert> =
            client.transpose().map_err(|error: ureq::Error| io::Error::other(error))?;
        Ok(TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .client_cert(client)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build())
    }

    /// Returns the certificates of the authorities.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Other`] if the system has none.
    fn roots(&self) -> io::Result<Vec<CertificateDer<'static>>> {
        if let Some(authorities) = &self.authorities {
            return Ok(authorities.clone());
        }
        let native = rustls_native_certs::load_native_certs();
        if native.certs.is_empty() {
            let advice = "this system has no certificates of authorities; name a file with ca=FILE";
            return Err(io::Error::other(advice));
        }
        Ok(native.certs)
    }
}

impl Debug for Trust {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").finish_non_exhaustive()
    }
}

fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let text = std::fs::read(path)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let all = all.map_err(invalid)?;
    if all.is_empty() { Err(invalid("it has no certificate in PEM")) } else { Ok(all) }
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
