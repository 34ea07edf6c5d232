//! Faults over HTTP: between the connection and the S3 service.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_LENGTH;
use http::{Method, Request, Response};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::Service;
use s3s::StdError;
use s3s::service::S3Service;
use tokio::time::sleep;

use super::live::{Fault, Receipt};
use super::shape::Shaped;
use super::{FaultAction, Order, Orders, edit};
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
        FaultAction::LoseReply => {
            carry_out(request, service, Arc::clone(&link)).await?;
            without_answer(&FaultAction::Drop, receipt, &link).await?;
            unreachable!("a connection that is closed carries no answer")
        }
        FaultAction::AfterCommit(action) => {
            let answer = carry_out(request, service, Arc::clone(&link)).await?;
            match without_answer(&action, receipt, &link).await? {
                Some(instead) => Ok(instead),
                None => Ok(answer),
            }
        }
        FaultAction::Status { .. } => {
            discard(request.into_body()).await;
            let answer = without_answer(&action, receipt, &link).await?;
            Ok(answer.expect("a status is an answer"))
        }
        FaultAction::WhiteSpace {
            code: Some(ref code),
            ..
        } => {
            discard(request.into_body()).await;
            let answer = edit::error_answer(200, code, None, link);
            Ok(edit::edited(answer, action, receipt))
        }
        FaultAction::CutRequest { after } if is_longer(&request, after) => {
            read(request.into_body(), after).await;
            receipt.delivered();
            Err(Refused.into())
        }
        FaultAction::Drop | FaultAction::Reset | FaultAction::Stall { at: None, .. } => {
            without_answer(&action, receipt, &link).await?;
            carry_out(request, service, link).await
        }
        FaultAction::List(lie) => {
            carry_out_by(request, Order::List(lie), receipt, service, link).await
        }
        FaultAction::WholeObject => {
            carry_out_by(request, Order::WholeObject, receipt, service, link).await
        }
        action => {
            let has_body = request.method() != Method::HEAD;
            let answer = carry_out(request, service, link).await?;
            match action {
                FaultAction::Announce { .. } if !has_body => Ok(answer),
                action => Ok(edit::edited(answer, action, receipt)),
            }
        }
    }
}

/// Does what comes instead of an answer: closes the connection, waits, or returns another answer.
async fn without_answer(
    action: &FaultAction,
    receipt: Receipt,
    link: &Arc<Link>,
) -> Result<Option<Answer>, StdError> {
    receipt.delivered();
    match action {
        FaultAction::Status {
            status,
            code,
            retry_after,
        } => Ok(Some(edit::error_answer(
            *status,
            code,
            *retry_after,
            Arc::clone(link),
        ))),
        FaultAction::Stall { wait, .. } => {
            stall(*wait).await;
            Ok(None)
        }
        FaultAction::Reset => {
            link.reset_on_close();
            Err(Refused.into())
        }
        _ => Err(Refused.into()),
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

async fn carry_out_by(
    mut request: Request<Incoming>,
    order: Order,
    receipt: Receipt,
    service: &S3Service,
    link: Arc<Link>,
) -> Result<Answer, StdError> {
    request.extensions_mut().insert(Orders::new(order, receipt));
    carry_out(request, service, link).await
}

/// Reads a request's body to its end, so that the connection stays usable and the client sees the answer.
async fn discard(body: Incoming) {
    read(body, u64::MAX).await;
}

/// Reads at least so many bytes of a request's body, if it has them.
async fn read(mut body: Incoming, mut bytes: u64) {
    while bytes > 0
        && let Some(Ok(frame)) = body.frame().await
    {
        let len = frame.data_ref().map_or(0, |data| data.len() as u64);
        bytes = bytes.saturating_sub(len);
    }
}

fn is_longer(request: &Request<Incoming>, than: u64) -> bool {
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|len| len.to_str().ok()?.parse::<u64>().ok());
    announced.or_else(|| request.body().size_hint().exact()) > Some(than)
}
