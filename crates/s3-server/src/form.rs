//! Browser uploads (POST Object): replaces `${filename}` in the key, and rejects forms with an unsigned or violated
//! policy.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Method, Response, StatusCode};

use crate::response_completion::{error_response, escaped};

/// The variable in the key.
const VARIABLE: &str = "${filename}";

/// The name of the file that a form uploads. Stored in the extensions of the request.
#[derive(Clone, Debug)]
pub(crate) struct FileName {
    name: String,
    /// Whether the form has a signature. S3 rejects a policy without a signature as malformed.
    is_signed: bool,
}

impl FileName {
    /// Replaces `${filename}` in a key.
    pub(crate) fn put_into(&self, key: &str) -> String {
        key.replace(VARIABLE, &self.name)
    }

    /// Replaces `${filename}` in the key and location of the response. If the policy does not allow the request, sets
    /// the error code of S3.
    pub(crate) fn put_into_response(&self, response: Response<s3s::Body>) -> Response<s3s::Body> {
        let response = match self.is_signed {
            true => denied_by_policy(response),
            false => response,
        };
        with_text(response, |text| {
            text.replace(VARIABLE, &escaped(&self.name))
        })
    }

    /// Finds the file name in the beginning of a form.
    pub(crate) fn of(body: &[u8]) -> Option<Self> {
        let head = b"name=\"file\"; filename=\"";
        let begin = body.windows(head.len()).position(|part| part == head)?;
        let name = &body[begin + head.len()..];
        let end = name.iter().position(|byte| *byte == b'"')?;
        let name = std::str::from_utf8(&name[..end]).ok()?;
        // Some browsers send the whole path.
        let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
        Some(Self {
            name: name.to_owned(),
            is_signed: is_signed(body),
        })
    }
}

fn is_signed(form: &[u8]) -> bool {
    has_field(form, b"name=\"signature\"") || has_field(form, b"name=\"x-amz-signature\"")
}

fn has_field(form: &[u8], field: &[u8]) -> bool {
    form.windows(field.len())
        .any(|part| part.eq_ignore_ascii_case(field))
}

/// Returns the error response for a form with a policy and without a signature.
pub(crate) fn policy_without_signature(beginning: &[u8]) -> Option<Response<s3s::Body>> {
    let message = "Bucket POST must contain a field named 'X-Amz-Signature'. If it is specified, please check the order of the fields.";
    let is_incomplete = has_field(beginning, b"name=\"policy\"") && !is_signed(beginning);
    is_incomplete.then(|| error_response(StatusCode::BAD_REQUEST, "InvalidArgument", message))
}

/// Changes the response to a form that violates its policy to `403 AccessDenied`, as on S3. The protocol layer reports
/// such a policy as invalid.
fn denied_by_policy(response: Response<s3s::Body>) -> Response<s3s::Body> {
    const INVALID: &str = "<Code>InvalidPolicyDocument</Code><Message>Policy condition";
    const DENIED: &str =
        "<Code>AccessDenied</Code><Message>Invalid according to Policy: Policy Condition failed:";
    let mut is_denied = false;
    let mut response = with_text(response, |text| {
        is_denied = text.contains(INVALID);
        text.replace(INVALID, DENIED)
    });
    if is_denied {
        *response.status_mut() = StatusCode::FORBIDDEN;
    }
    response
}

/// Applies `change` to the body of a response.
fn with_text(
    response: Response<s3s::Body>,
    change: impl FnOnce(&str) -> String,
) -> Response<s3s::Body> {
    let mut response = response.map(|body| match body.bytes() {
        Some(document) => s3s::Body::from(change(&String::from_utf8_lossy(&document))),
        None => body,
    });
    response.headers_mut().remove(CONTENT_LENGTH);
    response
}

/// Returns whether a request uploads a form.
pub(crate) fn is_form(method: &Method, headers: &HeaderMap) -> bool {
    const FORM: &[u8] = b"multipart/form-data";
    let kind = headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    let kind = kind.and_then(|kind| kind.get(..FORM.len()));
    method == Method::POST && kind.is_some_and(|kind| kind.eq_ignore_ascii_case(FORM))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_file_replaces_the_variable() {
        for (name, key) in [
            ("a.txt", "up/a.txt"),
            ("C:\\dir\\b c.txt", "up/b c.txt"),
            ("", "up/"),
        ] {
            let body = format!(
                "x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\nbytes"
            );
            let name = FileName::of(body.as_bytes()).unwrap();
            assert_eq!(name.put_into("up/${filename}"), key);
        }
        assert!(FileName::of(b"name=\"key\"\r\n").is_none());
    }
}
