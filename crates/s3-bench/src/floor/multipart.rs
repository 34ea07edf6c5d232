//! CreateMultipartUpload and CompleteMultipartUpload of the lower-bound client ("floor").

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::failure::Outcome;

/// Creates an upload and returns its id.
pub(super) fn begin(host: &str, path: &str) -> Outcome<String> {
    let response = post(host, &format!("{path}?uploads"), "")?;
    let id = response
        .split("<UploadId>")
        .nth(1)
        .and_then(|rest| rest.split('<').next())
        .ok_or("the response has no UploadId")?;
    Ok(id.to_owned())
}

/// Completes an upload of `parts` parts. The benchmark server does not compare ETags.
pub(super) fn complete(host: &str, path: &str, id: &str, parts: usize) -> Outcome {
    let part = |number| format!("<Part><PartNumber>{number}</PartNumber><ETag>e</ETag></Part>");
    let parts: String = (1..=parts).map(part).collect();
    let body = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
    let response = post(host, &format!("{path}?uploadId={id}"), &body)?;
    if response.contains("CompleteMultipartUploadResult") {
        return Ok(());
    }
    Err("an upload was not completed".into())
}

fn post(host: &str, target: &str, body: &str) -> Outcome<String> {
    let mut stream = TcpStream::connect(host)?;
    let len = body.len();
    let request = format!(
        "POST {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {len}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes())?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    Ok(response)
}
