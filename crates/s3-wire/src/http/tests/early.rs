//! Tests of responses that arrive before the end of the request.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use crc_fast::CrcAlgorithm;

use super::super::{ChecksumTrailer, WireErrorKind, trailer_len};
use super::server::{
    OutgoingRequest, OwnedBody, Peer, Server, get, pool, ramp, read, script, until,
};

const BIG: usize = 64 << 20;
const SLOW_DOWN: &[u8] = b"HTTP/1.1 503 Slow Down\r\ncontent-length: 4\r\n\r\nslow";

fn head_of(len: u64, more: &str) -> Vec<u8> {
    format!("PUT / HTTP/1.1\r\nhost: h\r\ncontent-length: {len}\r\n{more}\r\n").into_bytes()
}

fn big_file() -> OwnedBody {
    let mut file = tempfile::tempfile().unwrap();
    file.set_len(BIG as u64).unwrap();
    file.flush().unwrap();
    OwnedBody::of_file(file, 0, BIG as u64)
}

fn big_memory() -> OwnedBody {
    let chunk = Bytes::from(vec![7; 1 << 20]);
    OwnedBody::Buffers(vec![chunk; BIG >> 20])
}

/// Sends an error response when the head has arrived, and reads nothing more while the client could still be writing.
fn rejecting(peer: &mut Peer) {
    peer.request();
    peer.say(SLOW_DOWN);
    peer.wait_for_end();
    peer.note("closed");
}

/// Sends an error response and closes at once, with bytes unread: the client's writes fail.
fn slamming(peer: &mut Peer) {
    peer.request();
    peer.say(SLOW_DOWN);
    peer.hang_up();
}

#[tokio::test]
async fn an_error_response_in_the_middle_of_an_upload_is_the_response() {
    for payload in [big_file(), big_memory()] {
        for close in [false, true] {
            for framed in [false, true] {
                let first = if close {
                    script(slamming)
                } else {
                    script(rejecting)
                };
                let server = Server::new(vec![first]);
                let trailer = framed.then_some(ChecksumTrailer {
                    algorithm: CrcAlgorithm::Crc32IsoHdlc,
                    name: "x-amz-checksum-crc32",
                });
                let len =
                    trailer.map_or(payload.len(), |trailer| trailer_len(payload.len(), trailer));
                let head = head_of(len, "");
                let put = OutgoingRequest {
                    body: payload.as_body(),
                    trailer,
                    ..get(&head)
                };
                let pool = pool();
                let response = read(pool.send_outgoing(&server.origin, put).await)
                    .await
                    .unwrap();
                assert_eq!((response.status, &response.body[..]), (503, &b"slow"[..]));
                assert_eq!(pool.idle_pool(&server.origin).idle(), 0);
                if !close {
                    assert_eq!(server.noted(), b"closed");
                }
            }
        }
    }
}

#[tokio::test]
async fn an_unrequested_continue_does_not_end_the_upload() {
    let server = Server::new(vec![script(|peer| {
        peer.request();
        peer.say(b"HTTP/1.1 100 Continue\r\n\r\n");
        let body = peer.body(BIG);
        peer.note(body.len().to_string());
        peer.say(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        peer.wait_for_end();
    })]);
    let payload = big_memory();
    let head = head_of(payload.len(), "");
    let put = OutgoingRequest {
        body: payload.as_body(),
        ..get(&head)
    };
    let pool = pool();
    assert_eq!(
        read(pool.send_outgoing(&server.origin, put).await)
            .await
            .unwrap()
            .status,
        200
    );
    assert_eq!(server.noted(), BIG.to_string().into_bytes());
    assert_eq!(pool.idle_pool(&server.origin).idle(), 1);
}

#[tokio::test]
async fn a_success_before_the_end_counts_only_with_all_of_the_body() {
    let early = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let server = Server::new(vec![
        script(move |peer| {
            peer.request();
            peer.say(early);
            let body = peer.body(BIG);
            peer.note(body.len().to_string());
            peer.wait_for_end();
        }),
        script(move |peer| {
            peer.request();
            peer.say(early);
            peer.body(1 << 20);
            peer.hang_up();
        }),
    ]);
    let payload = big_memory();
    let put = || OutgoingRequest {
        body: payload.as_body(),
        idempotent: false,
        ..get(b"PUT / HTTP/1.1\r\n\r\n")
    };
    let pool = pool();
    assert_eq!(
        read(pool.send_outgoing(&server.origin, put()).await)
            .await
            .unwrap()
            .status,
        200
    );
    assert_eq!(server.noted(), BIG.to_string().into_bytes());
    assert_eq!(pool.idle_pool(&server.origin).idle(), 0);
    let error = pool.send_outgoing(&server.origin, put()).await.unwrap_err();
    assert_eq!(error.kind(), WireErrorKind::Io);
}

#[tokio::test]
async fn a_body_with_expect_is_sent_after_continue_and_not_after_an_error() {
    let expect = "expect: 100-continue\r\n";
    let payload = OwnedBody::from(ramp(1000));
    let head = head_of(1000, expect);
    let put = || OutgoingRequest {
        body: payload.as_body(),
        ..get(&head)
    };
    let server = Server::new(vec![
        script(|peer| {
            peer.request();
            peer.note("asked");
            peer.say(b"HTTP/1.1 100 Continue\r\n\r\n");
            let body = peer.body(1000);
            peer.note(body);
            peer.say(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }),
        script(|peer| {
            peer.request();
            peer.say(b"HTTP/1.1 307 Elsewhere\r\ncontent-length: 0\r\n\r\n");
            let body = peer.body(1);
            peer.note(body);
        }),
    ]);
    let pool = pool();
    assert_eq!(
        read(pool.send_outgoing(&server.origin, put()).await)
            .await
            .unwrap()
            .status,
        200
    );
    assert_eq!(server.noted(), b"asked");
    assert_eq!(server.noted(), ramp(1000));
    assert_eq!(
        read(pool.send_outgoing(&server.origin, put()).await)
            .await
            .unwrap()
            .status,
        307
    );
    assert_eq!(server.noted(), b"");
    assert_eq!(pool.idle_pool(&server.origin).idle(), 0);
}

#[tokio::test]
async fn a_body_with_expect_is_sent_to_a_server_that_does_not_respond() {
    let server = Server::new(vec![script(|peer| {
        peer.request();
        let body = peer.body(10);
        peer.note(body);
        peer.say(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    })]);
    let payload = OwnedBody::from(ramp(10));
    let head = head_of(10, "expect: 100-continue\r\n");
    let put = OutgoingRequest {
        body: payload.as_body(),
        ..get(&head)
    };
    assert_eq!(
        read(pool().send_outgoing(&server.origin, put).await)
            .await
            .unwrap()
            .status,
        200
    );
    assert_eq!(server.noted(), ramp(10));
}

#[tokio::test]
async fn an_upload_that_is_dropped_halfway_closes_its_connection() {
    for payload in [big_file(), big_memory()] {
        let server = Server::new(vec![script(|peer| {
            peer.request();
            peer.body(1 << 20);
            peer.note("some");
            std::thread::sleep(Duration::from_millis(20));
            peer.wait_for_end();
            peer.note("closed");
        })]);
        let pool = pool();
        {
            let head = head_of(payload.len() + 1, "");
            let put = OutgoingRequest {
                body: payload.as_body(),
                ..get(&head)
            };
            let mut sending = std::pin::pin!(pool.send_outgoing(&server.origin, put));
            tokio::select! {
                _ = &mut sending => panic!("the server did not respond"),
                () = until(|| server.notes() == 1) => {}
            }
        }
        assert_eq!(server.noted(), b"some");
        assert_eq!(server.noted(), b"closed");
        assert_eq!(pool.idle_pool(&server.origin).idle(), 0);
    }
}
