//! Faults over HTTP: between the connection and the S3 service.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, RETRY_AFTER};
use http::{HeaderValue, Request, Response};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::Service;
use s3s::StdError;
use s3s::service::S3Service;
use tokio::time::sleep;

use super::action::OTHER_ETAG;
use super::live::{Fault, Receipt};
use super::shape::{Shaped, Turn};
use super::{FaultAction, Position};
use crate::server::Link;

/// The answer to one request.
pub(crate) type Answer = Response<Shaped>;

/// No answer: the connection is to be closed.
#[derive(Debug)]
pub(crate) struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fault closes the connection")
    }
}

impl std::error::Error for Refused {}

/// Answers a request through `service`, or as the fault says.
pub(crate) async fn answer(
    request: Request<Incoming>,
    fault: Option<Fault>,
    service: &S3Service,
    link: Arc<Link>,
) -> Result<Answer, StdError> {
    let Some(Fault { action, receipt }) = fault else {
        return carry_out(request, service, link).await;
    };
    match action {
        FaultAction::Status {
            status,
            code,
            retry_after,
        } => {
            discard(request.into_body()).await;
            receipt.delivered();
            Ok(error_answer(status, &code, retry_after, link))
        }
        FaultAction::Drop => {
            receipt.delivered();
            Err(Refused.into())
        }
        FaultAction::LoseReply => {
            carry_out(request, service, link).await?;
            receipt.delivered();
            Err(Refused.into())
        }
        FaultAction::Stall { at: None, wait } => {
            receipt.delivered();
            stall(wait).await;
            carry_out(request, service, link).await
        }
        FaultAction::ChangedETag => {
            let answer = carry_out(request, service, link).await?;
            Ok(with_other_etag(answer, receipt))
        }
        FaultAction::TruncateBody { at } => {
            let answer = carry_out(request, service, link).await?;
            Ok(turning(answer, at, Turn::End { reset: false }, receipt))
        }
        FaultAction::BodyError { at } => {
            let answer = carry_out(request, service, link).await?;
            Ok(turning(answer, at, Turn::End { reset: true }, receipt))
        }
        FaultAction::Stall { at: Some(at), wait } => {
            let answer = carry_out(request, service, link).await?;
            Ok(turning(answer, at, Turn::Wait(wait), receipt))
        }
    }
}

/// Waits, for ever if no time is given; whoever waits for the answer ends it by closing the connection.
pub(super) async fn stall(wait: Option<Duration>) {
    match wait {
        Some(wait) => sleep(wait).await,
        None => std::future::pending().await,
    }
}

async fn carry_out(
    request: Request<Incoming>,
    service: &S3Service,
    link: Arc<Link>,
) -> Result<Answer, StdError> {
    let answer = Service::call(service, request)
        .await
        .map_err(StdError::from)?;
    Ok(answer.map(|body| Shaped::whole(body, link)))
}

/// Reads a request's body to its end, so that the connection stays usable and the client sees the answer.
async fn discard(mut body: Incoming) {
    while let Some(Ok(_)) = body.frame().await {}
}

fn error_answer(status: u16, code: &str, retry_after: Option<Duration>, link: Arc<Link>) -> Answer {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
         <Message>a fault of the test kit</Message><RequestId>fault</RequestId></Error>"
    );
    let mut answer = Response::new(Shaped::whole(s3s::Body::from(text), link));
    *answer.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    if let Some(wait) = retry_after {
        answer
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
    }
    answer
}

fn with_other_etag(mut answer: Answer, receipt: Receipt) -> Answer {
    if let Some(etag) = answer.headers_mut().get_mut(ETAG) {
        *etag =
            HeaderValue::from_str(&format!("\"{OTHER_ETAG}\"")).expect("the tag is plain ASCII");
        receipt.delivered();
    }
    answer
}

fn turning(answer: Answer, at: Position, turn: Turn, receipt: Receipt) -> Answer {
    match at.within(body_len(&answer)) {
        Some(at) => answer.map(|body| body.turning(at, turn, receipt)),
        None => answer,
    }
}

fn body_len(answer: &Answer) -> u64 {
    let announced = answer
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|len| len.to_str().ok()?.parse().ok());
    announced
        .or_else(|| answer.body().size_hint().exact())
        .unwrap_or(0)
}
