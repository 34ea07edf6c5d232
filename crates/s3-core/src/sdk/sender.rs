//! Signs requests and sends them over `s3-wire`, or passes them to the SDK's client; reads error responses.
//!
//! A [`Route`] says where requests for a bucket go: over `s3-wire`, signed here, or through the SDK's client
//! ([`sdk_transport`]). On both, a request is repeated once if the error response allows a correction: it contains the
//! server's time, or says that the credentials have expired and newer ones exist.

use std::sync::Arc;
use std::time::SystemTime;

use s3_wire::sign::{HeaderError, SigningKeys};
use s3_wire::{Pool, Request, Response, ResponseHead};

use super::client::Resolved;
use super::clock::{ErrorResponse, SigningClock};
use super::collected_response::{CollectedResponse, MAX_ERROR_BODY};
use super::errors;
use super::identity::{Identities, Identity};
use super::proxies::Proxies;
use super::regions::Regions;
use super::target::{EndpointSettings, Target, Targets};
use super::xml_complete::is_html;
use super::{sdk_transport, transport_error};
use crate::blocking_io::blocking_io_allowed;
use crate::{ByteCounter, Error, Operation, Payload, Result};

/// Signs requests and sends them over `s3-wire`.
pub(super) struct Sender {
    pool: Pool,
    identities: Arc<Identities>,
    signing_keys: SigningKeys,
    targets: Targets,
    clock: SigningClock,
}

/// The transport and the target of requests for a bucket.
pub(super) struct Route<'a> {
    resolved: &'a Resolved,
    bucket: &'a str,
    /// The sender over `s3-wire` and the target; `None` for the SDK's client.
    wire: Option<(&'a Sender, Arc<Target>)>,
}

impl Sender {
    pub(super) fn new(
        pool: Pool,
        identities: Arc<Identities>,
        endpoint: EndpointSettings,
        (regions, proxies): (Arc<Regions>, Proxies),
        clock: SigningClock,
    ) -> Self {
        Self {
            pool,
            identities,
            signing_keys: SigningKeys::default(),
            targets: Targets::new(endpoint, regions, proxies),
            clock,
        }
    }

    /// Removes the target of a bucket from the cache, because its region has changed.
    pub(super) fn forget_target(&self, bucket: &str) {
        self.targets.forget(bucket);
    }

    pub(super) fn route<'a>(
        sender: Option<&'a Self>,
        resolved: &'a Resolved,
        bucket: &'a str,
    ) -> Route<'a> {
        let wire = sender.and_then(|sender| Some((sender, sender.targets.get(bucket)?)));
        Route {
            resolved,
            bucket,
            wire,
        }
    }

    /// Signs and sends a request and returns a successful response.
    async fn send(
        &self,
        operation: Operation,
        target: &Target,
        request: &Request<'_>,
    ) -> Result<Response> {
        let mut head = Vec::new();
        let mut improved = false;
        loop {
            let identity = self.identities.get().await;
            let identity = identity.map_err(|error| errors::without_identity(operation, &error))?;
            let now = self.clock.now();
            head.clear();
            self.signing_keys
                .write_head(request, identity.signing(), &target.region, now, &mut head)
                .map_err(|error| errors::invalid_input(operation, error.to_string()))?;
            let sent = self.pool.send(&target.origin, &head, request).await;
            let mut response =
                sent.map_err(|error| transport_error::before_response(operation, &error))?;
            if (200..300).contains(&response.status) {
                return Ok(response);
            }
            let error = error_response(operation, &mut response).await;
            if improved
                || !self
                    .learns(&error, response.status, &response.head, &identity, now)
                    .await
            {
                return Err(error);
            }
            improved = true;
        }
    }

    /// Returns whether the request should be sent once more after this error response.
    async fn learns(
        &self,
        error: &Error,
        status: u16,
        head: &ResponseHead,
        identity: &Identity,
        signed_at: SystemTime,
    ) -> bool {
        match error.code() {
            Some(code) if errors::are_expired(code) => self.identities.replaces(identity).await,
            code => self.clock.learn(ErrorResponse {
                status,
                code,
                date: head.get("date"),
                age: head.get("age"),
                signed_at,
            }),
        }
    }
}

impl Route<'_> {
    /// Returns whether `s3-wire` sends the requests.
    pub(super) fn is_wire(&self) -> bool {
        self.wire.is_some()
    }

    /// Returns a request for an object, or for the bucket if the key is empty.
    pub(super) fn request(&self, method: &'static str, key: &str) -> Request<'_> {
        let mut path = String::new();
        let host = match &self.wire {
            Some((_, target)) => {
                target.write_path(key, &mut path);
                &*target.host_header
            }
            None => {
                path.push('/');
                s3_wire::sign::encode_key(key, &mut path);
                ""
            }
        };
        Request::new(method, host, path)
    }

    /// Sends a request and returns a successful response, whose body has not been read.
    pub(super) async fn send<'p>(
        &self,
        operation: Operation,
        request: &mut Request<'p>,
        payload: Option<&'p Payload>,
    ) -> Result<Response> {
        let pushed = self.resolved.standing.push(operation, &mut request.headers);
        pushed.map_err(|error| invalid_header(operation, &error))?;
        let Some((sender, target)) = &self.wire else {
            let sent = sdk_transport::send(self.resolved, operation, self.bucket, request, payload);
            // Boxed: the SDK's future is large, and few requests are sent this way.
            return Box::pin(sent).await;
        };
        if let Some(payload) = payload {
            request.body = payload.as_request_body();
            request.sent_bytes = payload.byte_counter().map(ByteCounter::as_atomic);
            request.blocking_io = blocking_io_allowed();
        }
        sender.send(operation, target, request).await
    }

    /// Sends a write and reads the response body: some servers send an error document after a success status.
    pub(super) async fn send_write<'p>(
        &self,
        operation: Operation,
        request: &mut Request<'p>,
        payload: &'p Payload,
    ) -> Result<Response> {
        let mut response = self.send(operation, request, Some(payload)).await?;
        let has_etag = response.head.get("etag").is_some();
        collect(
            operation,
            &mut response,
            MAX_ERROR_BODY,
            None,
            |collected| {
                without_error(operation, collected)?;
                match has_etag {
                    true => Ok(()),
                    false => without_page(operation, collected),
                }
            },
        )
        .await?;
        Ok(response)
    }

    /// Sends a request whose response has no XML document.
    pub(super) async fn send_plain<'p>(
        &self,
        operation: Operation,
        request: &mut Request<'p>,
        payload: Option<&'p Payload>,
    ) -> Result<ResponseHead> {
        let mut response = self.send(operation, request, payload).await?;
        collect(
            operation,
            &mut response,
            MAX_ERROR_BODY,
            None,
            |collected| {
                without_error(operation, collected)?;
                without_page(operation, collected)
            },
        )
        .await?;
        Ok(response.head)
    }
}

/// Reads the body of a successful response, and parses the response with `read`. `received` counts the bytes.
pub(super) async fn collect<T>(
    operation: Operation,
    response: &mut Response,
    limit: usize,
    received: Option<&ByteCounter>,
    read: impl FnOnce(&CollectedResponse<'_>) -> Result<T>,
) -> Result<T> {
    let received = received.map(ByteCounter::as_atomic);
    let body = response.body.collect_counted(limit, received).await;
    let body = body.map_err(|error| transport_error::in_body(operation, &error))?;
    read(&CollectedResponse {
        status: response.status,
        header: &|name| response.head.get(name),
        body: &body,
    })
}

/// Fails for an error document in a response with a success status.
fn without_error(operation: Operation, collected: &CollectedResponse<'_>) -> Result<()> {
    match errors::holds_error(collected) {
        true => Err(errors::error_of(operation, collected)),
        false => Ok(()),
    }
}

/// Fails for a body that is neither empty nor XML, such as the page of a proxy that did not forward the request.
fn without_page(operation: Operation, collected: &CollectedResponse<'_>) -> Result<()> {
    if collected.body.is_empty() {
        return Ok(());
    }
    let text = collected.text();
    let text = text.trim_start();
    if text.is_empty() || (text.starts_with('<') && !is_html(text)) {
        return Ok(());
    }
    let text = "not an S3 response";
    Err(errors::misunderstood(operation, collected, text))
}

async fn error_response(operation: Operation, response: &mut Response) -> Error {
    // Error documents are not longer, and the beginning of a page is enough for a message.
    let body = match response.body.collect_beginning(MAX_ERROR_BODY).await {
        Ok(body) => body,
        // Without its body, the cause is unknown: a wrong clock, an expired token or a truncated request, among others.
        Err(lost) => return transport_error::in_body(operation, &lost),
    };
    let collected = CollectedResponse {
        status: response.status,
        header: &|name| response.head.get(name),
        body: &body,
    };
    errors::error_of(operation, &collected)
}

/// Returns the error of a header that cannot be sent.
pub(super) fn invalid_header(operation: Operation, error: &HeaderError) -> Error {
    errors::invalid_input(operation, error.to_string())
}
