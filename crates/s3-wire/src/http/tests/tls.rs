//! Tests of requests over TLS.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bytes::BytesMut;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::super::{Origin, Pool, WireErrorKind};
use super::server::{GET, OutgoingRequest, OwnedBody, fill, get, ramp, read};

const BIG: usize = 3_000_000;

type Stream = StreamOwned<ServerConnection, std::net::TcpStream>;

/// Returns the configuration of a server for `localhost`, and root certificates that trust it.
pub(super) fn identity() -> (Arc<ServerConfig>, RootCertStore) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    (Arc::new(config), roots)
}

/// Serves TLS for `localhost`; `run` handles each connection. Returns the origin, and a pool that trusts the server.
fn serving(run: impl Fn(&mut Stream) + Send + Sync + 'static) -> (Arc<Origin>, Pool) {
    let (config, roots) = identity();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let run = Arc::new(run);
    thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            let (config, run) = (Arc::clone(&config), Arc::clone(&run));
            thread::spawn(move || {
                let session = ServerConnection::new(config).unwrap();
                run(&mut StreamOwned::new(session, tcp));
            });
        }
    });
    let origin = Origin::new(true, "localhost", port);
    (
        Arc::new(origin),
        Pool::trusting(Duration::from_secs(10), roots),
    )
}

/// Reads a head, and as many bytes of a body as its `content-length`.
pub(super) fn request(stream: &mut impl Read) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let text = String::from_utf8(head).unwrap();
    let length = text.split_once("content-length: ").map_or(0, |(_, rest)| {
        rest.split_once('\r').unwrap().0.parse().unwrap()
    });
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(body)
}

#[tokio::test]
async fn requests_and_bodies_pass_on_one_connection() {
    let (origin, pool) = serving(|stream| {
        while let Some(body) = request(stream) {
            let response = if body.is_empty() { ramp(BIG) } else { body };
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
                response.len()
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&response).unwrap();
            stream.flush().unwrap();
        }
    });
    for _ in 0..2 {
        let mut response = pool.send_outgoing(&origin, get(GET)).await.unwrap();
        let mut all = BytesMut::with_capacity(BIG);
        while fill(&mut response.body, &mut all, 512 << 10).await.unwrap() > 0 {}
        assert!(all == ramp(BIG));
        assert_eq!(pool.idle_pool(&origin).idle(), 1);

        let payload = OwnedBody::from(ramp(1_000_000));
        let put = OutgoingRequest {
            body: payload.as_body(),
            ..get(b"PUT / HTTP/1.1\r\ncontent-length: 1000000\r\n\r\n")
        };
        let echo = read(pool.send_outgoing(&origin, put).await).await.unwrap();
        assert!(echo.body == ramp(1_000_000));
        assert_eq!(pool.idle_pool(&origin).idle(), 1);
    }
}

#[tokio::test]
async fn a_close_without_close_notify_does_not_end_a_body() {
    let (origin, pool) = serving(|stream| {
        request(stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhalf of").unwrap();
        stream.flush().unwrap();
    });
    let error = read(pool.send_outgoing(&origin, get(GET)).await)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), WireErrorKind::Closed);

    let (origin, pool) = serving(|stream| {
        request(stream);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\n\r\nall of it")
            .unwrap();
        stream.conn.send_close_notify();
        stream.flush().unwrap();
    });
    let response = read(pool.send_outgoing(&origin, get(GET)).await)
        .await
        .unwrap();
    assert_eq!(response.body, "all of it");
}

#[tokio::test]
async fn an_error_response_in_the_middle_of_an_upload_is_the_response() {
    let (over, is_over) = std::sync::mpsc::channel::<()>();
    let is_over = std::sync::Mutex::new(is_over);
    let (origin, pool) = serving(move |stream| {
        let mut some = [0; 100];
        stream.read_exact(&mut some).unwrap();
        stream
            .write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno")
            .unwrap();
        stream.flush().unwrap();
        // Reads nothing more.
        assert!(is_over.lock().unwrap().recv().is_err());
    });
    let payload = OwnedBody::from(vec![1; 32 << 20]);
    let put = OutgoingRequest {
        body: payload.as_body(),
        ..get(b"PUT / HTTP/1.1\r\ncontent-length: 33554432\r\n\r\n")
    };
    let response = read(pool.send_outgoing(&origin, put).await).await.unwrap();
    assert_eq!((response.status, &response.body[..]), (403, &b"no"[..]));
    assert_eq!(pool.idle_pool(&origin).idle(), 0);
    drop(over);
}

#[tokio::test]
async fn strangers_and_those_who_speak_no_tls_are_told_apart() {
    let (origin, _) = serving(|stream| drop(request(stream)));
    let stranger = Pool::trusting(Duration::from_secs(10), RootCertStore::empty());
    let error = stranger.send_outgoing(&origin, get(GET)).await.unwrap_err();
    assert_eq!(error.kind(), WireErrorKind::Certificate, "{error:?}");

    let wrong_name = Arc::new(Origin {
        host: "127.0.0.1".into(),
        ..(*origin).clone()
    });
    let (_, pool) = serving(|stream| drop(request(stream)));
    let error = pool.send_outgoing(&wrong_name, get(GET)).await.unwrap_err();
    assert_eq!(error.kind(), WireErrorKind::Certificate, "{error:?}");

    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = plain.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut tcp, _) = plain.accept().unwrap();
        tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    let origin = Arc::new(Origin {
        port,
        ..(*origin).clone()
    });
    let error = pool.send_outgoing(&origin, get(GET)).await.unwrap_err();
    assert_eq!(error.kind(), WireErrorKind::NotTls, "{error:?}");
}

#[tokio::test]
async fn a_server_that_accepts_and_sends_nothing_times_out() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = Arc::new(Origin::new(
        true,
        "127.0.0.1",
        silent.local_addr().unwrap().port(),
    ));
    let pool = Pool::trusting(Duration::from_millis(30), RootCertStore::empty());
    let error = pool.send_outgoing(&origin, get(GET)).await.unwrap_err();
    assert_eq!(error.kind(), WireErrorKind::ConnectTimeout);
}
