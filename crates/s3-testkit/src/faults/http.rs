//! Serves a request over HTTP with its fault: closes the connection, stalls, or changes the response of the S3 service.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_LENGTH;
use http::{Method, Request, Response};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use s3_server::{Hook, Service};
use s3s::StdError;
use tokio::time::sleep;

use super::active_plan::{DeliveryCounter, Fault};
use super::faulty_body::FaultyBody;
use super::{FaultAction, FaultHook, ServiceFault, response_edit};
use crate::server::ConnectionControl;

/// The response to a request.
pub(crate) type FaultyResponse = Response<FaultyBody>;

/// The error that closes the connection without a response.
#[derive(Debug)]
pub(crate) struct ClosedByFault;

impl fmt::Display for ClosedByFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fault closes the connection")
    }
}

impl std::error::Error for ClosedByFault {}

/// Passes a request to `service` and injects the fault, if any.
pub(crate) async fn respond(
    request: Request<Incoming>,
    fault: Option<Fault>,
    service: &Service,
    control: Arc<ConnectionControl>,
) -> Result<FaultyResponse, StdError> {
    let Some(Fault { action, counter }) = fault else {
        return call_service(request, service, control).await;
    };
    match action {
        FaultAction::LoseReply => {
            call_service(request, service, Arc::clone(&control)).await?;
            replace_response(&FaultAction::Drop, counter, &control).await?;
            unreachable!("a closed connection has no response")
        }
        FaultAction::AfterCommit(action) => {
            let response = call_service(request, service, Arc::clone(&control)).await?;
            match replace_response(&action, counter, &control).await? {
                Some(instead) => Ok(instead),
                None => Ok(response),
            }
        }
        FaultAction::Status { .. } => {
            discard(request.into_body()).await;
            let response = replace_response(&action, counter, &control).await?;
            Ok(response.expect("a status is a response"))
        }
        FaultAction::WhiteSpace {
            code: Some(ref code),
            ..
        } => {
            discard(request.into_body()).await;
            let response = response_edit::error_response(200, code, None, control);
            Ok(response_edit::apply(response, action, counter))
        }
        FaultAction::CutRequest { after } if is_longer(&request, after) => {
            read(request.into_body(), after).await;
            counter.count();
            Err(ClosedByFault.into())
        }
        FaultAction::Drop | FaultAction::Reset | FaultAction::Stall { at: None, .. } => {
            replace_response(&action, counter, &control).await?;
            call_service(request, service, control).await
        }
        FaultAction::List(fault) => {
            call_with_service_fault(
                request,
                ServiceFault::List(fault),
                counter,
                service,
                control,
            )
            .await
        }
        FaultAction::WholeObject => {
            call_with_service_fault(
                request,
                ServiceFault::WholeObject,
                counter,
                service,
                control,
            )
            .await
        }
        action => {
            let has_body = request.method() != Method::HEAD;
            let response = call_service(request, service, control).await?;
            match action {
                FaultAction::Announce { .. } if !has_body => Ok(response),
                action => Ok(response_edit::apply(response, action, counter)),
            }
        }
    }
}

/// Applies a fault that replaces the response: closes the connection, stalls, or returns an error response.
async fn replace_response(
    action: &FaultAction,
    counter: DeliveryCounter,
    control: &Arc<ConnectionControl>,
) -> Result<Option<FaultyResponse>, StdError> {
    counter.count();
    match action {
        FaultAction::Status {
            status,
            code,
            retry_after,
        } => Ok(Some(response_edit::error_response(
            *status,
            code,
            *retry_after,
            Arc::clone(control),
        ))),
        FaultAction::Stall { wait, .. } => {
            stall(*wait).await;
            Ok(None)
        }
        FaultAction::Reset => {
            control.reset_on_close();
            Err(ClosedByFault.into())
        }
        _ => Err(ClosedByFault.into()),
    }
}

/// Waits for a duration, or until the client closes the connection if `None`.
pub(super) async fn stall(wait: Option<Duration>) {
    match wait {
        Some(wait) => sleep(wait).await,
        None => std::future::pending().await,
    }
}

async fn call_service(
    request: Request<Incoming>,
    service: &Service,
    control: Arc<ConnectionControl>,
) -> Result<FaultyResponse, StdError> {
    let response = service.call(request).await.map_err(StdError::from)?;
    Ok(response.map(|body| FaultyBody::whole(body, control)))
}

async fn call_with_service_fault(
    mut request: Request<Incoming>,
    service_fault: ServiceFault,
    counter: DeliveryCounter,
    service: &Service,
    control: Arc<ConnectionControl>,
) -> Result<FaultyResponse, StdError> {
    request
        .extensions_mut()
        .insert(Hook::new(FaultHook::new(service_fault, counter)));
    call_service(request, service, control).await
}

/// Reads the whole request body, so that the connection stays usable and the client gets the response.
async fn discard(body: Incoming) {
    read(body, u64::MAX).await;
}

/// Reads at least `bytes` of a request body, or all of a shorter body.
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
