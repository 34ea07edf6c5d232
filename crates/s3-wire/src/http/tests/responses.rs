//! Tests of malformed, truncated and hostile responses.

use bytes::BytesMut;

use super::super::WireErrorKind;
use super::server::{GET, Server, fill, get, pool, ramp, read, script};

async fn outcome(response: &[u8]) -> Result<(u16, Vec<u8>), WireErrorKind> {
    let server = Server::once(response);
    let read = read(pool().send_outgoing(&server.origin, get(GET)).await).await;
    read.map(|read| (read.status, read.body.to_vec()))
        .map_err(|error| error.kind())
}

#[tokio::test]
async fn each_response_is_read_as_it_is_meant_or_rejected() {
    use WireErrorKind::{Closed, Malformed, TooLarge};
    let ok = |body: &[u8]| Ok((200, body.to_vec()));
    let endless = format!("HTTP/1.1 200 OK\r\n{}", "x-a: b\r\n".repeat(20_000));
    let one_endless = format!("HTTP/1.1 200 OK\r\nx-a: {}", "b".repeat(200_000));
    let interim = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(40);
    let blank = b"\r\n".repeat(100_000);
    for (response, expected) in [
        (&b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"[..], ok(b"ok")),
        (b"HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\nok", ok(b"ok")),
        (b"HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok", ok(b"ok")),
        (b"HTTP/1.1 200 OK\ncontent-length: 2\n\nok", ok(b"ok")),
        (b"\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", ok(b"ok")),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", ok(b"until the end")),
        (b"HTTP/1.0 200 OK\r\n\r\n", ok(b"")),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", ok(b"")),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 X\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", ok(b"ok")),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", ok(b"")),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n00\r\nx: y\r\n\r\n", ok(b"ok")),
        (b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno", Ok((404, b"no".to_vec()))),
        // The end comes too early.
        (b"", Err(Closed)),
        (b"HTTP/1.1 200 OK\r\ncontent-le", Err(Closed)),
        (b"HTTP/1.1 100 Continue\r\n\r\n", Err(Closed)),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok", Err(Closed)),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\nok", Err(TooLarge)),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n", Err(Closed)),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\no", Err(Closed)),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffff\r\no", Err(Closed)),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", Err(Closed)),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", Err(Closed)),
        // Not HTTP.
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", Err(Malformed)),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Err(Malformed)),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok", Err(Malformed)),
        (b"HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nok", Err(Malformed)),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nok", Err(Malformed)),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nok\r\n0\r\n\r\n", Err(Malformed)),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n", Err(Malformed)),
        (&interim, Err(Malformed)),
        // Over a limit.
        (endless.as_bytes(), Err(TooLarge)),
        (one_endless.as_bytes(), Err(TooLarge)),
        (&blank, Err(TooLarge)),
    ] {
        let shown = String::from_utf8_lossy(&response[..response.len().min(120)]).into_owned();
        assert_eq!(outcome(response).await, expected, "{shown}");
    }
}

#[tokio::test]
async fn missing_bytes_are_an_error_after_the_bytes_that_arrived() {
    for (head, text) in [
        (
            "content-length: 10",
            "the connection was closed early: 7 bytes of the body are missing",
        ),
        (
            "transfer-encoding: chunked",
            "the connection was closed early: the body's last chunk is missing",
        ),
    ] {
        let start = if head.starts_with('t') { "a\r\n" } else { "" };
        let server = Server::once(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{start}abc"));
        let mut response = pool()
            .send_outgoing(&server.origin, get(GET))
            .await
            .unwrap();
        let mut got = BytesMut::new();
        let error = loop {
            match fill(&mut response.body, &mut got, 100).await {
                Ok(count) => assert_ne!(count, 0),
                Err(error) => break error,
            }
        };
        assert_eq!(
            (got, error.to_string()),
            (BytesMut::from("abc"), text.to_owned())
        );
        // Nothing follows an error.
        assert_eq!(
            fill(&mut response.body, &mut BytesMut::new(), 100)
                .await
                .unwrap(),
            0
        );
    }
}

#[tokio::test]
async fn collecting_has_a_limit() {
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n";
    let length = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789";
    let end = b"HTTP/1.1 200 OK\r\n\r\n0123456789";
    for response in [&chunked[..], length, end] {
        for limit in [0, 9, 10, 11] {
            let server = Server::once(response);
            let mut response = pool()
                .send_outgoing(&server.origin, get(GET))
                .await
                .unwrap();
            match response.body.collect(limit).await {
                Ok(bytes) => assert!(limit >= 10 && bytes == "0123456789", "{limit}"),
                Err(error) => assert!(
                    limit < 10 && error.kind() == WireErrorKind::TooLarge,
                    "{limit} {error}"
                ),
            }
        }
    }
}

#[tokio::test]
async fn long_and_short_chunks_go_into_the_readers_buffer() {
    let data = ramp(400_000);
    let mut sent = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let mut rest = &data[..];
    for size in [1, 100, 8 << 10, 100_000, 3, 200_000].iter().cycle() {
        let (chunk, behind) = rest.split_at(rest.len().min(*size));
        sent.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        sent.extend_from_slice(chunk);
        sent.extend_from_slice(b"\r\n");
        rest = behind;
        if chunk.is_empty() {
            break;
        }
    }
    let server = Server::new(vec![script(move |peer| {
        peer.request();
        peer.say(&sent);
        peer.wait_for_end();
    })]);
    let pool = pool();
    let response = read(pool.send_outgoing(&server.origin, get(GET)).await)
        .await
        .unwrap();
    assert_eq!(response.body, data);
    assert_eq!(pool.idle_pool(&server.origin).idle(), 1);
}

#[tokio::test]
async fn a_buffer_without_room_grows_and_one_with_room_does_not() {
    let server = Server::once(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n0123456789abcdefghij");
    let mut response = pool()
        .send_outgoing(&server.origin, get(GET))
        .await
        .unwrap();
    let mut buffer = BytesMut::with_capacity(64);
    buffer.extend_from_slice(&[b'-'; 60]);
    assert!(fill(&mut response.body, &mut buffer, 100).await.unwrap() <= 4);
    let place = buffer.as_ptr();
    while buffer.len() < 64 {
        fill(&mut response.body, &mut buffer, 1).await.unwrap();
    }
    assert_eq!(buffer.as_ptr(), place);
    while fill(&mut response.body, &mut buffer, 100).await.unwrap() > 0 {}
    assert_eq!(&buffer[60..], b"0123456789abcdefghij");
}
