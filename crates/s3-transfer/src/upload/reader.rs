//! A source of unknown length, piece by piece.

use std::io::{self, Read};
use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::io::run_blocking;

pub(crate) enum Reader {
    /// `None` while a read is under way, and for good if that read failed or its future was dropped.
    Blocking(Option<Box<dyn Read + Send>>),
    Async(Pin<Box<dyn AsyncRead + Send>>),
}

impl Reader {
    /// Reads until `size` bytes are there or the source is at its end.
    pub(crate) async fn read(&mut self, size: usize) -> io::Result<Bytes> {
        match self {
            Self::Async(reader) => read_async(reader.as_mut(), size).await,
            Self::Blocking(slot) => {
                let mut reader = slot.take().expect("reads follow each other");
                let (reader, piece) = run_blocking(move || {
                    let mut piece = Vec::new();
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

async fn read_async(
    mut reader: Pin<&mut (dyn AsyncRead + Send)>,
    size: usize,
) -> io::Result<Bytes> {
    let mut piece = BytesMut::new();
    while piece.len() < size {
        let mut rest = reader.as_mut().take((size - piece.len()) as u64);
        if rest.read_buf(&mut piece).await? == 0 {
            break;
        }
    }
    Ok(piece.freeze())
}
