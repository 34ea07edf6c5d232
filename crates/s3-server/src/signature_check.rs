//! [`SignatureCheck`]: verifies the signature of a request whose body is collected before the protocol layer receives
//! it.
//!
//! The protocol layer verifies a signature before it reads a body. The [`Service`](crate::Service) collects some bodies
//! first, such as documents whose digests it verifies, and must not do so for an unverified request. So an instance of
//! the protocol layer without operations checks the head first. Of a form it reads the fields before the file, one of
//! which is the signature.

use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use http::{Extensions, HeaderMap, Method, Request, Response, Uri};
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::route::S3Route;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::stream::{ByteStream, DynByteStream, RemainingLength};
use s3s::{Body, HttpError, S3, S3Request, S3Response, S3Result, StdError, s3_error};

use crate::Domains;
use crate::credentials::KeyPair;
use crate::form;

/// Maximum length of a form before its file: 1 MiB. S3 allows 20 KB, but a frame may contain some of the file.
const MAX_FIELDS: usize = 1 << 20;

/// Verifies signatures. Clone is a reference count.
#[derive(Clone, Debug)]
pub(crate) struct SignatureCheck(S3Service);

/// A request with a valid signature, or without one if that is allowed.
pub(crate) struct Verified {
    pub(crate) request: Request<Body>,
    /// The bytes of the body that were read; of a form, everything before the file.
    pub(crate) beginning: Bytes,
}

impl SignatureCheck {
    /// `anonymous` accepts requests without a signature.
    pub(crate) fn new(keys: KeyPair, domains: Domains, anonymous: bool) -> Self {
        let mut protocol = S3ServiceBuilder::new(Nothing);
        let mut config = S3Config::default();
        config.form_max_fields_size = MAX_FIELDS;
        protocol.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
        protocol.set_host(domains);
        protocol.set_auth(keys);
        protocol.set_route(Everything { anonymous });
        Self(protocol.build())
    }

    /// Returns the request if its signature is valid, otherwise the error response.
    pub(crate) async fn of(
        &self,
        request: Request<Body>,
    ) -> Result<Result<Verified, Response<Body>>, HttpError> {
        let (head, body) = request.into_parts();
        let recorded = Recorded::new(body);
        let body: DynByteStream = Box::pin(recorded.clone());
        let checked = Request::from_parts(head.clone(), Body::from(body));
        let response = self.0.call(checked).await?;
        let (beginning, rest) = recorded.into_parts();
        if !response.status().is_success() {
            let incomplete = form::policy_without_signature(&beginning);
            return Ok(Err(incomplete.unwrap_or(response)));
        }
        let body = match beginning.is_empty() {
            true => rest,
            false => {
                let whole: DynByteStream = Box::pin(Rejoined {
                    beginning: beginning.clone(),
                    rest,
                });
                Body::from(whole)
            }
        };
        let request = Request::from_parts(head, body);
        Ok(Ok(Verified { request, beginning }))
    }
}

/// A route that receives every request after its signature was verified, and does nothing.
struct Everything {
    anonymous: bool,
}

#[async_trait::async_trait]
impl S3Route for Everything {
    fn is_match(&self, _: &Method, _: &Uri, _: &HeaderMap, _: &mut Extensions) -> bool {
        true
    }

    async fn check_access(&self, request: &mut S3Request<Body>) -> S3Result<()> {
        match request.credentials {
            None if !self.anonymous => Err(s3_error!(AccessDenied, "Signature is required")),
            _ => Ok(()),
        }
    }

    async fn call(&self, _: S3Request<Body>) -> S3Result<S3Response<Body>> {
        Ok(S3Response::new(Body::empty()))
    }
}

/// An `s3s::S3` service without operations.
struct Nothing;

impl S3 for Nothing {}

/// A body and the bytes that were read from it.
struct Reading {
    body: Body,
    read: BytesMut,
}

/// A body that records the bytes that are read from it. Clone is a reference count.
#[derive(Clone)]
struct Recorded(Arc<Mutex<Reading>>);

impl Recorded {
    fn new(body: Body) -> Self {
        let read = BytesMut::new();
        Self(Arc::new(Mutex::new(Reading { body, read })))
    }

    fn lock(&self) -> MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the bytes that were read, and the rest of the body. Remaining clones are at their end.
    fn into_parts(self) -> (Bytes, Body) {
        let mut reading = self.lock();
        let read = mem::take(&mut reading.read);
        (read.freeze(), mem::take(&mut reading.body))
    }
}

impl Stream for Recorded {
    type Item = Result<Bytes, StdError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut reading = self.lock();
        let polled = Pin::new(&mut reading.body).poll_next(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            reading.read.extend_from_slice(frame);
        }
        polled
    }
}

impl ByteStream for Recorded {
    /// The layer requires the length of a body with a digest, even if only the head is checked. A chunked body has no
    /// length.
    fn remaining_length(&self) -> RemainingLength {
        let length = self.lock().body.remaining_length().exact();
        RemainingLength::new_exact(length.unwrap_or_default())
    }
}

/// A body from its beginning, some of which was read before.
struct Rejoined {
    beginning: Bytes,
    rest: Body,
}

impl Stream for Rejoined {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match mem::take(&mut self.beginning) {
            beginning if beginning.is_empty() => Pin::new(&mut self.rest).poll_next(cx),
            beginning => Poll::Ready(Some(Ok(beginning))),
        }
    }
}

impl ByteStream for Rejoined {
    fn remaining_length(&self) -> RemainingLength {
        match self.rest.remaining_length().exact() {
            Some(rest) => RemainingLength::new_exact(self.beginning.len() + rest),
            None => RemainingLength::unknown(),
        }
    }
}
