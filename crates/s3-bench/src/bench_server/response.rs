//! Builds the HTTP responses of the benchmark server: status line, headers and body, ready to send.

use bytes::Bytes;

use super::pool::Window;

/// Headers of every response.
const ALWAYS: &str = "x-amz-id-2: Uuag1LuByRx9e6j5Onimru9pO4ZVKnJ2Qz7/C1NPcfTWAtRPfTaOFg==\r\n\
                      x-amz-request-id: 656C76696E672773\r\n\
                      Date: Tue, 20 Oct 2026 10:11:13 GMT\r\nServer: AmazonS3\r\n";

/// A head, including its final blank line, and a body.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) head: Vec<u8>,
    pub(super) body: Body,
}

/// The body of a response.
#[derive(Debug)]
pub(super) enum Body {
    Nothing,
    Text(String),
    Kept(Bytes),
    Pool(Window),
}

impl Response {
    /// Returns a response without a body.
    pub(super) fn bare(status: &str, headers: &str) -> Self {
        Self {
            head: head(status, headers),
            body: Body::Nothing,
        }
    }

    pub(super) fn document(status: &str, text: String) -> Self {
        let headers = format!(
            "Content-Type: application/xml\r\nContent-Length: {}\r\n",
            text.len()
        );
        Self {
            head: head(status, &headers),
            body: Body::Text(text),
        }
    }

    pub(super) fn error(status: &str, code: &str) -> Self {
        Self::document(
            status,
            format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>"),
        )
    }

    /// Returns the response to a `HEAD`: the same head without the body.
    pub(super) fn without_body(self) -> Self {
        Self {
            body: Body::Nothing,
            ..self
        }
    }
}

/// Serialises a head from its status, such as `200 OK`, and its own headers, each ending in CRLF.
pub(super) fn head(status: &str, headers: &str) -> Vec<u8> {
    let mut head = Vec::with_capacity(512);
    for piece in ["HTTP/1.1 ", status, "\r\n", ALWAYS, headers, "\r\n"] {
        head.extend_from_slice(piece.as_bytes());
    }
    head
}
