//! Reads a request body and verifies its length and checksums.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, StatusCode};
use s3_core::{Checksum, Payload};
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::dto::{self, StreamingBlob};
use s3s::{S3Error, S3ErrorCode, S3Result, StdError, TrailingHeaders, s3_error};

use super::convert::core_checksum;

/// The checksums and the length that a request declares for its body.
#[derive(Debug, Default)]
pub(super) struct Announced {
    /// `Content-MD5`.
    pub(super) md5: Option<String>,
    /// The `x-amz-checksum-*` headers.
    pub(super) checksums: dto::Checksum,
    /// `x-amz-sdk-checksum-algorithm`, the algorithm of the checksum that follows.
    pub(super) algorithm: Option<String>,
    /// The names in `x-amz-trailer`.
    pub(super) trailer: Option<String>,
    /// The trailers, available after the body.
    pub(super) trailers: Option<TrailingHeaders>,
    /// The length of the decoded body.
    pub(super) length: Option<i64>,
    /// Whether a CRC64NVME is computed where the request has no checksum.
    pub(super) adds_default: bool,
}

impl Announced {
    /// Returns the values declared in the headers; the checksums are set later, from the input of the operation.
    pub(super) fn new(headers: &HeaderMap, trailers: Option<TrailingHeaders>) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let trailer = text("x-amz-trailer");
        Self {
            algorithm: text("x-amz-sdk-checksum-algorithm").map(str::to_owned),
            trailer: trailer.map(str::to_ascii_lowercase),
            trailers,
            ..Self::default()
        }
    }
}

/// Reads the whole body. It keeps the buffers of the connection; the bytes are not copied.
///
/// Fails with `400` if the body is shorter than declared or if a checksum differs.
pub(super) async fn read(
    body: Option<StreamingBlob>,
    announced: Announced,
) -> S3Result<(Payload, Option<Checksum>)> {
    let mut sums = Sums::new(&announced)?;
    let mut chunks = Vec::new();
    if let Some(mut body) = body {
        while let Some(frame) = body.next().await {
            let frame: Bytes = frame.map_err(|error| broken(&error))?;
            sums.update(&frame);
            chunks.push(frame);
        }
    }
    let payload = Payload::from_chunks(chunks);
    if announced
        .length
        .is_some_and(|length| u64::try_from(length) != Ok(payload.len()))
    {
        return Err(s3_error!(IncompleteBody));
    }
    let checksum = sums.compare(announced)?;
    Ok((payload, checksum))
}

struct Sums {
    md5: Option<Md5>,
    hasher: ChecksumHasher,
    /// Whether the checksum is not the request's.
    is_default: bool,
}

impl Sums {
    fn new(announced: &Announced) -> S3Result<Self> {
        let given = &announced.checksums;
        let trailer = announced.trailer.as_deref().unwrap_or_default();
        let wanted = |name: &str, value: &Option<String>| {
            value.is_some() || trailer.split(',').any(|have| have.trim() == name)
        };
        let mut hasher = ChecksumHasher {
            crc32: wanted("x-amz-checksum-crc32", &given.checksum_crc32).then(Crc32::new),
            crc32c: wanted("x-amz-checksum-crc32c", &given.checksum_crc32c).then(Crc32c::new),
            crc64nvme: wanted("x-amz-checksum-crc64nvme", &given.checksum_crc64nvme)
                .then(Crc64Nvme::new),
            sha1: wanted("x-amz-checksum-sha1", &given.checksum_sha1).then(Sha1::new),
            sha256: wanted("x-amz-checksum-sha256", &given.checksum_sha256).then(Sha256::new),
        };
        let count = usize::from(hasher.crc32.is_some())
            + usize::from(hasher.crc32c.is_some())
            + usize::from(hasher.crc64nvme.is_some())
            + usize::from(hasher.sha1.is_some())
            + usize::from(hasher.sha256.is_some());
        if count > 1 {
            return Err(s3_error!(
                InvalidRequest,
                "Expecting a single x-amz-checksum- header"
            ));
        }
        if let Some(algorithm) = &announced.algorithm {
            check_algorithm(algorithm, &hasher, count)?;
        }
        let is_default = count == 0 && announced.adds_default;
        if is_default {
            hasher.crc64nvme = Some(Crc64Nvme::new());
        }
        Ok(Self {
            md5: announced.md5.is_some().then(Md5::new),
            hasher,
            is_default,
        })
    }

    fn update(&mut self, data: &[u8]) {
        if let Some(md5) = &mut self.md5 {
            md5.update(data);
        }
        self.hasher.update(data);
    }

    fn compare(self, announced: Announced) -> S3Result<Option<Checksum>> {
        if let (Some(md5), Some(sent)) = (self.md5, announced.md5) {
            let sent = STANDARD.decode(&sent).ok().filter(|sent| sent.len() == 16);
            let sent = sent.ok_or_else(|| {
                s3_error!(InvalidDigest, "The Content-MD5 you specified was invalid.")
            })?;
            if sent != md5.finalize() {
                return Err(s3_error!(
                    BadDigest,
                    "The Content-MD5 you specified did not match what we received"
                ));
            }
        }
        let Some(computed) = core_checksum(&self.hasher.finalize()) else {
            return Ok(None);
        };
        if self.is_default {
            return Ok(Some(computed));
        }
        let sent = match core_checksum(&announced.checksums) {
            Some(sent) => Some(sent.value.to_string()),
            None => trailing_value(announced.trailers.as_ref(), &computed),
        };
        let name = computed.algorithm.as_str();
        match sent {
            Some(sent) if *sent == *computed.value => Ok(Some(computed)),
            Some(_) => Err(s3_error!(
                BadDigest,
                "The {name} you specified did not match the calculated checksum"
            )),
            None => Err(s3_error!(
                InvalidRequest,
                "The trailer that was announced with the {name} is missing"
            )),
        }
    }
}

/// Fails unless the request has a checksum of the algorithm in `x-amz-sdk-checksum-algorithm`.
fn check_algorithm(name: &str, hasher: &ChecksumHasher, count: usize) -> S3Result<()> {
    let is_there = match name.to_ascii_uppercase().as_str() {
        "CRC32" => hasher.crc32.is_some(),
        "CRC32C" => hasher.crc32c.is_some(),
        "CRC64NVME" => hasher.crc64nvme.is_some(),
        "SHA1" => hasher.sha1.is_some(),
        "SHA256" => hasher.sha256.is_some(),
        _ => false,
    };
    match (is_there, count) {
        (true, _) => Ok(()),
        (false, 0) => Err(s3_error!(
            InvalidRequest,
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers \
             were found."
        )),
        (false, _) => Err(s3_error!(
            InvalidRequest,
            "Value for x-amz-sdk-checksum-algorithm header is invalid."
        )),
    }
}

fn trailing_value(trailers: Option<&TrailingHeaders>, computed: &Checksum) -> Option<String> {
    let name = format!(
        "x-amz-checksum-{}",
        computed.algorithm.as_str().to_ascii_lowercase()
    );
    trailers?.read(|headers| headers.get(&name)?.to_str().ok().map(str::to_owned))?
}

/// Returns the error response for a body that could not be read. The error types of the protocol layer are private.
fn broken(error: &StdError) -> S3Error {
    let text = error.to_string();
    if text.contains("Sha256Mismatch") {
        let code = S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into());
        let text = "The provided 'x-amz-content-sha256' header does not match what was computed";
        let mut s3_error = S3Error::with_message(code, text);
        s3_error.set_status_code(StatusCode::BAD_REQUEST);
        s3_error
    } else if text.contains("SignatureMismatch") {
        s3_error!(
            SignatureDoesNotMatch,
            "a chunk of the body has another signature than computed"
        )
    } else {
        s3_error!(IncompleteBody, "the body could not be read: {text}")
    }
}
