//! [`ReadAhead`]: decides how many parts of a streaming download are read ahead of the reader.
//!
//! The number doubles after each part, because one connection may be slower than the reader. If this process kept its
//! processors busy while a part was read, more connections would not be faster, and bytes that wait for the reader
//! would leave the processor's cache: then the next part only starts shortly before it is needed.

/// The next part starts at the latest this many bytes before the end of a part: 1 MiB, the time of a request on a fast
/// network.
const NEAR: u64 = 1 << 20;

#[derive(Debug)]
pub(super) struct ReadAhead {
    parts: usize,
    most: usize,
    /// The next part starts at the latest this many bytes before the end of a part, whatever `parts` is.
    near: u64,
}

impl ReadAhead {
    /// Returns the read-ahead of a stream whose first part has `first` bytes. It is at most `most` parts.
    pub(super) fn new(first: u64, most: usize) -> Self {
        Self {
            parts: 0,
            most,
            near: first / 2,
        }
    }

    /// Returns how many parts may be read ahead while the reader has `left` bytes of the current part to read.
    pub(super) fn parts(&self, left: u64) -> usize {
        match left <= self.near {
            true => self.parts.max(1),
            false => self.parts,
        }
    }

    /// Updates the number at the end of a part. `was_busy` tells whether the processors were busy during it.
    pub(super) fn part_ended(&mut self, was_busy: bool) {
        self.near = NEAR;
        self.parts = match was_busy {
            true => 0,
            false => (self.parts.max(1) * 2).min(self.most),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: u64 = 8 << 20;

    #[test]
    fn parts_double_up_to_the_limit() {
        let mut ahead = ReadAhead::new(PART, 6);
        assert_eq!((ahead.parts(PART), ahead.parts(PART / 2)), (0, 1));
        let doubled = [(); 4].map(|()| {
            ahead.part_ended(false);
            ahead.parts(PART)
        });
        assert_eq!(doubled, [2, 4, 6, 6]);
    }

    #[test]
    fn while_the_processors_are_busy_the_next_part_starts_shortly_before_it_is_needed() {
        let mut ahead = ReadAhead::new(PART, 6);
        ahead.part_ended(false);
        ahead.part_ended(true);
        assert_eq!((ahead.parts(PART / 2), ahead.parts(NEAR)), (0, 1));
        ahead.part_ended(false);
        assert_eq!(ahead.parts(PART), 2);
    }
}
