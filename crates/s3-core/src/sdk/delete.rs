//! DeleteObjects and DeleteObject: deletes keys in one batch, or one by one if XML or the server does not support it.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use futures_util::{FutureExt, StreamExt, stream};
use md5::{Digest, Md5};
use s3_url::S3Url;
use s3_wire::{Element, escape};

use super::client::Resolved;
use super::document::XMLNS;
use super::errors;
use super::sender::invalid_header;
use crate::{
    DeleteRequest, DeleteResponse, DeletedVersion, ETag, Error, ErrorKind, Operation, Result,
    VersionId,
};

/// Maximum number of DeleteObject requests in flight: 1,000 keys then take 32 round trips.
const AT_ONCE: usize = 32;

/// Objects that were not deleted: index in the request, and error.
type Failures = Vec<(usize, Error)>;

pub(super) async fn delete(resolved: &Resolved, request: DeleteRequest) -> Result<DeleteResponse> {
    let DeleteRequest { bucket, urls, .. } = &request;
    check(bucket, urls)?;
    let one_by_one = urls.len() == 1 || resolved.lacks_batch_delete();
    let (batch, mut single): (Vec<usize>, Vec<usize>) =
        (0..urls.len()).partition(|&index| !one_by_one && survives_xml(urls[index].key()));
    let mut failures = Vec::new();
    let mut rejection = None;
    if !batch.is_empty() {
        match delete_batch(resolved, &request, &batch).await {
            Err(error) if knows_no_batch(&error) => {
                tracing::debug!(%error, "the server has no DeleteObjects; deleting one by one");
                rejection = Some(error);
                single.extend(batch);
            }
            outcome => failures = outcome?,
        }
    }
    let single = single.into_iter().map(|index| {
        let (version, etag) = (request.version(index), request.etag(index));
        let done = delete_one(resolved, &urls[index], version, etag);
        done.map(move |done| (index, done)).boxed()
    });
    let mut single = stream::iter(single).buffer_unordered(AT_ONCE);
    let (mut all_not_found, mut any_deleted) = (true, false);
    let mut deleted = Vec::new();
    while let Some((index, done)) = single.next().await {
        if let Some(counter) = &request.byte_counter {
            counter.add(1);
        }
        all_not_found &= match &done {
            Ok(deleted) => matches!(deleted, Deleted::Missing),
            Err(error) => error.kind() == ErrorKind::NotFound,
        };
        any_deleted |= done.is_ok();
        match done {
            Ok(Deleted::Done(Some(version))) => deleted.push((index, version)),
            Ok(_) => {}
            Err(error) => failures.push((index, error)),
        }
        // Remembered with the first success, not at the end: the caller may cancel this attempt before the last
        // response.
        if let Some(rejection) = &rejection
            && any_deleted
            && !is_all_missing(rejection, all_not_found)
        {
            resolved.remember_no_batch_delete();
        }
    }
    if let Some(rejection) = rejection.take_if(|rejection| is_all_missing(rejection, all_not_found))
    {
        return Err(rejection);
    }
    if failures.len() == urls.len()
        && failures
            .first()
            .is_some_and(|(_, error)| error.kind() == ErrorKind::NoSuchBucket)
    {
        // The error that a batch returns for a missing bucket.
        let (_, error) = failures.swap_remove(0);
        return Err(error.with_resource(format!("s3://{bucket}")));
    }
    failures.sort_by_key(|(index, _)| *index);
    deleted.sort_by_key(|(index, _)| *index);
    let mut response = DeleteResponse::new(failures);
    response.versions = deleted;
    Ok(response)
}

/// Returns whether all responses were 404, those to the batch and to each key: the endpoint may not be an S3 server at
/// all.
fn is_all_missing(rejection: &Error, all_not_found: bool) -> bool {
    rejection.kind() == ErrorKind::NotFound && all_not_found
}

/// Returns whether the server does not support DeleteObjects, as GCS, OSS and old gateways, or has nothing at its URL.
fn knows_no_batch(error: &Error) -> bool {
    const UNSUPPORTED: [&str; 8] = [
        "BadRequest",
        "InvalidArgument",
        "InvalidRequest",
        "MalformedXML",
        "MissingContentLength",
        "MissingContentMD5",
        "MissingSecurityHeader",
        "UnsupportedOperation",
    ];
    matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::NotFound)
        || matches!(error.http_status(), Some(400 | 411))
            && error.code().is_some_and(|code| UNSUPPORTED.contains(&code))
}

fn check(bucket: &str, urls: &[S3Url]) -> Result<()> {
    if urls.len() > DeleteRequest::MAX_KEYS {
        let text = format!(
            "the request has {} keys; the maximum is {}",
            urls.len(),
            DeleteRequest::MAX_KEYS
        );
        return Err(
            errors::invalid_input(Operation::Delete, text).with_resource(format!("s3://{bucket}"))
        );
    }
    match urls.iter().find(|url| url.bucket() != bucket) {
        Some(stray) => {
            let text = format!("the object is not in bucket {bucket}");
            Err(errors::invalid_input(Operation::Delete, text).with_resource(stray.as_str()))
        }
        None => Ok(()),
    }
}

/// Returns whether XML 1.0 can carry the key unchanged. Most control characters cannot be written even as a reference,
/// some parsers read a carriage return as a line feed, and an element that only has white space is read as empty.
fn survives_xml(key: &str) -> bool {
    !key.trim().is_empty()
        && !key
            .chars()
            .any(|c| matches!(c, '\0'..='\x08' | '\x0b'..='\x1f' | '\u{fffe}' | '\u{ffff}'))
}

async fn delete_batch(
    resolved: &Resolved,
    request: &DeleteRequest,
    batch: &[usize],
) -> Result<Failures> {
    let DeleteRequest { bucket, urls, .. } = request;
    let version = |index: usize| request.version(index);
    let etag = |index: usize| request.etag(index);
    let operation = Operation::Delete;
    let on_bucket = |error: Error| error.with_resource(format!("s3://{bucket}"));
    let mut document = format!("<Delete {XMLNS}><Quiet>true</Quiet>");
    for &index in batch {
        let key = escape(urls[index].key());
        document += &format!("<Object><Key>{key}</Key>");
        if let Some(version) = version(index) {
            document += &format!("<VersionId>{}</VersionId>", escape(version.as_str()));
        }
        if let Some(etag) = etag(index) {
            document += &format!("<ETag>{}</ETag>", escape(&etag.quoted()));
        }
        document += "</Object>";
    }
    document += "</Delete>";
    let route = resolved.route(bucket);
    let mut post = route.request("POST", "");
    post.query.push("delete", "");
    // With an ETag condition, a second request fails because the objects are gone.
    post.idempotent = batch.iter().all(|&index| etag(index).is_none());
    let crc = crc_fast::checksum(CrcAlgorithm::Crc32IsoHdlc, document.as_bytes()) as u32;
    let crc = STANDARD.encode(crc.to_be_bytes());
    let mut pushed = post.headers.push("x-amz-checksum-crc32", &crc);
    if resolved.is_third_party() {
        // Servers that predate S3's newer checksums require Content-MD5.
        let md5 = STANDARD.encode(Md5::digest(&document));
        pushed = pushed.and_then(|()| post.headers.push("content-md5", &md5));
    }
    pushed.map_err(|error| on_bucket(invalid_header(operation, &error)))?;
    let parse = |text: &str| match text.is_empty() {
        // OSS sends an empty response if no key failed; a proxy may send one without forwarding the batch.
        true => Ok(None),
        false => Element::parse(text, "DeleteResult").map(Some),
    };
    let sent = route.exchange_documents(operation, post, Some(document), parse);
    let (_, result) = sent.await.map_err(on_bucket)?;
    let Some(result) = result else {
        let text = "the response to DeleteObjects is empty";
        return Err(Error::new(ErrorKind::Unsupported, operation).with_message(text));
    };
    let mut indices: HashMap<&str, Vec<usize>> = HashMap::new();
    for &index in batch {
        indices.entry(urls[index].key()).or_default().push(index);
    }
    let mut failures = Failures::new();
    for failed in result.children("Error") {
        let code = failed.scalar("Code");
        // Deleting a missing object succeeds, but a few servers list it as failed.
        let is_missing = code.is_some_and(means_missing);
        let Some(indices) = indices.get(failed.text("Key").unwrap_or_default()) else {
            let text = "the response lists a key that was not requested";
            return Err(on_bucket(errors::malformed(operation, text)));
        };
        let failed_version = failed.scalar("VersionId").filter(|id| !id.is_empty());
        let is_failed = |index: &usize| {
            failed_version
                .is_none_or(|id| version(*index).is_none_or(|version| version.as_str() == id))
                && (!is_missing || etag(*index).is_some())
        };
        let indices = indices.iter().copied().filter(is_failed);
        failures.extend(indices.map(|index| {
            let error = errors::of_key(code, failed.text("Message"));
            (index, error.with_resource(urls[index].as_str()))
        }));
    }
    Ok(failures)
}

/// The result of deleting an object.
enum Deleted {
    Done(Option<DeletedVersion>),
    /// The server responded with 404 and is an S3 server; AWS S3 does not send 404 here.
    Missing,
}

fn means_missing(code: &str) -> bool {
    matches!(code, "NoSuchKey" | "NoSuchVersion")
}

/// Returns whether an error response means that the object does not exist. A 404 without a code may be the page of a
/// proxy that did not forward the request.
fn says_missing(error: &Error) -> bool {
    match error.code() {
        Some(code) => means_missing(code),
        None => {
            let is_empty = error.message().is_none();
            error.kind() == ErrorKind::NotFound && is_empty && error.request_id().is_some()
        }
    }
}

async fn delete_one(
    resolved: &Resolved,
    url: &S3Url,
    version: Option<&VersionId>,
    etag: Option<&ETag>,
) -> Result<Deleted> {
    let route = resolved.route(url.bucket());
    let mut request = route.request("DELETE", url.key());
    if let Some(version) = version {
        request.query.push("versionId", version.as_str());
    }
    if let Some(etag) = etag {
        let pushed = request.headers.push("if-match", &etag.quoted());
        pushed.map_err(|error| invalid_header(Operation::Delete, &error).with_resource(url))?;
        // A second request fails because the object is gone.
        request.idempotent = false;
    }
    match route
        .send_plain(Operation::Delete, &mut request, None)
        .await
    {
        Ok(head) => Ok(Deleted::Done(head.get("x-amz-version-id").map(|id| {
            let is_marker = head.get("x-amz-delete-marker") == Some("true");
            DeletedVersion::new(VersionId::new(id), is_marker)
        }))),
        Err(error) if etag.is_none() && says_missing(&error) => Ok(Deleted::Missing),
        Err(error) => Err(error.with_resource(url.as_str())),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_smithy_runtime_api::client::http::{
        HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
    };
    use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
    use aws_smithy_types::body::SdkBody;
    use tokio::time::{Instant, sleep};

    use super::super::replay::{Replay, error_response, response};
    use super::*;
    use crate::{ByteCounter, SdkStore, Store};

    /// A server with 100 ms latency that rejects every tenth key.
    #[derive(Debug)]
    struct Far;

    impl HttpConnector for Far {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let rejected = request.uri().contains("7%01");
            HttpConnectorFuture::new(async move {
                sleep(Duration::from_millis(100)).await;
                let status = if rejected { 403 } else { 204 };
                let status = status.try_into().expect("a status");
                Ok(HttpResponse::new(status, SdkBody::empty()))
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_keys_that_xml_cannot_carry_take_seconds() {
        let store = SdkStore::builder()
            .endpoint("http://127.0.0.1:9")
            .region("eu-west-1")
            .credentials("access", "secret", None)
            .http_client(http_client_fn(|_, _| SharedHttpConnector::new(Far)))
            .build();
        let keys: Vec<_> = (0..1000)
            .map(|number| format!("{number:03}\u{1}"))
            .collect();
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        let begun = Instant::now();
        let failures = store.delete(request(&keys)).await.unwrap().failures;
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "{:?}",
            begun.elapsed()
        );
        let indices: Vec<_> = failures.iter().map(|(index, _)| *index).collect();
        let expected: Vec<_> = (0..1000).filter(|index| index % 10 == 7).collect();
        assert_eq!(indices, expected);
    }

    /// A server without DeleteObjects that takes 700 ms to delete an object.
    #[derive(Debug)]
    struct Slow;

    impl HttpConnector for Slow {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let status = if request.method() == "POST" { 501 } else { 204 };
            HttpConnectorFuture::new(async move {
                sleep(Duration::from_millis(700)).await;
                let status = status.try_into().expect("a status");
                Ok(HttpResponse::new(status, SdkBody::empty()))
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn single_deletes_are_counted_and_the_first_success_turns_batches_off() {
        let store = SdkStore::builder()
            .endpoint("http://127.0.0.1:9")
            .region("eu-west-1")
            .credentials("access", "secret", None)
            .http_client(http_client_fn(|_, _| SharedHttpConnector::new(Slow)))
            .build();
        let keys: Vec<_> = (0..100).map(|number| number.to_string()).collect();
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        let counter = ByteCounter::default();
        let delete = store.delete(request(&keys).counted_by(counter.clone()));
        let limit = Duration::from_millis(1500);
        assert!(tokio::time::timeout(limit, delete).await.is_err());
        assert_eq!(counter.bytes(), AT_ONCE as u64);
        // The batch is not tried again: 100 keys, 32 at once.
        let begun = Instant::now();
        let delete = store.delete(request(&keys).counted_by(counter.clone()));
        assert!(delete.await.unwrap().failures.is_empty());
        assert_eq!(counter.bytes(), AT_ONCE as u64 + 100);
        assert_eq!(begun.elapsed().as_millis() / 100, 28);
    }

    fn request(keys: &[&str]) -> DeleteRequest {
        let urls = keys
            .iter()
            .map(|key| S3Url::from_parts("bucket", key).unwrap());
        DeleteRequest::new("bucket", urls.collect())
    }

    #[tokio::test]
    async fn one_batch_names_every_key_and_failures_come_back_by_index() {
        let body = "<DeleteResult>\
            <Error><Key>a&amp;b</Key><Code>AccessDenied</Code><Message>no</Message></Error>\
            <Error><Key>gone</Key><Code>NoSuchKey</Code></Error></DeleteResult>";
        let replay = Replay::new([response(200, &[], body)]);
        let response = replay
            .store()
            .delete(request(&["x", "a&b", "gone"]))
            .await
            .unwrap();
        assert_eq!(response.failures.len(), 1);
        let (index, error) = &response.failures[0];
        assert_eq!((*index, error.kind()), (1, ErrorKind::AccessDenied));
        assert_eq!(error.resource(), Some("s3://bucket/a&b"));
        let sent = replay.only();
        assert_eq!(sent.line(), "POST http://127.0.0.1:9/bucket/?delete=");
        assert!(
            sent.text().contains("<Quiet>true</Quiet>"),
            "{}",
            sent.text()
        );
        assert!(
            sent.text().contains("<Key>a&amp;b</Key>"),
            "{}",
            sent.text()
        );
        assert!(sent.header("x-amz-checksum-crc32").is_some());
        let md5 = aws_smithy_types::base64::encode(Md5::digest(&sent.body));
        assert_eq!(sent.header("content-md5"), Some(md5.as_str()));
    }

    #[tokio::test]
    async fn keys_that_xml_cannot_carry_go_one_by_one() {
        let replay = Replay::new([response(204, &[], ""), error_response(403, "AccessDenied")]);
        let response = replay
            .store()
            .delete(request(&["a\u{1}", "b\r"]))
            .await
            .unwrap();
        assert_eq!(response.failures.len(), 1);
        assert_eq!(response.failures[0].0, 1);
        let lines: Vec<String> = replay
            .sent()
            .iter()
            .map(super::super::replay::Sent::line)
            .collect();
        assert_eq!(
            lines,
            [
                "DELETE http://127.0.0.1:9/bucket/a%01",
                "DELETE http://127.0.0.1:9/bucket/b%0D",
            ]
        );
    }

    #[tokio::test]
    async fn one_key_needs_no_batch() {
        let replay = Replay::new([response(204, &[], "")]);
        replay.store().delete(request(&["k"])).await.unwrap();
        assert!(
            replay
                .only()
                .line()
                .starts_with("DELETE http://127.0.0.1:9/bucket/k")
        );
    }

    #[tokio::test]
    async fn a_server_without_batch_delete_is_probed_once() {
        for rejection in [
            error_response(501, "NotImplemented"),
            error_response(405, "MethodNotAllowed"),
            error_response(400, "InvalidArgument"),
            error_response(400, "MalformedXML"),
            error_response(411, "MissingContentLength"),
            response(404, &[], "404 page not found"),
            response(200, &[], ""),
        ] {
            let gone = || response(204, &[], "");
            let replay = Replay::new([rejection, gone(), gone(), gone(), gone()]);
            let store = replay.store();
            for _ in 0..2 {
                let done = store.delete(request(&["a", "b"])).await.unwrap();
                assert!(done.failures.is_empty());
            }
            let sent = replay.sent();
            let batches = sent.iter().filter(|sent| sent.line().starts_with("POST"));
            assert_eq!((batches.count(), sent.len()), (1, 5));
        }
    }

    #[tokio::test]
    async fn a_404_to_every_request_deletes_nothing() {
        let page = || response(404, &[], "404 page not found");
        let store = Replay::new([page(), page(), page()]).store();
        let error = store.delete(request(&["a", "b"])).await.unwrap_err();
        assert_eq!(error.http_status(), Some(404));
    }

    #[tokio::test]
    async fn a_missing_object_is_deleted_only_if_a_server_of_s3_says_so() {
        let id = ("x-amz-request-id", "4XA1");
        let page = "<html><body>404 Not Found</body></html>";
        for (missing, is_deleted) in [
            (error_response(404, "NoSuchKey"), true),
            (error_response(404, "NoSuchVersion"), true),
            (response(404, &[id], ""), true),
            (response(404, &[], ""), false),
            (response(404, &[], page), false),
            (response(404, &[id], page), false),
            (error_response(404, "NoSuchRoute"), false),
        ] {
            let replay = Replay::new([missing]);
            let failures = replay.store().delete(request(&["k"])).await;
            let failures = failures.unwrap().failures;
            let kinds: Vec<_> = failures.iter().map(|(_, error)| error.kind()).collect();
            let expected = if is_deleted {
                &[][..]
            } else {
                &[ErrorKind::NotFound]
            };
            assert_eq!(kinds, expected);
        }
    }

    #[tokio::test]
    async fn nothing_to_delete_is_no_request() {
        let response = Replay::new([]).store().delete(request(&[])).await.unwrap();
        assert!(response.failures.is_empty());
    }

    #[tokio::test]
    async fn a_key_from_another_bucket_and_too_many_keys_are_rejected() {
        let store = Replay::new([]).store();
        let stray = S3Url::parse("s3://other/key").unwrap();
        for request in [
            DeleteRequest::new("bucket", vec![stray]),
            request(&["k"; DeleteRequest::MAX_KEYS + 1]),
        ] {
            assert_eq!(
                store.delete(request).await.unwrap_err().kind(),
                ErrorKind::InvalidInput
            );
        }
    }

    #[tokio::test]
    async fn a_failure_of_a_key_that_was_not_requested_is_an_error() {
        let body =
            "<DeleteResult><Error><Key>z</Key><Code>AccessDenied</Code></Error></DeleteResult>";
        let store = Replay::new([response(200, &[], body)]).store();
        assert_eq!(
            store.delete(request(&["k", "l"])).await.unwrap_err().kind(),
            ErrorKind::Protocol
        );
    }
}
