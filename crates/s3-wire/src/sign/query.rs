//! [`Query`]: builds the canonical query string of a request, which is signed and sent.

use std::cmp::Ordering;

use super::encode::encode_query;

/// Query pairs, encoded and ordered by their encoded names, then by their values. An empty query does not allocate.
///
/// A pair without a value is sent as `name=`, which means the same and is the form that is signed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    text: String,
}

impl Query {
    /// Returns a query without pairs.
    pub const fn new() -> Self {
        Self {
            text: String::new(),
        }
    }

    /// Adds a pair; a name may occur more than once. Pairs that come in order are only appended.
    pub fn push(&mut self, name: &str, value: &str) {
        let at = self.text.len();
        // Usually enough for all pairs of a listing.
        self.text.reserve(if at == 0 { 160 } else { 0 });
        if at > 0 {
            self.text.push('&');
        }
        let pair = self.text.len();
        encode_query(name, &mut self.text);
        self.text.push('=');
        encode_query(value, &mut self.text);
        if at > 0 {
            self.put_in_order(at, pair);
        }
    }

    /// Returns the query without a question mark.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Moves the last pair, which begins at `pair` after the separator at `at`, to its place in the order.
    fn put_in_order(&mut self, at: usize, pair: usize) {
        let (before, last) = (&self.text[..at], &self.text[pair..]);
        let previous = before.rsplit('&').next().unwrap_or_default();
        if compare(previous, last) != Ordering::Greater {
            return;
        }
        let mut place = 0;
        for own in before.split('&') {
            if compare(own, last) == Ordering::Greater {
                break;
            }
            place += own.len() + 1;
        }
        let last = last.to_owned();
        self.text.truncate(at);
        self.text.insert(place, '&');
        self.text.insert_str(place, &last);
    }
}

/// Compares by name and then by value. Comparing whole pairs would be wrong: `=` sorts after `-`, `.` and digits.
fn compare(one: &str, other: &str) -> Ordering {
    one.split_once('=').cmp(&other.split_once('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> String {
        let mut query = Query::new();
        for (name, value) in pairs {
            query.push(name, value);
        }
        query.as_str().to_owned()
    }

    #[test]
    fn pairs_are_ordered_by_their_encoded_names_and_then_values() {
        for (pairs, text) in [
            (&[][..], ""),
            (&[("lifecycle", "")], "lifecycle="),
            (&[("prefix", "J"), ("max-keys", "2")], "max-keys=2&prefix=J"),
            // AWS's own cases: encoded names, names that differ in case, a name that comes twice.
            (
                &[("Param-3", "3"), ("Param", "2"), ("ሴ", "1")],
                "%E1%88%B4=1&Param=2&Param-3=3",
            ),
            (&[("p", "b"), ("P", "a"), ("p", "B")], "P=a&p=B&p=b"),
            // A name that is the start of another name comes first, whatever follows.
            (
                &[("a-b", ""), ("a", "z"), ("a1", ""), ("a", "")],
                "a=&a=z&a-b=&a1=",
            ),
            (&[("b", ""), ("", "x"), ("a", "")], "=x&a=&b="),
        ] {
            assert_eq!(query(pairs), text);
            let mut reversed = pairs.to_vec();
            reversed.reverse();
            assert_eq!(query(&reversed), text);
        }
    }

    #[test]
    fn separators_in_names_and_values_are_encoded() {
        assert_eq!(query(&[("a&b", "c=d/e f+")]), "a%26b=c%3Dd%2Fe%20f%2B");
    }
}
