//! TLS proxy for the scripted server, with a certificate that a private authority has signed.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use base64::Engine;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Starts a TLS server on localhost that forwards requests to `plain`, and writes the certificate of its authority.
pub(super) fn start(plain: SocketAddr, authority: &Path) -> io::Result<SocketAddr> {
    let other = io::Error::other::<rcgen::Error>;
    let key = KeyPair::generate().map_err(other)?;
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = parameters.self_signed(&key).map_err(other)?;
    let encoded = base64::engine::general_purpose::STANDARD.encode(root.der());
    let pem = format!("-----BEGIN CERTIFICATE-----\n{encoded}\n-----END CERTIFICATE-----\n");
    std::fs::write(authority, pem)?;
    let own = KeyPair::generate().map_err(other)?;
    let names = [
        "localhost",
        "127.0.0.1",
        "s3.corp.invalid",
        "b.s3.corp.invalid",
        "sts.us-east-1.amazonaws.com",
        "portal.sso.us-east-1.amazonaws.com",
    ]
    .map(str::to_owned);
    let leaf = CertificateParams::new(names).map_err(other)?;
    let leaf = leaf
        .signed_by(&own, &Issuer::new(parameters, key))
        .map_err(other)?;
    let secret = PrivatePkcs8KeyDer::from(own.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(
        tokio_rustls::rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .map_err(io::Error::other)?
    .with_no_client_auth()
    .with_single_cert(vec![leaf.der().clone()], secret.into())
    .map_err(io::Error::other)?;
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let config = Arc::clone(&config);
            thread::spawn(move || hand_on(stream, config, plain));
        }
    });
    Ok(address)
}

/// Forwards the requests of a connection and their responses, one at a time.
fn hand_on(stream: TcpStream, config: Arc<ServerConfig>, plain: SocketAddr) -> io::Result<()> {
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut outside = StreamOwned::new(connection, stream);
    let mut inside = TcpStream::connect(plain)?;
    inside.set_nonblocking(false)?;
    let mut buffer = [0; 16 << 10];
    let mut request = Vec::new();
    loop {
        let count = outside.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        inside.write_all(&buffer[..count])?;
        request.extend_from_slice(&buffer[..count]);
        if !is_whole(&request) {
            continue;
        }
        request.clear();
        let count = inside.read(&mut buffer)?;
        outside.write_all(&buffer[..count])?;
        outside.flush()?;
    }
}

/// Returns whether the head and the body of its declared length have arrived.
fn is_whole(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
    let length = head.split("content-length:").nth(1);
    let length = length.and_then(|rest| rest.lines().next()?.trim().parse().ok());
    request.len() - end - 4 >= length.unwrap_or(0_usize)
}
