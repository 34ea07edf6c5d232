//! Part layout of resumable transfers: size, ranges and number in flight of parts, and checksum of a file range.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use crc_fast::{CrcAlgorithm, Digest};

/// Maximum number of parts of a transfer in flight: a killed transfer loses at most 10 parts of 8 MiB.
const MOST_IN_FLIGHT: usize = 10;

/// Minimum number of parts in flight, so that the connection is busy between two parts.
const LEAST_IN_FLIGHT: usize = 2;

/// Target time within which the parts in flight complete.
const AHEAD: Duration = Duration::from_secs(8);

/// The size of the parts of a download, which are in memory before they are written: 8 MiB.
pub(super) const DOWNLOADED_PART: u64 = 8 << 20;

/// Maximum number of parts of all transfers that are downloaded, or read from files for their checksums, at once. They
/// take 80 MiB.
pub(super) const IN_MEMORY: usize = 10;

/// Maximum number of parts of an upload.
const MAX_PARTS: u64 = 10_000;

/// Size of the buffer for reading a file.
const BUFFER: usize = 256 << 10;

/// Returns the number of parts that may be in flight: as many as complete within 8 s at the average rate so far. With
/// more on a slow connection, all would be incomplete for a long time, and a killed transfer would keep none.
pub(super) fn in_flight(moved: u64, since: Duration, part_size: u64) -> usize {
    let rate = moved as f64 / since.as_secs_f64().max(f64::MIN_POSITIVE);
    let parts = rate * AHEAD.as_secs_f64() / part_size as f64;
    // The cast saturates.
    (parts as usize).clamp(LEAST_IN_FLIGHT, MOST_IN_FLIGHT)
}

/// Returns the part size for an object of `size` bytes: `part_size`, or more if there would be too many parts.
pub(super) fn part_size(size: u64, part_size: u64) -> u64 {
    part_size.max(size.div_ceil(MAX_PARTS).next_multiple_of(1 << 20))
}

/// Returns the number, from 1, and the byte range of each part.
pub(super) fn parts(size: u64, part_size: u64) -> impl Iterator<Item = (u32, Range<u64>)> {
    let starts = (0..size.div_ceil(part_size)).map(move |index| index * part_size);
    (1..).zip(starts.map(move |start| start..(start + part_size).min(size)))
}

/// Returns the checksum of a range of a file. Blocks.
pub(super) fn crc_of(file: &File, range: Range<u64>, algorithm: CrcAlgorithm) -> io::Result<u64> {
    let mut digest = Digest::new(algorithm);
    let mut buffer = vec![0; BUFFER];
    let mut at = range.start;
    while at < range.end {
        let len = usize::try_from(range.end - at).map_or(BUFFER, |left| left.min(BUFFER));
        file.read_exact_at(&mut buffer[..len], at)?;
        digest.update(&buffer[..len]);
        at += len as u64;
    }
    Ok(digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_parts_in_flight_follows_the_transfer_rate() {
        let of_rate = |mib: u64| in_flight(mib << 20, Duration::from_secs(1), 8 << 20);
        assert_eq!([0, 1, 4, 8, 1000].map(of_rate), [2, 2, 4, 8, 10]);
        assert_eq!(in_flight(0, Duration::ZERO, 1), 2);
        assert_eq!(in_flight(1, Duration::ZERO, 1), 10);
    }

    #[test]
    fn parts_cover_the_file_and_are_not_too_many() {
        let all: Vec<_> = parts(11, 5).collect();
        assert_eq!(all, [(1, 0..5), (2, 5..10), (3, 10..11)]);
        assert_eq!(part_size(100 << 20, 8 << 20), 8 << 20);
        let large = 5 << 40;
        assert!(parts(large, part_size(large, 8 << 20)).count() <= 10_000);
    }
}
