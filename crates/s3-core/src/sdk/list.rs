//! ListObjectsV2, ListObjects and ListMultipartUploads: requests one page and parses the response.
//!
//! Pages are requested with `encoding-type=url`, because XML cannot carry every key; [`listing`] parses listings of
//! objects.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use s3_url::{S3Prefix, S3Url};
use s3_wire::Element;
use s3_wire::listing::KeyDecoder;
use s3_wire::sign::Query;

use super::client::Resolved;
use super::collected_response::{CollectedResponse, MAX_DOCUMENT};
use super::document::{self, NO_NEXT_PAGE, is_truncated};
use super::errors;
use super::listing;
use super::sender::collect;
use crate::{
    Error, ErrorKind, ListPage, ListRequest, ListUploads, ListedUpload, Operation, Result,
    UploadId, UploadsPage,
};

pub(super) async fn page(resolved: &Resolved, request: ListRequest) -> Result<ListPage> {
    let page = list_objects(resolved, &request).await;
    page.map_err(|error| error.with_resource(&request.prefix))
}

async fn list_objects(resolved: &Resolved, list: &ListRequest) -> Result<ListPage> {
    let known = resolved.listing_form.load();
    if let Some(continuation) = &list.continuation {
        return next_page(resolved, list, known, Continuation::read(continuation)).await;
    }
    let mut form = known;
    let mut first_error = None;
    loop {
        match page_in_form(resolved, list, form, None).await {
            Ok((page, version_1)) => {
                // A server that does not support version 2 has ignored `start-after` and listed from the first key.
                let again = version_1 && !form.version_1 && list.start_after.is_some();
                form.version_1 = version_1;
                if again {
                    continue;
                }
                if form != known {
                    tracing::debug!(
                        "the server does not support ListObjectsV2 with URL encoding; using a simpler form from now on"
                    );
                    resolved.listing_form.store(form);
                }
                return Ok(page);
            }
            Err(error) => match form.simpler(&error) {
                Some(simpler) => {
                    first_error.get_or_insert(error);
                    form = simpler;
                }
                None => return Err(first_error.unwrap_or(error)),
            },
        }
    }
}

/// Returns the page after a continuation, in the API version of that continuation, even if another listing has switched
/// the store to another version since. If it is rejected, no other form is tried: the cause is the continuation.
async fn next_page(
    resolved: &Resolved,
    list: &ListRequest,
    known: Form,
    continuation: Continuation<'_>,
) -> Result<ListPage> {
    let form = Form {
        version_1: matches!(continuation, Continuation::Marker(_)),
        ..known
    };
    let (page, version_1) = page_in_form(resolved, list, form, Some(continuation)).await?;
    if version_1 && !form.version_1 {
        let text = "the server ignored the continuation token: its response is a ListObjects (version 1) page";
        return Err(errors::malformed(Operation::List, text));
    }
    Ok(page)
}

/// Sends one request; returns the page, and whether it is one of version 1 (ListObjects).
async fn page_in_form(
    resolved: &Resolved,
    list: &ListRequest,
    form: Form,
    continuation: Option<Continuation<'_>>,
) -> Result<(ListPage, bool)> {
    let operation = Operation::List;
    let route = resolved.route(list.prefix.bucket());
    let mut request = route.request("GET", "");
    let query = &mut request.query;
    if !form.version_1 {
        query.push("list-type", "2");
    }
    if !form.unencoded {
        query.push("encoding-type", "url");
    }
    // `start-after` is omitted with a continuation: S3 accepts both, but some servers confuse them.
    let start_after = list
        .start_after
        .as_deref()
        .filter(|_| continuation.is_none());
    let token = match continuation {
        Some(Continuation::Token(token)) => ("continuation-token", Some(token)),
        Some(Continuation::Marker(marker)) => ("marker", Some(marker)),
        None => ("marker", None),
    };
    let start = match form.version_1 {
        false => ("start-after", start_after),
        true => ("marker", start_after),
    };
    let texts = [
        ("prefix", Some(list.prefix.prefix())),
        ("delimiter", list.delimiter.as_deref()),
        start,
        token,
    ];
    push_page(query, texts, ("max-keys", list.max_keys));
    let mut response = route.send(operation, &mut request, None).await?;
    let counter = list.byte_counter.as_ref();
    let read = |collected: &CollectedResponse<'_>| {
        listing::read_version(&list.prefix, collected, form.version_1)
    };
    let collected = collect(operation, &mut response, MAX_DOCUMENT, counter, read);
    let (mut page, version_1) = collected.await?;
    page.next = page.next.map(|next| match version_1 {
        true => Continuation::Marker(&next).write(),
        false => Continuation::Token(&next).write(),
    });
    Ok((page, version_1))
}

/// Adds the parameters of a page to a query: those that are not empty, and the maximum number of entries.
pub(super) fn push_page<'a>(
    query: &mut Query,
    texts: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    (limit, max): (&str, Option<u32>),
) {
    for (name, text) in texts {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            query.push(name, text);
        }
    }
    if let Some(max) = max {
        query.push(limit, &max.min(i32::MAX as u32).to_string());
    }
}

/// The position where a listing continues. [`ListPage::next`] contains which of the two it is: a marker used as a
/// token, or the reverse, would silently skip or repeat keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Continuation<'a> {
    /// The continuation token of a page of version 2.
    Token(&'a str),
    /// The last key of a page of version 1.
    Marker(&'a str),
}

const MARKER: &str = "marker:";
const TOKEN: &str = "token:";

impl<'a> Continuation<'a> {
    fn read(text: &'a str) -> Self {
        match (text.strip_prefix(MARKER), text.strip_prefix(TOKEN)) {
            (Some(marker), _) => Self::Marker(marker),
            (_, Some(token)) => Self::Token(token),
            _ => Self::Token(text),
        }
    }

    /// Returns the text that [`read`](Self::read) parses: a token is not changed unless it begins like one of our
    /// texts.
    fn write(self) -> Arc<str> {
        match self {
            Self::Marker(marker) => format!("{MARKER}{marker}").into(),
            Self::Token(token) if token.starts_with(MARKER) || token.starts_with(TOKEN) => {
                format!("{TOKEN}{token}").into()
            }
            Self::Token(token) => token.into(),
        }
    }
}

/// The form of listing requests that the server accepts; learned once per store.
#[derive(Debug, Default)]
pub(super) struct ListingForm {
    version_1: AtomicBool,
    unencoded: AtomicBool,
}

/// The form of one request.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Form {
    /// Sends `ListObjects`, whose continuation is a key, instead of `ListObjectsV2`.
    version_1: bool,
    /// Omits `encoding-type`.
    unencoded: bool,
}

impl ListingForm {
    fn load(&self) -> Form {
        Form {
            version_1: self.version_1.load(Ordering::Relaxed),
            unencoded: self.unencoded.load(Ordering::Relaxed),
        }
    }

    fn store(&self, form: Form) {
        self.version_1.store(form.version_1, Ordering::Relaxed);
        self.unencoded.store(form.unencoded, Ordering::Relaxed);
    }
}

impl Form {
    /// Returns the form to try after an error response, if the server may not support this one.
    fn simpler(self, error: &Error) -> Option<Self> {
        let text = error.message().unwrap_or_default().to_ascii_lowercase();
        let rejected = error.kind() == ErrorKind::Unsupported
            || error.http_status() == Some(400)
                && (text.contains("list-type")
                    || matches!(
                        error.code(),
                        Some("InvalidArgument" | "InvalidRequest" | "NotImplemented")
                    ));
        if !rejected {
            return None;
        }
        let (version_1, unencoded) = (true, true);
        match self {
            Self {
                unencoded: false, ..
            } if text.contains("encoding") => Some(Self { unencoded, ..self }),
            Self {
                version_1: false, ..
            } => Some(Self { version_1, ..self }),
            Self {
                unencoded: false, ..
            } => Some(Self { unencoded, ..self }),
            _ => None,
        }
    }
}

pub(super) async fn uploads(resolved: &Resolved, request: ListUploads) -> Result<UploadsPage> {
    let page = list_uploads(resolved, &request).await;
    page.map_err(|error| error.with_resource(&request.prefix))
}

async fn list_uploads(resolved: &Resolved, list: &ListUploads) -> Result<UploadsPage> {
    let operation = Operation::ListUploads;
    let route = resolved.route(list.prefix.bucket());
    let mut request = route.request("GET", "");
    let query = &mut request.query;
    query.push("encoding-type", "url");
    let after = list.after.as_ref();
    let texts = [
        ("key-marker", after.map(|(key, _)| &**key)),
        ("prefix", Some(list.prefix.prefix())),
        ("upload-id-marker", after.map(|(_, upload)| upload.as_str())),
    ];
    push_page(query, texts, ("max-uploads", list.max_uploads));
    query.push("uploads", "");
    let parse = |text: &str| Element::parse(text, "ListMultipartUploadsResult");
    let (_, page) = route
        .exchange_documents(operation, request, None, parse)
        .await?;
    uploads_page(&page, &list.prefix).map_err(|text| errors::malformed(operation, text))
}

fn uploads_page(page: &Element, prefix: &S3Prefix) -> Result<UploadsPage, &'static str> {
    let keys = page
        .children("Upload")
        .filter_map(|upload| upload.text("Key"));
    // Not the prefix in the response: SeaweedFS encodes the keys but not the prefix.
    let others = page.text("NextKeyMarker").into_iter();
    let claims_encoding = page.scalar("EncodingType") == Some("url");
    let decoder = KeyDecoder::new(claims_encoding, prefix.prefix(), others.chain(keys));
    let uploads = page.children("Upload");
    let uploads = uploads.map(|upload| listed_upload(prefix, &decoder, upload));
    let uploads = uploads.collect::<Result<_, _>>()?;
    if !is_truncated(page)? {
        return Ok(UploadsPage::new(uploads, None));
    }
    let key = page.text("NextKeyMarker").filter(|key| !key.is_empty());
    let next = key.zip(page.text("NextUploadIdMarker"));
    let (key, upload) = next.ok_or(NO_NEXT_PAGE)?;
    let next = (Arc::from(&*decoder.decode(key)?), UploadId::new(upload));
    Ok(UploadsPage::new(uploads, Some(next)))
}

fn listed_upload(
    prefix: &S3Prefix,
    decoder: &KeyDecoder,
    upload: &Element,
) -> Result<ListedUpload, &'static str> {
    let key = upload.text("Key");
    let key = decoder.decode(key.ok_or("an entry of the listing has no key")?)?;
    let url = S3Url::from_parts(prefix.bucket(), &key)
        .map_err(|_| "an entry of the listing has an empty key")?;
    let id = upload.scalar("UploadId");
    let id = UploadId::new(id.ok_or("an entry of the listing has no upload id")?);
    let initiated = document::time(upload, "Initiated");
    Ok(ListedUpload::new(url, id, initiated))
}

#[cfg(test)]
mod tests {
    use super::super::replay::{Replay, response};
    use super::*;
    use crate::{ETag, Retryability, Store};

    fn prefix() -> S3Prefix {
        S3Prefix::parse("s3://bucket/a b/").unwrap()
    }

    const PAGE: &str = "<ListBucketResult><IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>\
        <Prefix>a+b/</Prefix><NextContinuationToken>1+/=</NextContinuationToken>\
        <Contents><Key>a+b/x%2By%01</Key><Size>7</Size><ETag>&quot;e1&quot;</ETag>\
        <LastModified>2015-10-21T07:28:00.000Z</LastModified><StorageClass>GLACIER</StorageClass></Contents>\
        <CommonPrefixes><Prefix>a+b/%C3%A9/</Prefix></CommonPrefixes></ListBucketResult>";

    #[tokio::test]
    async fn a_page_is_requested_url_encoded_and_decoded() {
        let replay = Replay::new([response(200, &[], PAGE)]);
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
            "GET http://127.0.0.1:9/bucket/?delimiter=%2F&encoding-type=url&list-type=2&max-keys=2\
             &prefix=a%20b%2F&start-after=a%20b%2Fm"
        );
    }

    #[tokio::test]
    async fn a_continuation_replaces_the_start() {
        let replay = Replay::new([response(
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

    #[test]
    fn a_continuation_is_read_as_it_was_written() {
        for text in [
            "",
            "1+/=",
            "marker:",
            "marker:a",
            "token:",
            "token:marker:a",
            "a",
        ] {
            for written in [Continuation::Token(text), Continuation::Marker(text)] {
                assert_eq!(Continuation::read(&written.write()), written, "{text}");
            }
        }
        assert_eq!(&*Continuation::Token("1+/=").write(), "1+/=");
    }

    #[tokio::test]
    async fn a_listing_continues_in_the_version_of_its_first_page() {
        const MARKED: &str = "<ListBucketResult><Name>bucket</Name><Marker></Marker>\
            <IsTruncated>true</IsTruncated><Contents><Key>a b/k</Key><Size>1</Size></Contents></ListBucketResult>";
        let last = "<ListBucketResult><Name>bucket</Name></ListBucketResult>";
        let pages = [PAGE, MARKED, last, last, MARKED];
        let replay = Replay::new(pages.map(|page| response(200, &[], page)));
        let store = replay.store();
        let list = || ListRequest::new(prefix());
        let token = store.list_page(list()).await.unwrap().next.unwrap();
        // Meanwhile, another listing finds that the server only supports version 1.
        let marker = store.list_page(list()).await.unwrap().next.unwrap();
        for continuation in [&token, &marker] {
            let next = list().with_continuation(Arc::clone(continuation));
            store.list_page(next).await.unwrap();
        }
        let next = list().with_continuation(token);
        let error = store.list_page(next).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
        let sent = replay.sent();
        assert!(
            sent[2].uri.contains("continuation-token=1%2B%2F%3D")
                && !sent[2].uri.contains("marker"),
            "{}",
            sent[2].uri
        );
        assert!(
            sent[3].uri.contains("marker=a%20b%2Fk") && !sent[3].uri.contains("list-type"),
            "{}",
            sent[3].uri
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
            let store = Replay::new([response(200, &[], page)]).store();
            let error = store
                .list_page(ListRequest::new(prefix()))
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Protocol, "{page}");
            assert_eq!(error.retryability(), Retryability::Transient);
        }
    }

    #[tokio::test]
    async fn uploads_are_decoded_and_continue_after_a_key_and_an_id() {
        let page = "<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>\
            <NextKeyMarker>a+b/%2B</NextKeyMarker><NextUploadIdMarker>u2</NextUploadIdMarker>\
            <Upload><Key>a+b/%2B</Key><UploadId>u2</UploadId></Upload></ListMultipartUploadsResult>";
        let replay = Replay::new([response(200, &[], page)]);
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
