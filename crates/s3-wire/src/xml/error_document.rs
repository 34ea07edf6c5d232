//! [`ErrorDocument`]: parses the XML document of an error response: code, message, region and endpoint.

use super::reader::{Node, Reader};

/// The fields of an error document. Any of them may be missing: a proxy does not know S3.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ErrorDocument {
    /// The error code, such as `NoSuchKey`.
    pub code: Option<String>,
    /// The message for people.
    pub message: Option<String>,
    /// The request id, for AWS support.
    pub request_id: Option<String>,
    /// The bucket's region, in a redirect.
    pub region: Option<String>,
    /// The endpoint to use instead, in a redirect.
    pub endpoint: Option<String>,
    /// The header or parameter of the request that the server rejects.
    pub argument: Option<String>,
    /// Whether the root of the document is `Error`, or wraps one.
    pub is_error: bool,
}

impl ErrorDocument {
    /// Parses an error document up to its first syntax error. Only elements that are closed count.
    #[must_use]
    pub fn read(document: &str) -> Self {
        let mut found = Self::default();
        let mut reader = Reader::new(document);
        // Some servers wrap `Error` in another element; others put its fields into a root of another name.
        let mut depth = 0;
        while let Ok(node) = reader.next() {
            match node {
                Node::Open if depth == 0 => {
                    found.is_error = reader.name() == "Error";
                    depth = 1;
                }
                Node::Open if reader.name() == "Error" && depth == 1 => {
                    found.is_error = true;
                    depth = 2;
                }
                Node::Open => {
                    let field = match reader.name() {
                        "Code" => &mut found.code,
                        "Message" => &mut found.message,
                        "RequestId" => &mut found.request_id,
                        "Region" => &mut found.region,
                        "Endpoint" => &mut found.endpoint,
                        "Header" | "ArgumentName" => &mut found.argument,
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
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(document: &str) -> Option<String> {
        ErrorDocument::read(document).code
    }

    #[test]
    fn an_error_document_is_read_in_every_form() {
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
            let found = ErrorDocument::read(document);
            assert_eq!(found.code.as_deref(), Some("SlowDown"), "{document}");
            assert_eq!(found.message.as_deref(), Some("a & b"), "{document}");
            assert!(found.is_error, "{document}");
        }
    }

    #[test]
    fn other_and_truncated_documents_have_no_code_and_no_message() {
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
            let found = ErrorDocument::read(document);
            assert_eq!((found.code, found.message), (None, None), "{document}");
        }
    }

    #[test]
    fn closed_elements_of_a_truncated_document_are_read() {
        let whole = "<Error><Code>NoSuchKey</Code><Message>because</Message></Error>";
        for (end, _) in whole.char_indices() {
            let closed = whole[..end].contains("</Code>");
            assert_eq!(code(&whole[..end]).is_some(), closed, "{}", &whole[..end]);
        }
    }
}
