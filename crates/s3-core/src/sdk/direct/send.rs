//! One request and its answer: signed, sent, and sent once more where the refusal says how to do better.

use std::sync::atomic::Ordering;
use std::time::SystemTime;

use bytes::Bytes;

use super::target::Target;
use super::{Direct, lost};
use crate::sdk::bounded_answer::REFUSAL;
use crate::sdk::clock::Refusal;
use crate::sdk::errors;
use crate::sdk::identity::Identity;
use crate::sdk::reply::Reply;
use s3_wire::sign::{HeaderError, Headers, PayloadHash, Query, UnsignedRequest};

use crate::blocking_io::blocking_io_allowed;
use crate::{ByteCounter, Error, Operation, Phase, Result};
use s3_wire::{ChecksumTrailer, OutgoingRequest, RequestBody, Response, WireErrorKind};

/// A request before it is signed.
pub(super) struct Ask<'a> {
    pub(super) operation: Operation,
    pub(super) method: &'static str,
    pub(super) target: &'a Target,
    /// The object's key; empty for the bucket itself.
    pub(super) key: &'a str,
    pub(super) query: Query,
    pub(super) headers: Headers,
    pub(super) hash: PayloadHash,
    pub(super) body: RequestBody<'a>,
    /// The checksum that follows the body.
    pub(super) trailer: Option<ChecksumTrailer>,
    /// Counts the bytes that are sent.
    pub(super) sent_bytes: Option<&'a ByteCounter>,
    /// Whether the same request twice has the effect of one.
    pub(super) repeatable: bool,
}

impl Direct {
    /// Sends a request and returns an answer of success, its body yet to be read.
    pub(super) async fn send(&self, ask: Ask<'_>) -> Result<Response> {
        let Ask {
            operation,
            target,
            body,
            trailer,
            sent_bytes,
            repeatable,
            ..
        } = ask;
        let mut path = String::new();
        target.write_path(ask.key, &mut path);
        let draft = UnsignedRequest {
            method: ask.method,
            path: &path,
            query: ask.query,
            host: &target.host_header,
            headers: ask.headers,
            payload: ask.hash,
        };
        let mut head = Vec::new();
        let mut improved = false;
        loop {
            let identity = self.identities.get().await;
            let identity = identity.map_err(|error| errors::without_identity(operation, &error))?;
            let now = self.clock.now();
            head.clear();
            self.signing_keys
                .write_head(&draft, identity.signing(), &target.region, now, &mut head)
                .map_err(|error| errors::refused(operation, error.to_string()))?;
            let outgoing = OutgoingRequest {
                head: &head,
                body,
                trailer,
                sent_bytes: sent_bytes.map(ByteCounter::as_atomic),
                blocking_io: blocking_io_allowed(),
                response_has_body: draft.method != "HEAD",
                idempotent: repeatable,
            };
            let sent = self.pool.send(&target.origin, outgoing).await;
            let mut answer = sent.map_err(|error| {
                let error = lost::on_the_way(operation, &error);
                self.warn_once(target, &error);
                error
            })?;
            if (200..300).contains(&answer.status) {
                return Ok(answer);
            }
            let error = refusal(operation, &mut answer).await;
            if improved || !self.learns(&error, &answer, &identity, now).await {
                return Err(error);
            }
            improved = true;
        }
    }

    /// Says at once that there is no connection: whoever retries may do so for minutes.
    fn warn_once(&self, target: &Target, error: &Error) {
        if error.phase() == Phase::Connect && !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                host = &*target.host_header,
                %error,
                "no connection to the endpoint; what can be retried is, until the deadline or the last attempt"
            );
        }
    }

    /// Sends a write, and reads what little is said of it: some servers find out that they failed after they have
    /// begun to answer with a success.
    pub(super) async fn send_write(&self, ask: Ask<'_>) -> Result<Response> {
        let operation = ask.operation;
        let mut answer = self.send(ask).await?;
        let body = answer.body.collect(REFUSAL).await;
        let body = body.map_err(|error| lost::in_the_body(operation, &error))?;
        let reply = Reply {
            status: answer.status,
            header: &|name| answer.head.get(name),
            body: &body,
        };
        if !body.is_empty() && errors::holds_refusal(&reply) {
            return Err(errors::refused_by_server(operation, &reply));
        }
        if !body.is_empty() && answer.head.get("etag").is_none() {
            // Such as the page of a proxy, which has kept the bytes to itself.
            let text = "the answer is not one of S3";
            return Err(errors::not_understood(operation, &reply, text));
        }
        Ok(answer)
    }

    /// Returns whether what the server said makes another attempt better: it told the time, or the credentials
    /// have run out and there are others.
    async fn learns(
        &self,
        error: &Error,
        answer: &Response,
        identity: &Identity,
        signed_at: SystemTime,
    ) -> bool {
        match error.code() {
            Some("ExpiredToken" | "TokenRefreshRequired") => {
                self.identities.expire(identity);
                let renewed = self.identities.get().await;
                renewed.is_ok_and(|renewed| {
                    let (new, old) = (renewed.signing(), identity.signing());
                    new.access_key() != old.access_key() || new.token() != old.token()
                })
            }
            code => self.clock.learn(Refusal {
                status: answer.status,
                code,
                date: answer.head.get("date"),
                age: answer.head.get("age"),
                signed_at,
            }),
        }
    }
}

async fn refusal(operation: Operation, answer: &mut Response) -> Error {
    let body = match answer.body.collect(REFUSAL).await {
        Ok(body) => body,
        // No error document is so long: the status says enough.
        Err(lost) if lost.kind() == WireErrorKind::TooLarge => Bytes::new(),
        // Why it was refused is in the body: for a wrong clock, an expired token or a cut request, among others.
        Err(lost) => return lost::in_the_body(operation, &lost),
    };
    let reply = Reply {
        status: answer.status,
        header: &|name| answer.head.get(name),
        body: &body,
    };
    errors::refused_by_server(operation, &reply)
}

/// Returns the error of a header that cannot be sent.
pub(super) fn unsendable(operation: Operation, error: &HeaderError) -> Error {
    errors::refused(operation, error.to_string())
}
