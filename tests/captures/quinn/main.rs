//! Transfers a few bytes over QUIC with quinn, as HTTP/0.9 does in interoperability tests.
//!
//!     quinn-peer server ADDRESS:PORT CERTIFICATE KEY
//!     quinn-peer client ADDRESS:PORT NAME AUTHORITY

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{ClientConfig, Endpoint, Incoming, ServerConfig};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

const ALPN: &[u8] = b"hq-interop";
const REPLY: &[u8] = &[b'x'; 900];

/// Failure of the transfer.
type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["server", address, certificate, key] => serve(address.parse()?, certificate, key).await,
        ["client", address, name, authority] => fetch(address.parse()?, name, authority).await,
        _ => Err("usage: quinn-peer server|client ADDRESS:PORT ...".into()),
    }
}

/// Answers requests until the process ends.
async fn serve(address: SocketAddr, certificate: &str, key: &str) -> Result<(), Failure> {
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<_, _>>()?;
    let mut tls = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let settings = ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?));
    let endpoint = Endpoint::server(settings, address)?;
    println!("ready");
    while let Some(incoming) = endpoint.accept().await {
        answer(incoming).await?;
    }
    Ok(())
}

/// Answers the one request of a connection and waits until the client closes it.
async fn answer(incoming: Incoming) -> Result<(), Failure> {
    let connection = incoming.await?;
    let (mut reply, mut request) = connection.accept_bi().await?;
    request.read_to_end(100).await?;
    reply.write_all(REPLY).await?;
    reply.finish()?;
    connection.closed().await;
    Ok(())
}

/// Sends a request to the server with this name and reads the reply.
async fn fetch(address: SocketAddr, name: &str, authority: &str) -> Result<(), Failure> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(authority)? {
        roots.add(root?)?;
    }
    let mut tls =
        rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let mut endpoint = Endpoint::client("0.0.0.0:0".parse()?)?;
    endpoint
        .set_default_client_config(ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?)));
    let connection = endpoint.connect(address, name)?.await?;
    let (mut request, mut reply) = connection.open_bi().await?;
    request.write_all(b"GET /\r\n").await?;
    request.finish()?;
    println!("{} bytes", reply.read_to_end(1 << 16).await?.len());
    connection.close(0_u32.into(), b"");
    endpoint.wait_idle().await;
    Ok(())
}
