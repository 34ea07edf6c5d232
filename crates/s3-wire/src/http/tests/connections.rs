//! Tests of connection reuse: which connections return to the pool, and which are closed.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use futures_util::FutureExt;
use tokio::task::coop;

use super::super::{Origin, RequestBody, WireErrorKind};
use super::server::{
    GET, OutgoingRequest, Peer, Server, fill, get, pool, ramp, read, script, until,
};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Responds to each request on this connection and notes the request under `name`.
fn serve(name: &'static str) -> impl FnOnce(&mut Peer) + Send {
    move |peer| {
        while peer.request().is_some() {
            peer.note(name);
            peer.say(OK);
        }
    }
}

#[tokio::test]
async fn a_connection_whose_response_was_read_serves_the_next_request() {
    let server = Server::new(vec![script(serve("first"))]);
    let pool = pool();
    for _ in 0..3 {
        let response = read(pool.send_outgoing(&server.origin, get(GET)).await)
            .await
            .unwrap();
        assert_eq!((response.status, &response.body[..]), (200, &b"ok"[..]));
        assert_eq!(server.noted(), b"first");
    }
    assert_eq!(pool.idle_pool(&server.origin).idle(), 1);
}

#[tokio::test]
async fn a_small_body_is_whole_at_once_and_its_connection_is_free() {
    let server = Server::responding(OK);
    let pool = pool();
    let mut response = pool.send_outgoing(&server.origin, get(GET)).await.unwrap();
    // The head and the body may arrive separately: the body is whole only if they came together.
    if let Some(whole) = response.body.take_whole() {
        assert_eq!(whole, "ok");
        assert_eq!(pool.idle_pool(&server.origin).idle(), 1);
    }
    assert_eq!(response.body.len(), Some(2));
}

#[tokio::test]
async fn two_requests_at_once_use_two_connections() {
    let server = Server::new(vec![script(serve("1")), script(serve("2"))]);
    let pool = pool();
    let both = futures_util::future::join(
        pool.send_outgoing(&server.origin, get(GET)),
        pool.send_outgoing(&server.origin, get(GET)),
    );
    let (one, two) = both.await;
    read(one).await.unwrap();
    read(two).await.unwrap();
    let mut noted = [server.noted(), server.noted()];
    noted.sort();
    assert_eq!(noted, [b"1", b"2"]);
    assert_eq!(pool.idle_pool(&server.origin).idle(), 2);
}

#[tokio::test]
async fn an_idle_connection_that_the_server_closed_is_not_used() {
    let first = script(|peer| {
        peer.request();
        peer.say(OK);
        peer.hang_up();
        peer.note("closed");
    });
    let server = Server::new(vec![first, script(serve("second"))]);
    let pool = pool();
    read(pool.send_outgoing(&server.origin, get(GET)).await)
        .await
        .unwrap();
    assert_eq!(server.noted(), b"closed");
    // Even a request that may not be sent twice succeeds, because the close was noticed before.
    let idle_pool = pool.idle_pool(&server.origin);
    until(|| match idle_pool.check_out() {
        Some(conn) => {
            idle_pool.check_in(conn);
            false
        }
        None => true,
    })
    .await;
    let once = OutgoingRequest {
        idempotent: false,
        ..get(GET)
    };
    read(pool.send_outgoing(&server.origin, once).await)
        .await
        .unwrap();
    assert_eq!(server.noted(), b"second");
}

#[tokio::test]
async fn a_close_is_noticed_by_a_task_with_little_cooperative_budget() {
    let (close, closes) = std::sync::mpsc::channel();
    let first = script(move |peer| {
        peer.request();
        peer.say(OK);
        closes.recv().unwrap();
        peer.hang_up();
    });
    let server = Server::new(vec![first]);
    let pool = pool();
    read(pool.send_outgoing(&server.origin, get(GET)).await)
        .await
        .unwrap();
    let idle_pool = pool.idle_pool(&server.origin);
    let mut conn = idle_pool.check_out().expect("it is open");
    close.send(()).unwrap();
    until(|| !conn.is_quiet()).await;
    idle_pool.check_in(conn);
    // tokio's sockets report "not ready" to a task that has used up its budget, even if they are ready.
    while coop::has_budget_remaining() {
        coop::consume_budget().now_or_never();
    }
    assert!(idle_pool.check_out().is_none());
}

/// Responds to one request, and closes when the next one arrives, without a response.
fn stale(peer: &mut Peer) {
    peer.request();
    peer.say(OK);
    peer.request();
    peer.note("closed on");
    peer.hang_up();
}

#[tokio::test]
async fn a_request_that_met_a_dead_connection_is_sent_once_more() {
    let server = Server::new(vec![script(stale), script(serve("second"))]);
    let pool = pool();
    read(pool.send_outgoing(&server.origin, get(GET)).await)
        .await
        .unwrap();
    let response = read(pool.send_outgoing(&server.origin, get(GET)).await)
        .await
        .unwrap();
    assert_eq!(response.body, "ok");
    assert_eq!(server.noted(), b"closed on");
    assert_eq!(server.noted(), b"second");
}

#[tokio::test]
async fn a_request_that_must_not_be_repeated_is_not() {
    let server = Server::new(vec![script(stale), script(serve("second"))]);
    let pool = pool();
    read(pool.send_outgoing(&server.origin, get(GET)).await)
        .await
        .unwrap();
    let once = OutgoingRequest {
        idempotent: false,
        ..get(GET)
    };
    let error = pool.send_outgoing(&server.origin, once).await.unwrap_err();
    assert_eq!(error.kind(), WireErrorKind::Closed);
}

#[tokio::test]
async fn a_new_connection_that_dies_is_an_error_at_once() {
    let silent = |peer: &mut Peer| {
        peer.request();
        peer.note("silent");
    };
    let server = Server::new(vec![script(silent), script(serve("second"))]);
    let error = pool()
        .send_outgoing(&server.origin, get(GET))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), WireErrorKind::Closed);
    assert_eq!(
        error.to_string(),
        "the connection was closed early: before the response"
    );
}

#[tokio::test]
async fn a_connection_that_died_in_the_middle_of_a_response_is_an_error() {
    let half = |peer: &mut Peer| {
        peer.request();
        peer.say(OK);
        peer.request();
        peer.say(b"HTTP/1.1 200 O");
        peer.hang_up();
    };
    let server = Server::new(vec![script(half), script(serve("second"))]);
    let pool = pool();
    read(pool.send_outgoing(&server.origin, get(GET)).await)
        .await
        .unwrap();
    let error = pool
        .send_outgoing(&server.origin, get(GET))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), WireErrorKind::Closed);
}

#[tokio::test]
async fn responses_after_which_nothing_may_follow_close_the_connection() {
    for (response, kept) in [
        (&b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"[..], 1),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 1),
        (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n", 1),
        (b"HTTP/1.1 503 Slow Down\r\ncontent-length: 2\r\n\r\nok", 1),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 1),
        (b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok", 0),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", 0),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok and more", 0),
        (b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 0),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n", 0),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n!", 0),
    ] {
        let server = Server::responding(response);
        let pool = pool();
        read(pool.send_outgoing(&server.origin, get(GET)).await).await.unwrap();
        let text = String::from_utf8_lossy(response);
        // The bytes after the body may arrive later than the body: then the next use of the connection finds them.
        let idle_pool = pool.idle_pool(&server.origin);
        let idle = || {
            let conn = idle_pool.check_out();
            conn.map_or(0, |conn| {
                idle_pool.check_in(conn);
                1
            })
        };
        until(|| idle() == kept).await;
        assert_eq!(idle(), kept, "{text}");
    }
}

#[tokio::test]
async fn a_response_to_head_has_no_body_whatever_it_says() {
    for (response, header) in [
        (
            &b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"[..],
            ("content-length", "1000"),
        ),
        (
            b"HTTP/1.1 404 No\r\ntransfer-encoding: chunked\r\n\r\n",
            ("transfer-encoding", "chunked"),
        ),
        (b"HTTP/1.1 403 No\r\nx: y\r\n\r\n", ("x", "y")),
    ] {
        let server = Server::responding(response);
        let pool = pool();
        let head = OutgoingRequest {
            response_has_body: false,
            ..get(b"HEAD / HTTP/1.1\r\n\r\n")
        };
        let response = read(pool.send_outgoing(&server.origin, head).await)
            .await
            .unwrap();
        assert_eq!(
            response.headers,
            [(header.0.to_owned(), header.1.to_owned())]
        );
        assert_eq!(response.body, "");
        assert_eq!(pool.idle_pool(&server.origin).idle(), 1);
    }
}

#[tokio::test]
async fn an_unread_body_closes_its_connection_when_it_is_dropped() {
    let server = Server::new(vec![script(|peer| {
        peer.request();
        peer.say(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n");
        peer.say(&[0; 50_000]);
        peer.wait_for_end();
        peer.note("closed");
    })]);
    let pool = pool();
    let mut response = pool.send_outgoing(&server.origin, get(GET)).await.unwrap();
    let mut some = BytesMut::new();
    assert!(fill(&mut response.body, &mut some, 1000).await.unwrap() > 0);
    drop(response);
    assert_eq!(server.noted(), b"closed");
    assert_eq!(pool.idle_pool(&server.origin).idle(), 0);
}

#[tokio::test]
async fn a_body_read_to_its_end_frees_the_connection_before_it_is_dropped() {
    let size = 300_000;
    let server = Server::new(vec![script(move |peer| {
        peer.request();
        peer.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n").as_bytes());
        peer.say(&ramp(size));
        peer.wait_for_end();
    })]);
    let pool = pool();
    let mut response = pool.send_outgoing(&server.origin, get(GET)).await.unwrap();
    assert_eq!(response.body.len(), Some(size as u64));
    assert_eq!(response.body.take_whole(), None);
    let mut all = BytesMut::with_capacity(size);
    while all.len() < size {
        assert_eq!(pool.idle_pool(&server.origin).idle(), 0);
        assert!(fill(&mut response.body, &mut all, 70_000).await.unwrap() <= 70_000);
    }
    assert_eq!(pool.idle_pool(&server.origin).idle(), 1);
    assert_eq!(all, ramp(size));
    assert_eq!(fill(&mut response.body, &mut all, 1).await.unwrap(), 0);
}

#[tokio::test]
async fn a_request_that_is_dropped_while_it_waits_closes_its_connection() {
    let server = Server::new(vec![script(|peer| {
        peer.request();
        peer.note("asked");
        peer.wait_for_end();
        peer.note("closed");
    })]);
    let pool = pool();
    {
        let mut sending = std::pin::pin!(pool.send_outgoing(&server.origin, get(GET)));
        tokio::select! {
            _ = &mut sending => panic!("the server did not respond"),
            () = until(|| server.notes() == 1) => {}
        }
    }
    assert_eq!(server.noted(), b"asked");
    assert_eq!(server.noted(), b"closed");
    assert_eq!(pool.idle_pool(&server.origin).idle(), 0);
}

#[tokio::test]
async fn connections_that_were_idle_for_long_are_closed() {
    let server = Server::new(vec![script(serve("first")), script(serve("second"))]);
    let pool = pool();
    read(pool.send_outgoing(&server.origin, get(GET)).await)
        .await
        .unwrap();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(19)).await;
    tokio::time::resume();
    read(pool.send_outgoing(&server.origin, get(GET)).await)
        .await
        .unwrap();
    assert_eq!(
        (server.noted(), server.noted()),
        (b"first".to_vec(), b"first".to_vec())
    );
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(21)).await;
    tokio::time::resume();
    read(pool.send_outgoing(&server.origin, get(GET)).await)
        .await
        .unwrap();
    assert_eq!(server.noted(), b"second");
    assert_eq!(pool.idle_pool(&server.origin).idle(), 1);
}

#[test]
fn each_runtime_uses_its_own_connections() {
    let server = Server::new(vec![script(serve("first")), script(serve("second"))]);
    let pool = pool();
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let (one, two) = (runtime(), runtime());
    let ask = || async {
        read(pool.send_outgoing(&server.origin, get(GET)).await)
            .await
            .unwrap()
    };
    for (runtime, name) in [
        (&one, "first"),
        (&two, "second"),
        (&one, "first"),
        (&two, "second"),
    ] {
        runtime.block_on(ask());
        assert_eq!(server.noted(), name.as_bytes());
    }
}

#[test]
fn a_connection_of_an_ended_runtime_is_not_used() {
    let server = Server::new(vec![script(serve("first"))]);
    let pool = pool();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let idle_pool = runtime.block_on(async {
        read(pool.send_outgoing(&server.origin, get(GET)).await)
            .await
            .unwrap();
        pool.idle_pool(&server.origin)
    });
    drop(runtime);
    let mut conn = idle_pool.check_out();
    assert!(
        conn.is_none(),
        "{}",
        conn.as_mut().is_some_and(|conn| conn.is_quiet())
    );
}

#[tokio::test]
async fn an_unreachable_server_is_a_connect_or_resolve_error() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    for (host, kind) in [
        ("127.0.0.1", WireErrorKind::Connect),
        ("no-such-host.invalid", WireErrorKind::Resolve),
    ] {
        let origin = Arc::new(Origin::new(false, host, port));
        let error = pool().send_outgoing(&origin, get(GET)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
}

#[test]
fn the_future_of_a_request_is_send_and_small() {
    fn sent<T: Send>(_: &T) {}
    let pool = pool();
    let origin = Arc::new(Origin::new(false, "h", 80));
    let request = OutgoingRequest {
        body: RequestBody::Empty,
        ..get(GET)
    };
    let request = request.request();
    let future = pool.send(&origin, GET, &request);
    sent(&future);
    let size = std::mem::size_of_val(&future);
    assert!(size <= 1536, "the future of one request takes {size} bytes");
}
