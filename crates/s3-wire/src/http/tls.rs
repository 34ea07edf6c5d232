//! TLS with rustls: handshakes with the system's root certificates and ALPN `http/1.1`, and reads of several records.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use super::connection::Io;
use super::error::{WireError, WireErrorKind};
use super::origin::Origin;

/// An encrypted connection.
pub(super) type TlsStream = tokio_rustls::client::TlsStream<Gulps>;

/// TLS settings of a pool: root certificates, which are read once, and sessions to resume.
#[derive(Default)]
pub(super) struct Tls(OnceCell<TlsConnector>);

impl Tls {
    pub(super) fn trusting(roots: RootCertStore) -> Self {
        let connector = connector(roots).expect("ring speaks TLS");
        Self(OnceCell::new_with(Some(connector)))
    }

    /// Runs the TLS handshake on a connection: a socket, or a tunnel through a proxy.
    pub(super) async fn handshake(&self, origin: &Origin, io: Io) -> Result<Io, WireError> {
        let name = ServerName::try_from(origin.bare_host().to_owned()).map_err(|_| {
            WireError::text(
                WireErrorKind::Tls,
                "the host is not a valid TLS server name",
            )
        })?;
        let connector = self.0.get_or_try_init(load).await?;
        let stream = connector.connect(name, Gulps::new(io)).await;
        let stream = stream.map_err(|error| WireError::io(kind_of(&error), error))?;
        Ok(Io::Tls(Box::new(stream)))
    }
}

/// Reads the system's root certificates (or those of `SSL_CERT_FILE`) on a blocking thread.
async fn load() -> Result<TlsConnector, WireError> {
    let loaded = tokio::task::spawn_blocking(|| {
        let mut found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(std::mem::take(&mut found.certs));
        (roots, found.errors)
    });
    let (roots, errors) = loaded
        .await
        .map_err(|error| WireError::io(WireErrorKind::Tls, io::Error::other(error)))?;
    if !roots.is_empty() {
        return connector(roots);
    }
    let text = "no root certificates were found on this system";
    Err(match errors.into_iter().next() {
        Some(error) => WireError::text(WireErrorKind::Certificate, format!("{text}: {error}")),
        None => WireError::text(WireErrorKind::Certificate, text),
    })
}

fn connector(roots: RootCertStore) -> Result<TlsConnector, WireError> {
    let provider = Arc::new(ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder =
        builder.map_err(|error| WireError::io(WireErrorKind::Tls, io::Error::other(error)))?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

fn kind_of(error: &io::Error) -> WireErrorKind {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    match cause {
        Some(rustls::Error::InvalidCertificate(_)) => WireErrorKind::Certificate,
        Some(rustls::Error::InvalidMessage(_)) => WireErrorKind::NotTls,
        _ => WireErrorKind::Tls,
    }
}

/// Size of a read below the TLS layer: several TLS records, where rustls itself reads 4 KiB at a time.
const GULP: usize = 64 << 10;

/// The connection below the TLS layer, read in large chunks.
pub(super) struct Gulps {
    io: Io,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Gulps {
    fn new(io: Io) -> Self {
        Self {
            io,
            buffer: vec![0; GULP],
            start: 0,
            end: 0,
        }
    }
}

impl AsyncRead for Gulps {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.start == this.end {
            let count = ready!(this.io.poll_read(cx, &mut &mut this.buffer[..]))?;
            (this.start, this.end) = (0, count);
        }
        let count = (this.end - this.start).min(into.remaining());
        into.put_slice(&this.buffer[this.start..this.start + count]);
        this.start += count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Gulps {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().io.poll_write(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().io.poll_write(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().io.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().io {
            Io::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Io::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
