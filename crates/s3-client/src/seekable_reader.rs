//! [`SeekableReader`]: rewinds a seekable reader before it reads, so that an upload starts at its first byte.

use std::io::{self, Read, Seek};

/// Rewinds a reader at its first read, on the thread that reads it.
pub(crate) struct SeekableReader<R> {
    reader: R,
    rewound: bool,
}

impl<R: Read + Seek> SeekableReader<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self {
            reader,
            rewound: false,
        }
    }
}

impl<R: Read + Seek> Read for SeekableReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.rewound {
            self.reader.rewind()?;
            self.rewound = true;
        }
        self.reader.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_content_is_read_from_any_position() {
        let mut reader = io::Cursor::new("abcdef");
        reader.set_position(3);
        let mut text = String::new();
        SeekableReader::new(reader)
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "abcdef");
    }
}
