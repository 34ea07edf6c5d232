//! [`Reader`]: reads an upload source of unknown length in chunks.

use std::io::{self, Read};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::io::run_blocking;

/// A blocking or asynchronous source of unknown length.
pub(crate) enum Reader {
    /// `None` during a read, and after a read that failed or whose future was dropped.
    Blocking(Option<Box<dyn Read + Send>>),
    Async(Pin<Box<dyn AsyncRead + Send>>),
}

impl Reader {
    /// Reads `size` bytes, or fewer at the end of the source. A panic of the source is an error.
    pub(crate) async fn read(&mut self, size: usize) -> io::Result<Bytes> {
        let read = AssertUnwindSafe(self.read_source(size)).catch_unwind();
        read.await.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<&str>().copied();
            let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
            let text = text.unwrap_or("without a message");
            Err(io::Error::other(format!("the reader panicked: {text}")))
        })
    }

    async fn read_source(&mut self, size: usize) -> io::Result<Bytes> {
        match self {
            Self::Async(reader) => read_async(reader.as_mut(), size).await,
            Self::Blocking(slot) => {
                let mut reader = slot.take().expect("reads follow each other");
                let (reader, piece) = run_blocking(move || {
                    let mut piece = room(size);
                    reader.by_ref().take(size as u64).read_to_end(&mut piece)?;
                    Ok((reader, Bytes::from(piece)))
                })
                .await?;
                *slot = Some(reader);
                Ok(piece)
            }
        }
    }
}

/// Returns a buffer for a chunk, so that no byte is copied twice. If there is not enough memory, the buffer is empty
/// and grows as bytes arrive. Unused capacity is not touched, and costs only address space.
fn room(size: usize) -> Vec<u8> {
    let mut room = Vec::new();
    match room.try_reserve_exact(size) {
        Ok(()) => room,
        Err(_) => Vec::new(),
    }
}

async fn read_async(
    mut reader: Pin<&mut (dyn AsyncRead + Send)>,
    size: usize,
) -> io::Result<Bytes> {
    // The buffer is empty and not shared, so nothing is copied.
    let mut piece = Bytes::from(room(size)).try_into_mut().unwrap_or_default();
    while piece.len() < size {
        let mut rest = reader.as_mut().take((size - piece.len()) as u64);
        if rest.read_buf(&mut piece).await? == 0 {
            break;
        }
    }
    Ok(piece.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_chunk_is_read_into_a_buffer_of_its_size() {
        let bytes = vec![7; 5000];
        let blocking: Box<dyn Read + Send> = Box::new(io::Cursor::new(bytes.clone()));
        let readers = [
            Reader::Blocking(Some(blocking)),
            Reader::Async(Box::pin(io::Cursor::new(bytes))),
        ];
        for mut reader in readers {
            for expected in [4000, 1000, 0] {
                let piece = reader.read(4000).await.unwrap();
                assert_eq!(piece.len(), expected);
                let capacity = piece.try_into_mut().unwrap().capacity();
                assert!(expected == 0 || capacity == 4000, "{capacity}");
            }
        }
    }

    #[tokio::test]
    async fn a_chunk_size_larger_than_memory_is_read_to_the_end() {
        let mut reader = Reader::Async(Box::pin(io::Cursor::new(vec![7; 5000])));
        assert_eq!(reader.read(usize::MAX).await.unwrap().len(), 5000);
    }
}
