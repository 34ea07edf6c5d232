//! [`Records`]: finds the ends of CSV records with the parser of the decoder.

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

/// Finds the ends of records with the parser of the decoder: line breaks in quotes do not end a record, `\r` alone
/// does, and empty lines are not records.
#[derive(Debug)]
pub(crate) struct Records(Reader);

impl Records {
    pub(crate) fn new(delimiter: u8) -> Self {
        Self(ReaderBuilder::new().delimiter(delimiter).build())
    }

    /// Returns the number of bytes of `text` up to the end of the first record, including its line break, but of `\r\n`
    /// only the `\r`: the `\n` is then an empty line. `text` continues the text of the previous call.
    pub(crate) fn first_end(&mut self, text: &[u8]) -> Option<usize> {
        let (mut at, mut field) = (0, [0; 1024]);
        // An empty slice would mark the end of the text.
        while at < text.len() {
            let (result, read, _) = self.0.read_field(&text[at..], &mut field);
            at += read;
            if let ReadFieldResult::Field { record_end: true } = result {
                return Some(at);
            }
        }
        None
    }

    /// Returns the number of bytes of `text` that are complete records.
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
            // A quote is special at the beginning of a field only.
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
