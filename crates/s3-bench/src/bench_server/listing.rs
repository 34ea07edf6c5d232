//! ListObjectsV2 responses of the benchmark server: selects the keys of a page and writes its XML.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::keys::{Keys, push_number};
use super::request::Request;

/// Characters that AWS encodes with `encoding-type=url`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// Maximum number of keys per page.
const PAGE: u64 = 1000;

/// Approximate size of an entry in the document, in bytes.
const ENTRY: usize = 300;

/// Parameters of a listing request.
#[derive(Clone, Debug, Default)]
struct Query<'a> {
    prefix: &'a str,
    delimiter: Option<&'a str>,
    after: &'a str,
    most: u64,
    encoded: bool,
}

/// The entries of a page as XML, and its totals.
#[derive(Debug, Default)]
struct Page {
    entries: String,
    count: u64,
    /// The last key or common prefix of the page.
    last: String,
    truncated: bool,
}

/// Returns the `ListBucketResult` document for a request.
pub(super) fn page(keys: &Keys, request: &Request) -> String {
    let query = Query::of(request);
    let page = query.select(keys);
    let mut xml = String::with_capacity(page.entries.len() + 512);
    xml.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    xml.push_str("<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    element("Name", &request.bucket, &mut xml);
    element("Prefix", &query.written(query.prefix), &mut xml);
    if let Some(delimiter) = query.delimiter {
        element("Delimiter", &query.written(delimiter), &mut xml);
    }
    if query.encoded {
        element("EncodingType", "url", &mut xml);
    }
    element("MaxKeys", &query.most.to_string(), &mut xml);
    element("KeyCount", &page.count.to_string(), &mut xml);
    element(
        "IsTruncated",
        if page.truncated { "true" } else { "false" },
        &mut xml,
    );
    if page.truncated {
        element("NextContinuationToken", &page.last, &mut xml);
    }
    xml.push_str(&page.entries);
    xml.push_str("</ListBucketResult>");
    xml
}

impl<'a> Query<'a> {
    fn of(request: &'a Request) -> Self {
        let parameter = |name| request.parameter(name).filter(|value| !value.is_empty());
        let most = parameter("max-keys").and_then(|most| most.parse().ok());
        Self {
            prefix: parameter("prefix").unwrap_or_default(),
            delimiter: parameter("delimiter"),
            after: parameter("continuation-token")
                .or_else(|| parameter("start-after"))
                .unwrap_or_default(),
            most: most.unwrap_or(PAGE).min(PAGE),
            encoded: parameter("encoding-type") == Some("url"),
        }
    }

    fn written(&self, key: &str) -> String {
        if self.encoded {
            utf8_percent_encode(key, ENCODED).to_string()
        } else {
            key.to_owned()
        }
    }

    /// Whether a key is before the requested ones.
    fn is_before(&self, key: &str) -> bool {
        let in_token = self.delimiter.is_some_and(|delimiter| {
            self.after.ends_with(delimiter) && key.starts_with(self.after)
        });
        key < self.prefix || (!self.after.is_empty() && (key <= self.after || in_token))
    }

    fn select(&self, keys: &Keys) -> Page {
        let mut page = Page::default();
        let mut index = keys.partition(0, |key| self.is_before(key));
        page.entries
            .reserve(ENTRY * usize::try_from(self.most).unwrap_or_default());
        let mut key = String::new();
        while index < keys.count() {
            keys.write(index, &mut key);
            let Some(rest) = key.strip_prefix(self.prefix) else {
                break;
            };
            if page.count == self.most {
                page.truncated = self.most > 0;
                break;
            }
            let common = self
                .delimiter
                .and_then(|delimiter| Some(rest.find(delimiter)? + delimiter.len()));
            if let Some(len) = common {
                key.truncate(self.prefix.len() + len);
                self.push_common(&key, &mut page.entries);
                index = keys.partition(index, |later| later.starts_with(&key));
            } else {
                self.push_entry(&key, index, keys, &mut page.entries);
                index += 1;
            }
            page.count += 1;
            page.last.clear();
            page.last.push_str(&key);
        }
        page
    }

    fn push_common(&self, prefix: &str, out: &mut String) {
        out.push_str("<CommonPrefixes>");
        element("Prefix", &self.written(prefix), out);
        out.push_str("</CommonPrefixes>");
    }

    fn push_entry(&self, key: &str, index: u64, keys: &Keys, out: &mut String) {
        out.push_str("<Contents><Key>");
        if self.encoded {
            out.extend(utf8_percent_encode(key, ENCODED));
        } else {
            escape(key, out);
        }
        out.push_str("</Key><LastModified>2026-10-20T10:11:12.000Z</LastModified><ETag>&quot;");
        keys.push_etag(index, out);
        out.push_str("&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>");
        out.push_str("<ChecksumType>FULL_OBJECT</ChecksumType><Size>");
        push_number(keys.size(index), out);
        out.push_str("</Size><StorageClass>STANDARD</StorageClass></Contents>");
    }
}

fn element(name: &str, text: &str, out: &mut String) {
    out.push('<');
    out.push_str(name);
    out.push('>');
    escape(text, out);
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// Appends text with `&`, `<` and `>` escaped. A key without them, as nearly all are, is copied at once.
pub(super) fn escape(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>']) {
        out.push_str(&rest[..at]);
        out.push_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            _ => "&gt;",
        });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::super::keys::KeptKey;
    use super::*;

    fn request(query: &str) -> Request {
        let head = format!("GET /list-2500-5?list-type=2&{query} HTTP/1.1\r\n\r\n");
        Request::parse(head.as_bytes()).unwrap().unwrap().0
    }

    fn texts<'xml>(xml: &'xml str, name: &str) -> Vec<&'xml str> {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let pieces = xml.split(open.as_str()).skip(1);
        pieces
            .map(|piece| piece.split(close.as_str()).next().unwrap())
            .collect()
    }

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let keys = Keys::of_bucket("list-2500-5");
        let (mut token, mut sizes, mut found) = (String::new(), Vec::new(), Vec::new());
        loop {
            let xml = page(&keys, &request(&format!("continuation-token={token}")));
            let names = texts(&xml, "Key");
            sizes.push(names.len());
            found.extend(names.into_iter().map(str::to_owned));
            match texts(&xml, "NextContinuationToken").first() {
                Some(next) => token = next.replace('/', "%2F"),
                None => break,
            }
        }
        assert_eq!(sizes, [1000, 1000, 500]);
        assert!(found.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_delimiter_rolls_up_and_its_pages_do_not_repeat() {
        let keys = Keys::of_bucket("list-2500-5");
        let xml = page(&keys, &request("delimiter=/&max-keys=3"));
        assert_eq!(texts(&xml, "Prefix"), ["", "p00/", "p01/", "p02/"]);
        let token = texts(&xml, "NextContinuationToken")[0];
        let xml = page(
            &keys,
            &request(&format!("delimiter=/&continuation-token={token}")),
        );
        assert_eq!(texts(&xml, "Prefix"), ["", "p03/", "p04/"]);
        assert_eq!(texts(&xml, "IsTruncated"), ["false"]);
    }

    #[test]
    fn prefix_and_start_after_select_keys() {
        let keys = Keys::of_bucket("list-2500-5");
        let xml = page(&keys, &request("prefix=p03/&start-after=p03/data-00001998"));
        let found = texts(&xml, "Key");
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with("p03/data-00001998"), "{found:?}");
        let xml = page(
            &keys,
            &request("prefix=p03/&start-after=p02/zzz&max-keys=1"),
        );
        assert!(texts(&xml, "Key")[0].starts_with("p03/data-00001500"));
        assert_eq!(texts(&page(&keys, &request("prefix=q")), "KeyCount"), ["0"]);
    }

    #[test]
    fn special_characters_in_keys_are_escaped_or_encoded() {
        let keys = Keys::Kept(vec![KeptKey {
            key: "a&b <c>".to_owned(),
            size: 1,
            etag: "e".to_owned(),
        }]);
        assert_eq!(
            texts(&page(&keys, &request("")), "Key"),
            ["a&amp;b &lt;c&gt;"]
        );
        let xml = page(&keys, &request("encoding-type=url"));
        assert_eq!(texts(&xml, "Key"), ["a%26b%20%3Cc%3E"]);
    }
}
