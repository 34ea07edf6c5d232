//! Creates the local files that uploads read.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::failure::Outcome;

/// Numbers of objects, ranges and keys, and the size of the big object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Amounts {
    pub(crate) small: u64,
    pub(crate) mid: u64,
    pub(crate) ranges: u64,
    pub(crate) big_mib: u64,
    /// Keys in the bucket that is listed, below 64 prefixes.
    pub(crate) keys: u64,
}

/// Writes the missing files below a folder, which may be kept for the next run.
pub(crate) fn prepare(folder: &Path, amounts: Amounts) -> Outcome<PathBuf> {
    let source = folder.join("source");
    let block = noise(1 << 20);
    for (kind, count, size) in [
        ("small", amounts.small, 4096),
        ("mid", amounts.mid, 1 << 20),
    ] {
        let folder = source.join(kind);
        fs::create_dir_all(&folder)?;
        for i in 0..count {
            let path = folder.join(format!("{i:06}"));
            if len(&path) != Some(size as u64) {
                fs::write(path, &block[..size])?;
            }
        }
    }
    let big = source.join("big.bin");
    if len(&big) != Some(amounts.big_mib << 20) {
        let mut file = File::create(big)?;
        for _ in 0..amounts.big_mib {
            file.write_all(&block)?;
        }
    }
    Ok(source)
}

fn len(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().map(|about| about.len())
}

/// Bytes that do not compress.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(byte).take(len).collect()
}
