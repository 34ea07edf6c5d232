//! Converts error responses, and the SDK's errors, into [`Error`].
//!
//! In order: requests that were not sent, connections that failed, responses that could not be parsed, and error
//! responses. The last two are shared by both transports.
//!
//! No cause is attached: the SDK's errors hold whole responses, and a response to a wrong signature repeats the
//! signature. The text of a cause goes into the message, once.

use std::error::Error as StdError;
use std::io;
use std::time::SystemTime;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::SdkError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::DispatchFailure;

use super::body::UnreadablePayload;
use super::causes::{causes, find, shortened, text_of};
use super::collected_response::CollectedResponse;
use super::hint::{CONNECTION_REFUSED, PROXY, UNTRUSTED_CERTIFICATE, hint, wait_of};
use super::transport_error;
use super::xml_complete::{is_cut_short, is_html};
use crate::{Error, ErrorKind, Operation, Phase, Result, Retryability, classify};
use s3_wire::{ErrorDocument, NotXml, WireError, WireErrorKind};

/// Converts the SDK's error.
pub(super) fn from_sdk<E>(operation: Operation, error: &SdkError<E, HttpResponse>) -> Error
where
    E: StdError + 'static,
{
    if let Some(unreadable) = find::<UnreadablePayload>(error) {
        return Error::new(ErrorKind::LocalIo, operation).with_message(unreadable.0.to_string());
    }
    match error {
        SdkError::ConstructionFailure(_) => not_sent(operation, error),
        SdkError::TimeoutError(_) => {
            Error::new(ErrorKind::Timeout, operation).with_message(text_of(error))
        }
        SdkError::DispatchFailure(failure) => not_delivered(operation, error, failure),
        SdkError::ResponseError(_) if broke_off(error) => {
            Error::new(ErrorKind::Network, operation).with_message(text_of(error))
        }
        SdkError::ResponseError(context) => with_collected(context.raw(), |collected| {
            not_understood(operation, collected, text_of(error))
        }),
        SdkError::ServiceError(context) => {
            with_collected(context.raw(), |collected| error_of(operation, collected))
        }
        _ => Error::new(ErrorKind::Other, operation).with_message(text_of(error)),
    }
}

/// Parses the document of a successful response.
///
/// # Errors
///
/// The error of an error document in a response with a success status; a transient error of kind `Server` for a
/// response that is empty or truncated, and of kind `Protocol` for another document that cannot be parsed.
pub(super) fn read_document<'b, T>(
    operation: Operation,
    collected: &CollectedResponse<'b>,
    parse: impl FnOnce(&'b str) -> std::result::Result<T, NotXml>,
) -> Result<T> {
    let document = std::str::from_utf8(collected.body);
    if document.is_err_and(|error| error.error_len().is_none()) {
        let text = "the response document is truncated";
        return Err(not_understood(operation, collected, text));
    }
    let Ok(document) = document else {
        let text = match collected.header("content-encoding") {
            Some(encoding) => format!("the response is not UTF-8 but {}", shortened(encoding)),
            None => "the response is not UTF-8".to_owned(),
        };
        return Err(misunderstood(operation, collected, &text));
    };
    parse(document).map_err(|not_xml| {
        let text = not_xml.to_string();
        if holds_error(collected) {
            error_of(operation, collected)
        } else if document.trim().is_empty() {
            not_understood(operation, collected, "the response is empty")
        } else if is_cut_short(document) && !is_html(document) {
            not_understood(operation, collected, "the response document is truncated")
        } else {
            misunderstood(operation, collected, &text)
        }
    })
}

/// Returns whether the response body was interrupted. The error type is hyper's, in a version private to the SDK, so
/// its text is matched.
fn broke_off(error: &(dyn StdError + 'static)) -> bool {
    find::<io::Error>(error).is_some()
        || causes(error).any(|cause| {
            let said = cause.to_string();
            said.starts_with("error reading a body from connection")
        })
}

/// Returns the error of one key in a DeleteObjects response with a success status.
pub(super) fn of_key(code: Option<&str>, message: Option<&str>) -> Error {
    let error = Error::from_response(Operation::Delete, 200, code);
    match message.filter(|message| !message.is_empty()) {
        Some(message) => error.with_message(shortened(message)),
        None => error,
    }
}

/// Returns the error of a response that contradicts itself. A retry may get a correct response.
pub(super) fn contradictory(operation: Operation, text: &str) -> Error {
    Error::new(ErrorKind::Integrity, operation)
        .with_message(text)
        .with_retryability(Retryability::Transient)
}

/// Returns the error of a response without a required element. A retry probably gets the same response.
pub(super) fn malformed(operation: Operation, text: &str) -> Error {
    Error::new(ErrorKind::Protocol, operation).with_message(text)
}

/// Returns the error of a complete response that cannot be parsed, with its first bytes.
pub(super) fn misunderstood(
    operation: Operation,
    collected: &CollectedResponse<'_>,
    text: &str,
) -> Error {
    let error = not_understood(
        operation,
        collected,
        format!("{text}: {}", beginning(collected.body)),
    );
    error.with_kind(ErrorKind::Protocol)
}

/// Returns the first bytes of a body as text for an error message.
pub(super) fn beginning(body: &[u8]) -> String {
    const MOST: usize = 100;
    let text = String::from_utf8_lossy(&body[..body.len().min(MOST)]);
    let more = if body.len() > MOST { " …" } else { "" };
    format!("{}{more}", text.escape_debug())
}

/// Returns the error of a request that was rejected before it was sent.
pub(super) fn invalid_input(operation: Operation, text: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidInput, operation).with_message(text)
}

fn not_sent(operation: Operation, error: &(dyn StdError + 'static)) -> Error {
    match find::<CredentialsError>(error) {
        Some(credentials) => without_credentials(operation, error, credentials),
        None => invalid_input(operation, text_of(error)),
    }
}

/// Texts of hyper's errors for a response head that is not valid HTTP.
const UNLIKE_HTTP: &[&str] = &[
    "invalid HTTP",
    "invalid content-length",
    "invalid transfer-encoding",
    "message head is too large",
];

fn not_delivered(
    operation: Operation,
    error: &(dyn StdError + 'static),
    failure: &DispatchFailure,
) -> Error {
    if let Some(credentials) = find::<CredentialsError>(error) {
        return without_credentials(operation, error, credentials);
    }
    if let Some(lost) = find::<WireError>(error) {
        return transport_error::before_response(operation, lost);
    }
    let text = text_of(error);
    if is_silent_source(error) {
        return without_response(operation, text).with_phase(Phase::Local);
    }
    let kind = if failure.is_timeout() {
        ErrorKind::Timeout
    } else if text.contains("invalid peer certificate") {
        let error = Error::new(ErrorKind::Config, operation).with_message(text);
        return error.with_hint(UNTRUSTED_CERTIFICATE);
    } else if UNLIKE_HTTP.iter().any(|words| text.contains(words)) {
        return Error::new(ErrorKind::Protocol, operation).with_message(text);
    } else if text.contains("received corrupt message") {
        return transport_error::not_tls(
            Error::new(ErrorKind::Config, operation).with_message(text),
        );
    } else if has_no_endpoint(error) {
        // The SDK's endpoint rules reject the region or the bucket's name.
        ErrorKind::Config
    } else if failure.is_user() {
        ErrorKind::InvalidInput
    } else {
        // I/O errors, and connections that the peer closed early.
        ErrorKind::Network
    };
    let lost = Error::new(kind, operation).with_message(text);
    if find::<io::Error>(error).is_some_and(transport_error::is_unknown_name) {
        return transport_error::unknown_name(lost).with_phase(Phase::Connect);
    }
    match find::<io::Error>(error).map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => lost
            .with_hint(CONNECTION_REFUSED)
            .with_phase(Phase::Connect),
        _ if matches!(kind, ErrorKind::InvalidInput | ErrorKind::Config) => {
            lost.with_phase(Phase::Local)
        }
        _ => lost,
    }
}

/// Returns whether the SDK's endpoint rules have no endpoint for the bucket and the region. The error type is in a
/// private crate of the SDK, so its name is matched.
fn has_no_endpoint(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(|cause| format!("{cause:?}").starts_with("ResolveEndpointError"))
}

/// Returns the error of credentials that could not be loaded.
pub(super) fn without_identity(operation: Operation, error: &CredentialsError) -> Error {
    without_credentials(operation, error, error)
}

fn without_credentials(
    operation: Operation,
    error: &(dyn StdError + 'static),
    credentials: &CredentialsError,
) -> Error {
    no_credentials(operation, text_of(error), credentials).with_phase(Phase::Local)
}

fn no_credentials(operation: Operation, text: String, credentials: &CredentialsError) -> Error {
    match credentials {
        CredentialsError::ProviderTimedOut(_) => {
            without_response(operation, text)
        }
        CredentialsError::CredentialsNotLoaded(_) => {
            Error::new(ErrorKind::Config, operation).with_message(text).with_hint(
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, choose a profile with AWS_PROFILE, or run \
                 where a role provides credentials",
            )
        }
        _ if find::<WireError>(credentials)
            .is_some_and(|lost| lost.kind() == WireErrorKind::Proxy) =>
        {
            Error::new(ErrorKind::Config, operation)
                .with_message(text)
                .with_hint(PROXY)
        }
        // The credentials service could not be reached, which is transient. The outer errors are not searched: they
        // belong to this request and always contain "dispatch failure".
        _ if causes(credentials).any(is_lost_on_the_way) => {
            Error::new(ErrorKind::Network, operation).with_message(text)
        }
        _ => Error::new(ErrorKind::Config, operation)
            .with_message(text)
            .with_hint("check the configured source of credentials with `aws sts get-caller-identity`"),
    }
}

/// Returns whether the SDK's wait for credentials has timed out. The error type is private to the SDK, so its text is
/// matched.
fn is_silent_source(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(|cause| {
        let said = cause.to_string();
        said.starts_with("identity resolver timed out")
    })
}

fn without_response(operation: Operation, text: String) -> Error {
    Error::new(ErrorKind::Timeout, operation)
        .with_message(text)
        .with_hint(
            "check the configured source of credentials with `aws sts get-caller-identity`: it does not respond",
        )
}

fn is_lost_on_the_way(cause: &(dyn StdError + 'static)) -> bool {
    matches!(
        cause.to_string().as_str(),
        "dispatch failure" | "request has timed out" | "timeout" | "io error"
    )
}

/// Converts a response of the SDK to a `CollectedResponse`.
fn with_collected(raw: &HttpResponse, read: impl FnOnce(&CollectedResponse<'_>) -> Error) -> Error {
    read(&CollectedResponse {
        status: raw.status().as_u16(),
        header: &|name| raw.headers().get(name),
        // `None` if the body was taken.
        body: raw.body().bytes().unwrap_or_default(),
    })
}

/// Returns whether a response with a success status contains an error document, as S3 sends it if an operation fails
/// after the status was sent.
pub(super) fn holds_error(collected: &CollectedResponse<'_>) -> bool {
    collected.is_success() && ErrorDocument::read(&collected.text()).is_error
}

/// Returns the error of an error response, from its code or its status.
pub(super) fn error_of(operation: Operation, collected: &CollectedResponse<'_>) -> Error {
    let said = ErrorDocument::read(&collected.text());
    // MinIO sends the code and the message of a response to HEAD in headers.
    let code = said
        .code
        .as_deref()
        .or(collected.header("x-minio-error-code"))
        .or(collected.header("x-amz-error-code"));
    let code = code.map(shortened);
    let known = |code: &str| classify(operation, None, Some(code)).0 != ErrorKind::Other;
    if collected.is_success() && !code.as_deref().is_some_and(known) {
        let text = code.or(said.message.as_deref().map(shortened));
        let text =
            text.unwrap_or_else(|| "the response is an error document without a code".to_owned());
        return not_understood(operation, collected, text);
    }
    let code = code.as_deref();
    let mut error = Error::from_response(operation, collected.status, code);
    error = with_request_id(error, collected, &said);
    if let Some(message) = message(collected, &said) {
        error = error.with_message(message);
    }
    if matches!(error.retryability(), Retryability::Throttled { .. }) {
        let after = collected.header("retry-after");
        let after = after.and_then(|text| wait_of(text, SystemTime::now()));
        error = error.with_retryability(Retryability::Throttled { after });
    }
    if collected.header("x-amz-delete-marker") == Some("true") {
        let version = collected.header("x-amz-version-id");
        error = error.with_delete_marker(version.map(shortened).unwrap_or_default());
    }
    if let Some(region) = named_region(collected, &said) {
        error = error.with_bucket_region(region);
    }
    match hint(operation, collected, &said) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// Returns the region of the bucket that an error response names, such as a redirect.
fn named_region(collected: &CollectedResponse<'_>, said: &ErrorDocument) -> Option<String> {
    let redirects = match said.code.as_deref() {
        None => matches!(collected.status, 301 | 302 | 307 | 308 | 400),
        Some(code) => matches!(
            code,
            "PermanentRedirect" | "TemporaryRedirect" | "Redirect" | "AuthorizationHeaderMalformed"
        ),
    };
    let region = collected
        .header("x-amz-bucket-region")
        .or(said.region.as_deref());
    region.filter(|_| redirects).map(shortened)
}

/// Returns the message of an error response, in S3's XML or another format, and the address that it redirects to.
fn message(collected: &CollectedResponse<'_>, said: &ErrorDocument) -> Option<String> {
    let own = match &said.message {
        Some(message) => Some(shortened(message)),
        // A body with NUL bytes is not text.
        None if said.code.is_none() && !collected.body.contains(&0) => {
            other_text(&collected.text())
        }
        None => None,
    };
    let own = own
        .or_else(|| header_text(collected, "x-minio-error-desc"))
        .or_else(|| header_text(collected, "x-amz-error-message"));
    let own = match (own, said.argument.as_deref().map(shortened)) {
        (Some(own), Some(argument)) => Some(format!("{own} ({argument})")),
        (own, argument) => own.or(argument),
    };
    let elsewhere = match collected.status {
        300..=399 => header_text(collected, "location")
            .map(|location| format!("the server redirects to {location}")),
        // The headers of these responses name the required authentication.
        401 if said.code.is_none() => header_text(collected, "www-authenticate")
            .map(|scheme| format!("the server requires {scheme} authentication")),
        407 => header_text(collected, "proxy-authenticate")
            .map(|scheme| format!("the proxy requires {scheme} authentication")),
        _ => None,
    };
    match (own, elsewhere) {
        (Some(own), Some(elsewhere)) => Some(format!("{own}; {elsewhere}")),
        (own, elsewhere) => own.or(elsewhere),
    }
}

fn header_text(collected: &CollectedResponse<'_>, name: &str) -> Option<String> {
    let value = collected.header(name)?.trim();
    (!value.is_empty()).then(|| shortened(value))
}

/// Returns the message in an HTML page, another XML document, a JSON object or a text.
pub(super) fn other_text(body: &str) -> Option<String> {
    let body = body.trim();
    let lower = body.to_ascii_lowercase();
    let element = |name: &str| {
        let tag = lower.find(&format!("<{name}"))?;
        let begin = tag + lower[tag..].find('>')? + 1;
        let len = lower[begin..].find(&format!("</{name}"))?;
        // ASCII lower-casing does not move byte offsets.
        body.get(begin..begin + len)
    };
    let plain;
    let text = if body.starts_with('{') {
        let quoted = [
            "\"message\"",
            "\"error_description\"",
            "\"detail\"",
            "\"error\"",
            "\"title\"",
        ];
        let found = quoted.iter().find_map(|name| {
            let rest = lower.find(name).map(|at| at + name.len())?;
            let value = body[rest..].trim_start().strip_prefix(':')?.trim_start();
            json_text(value.strip_prefix('"')?)
        });
        plain = found.unwrap_or_else(|| body.to_owned());
        &plain
    } else if is_html(&lower) || body.starts_with('<') {
        plain = without_tags(element("title").or_else(|| element("h1")).unwrap_or(body));
        &plain
    } else {
        body
    };
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then(|| shortened(&text))
}

/// Returns `rest` up to the closing quotation mark, without backslashes; escaped line breaks and tabs become spaces.
fn json_text(rest: &str) -> Option<String> {
    let mut text = String::new();
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => return Some(text),
            '\\' => text.push(match chars.next()? {
                'n' | 'r' | 't' => ' ',
                other => other,
            }),
            other => text.push(other),
        }
    }
}

/// Returns the text between the tags of a document.
fn without_tags(document: &str) -> String {
    let mut pieces = document.split('<');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        text.push(' ');
        text.push_str(piece.split_once('>').map_or("", |(_, after)| after));
    }
    text
}

/// Returns the error of a response that is not from S3 or is incomplete, such as a proxy's page.
pub(super) fn not_understood(
    operation: Operation,
    collected: &CollectedResponse<'_>,
    text: impl Into<String>,
) -> Error {
    let mut error = Error::from_response(operation, collected.status, None).with_message(text);
    if collected.status < 400 {
        error = error
            .with_kind(ErrorKind::Server)
            .with_retryability(Retryability::Transient);
    }
    with_request_id(error, collected, &ErrorDocument::default())
}

/// Returns whether an error code means that the credentials have expired.
pub(super) fn are_expired(code: &str) -> bool {
    matches!(code, "ExpiredToken" | "TokenRefreshRequired")
}

fn with_request_id(error: Error, collected: &CollectedResponse<'_>, said: &ErrorDocument) -> Error {
    let id = collected.header("x-amz-request-id");
    match id.or(said.request_id.as_deref()) {
        Some(id) => error.with_request_id(shortened(id)),
        None => error,
    }
}

#[cfg(test)]
mod tests;
