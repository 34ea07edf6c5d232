//! Parses response headers into `ObjectMeta` (get, head) and `PutResponse` (put, upload part), in one pass.
//!
//! Headers arrive in any order and case; most are ignored, and any may be missing. Each is matched once, by the length
//! of its name first; nothing is copied before all are read. If a header occurs twice, the first one is used, except
//! that values of user metadata are joined as HTTP allows. A malformed optional header counts as missing; lengths and
//! ranges are not optional.

use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

use s3_url::S3Url;
use s3_wire::timestamp;

use super::put::{BUCKET_KEY, KMS_KEY};
use super::{convert, errors};
use crate::{
    ByteRange, Checksum, ChecksumAlgorithm, ChecksumType, ETag, Encryption, Error, ErrorKind,
    ObjectMeta, Operation, Phase, PutResponse, Result, Retryability, UserMetadata,
};

/// Parsed headers of a response, borrowed from its head.
#[derive(Debug, Default)]
pub(super) struct Described<'a> {
    pub(super) content_length: Option<u64>,
    /// The length of the object in the store, if the body has another encoding.
    stored_length: Option<u64>,
    pub(super) content_range: Option<&'a str>,
    pub(super) request_id: Option<&'a str>,
    etag: Option<&'a str>,
    last_modified: Option<&'a str>,
    version: Option<&'a str>,
    content_type: Option<&'a str>,
    content_encoding: Option<&'a str>,
    cache_control: Option<&'a str>,
    content_disposition: Option<&'a str>,
    content_language: Option<&'a str>,
    expires: Option<&'a str>,
    storage_class: Option<&'a str>,
    encryption: Option<&'a str>,
    kms_key: Option<&'a str>,
    bucket_key: Option<&'a str>,
    tag_count: Option<&'a str>,
    restore: Option<&'a str>,
    checksum: Option<(ChecksumAlgorithm, &'a str)>,
    /// Whether the checksum is a composite one.
    is_composite: bool,
    user: UserMetadata,
}

/// The checksum algorithms of S3, the cheapest first.
pub(super) const CHECKSUMS: [ChecksumAlgorithm; 5] = [
    ChecksumAlgorithm::Crc64Nvme,
    ChecksumAlgorithm::Crc32c,
    ChecksumAlgorithm::Crc32,
    ChecksumAlgorithm::Sha1,
    ChecksumAlgorithm::Sha256,
];

/// Reads the headers of a response to a get, a head, a put or the upload of a part.
pub(super) fn read_headers<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>) -> Described<'a> {
    let mut described = Described::default();
    for (name, value) in headers {
        described.take(name, value.trim());
    }
    described
}

impl<'a> Described<'a> {
    /// Returns whether `ETag` or `Last-Modified` is present; S3 sends both with every object.
    pub(super) fn names_an_object(&self) -> bool {
        self.etag.is_some() || self.last_modified.is_some()
    }

    fn take(&mut self, name: &str, value: &'a str) {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        let field = match name.len() {
            4 if is("etag") => &mut self.etag,
            7 if is("expires") => &mut self.expires,
            12 if is("content-type") => &mut self.content_type,
            13 if is("last-modified") => &mut self.last_modified,
            13 if is("cache-control") => &mut self.cache_control,
            13 if is("content-range") => &mut self.content_range,
            13 if is("x-amz-restore") => &mut self.restore,
            14 if is("content-length") => {
                if self.content_length.is_none() {
                    self.content_length = convert::number(value);
                }
                return;
            }
            16 if is("content-language") => &mut self.content_language,
            16 if is("content-encoding") => &mut self.content_encoding,
            16 if is("x-amz-version-id") => &mut self.version,
            16 if is("x-amz-request-id") => &mut self.request_id,
            19 if is("content-disposition") => &mut self.content_disposition,
            19 if is("x-amz-tagging-count") => &mut self.tag_count,
            19 if is("x-amz-storage-class") => &mut self.storage_class,
            19 if is("x-amz-checksum-type") => {
                self.is_composite = value == "COMPOSITE";
                return;
            }
            19 if is("x-amz-checksum-sha1") => return self.checksum(3, value),
            20 if is("x-amz-checksum-crc32") => return self.checksum(2, value),
            21 if is("x-amz-checksum-crc32c") => return self.checksum(1, value),
            21 if is("x-amz-checksum-sha256") => return self.checksum(4, value),
            24 if is("x-amz-checksum-crc64nvme") => return self.checksum(0, value),
            28 if is("x-goog-stored-content-length") => {
                self.stored_length = convert::number(value);
                return;
            }
            28 if is("x-amz-server-side-encryption") => &mut self.encryption,
            43 if is(KMS_KEY) => &mut self.kms_key,
            47 if is(BUCKET_KEY) => &mut self.bucket_key,
            _ => return self.user(name, value),
        };
        field.get_or_insert(value);
    }

    /// Sets the checksum unless there is a cheaper one.
    fn checksum(&mut self, rank: usize, value: &'a str) {
        let best = self.checksum.map_or(CHECKSUMS.len(), |(own, _)| {
            let place = CHECKSUMS.iter().position(|known| *known == own);
            place.unwrap_or(CHECKSUMS.len())
        });
        if rank < best && !value.is_empty() {
            self.checksum = Some((CHECKSUMS[rank], value));
        }
    }

    fn user(&mut self, name: &str, value: &str) {
        const PREFIX: &str = "x-amz-meta-";
        let own = name.split_at_checked(PREFIX.len());
        let Some((_, own)) = own.filter(|(prefix, _)| prefix.eq_ignore_ascii_case(PREFIX)) else {
            return;
        };
        let values = self.user.entry(own.to_ascii_lowercase()).or_default();
        if !values.is_empty() {
            values.push(',');
        }
        values.push_str(value);
    }

    /// Returns the ETag of the object or part.
    pub(super) fn etag(&self) -> Option<ETag> {
        convert::etag_of(self.etag?)
    }

    /// Returns when the object was written.
    pub(super) fn last_modified(&self) -> Option<SystemTime> {
        self.last_modified.and_then(timestamp::parse)
    }

    /// Returns the response of a put.
    pub(super) fn written(&self) -> PutResponse {
        let mut written = PutResponse::new(self.etag());
        written.version = self.version.and_then(convert::version_of);
        written.checksum = self.any_checksum();
        written
    }

    /// Returns the metadata of an object, for a HEAD request.
    ///
    /// # Errors
    ///
    /// `Protocol` if there is no length.
    pub(super) fn object(self, url: S3Url) -> Result<ObjectMeta> {
        match self.content_length.or(self.stored_length) {
            Some(size) => Ok(self.meta(url, size)),
            None => {
                let text = "the response has no Content-Length";
                Err(errors::malformed(Operation::Head, text).with_resource(url.as_str()))
            }
        }
    }

    /// Returns the range that the body of a GetObject response contains, and the metadata of the object.
    ///
    /// # Errors
    ///
    /// Transient, of kind `Integrity`, if the headers contradict each other; of kind `Protocol` if they are malformed,
    /// or if a partial response has no `Content-Range`.
    pub(super) fn part(
        self,
        status: u16,
        url: S3Url,
        requested: Option<&ByteRange>,
    ) -> Result<(Range<u64>, ObjectMeta)> {
        if self.content_length.is_none() && self.content_range.is_none() && status != 206 {
            let text = "the response has neither Content-Length nor chunked encoding";
            return Err(errors::malformed(Operation::Get, text).with_resource(url.as_str()));
        }
        if status == 206 && self.content_range.is_none() {
            let text = "the response has a part of the object, but no Content-Range";
            let error = Error::from_response(Operation::Get, status, None)
                .with_kind(ErrorKind::Protocol)
                .with_retryability(Retryability::Transient)
                .with_message(text)
                .with_resource(url.as_str());
            return Err(match self.request_id.filter(|id| !id.is_empty()) {
                Some(id) => error.with_request_id(id),
                None => error,
            });
        }
        match convert::served(self.content_length, self.content_range, requested) {
            Ok((served, size)) => Ok((served, self.meta(url, size))),
            Err((kind, text)) => {
                let error = match kind {
                    ErrorKind::Protocol => errors::malformed(Operation::Get, &text),
                    // It may have been corrupted in transit: retried, unless the next response is identical.
                    _ => errors::contradictory(Operation::Get, &text).with_phase(Phase::Response),
                };
                Err(error.with_resource(url.as_str()))
            }
        }
    }

    fn any_checksum(&self) -> Option<Checksum> {
        let (algorithm, value) = self.checksum?;
        let mut checksum = Checksum::new(algorithm, value);
        if self.is_composite {
            checksum.checksum_type = ChecksumType::Composite;
        }
        Some(checksum)
    }

    fn meta(self, url: S3Url, size: u64) -> ObjectMeta {
        let shared = |text: Option<&str>| text.map(Arc::from);
        let mut meta = ObjectMeta::new(url, size);
        meta.etag = self.etag();
        meta.last_modified = self.last_modified();
        meta.version = self.version.and_then(convert::version_of);
        let tag_count = self.tag_count.and_then(convert::number);
        meta.tag_count = tag_count.map_or(0, |count| u32::try_from(count).unwrap_or(u32::MAX));
        meta.checksum = self.any_checksum();
        meta.restore = self.restore.and_then(convert::restore_of);
        let attributes = &mut meta.attributes;
        attributes.content_type = shared(self.content_type);
        attributes.content_encoding = self.content_encoding.and_then(convert::content_encoding_of);
        attributes.cache_control = shared(self.cache_control);
        attributes.content_disposition = shared(self.content_disposition);
        attributes.content_language = shared(self.content_language);
        attributes.expires = self.expires.and_then(timestamp::parse);
        attributes.storage_class =
            shared(self.storage_class).filter(|class| **class != *"STANDARD");
        attributes.encryption = self.encryption.map(|value| {
            let mut encryption = Encryption::new(value);
            encryption.key_id = shared(self.kms_key);
            encryption.bucket_key = self.bucket_key == Some("true");
            encryption
        });
        attributes.user = self.user;
        meta
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::replay::{Replay, response};
    use super::super::tests::generated;
    use super::*;

    fn url() -> S3Url {
        S3Url::parse("s3://bucket/key").unwrap()
    }

    fn described<'a>(headers: &'a [(&'static str, String)]) -> Described<'a> {
        read_headers(headers.iter().map(|(name, value)| (*name, value.as_str())))
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(future)
    }

    fn values(name: &str) -> BoxedStrategy<String> {
        let text = prop_oneof![
            Just(String::new()),
            "[ -~]{0,12}",
            "=\\?utf-8\\?q\\?=c3=a9\\?="
        ];
        match name {
            "content-length" => (0..5_u64).prop_map(|length| length.to_string()).boxed(),
            "content-range" => prop_oneof![
                (0..3_u64, 1..4_u64, 3..9_u64).prop_map(|(first, length, size)| format!(
                    "bytes {first}-{}/{size}",
                    first + length - 1
                )),
                Just("bytes */9".to_owned()),
                Just("odd".to_owned()),
            ]
            .boxed(),
            "last-modified" => (0..4_102_444_800_i64)
                .prop_map(|seconds| {
                    let time = aws_smithy_types::DateTime::from_secs(seconds);
                    time.fmt(aws_smithy_types::date_time::Format::HttpDate)
                        .unwrap()
                })
                .boxed(),
            "x-amz-checksum-type" => prop_oneof![
                Just("COMPOSITE".to_owned()),
                Just("FULL_OBJECT".to_owned()),
                Just("ODD".to_owned()),
            ]
            .boxed(),
            "etag" => "(W/)?\"?[0-9a-f]{0,8}(-2)?\"?".boxed(),
            "content-encoding" => "(gzip|aws-chunked|br|,| ){0,4}".boxed(),
            name if name.starts_with("x-amz-checksum-") => "[A-Za-z0-9+/]{0,8}=?(-3)?".boxed(),
            _ => text.boxed(),
        }
    }

    fn headers() -> impl Strategy<Value = Vec<(&'static str, String)>> {
        const NAMES: &[&str] = &[
            "content-length",
            "content-range",
            "ETag",
            "last-modified",
            "Content-Type",
            "content-encoding",
            "Cache-Control",
            "content-disposition",
            "x-amz-server-side-encryption",
            "x-amz-version-id",
            "x-amz-checksum-type",
            "x-amz-checksum-crc32",
            "x-amz-checksum-crc32c",
            "x-amz-checksum-crc64nvme",
            "x-amz-checksum-sha1",
            "X-Amz-Checksum-Sha256",
            "x-amz-meta-one",
            "X-Amz-Meta-Two",
            "x-amz-meta-",
            "x-amz-request-id",
            "x-amz-id-2",
            "server",
            "date",
        ];
        let header = |name: &&'static str| (Just(*name), values(&name.to_ascii_lowercase()));
        let all: Vec<_> = NAMES.iter().map(header).collect();
        all.prop_flat_map(|all| {
            let count = all.len();
            (Just(all).prop_shuffle(), 0..=count)
        })
        .prop_map(|(mut all, count)| {
            all.truncate(count);
            all
        })
    }

    proptest! {
        #[test]
        fn headers_say_what_the_generated_client_reads(headers in headers(), partial: bool) {
            let status = if partial { 206 } else { 200 };
            let borrowed: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let store = Replay::new([
                response(status, &borrowed, ""),
                response(200, &borrowed, ""),
                response(200, &borrowed, ""),
            ])
            .store();

            // The generated client returns a partial response without a range as the whole object.
            let unknown_part = partial && !headers.iter().any(|(name, _)| *name == "content-range");
            let theirs = block_on(generated::get(&store, url()));
            match (described(&headers).part(status, url(), None), theirs) {
                (Err(ours), _) if unknown_part => {
                    prop_assert_eq!(ours.kind(), ErrorKind::Protocol);
                }
                (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours, theirs),
                (Err(_), Err(_)) => {}
                (ours, theirs) => prop_assert!(false, "{ours:?} / {theirs:?}"),
            }
            let theirs = block_on(generated::head(&store, url()));
            match (described(&headers).object(url()), theirs) {
                (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours, theirs),
                (Err(_), Err(_)) => {}
                (ours, theirs) => prop_assert!(false, "{ours:?} / {theirs:?}"),
            }
            let theirs = block_on(generated::put(&store, &url())).unwrap();
            prop_assert_eq!(described(&headers).written(), theirs);
        }
    }

    #[test]
    fn an_optional_header_that_is_malformed_is_missing() {
        let headers = [
            ("content-length", "3"),
            ("last-modified", "yesterday"),
            ("x-amz-version-id", ""),
            ("x-amz-checksum-type", "???"),
            ("x-amz-missing-meta", "many"),
            ("expires", "0"),
        ];
        let meta = read_headers(headers.into_iter()).object(url()).unwrap();
        assert_eq!(meta, ObjectMeta::new(url(), 3));
    }

    #[test]
    fn a_header_that_comes_twice_counts_once_but_user_metadata_adds_up() {
        let headers = [
            ("Content-Length", " 3 "),
            ("ETag", "\"a\""),
            ("ETag", "\"b\""),
            ("x-amz-meta-k", "1"),
            ("X-AMZ-META-K", "2"),
        ];
        let meta = read_headers(headers.into_iter()).object(url()).unwrap();
        assert_eq!(meta.etag, Some(ETag::new("a")));
        assert_eq!(meta.attributes.user["k"], "1,2");
    }

    #[test]
    fn a_length_that_is_not_a_number_is_an_error() {
        for length in ["", "-1", "+1", "1 2", "99999999999999999999"] {
            let error = read_headers([("content-length", length)].into_iter()).object(url());
            let error = error.unwrap_err();
            assert_eq!(
                (error.kind(), error.retryability(), error.operation()),
                (
                    ErrorKind::Protocol,
                    Retryability::Transient,
                    Operation::Head
                )
            );
        }
    }
}
