//! Test helpers: run get, head, put and list through the SDK's generated client (`aws_sdk_s3::Client`), and convert its
//! outputs into our types.

use std::borrow::Cow;
use std::ops::Range;
use std::time::SystemTime;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::types::{ChecksumType, EncodingType, Object};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::DateTime;
use s3_url::{S3Prefix, S3Url};
use s3_wire::Element;
use s3_wire::listing::{Entry, Page};

use crate::sdk::SdkStore;
use crate::sdk::collected_response::CollectedResponse;
use crate::sdk::convert;
use crate::sdk::errors::{self, from_sdk};
use crate::sdk::listing::list_page;
use crate::sdk::xml_complete::is_cut_short;
use crate::{
    Checksum, ChecksumAlgorithm, ETag, ListPage, ObjectMeta, Operation, PutResponse, Result,
    VersionId,
};

/// Returns the checksum in an output of the SDK, the cheapest one if there are several.
macro_rules! checksum_of {
    ($output:expr) => {{
        let output = &$output;
        [
            (ChecksumAlgorithm::Crc64Nvme, &output.checksum_crc64_nvme),
            (ChecksumAlgorithm::Crc32c, &output.checksum_crc32_c),
            (ChecksumAlgorithm::Crc32, &output.checksum_crc32),
            (ChecksumAlgorithm::Sha1, &output.checksum_sha1),
            (ChecksumAlgorithm::Sha256, &output.checksum_sha256),
        ]
        .into_iter()
        .find_map(|(algorithm, value)| {
            let value = value.as_deref().filter(|value| !value.is_empty())?;
            let mut checksum = Checksum::new(algorithm, value);
            if output.checksum_type == Some(ChecksumType::Composite) {
                checksum.checksum_type = crate::ChecksumType::Composite;
            }
            Some(checksum)
        })
    }};
}

/// Interceptor that fails a call if its XML response is truncated: the SDK's parser accepts it as complete.
#[derive(Debug)]
struct XmlComplete;

impl Intercept for XmlComplete {
    fn name(&self) -> &'static str {
        "XmlComplete"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> std::result::Result<(), BoxError> {
        let body = context.response().body().bytes().map(std::str::from_utf8);
        match body {
            Some(Ok(text)) if is_cut_short(text) => {
                Err("the response document is truncated".into())
            }
            _ => Ok(()),
        }
    }
}

fn etag(text: Option<String>) -> Option<ETag> {
    convert::etag_of(&text?)
}

fn version(text: Option<String>) -> Option<VersionId> {
    convert::version_of(&text?)
}

fn time(time: Option<DateTime>) -> Option<SystemTime> {
    SystemTime::try_from(time?).ok()
}

/// Returns the SDK's client of a store.
pub(in crate::sdk) async fn client(store: &SdkStore) -> Client {
    let resolved = store.resolved(Operation::Get).await.unwrap();
    resolved.client.clone()
}

/// Converts the output of a get or a head, which have the same field names, to an `ObjectMeta`.
macro_rules! object_meta {
    ($output:expr, $url:expr, $size:expr) => {{
        let output = &mut $output;
        let mut meta = ObjectMeta::new($url, $size);
        meta.checksum = checksum_of!(*output);
        meta.etag = etag(output.e_tag.take());
        meta.last_modified = time(output.last_modified.take());
        meta.version = version(output.version_id.take());
        meta.attributes.content_type = output.content_type.take().map(Into::into);
        let encoding = output.content_encoding.take();
        meta.attributes.content_encoding =
            encoding.and_then(|text| convert::content_encoding_of(&text));
        meta.attributes.cache_control = output.cache_control.take().map(Into::into);
        meta.attributes.content_disposition = output.content_disposition.take().map(Into::into);
        meta.attributes.content_language = output.content_language.take().map(Into::into);
        meta.attributes.expires = output
            .expires_string
            .take()
            .and_then(|text| s3_wire::timestamp::parse(&text));
        meta.attributes.storage_class = output
            .storage_class
            .take()
            .map(|class| class.as_str().into())
            .filter(|class: &std::sync::Arc<str>| **class != *"STANDARD");
        meta.attributes.encryption = output
            .server_side_encryption
            .take()
            .map(|encryption| crate::Encryption::new(encryption.as_str()));
        meta.attributes.user = output
            .metadata
            .take()
            .unwrap_or_default()
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect();
        meta
    }};
}

pub(in crate::sdk) async fn get(store: &SdkStore, url: S3Url) -> Result<(Range<u64>, ObjectMeta)> {
    let call = client(store).await.get_object();
    let sent = call.bucket(url.bucket()).key(url.key()).send().await;
    let mut output = sent.map_err(|error| from_sdk(Operation::Get, &error))?;
    let length = output
        .content_length
        .and_then(|len| u64::try_from(len).ok());
    let served = convert::served(length, output.content_range.as_deref(), None);
    let (range, size) = served.map_err(|(_, text)| errors::malformed(Operation::Get, &text))?;
    Ok((range, object_meta!(output, url, size)))
}

pub(in crate::sdk) async fn head(store: &SdkStore, url: S3Url) -> Result<ObjectMeta> {
    let call = client(store).await.head_object();
    let sent = call.bucket(url.bucket()).key(url.key()).send().await;
    let mut output = sent.map_err(|error| from_sdk(Operation::Head, &error))?;
    let length = output
        .content_length
        .and_then(|len| u64::try_from(len).ok());
    let size = length.ok_or_else(|| errors::malformed(Operation::Head, "no length"))?;
    Ok(object_meta!(output, url, size))
}

pub(in crate::sdk) async fn put(store: &SdkStore, url: &S3Url) -> Result<PutResponse> {
    let call = client(store).await.put_object().body(b"x".to_vec().into());
    let sent = call.bucket(url.bucket()).key(url.key()).send().await;
    let output = sent.map_err(|error| from_sdk(Operation::Put, &error))?;
    let mut written = PutResponse::new(etag(output.e_tag.clone()));
    written.version = version(output.version_id.clone());
    written.checksum = checksum_of!(output);
    Ok(written)
}

pub(in crate::sdk) async fn list(store: &SdkStore, prefix: &S3Prefix) -> Result<ListPage> {
    let call = client(store).await.list_objects_v2();
    let call = call.bucket(prefix.bucket()).prefix(prefix.prefix());
    let sent = call.customize().interceptor(XmlComplete).send().await;
    let on_prefix = |error: crate::Error| error.with_resource(prefix.as_str());
    let output = sent.map_err(|error| {
        on_prefix(match error.raw_response() {
            Some(raw) if raw.status().is_success() => unreadable(raw),
            _ => from_sdk(Operation::List, &error),
        })
    })?;
    let claims_encoding = output.encoding_type() == Some(&EncodingType::Url);
    let common = output.common_prefixes.unwrap_or_default().into_iter();
    let entries = output.contents.unwrap_or_default().into_iter();
    let is_identified = output.name.is_some()
        || output.key_count.is_some()
        || output.max_keys.is_some()
        || output.is_truncated.is_some();
    let page = Page {
        is_identified,
        marker: None,
        next_marker: None,
        entries: entries.map(entry).collect(),
        common_prefixes: common.map(|entry| entry.prefix.map(Cow::Owned)).collect(),
        claims_encoding,
        is_truncated: output.is_truncated,
        prefix: output.prefix.map(Cow::Owned),
        next_token: output.next_continuation_token.map(Cow::Owned),
    };
    list_page(&page, prefix, false)
        .map_err(|text| on_prefix(errors::malformed(Operation::List, text)))
}

/// Returns the error for a successful response that the SDK could not parse.
fn unreadable(raw: &HttpResponse) -> crate::Error {
    let response = CollectedResponse {
        status: raw.status().as_u16(),
        header: &|name| raw.headers().get(name),
        body: raw.body().bytes().unwrap_or_default(),
    };
    let read = errors::read_document(Operation::List, &response, |text| {
        Element::parse(text, "none has this name")
    });
    read.unwrap_err()
}

fn entry(object: Object) -> Entry<'static> {
    let class = object.storage_class;
    let algorithm = object
        .checksum_algorithm
        .and_then(|all| all.into_iter().next());
    let kind = object.checksum_type;
    Entry {
        key: object.key.map(Cow::Owned),
        size: object.size.and_then(|size| u64::try_from(size).ok()),
        etag: object.e_tag.map(Cow::Owned),
        last_modified: time(object.last_modified),
        storage_class: class.map(|class| Cow::Owned(class.as_str().to_owned())),
        checksum_algorithm: algorithm.map(|algorithm| Cow::Owned(algorithm.as_str().to_owned())),
        checksum_type: kind.map(|kind| Cow::Owned(kind.as_str().to_owned())),
    }
}
