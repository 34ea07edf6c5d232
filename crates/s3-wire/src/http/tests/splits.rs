//! Tests of responses split at any byte: the result is the same, and arbitrary bytes never panic the reader.

use std::time::Duration;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::super::{Origin, WireErrorKind};
use super::server::{GET, Received, get, pool, read};

/// Sends `response` in pieces that end at `cuts`, each seen by the reader before the next is sent.
async fn received(response: &[u8], cuts: &[usize]) -> Result<Received, WireErrorKind> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let origin = Origin::new(false, "127.0.0.1", port);
    let origin = std::sync::Arc::new(origin);
    let serve = async {
        let (mut tcp, _) = listener.accept().await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let mut request = vec![0; GET.len()];
        tcp.read_exact(&mut request).await.unwrap();
        let mut from = 0;
        for to in cuts.iter().copied().chain([response.len()]) {
            // The reader may have failed already.
            if tcp.write_all(&response[from..to]).await.is_err() {
                return;
            }
            from = to;
            // The reader runs on the same thread: it has read the piece when this task runs again.
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
        }
        let _ = tcp.shutdown().await;
        // Closing with unread bytes would discard the response.
        let _ = tcp.read(&mut [0; 1]).await;
    };
    let ask = async {
        let pool = pool();
        let outcome = read(pool.send_outgoing(&origin, get(GET)).await).await;
        drop(pool);
        outcome.map_err(|error| error.kind())
    };
    let both = futures_util::future::join(ask, serve);
    let timed = tokio::time::timeout(Duration::from_secs(20), both).await;
    timed.expect("neither side hangs").0
}

const RESPONSES: [&[u8]; 7] = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\netag: \"e\"\r\n\r\nhello world",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\ncontent-length: 2\r\nx: y\r\n\r\nno",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nx: y\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nx-a: \x01\r\ncontent-length: 2\r\n\r\nhi",
    b"HTTP/1.1 200 OK\r\nx-a: b\r\n continued\r\ncontent-length: 2\r\n\r\nhi",
    b"HTTP/1.1 200 OK\nx-a: \x01\ncontent-length: 2\n\nhi",
    b"HTTP/1.1 200 OK\r\nx: caf\xe9\r\n\r\nuntil the end",
];

#[tokio::test]
async fn a_response_cut_in_two_anywhere_is_the_same_response() {
    for response in RESPONSES {
        let whole = received(response, &[]).await.unwrap();
        for cut in 1..response.len() {
            assert_eq!(received(response, &[cut]).await.unwrap(), whole, "{cut}");
        }
        let every_byte: Vec<_> = (1..response.len()).collect();
        assert_eq!(received(response, &every_byte).await.unwrap(), whole);
    }
}

#[tokio::test]
async fn a_response_that_stops_anywhere_is_an_error() {
    for response in &RESPONSES[..6] {
        for end in 0..response.len() {
            assert_eq!(
                received(&response[..end], &[]).await,
                Err(WireErrorKind::Closed),
                "{end}"
            );
        }
    }
}

fn run<Out>(future: impl Future<Output = Out>) -> Out {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(future)
}

/// A response with a body of up to 20 KB, framed in one of the three ways; with its status and body.
fn any_response() -> impl Strategy<Value = (Vec<u8>, u16, Vec<u8>)> {
    let status = prop_oneof![200_u16..204, 205_u16..304, 400_u16..600];
    let body = prop::collection::vec(any::<u8>(), 0..20_000);
    let headers = prop::collection::vec(("x-[a-z]{1,8}", "[ -~]{0,30}"), 0..20);
    (status, body, headers, 0..3_u8, 1..5_000_usize).prop_map(
        |(status, body, headers, framing, chunk)| {
            let mut bytes = format!("HTTP/1.1 {status} Words\r\n").into_bytes();
            for (name, value) in headers {
                bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
            }
            match framing {
                0 => bytes.extend_from_slice(
                    format!("content-length: {}\r\n\r\n", body.len()).as_bytes(),
                ),
                1 => {
                    bytes.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
                    for chunk in body.chunks(chunk).chain([&[][..]]) {
                        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                        bytes.extend_from_slice(chunk);
                        bytes.extend_from_slice(b"\r\n");
                    }
                }
                _ => bytes.extend_from_slice(b"connection: close\r\n\r\n"),
            }
            bytes.extend_from_slice(if framing == 2 { &body[..] } else { b"" });
            if framing == 0 {
                bytes.extend_from_slice(&body);
            }
            (bytes, status, body)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_response_in_any_pieces_is_the_same_response(
        (bytes, status, body) in any_response(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        let (whole, pieces) = run(async { (received(&bytes, &[]).await, received(&bytes, &cuts).await) });
        let whole = whole.unwrap();
        prop_assert_eq!(whole.status, status);
        prop_assert_eq!(&whole.body[..], &body[..]);
        prop_assert_eq!(pieces.unwrap(), whole);
    }

    #[test]
    fn arbitrary_bytes_end_in_a_response_or_an_error(
        start in prop::sample::select(vec![
            &b""[..], b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"HTTP/1.1 ",
        ]),
        noise in prop::collection::vec(
            prop_oneof![any::<u8>(), prop::sample::select(b"\r\n:;0123af HTTP/1.".to_vec())], 0..300),
    ) {
        let bytes = [start, &noise[..]].concat();
        // Either a response or an error; the reader must end without a panic.
        let _ = run(received(&bytes, &[]));
    }
}
