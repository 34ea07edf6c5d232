//! [`SpecialFile`]: reads a device or terminal on a dedicated thread.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::thread;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::mpsc;

/// Size of a read in bytes.
const PIECE: usize = 1 << 20;

/// A file that is neither regular nor a pipe, such as a terminal: opening or reading it may block forever.
///
/// The thread that reads it does not belong to the tokio runtime, which would wait for it at shutdown.
pub(crate) struct SpecialFile {
    /// The pieces from the thread. An empty piece is the end of the file; `None` after it.
    pieces: Option<mpsc::Receiver<io::Result<Bytes>>>,
    piece: Bytes,
}

impl SpecialFile {
    /// Starts the thread, which opens the file and reads two pieces ahead.
    pub(crate) fn open(path: PathBuf) -> io::Result<Self> {
        let (sender, pieces) = mpsc::channel(1);
        let thread = thread::Builder::new().name("s3-special-file".to_owned());
        thread.spawn(move || {
            if let Err(error) = read_into(&sender, &path) {
                // The receiver may have been dropped at a deadline.
                let _ = sender.blocking_send(Err(error));
            }
        })?;
        Ok(Self {
            pieces: Some(pieces),
            piece: Bytes::new(),
        })
    }
}

fn read_into(sender: &mpsc::Sender<io::Result<Bytes>>, path: &Path) -> io::Result<()> {
    let mut file = File::open(path)?;
    loop {
        let mut piece = vec![0; PIECE];
        let read = match file.read(&mut piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        piece.truncate(read);
        if sender.blocking_send(Ok(piece.into())).is_err() || read == 0 {
            return Ok(());
        }
    }
}

impl AsyncRead for SpecialFile {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let (true, Some(pieces)) = (self.piece.is_empty(), &mut self.pieces) {
            let next = ready!(pieces.poll_recv(cx));
            self.piece = next.unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()))?;
            if self.piece.is_empty() {
                self.pieces = None;
            }
        }
        let size = self.piece.len().min(into.remaining());
        into.put_slice(&self.piece[..size]);
        self.piece.advance(size);
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn a_file_is_read_to_its_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let bytes: Vec<u8> = (0..3 * PIECE + 7).map(|at| at as u8).collect();
        std::fs::write(file.path(), &bytes).unwrap();
        let mut special = SpecialFile::open(file.path().to_owned()).unwrap();
        let mut read = Vec::new();
        special.read_to_end(&mut read).await.unwrap();
        assert!(read == bytes);
        assert_eq!(special.read(&mut [0]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_opened_is_an_error() {
        let mut special = SpecialFile::open("/nonexistent/device".into()).unwrap();
        let read = special.read_to_end(&mut Vec::new()).await;
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    /// Nothing writes to this terminal, so that reading it blocks.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_runtime_ends_while_a_device_is_silent() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let mut special = SpecialFile::open("/dev/ptmx".into()).unwrap();
        runtime.block_on(async {
            let wait = std::time::Duration::from_millis(50);
            let read = tokio::time::timeout(wait, special.read_u8()).await;
            assert!(read.is_err(), "{read:?}");
        });
        drop(runtime);
    }
}
