//! Tests of the conversion of the SDK's errors and of error responses into `Error`.

use std::time::Duration;

use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::retry::ErrorKind as SmithyKind;

use super::super::replay::{Canned, Replay, error_response, response};
use super::*;
use crate::{GetRequest, HeadRequest, ListRequest, S3Prefix, S3Url, Store};

const THROTTLED: Retryability = Retryability::Throttled { after: None };

fn url() -> S3Url {
    S3Url::parse("s3://bucket/key").unwrap()
}

/// Returns the error of a response received through the SDK's client; over `s3-wire` it is the same.
async fn get(canned: Canned) -> Error {
    let direct = direct(Operation::Get, &canned);
    let get = GetRequest::new(url());
    let error = twice(canned).store().get(get).await.unwrap_err();
    agrees(error, direct)
}

async fn head(canned: Canned) -> Error {
    let direct = direct(Operation::Head, &canned);
    let head = HeadRequest::new(url());
    let error = twice(canned).store().head(head).await.unwrap_err();
    agrees(error, direct)
}

/// Sends a response twice: a redirect is followed once.
fn twice(canned: Canned) -> Replay {
    let again = match &canned {
        Canned::Response {
            status,
            headers,
            body,
        } => Some(Canned::Response {
            status: *status,
            headers: headers.clone(),
            body: body.try_clone().unwrap(),
        }),
        _ => None,
    };
    Replay::new([Some(canned), again].into_iter().flatten())
}

/// Returns the error that [`error_of`] alone returns for a response; `None` for another kind of response.
fn direct(operation: Operation, canned: &Canned) -> Option<Error> {
    let Canned::Response {
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
    let collected = CollectedResponse {
        status: *status,
        header: &header,
        body: body.bytes().unwrap(),
    };
    Some(error_of(operation, &collected).with_resource(url().as_str()))
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

/// Status, code and expected kind. The tests of `classify` cover each code; these check that the code is extracted.
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
        (403, "InvalidObjectState", ErrorKind::Archived, Retryability::No),
        (403, "ObjectNotInActiveTierError", ErrorKind::Archived, Retryability::No),
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
        let error = get(error_response(status, code)).await;
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
            (error.request_id(), error.resource()),
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
async fn a_response_to_head_is_judged_by_its_status() {
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
        let error = head(response(status, &[], "")).await;
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
    let error = get(response(502, &[], "<html><body>Bad Gateway</body>")).await;
    assert_eq!(
        (error.kind(), error.http_status()),
        (ErrorKind::Server, Some(502))
    );
    assert_eq!(error.retryability(), Retryability::Transient);
    let list = ListRequest::new(S3Prefix::parse("s3://bucket/").unwrap());
    let page = Replay::new([response(
        200,
        &[],
        "<html><body>Welcome to the hotel</body>",
    )]);
    let error = page.store().list_page(list).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("Welcome"), "{error}");
}

#[tokio::test]
async fn a_truncated_error_document_is_classified_by_its_status() {
    for body in [
        "",
        "<",
        "<Error>",
        "<Error><Code>NoSuch",
        "<html><br>&nbsp;",
        "Service Unavailable",
        "\u{feff}",
    ] {
        let error = get(response(503, &[], body)).await;
        assert_eq!(
            (error.kind(), error.retryability(), error.code()),
            (ErrorKind::Throttled, THROTTLED, None),
            "{body}"
        );
    }
    let latin = response(500, &[], b"<Error><Code>\xe9</Code></Error>".to_vec());
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
        let canned = response(200, &[], body);
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
    let error = direct(Operation::Get, &response(500, &[], body)).unwrap();
    assert_eq!(error.request_id(), Some("r1"));
    assert!(
        error.to_string().len() < 3000,
        "{}",
        error.to_string().len()
    );
}

#[tokio::test]
async fn retry_after_is_passed_on() {
    let busy = response(
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
async fn the_error_of_a_redirect_names_the_region_or_endpoint() {
    let body = "<Error><Code>PermanentRedirect</Code><Endpoint>b.s3.example</Endpoint></Error>";
    let region = [("x-amz-bucket-region", "eu-central-1")];
    for (canned, place) in [
        (response(301, &region, body), "eu-central-1"),
        (response(301, &[], body), "b.s3.example"),
        (
            response(
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
    let error = head(response(301, &region, "")).await;
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.hint().unwrap().contains("eu-central-1"), "{error}");
}

#[tokio::test]
async fn a_signature_in_an_error_response_is_not_shown() {
    let body = "<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message>\
                    <AWSAccessKeyId>AKIDTEST</AWSAccessKeyId><SignatureProvided>5ec4e7</SignatureProvided></Error>";
    let error = get(response(403, &[], body)).await;
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
async fn failed_and_timed_out_connections_have_different_kinds() {
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
            ErrorKind::Protocol,
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
async fn credentials_that_are_rejected_are_told_from_a_source_that_is_out_of_reach() {
    let rejected = || {
        let rejected = CredentialsError::provider_error("the SSO session has expired");
        ConnectorError::other(rejected.into(), None)
    };
    let error = get(Canned::Broken(rejected)).await;
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
async fn a_bucket_that_no_endpoint_can_have_is_rejected_and_not_retried() {
    let replay = Replay::new([]);
    let store = replay
        .builder()
        .addressing(crate::Addressing::VirtualHost)
        .region("no region")
        .build();
    let error = store.get(GetRequest::new(url())).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.retryability()),
        (ErrorKind::Config, Retryability::No),
        "{error}"
    );
}
