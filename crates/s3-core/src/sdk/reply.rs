//! What a server answered, whoever carried it: the generated client or the direct path.

use super::xml::{Node, Reader};

/// An answer with its body at hand.
#[derive(Clone, Copy)]
pub(super) struct Reply<'a> {
    pub(super) status: u16,
    /// Returns the value of a header by its name in lower case.
    pub(super) header: &'a dyn Fn(&str) -> Option<&'a str>,
    pub(super) body: &'a [u8],
}

impl<'a> Reply<'a> {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns the value of a header, unless it is empty.
    pub(super) fn header(&self, name: &str) -> Option<&'a str> {
        (self.header)(name).filter(|value| !value.is_empty())
    }

    /// Returns the body as text; empty if it is none.
    pub(super) fn text(&self) -> &'a str {
        std::str::from_utf8(self.body).unwrap_or_default()
    }
}

/// What an error document says. Everything may be missing: a proxy knows nothing of S3.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
    /// Whether the document is an error's at all, by its root.
    pub(super) is_error: bool,
}

impl Said {
    /// Reads an error document as far as it can be read. Only elements that are closed count: half a code is
    /// none.
    pub(super) fn read(document: &str) -> Self {
        let mut said = Self::default();
        let mut reader = Reader::new(document);
        // Some servers wrap `Error` into another element, or leave the wrapping out and the root unnamed.
        let mut depth = 0;
        while let Ok(node) = reader.next() {
            match node {
                Node::Open if depth == 0 => {
                    said.is_error = reader.name() == "Error";
                    depth = 1;
                }
                Node::Open if reader.name() == "Error" && depth == 1 => {
                    said.is_error = true;
                    depth = 2;
                }
                Node::Open => {
                    let field = match reader.name() {
                        "Code" => &mut said.code,
                        "Message" => &mut said.message,
                        "RequestId" => &mut said.request_id,
                        "Region" => &mut said.region,
                        "Endpoint" => &mut said.endpoint,
                        _ => {
                            if reader.skip().is_err() {
                                break;
                            }
                            continue;
                        }
                    };
                    let Ok(text) = reader.text() else {
                        break;
                    };
                    let text = text.trim();
                    if field.is_none() && !text.is_empty() {
                        *field = Some(text.to_owned());
                    }
                }
                Node::Close if depth <= 1 => break,
                Node::Close => depth -= 1,
                Node::Text(_) => {}
                Node::End => break,
            }
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(document: &str) -> Option<String> {
        Said::read(document).code
    }

    #[test]
    fn an_error_document_is_read_in_every_dress() {
        for document in [
            "<Error><Code>SlowDown</Code><Message>a &amp; b</Message></Error>",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>\n  <Code>SlowDown</Code>\n  \
             <Message>a &#38; b</Message>\n</Error>\n",
            "<Error xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Message>a &amp; b</Message>\
             <Resource/><Code> SlowDown\n</Code></Error>",
            "<s3:Error xmlns:s3='x'><s3:Code>SlowDown</s3:Code><s3:Message>a &amp; b</s3:Message></s3:Error>",
            "<ErrorResponse><Error><Type>Sender</Type><Code>SlowDown</Code><Message>a &amp; b</Message></Error>\
             <RequestId/></ErrorResponse>",
            "<!-- proxy --><Error><Code><![CDATA[SlowDown]]></Code><Message>a <![CDATA[&]]> b</Message></Error>",
            "<Error><Details><Code>Other</Code></Details><Code>SlowDown</Code><Message>a &amp; b</Message>",
        ] {
            let said = Said::read(document);
            assert_eq!(said.code.as_deref(), Some("SlowDown"), "{document}");
            assert_eq!(said.message.as_deref(), Some("a & b"), "{document}");
            assert!(said.is_error, "{document}");
        }
    }

    #[test]
    fn what_is_no_error_document_says_nothing() {
        for document in [
            "",
            "Bad gateway",
            "<html><head><title>502</title></head><body>Bad Gateway</body></html>",
            "<!DOCTYPE html><html><br><body>&nbsp;</html>",
            "{\"code\": \"SlowDown\"}",
            "<Error>",
            "<Error/>",
            "<Error><Code></Code></Error>",
            "<Error><Code>Slow",
            "<Error><Code>SlowDown",
            "<Error><Code>SlowDown</",
            "<Error><Code><b>SlowDown</b></Code></Error>",
            "\u{0}\u{1}<",
            "<><><>",
        ] {
            let said = Said::read(document);
            assert_eq!((said.code, said.message), (None, None), "{document}");
        }
    }

    #[test]
    fn a_document_that_is_cut_short_says_what_came() {
        let whole = "<Error><Code>NoSuchKey</Code><Message>because</Message></Error>";
        for (end, _) in whole.char_indices() {
            let closed = whole[..end].contains("</Code>");
            assert_eq!(code(&whole[..end]).is_some(), closed, "{}", &whole[..end]);
        }
    }
}
