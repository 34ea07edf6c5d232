//! Listing keys and unfinished uploads, page by page.
//!
//! Pages are asked for with `encoding-type=url`, because XML cannot carry every key. Some servers say that they
//! encoded and did not; [`Decoder`] believes them only as far as the page allows.

use std::borrow::Cow;
use std::sync::Arc;

use aws_sdk_s3::types::{EncodingType, MultipartUpload, Object};
use percent_encoding::percent_decode_str;
use s3_url::{S3Prefix, S3Url};

use super::client::Resolved;
use super::convert;
use super::errors::{self, from_sdk};
use super::whole_document::WholeDocument;
use crate::{
    ListPage, ListRequest, ListUploads, ListedObject, ListedUpload, Operation, Result, UploadId,
    UploadsPage,
};

pub(super) async fn page(resolved: &Resolved, request: ListRequest) -> Result<ListPage> {
    let ListRequest {
        prefix,
        delimiter,
        start_after,
        continuation,
        max_keys,
    } = request;
    // A continuation goes on where it must; S3 refuses no combination, but some servers mix them up.
    let start_after = start_after.filter(|_| continuation.is_none());
    let call = resolved.client.list_objects_v2().bucket(prefix.bucket());
    let call = call
        .encoding_type(EncodingType::Url)
        .set_prefix(non_empty(prefix.prefix()))
        .set_delimiter(delimiter.as_deref().and_then(non_empty))
        .set_start_after(start_after.as_deref().and_then(non_empty))
        .set_continuation_token(continuation.as_deref().map(str::to_owned))
        .set_max_keys(max_keys.map(|max| i32::try_from(max).unwrap_or(i32::MAX)));
    let sent = call.customize().interceptor(WholeDocument).send().await;
    let mut output =
        sent.map_err(|error| from_sdk(Operation::List, &error).with_place(prefix.as_str()))?;
    let malformed = |text| errors::malformed(Operation::List, text).with_place(prefix.as_str());

    let keys = output.contents().iter().filter_map(Object::key);
    let rolled_up = output
        .common_prefixes()
        .iter()
        .filter_map(|entry| entry.prefix());
    let decoder = Decoder::new(
        output.encoding_type() == Some(&EncodingType::Url),
        prefix.prefix(),
        output.prefix().into_iter().chain(keys).chain(rolled_up),
    );
    let objects = output.contents.take().unwrap_or_default().into_iter();
    let objects = objects.map(|object| listed_object(&prefix, &decoder, object));
    let objects: Vec<ListedObject> = objects.collect::<Result<_, _>>().map_err(malformed)?;
    let prefixes = output.common_prefixes().iter();
    let prefixes = prefixes.map(|entry| {
        let text = decoder.decode(
            entry
                .prefix()
                .ok_or("an entry of the listing has no prefix")?,
        )?;
        S3Prefix::from_parts(prefix.bucket(), &text)
            .map_err(|_| "an entry of the listing is no prefix")
    });
    let prefixes: Vec<S3Prefix> = prefixes.collect::<Result<_, _>>().map_err(malformed)?;
    // The token is opaque: it is never encoded, whatever the encoding of the keys.
    let next = output
        .next_continuation_token
        .take()
        .filter(|token| !token.is_empty());
    let next = match (output.is_truncated, next) {
        (Some(false), _) | (None, None) => None,
        (_, Some(token)) => Some(Arc::from(token)),
        (Some(true), None) => {
            return Err(malformed(
                "the listing goes on, but the answer does not say where",
            ));
        }
    };
    Ok(ListPage::new(objects, prefixes, next))
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
        .client
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
        sent.map_err(|error| from_sdk(operation, &error).with_place(prefix.as_str()))?;
    let malformed = |text| errors::malformed(operation, text).with_place(prefix.as_str());

    let keys = output.uploads().iter().filter_map(MultipartUpload::key);
    let decoder = Decoder::new(
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

fn listed_object(
    prefix: &S3Prefix,
    decoder: &Decoder,
    object: Object,
) -> Result<ListedObject, &'static str> {
    let url = listed_url(prefix, decoder, object.key.as_deref())?;
    let size = object.size.and_then(|size| u64::try_from(size).ok());
    let mut listed = ListedObject::new(url, size.ok_or("an entry of the listing has no size")?);
    listed.etag = convert::etag(object.e_tag);
    listed.last_modified = convert::time(object.last_modified);
    listed.storage_class = object.storage_class.map(|class| class.as_str().into());
    Ok(listed)
}

fn listed_upload(
    prefix: &S3Prefix,
    decoder: &Decoder,
    upload: MultipartUpload,
) -> Result<ListedUpload, &'static str> {
    let url = listed_url(prefix, decoder, upload.key.as_deref())?;
    let id = upload
        .upload_id
        .ok_or("an entry of the listing has no upload id")?;
    Ok(ListedUpload::new(
        url,
        UploadId::new(&id),
        convert::time(upload.initiated),
    ))
}

/// An entry that cannot be understood fails the page: a listing must never shrink in silence.
fn listed_url(
    prefix: &S3Prefix,
    decoder: &Decoder,
    key: Option<&str>,
) -> Result<S3Url, &'static str> {
    let key = decoder.decode(key.ok_or("an entry of the listing has no key")?)?;
    S3Url::from_parts(prefix.bucket(), &key).map_err(|_| "an entry of the listing has an empty key")
}

/// Undoes `encoding-type=url` where it was really applied.
struct Decoder {
    encoded: bool,
}

impl Decoder {
    /// Decides by what the answer claims, and by the texts of the page: the keys and prefixes, all of which
    /// begin with `prefix`.
    fn new<'t>(claimed: bool, prefix: &str, mut texts: impl Iterator<Item = &'t str>) -> Self {
        Self {
            encoded: claimed && !texts.any(|text| is_verbatim(text, prefix)),
        }
    }

    fn decode<'t>(&self, text: &'t str) -> Result<Cow<'t, str>, &'static str> {
        if !self.encoded {
            return Ok(Cow::Borrowed(text));
        }
        decoded(text).ok_or("a key of the listing is not UTF-8")
    }
}

/// Returns whether no encoder can have written this.
fn is_verbatim(text: &str, prefix: &str) -> bool {
    let bytes = text.as_bytes();
    let lone_percent = |at: usize| {
        let digits = bytes.get(at + 1..at + 3);
        !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    let bare = bytes.iter().enumerate().any(|(at, byte)| match byte {
        0..=b' ' | 0x7f.. => true,
        b'%' => lone_percent(at),
        _ => false,
    });
    bare || (text.starts_with(prefix) && decoded(text).is_none_or(|text| !text.starts_with(prefix)))
}

/// Decodes as S3 encodes: a plus is a space, and a real plus is `%2B`.
fn decoded(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('+') {
        return percent_decode_str(text).decode_utf8().ok();
    }
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
    Some(Cow::Owned(decoded.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(prefix: &str, texts: &[&str]) -> Vec<String> {
        let decoder = Decoder::new(true, prefix, texts.iter().copied());
        texts
            .iter()
            .map(|text| decoder.decode(text).unwrap().into_owned())
            .collect()
    }

    #[test]
    fn an_encoded_page_is_decoded() {
        let page = ["a+b", "a%2Bb", "%C3%A9%01", "100%25", "d/e"];
        assert_eq!(decode("", &page), ["a b", "a+b", "é\u{1}", "100%", "d/e"]);
    }

    #[test]
    fn a_page_that_cannot_have_been_encoded_is_taken_as_it_is() {
        for proof in ["a b", "é", "100%", "50%zz", "\u{1}"] {
            assert_eq!(decode("", &["a+b", proof]), ["a+b", proof], "{proof}");
        }
        assert_eq!(decode("a+b/", &["a+b/c"]), ["a+b/c"]);
        assert_eq!(decode("a+b/", &["a%2Bb/c"]), ["a+b/c"]);
    }

    #[test]
    fn a_page_that_does_not_claim_to_be_encoded_is_taken_as_it_is() {
        let decoder = Decoder::new(false, "", ["a+b%20"].into_iter());
        assert_eq!(decoder.decode("a+b%20").unwrap(), "a+b%20");
    }
}

#[cfg(test)]
mod wire_tests {
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
        let replay = Replay::new([answer(200, &[], "<ListBucketResult/>")]);
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
            assert_eq!(error.kind(), ErrorKind::Integrity, "{page}");
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
