//! Keys of nothing but white space, which the SDK takes for missing ones.
//!
//! While it collects what its choice of an endpoint depends on, the SDK trims the key and refuses an empty rest;
//! S3 has no such rule. A call for such a key is therefore built for the key with a letter in front, which the SDK
//! encodes as it encodes any other key. When the endpoint is in place and nothing is signed yet, the letter is
//! taken out of the path.

use std::borrow::Cow;

use aws_sdk_s3::client::customize::CustomizableOperation;
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;

/// What stands in front of a blank key while a call is built.
const STAND_IN: char = 'k';

/// Names the object on a builder of the SDK and returns a call that can be sent, presigned or customized further.
///
/// Keys are set here and nowhere else, so that no stand-in can be left in a request.
macro_rules! to_object {
    ($builder:expr, $url:expr) => {{
        let url: &s3_url::S3Url = &$url;
        let builder = $builder
            .bucket(url.bucket())
            .key($crate::sdk::whitespace_key::buildable(url.key()));
        $crate::sdk::whitespace_key::restored(builder.customize(), url.key())
    }};
}

/// Names the object on a builder of the SDK and sends the call.
///
/// An ordinary key goes without a customization, whose cost adds up over thousands of small requests.
macro_rules! send_to_object {
    ($builder:expr, $url:expr) => {{
        let url: &s3_url::S3Url = &$url;
        match $crate::sdk::whitespace_key::is_blank(url.key()) {
            true => {
                let call = $crate::sdk::whitespace_key::to_object!($builder, *url);
                call.send().await
            }
            false => {
                let call = $builder.bucket(url.bucket()).key(url.key());
                call.send().await
            }
        }
    }};
}

pub(super) use {send_to_object, to_object};

/// Returns whether the SDK would refuse the key.
pub(super) fn is_blank(key: &str) -> bool {
    key.trim().is_empty()
}

/// Returns a key that the SDK does not refuse.
pub(super) fn buildable(key: &str) -> Cow<'_, str> {
    match is_blank(key) {
        true => format!("{STAND_IN}{key}").into(),
        false => key.into(),
    }
}

/// Undoes [`buildable`] in the request that will be signed.
pub(super) fn restored<T, E, B>(
    call: CustomizableOperation<T, E, B>,
    key: &str,
) -> CustomizableOperation<T, E, B> {
    match is_blank(key) {
        true => call.interceptor(RemoveStandIn),
        false => call,
    }
}

#[derive(Debug)]
struct RemoveStandIn;

impl Intercept for RemoveStandIn {
    fn name(&self) -> &'static str {
        "RemoveStandIn"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        // Sending it to another key would be worse than not to send it.
        let uri = without_stand_in(request.uri()).ok_or("the path does not end in the key")?;
        Ok(request.set_uri(uri)?)
    }
}

/// Takes the stand-in out of the last segment of the path, which is the whole key: no white space is a slash.
fn without_stand_in(uri: &str) -> Option<String> {
    let path = uri.split('?').next().unwrap_or(uri);
    let (before, key) = path.rsplit_once('/')?;
    let key = key.strip_prefix(STAND_IN)?;
    Some(format!("{before}/{key}{}", &uri[path.len()..]))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::replay::{Canned, Replay, answer};
    use crate::{
        AbortUpload, Addressing, Attributes, CompleteUpload, CopyRequest, CreateUpload,
        DeleteRequest, ETag, GetRequest, HeadRequest, ListParts, PartTag, PresignMethod,
        PresignRequest, PutRequest, S3Url, SdkStore, Store, UploadId, UploadPart, UploadPartCopy,
    };

    fn url(key: &str) -> S3Url {
        S3Url::from_parts("bucket", key).unwrap()
    }

    fn upload() -> UploadId {
        UploadId::new("u")
    }

    fn empty() -> Canned {
        answer(200, &[("content-length", "0"), ("etag", "\"e\"")], "")
    }

    #[tokio::test]
    async fn a_whitespace_key_is_sent_as_it_is() {
        for (key, path) in [
            (" ", "/bucket/%20"),
            ("  ", "/bucket/%20%20"),
            ("\u{a0}", "/bucket/%C2%A0"),
            ("\n", "/bucket/%0A"),
            ("\t\r", "/bucket/%09%0D"),
            ("k", "/bucket/k"),
            (" k", "/bucket/%20k"),
            (" / ", "/bucket/%20/%20"),
        ] {
            let replay = Replay::new([empty()]);
            let head = HeadRequest::new(url(key));
            let meta = replay.store().head(head).await.unwrap();
            assert_eq!(meta.url.key(), key);
            let expected = format!("HEAD http://127.0.0.1:9{path}");
            assert_eq!(replay.only().line(), expected, "{key:?}");
        }
    }

    #[tokio::test]
    async fn a_whitespace_key_is_signed_as_it_is_sent() {
        let expires = Duration::from_secs(60);
        for method in [
            PresignMethod::Get,
            PresignMethod::Head,
            PresignMethod::Put,
            PresignMethod::Delete,
        ] {
            let store = Replay::new([]).store();
            let signed = store.presign(PresignRequest::new(url(" "), method, expires));
            let signed = signed.await.unwrap();
            assert!(
                signed.starts_with("http://127.0.0.1:9/bucket/%20?"),
                "{signed}"
            );
        }
    }

    #[tokio::test]
    async fn a_whitespace_key_goes_with_a_bucket_in_the_host_name_and_with_a_path_in_the_endpoint()
    {
        let line = async |endpoint: &str, addressing| {
            let replay = Replay::new([empty()]);
            let store = replay.builder().endpoint(endpoint).addressing(addressing);
            store
                .build()
                .head(HeadRequest::new(url(" ")))
                .await
                .unwrap();
            replay.only().line()
        };
        assert_eq!(
            line(
                "https://s3.eu-west-1.amazonaws.com",
                Addressing::VirtualHost
            )
            .await,
            "HEAD https://bucket.s3.eu-west-1.amazonaws.com/%20"
        );
        assert_eq!(
            line("http://127.0.0.1:9/base", Addressing::Path).await,
            "HEAD http://127.0.0.1:9/base/bucket/%20"
        );
    }

    #[tokio::test]
    async fn every_operation_on_one_object_takes_a_whitespace_key() {
        const PATH: &str = "http://127.0.0.1:9/bucket/%20";
        let replay = Replay::new([
            empty(),
            empty(),
            answer(200, &[], "<CopyObjectResult/>"),
            answer(204, &[], ""),
        ]);
        objects(&replay.store()).await;
        let expected = [
            format!("PUT {PATH}"),
            format!("GET {PATH}"),
            format!("PUT {PATH}?x-id=CopyObject"),
            format!("DELETE {PATH}?x-id=DeleteObject"),
        ];
        assert_eq!(lines(&replay), expected);

        let begun = "<R><UploadId>u</UploadId></R>".replace('R', "InitiateMultipartUploadResult");
        let replay = Replay::new([
            answer(200, &[], begun),
            empty(),
            answer(200, &[], "<CopyPartResult><ETag>e</ETag></CopyPartResult>"),
            answer(200, &[], "<ListPartsResult/>"),
            answer(200, &[], "<CompleteMultipartUploadResult/>"),
            answer(204, &[], ""),
        ]);
        uploads(&replay.store()).await;
        let expected = [
            format!("POST {PATH}?uploads"),
            format!("PUT {PATH}?partNumber=1&uploadId=u"),
            format!("PUT {PATH}?x-id=UploadPartCopy&partNumber=2&uploadId=u"),
            format!("GET {PATH}?x-id=ListParts&uploadId=u"),
            format!("POST {PATH}?uploadId=u"),
            format!("DELETE {PATH}?x-id=AbortMultipartUpload&uploadId=u"),
        ];
        assert_eq!(lines(&replay), expected);
    }

    fn lines(replay: &Replay) -> Vec<String> {
        let sent = replay.sent();
        sent.iter().map(super::super::replay::Sent::line).collect()
    }

    async fn objects(store: &SdkStore) {
        let blank = || url(" ");
        store
            .put(PutRequest::new(blank(), "".into()))
            .await
            .unwrap();
        store.get(GetRequest::new(blank())).await.unwrap();
        store
            .copy(CopyRequest::new(url("\n"), blank()))
            .await
            .unwrap();
        let deleted = store.delete(DeleteRequest::new("bucket", vec![blank()]));
        assert!(deleted.await.unwrap().failures.is_empty());
    }

    async fn uploads(store: &SdkStore) {
        let blank = || url(" ");
        let create = CreateUpload::new(blank(), Attributes::default());
        store.create_upload(create).await.unwrap();
        let part = UploadPart::new(blank(), upload(), 1, "abc".into());
        store.upload_part(part).await.unwrap();
        let copy = UploadPartCopy::new(blank(), upload(), 2, url("from"));
        store.upload_part_copy(copy).await.unwrap();
        let list = ListParts::new(blank(), upload());
        store.list_parts(list).await.unwrap();
        let tags = vec![PartTag::new(1, ETag::new("e"))];
        let complete = CompleteUpload::new(blank(), upload(), tags);
        store.complete_upload(complete).await.unwrap();
        let abort = AbortUpload::new(blank(), upload());
        store.abort_upload(abort).await.unwrap();
    }

    #[test]
    fn a_path_that_does_not_end_in_the_key_is_refused() {
        for uri in ["http://host/bucket/%20?a=/k", "nowhere"] {
            assert_eq!(super::without_stand_in(uri), None);
        }
    }
}
