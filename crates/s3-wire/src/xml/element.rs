//! [`Element`]: parses a small XML document into a tree of elements.

use std::borrow::Cow;

use super::reader::{Node, NotXml, Reader};

/// Maximum depth of a document. Those of S3 have at most five levels.
const MAX_DEPTH: usize = 16;

/// An element of a document: its name, its text and its child elements.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Element {
    name: String,
    text: String,
    children: Vec<Self>,
}

impl Element {
    /// Parses a document and returns its root, which must have the name `root`.
    ///
    /// # Errors
    ///
    /// The document is not well-formed, ends in the middle, or has another root.
    pub fn parse(document: &str, root: &str) -> Result<Self, NotXml> {
        let mut reader = Reader::new(document);
        let mut open: Vec<Self> = Vec::new();
        loop {
            match reader.next()? {
                Node::Open if open.len() == MAX_DEPTH => {
                    return Err(NotXml("the document is nested too deeply".into()));
                }
                Node::Open if open.is_empty() && reader.name() != root => {
                    return Err(NotXml(format!("the response is not a {root}").into()));
                }
                Node::Open => open.push(Self {
                    name: reader.name().to_owned(),
                    ..Self::default()
                }),
                Node::Text(text) => match open.last_mut() {
                    Some(element) => element.text.push_str(&text),
                    None if text.trim().is_empty() => {}
                    None => return Err(NotXml("there is text before the root element".into())),
                },
                Node::Close => {
                    let Some(mut closed) = open.pop() else {
                        continue;
                    };
                    if closed.children.is_empty() {
                        closed.text = super::reader::unescaped(closed.text.into())?.into_owned();
                    }
                    match open.last_mut() {
                        Some(parent) => parent.children.push(closed),
                        None => return Ok(closed),
                    }
                }
                Node::End => return Err(NotXml("the response is empty".into())),
            }
        }
    }

    /// Returns the first child element with this name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Returns the child elements with this name.
    pub fn children<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Self> {
        let is_named = move |child: &&Self| child.name == name;
        self.children.iter().filter(is_named)
    }

    /// Returns the child elements with these names, and their names, in the order of the document.
    pub fn children_of<'e>(
        &'e self,
        names: &'e [&str],
    ) -> impl Iterator<Item = (&'e str, &'e Self)> {
        let all = self.children.iter();
        let all = all.map(|child| (child.name.as_str(), child));
        all.filter(move |(name, _)| names.contains(name))
    }

    /// Returns the text of the first child element with this name.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| &*child.text)
    }

    /// As [`text`](Self::text), without white space around it; `None` if nothing is left.
    #[must_use]
    pub fn scalar(&self, name: &str) -> Option<&str> {
        let text = self.text(name).map(str::trim);
        text.filter(|text| !text.is_empty())
    }
}

/// Escapes a text for an XML document.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    quick_xml::escape::escape(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_name_and_texts_are_unescaped() {
        let document = "<?xml version='1.0'?>\n<s:R xmlns:s='x'><A> a &amp; <![CDATA[&lt;]]></A><B/>\
            <C><A>1</A>&odd;<A>2</A></C><A>second</A></s:R>\n";
        let root = Element::parse(document, "R").unwrap();
        assert_eq!(root.text("A"), Some(" a & &lt;"));
        assert_eq!(root.scalar("A"), Some("a & &lt;"));
        assert_eq!((root.text("B"), root.scalar("B")), (Some(""), None));
        assert_eq!((root.text("D"), root.scalar("D")), (None, None));
        let inner = root.child("C").unwrap().children("A");
        let inner: Vec<_> = inner.map(|element| &*element.text).collect();
        assert_eq!(inner, ["1", "2"]);
    }

    #[test]
    fn malformed_and_other_documents_are_errors() {
        let deep = format!("<R>{}", "<a>".repeat(100_000));
        for document in [
            "",
            "text",
            "=?xml version='1.0'?><R/>",
            "<R>",
            "<R><A></R>",
            "<R><A>",
            "<S/>",
            "<R><A>&odd;</A></R>",
            "<R><A>a & b</A></R>",
            &deep,
        ] {
            assert!(Element::parse(document, "R").is_err(), "{document}");
        }
    }

    #[test]
    fn an_escaped_text_is_read_as_it_was() {
        let text = "<a> & \"b\" 'c'\t\n\r]]>";
        let document = format!("<R><A>{}</A></R>", escape(text));
        let root = Element::parse(&document, "R").unwrap();
        assert_eq!(root.text("A"), Some(text));
    }
}
