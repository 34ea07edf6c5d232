//! Answers that are made up, and true ones that are changed on their way out.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body::Body as _;

use super::action::OTHER_ETAG;
use super::http::Answer;
use super::live::Receipt;
use super::shape::{Shaped, Turn};
use super::{FaultAction, Position};
use crate::server::Link;

/// Returns an answer with the document that S3 answers errors with.
pub(super) fn error_answer(
    status: u16,
    code: &str,
    retry_after: Option<Duration>,
    link: Arc<Link>,
) -> Answer {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
         <Message>a fault of the test kit</Message><RequestId>fault</RequestId></Error>"
    );
    let mut answer = Response::new(Shaped::whole(s3s::Body::from(text), link));
    *answer.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
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

/// Changes an answer, if it leaves room for the change.
pub(super) fn edited(mut answer: Answer, action: FaultAction, receipt: Receipt) -> Answer {
    match action {
        FaultAction::ChangedETag => {
            let etag = format!("\"{OTHER_ETAG}\"");
            with_header(answer, ETAG, Some(etag), false, receipt)
        }
        FaultAction::Header { name, value } => {
            let name = HeaderName::from_static(name);
            let adds = value.is_some();
            with_header(answer, name, value, adds, receipt)
        }
        FaultAction::ShiftedRange => {
            let shifted = answer.headers().get(CONTENT_RANGE).and_then(shifted);
            match shifted {
                Some(range) => with_header(answer, CONTENT_RANGE, Some(range), false, receipt),
                None => answer,
            }
        }
        FaultAction::TruncateBody { at } => {
            turning(answer, at, Turn::End { reset: false }, receipt)
        }
        FaultAction::BodyError { at } => turning(answer, at, Turn::End { reset: true }, receipt),
        FaultAction::Stall { at: Some(at), wait } => turning(answer, at, Turn::Wait(wait), receipt),
        FaultAction::FlipByte { at } => turning(answer, at, Turn::Flip, receipt),
        FaultAction::Trickle {
            bytes,
            every,
            at: Some(at),
        } => turning(answer, at, Turn::Trickle(bytes.max(1), every), receipt),
        FaultAction::Trickle {
            bytes,
            every,
            at: None,
        } => {
            receipt.delivered();
            answer.body().link().trickle(bytes.max(1), every);
            answer
        }
        FaultAction::WhiteSpace { wait, every, .. } => {
            answer.headers_mut().remove(CONTENT_LENGTH);
            answer.map(|body| body.behind_white_space(wait, every, receipt))
        }
        FaultAction::Announce { by } => announcing(answer, by, receipt),
        FaultAction::CloseIdle => {
            receipt.delivered();
            answer.body().link().close_when_idle();
            answer
        }
        // These are no changes of an answer.
        _ => answer,
    }
}

fn with_header(
    mut answer: Answer,
    name: HeaderName,
    value: Option<String>,
    adds: bool,
    receipt: Receipt,
) -> Answer {
    let headers = answer.headers_mut();
    if !adds && !headers.contains_key(&name) {
        return answer;
    }
    match value.map(|value| HeaderValue::from_str(&value)) {
        Some(Ok(value)) => drop(headers.insert(name, value)),
        Some(Err(_)) => return answer,
        None => drop(headers.remove(name)),
    }
    receipt.delivered();
    answer
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

fn turning(answer: Answer, at: Position, turn: Turn, receipt: Receipt) -> Answer {
    match at.within(body_len(&answer)) {
        Some(at) => answer.map(|body| body.turning(at, turn, receipt)),
        None => answer,
    }
}

fn announcing(mut answer: Answer, by: i64, receipt: Receipt) -> Answer {
    let len = body_len(&answer);
    let Some(announced) = len.checked_add_signed(by).filter(|_| by != 0 && len > 0) else {
        return answer;
    };
    answer
        .headers_mut()
        .insert(CONTENT_LENGTH, HeaderValue::from(announced));
    answer.map(|body| body.announced_as(announced, receipt))
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
