//! Sends requests through the SDK's client (`aws_sdk_s3::Client`) if `s3-wire` cannot sign or connect.
//!
//! That is the case for directory buckets and access points, a caller's HTTP client, the SDK's own retries, and stores
//! made from a ready client. The SDK resolves the endpoint, signs, connects and retries. An interceptor of a
//! placeholder call replaces the SDK's request with ours before it is signed, and takes a successful response before
//! the SDK parses it.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::interceptors::{
    BeforeDeserializationInterceptorContextMut, BeforeTransmitInterceptorContextMut,
    BeforeTransmitInterceptorContextRef,
};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::create_session::CreateSessionError;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use http_body::Body as _;
use http_body_util::Limited;
use s3_wire::sign::PayloadHash;
use s3_wire::{Request, Response, ResponseBody, ResponseHead};

use super::body;
use super::causes::{find, io_error};
use super::client::Resolved;
use super::clock::{ErrorResponse, SigningClock};
use super::collected_response::MAX_ERROR_BODY;
use super::errors::{are_expired, from_sdk, malformed};
use super::identity::Signed;
use crate::background::poll_in_background;
use crate::{Error, Operation, Payload, Result};

/// The key in the placeholder call.
const KEY: &str = "k";

/// Sends `request`, whose path is the encoded key, and returns a successful response. With an empty bucket, it is sent
/// to the service. It is sent once more if the error response has set the clock, or if the credentials have expired and
/// newer ones could be loaded.
pub(super) async fn send(
    resolved: &Resolved,
    operation: Operation,
    bucket: &str,
    request: &Request<'_>,
    payload: Option<&Payload>,
) -> Result<Response> {
    let client = resolved.client(bucket);
    let mut replace = Replace::by(request);
    replace.payload = payload.cloned();
    replace.signs_payload =
        resolved.signs_payloads || matches!(request.payload_hash, PayloadHash::Sha256(_));
    replace.clock = resolved.clock.clone();
    for is_last in [false, true] {
        replace.exchange = Arc::default();
        let exchange = Arc::clone(&replace.exchange);
        let sent = carry(&client, operation, bucket, replace.clone()).await;
        let Exchange {
            response,
            has_set_clock,
            signed,
            ..
        } = std::mem::take(&mut *lock(&exchange));
        let error = match (response, sent) {
            (Some(response), _) => return Ok(response),
            (None, Err(error)) => error,
            (None, Ok(())) => return Err(malformed(operation, "the response is missing")),
        };
        if is_last || !(has_set_clock || has_newer_credentials(resolved, &error, signed).await) {
            return Err(error);
        }
    }
    unreachable!("the last attempt returns")
}

/// Returns whether a request failed because its credentials have expired, and newer ones could be loaded.
async fn has_newer_credentials(resolved: &Resolved, error: &Error, signed: Option<Signed>) -> bool {
    let is_expired = error.code().is_some_and(are_expired);
    match (&resolved.identities, signed.filter(|_| is_expired)) {
        (Some(identities), Some(signed)) => identities.replaces_signer(&signed).await,
        _ => false,
    }
}

/// Sends the placeholder call, whose request and response `replace` exchanges.
async fn carry(
    client: &Client,
    operation: Operation,
    bucket: &str,
    mut replace: Replace,
) -> Result<()> {
    macro_rules! sent {
        ($call:expr) => {{
            let sent = $call.customize().interceptor(replace.clone()).send();
            let sent = poll_in_background(sent).await;
            sent.map(drop).map_err(|error| {
                replace.read_session_error(&error);
                from_sdk(operation, &error)
            })
        }};
    }
    replace.has_key = false;
    match operation {
        Operation::ListBuckets => sent!(client.list_buckets()),
        // Directory buckets have another endpoint for these operations.
        Operation::CreateBucket | Operation::DeleteBucket => {
            sent!(client.delete_bucket().bucket(bucket))
        }
        _ => {
            replace.has_key = true;
            sent!(client.head_object().bucket(bucket).key(KEY))
        }
    }
}

/// Returns a presigned URL of `request`.
pub(super) async fn presign(
    client: &Client,
    bucket: &str,
    request: &Request<'_>,
    config: PresigningConfig,
) -> Result<String> {
    let call = client.head_object().bucket(bucket).key(KEY).customize();
    let call = call.interceptor(Replace::by(request));
    match poll_in_background(call.presigned(config)).await {
        Ok(signed) => Ok(signed.uri().to_owned()),
        Err(error) => Err(from_sdk(Operation::Presign, &error)),
    }
}

/// Interceptor that replaces the request of a call and takes its response.
#[derive(Clone)]
struct Replace {
    method: &'static str,
    path_and_query: String,
    headers: Vec<(String, String)>,
    payload: Option<Payload>,
    /// Whether the SDK has to hash the payload if it is in one buffer. It cannot hash a stream.
    signs_payload: bool,
    /// Whether the path of the call ends in the key.
    has_key: bool,
    clock: SigningClock,
    exchange: Arc<Mutex<Exchange>>,
}

/// Data of one attempt, filled in by the interceptor.
#[derive(Default)]
struct Exchange {
    signed_at: Option<SystemTime>,
    /// The credentials that signed; `None` without a signature, or with a session of a directory bucket.
    signed: Option<Signed>,
    response: Option<Response>,
    /// Whether an error response has set the clock.
    has_set_clock: bool,
}

fn lock(exchange: &Mutex<Exchange>) -> MutexGuard<'_, Exchange> {
    exchange.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Replace {
    fn by(request: &Request<'_>) -> Self {
        let mut path_and_query = request.path.clone();
        if !request.query.as_str().is_empty() {
            path_and_query.push('?');
            path_and_query.push_str(request.query.as_str());
        }
        let headers = request.headers.iter();
        Self {
            method: request.method,
            path_and_query,
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            payload: None,
            signs_payload: false,
            has_key: true,
            clock: SigningClock::default(),
            exchange: Arc::default(),
        }
    }

    /// Limits the length of an error response, and sets the clock by its headers.
    fn read_error(&self, response: &mut HttpResponse) {
        let body = std::mem::replace(response.body_mut(), SdkBody::taken());
        *response.body_mut() = SdkBody::from_body_1_x(Limited::new(body, MAX_ERROR_BODY));
        let header = |name| response.headers().get(name);
        let mut exchange = lock(&self.exchange);
        exchange.has_set_clock = exchange.signed_at.is_some_and(|signed_at| {
            self.clock.learn(ErrorResponse {
                status: response.status().as_u16(),
                // The error code is in the body, which has not been read yet: only the time is used.
                code: None,
                date: header("date"),
                age: header("age"),
                signed_at,
            })
        });
    }

    /// Sets the clock by an error response to CreateSession, which the SDK sends before the call.
    fn read_session_error(&self, error: &(dyn StdError + 'static)) {
        let Some(error) = find::<SdkError<CreateSessionError, HttpResponse>>(error) else {
            return;
        };
        let Some(response) = error.raw_response() else {
            return;
        };
        let header = |name| response.headers().get(name);
        lock(&self.exchange).has_set_clock |= self.clock.learn(ErrorResponse {
            status: response.status().as_u16(),
            code: error.code(),
            date: header("date"),
            age: header("age"),
            signed_at: self.clock.now(),
        });
    }
}

impl fmt::Debug for Replace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Replace")
    }
}

impl Intercept for Replace {
    fn name(&self) -> &'static str {
        "Replace"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        let uri = request.uri();
        let base = uri.split_once('?').map_or(uri, |(base, _)| base);
        let base = match self.has_key {
            true => base.strip_suffix(KEY),
            false => Some(base),
        };
        let base = base.ok_or("the endpoint's path does not end in the key")?;
        let base = base.strip_suffix('/').unwrap_or(base);
        let uri = format!("{base}{}", self.path_and_query);
        request.set_uri(uri)?;
        request.set_method(self.method)?;
        for (name, value) in &self.headers {
            request
                .headers_mut()
                .try_append(name.clone(), value.clone())?;
        }
        if let Some(payload) = &self.payload {
            *request.body_mut() = body::outgoing(payload, self.signs_payload);
        }
        lock(&self.exchange).signed_at = Some(self.clock.now());
        Ok(())
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let header = |name| context.request().headers().get(name).map(str::to_owned);
        let authorization = header("authorization");
        let authorization = authorization.filter(|_| header("x-amz-s3session-token").is_none());
        lock(&self.exchange).signed = authorization.map(|authorization| Signed {
            authorization,
            token: header("x-amz-security-token"),
        });
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response_mut();
        if !response.status().is_success() {
            // The response is not taken: the SDK needs it to decide whether to retry.
            self.read_error(response);
            return Ok(());
        }
        let nothing = HttpResponse::new(StatusCode::try_from(200)?, SdkBody::empty());
        let response = std::mem::replace(response, nothing);
        let head = ResponseHead::from_pairs(response.headers().iter());
        let head = head.ok_or("the response head is too large")?;
        let status = response.status().as_u16();
        let body = incoming(response.into_body());
        let response = Response { status, head, body };
        lock(&self.exchange).response = Some(response);
        Ok(())
    }
}

/// Converts a response body of the SDK's HTTP client.
fn incoming(mut body: SdkBody) -> ResponseBody {
    ResponseBody::from_frames(move |cx| {
        let frame = Pin::new(&mut body).poll_frame(cx);
        frame.map(|frame| {
            let frame = frame?.map_err(|error| io_error(&*error));
            // Trailers are ignored.
            Some(frame.map(|frame| frame.into_data().unwrap_or_default()))
        })
    })
}
