//! PostgreSQL over TLS: `sslmode` and `sslrootcert` of the connection URL.
//!
//! tokio-postgres refuses `verify-full` and `sslrootcert`, so both are read here and taken
//! out of the URL before it sees it. The meanings are libpq's, with one difference on the
//! safe side: `verify-ca` also checks the host name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

/// Why a PostgreSQL URL cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("sslmode={0} is not known")]
    UnknownMode(String),
    #[error("sslrootcert cannot be read: {0}")]
    RootCertificate(String),
    #[error("the URL cannot be read")]
    Url,
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
}

/// How a connection is to be opened.
#[derive(Clone)]
pub struct Target {
    pub config: tokio_postgres::Config,
    pub tls: MakeRustlsConnect,
}

impl Target {
    /// Reads a `postgres://` URL.
    pub fn parse(url: &str) -> Result<Self, TlsError> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let mut mode = "prefer";
        let mut root = None;
        let mut rest = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = value,
                Some(("sslrootcert", value)) => root = Some(PathBuf::from(value)),
                _ => rest.push(pair),
            }
        }
        let mut config: tokio_postgres::Config = format!("{base}?{}", rest.join("&"))
            .parse()
            .map_err(|_| TlsError::Url)?;
        let (ssl_mode, verify) = match mode {
            "disable" => (SslMode::Disable, false),
            "allow" | "prefer" => (SslMode::Prefer, root.is_some()),
            "require" => (SslMode::Require, root.is_some()),
            "verify-ca" | "verify-full" => (SslMode::Require, true),
            other => return Err(TlsError::UnknownMode(other.to_owned())),
        };
        config.ssl_mode(ssl_mode);
        let tls = MakeRustlsConnect::new(client_config(verify, root.as_deref())?);
        Ok(Self { config, tls })
    }
}

fn client_config(verify: bool, root: Option<&Path>) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?;
    Ok(if verify {
        builder.with_root_certificates(roots(root)?)
    } else {
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(EncryptOnly(provider)))
    }
    .with_no_client_auth())
}

fn roots(file: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let unreadable = |e: &dyn std::fmt::Display| TlsError::RootCertificate(e.to_string());
    let mut store = RootCertStore::empty();
    match file {
        Some(file) => {
            for certificate in CertificateDer::pem_file_iter(file).map_err(|e| unreadable(&e))? {
                store.add(certificate.map_err(|e| unreadable(&e))?)?;
            }
            if store.is_empty() {
                return Err(unreadable(&"it holds no certificate"));
            }
        }
        None => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    Ok(store)
}

/// What `sslmode=require` asks for: encrypted, whoever answers.
#[derive(Debug)]
struct EncryptOnly(Arc<CryptoProvider>);

impl ServerCertVerifier for EncryptOnly {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
