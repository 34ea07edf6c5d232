//! The SDK's errors to ours, from wide to narrow: what never left this machine, what got lost on the way, what
//! came back and could not be read, and what the server said. The last two are shared with the direct path, which
//! reads answers itself.
//!
//! No cause is attached: the SDK's errors hold whole answers, and an answer to a wrong signature repeats the
//! signature. What a cause says goes into the message, once.

use std::error::Error as StdError;
use std::io;
use std::time::SystemTime;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::SdkError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::DispatchFailure;
use aws_smithy_types::byte_stream::error::Error as ByteStreamError;

use super::body::UnreadablePayload;
use super::causes::{causes, find, shortened, text_of};
use super::hint::{REFUSED, hint, wait_of};
use super::reply::{Reply, Said};
use crate::{Error, ErrorKind, Operation, Phase, Retryability, classify};

/// Returns what the SDK's error means.
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
        SdkError::ResponseError(context) => with_reply(context.raw(), |reply| {
            not_understood(operation, reply, text_of(error))
        }),
        SdkError::ServiceError(context) => with_reply(context.raw(), |reply| {
            if reply.is_success() && !holds_refusal(reply) {
                return not_understood(operation, reply, text_of(error));
            }
            refused_by_server(operation, reply)
        }),
        _ => Error::new(ErrorKind::Other, operation).with_message(text_of(error)),
    }
}

/// Returns whether an answer did not arrive whole, rather than that it could not be understood. The type that says so
/// is hyper's, in a version that is the SDK's own affair, so its words have to do.
fn broke_off(error: &(dyn StdError + 'static)) -> bool {
    find::<io::Error>(error).is_some()
        || causes(error).any(|cause| {
            let said = cause.to_string();
            said.starts_with("error reading a body from connection")
        })
}

/// Returns what an error in the middle of an answer's body means.
pub(super) fn while_reading(error: &ByteStreamError) -> Error {
    let text = text_of(error);
    let timed_out = find::<io::Error>(error).is_some_and(|io| io.kind() == io::ErrorKind::TimedOut);
    let kind = if text.contains("checksum mismatch") {
        ErrorKind::Integrity
    } else if timed_out {
        ErrorKind::Timeout
    } else {
        ErrorKind::Network
    };
    // Whatever it is, the object is intact on the server as far as we know.
    Error::new(kind, Operation::Get)
        .with_message(text)
        .with_phase(Phase::Body)
        .with_retryability(Retryability::Transient)
}

/// Returns the error of one key in an answer that is a success as a whole.
pub(super) fn of_key(code: Option<&str>, message: Option<&str>) -> Error {
    let error = Error::from_answer(Operation::Delete, 200, code);
    match message.filter(|message| !message.is_empty()) {
        Some(message) => error.with_message(shortened(message)),
        None => error,
    }
}

/// Returns the error of an answer that contradicts itself or leaves out what it must say. The same request may
/// be answered better next time.
pub(super) fn malformed(operation: Operation, text: &str) -> Error {
    Error::new(ErrorKind::Integrity, operation)
        .with_message(text)
        .with_retryability(Retryability::Transient)
}

/// Returns the error of a request that was refused before it was sent.
pub(super) fn refused(operation: Operation, text: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidInput, operation).with_message(text)
}

fn not_sent(operation: Operation, error: &(dyn StdError + 'static)) -> Error {
    match find::<CredentialsError>(error) {
        Some(credentials) => without_credentials(operation, error, credentials),
        None => refused(operation, text_of(error)),
    }
}

fn not_delivered(
    operation: Operation,
    error: &(dyn StdError + 'static),
    failure: &DispatchFailure,
) -> Error {
    if let Some(credentials) = find::<CredentialsError>(error) {
        return without_credentials(operation, error, credentials);
    }
    let text = text_of(error);
    let kind = if failure.is_timeout() {
        ErrorKind::Timeout
    } else if text.contains("invalid peer certificate") {
        let error = Error::new(ErrorKind::Config, operation).with_message(text);
        return error.with_hint("this machine's root certificates do not vouch for the endpoint");
    } else if failure.is_user() || is_endpoint_refusal(error) {
        ErrorKind::InvalidInput
    } else {
        // Input and output proper, connections that the peer closed halfway, and answers that are not HTTP.
        ErrorKind::Network
    };
    let lost = Error::new(kind, operation).with_message(text);
    match find::<io::Error>(error).map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => {
            lost.with_hint(REFUSED).with_phase(Phase::Connect)
        }
        _ if kind == ErrorKind::InvalidInput => lost.with_phase(Phase::Local),
        _ => lost,
    }
}

/// Returns whether the SDK's rules found no endpoint for the bucket and the region. The type is in a crate that
/// is not meant to be depended upon, so its name has to do.
fn is_endpoint_refusal(error: &(dyn StdError + 'static)) -> bool {
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
            Error::new(ErrorKind::Timeout, operation).with_message(text)
        }
        CredentialsError::CredentialsNotLoaded(_) => {
            Error::new(ErrorKind::Config, operation).with_message(text).with_hint(
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, choose a profile with AWS_PROFILE, or run \
                 where a role provides credentials",
            )
        }
        // The service that hands credentials out could not be reached; that passes. The layers around the
        // credentials are this request's own, and always say that it was not dispatched.
        _ if causes(credentials).any(is_lost_on_the_way) => {
            Error::new(ErrorKind::Network, operation).with_message(text)
        }
        _ => Error::new(ErrorKind::Config, operation)
            .with_message(text)
            .with_hint("the configured source of credentials failed; `aws sts get-caller-identity` tells more"),
    }
}

fn is_lost_on_the_way(cause: &(dyn StdError + 'static)) -> bool {
    matches!(
        cause.to_string().as_str(),
        "dispatch failure" | "request has timed out" | "timeout" | "io error"
    )
}

/// Hands an answer of the SDK on as what it is.
fn with_reply(raw: &HttpResponse, read: impl FnOnce(&Reply<'_>) -> Error) -> Error {
    read(&Reply {
        status: raw.status().as_u16(),
        header: &|name| raw.headers().get(name),
        // None if it has been handed on.
        body: raw.body().bytes().unwrap_or_default(),
    })
}

/// Returns whether an answer that calls itself a success holds an error document, as S3 sends when it finds out
/// after it has begun to answer.
pub(super) fn holds_refusal(reply: &Reply<'_>) -> bool {
    reply.is_success() && Said::read(reply.text()).is_error
}

/// Returns the error of an answer that refuses, by its status or by what its body says.
pub(super) fn refused_by_server(operation: Operation, reply: &Reply<'_>) -> Error {
    let said = Said::read(reply.text());
    let code = said.code.as_deref().map(shortened);
    let known = |code: &str| classify(operation, None, Some(code)).0 != ErrorKind::Other;
    if reply.is_success() && !code.as_deref().is_some_and(known) {
        let text = code.or(said.message.as_deref().map(shortened));
        let text =
            text.unwrap_or_else(|| "the answer is an error that does not say why".to_owned());
        return not_understood(operation, reply, text);
    }
    let code = code.as_deref();
    let mut error = Error::from_answer(operation, reply.status, code);
    error = with_request_id(error, reply, &said);
    if let Some(message) = &said.message {
        error = error.with_message(shortened(message));
    }
    if matches!(error.retryability(), Retryability::Throttled { .. }) {
        let after = reply.header("retry-after");
        let after = after.and_then(|text| wait_of(text, SystemTime::now()));
        error = error.with_retryability(Retryability::Throttled { after });
    }
    match hint(operation, reply, &said) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// Returns the error of an answer that is not what S3 answers: half a body, a proxy's page.
pub(super) fn not_understood(
    operation: Operation,
    reply: &Reply<'_>,
    text: impl Into<String>,
) -> Error {
    let mut error = Error::from_answer(operation, reply.status, None).with_message(text);
    if reply.status < 400 {
        error = error
            .with_kind(ErrorKind::Server)
            .with_retryability(Retryability::Transient);
    }
    with_request_id(error, reply, &Said::default())
}

fn with_request_id(error: Error, reply: &Reply<'_>, said: &Said) -> Error {
    let id = reply.header("x-amz-request-id");
    match id.or(said.request_id.as_deref()) {
        Some(id) => error.with_request_id(shortened(id)),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_types::retry::ErrorKind as SmithyKind;

    use super::super::replay::{Canned, Replay, answer, refusal};
    use super::*;
    use crate::{GetRequest, HeadRequest, ListRequest, S3Prefix, S3Url, Store};

    const THROTTLED: Retryability = Retryability::Throttled { after: None };

    fn url() -> S3Url {
        S3Url::parse("s3://bucket/key").unwrap()
    }

    /// What the generated client makes of an answer; the direct path makes the same of it.
    async fn get(canned: Canned) -> Error {
        let direct = direct(Operation::Get, &canned);
        let get = GetRequest::new(url());
        let error = Replay::new([canned]).store().get(get).await.unwrap_err();
        agrees(error, direct)
    }

    async fn head(canned: Canned) -> Error {
        let direct = direct(Operation::Head, &canned);
        let head = HeadRequest::new(url());
        let error = Replay::new([canned]).store().head(head).await.unwrap_err();
        agrees(error, direct)
    }

    /// What [`refused_by_server`] alone makes of an answer, if there is one.
    fn direct(operation: Operation, canned: &Canned) -> Option<Error> {
        let Canned::Answer {
            status,
            headers,
            body,
        } = canned
        else {
            return None;
        };
        let header = |name: &str| {
            let found = headers.iter().find(|(own, _)| *own == name);
            found.map(|(_, value)| value.as_str())
        };
        let reply = Reply {
            status: *status,
            header: &header,
            body: body.bytes().unwrap(),
        };
        Some(refused_by_server(operation, &reply).with_place(url().as_str()))
    }

    fn agrees(generated: Error, direct: Option<Error>) -> Error {
        if let Some(direct) = direct {
            assert_eq!(format!("{generated:?}"), format!("{direct:?}"));
            assert_eq!(
                (
                    generated.code(),
                    generated.http_status(),
                    generated.request_id()
                ),
                (direct.code(), direct.http_status(), direct.request_id())
            );
        }
        generated
    }

    /// Status, code, and what comes out. What every code means is `classify`'s; that it arrives is ours.
#[rustfmt::skip] // One line per code.
        const TABLE: &[(u16, &str, ErrorKind, Retryability)] = &[
        (404, "NoSuchKey", ErrorKind::NotFound, Retryability::No),
        (404, "NoSuchVersion", ErrorKind::NotFound, Retryability::No),
        (404, "NoSuchBucket", ErrorKind::NoSuchBucket, Retryability::No),
        (404, "NoSuchUpload", ErrorKind::NoSuchUpload, Retryability::No),
        (403, "AccessDenied", ErrorKind::AccessDenied, Retryability::No),
        (403, "AllAccessDisabled", ErrorKind::AccessDenied, Retryability::No),
        (403, "InvalidAccessKeyId", ErrorKind::AccessDenied, Retryability::No),
        (403, "NotSignedUp", ErrorKind::AccessDenied, Retryability::No),
        (403, "SignatureDoesNotMatch", ErrorKind::AccessDenied, Retryability::No),
        (400, "ExpiredToken", ErrorKind::AccessDenied, Retryability::No),
        (400, "InvalidToken", ErrorKind::AccessDenied, Retryability::No),
        (403, "RequestTimeTooSkewed", ErrorKind::AccessDenied, Retryability::No),
        (403, "InvalidObjectState", ErrorKind::AccessDenied, Retryability::No),
        (400, "KMS.DisabledException", ErrorKind::AccessDenied, Retryability::No),
        (416, "InvalidRange", ErrorKind::InvalidRange, Retryability::No),
        (412, "PreconditionFailed", ErrorKind::PreconditionFailed, Retryability::No),
        (409, "OperationAborted", ErrorKind::Conflict, Retryability::Transient),
        (409, "ConditionalRequestConflict", ErrorKind::Conflict, Retryability::Transient),
        (409, "BucketAlreadyExists", ErrorKind::AlreadyExists, Retryability::No),
        (409, "BucketNotEmpty", ErrorKind::InvalidInput, Retryability::No),
        (503, "SlowDown", ErrorKind::Throttled, THROTTLED),
        (503, "ServiceUnavailable", ErrorKind::Throttled, THROTTLED),
        (400, "ThrottlingException", ErrorKind::Throttled, THROTTLED),
        (429, "TooManyRequests", ErrorKind::Throttled, THROTTLED),
        (400, "RequestTimeout", ErrorKind::Timeout, Retryability::Transient),
        (500, "InternalError", ErrorKind::Server, Retryability::Transient),
        (400, "BadDigest", ErrorKind::Integrity, Retryability::No),
        (400, "EntityTooSmall", ErrorKind::InvalidInput, Retryability::No),
        (400, "InvalidArgument", ErrorKind::InvalidInput, Retryability::No),
        (400, "AuthorizationHeaderMalformed", ErrorKind::InvalidInput, Retryability::No),
        (301, "PermanentRedirect", ErrorKind::Config, Retryability::No),
        (501, "NotImplemented", ErrorKind::Unsupported, Retryability::No),
        (405, "MethodNotAllowed", ErrorKind::Unsupported, Retryability::No),
        (400, "SomethingOdd", ErrorKind::InvalidInput, Retryability::No),
        (599, "SomethingOdd", ErrorKind::Server, Retryability::Transient),
    ];

    #[tokio::test]
    async fn every_code_arrives_with_status_message_and_request_id() {
        for &(status, code, kind, retryability) in TABLE {
            let error = get(refusal(status, code)).await;
            assert_eq!(
                (error.kind(), error.retryability()),
                (kind, retryability),
                "{status} {code}"
            );
            assert_eq!(
                (error.http_status(), error.code()),
                (Some(status), Some(code))
            );
            assert_eq!(
                (error.request_id(), error.place()),
                (Some("4XA1"), Some("s3://bucket/key"))
            );
            let text = error.to_string();
            let line = text.lines().next().unwrap();
            assert!(
                line.ends_with(&format!(": because ({status} {code}, request 4XA1)")),
                "{text}"
            );
        }
    }

    #[tokio::test]
    async fn an_answer_to_head_is_judged_by_its_status() {
        for (status, kind, retryability) in [
            (304, ErrorKind::NotModified, Retryability::No),
            (400, ErrorKind::InvalidInput, Retryability::No),
            (403, ErrorKind::AccessDenied, Retryability::No),
            (404, ErrorKind::NotFound, Retryability::No),
            (412, ErrorKind::PreconditionFailed, Retryability::No),
            (429, ErrorKind::Throttled, THROTTLED),
            (500, ErrorKind::Server, Retryability::Transient),
            (503, ErrorKind::Throttled, THROTTLED),
        ] {
            let error = head(answer(status, &[], "")).await;
            assert_eq!(
                (error.kind(), error.retryability()),
                (kind, retryability),
                "{status}"
            );
            assert_eq!(error.code(), None);
        }
    }

    #[tokio::test]
    async fn a_page_of_a_proxy_is_judged_by_its_status() {
        let error = get(answer(502, &[], "<html><body>Bad Gateway</body>")).await;
        assert_eq!(
            (error.kind(), error.http_status()),
            (ErrorKind::Server, Some(502))
        );
        assert_eq!(error.retryability(), Retryability::Transient);
        let list = ListRequest::new(S3Prefix::parse("s3://bucket/").unwrap());
        let page = Replay::new([answer(200, &[], "<html><body>Welcome to the hotel</body>")]);
        let error = page.store().list_page(list).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.retryability()),
            (ErrorKind::Server, Retryability::Transient)
        );
    }

    #[tokio::test]
    async fn what_is_half_an_error_document_is_no_worse_than_its_status() {
        for body in [
            "",
            "<",
            "<Error>",
            "<Error><Code>NoSuch",
            "<html><br>&nbsp;",
            "Service Unavailable",
            "\u{feff}",
        ] {
            let error = get(answer(503, &[], body)).await;
            assert_eq!(
                (error.kind(), error.retryability(), error.code()),
                (ErrorKind::Throttled, THROTTLED, None),
                "{body}"
            );
        }
        let latin = answer(500, &[], b"<Error><Code>\xe9</Code></Error>".to_vec());
        assert_eq!(get(latin).await.kind(), ErrorKind::Server);
    }

    #[tokio::test]
    async fn an_error_in_a_success_is_an_error() {
        let prefix = || S3Prefix::parse("s3://bucket/").unwrap();
        for (body, kind, retryability) in [
            (
                "<Error><Code>SlowDown</Code></Error>",
                ErrorKind::Throttled,
                THROTTLED,
            ),
            (
                "<Error><Code>InternalError</Code></Error>",
                ErrorKind::Server,
                Retryability::Transient,
            ),
            (
                "<Error><Code>AccessDenied</Code><Message>no</Message></Error>",
                ErrorKind::AccessDenied,
                Retryability::No,
            ),
            (
                "<Error><Code>SomethingOdd</Code></Error>",
                ErrorKind::Server,
                Retryability::Transient,
            ),
            (
                "<Error></Error>",
                ErrorKind::Server,
                Retryability::Transient,
            ),
        ] {
            let canned = answer(200, &[], body);
            let direct = direct(Operation::List, &canned).unwrap();
            let list = Replay::new([canned])
                .store()
                .list_page(ListRequest::new(prefix()))
                .await;
            let listed = list.unwrap_err();
            for error in [direct, listed] {
                assert_eq!(
                    (error.kind(), error.retryability()),
                    (kind, retryability),
                    "{body}"
                );
            }
        }
    }

    #[test]
    fn a_message_is_bounded_and_a_request_id_may_come_in_the_body() {
        let body = format!(
            "<Error><Code>{0}</Code><Message>{0}</Message><RequestId>r1</RequestId></Error>",
            "x".repeat(100_000)
        );
        let error = direct(Operation::Get, &answer(500, &[], body)).unwrap();
        assert_eq!(error.request_id(), Some("r1"));
        assert!(
            error.to_string().len() < 3000,
            "{}",
            error.to_string().len()
        );
    }

    #[tokio::test]
    async fn retry_after_is_handed_on() {
        let busy = answer(
            503,
            &[("retry-after", "7")],
            "<Error><Code>SlowDown</Code></Error>",
        );
        let after = Some(Duration::from_secs(7));
        assert_eq!(
            get(busy).await.retryability(),
            Retryability::Throttled { after }
        );
    }

    #[tokio::test]
    async fn a_redirection_says_where_the_bucket_is() {
        let body = "<Error><Code>PermanentRedirect</Code><Endpoint>b.s3.example</Endpoint></Error>";
        let region = [("x-amz-bucket-region", "eu-central-1")];
        for (canned, place) in [
            (answer(301, &region, body), "eu-central-1"),
            (answer(301, &[], body), "b.s3.example"),
            (
                answer(
                    400,
                    &[],
                    "<Error><Code>AuthorizationHeaderMalformed</Code><Region>ap-east-1</Region></Error>",
                ),
                "ap-east-1",
            ),
        ] {
            let error = get(canned).await;
            assert!(error.hint().unwrap().contains(place), "{error}");
        }
        let error = head(answer(301, &region, "")).await;
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.hint().unwrap().contains("eu-central-1"), "{error}");
    }

    #[tokio::test]
    async fn a_signature_that_the_server_repeats_goes_no_further() {
        let body = "<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message>\
                    <AWSAccessKeyId>AKIDTEST</AWSAccessKeyId><SignatureProvided>5ec4e7</SignatureProvided></Error>";
        let error = get(answer(403, &[], body)).await;
        assert!(error.hint().is_some());
        for text in [
            error.to_string(),
            format!("{error:?}"),
            format!("{error:#?}"),
        ] {
            assert!(
                !text.contains("5ec4e7") && !text.contains("AKIDTEST"),
                "{text}"
            );
        }
    }

    #[tokio::test]
    async fn a_connection_that_fails_is_told_from_one_that_hangs() {
        let io = || ConnectorError::io(io::Error::other("connection refused").into());
        let timeout = || ConnectorError::timeout("connect timed out".into());
        let half = || {
            ConnectorError::other(
                "incomplete message".into(),
                Some(SmithyKind::TransientError),
            )
        };
        let odd = || ConnectorError::other("invalid HTTP version".into(), None);
        let user = || ConnectorError::user("invalid URI".into());
        for (broken, kind, retryability) in [
            (
                Canned::Broken(io),
                ErrorKind::Network,
                Retryability::Transient,
            ),
            (
                Canned::Broken(timeout),
                ErrorKind::Timeout,
                Retryability::Transient,
            ),
            (
                Canned::Broken(half),
                ErrorKind::Network,
                Retryability::Transient,
            ),
            (
                Canned::Broken(odd),
                ErrorKind::Network,
                Retryability::Transient,
            ),
            (
                Canned::Broken(user),
                ErrorKind::InvalidInput,
                Retryability::No,
            ),
        ] {
            let error = get(broken).await;
            assert_eq!(
                (error.kind(), error.retryability()),
                (kind, retryability),
                "{error}"
            );
        }
        let error = get(Canned::Broken(io)).await;
        assert_eq!(
            error.to_string(),
            "get s3://bucket/key: network failure: connection refused"
        );
    }

    #[tokio::test]
    async fn missing_credentials_say_how_to_set_them() {
        let missing =
            || ConnectorError::other(CredentialsError::not_loaded("nothing found").into(), None);
        let error = get(Canned::Broken(missing)).await;
        assert_eq!(
            (error.kind(), error.retryability()),
            (ErrorKind::Config, Retryability::No)
        );
        assert!(error.hint().unwrap().contains("AWS_PROFILE"), "{error}");
        let slow = || {
            let slow = CredentialsError::provider_timed_out(Duration::from_secs(5));
            ConnectorError::other(slow.into(), None)
        };
        let error = get(Canned::Broken(slow)).await;
        assert_eq!(
            (error.kind(), error.retryability()),
            (ErrorKind::Timeout, Retryability::Transient)
        );
    }

    #[tokio::test]
    async fn credentials_that_are_refused_are_told_from_a_source_that_is_out_of_reach() {
        let refused = || {
            let refused = CredentialsError::provider_error("the SSO session has expired");
            ConnectorError::other(refused.into(), None)
        };
        let error = get(Canned::Broken(refused)).await;
        assert_eq!(
            (error.kind(), error.retryability()),
            (ErrorKind::Config, Retryability::No),
            "{error}"
        );
        let out_of_reach = || {
            let io = ConnectorError::io(io::Error::other("connection refused").into());
            ConnectorError::other(CredentialsError::provider_error(io).into(), None)
        };
        let error = get(Canned::Broken(out_of_reach)).await;
        assert_eq!(
            (error.kind(), error.retryability()),
            (ErrorKind::Network, Retryability::Transient),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_bucket_that_no_endpoint_can_have_is_refused_and_not_retried() {
        let replay = Replay::new([]);
        let store = replay
            .builder()
            .addressing(crate::Addressing::VirtualHost)
            .region("no region")
            .build();
        let error = store.get(GetRequest::new(url())).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.retryability()),
            (ErrorKind::InvalidInput, Retryability::No),
            "{error}"
        );
    }
}
