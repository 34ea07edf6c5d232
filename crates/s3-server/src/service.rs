//! [`Service`]: serves S3 over HTTP from a store: takes an HTTP request and returns the response.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use futures_util::StreamExt;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use s3_core::SharedStore;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{HttpError, S3};

use crate::credentials::{Anybody, KeyPair};
use crate::form::{FileName, is_form};
use crate::malformed_headers::MalformedHeaders;
use crate::pace::Pace;
use crate::response_completion::{complete, error_response, escaped, request_id, unquote_etag};
use crate::signature_check::{SignatureCheck, Verified};
use crate::target::Target;
use crate::{
    Domains, Frontend, authorization, cors, credential_scope, document_digest, signature_version,
};

/// Maximum length of an XML document in a request: 20 MiB, as in the protocol layer. A batch of 1,000 keys has at most
/// 1.2 MB.
const MAX_DOCUMENT: usize = 20 << 20;

/// An S3 service over a store. Clone is a reference count.
#[derive(Clone, Debug)]
pub struct Service {
    protocol: S3Service,
    signatures: SignatureCheck,
    region: Arc<str>,
    domains: Domains,
    front: Option<Frontend>,
    pace: Pace,
}

impl Service {
    /// Returns a builder of a service over a store.
    pub fn builder(store: SharedStore) -> ServiceBuilder {
        ServiceBuilder::new(Backend::Store(store))
    }

    /// Returns a builder of a service over any implementation of `s3s::S3`, such as `s3s_fs::FileSystem`.
    pub fn builder_for(backend: impl S3) -> ServiceBuilder {
        ServiceBuilder::new(Backend::Service(Box::new(S3ServiceBuilder::new(backend))))
    }

    /// Responds to a request.
    ///
    /// # Errors
    ///
    /// If no response can be sent: the connection must be closed.
    pub async fn call(&self, request: Request<Incoming>) -> Result<Response<s3s::Body>, HttpError> {
        let id = request_id();
        self.pace.wait().await;
        let target = Target::of(&request, &self.domains);
        let query = request.uri().query().unwrap_or_default();
        let headers = request.headers();
        let rejection = wrong_method(request.method(), headers, &target)
            .or_else(|| authorization::rejection(headers, &target))
            .or_else(|| signature_version::rejection(headers, query, &self.region))
            .or_else(|| credential_scope::rejection(headers, query, &self.region));
        if let Some(rejection) = rejection {
            return Ok(complete(rejection, &id, &target));
        }
        if let Some(rejection) = target.owner_rejection(request.headers()) {
            return Ok(complete(rejection, &id, &target));
        }
        let rules = match (&self.front, &target.origin) {
            (Some(front), Some(_)) => front.cors_rules(&target.bucket),
            _ => Vec::new(),
        };
        if request.method() == Method::OPTIONS && self.front.is_some() {
            let response = cors::preflight(&rules, request.headers());
            return Ok(complete(response, &id, &target));
        }
        let is_attributes = query
            .split('&')
            .any(|name| name == "attributes" || name == "attributes=");
        let method = request.method().clone();
        let pace = self.pace;
        let request = request.map(|body| pace.body(s3s::Body::from(body)));
        let request = signature_version::with_signed_path(request, &target);
        let request = match needs_body(&request, &target) {
            false => request,
            true => {
                let verified = match self.signatures.of(request).await? {
                    Ok(verified) => verified,
                    Err(rejection) => return Ok(complete(rejection, &id, &target)),
                };
                match with_body(verified, &target).await {
                    Ok(request) => request,
                    Err(rejection) => return Ok(complete(*rejection, &id, &target)),
                }
            }
        };
        let file = request.extensions().get::<FileName>().cloned();
        let mut response = self.protocol.call(request).await?;
        if let Some(file) = file {
            response = file.put_into_response(response);
        }
        if is_attributes && response.status().is_success() {
            response = unquote_etag(response);
        }
        if let Some(origin) = &target.origin {
            cors::allow(&rules, origin, method.as_str(), response.headers_mut());
        }
        Ok(complete(response, &id, &target).map(|body| pace.body(body)))
    }
}

/// Returns the error response for a method that S3 does not support, and for a POST to an object that is neither a form
/// nor has a known parameter.
fn wrong_method(
    method: &Method,
    headers: &HeaderMap,
    target: &Target,
) -> Option<Response<s3s::Body>> {
    let known = [
        Method::GET,
        Method::HEAD,
        Method::PUT,
        Method::POST,
        Method::DELETE,
        Method::OPTIONS,
    ];
    let message = "The specified method is not allowed against this resource.";
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let of_objects = ["restore", "select", "uploadId", "uploads"];
    let is_bare_post = method == Method::POST
        && !target.key.is_empty()
        && !is_form(method, headers)
        && !{ of_objects.iter() }.any(|name| target.query.contains_key(*name));
    (is_bare_post || !known.contains(method))
        .then(|| error_response(status, "MethodNotAllowed", message))
}

/// Returns whether the body is read before the protocol layer receives the request: a body of unknown length, because
/// that layer must know it; a form, whose file name may be a part of the key; or a document, whose digests are
/// verified.
fn needs_body(request: &Request<s3s::Body>, target: &Target) -> bool {
    let (method, headers) = (request.method(), request.headers());
    let has_length =
        headers.contains_key(CONTENT_LENGTH) || !headers.contains_key(TRANSFER_ENCODING);
    !has_length
        || is_form(method, headers)
        || document_digest::has_document(method, headers, target)
}

/// Collects the body of a verified request, or finds the file name in the beginning of a form.
async fn with_body(
    verified: Verified,
    target: &Target,
) -> Result<Request<s3s::Body>, Box<Response<s3s::Body>>> {
    let Verified { request, beginning } = verified;
    let (mut head, mut body) = request.into_parts();
    if is_form(&head.method, &head.headers) {
        if let Some(name) = FileName::of(&beginning) {
            head.extensions.insert(name);
        }
        return Ok(Request::from_parts(head, body));
    }
    let has_document = document_digest::has_document(&head.method, &head.headers, target);
    let status = StatusCode::BAD_REQUEST;
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.next().await {
        let frame = frame.map_err(|error| {
            let message = format!(
                "The body could not be read: {}",
                escaped(&error.to_string())
            );
            Box::new(error_response(status, "IncompleteBody", &message))
        })?;
        bytes.extend_from_slice(&frame);
        if has_document && bytes.len() > MAX_DOCUMENT {
            let message = "Your request was too large.";
            let rejection = error_response(status, "MaxMessageLengthExceeded", message);
            return Err(Box::new(rejection));
        }
    }
    let bytes = bytes.freeze();
    if has_document
        && let Some(rejection) = document_digest::rejection(&head.headers, target, &bytes)
    {
        return Err(Box::new(rejection));
    }
    head.headers
        .insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    Ok(Request::from_parts(head, s3s::Body::from(bytes)))
}

enum Backend {
    Store(SharedStore),
    Service(Box<S3ServiceBuilder>),
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Store(store) => store.fmt(f),
            Self::Service(_) => f.write_str("s3s::S3"),
        }
    }
}

/// The settings of a [`Service`].
#[derive(Debug)]
#[must_use = "a builder does nothing until it builds"]
pub struct ServiceBuilder {
    backend: Backend,
    keys: KeyPair,
    region: String,
    domains: Domains,
    anonymous: bool,
    forgets_completions: bool,
    adds_checksums: bool,
    pace: Pace,
}

impl ServiceBuilder {
    fn new(backend: Backend) -> Self {
        let keys = KeyPair {
            access_key: "testkey".to_owned(),
            secret_key: "testsecret-testsecret".to_owned(),
        };
        Self {
            backend,
            keys,
            region: "us-east-1".to_owned(),
            domains: Domains::new(["s3.localhost"]),
            anonymous: false,
            forgets_completions: false,
            adds_checksums: true,
            pace: Pace::default(),
        }
    }

    /// Sets the accepted credentials; `testkey` and `testsecret-testsecret` by default.
    pub fn credentials(mut self, access_key: &str, secret_key: &str) -> Self {
        self.keys = KeyPair {
            access_key: access_key.to_owned(),
            secret_key: secret_key.to_owned(),
        };
        self
    }

    /// Sets the region of the buckets, `us-east-1` by default. A request that is signed for another region is rejected
    /// with `400 AuthorizationHeaderMalformed`, which names it.
    pub fn region(mut self, region: &str) -> Self {
        region.clone_into(&mut self.region);
        self
    }

    /// Sets the domains whose subdomains are buckets; `s3.localhost` and `localhost` by default.
    pub fn domains(mut self, domains: Domains) -> Self {
        self.domains = domains;
        self
    }

    /// Also responds to requests without a signature, such as those of curl.
    pub fn allow_anonymous(mut self) -> Self {
        self.anonymous = true;
        self
    }

    /// Responds with `404 NoSuchUpload` to a CompleteMultipartUpload that is sent again, as servers other than AWS do.
    /// Without it, the response is repeated.
    pub fn forget_completed_uploads(mut self) -> Self {
        self.forgets_completions = true;
        self
    }

    /// Stores objects that are written without a checksum without one. By default a CRC64NVME is computed, as on AWS.
    pub fn without_default_checksums(mut self) -> Self {
        self.adds_checksums = false;
        self
    }

    /// Sets the latency before each response; 0 by default.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.pace.latency = latency;
        self
    }

    /// Limits the bytes per second of each request body and response body; unlimited by default.
    pub fn rate(mut self, bytes_per_second: u64) -> Self {
        self.pace.rate = bytes_per_second;
        self
    }

    /// Builds the service.
    #[must_use]
    pub fn build(self) -> Service {
        let mut served = None;
        let mut protocol = match self.backend {
            Backend::Store(store) => {
                let mut front = Frontend::new(store, &self.region);
                if self.forgets_completions {
                    front = front.forget_completed_uploads();
                }
                if !self.adds_checksums {
                    front = front.without_default_checksums();
                }
                served = Some(front.clone());
                let mut unverified = S3ServiceBuilder::new(front.clone());
                unverified.set_host(self.domains.clone());
                let mut protocol = S3ServiceBuilder::new(front);
                protocol.set_route(MalformedHeaders {
                    unverified: unverified.build(),
                    anonymous: self.anonymous,
                });
                protocol
            }
            Backend::Service(service) => *service,
        };
        protocol.set_host(self.domains.clone());
        protocol.set_auth(self.keys.clone());
        if self.anonymous {
            protocol.set_access(Anybody);
        }
        Service {
            protocol: protocol.build(),
            signatures: SignatureCheck::new(self.keys, self.domains.clone(), self.anonymous),
            region: self.region.into(),
            domains: self.domains,
            front: served,
            pace: self.pace,
        }
    }
}
