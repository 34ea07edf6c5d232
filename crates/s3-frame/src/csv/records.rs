//! Finds the ends of CSV records.

/// Finds the ends of records. Line breaks in quotes do not end one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Records {
    in_quotes: bool,
}

impl Records {
    /// Returns how many bytes of `text`, which goes on where the last ended, are before the end of the first record,
    /// its line break included.
    pub(crate) fn first_end(&mut self, text: &[u8]) -> Option<usize> {
        for (at, byte) in text.iter().enumerate() {
            match byte {
                // A doubled quote ends a quotation and begins it again.
                b'"' => self.in_quotes = !self.in_quotes,
                b'\n' if !self.in_quotes => return Some(at + 1),
                _ => {}
            }
        }
        None
    }

    /// Returns how many bytes of `text` are whole records.
    pub(crate) fn last_end(text: &[u8]) -> usize {
        let (mut records, mut end) = (Self::default(), 0);
        while let Some(len) = records.first_end(&text[end..]) {
            end += len;
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_ends_at_a_line_break_outside_of_quotes() {
        for (text, first, last) in [
            ("a,b\nc", Some(4), 4),
            ("\"a\nb\",c\r\nd\n", Some(9), 11),
            ("\"a\"\"\n\"\n", Some(7), 7),
            ("\"open\n", None, 0),
            ("", None, 0),
        ] {
            assert_eq!(
                Records::default().first_end(text.as_bytes()),
                first,
                "{text:?}"
            );
            assert_eq!(Records::last_end(text.as_bytes()), last, "{text:?}");
        }
    }
}
