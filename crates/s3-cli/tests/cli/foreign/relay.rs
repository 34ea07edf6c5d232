//! [`Relay`]: a TCP relay in front of a server, which logs requests and holds some of them.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

/// How long a test waits for a request.
const LIMIT: Duration = Duration::from_secs(60);

/// A relay on 127.0.0.1 that logs request lines and holds those that a test names.
///
/// Clients send one request after the other on a connection, so that each begins with a read of its own.
pub(super) struct Relay {
    pub(super) endpoint: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<String>,
    hold: Option<Hold>,
    /// Held requests, and requests whose responses are held.
    held: usize,
    /// Counts the holds that have ended.
    ended: usize,
    forwards_held: bool,
}

/// Which requests are held.
struct Hold {
    matches: fn(&str) -> bool,
    /// How many of them are forwarded first.
    passing: usize,
    /// Whether the server receives a held request, and only its response is held.
    responses: bool,
}

/// The action of a connection on a request.
enum Decision {
    Forward,
    HoldResponse,
    Close,
}

impl Relay {
    pub(super) fn start(endpoint: &str) -> Self {
        let target = endpoint.strip_prefix("http://").expect("plain HTTP");
        let target = target.trim_end_matches('/').to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared::default());
        let relay = Self {
            endpoint: format!("http://{address}"),
            shared: Arc::clone(&shared),
        };
        // It lives as long as the process.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (shared, target) = (Arc::clone(&shared), target.clone());
                thread::spawn(move || _ = serve(&client, &target, &shared));
            }
        });
        relay
    }

    /// Returns how many different requests have arrived, held ones included.
    pub(super) fn different(&self, matches: fn(&str) -> bool) -> usize {
        let state = self.shared.lock();
        let lines = state.lines.iter().filter(|line| matches(line));
        lines.collect::<HashSet<_>>().len()
    }

    /// Empties the log.
    pub(super) fn clear(&self) {
        self.shared.lock().lines.clear();
    }

    /// Forwards this number of matching requests, and holds those after them.
    pub(super) fn hold_after(&self, passing: usize, matches: fn(&str) -> bool) {
        self.shared.hold(Hold {
            matches,
            passing,
            responses: false,
        });
    }

    /// Forwards the matching requests and holds their responses.
    pub(super) fn hold_responses(&self, matches: fn(&str) -> bool) {
        self.shared.hold(Hold {
            matches,
            passing: 0,
            responses: true,
        });
    }

    /// Waits until a request or a response is held.
    pub(super) fn wait_until_held(&self) {
        let state = self.shared.lock();
        let waited = self
            .shared
            .changed
            .wait_timeout_while(state, LIMIT, |state| state.held == 0);
        let (state, timeout) = waited.expect("no thread panics");
        assert!(!timeout.timed_out(), "nothing is held: {:#?}", state.lines);
    }

    /// Forwards the held requests and responses, and holds no more.
    pub(super) fn release(&self) {
        self.shared.end(true);
    }

    /// Closes the connections of the held requests and responses, and holds no more.
    pub(super) fn drop_held(&self) {
        self.shared.end(false);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics")
    }

    fn hold(&self, hold: Hold) {
        let mut state = self.lock();
        state.hold = Some(hold);
        state.held = 0;
    }

    fn end(&self, forwards_held: bool) {
        let mut state = self.lock();
        state.hold = None;
        state.ended += 1;
        state.forwards_held = forwards_held;
        self.changed.notify_all();
    }

    /// Logs a request, and returns the decision about it as soon as there is one.
    fn admit(&self, line: &str) -> Decision {
        let mut state = self.lock();
        state.lines.push(line.to_owned());
        match &mut state.hold {
            Some(hold) if (hold.matches)(line) => match hold {
                Hold { passing: 1.., .. } => {
                    hold.passing -= 1;
                    Decision::Forward
                }
                Hold {
                    responses: true, ..
                } => Decision::HoldResponse,
                Hold { .. } => match self.wait(state) {
                    true => Decision::Forward,
                    false => Decision::Close,
                },
            },
            _ => Decision::Forward,
        }
    }

    /// Counts as held until the hold ends, and returns whether to forward.
    fn wait(&self, mut state: MutexGuard<'_, State>) -> bool {
        let ended = state.ended;
        state.held += 1;
        self.changed.notify_all();
        let waited = self
            .changed
            .wait_while(state, |state| state.ended == ended)
            .expect("no thread panics");
        waited.forwards_held
    }
}

/// Connects a client with the server until one of them closes.
fn serve(client: &TcpStream, target: &str, shared: &Arc<Shared>) -> io::Result<()> {
    let server = TcpStream::connect(target)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let is_muted = Arc::new(Mutex::new(false));
    let back = {
        let (client, server) = (client.try_clone()?, server.try_clone()?);
        let (shared, is_muted) = (Arc::clone(shared), Arc::clone(&is_muted));
        thread::spawn(move || _ = send_back(server, client, &shared, &is_muted))
    };
    let sent = send_on(client, &server, shared, &is_muted);
    _ = server.shutdown(if sent.is_ok() {
        Shutdown::Write
    } else {
        Shutdown::Both
    });
    _ = back.join();
    sent
}

fn send_on(
    mut client: &TcpStream,
    mut server: &TcpStream,
    shared: &Shared,
    is_muted: &Mutex<bool>,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = client.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        match request_line(&buffer[..count]).map(|line| shared.admit(&line)) {
            Some(Decision::Close) => {
                _ = client.shutdown(Shutdown::Both);
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            Some(Decision::HoldResponse) => *is_muted.lock().expect("no thread panics") = true,
            Some(Decision::Forward) | None => {}
        }
        server.write_all(&buffer[..count])?;
    }
}

fn send_back(
    mut server: TcpStream,
    mut client: TcpStream,
    shared: &Shared,
    is_muted: &Mutex<bool>,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = server.read(&mut buffer)?;
        if count == 0 {
            return client.shutdown(Shutdown::Write);
        }
        let holds = std::mem::take(&mut *is_muted.lock().expect("no thread panics"));
        if holds && !shared.wait(shared.lock()) {
            return client.shutdown(Shutdown::Both);
        }
        client.write_all(&buffer[..count])?;
    }
}

/// Returns the method, the target and the range of a request, if these are its first bytes.
fn request_line(bytes: &[u8]) -> Option<String> {
    let mut lines = bytes.split(|byte| *byte == b'\n').map_while(|line| {
        let line = std::str::from_utf8(line).ok()?.trim_end();
        (!line.is_empty()).then_some(line)
    });
    let request = lines.next()?.strip_suffix(" HTTP/1.1")?;
    if !request.contains(" /") {
        return None;
    }
    let mut headers = lines.filter_map(|line| line.split_once(": "));
    let range = headers.find(|(name, _)| name.eq_ignore_ascii_case("range"));
    Some(match range {
        Some((_, range)) => format!("{request} {range}"),
        None => request.to_owned(),
    })
}
