//! A file's bytes from the kernel's cache into a socket, without a detour through this process.

use std::fs::File;
use std::io;
use std::task::{Context, Poll, ready};

use tokio::io::Interest;
use tokio::net::TcpStream;

/// The most that one call may send; the socket's own buffer ends most of them earlier.
const MOST: u64 = 4 << 20;

/// Returns whether this system can do it.
pub(super) const fn sends_files() -> bool {
    cfg!(any(target_os = "linux", target_os = "android"))
}

/// Returns whether an error is of the connection. Any other is of the file, or of a system that cannot do it.
pub(super) fn is_of_socket(error: &io::Error) -> bool {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionReset, HostUnreachable, NetworkDown,
        NetworkUnreachable, NotConnected, TimedOut,
    };
    matches!(
        error.kind(),
        BrokenPipe
            | ConnectionAborted
            | ConnectionReset
            | HostUnreachable
            | NetworkDown
            | NetworkUnreachable
            | NotConnected
            | TimedOut
    )
}

/// Sends some of the `count` bytes that begin at `offset`; 0 if the file ends there.
///
/// Waits for the socket, but not for the disk: a thread that must not wait for one must not call this.
pub(super) fn poll_send(
    tcp: &TcpStream,
    cx: &mut Context<'_>,
    file: &File,
    offset: u64,
    count: u64,
) -> Poll<io::Result<u64>> {
    loop {
        ready!(tcp.poll_write_ready(cx))?;
        match tcp.try_io(Interest::WRITABLE, || {
            send(tcp, file, offset, count.min(MOST))
        }) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            sent => return Poll::Ready(sent),
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn send(tcp: &TcpStream, file: &File, mut offset: u64, count: u64) -> io::Result<u64> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    Ok(rustix::fs::sendfile(tcp, file, Some(&mut offset), count)? as u64)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn send(_tcp: &TcpStream, _file: &File, _offset: u64, _count: u64) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}
