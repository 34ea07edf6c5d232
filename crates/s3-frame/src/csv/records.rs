//! Finds the ends of CSV records.

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

/// Finds the ends of records, with the parser of the decoder: line breaks in quotes do not end one, `\r` alone does, and
/// empty lines are no records.
#[derive(Debug)]
pub(crate) struct Records(Reader);

impl Records {
    pub(crate) fn new(delimiter: u8) -> Self {
        Self(ReaderBuilder::new().delimiter(delimiter).build())
    }

    /// Returns how many bytes of `text`, which continues the last one, are before the end of the first record: all
    /// of its line break, or the `\r` of `\r\n`, whose rest is an empty line.
    pub(crate) fn first_end(&mut self, text: &[u8]) -> Option<usize> {
        let (mut at, mut field) = (0, [0; 1024]);
        // An empty slice would be the end of the text.
        while at < text.len() {
            let (result, read, _) = self.0.read_field(&text[at..], &mut field);
            at += read;
            if let ReadFieldResult::Field { record_end: true } = result {
                return Some(at);
            }
        }
        None
    }

    /// Returns how many bytes of `text` are whole records.
    pub(crate) fn last_end(mut self, text: &[u8]) -> usize {
        let mut end = 0;
        while let Some(len) = self.first_end(&text[end..]) {
            end += len;
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_ends_where_the_decoder_ends_it() {
        for (text, first, last) in [
            ("a,b\nc", Some(4), 4),
            ("\"a\nb\",c\r\nd\n", Some(8), 11),
            ("\"a\"\"\n\"\n", Some(7), 7),
            ("\"open\n", None, 0),
            ("", None, 0),
            // A quote is one at the beginning of a field only.
            ("5\" disk,price\n1,2\n", Some(14), 18),
            ("a,b\"\n1,\"x\ny\"\n2,", Some(5), 13),
            ("a,b\r1,2\r3", Some(4), 8),
            ("\n\r\na,b\n\n1,2\n", Some(7), 12),
        ] {
            let records = || Records::new(b',');
            let found = records().first_end(text.as_bytes());
            assert_eq!(found, first, "{text:?}");
            assert_eq!(records().last_end(text.as_bytes()), last, "{text:?}");
        }
        let mut records = Records::new(b';');
        assert_eq!(records.first_end(b"a,\"b\nc;"), Some(5));
        let mut records = Records::new(b';');
        assert_eq!(records.first_end(b"a;\"b\nc;"), None);
        assert_eq!(records.first_end(b""), None);
        assert_eq!(records.first_end(b"\"\nd"), Some(2));
    }
}
