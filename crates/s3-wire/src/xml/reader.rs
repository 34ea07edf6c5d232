//! Pull parser for S3's XML: elements and text.
//!
//! Attributes, prefixes of names, comments, processing instructions and document types are skipped. CDATA and
//! references are part of the text around them. A document that is not well-formed is an error, never a shorter
//! document.

use std::borrow::Cow;

use quick_xml::events::Event;

/// A node of a document.
pub(crate) enum Node<'x> {
    /// An element begins; [`Reader::name`] is its name.
    Open,
    /// A piece of text; a comment splits a text in two.
    Text(Cow<'x, str>),
    /// The innermost open element ends.
    Close,
    /// The document ends, with every element closed.
    End,
}

/// The reason why a document cannot be parsed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotXml(pub(crate) Cow<'static, str>);

/// Reads a document from its beginning.
pub(crate) struct Reader<'x> {
    source: quick_xml::Reader<&'x [u8]>,
    name: String,
    depth: usize,
}

impl<'x> Reader<'x> {
    pub(crate) fn new(document: &'x str) -> Self {
        let document = document.strip_prefix('\u{feff}').unwrap_or(document);
        let mut source = quick_xml::Reader::from_str(document);
        let config = source.config_mut();
        config.expand_empty_elements = true;
        // A lone `&` is an error in a text that is read, and not in one that is skipped.
        config.allow_dangling_amp = true;
        Self {
            source,
            name: String::new(),
            depth: 0,
        }
    }

    /// Returns the name, without its prefix, of the element that was opened last.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn next(&mut self) -> Result<Node<'x>, NotXml> {
        loop {
            let event = self.source.read_event();
            let node = match event.map_err(|error| NotXml(error.to_string().into()))? {
                Event::Start(tag) => {
                    self.depth += 1;
                    self.name.clear();
                    let local = tag.local_name();
                    self.name.push_str(&String::from_utf8_lossy(local.as_ref()));
                    Node::Open
                }
                Event::End(_) => {
                    self.depth -= 1;
                    Node::Close
                }
                Event::Text(text) => Node::Text(utf8(text.into_inner())?),
                Event::CData(text) => Node::Text(protected(utf8(text.into_inner())?)),
                Event::GeneralRef(name) => {
                    Node::Text(Cow::Owned(format!("&{};", utf8(name.into_inner())?)))
                }
                Event::Eof if self.depth > 0 => {
                    return Err(NotXml("the document is truncated".into()));
                }
                Event::Eof => Node::End,
                _ => continue,
            };
            return Ok(node);
        }
    }

    /// Reads the text of the element that was opened last, up to its end.
    pub(crate) fn text(&mut self) -> Result<Cow<'x, str>, NotXml> {
        let mut whole = Cow::Borrowed("");
        loop {
            match self.next()? {
                Node::Text(text) if whole.is_empty() => whole = text,
                Node::Text(text) => whole.to_mut().push_str(&text),
                Node::Close => return unescaped(whole),
                Node::Open => return Err(NotXml("expected text, found an element".into())),
                Node::End => return Err(NotXml("the document is truncated".into())),
            }
        }
    }

    /// Skips the rest of the element that was opened last.
    pub(crate) fn skip(&mut self) -> Result<(), NotXml> {
        let outside = self.depth - 1;
        while self.depth > outside {
            self.next()?;
        }
        Ok(())
    }
}

/// Converts bytes of the document to text.
fn utf8(bytes: Cow<'_, [u8]>) -> Result<Cow<'_, str>, NotXml> {
    let text = match bytes {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    };
    text.ok_or_else(|| NotXml("the document is not UTF-8".into()))
}

/// Escapes an `&` that does not begin a reference.
fn protected(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains('&') {
        return Cow::Owned(text.replace('&', "&amp;"));
    }
    text
}

pub(super) fn unescaped(text: Cow<'_, str>) -> Result<Cow<'_, str>, NotXml> {
    if !text.contains('&') {
        return Ok(text);
    }
    match unescape(&text) {
        Some(plain) => Ok(Cow::Owned(plain)),
        None => Err(NotXml("a text holds an unknown reference".into())),
    }
}

/// Replaces the references in a text; `None` if one is unknown or not closed.
pub(crate) fn unescape(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut pieces = text.split('&');
    plain.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (name, rest) = piece.split_once(';')?;
        plain.push(referred(name)?);
        plain.push_str(rest);
    }
    Some(plain)
}

/// Returns the character that `&name;` stands for. Numbers may name any character: some servers write control
/// characters of keys that way, though XML 1.0 has none.
fn referred(name: &str) -> Option<char> {
    let number = |digits: &str, radix| {
        let valid = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let number = u32::from_str_radix(digits, radix).ok().filter(|_| valid)?;
        char::from_u32(number)
    };
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => match name.strip_prefix("#x") {
            Some(hex) => number(hex, 16),
            None => number(name.strip_prefix('#')?, 10),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a document with one element and returns its text.
    fn text(inside: &str) -> Option<String> {
        let document = format!("<a>{inside}</a>");
        let mut reader = Reader::new(&document);
        assert!(matches!(reader.next(), Ok(Node::Open)));
        let text = reader.text().ok()?;
        assert!(matches!(reader.next(), Ok(Node::End)));
        Some(text.into_owned())
    }

    #[test]
    fn a_text_is_all_that_stands_in_its_element() {
        for (inside, want) in [
            ("", ""),
            (" a b\n", " a b\n"),
            ("&lt;&gt;&amp;&quot;&apos;", "<>&\"'"),
            ("&#65;&#x42;&#xe9;&#x1;", "ABé\u{1}"),
            ("a<!-- <b> -->c<?d e?>f", "acf"),
            ("a<![CDATA[&amp;<b>]]>&amp;c", "a&amp;<b>&c"),
            ("&#38;lt;", "&lt;"),
            ("]]>é", "]]>é"),
        ] {
            assert_eq!(text(inside).as_deref(), Some(want), "{inside}");
        }
    }

    #[test]
    fn a_text_with_something_else_in_it_is_rejected() {
        for inside in [
            "&unknown;",
            "&",
            "a & b",
            "&#xD800;",
            "&#;",
            "&#x;",
            "&#+5;",
            "&amp",
            "<b/>",
            "a<b>c</b>",
        ] {
            assert_eq!(text(inside), None, "{inside}");
        }
    }

    #[test]
    fn malformed_documents_are_errors() {
        for document in [
            "<a>",
            "<a><b>",
            "<a><b></a>",
            "<a></b>",
            "<a",
            "<a><!--</a>",
        ] {
            let mut reader = Reader::new(document);
            let broken = loop {
                match reader.next() {
                    Ok(Node::End) => break false,
                    Ok(_) => {}
                    Err(_) => break true,
                }
            };
            assert!(broken, "{document}");
        }
    }

    #[test]
    fn prefixes_of_names_are_removed_and_skipped_elements_are_not_checked() {
        let document = "\u{feff}<?xml version='1.0'?><!DOCTYPE r><s:r x='1'>\
            <s:a><b>&x; & </b><c/></s:a><d y='2'/></s:r>";
        let mut reader = Reader::new(document);
        let mut names = Vec::new();
        loop {
            match reader.next().unwrap() {
                Node::Open => {
                    names.push(reader.name().to_owned());
                    if names.len() > 1 {
                        reader.skip().unwrap();
                    }
                }
                Node::End => break,
                Node::Text(_) | Node::Close => {}
            }
        }
        assert_eq!(names, ["r", "a", "d"]);
    }
}
