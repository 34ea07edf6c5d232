//! Listing keys and unfinished uploads, page by page.
//!
//! Pages are asked for with `encoding-type=url`, because XML cannot carry every key; what the answers mean is
//! [`listing`](super::listing)'s.

use std::borrow::Cow;
use std::sync::Arc;

use aws_sdk_s3::types::{EncodingType, MultipartUpload, Object};
use s3_url::{S3Prefix, S3Url};
use s3_wire::listing::{Entry, KeyDecoder, Page};

use super::bounded_answer::CountedAnswer;
use super::client::Resolved;
use super::convert;
use super::direct;
use super::errors::{self, from_sdk};
use super::listing::list_page;
use super::whole_document::WholeDocument;
use crate::{
    ListPage, ListRequest, ListUploads, ListedUpload, Operation, Result, UploadId, UploadsPage,
};

pub(super) async fn page(resolved: &Resolved, request: ListRequest) -> Result<ListPage> {
    let place = request.prefix.clone();
    let outcome = match resolved.direct(place.bucket()) {
        Some((direct, target)) => direct::page(direct, &target, &request).await,
        None => generated_page(resolved, request).await,
    };
    outcome.map_err(|error| error.with_resource(&place))
}

async fn generated_page(resolved: &Resolved, request: ListRequest) -> Result<ListPage> {
    let ListRequest {
        prefix,
        delimiter,
        start_after,
        continuation,
        max_keys,
        moved,
    } = request;
    // A continuation goes on where it must; S3 refuses no combination, but some servers mix them up.
    let start_after = start_after.filter(|_| continuation.is_none());
    let call = resolved
        .client(prefix.bucket())
        .list_objects_v2()
        .bucket(prefix.bucket());
    let call = call
        .encoding_type(EncodingType::Url)
        .set_prefix(non_empty(prefix.prefix()))
        .set_delimiter(delimiter.as_deref().and_then(non_empty))
        .set_start_after(start_after.as_deref().and_then(non_empty))
        .set_continuation_token(continuation.as_deref().map(str::to_owned))
        .set_max_keys(max_keys.map(|max| i32::try_from(max).unwrap_or(i32::MAX)));
    let call = call.customize().interceptor(WholeDocument);
    let call = match moved {
        Some(moved) => call.interceptor(CountedAnswer(moved)),
        None => call,
    };
    let sent = call.send().await;
    let mut output =
        sent.map_err(|error| from_sdk(Operation::List, &error).with_resource(prefix.as_str()))?;
    let page = Page {
        entries: output
            .contents
            .take()
            .unwrap_or_default()
            .into_iter()
            .map(entry)
            .collect(),
        common_prefixes: output
            .common_prefixes
            .take()
            .unwrap_or_default()
            .into_iter()
            .map(|entry| entry.prefix.map(Cow::Owned))
            .collect(),
        claims_encoding: output.encoding_type() == Some(&EncodingType::Url),
        is_truncated: output.is_truncated,
        is_identified: output.name.is_some()
            || output.key_count.is_some()
            || output.max_keys.is_some()
            || output.is_truncated.is_some(),
        marker: None,
        next_marker: None,
        prefix: output.prefix.take().map(Cow::Owned),
        next_token: output.next_continuation_token.take().map(Cow::Owned),
    };
    list_page(&page, &prefix, false)
        .map_err(|text| errors::malformed(Operation::List, text).with_resource(prefix.as_str()))
}

fn entry(object: Object) -> Entry<'static> {
    Entry {
        key: object.key.map(Cow::Owned),
        size: object.size.and_then(|size| u64::try_from(size).ok()),
        etag: object.e_tag.map(Cow::Owned),
        last_modified: convert::time(object.last_modified),
        storage_class: object
            .storage_class
            .map(|class| Cow::Owned(class.as_str().to_owned())),
    }
}

pub(super) async fn uploads(resolved: &Resolved, request: ListUploads) -> Result<UploadsPage> {
    let ListUploads {
        prefix,
        after,
        max_uploads,
    } = request;
    let operation = Operation::ListUploads;
    let (after_key, after_upload) = after.unzip();
    let call = resolved
        .client(prefix.bucket())
        .list_multipart_uploads()
        .bucket(prefix.bucket());
    let call = call
        .encoding_type(EncodingType::Url)
        .set_prefix(non_empty(prefix.prefix()))
        .set_key_marker(after_key.as_deref().map(str::to_owned))
        .set_upload_id_marker(after_upload.map(|upload| upload.as_str().to_owned()))
        .set_max_uploads(max_uploads.map(|max| i32::try_from(max).unwrap_or(i32::MAX)));
    let sent = call.customize().interceptor(WholeDocument).send().await;
    let mut output =
        sent.map_err(|error| from_sdk(operation, &error).with_resource(prefix.as_str()))?;
    let malformed = |text| errors::malformed(operation, text).with_resource(prefix.as_str());

    let keys = output.uploads().iter().filter_map(MultipartUpload::key);
    let decoder = KeyDecoder::new(
        output.encoding_type() == Some(&EncodingType::Url),
        prefix.prefix(),
        output
            .prefix()
            .into_iter()
            .chain(output.next_key_marker())
            .chain(keys),
    );
    let uploads = output.uploads.take().unwrap_or_default().into_iter();
    let uploads = uploads.map(|upload| listed_upload(&prefix, &decoder, upload));
    let uploads: Vec<ListedUpload> = uploads.collect::<Result<_, _>>().map_err(malformed)?;
    if output.is_truncated != Some(true) {
        return Ok(UploadsPage::new(uploads, None));
    }
    match (output.next_key_marker(), output.next_upload_id_marker()) {
        (Some(key), Some(upload)) if !key.is_empty() => {
            let key = decoder.decode(key).map_err(malformed)?;
            Ok(UploadsPage::new(
                uploads,
                Some((Arc::from(&*key), UploadId::new(upload))),
            ))
        }
        _ => Err(malformed(
            "the listing goes on, but the answer does not say where",
        )),
    }
}

fn non_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn listed_upload(
    prefix: &S3Prefix,
    decoder: &KeyDecoder,
    upload: MultipartUpload,
) -> Result<ListedUpload, &'static str> {
    let key = upload.key.as_deref();
    let key = decoder.decode(key.ok_or("an entry of the listing has no key")?)?;
    let url = S3Url::from_parts(prefix.bucket(), &key)
        .map_err(|_| "an entry of the listing has an empty key")?;
    let id = upload
        .upload_id
        .ok_or("an entry of the listing has no upload id")?;
    Ok(ListedUpload::new(
        url,
        UploadId::new(&id),
        convert::time(upload.initiated),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::replay::{Replay, answer};
    use super::*;
    use crate::{ETag, ErrorKind, Retryability, Store};

    fn prefix() -> S3Prefix {
        S3Prefix::parse("s3://bucket/a b/").unwrap()
    }

    const PAGE: &str = "<ListBucketResult><IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>\
        <Prefix>a+b/</Prefix><NextContinuationToken>1+/=</NextContinuationToken>\
        <Contents><Key>a+b/x%2By%01</Key><Size>7</Size><ETag>&quot;e1&quot;</ETag>\
        <LastModified>2015-10-21T07:28:00.000Z</LastModified><StorageClass>GLACIER</StorageClass></Contents>\
        <CommonPrefixes><Prefix>a+b/%C3%A9/</Prefix></CommonPrefixes></ListBucketResult>";

    #[tokio::test]
    async fn a_page_is_asked_for_encoded_and_decoded() {
        let replay = Replay::new([answer(200, &[], PAGE)]);
        let request = ListRequest::new(prefix())
            .with_delimiter("/")
            .with_max_keys(2)
            .with_start_after("a b/m");
        let page = replay.store().list_page(request).await.unwrap();
        assert_eq!(page.objects.len(), 1);
        let object = &page.objects[0];
        assert_eq!(
            object.url,
            S3Url::from_parts("bucket", "a b/x+y\u{1}").unwrap()
        );
        assert_eq!((object.size, &object.etag), (7, &Some(ETag::new("e1"))));
        assert_eq!(object.storage_class.as_deref(), Some("GLACIER"));
        assert!(object.last_modified.is_some());
        assert_eq!(
            page.prefixes,
            [S3Prefix::parse("s3://bucket/a b/é/").unwrap()]
        );
        assert_eq!(page.next.as_deref(), Some("1+/="));
        assert_eq!(
            replay.only().line(),
            "GET http://127.0.0.1:9/bucket/?list-type=2&delimiter=%2F&encoding-type=url&max-keys=2\
             &prefix=a%20b%2F&start-after=a%20b%2Fm"
        );
    }

    #[tokio::test]
    async fn a_continuation_replaces_the_start() {
        let replay = Replay::new([answer(
            200,
            &[],
            "<ListBucketResult><Name>bucket</Name></ListBucketResult>",
        )]);
        let request = ListRequest::new(prefix())
            .with_start_after("m")
            .with_continuation("1+/=");
        assert_eq!(
            replay.store().list_page(request).await.unwrap(),
            ListPage::default()
        );
        let uri = replay.only().uri;
        assert!(
            uri.contains("continuation-token=1%2B%2F%3D") && !uri.contains("start-after"),
            "{uri}"
        );
    }

    #[tokio::test]
    async fn a_page_never_shrinks_in_silence() {
        for page in [
            "<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
            "<ListBucketResult><Contents><Key></Key><Size>1</Size></Contents></ListBucketResult>",
            "<ListBucketResult><Contents><Key>k</Key></Contents></ListBucketResult>",
            "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        ] {
            let store = Replay::new([answer(200, &[], page)]).store();
            let error = store
                .list_page(ListRequest::new(prefix()))
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Protocol, "{page}");
            assert_eq!(error.retryability(), Retryability::Transient);
        }
    }

    #[tokio::test]
    async fn uploads_are_decoded_and_go_on_behind_a_key_and_an_id() {
        let page = "<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>\
            <NextKeyMarker>a+b/%2B</NextKeyMarker><NextUploadIdMarker>u2</NextUploadIdMarker>\
            <Upload><Key>a+b/%2B</Key><UploadId>u2</UploadId></Upload></ListMultipartUploadsResult>";
        let replay = Replay::new([answer(200, &[], page)]);
        let mut request = ListUploads::new(prefix());
        request.after = Some(("a b/".into(), UploadId::new("u1")));
        let page = replay.store().list_uploads(request).await.unwrap();
        assert_eq!(page.uploads[0].url.key(), "a b/+");
        assert_eq!(page.next, Some(("a b/+".into(), UploadId::new("u2"))));
        let uri = replay.only().uri;
        assert!(
            uri.contains("key-marker=a%20b%2F") && uri.contains("upload-id-marker=u1"),
            "{uri}"
        );
    }
}
