//! Writes the canonical request, string to sign and request head of Signature Version 4, all from the same headers.

use super::amz_date::AmzDate;
use super::headers::{Signed, Value};
use crate::{Credentials, Request};

/// SHA-256 of an empty payload, in hexadecimal digits.
pub(super) const EMPTY_PAYLOAD: &[u8; 64] =
    b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The service's name in a credential scope, and the last part of a scope.
pub(super) const SERVICE: &str = "s3";
pub(super) const SCOPE_END: &str = "aws4_request";

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Appends the canonical request, whose hash is signed.
pub(super) fn write_request(
    request: &Request<'_>,
    token: Option<&str>,
    date: &AmzDate,
    out: &mut Vec<u8>,
) {
    for part in [
        request.method,
        "\n",
        &*request.path,
        "\n",
        request.query.as_str(),
    ] {
        out.extend_from_slice(part.as_bytes());
    }
    for header in signed(request, token) {
        if header.repeats {
            out.push(b',');
        } else {
            out.push(b'\n');
            out.extend_from_slice(header.name.as_bytes());
            out.push(b':');
        }
        match header.kind {
            Value::WithRuns => write_collapsed(header.value, out),
            _ => write_value(&header, request, token, date, out),
        }
    }
    out.extend_from_slice(b"\n\n");
    write_names(request, token, out);
    out.push(b'\n');
    request.payload_hash.write(out);
}

/// Appends the string to sign.
pub(super) fn write_string_to_sign(
    date: &AmzDate,
    region: &str,
    digest: &[u8; 32],
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(ALGORITHM.as_bytes());
    out.push(b'\n');
    out.extend_from_slice(date.date_time());
    out.push(b'\n');
    write_scope(date, region, out);
    out.push(b'\n');
    write_hex(digest, out);
}

/// Appends the request line and all headers except `authorization`.
pub(super) fn write_headers(
    request: &Request<'_>,
    token: Option<&str>,
    date: &AmzDate,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(request.method.as_bytes());
    out.push(b' ');
    out.extend_from_slice(request.path.as_bytes());
    if !request.query.as_str().is_empty() {
        out.push(b'?');
        out.extend_from_slice(request.query.as_str().as_bytes());
    }
    out.extend_from_slice(b" HTTP/1.1\r\n");
    for header in signed(request, token) {
        out.extend_from_slice(header.name.as_bytes());
        out.extend_from_slice(b": ");
        write_value(&header, request, token, date, out);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(request.headers.unsigned().as_bytes());
}

/// Appends the whole head, including the `authorization` header with the signature.
pub(super) fn write_head(
    request: &Request<'_>,
    credentials: &Credentials,
    region: &str,
    date: &AmzDate,
    signature: &[u8; 32],
    out: &mut Vec<u8>,
) {
    write_headers(request, credentials.token(), date, out);
    for part in [
        "authorization: ",
        ALGORITHM,
        " Credential=",
        credentials.access_key(),
    ] {
        out.extend_from_slice(part.as_bytes());
    }
    out.push(b'/');
    write_scope(date, region, out);
    out.extend_from_slice(b", SignedHeaders=");
    write_names(request, credentials.token(), out);
    out.extend_from_slice(b", Signature=");
    write_hex(signature, out);
    out.extend_from_slice(b"\r\n\r\n");
}

/// Appends two lower-case digits per byte.
pub(super) fn write_hex(digest: &[u8; 32], out: &mut Vec<u8>) {
    let mut text = [0; 64];
    hex::encode_to_slice(digest, &mut text).expect("64 digits are two per byte");
    out.extend_from_slice(&text);
}

/// Returns all signed headers in the order of their names.
fn signed<'a>(request: &'a Request<'_>, token: Option<&str>) -> impl Iterator<Item = Signed<'a>> {
    let has_token = token.is_some();
    let headers = request.headers.signed();
    headers.filter(move |header| has_token || header.kind != Value::Token)
}

/// Appends a value as it is sent.
fn write_value(
    header: &Signed<'_>,
    request: &Request<'_>,
    token: Option<&str>,
    date: &AmzDate,
    out: &mut Vec<u8>,
) {
    let text = match header.kind {
        Value::Plain | Value::WithRuns => header.value,
        Value::Host => request.host,
        Value::Token => token.unwrap_or_default(),
        Value::ContentHash => return request.payload_hash.write(out),
        Value::Date => return out.extend_from_slice(date.date_time()),
    };
    out.extend_from_slice(text.as_bytes());
}

/// Appends a value with runs of spaces replaced by one space. S3 does that with spaces only, not with tabs.
fn write_collapsed(value: &str, out: &mut Vec<u8>) {
    let mut previous = 0;
    for byte in value.bytes() {
        if !(byte == b' ' && previous == b' ') {
            out.push(byte);
        }
        previous = byte;
    }
}

/// Appends the names of the signed headers, each once.
fn write_names(request: &Request<'_>, token: Option<&str>, out: &mut Vec<u8>) {
    let start = out.len();
    for header in signed(request, token).filter(|header| !header.repeats) {
        if out.len() > start {
            out.push(b';');
        }
        out.extend_from_slice(header.name.as_bytes());
    }
}

/// Appends `20130524/us-east-1/s3/aws4_request`.
fn write_scope(date: &AmzDate, region: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(date.date());
    for part in ["/", region, "/", SERVICE, "/", SCOPE_END] {
        out.extend_from_slice(part.as_bytes());
    }
}
