//! [`Buffers`]: the bytes of an object in memory, as shared buffers that are joined and sliced without a copy.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::{Body, Payload};

/// Bytes in one or more buffers. Clone is a reference count.
#[derive(Clone, Debug)]
pub(super) struct Buffers {
    chunks: Arc<[Bytes]>,
    len: u64,
}

impl Buffers {
    /// Wraps these buffers.
    fn new(chunks: Arc<[Bytes]>) -> Self {
        let len = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        Self { chunks, len }
    }

    /// Shares the buffers of a payload in memory; reads a payload from a file, which blocks.
    pub(super) fn read(payload: &Payload) -> io::Result<Self> {
        Ok(match payload.as_chunks() {
            Some(chunks) => Self::new(
                chunks
                    .iter()
                    .filter(|chunk| !chunk.is_empty())
                    .cloned()
                    .collect(),
            ),
            None => Self::new([payload.to_bytes()?].into()),
        })
    }

    /// Joins parts without a copy.
    pub(super) fn join<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        Self::new(
            parts
                .into_iter()
                .flat_map(|part| part.chunks.iter().cloned())
                .collect(),
        )
    }

    /// Returns the number of bytes.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Returns the buffers.
    pub(super) fn chunks(&self) -> &[Bytes] {
        &self.chunks
    }

    /// Returns the bytes in `range`, clipped at the end, without a copy.
    pub(super) fn slice(&self, range: Range<u64>) -> Self {
        if range == (0..self.len) {
            return self.clone();
        }
        let mut begin = 0;
        let mut slices = Vec::new();
        for chunk in self.chunks.iter() {
            let end = begin + chunk.len() as u64;
            let wanted = range.start.max(begin)..range.end.min(end);
            if wanted.start < wanted.end {
                slices.push(chunk.slice(offset(wanted.start - begin)..offset(wanted.end - begin)));
            }
            begin = end;
        }
        Self::new(slices.into())
    }

    /// Returns the bytes as a body, one frame per buffer.
    pub(super) fn into_body(self) -> Body {
        match &*self.chunks {
            [] => Body::from_bytes(Bytes::new()),
            [only] => Body::from_bytes(only.clone()),
            _ => {
                let frames: Vec<_> = self.chunks.iter().cloned().map(Ok).collect();
                Body::from_stream(futures_util::stream::iter(frames))
            }
        }
    }
}

/// Converts an offset into a buffer to `usize`.
fn offset(within: u64) -> usize {
    usize::try_from(within).expect("an offset into a buffer fits the address space")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slice_of_several_buffers_is_the_slice_of_their_join() {
        let data = Buffers::new([Bytes::from_static(b"abc"), Bytes::from_static(b"de")].into());
        for start in 0..=5 {
            for end in start..=5 {
                let sliced = data.slice(start..end);
                let joined: Vec<u8> = sliced.chunks.concat();
                assert_eq!(
                    joined,
                    b"abcde"[offset(start)..offset(end)],
                    "{start}..{end}"
                );
                assert_eq!(sliced.len(), end - start);
            }
        }
    }

    #[test]
    fn a_payload_in_memory_is_not_copied() {
        let bytes = Bytes::from(vec![7; 100]);
        let data = Buffers::read(&Payload::from(bytes.clone())).unwrap();
        assert_eq!(
            data.slice(10..20).chunks()[0].as_ptr(),
            bytes[10..].as_ptr()
        );
    }
}
