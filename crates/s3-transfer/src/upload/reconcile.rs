//! What really happened, when an answer was lost.
//!
//! A conditional write whose answer is lost is sent again, and is then refused by its own success; so is the completion
//! of an upload. The object says whose write it was: it carries the name of that write. Where there was no room for one,
//! its ETag tells: the MD5 of the bytes, or of the parts' tags, unless the server encrypts with its own keys; a small
//! object is then read and compared. The copy that one request makes has the tag of its source, unless that is in parts
//! or encrypted.

use md5::{Digest, Md5};
use s3_core::{CopyRequest, ETag, Error, PartTag, Payload, PutResponse, Result, S3Url};

use super::multipart::Upload;
use super::object::unreadable;
use super::token::WriteToken;
use crate::io::run_blocking;
use crate::{CallOptions, Destination, GetItem, Landed, Transfer};

impl Transfer {
    /// Returns the answer of the earlier attempt that a refused put was refused by; `None` if another's write refused
    /// it.
    pub(crate) async fn earlier_success(
        &self,
        url: &S3Url,
        (payload, token): (&Payload, Option<&WriteToken>),
        refusal: &Error,
        options: &CallOptions,
    ) -> Result<Option<PutResponse>> {
        if refusal.attempts() == 1 {
            return Ok(None);
        }
        let Some(there) = self.find(url, options).await? else {
            return Ok(None);
        };
        if let Some(token) = token {
            return Ok(token.is_of(&there).then(|| PutResponse::new(there.etag)));
        }
        let ours = digest(url, payload).await?;
        if there.etag.as_ref() == Some(&ours) {
            return Ok(Some(PutResponse::new(there.etag)));
        }
        if there.size != payload.len() {
            return Ok(None);
        }
        // It may be encrypted, and its tag no digest: the bytes decide.
        let get = self.get(GetItem::new(url.clone()), Destination::Memory, options);
        let there = Box::pin(get).await?;
        let Landed::Memory(bytes) = there.data else {
            unreachable!("asked for memory")
        };
        let same = digest(url, &bytes.into()).await? == ours;
        Ok(same.then(|| PutResponse::new(there.meta.etag)))
    }

    /// Returns the answer of the earlier attempt that a refused completion was refused by, if the object is now what
    /// this upload is to write. One head.
    pub(crate) async fn completed_earlier(
        &self,
        upload: &Upload,
        parts: &[PartTag],
        options: &CallOptions,
    ) -> Result<Option<PutResponse>> {
        let there = self.find(&upload.url, options).await?;
        let ours = there.filter(|meta| match &upload.token {
            Some(token) => token.is_of(meta),
            None => meta.etag.is_some() && meta.etag == etag_of_parts(parts),
        });
        Ok(ours.map(|meta| PutResponse::new(meta.etag)))
    }

    /// Returns the answer of the earlier attempt that a refused copy was refused by, if the target now has the size
    /// and the tag of the source. Two heads.
    ///
    /// The copy of an object in parts, or of an encrypted one, has a tag of its own: then the refusal stands.
    pub(crate) async fn earlier_copy(
        &self,
        request: &CopyRequest,
        refusal: &Error,
        options: &CallOptions,
    ) -> Result<Option<PutResponse>> {
        // An object always equals itself, whoever has written it.
        if refusal.attempts() == 1 || request.from == request.to {
            return Ok(None);
        }
        let Some(source) = self.find(&request.from, options).await? else {
            return Ok(None);
        };
        let named = request.source_if_match.as_ref();
        if source.etag.is_none() || named.is_some_and(|named| source.etag.as_ref() != Some(named)) {
            return Ok(None);
        }
        let there = self.find(&request.to, options).await?;
        let ours = there.filter(|there| (there.size, &there.etag) == (source.size, &source.etag));
        Ok(ours.map(|meta| PutResponse::new(meta.etag)))
    }
}

async fn digest(url: &S3Url, payload: &Payload) -> Result<ETag> {
    let payload = payload.clone();
    let digest = run_blocking(move || md5_of(&payload)).await;
    digest.map_err(|cause| unreadable(url, cause))
}

fn md5_of(payload: &Payload) -> std::io::Result<ETag> {
    let mut digest = Md5::new();
    let mut position = 0;
    while position < payload.len() {
        let piece = payload.read_at(position, 1 << 20)?;
        digest.update(&piece);
        position += piece.len() as u64;
    }
    Ok(ETag::new(&hex(&digest.finalize())))
}

/// Returns the tag that S3 gives an object made of these parts; `None` if a part's tag is no MD5.
fn etag_of_parts(parts: &[PartTag]) -> Option<ETag> {
    let mut digest = Md5::new();
    for part in parts {
        digest.update(unhex(part.etag.as_str())?);
    }
    Some(ETag::new(&format!(
        "{}-{}",
        hex(&digest.finalize()),
        parts.len()
    )))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    if text.len() != 32 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_of_parts_is_the_digest_of_their_digests() {
        let empty = "d41d8cd98f00b204e9800998ecf8427e";
        let parts = [PartTag::new(1, ETag::new(empty))];
        let tag = etag_of_parts(&parts).unwrap();
        assert_eq!(tag.as_str(), "59adb24ef3cdbe0297f05b395827453f-1");
        assert_eq!(etag_of_parts(&[PartTag::new(1, ETag::new("opaque"))]), None);
    }

    #[test]
    fn the_tag_of_a_payload_is_its_digest() {
        let tag = md5_of(&Payload::from("hello")).unwrap();
        assert_eq!(tag.as_str(), "5d41402abc4b2a76b9719d911017c592");
    }
}
