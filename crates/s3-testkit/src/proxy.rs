//! [`ConnectProxy`]: an HTTP proxy on 127.0.0.1 for tests: `CONNECT` tunnels, and requests with absolute URLs.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// A proxy that connects to one address, whatever host a request names, so that the hosts need not exist. It runs until
/// the process ends.
///
/// # Examples
///
/// ```
/// use std::net::TcpListener;
///
/// let server = TcpListener::bind("127.0.0.1:0")?;
/// let proxy = s3_testkit::ConnectProxy::start(server.local_addr()?)?;
/// assert!(proxy.url().starts_with("http://127.0.0.1:"));
/// assert!(proxy.requests().is_empty());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConnectProxy {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl ConnectProxy {
    /// Starts a proxy to the server at `target`.
    ///
    /// # Errors
    ///
    /// There is no free port.
    pub fn start(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&requests);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let log = Arc::clone(&log);
                // An error concerns only the client and the server of this connection.
                thread::spawn(move || _ = serve(&client, target, &log));
            }
        });
        Ok(Self { address, requests })
    }

    /// Returns the URL for `HTTP_PROXY` and `HTTPS_PROXY`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the received request lines without the version: `CONNECT host:443`.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        let requests = self.requests.lock();
        requests.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(client: &TcpStream, target: SocketAddr, log: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut reader = BufReader::new(client);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let request = line
        .trim_end()
        .rsplit_once(' ')
        .map_or("", |(request, _)| request);
    let mut requests = log.lock().unwrap_or_else(PoisonError::into_inner);
    requests.push(request.to_owned());
    drop(requests);
    let mut server = TcpStream::connect(target)?;
    let (method, uri) = request.split_once(' ').unwrap_or_default();
    if method == "CONNECT" {
        while line.trim_end() != "" {
            line.clear();
            reader.read_line(&mut line)?;
        }
        (&mut &*client).write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    } else {
        let path = uri.split_once("://").map_or(uri, |(_, rest)| rest);
        let path = path.find('/').map_or("/", |at| &path[at..]);
        // One request per connection: the next one may be for another host.
        write!(server, "{method} {path} HTTP/1.1\r\nconnection: close\r\n")?;
    }
    let mut back = server.try_clone()?;
    let mut out = client.try_clone()?;
    let returning = thread::spawn(move || {
        _ = io::copy(&mut back, &mut out);
        _ = out.shutdown(Shutdown::Write);
    });
    pump(&mut reader, &mut server)?;
    _ = server.shutdown(Shutdown::Write);
    _ = returning.join();
    Ok(())
}

fn pump(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(()),
            count => to.write_all(&buffer[..count])?,
        }
    }
}
