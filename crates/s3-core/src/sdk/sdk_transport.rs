//! Sends a request through the SDK's client, for what this crate cannot sign or connect itself.
//!
//! That is: directory buckets and access points, an HTTP client of the caller's, the SDK's own retries, and stores made
//! from a ready client. The SDK resolves the endpoint, signs, connects and retries. Request and response stay ours: a
//! `HeadObject` call (`ListBuckets` without a bucket) carries them. Its request is replaced before it is signed, and a successful response is taken
//! before the SDK parses it.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::interceptors::{
    BeforeDeserializationInterceptorContextMut, BeforeTransmitInterceptorContextMut,
};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use http_body::Body as _;
use s3_wire::{Request, Response, ResponseBody, ResponseHead};

use super::body;
use super::causes::io_error;
use super::errors::{from_sdk, malformed};
use crate::{Operation, Payload, Result};

/// The key of the call whose request is replaced.
const KEY: &str = "k";

/// Sends `request`, whose path is the encoded key, and returns a successful response. Without a bucket it goes to the
/// service.
pub(super) async fn send(
    client: &Client,
    operation: Operation,
    bucket: &str,
    request: &Request<'_>,
    payload: Option<&Payload>,
    signs_payload: bool,
) -> Result<Response> {
    let replace = Replace::by(request, payload, signs_payload);
    let taken = Arc::clone(&replace.taken);
    let sent = if bucket.is_empty() {
        let call = client.list_buckets().customize();
        let sent = call.interceptor(replace).send().await;
        sent.map(drop).map_err(|error| from_sdk(operation, &error))
    } else {
        let call = client.head_object().bucket(bucket).key(KEY).customize();
        let sent = call.interceptor(replace).send().await;
        sent.map(drop).map_err(|error| from_sdk(operation, &error))
    };
    let response = taken.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (response, sent) {
        (Some(response), _) => Ok(response),
        (None, Err(error)) => Err(error),
        (None, Ok(())) => Err(malformed(operation, "the response is missing")),
    }
}

/// Returns the URL of `request` with a signature in it.
pub(super) async fn presign(
    client: &Client,
    bucket: &str,
    request: &Request<'_>,
    config: PresigningConfig,
) -> Result<String> {
    let call = client.head_object().bucket(bucket).key(KEY).customize();
    let call = call.interceptor(Replace::by(request, None, false));
    match call.presigned(config).await {
        Ok(signed) => Ok(signed.uri().to_owned()),
        Err(error) => Err(from_sdk(Operation::Presign, &error)),
    }
}

/// Replaces the request of a call, and takes its response.
struct Replace {
    method: &'static str,
    path_and_query: String,
    headers: Vec<(String, String)>,
    payload: Option<Payload>,
    /// Whether the SDK is to hash the payload, if it is in one buffer. It cannot hash a stream.
    signs_payload: bool,
    taken: Arc<Mutex<Option<Response>>>,
}

impl Replace {
    fn by(request: &Request<'_>, payload: Option<&Payload>, signs_payload: bool) -> Self {
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
            payload: payload.cloned(),
            signs_payload,
            taken: Arc::default(),
        }
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
        let base = match uri.split_once("?x-id=ListBuckets") {
            Some((service, _)) => Some(service),
            None => uri.strip_suffix(KEY),
        };
        let base = base.and_then(|base| base.strip_suffix('/'));
        let base = base.ok_or("the endpoint's path does not end in the key")?;
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
            // The SDK decides by it whether to retry.
            return Ok(());
        }
        let nothing = HttpResponse::new(StatusCode::try_from(200)?, SdkBody::empty());
        let response = std::mem::replace(response, nothing);
        let head = ResponseHead::from_pairs(response.headers().iter());
        let head = head.ok_or("the response head is too large")?;
        let status = response.status().as_u16();
        let body = incoming(response.into_body());
        let response = Response { status, head, body };
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = Some(response);
        Ok(())
    }
}

/// Returns the body of a response of the SDK's HTTP client.
fn incoming(mut body: SdkBody) -> ResponseBody {
    ResponseBody::from_frames(move |cx| {
        let frame = Pin::new(&mut body).poll_frame(cx);
        frame.map(|frame| {
            let frame = frame?.map_err(|error| io_error(&*error));
            // Trailers say nothing that is read.
            Some(frame.map(|frame| frame.into_data().unwrap_or_default()))
        })
    })
}
