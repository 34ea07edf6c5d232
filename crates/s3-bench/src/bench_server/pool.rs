//! Pool of pseudo-random bytes in a memory file; the bodies of generated objects are slices of it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::fs::{MemfdFlags, memfd_create};

/// Bytes per write while the pool is filled.
const CHUNK: usize = 1 << 20;

/// A file in memory with pseudo-random bytes. It repeats: an object may begin anywhere and be longer than the pool.
#[derive(Debug)]
pub(super) struct Pool {
    file: File,
    len: u64,
}

/// A slice of the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Offset in the pool. May be beyond its end, because the pool repeats.
    pub(super) start: u64,
    /// Length in bytes.
    pub(super) len: u64,
}

impl Window {
    /// Returns the `len` bytes of this window that begin `skip` bytes after its start.
    pub(super) const fn part(self, skip: u64, len: u64) -> Self {
        Self {
            start: self.start + skip,
            len,
        }
    }
}

impl Pool {
    pub(super) fn new(len: u64) -> io::Result<Self> {
        let file = File::from(memfd_create("s3-bench-server", MemfdFlags::CLOEXEC)?);
        let len = len.max(8).next_multiple_of(8);
        let mut chunk = Vec::with_capacity(CHUNK);
        let mut written = 0;
        while written < len {
            chunk.clear();
            let bytes = (len - written).min(CHUNK as u64);
            let words = written / 8..(written + bytes) / 8;
            chunk.extend(words.flat_map(|index| word(index).to_le_bytes()));
            file.write_all_at(&chunk, written)?;
            written += bytes;
        }
        Ok(Self { file, len })
    }

    pub(super) const fn file(&self) -> &File {
        &self.file
    }

    /// Returns the first part of the window that is contiguous in the file.
    pub(super) fn contiguous(&self, window: Window) -> Window {
        let start = window.start % self.len;
        Window {
            start,
            len: window.len.min(self.len - start),
        }
    }

    /// Appends the bytes of the window to `out`.
    pub(super) fn read(&self, mut window: Window, out: &mut Vec<u8>) -> io::Result<()> {
        while window.len > 0 {
            let piece = self.contiguous(window);
            let end = out.len();
            let len = usize::try_from(piece.len).map_err(io::Error::other)?;
            out.resize(end + len, 0);
            self.file.read_exact_at(&mut out[end..], piece.start)?;
            window = window.part(piece.len, window.len - piece.len);
        }
        Ok(())
    }
}

/// Returns the eight bytes at an index: SplitMix64 of the index, so that each word is computed independently.
fn word(index: u64) -> u64 {
    let mut z = index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pool: &Pool, start: u64, len: u64) -> Vec<u8> {
        let mut out = Vec::new();
        pool.read(Window { start, len }, &mut out).unwrap();
        out
    }

    #[test]
    fn the_pool_repeats() {
        let pool = Pool::new(4096).unwrap();
        let whole = read(&pool, 0, 4096);
        assert_eq!(whole[8..16], word(1).to_le_bytes());
        assert_eq!(
            read(&pool, 4090, 10),
            [&whole[4090..], &whole[..4]].concat()
        );
        assert_eq!(read(&pool, 3 * 4096 + 5, 9000)[..100], whole[5..105]);
        assert_eq!(read(&pool, 5, 9000).len(), 9000);
    }

    #[test]
    fn bytes_at_different_offsets_differ() {
        let pool = Pool::new(1 << 16).unwrap();
        assert_ne!(read(&pool, 0, 4096), read(&pool, 4096, 4096));
    }
}
