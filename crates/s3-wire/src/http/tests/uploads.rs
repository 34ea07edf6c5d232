//! Tests of request bodies, as the server receives them: buffers, files and checksum trailers.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use crc_fast::CrcAlgorithm;

use super::super::{ChecksumTrailer, WireErrorKind, trailer_len};
use super::server::{OutgoingRequest, OwnedBody, Peer, Server, get, pool, ramp, read, script};

const NAME: &str = "x-amz-checksum-crc64nvme";
const SIZES: [usize; 9] = [
    0,
    1,
    4096,
    65_536,
    65_537,
    524_288,
    524_289,
    1_100_000,
    3 << 20,
];

fn head_of(len: u64) -> Vec<u8> {
    format!("PUT /bucket/key HTTP/1.1\r\nhost: h\r\ncontent-length: {len}\r\n\r\n").into_bytes()
}

fn length_of(head: &[u8]) -> usize {
    let text = std::str::from_utf8(head).unwrap();
    let (_, rest) = text.split_once("content-length: ").unwrap();
    rest.split_once('\r').unwrap().0.parse().unwrap()
}

/// Receives uploads one after the other and notes their bodies.
fn taking(peer: &mut Peer) {
    while let Some(head) = peer.request() {
        let body = peer.body(length_of(&head));
        peer.note(body);
        peer.say(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    }
}

fn in_memory(bytes: &[u8]) -> OwnedBody {
    OwnedBody::Buffers(bytes.chunks(300_000).map(Bytes::copy_from_slice).collect())
}

/// Creates a file with ten other bytes before `bytes`.
fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"0123456789").unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn in_file(bytes: &[u8]) -> OwnedBody {
    OwnedBody::of_file(file_of(bytes), 10, bytes.len() as u64)
}

fn in_version_of_file(bytes: &[u8]) -> OwnedBody {
    OwnedBody::of_version(file_of(bytes), 10, bytes.len() as u64)
}

/// Decodes the chunks, strictly by the rules.
fn decoded(mut bytes: &[u8]) -> (Vec<u8>, String) {
    let mut data = Vec::new();
    loop {
        let line = memchr::memmem::find(bytes, b"\r\n").unwrap();
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..line]).unwrap(), 16).unwrap();
        bytes = &bytes[line + 2..];
        if size == 0 {
            return (data, String::from_utf8(bytes.to_vec()).unwrap());
        }
        data.extend_from_slice(&bytes[..size]);
        assert_eq!(&bytes[size..size + 2], b"\r\n");
        bytes = &bytes[size + 2..];
    }
}

async fn every_size_arrives(blocking_io: bool) {
    let server = Server::new(vec![script(taking)]);
    let pool = pool();
    for size in SIZES {
        let bytes = ramp(size);
        for payload in [
            in_memory(&bytes),
            in_file(&bytes),
            in_version_of_file(&bytes),
        ] {
            let sent = AtomicU64::new(0);
            let head = head_of(payload.len());
            let plain = OutgoingRequest {
                body: payload.as_body(),
                sent_bytes: Some(&sent),
                blocking_io,
                ..get(&head)
            };
            read(pool.send_outgoing(&server.origin, plain).await)
                .await
                .unwrap();
            assert!(server.noted() == bytes, "{payload:?}");
            let mut left = head.len() as u64 + payload.len();
            assert_eq!(sent.load(Ordering::Relaxed), left, "{payload:?}");

            let trailer = ChecksumTrailer {
                algorithm: CrcAlgorithm::Crc64Nvme,
                name: NAME,
            };
            let len = trailer_len(payload.len(), trailer);
            let head = head_of(len);
            let framed = OutgoingRequest {
                head: &head,
                trailer: Some(trailer),
                ..plain
            };
            read(pool.send_outgoing(&server.origin, framed).await)
                .await
                .unwrap();
            left += (head.len() as u64) + len;
            assert_eq!(sent.load(Ordering::Relaxed), left, "{payload:?}");
            let (data, trailing) = decoded(&server.noted());
            assert!(data == bytes, "{payload:?}");
            let crc = crc_fast::checksum(trailer.algorithm, &bytes).to_be_bytes();
            let crc = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, crc);
            assert_eq!(trailing, format!("{NAME}:{crc}\r\n\r\n"));
        }
    }
    assert_eq!(pool.idle_pool(&server.origin).idle(), 1);
}

#[tokio::test]
async fn every_kind_and_size_of_payload_arrives_as_it_is() {
    every_size_arrives(false).await;
}

#[tokio::test]
async fn a_thread_that_may_block_sends_the_same() {
    every_size_arrives(true).await;
}

#[tokio::test]
async fn a_file_that_sendfile_does_not_take_is_read_instead() {
    let server = Server::new(vec![script(taking)]);
    // The kernel generates this file as it is read, and its length is 0, so sendfile does not accept it.
    let Ok(file) = File::open("/proc/kallsyms") else {
        return;
    };
    let mut expected = vec![0; 100_000];
    FileExt::read_exact_at(&file, &mut expected, 0).unwrap();
    let payload = OwnedBody::of_file(file, 0, 100_000);
    let head = head_of(payload.len());
    let put = OutgoingRequest {
        body: payload.as_body(),
        blocking_io: true,
        ..get(&head)
    };
    read(pool().send_outgoing(&server.origin, put).await)
        .await
        .unwrap();
    assert_eq!(server.noted(), expected);
}

#[tokio::test]
async fn a_small_body_leaves_with_its_head_in_one_piece() {
    // One read sees both, because they were written at once.
    let server = Server::new(vec![script(|peer| {
        let mut buffer = vec![0; 100_000];
        let count = std::io::Read::read(&mut peer.tcp, &mut buffer).unwrap();
        peer.note(&buffer[..count]);
        peer.say(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    })]);
    let payload = in_file(&ramp(4096));
    let head = head_of(4096);
    let put = OutgoingRequest {
        body: payload.as_body(),
        ..get(&head)
    };
    read(pool().send_outgoing(&server.origin, put).await)
        .await
        .unwrap();
    assert_eq!(server.noted(), [head, ramp(4096)].concat());
}

#[tokio::test]
async fn a_file_that_became_shorter_fails_the_upload_and_closes_the_connection() {
    a_file_is_too_short(false).await;
}

#[tokio::test]
async fn sendfile_notices_a_file_that_became_shorter() {
    a_file_is_too_short(true).await;
}

async fn a_file_is_too_short(blocking_io: bool) {
    for size in [100, 3 << 20] {
        let server = Server::new(vec![script(|peer| {
            peer.wait_for_end();
            peer.note("closed");
        })]);
        let file: File = tempfile::tempfile().unwrap();
        file.set_len(size - 1).unwrap();
        let payload = OwnedBody::of_file(file, 0, size);
        let head = head_of(size);
        let put = OutgoingRequest {
            body: payload.as_body(),
            blocking_io,
            ..get(&head)
        };
        let pool = pool();
        let error = pool.send_outgoing(&server.origin, put).await.unwrap_err();
        assert_eq!(error.kind(), WireErrorKind::Payload);
        assert_eq!(
            error.io_error().unwrap().kind(),
            std::io::ErrorKind::UnexpectedEof
        );
        assert_eq!(server.noted(), b"closed");
        assert_eq!(pool.idle_pool(&server.origin).idle(), 0);
    }
}

#[tokio::test]
async fn a_file_that_was_changed_fails_the_upload_before_its_last_byte() {
    a_file_was_changed(false).await;
}

#[tokio::test]
async fn sendfile_holds_back_the_last_bytes_of_a_file_that_was_changed() {
    a_file_was_changed(true).await;
}

async fn a_file_was_changed(blocking_io: bool) {
    let trailer = ChecksumTrailer {
        algorithm: CrcAlgorithm::Crc64Nvme,
        name: NAME,
    };
    for trailer in [None, Some(trailer)] {
        for size in [100, 3 << 20] {
            let server = Server::new(vec![script(|peer| {
                let mut received = Vec::new();
                let _ = std::io::Read::read_to_end(&mut peer.tcp, &mut received);
                peer.note(received.len().to_string());
            })]);
            let payload = in_version_of_file(&ramp(size));
            if let OwnedBody::File { file, .. } = &payload {
                let size = file.metadata().unwrap().len();
                file.write_all_at(b"x", size - 1).unwrap();
                file.set_modified(std::time::UNIX_EPOCH).unwrap();
            }
            let len = trailer.map_or(payload.len(), |trailer| trailer_len(payload.len(), trailer));
            let head = head_of(len);
            let put = OutgoingRequest {
                body: payload.as_body(),
                trailer,
                blocking_io,
                ..get(&head)
            };
            let pool = pool();
            let error = pool.send_outgoing(&server.origin, put).await.unwrap_err();
            assert_eq!(error.kind(), WireErrorKind::Payload);
            let received: u64 = String::from_utf8(server.noted().clone())
                .unwrap()
                .parse()
                .unwrap();
            assert!(received < head.len() as u64 + len, "{received} of {len}");
            assert_eq!(pool.idle_pool(&server.origin).idle(), 0);
        }
    }
}

async fn a_file_is_not_to_be_read(blocking_io: bool) {
    let server = Server::new(vec![script(|peer| peer.wait_for_end())]);
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(3 << 20).unwrap();
    let for_writing = File::options().write(true).open(file.path()).unwrap();
    let payload = OwnedBody::of_file(for_writing, 0, 3 << 20);
    let head = head_of(payload.len());
    let put = OutgoingRequest {
        body: payload.as_body(),
        blocking_io,
        ..get(&head)
    };
    let error = pool().send_outgoing(&server.origin, put).await.unwrap_err();
    assert_eq!(error.kind(), WireErrorKind::Payload, "{error:?}");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_a_payload_error() {
    a_file_is_not_to_be_read(false).await;
}

#[tokio::test]
async fn a_file_that_sendfile_cannot_read_is_a_payload_error() {
    a_file_is_not_to_be_read(true).await;
}
