//! [`ReadAhead`]: how many parts are read ahead of the reader of a stream.
//!
//! Twice as many after each part, because one connection may be slower than the reader. If this process kept its
//! processors busy from the start of a part to its end, more connections would not be faster, and bytes that wait for the
//! reader leave the cache of the processor: then the next part only starts shortly before it is needed.

/// How far before the end of a part the next one starts at the latest: 1 MiB, the time of a request on a fast network.
const NEAR: u64 = 1 << 20;

#[derive(Debug)]
pub(super) struct ReadAhead {
    parts: usize,
    most: usize,
    /// How far before the end of a part the next one starts, whatever `parts` is.
    near: u64,
}

impl ReadAhead {
    /// Returns the read-ahead of a stream whose first part has `first` bytes; of at most `most` parts.
    pub(super) fn new(first: u64, most: usize) -> Self {
        Self {
            parts: 0,
            most,
            near: first / 2,
        }
    }

    /// Returns how many parts may be read ahead of a part of which the reader has `left` bytes before it.
    pub(super) fn parts(&self, left: u64) -> usize {
        match left <= self.near {
            true => self.parts.max(1),
            false => self.parts,
        }
    }

    /// The reader has come to the end of a part, during which the processors were busy or not.
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
