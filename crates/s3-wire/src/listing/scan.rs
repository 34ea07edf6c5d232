//! The documents that S3 writes to list keys, read in one pass.
//!
//! The grammar is fixed: known elements in any order, texts without comments or CDATA, attributes on the root only.
//! The scanner goes from one `<` to the next, compares whole tags, and leaves every text where it is. Whatever
//! differs from the grammar in any way makes it give up: it reads exactly what it can prove to be whole and
//! well-formed, and the full reader decides about the rest. A page of 1,000 keys takes it tens of microseconds,
//! where a reader of XML takes hundreds.

use std::borrow::Cow;
use std::time::SystemTime;

use memchr::{memchr, memchr2};

use super::page::{Entry, Page};
use crate::timestamp;
use crate::xml::unescape;

/// Reads a document; `None` if it is not of the kind that this reads.
pub(super) fn scan(document: &str) -> Option<Page<'_>> {
    let mut scanner = Scanner {
        text: document,
        at: 0,
    };
    scanner.root()?;
    let mut page = Page {
        // An entry takes 200 to 400 bytes. The body is there, so this cannot be made to reserve much.
        entries: Vec::with_capacity((document.len() / 200).min(1000)),
        ..Page::default()
    };
    while !scanner.comes("</ListBucketResult>") {
        scanner.child(&mut page)?;
        scanner.blanks();
    }
    scanner.blanks();
    (scanner.at == document.len()).then_some(page)
}

/// A place in a document. What takes tags is inlined, so that they are compared as words and not by calls: a fifth of
/// the time.
struct Scanner<'b> {
    text: &'b str,
    at: usize,
}

impl<'b> Scanner<'b> {
    fn rest(&self) -> &'b [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Steps over `literal` if it comes next.
    #[inline(always)]
    fn comes(&mut self, literal: &str) -> bool {
        let comes = self.rest().starts_with(literal.as_bytes());
        if comes {
            self.at += literal.len();
        }
        comes
    }

    #[inline(always)]
    fn expect(&mut self, literal: &str) -> Option<()> {
        self.comes(literal).then_some(())
    }

    /// Steps over white space between elements, which means nothing there.
    #[inline(always)]
    fn blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.rest().first() {
            self.at += 1;
        }
    }

    /// Reads what stands before the content of the root.
    fn root(&mut self) -> Option<()> {
        if self.comes("<?xml ") {
            let declaration = memchr(b'>', self.rest())?;
            if self.rest()[..declaration].last() != Some(&b'?') {
                return None;
            }
            self.at += declaration + 1;
        }
        self.blanks();
        self.expect("<ListBucketResult")?;
        if self.comes(" xmlns=\"") {
            let name = memchr2(b'"', b'<', self.rest())?;
            self.at += name;
            self.expect("\"")?;
        }
        self.expect(">")?;
        self.blanks();
        Some(())
    }

    /// Reads one element of the root. The many come first.
    fn child(&mut self, page: &mut Page<'b>) -> Option<()> {
        if self.comes("<Contents>") {
            page.entries.push(self.entry()?);
        } else if self.comes("<CommonPrefixes>") {
            self.blanks();
            self.expect("<Prefix>")?;
            page.common_prefixes.push(Some(self.text("</Prefix>")?));
            self.blanks();
            self.expect("</CommonPrefixes>")?;
        } else if self.comes("<Prefix>") {
            page.prefix = Some(self.text("</Prefix>")?);
        } else if self.comes("<Prefix/>") {
            page.prefix = Some(Cow::Borrowed(""));
        } else if self.comes("<EncodingType>") {
            page.claims_encoding = self.text("</EncodingType>")? == "url";
        } else if self.comes("<NextContinuationToken>") {
            page.next_token = Some(self.text("</NextContinuationToken>")?);
        } else if self.comes("<IsTruncated>true</IsTruncated>") {
            (page.is_truncated, page.is_identified) = (Some(true), true);
        } else if self.comes("<IsTruncated>false</IsTruncated>") {
            (page.is_truncated, page.is_identified) = (Some(false), true);
        } else {
            let begin = self.at;
            let other = self.known(["Delimiter", "ContinuationToken", "StartAfter"]);
            if other.is_none() {
                self.at = begin;
                self.known(["Name", "MaxKeys", "KeyCount"])?;
                page.is_identified = true;
            }
        }
        Some(())
    }

    /// Reads the content of `Contents` and its end.
    fn entry(&mut self) -> Option<Entry<'b>> {
        let mut entry = Entry::default();
        loop {
            self.blanks();
            let [b'<', initial, ..] = self.rest() else {
                return None;
            };
            match initial {
                b'K' => {
                    self.expect("<Key>")?;
                    let twice = entry.key.replace(self.text("</Key>")?);
                    if twice.is_some() {
                        return None;
                    }
                }
                b'L' => {
                    self.expect("<LastModified>")?;
                    entry.last_modified = Some(self.time()?);
                }
                b'E' if self.comes("<ETag>") => entry.etag = Some(self.etag()?),
                b'E' => {
                    self.expect("<ETag/>")?;
                    entry.etag = Some(Cow::Borrowed(""));
                }
                b'S' if self.comes("<Size>") => entry.size = Some(self.size()?),
                b'S' => {
                    self.expect("<StorageClass>")?;
                    entry.storage_class = Some(self.text("</StorageClass>")?);
                }
                b'C' if self.comes("<ChecksumAlgorithm>") => {
                    let text = self.text("</ChecksumAlgorithm>")?;
                    entry.checksum_algorithm.get_or_insert(text);
                }
                b'C' => {
                    self.expect("<ChecksumType>")?;
                    entry.checksum_type = Some(self.text("</ChecksumType>")?);
                }
                b'O' if self.comes("<Owner>") => self.group("</Owner>", ["ID", "DisplayName"])?,
                b'R' if self.comes("<RestoreStatus>") => {
                    self.group(
                        "</RestoreStatus>",
                        ["IsRestoreInProgress", "RestoreExpiryDate"],
                    )?;
                }
                b'/' => {
                    self.expect("</Contents>")?;
                    return Some(entry);
                }
                _ => return None,
            }
        }
    }

    /// Reads elements that do not matter, and the end of the element that they stand in.
    fn group<const N: usize>(&mut self, end: &str, names: [&str; N]) -> Option<()> {
        self.blanks();
        while !self.comes(end) {
            self.known(names)?;
            self.blanks();
        }
        Some(())
    }

    /// Reads an element that does not matter, if it has one of these names and holds a text.
    #[inline(always)]
    fn known<const N: usize>(&mut self, names: [&str; N]) -> Option<()> {
        self.expect("<")?;
        let name = names.into_iter().find(|name| {
            let next = self.rest().strip_prefix(name.as_bytes());
            matches!(next, Some([b'>' | b'/', ..]))
        })?;
        self.at += name.len();
        if self.comes("/>") {
            return Some(());
        }
        self.expect(">")?;
        self.at += memchr(b'<', self.rest())?;
        self.expect("</")?;
        self.expect(name)?;
        self.expect(">")
    }

    /// Reads a text without references, and the end of its element.
    #[inline(always)]
    fn plain(&mut self, end: &str) -> Option<&'b str> {
        let begin = self.at;
        self.at += memchr(b'<', self.rest())?;
        let text = self.text.get(begin..self.at)?;
        self.expect(end)?;
        Some(text)
    }

    /// Reads a text, and the end of its element.
    #[inline(always)]
    fn text(&mut self, end: &str) -> Option<Cow<'b, str>> {
        let stop = memchr2(b'<', b'&', self.rest())?;
        if self.rest()[stop] == b'<' {
            let text = self.text.get(self.at..self.at + stop)?;
            self.at += stop;
            self.expect(end)?;
            return Some(Cow::Borrowed(text));
        }
        unescape(self.plain(end)?).map(Cow::Owned)
    }

    /// Reads a tag and the end of its element. Tags come in quotes, and S3 writes those as references: the quotes
    /// mean nothing and are left out, so that nothing is copied.
    fn etag(&mut self) -> Option<Cow<'b, str>> {
        const QUOTE: &str = "&quot;";
        let begin = self.at;
        if self.comes(QUOTE) {
            let inside = self.rest();
            let bare = &inside[..memchr2(b'&', b'<', inside)?];
            let from = self.at;
            self.at += bare.len();
            let strange = bare.starts_with(b"W/") || memchr(b'"', bare).is_some();
            if !strange && self.comes("&quot;</ETag>") {
                return Some(Cow::Borrowed(self.text.get(from..from + bare.len())?));
            }
            self.at = begin;
        }
        self.text("</ETag>")
    }

    /// Reads a size and the end of its element. No object comes near 18 digits.
    fn size(&mut self) -> Option<u64> {
        let rest = self.rest();
        let mut number = 0;
        for (at, byte) in rest.iter().enumerate().take(19) {
            let digit = byte.wrapping_sub(b'0');
            if digit < 10 {
                number = number * 10 + u64::from(digit);
                continue;
            }
            self.at += at;
            self.expect("</Size>")?;
            return (at > 0).then_some(number);
        }
        None
    }

    /// Reads a time of the usual form, and the end of its element.
    fn time(&mut self) -> Option<SystemTime> {
        const LENGTH: usize = "2026-10-20T10:11:12.000Z".len();
        let time = match self.rest().get(..=LENGTH)? {
            [time @ .., b'<'] => {
                self.at += LENGTH;
                self.expect("</LastModified>")?;
                time
            }
            _ => self.plain("</LastModified>")?.as_bytes(),
        };
        timestamp::rfc3339_utc(time)
    }
}
