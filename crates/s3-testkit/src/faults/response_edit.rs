//! Builds the error responses of faults, and changes real responses: ETag, headers, range, body and length.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body::Body as _;

use super::action::OTHER_ETAG;
use super::active_plan::DeliveryCounter;
use super::faulty_body::{BodyFault, FaultyBody};
use super::http::FaultyResponse;
use super::{FaultAction, Position};
use crate::server::ConnectionControl;

/// Returns a response with an S3 error document.
pub(super) fn error_response(
    status: u16,
    code: &str,
    retry_after: Option<Duration>,
    control: Arc<ConnectionControl>,
) -> FaultyResponse {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
         <Message>a fault of the test kit</Message><RequestId>fault</RequestId></Error>"
    );
    let mut response = Response::new(FaultyBody::whole(s3s::Body::from(text), control));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    if let Some(wait) = retry_after {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
    }
    response
}

/// Applies a fault to a response, if it can be applied to that response.
pub(super) fn apply(
    mut response: FaultyResponse,
    action: FaultAction,
    counter: DeliveryCounter,
) -> FaultyResponse {
    match action {
        FaultAction::ChangedETag => {
            let etag = format!("\"{OTHER_ETAG}\"");
            with_header(response, ETAG, Some(etag), false, counter)
        }
        FaultAction::Header { name, value } => {
            let name = HeaderName::from_static(name);
            let adds = value.is_some();
            with_header(response, name, value, adds, counter)
        }
        FaultAction::ShiftedRange => {
            let shifted = response.headers().get(CONTENT_RANGE).and_then(shifted);
            match shifted {
                Some(range) => with_header(response, CONTENT_RANGE, Some(range), false, counter),
                None => response,
            }
        }
        FaultAction::TruncateBody { at } => {
            with_body_fault(response, at, BodyFault::End { reset: false }, counter)
        }
        FaultAction::BodyError { at } => {
            with_body_fault(response, at, BodyFault::End { reset: true }, counter)
        }
        FaultAction::Stall { at: Some(at), wait } => {
            with_body_fault(response, at, BodyFault::Wait(wait), counter)
        }
        FaultAction::FlipByte { at } => with_body_fault(response, at, BodyFault::Flip, counter),
        FaultAction::Trickle {
            bytes,
            every,
            at: Some(at),
        } => with_body_fault(
            response,
            at,
            BodyFault::Trickle(bytes.max(1), every),
            counter,
        ),
        FaultAction::Trickle {
            bytes,
            every,
            at: None,
        } => {
            counter.count();
            response.body().control().trickle(bytes.max(1), every);
            response
        }
        FaultAction::WhiteSpace { wait, every, .. } => {
            response.headers_mut().remove(CONTENT_LENGTH);
            response.map(|body| body.after_white_space(wait, every, counter))
        }
        FaultAction::Announce { by } => with_announced_length(response, by, counter),
        FaultAction::CloseIdle => {
            counter.count();
            response.body().control().close_when_idle();
            response
        }
        // Other actions do not change a response.
        _ => response,
    }
}

fn with_header(
    mut response: FaultyResponse,
    name: HeaderName,
    value: Option<String>,
    adds: bool,
    counter: DeliveryCounter,
) -> FaultyResponse {
    let headers = response.headers_mut();
    if !adds && !headers.contains_key(&name) {
        return response;
    }
    match value.map(|value| HeaderValue::from_str(&value)) {
        Some(Ok(value)) => drop(headers.insert(name, value)),
        Some(Err(_)) => return response,
        None => drop(headers.remove(name)),
    }
    counter.count();
    response
}

/// Returns `bytes 1-10/20` for `bytes 0-9/20`.
fn shifted(range: &HeaderValue) -> Option<String> {
    let (range, total) = range
        .to_str()
        .ok()?
        .strip_prefix("bytes ")?
        .split_once('/')?;
    let (start, end) = range.split_once('-')?;
    let later = |text: &str| Some(text.parse::<u64>().ok()? + 1);
    Some(format!("bytes {}-{}/{total}", later(start)?, later(end)?))
}

fn with_body_fault(
    response: FaultyResponse,
    at: Position,
    fault: BodyFault,
    counter: DeliveryCounter,
) -> FaultyResponse {
    match at.within(body_len(&response)) {
        Some(at) => response.map(|body| body.with_fault(at, fault, counter)),
        None => response,
    }
}

fn with_announced_length(
    mut response: FaultyResponse,
    by: i64,
    counter: DeliveryCounter,
) -> FaultyResponse {
    let len = body_len(&response);
    let Some(announced) = len.checked_add_signed(by).filter(|_| by != 0 && len > 0) else {
        return response;
    };
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, HeaderValue::from(announced));
    response.map(|body| body.with_announced_length(announced, counter))
}

fn body_len(response: &FaultyResponse) -> u64 {
    let announced = response
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|len| len.to_str().ok()?.parse().ok());
    announced
        .or_else(|| response.body().size_hint().exact())
        .unwrap_or(0)
}
