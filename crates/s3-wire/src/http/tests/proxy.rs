//! Tests of requests through an HTTP proxy.

use std::sync::Arc;
use std::time::Duration;

use super::super::{Origin, Pool, Proxy};
use super::server::{GET, Server, get, read, script};

fn through(proxy: &Origin, tls: bool, origin: (bool, &str, u16)) -> Arc<Origin> {
    let proxy = Proxy {
        tls,
        host: proxy.host.clone(),
        port: proxy.port,
        authorization: Some("Basic dTpw".into()),
    };
    let mut origin = Origin::new(origin.0, origin.1, origin.2);
    origin.proxy = Some(Arc::new(proxy));
    Arc::new(origin)
}

#[tokio::test]
async fn a_request_to_a_plain_origin_has_an_absolute_url_and_the_authorization() {
    let server = Server::new(vec![script(|peer| {
        while let Some(head) = peer.request() {
            peer.note(head);
            peer.say(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
        }
    })]);
    let pool = Pool::new(Duration::from_secs(10));
    for (host, port, line) in [
        ("store.invalid", 80, "http://store.invalid/bucket/key"),
        (
            "store.invalid",
            9000,
            "http://store.invalid:9000/bucket/key",
        ),
        ("::1", 80, "http://[::1]/bucket/key"),
    ] {
        let origin = through(&server.origin, false, (false, host, port));
        if port == 80 && host == "store.invalid" {
            let response = read(pool.send_outgoing(&origin, get(GET)).await);
            assert_eq!(response.await.unwrap().body, "hello");
            let head = String::from_utf8(server.noted()).unwrap();
            let expected = format!(
                "GET {line} HTTP/1.1\r\nproxy-authorization: Basic dTpw\r\nhost: h\r\n\r\n"
            );
            assert_eq!(head, expected);
            assert_eq!(pool.idle_pool(&origin).idle(), 1);
        }
        let proxy = origin.proxy.as_ref().unwrap();
        let head = String::from_utf8(proxy.absolute(&origin, GET)).unwrap();
        assert!(
            head.starts_with(&format!("GET {line} HTTP/1.1\r\n")),
            "{head}"
        );
    }
}

#[cfg(feature = "https")]
mod tunnel {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use tokio_rustls::rustls::{RootCertStore, ServerConnection, StreamOwned};

    use super::super::super::WireErrorKind;
    use super::super::tls::{identity, request};
    use super::*;

    /// Reads a `CONNECT` request and returns its head.
    fn connect(stream: &mut (impl Read + Write)) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        stream.flush().unwrap();
        String::from_utf8(head).unwrap()
    }

    /// Serves TLS over a connection of the proxy.
    fn serve(mut stream: StreamOwned<ServerConnection, impl Read + Write>) {
        while request(&mut stream).is_some() {
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
            stream.write_all(head).unwrap();
            stream.flush().unwrap();
        }
    }

    #[tokio::test]
    async fn an_encrypted_origin_is_reached_through_plain_and_encrypted_proxies() {
        for is_encrypted in [false, true] {
            let (config, roots) = identity();
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let proxying = thread::spawn(move || {
                let (mut tcp, _) = listener.accept().unwrap();
                let session = || ServerConnection::new(Arc::clone(&config)).unwrap();
                if is_encrypted {
                    let mut outer = StreamOwned::new(session(), tcp);
                    let head = connect(&mut outer);
                    serve(StreamOwned::new(session(), outer));
                    return head;
                }
                let head = connect(&mut tcp);
                serve(StreamOwned::new(session(), tcp));
                head
            });
            let proxy = Origin::new(false, "localhost", port);
            let origin = through(&proxy, is_encrypted, (true, "localhost", 443));
            let pool = Pool::trusting(Duration::from_secs(10), roots);
            for _ in 0..2 {
                let response = read(pool.send_outgoing(&origin, get(GET)).await);
                assert_eq!(response.await.unwrap().body, "hello");
                assert_eq!(pool.idle_pool(&origin).idle(), 1);
            }
            drop(pool);
            let head = "CONNECT localhost:443 HTTP/1.1\r\nhost: localhost:443\r\n\
                        proxy-authorization: Basic dTpw\r\n\r\n";
            assert_eq!(proxying.join().unwrap(), head);
        }
    }

    #[tokio::test]
    async fn the_error_of_a_proxy_that_does_not_connect_has_the_reason() {
        for (response, kind, words) in [
            (
                "HTTP/1.1 407 Who\r\nproxy-authenticate: Basic realm=\"corp\"\r\n\r\n",
                WireErrorKind::Proxy,
                "status 407, and wants to know who asks by Basic realm=\"corp\"",
            ),
            (
                "HTTP/1.1 403 No\r\n\r\n",
                WireErrorKind::Proxy,
                "status 403",
            ),
            (
                "HTTP/1.1 302 Log in\r\nlocation: http://login.invalid/\r\ncontent-length: 0\r\n\r\n",
                WireErrorKind::Proxy,
                "status 302, and redirects to http://login.invalid/",
            ),
            (
                "HTTP/1.1 502 Bad\r\ncontent-length: 0\r\n\r\n",
                WireErrorKind::Connect,
                "status 502",
            ),
            (
                "HTTP/1.1 200 OK\r\n\r\nhello",
                WireErrorKind::Malformed,
                "before the TLS handshake",
            ),
            ("SSH-2.0-OpenSSH\r\n\r\n", WireErrorKind::Malformed, "SSH"),
            ("", WireErrorKind::Closed, "before the response"),
        ] {
            for is_sent in [true, false] {
                let server = Server::once(response);
                let origin = through(&server.origin, false, (true, "store.invalid", 443));
                let pool = Pool::trusting(Duration::from_secs(10), RootCertStore::empty());
                let connected = match is_sent {
                    true => pool.send_outgoing(&origin, get(GET)).await.map(drop),
                    false => pool.try_connect(&origin).await,
                };
                let error = connected.unwrap_err();
                assert_eq!(error.kind(), kind, "{error}");
                let text = error.to_string();
                let place = format!("through the proxy http://127.0.0.1:{}", server.origin.port);
                assert!(text.contains(words) && text.contains(&place), "{text}");
            }
        }
    }
}
