//! Sends a file range with sendfile(2): from the page cache to the socket, without a copy into this process.

use std::fs::File;
use std::io;
use std::task::{Context, Poll, ready};

use tokio::io::Interest;
use tokio::net::TcpStream;

use super::file_chunks::FileRange;

/// Maximum number of bytes per call; a full socket buffer ends most calls earlier.
const MAX_CALL: u64 = 4 << 20;

/// Whether this system has a `sendfile` that accepts any file.
pub(super) const IS_SUPPORTED: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// Returns whether an error comes from the connection. All others come from the file, or from a system that cannot send
/// it.
pub(super) fn is_socket_error(error: &io::Error) -> bool {
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

/// Sends some bytes of `range` and returns how many; 0 if the file ends there.
///
/// Waits for the socket without blocking, but blocks on the disk: call it from a thread that may.
pub(super) fn poll_sendfile(
    tcp: &TcpStream,
    cx: &mut Context<'_>,
    range: FileRange<'_>,
) -> Poll<io::Result<u64>> {
    let FileRange {
        file, offset, len, ..
    } = range;
    loop {
        ready!(tcp.poll_write_ready(cx))?;
        match tcp.try_io(Interest::WRITABLE, || {
            send(tcp, file, offset, len.min(MAX_CALL))
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
