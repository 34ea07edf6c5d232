//! Reconciliation: finds out whether a write took effect after its response was lost.
//!
//! A conditional write whose response is lost is sent again, and is then refused by its own success; so is the completion
//! of an upload. The object says whose write it was: it carries the name of that write. Where there was no room for one,
//! its ETag tells: the MD5 of the bytes, or of the parts' tags, unless the server encrypts with its own keys; a small
//! object is then read and compared. The copy that one request makes has the tag of its source, unless that is in parts
//! or encrypted.

use s3_core::{
    Attributes, CopyRequest, ETag, Error, ErrorKind, ObjectMeta, PartTag, Payload, PutRequest,
    PutResponse, Result, S3Url, Store,
};

use super::target::{Upload, unreadable};
use super::token::WriteToken;
use crate::etag_md5::{etag_of_parts, md5_of};
use crate::io::run_blocking;
use crate::{CallOptions, Destination, GetItem, ObjectData, Transfer};

/// What a client finds that looks whether an earlier attempt of its own has refused it.
#[derive(Debug)]
pub(crate) enum WriteCheck {
    /// What it has written: the response that it would have got.
    Ours(PutResponse),
    /// Another object.
    Foreign,
    /// No object: whatever refused it has gone since, and nobody can tell any more whose it was.
    Missing,
}

impl WriteCheck {
    fn of(there: ObjectMeta, is_ours: impl FnOnce(&ObjectMeta) -> bool) -> Self {
        if is_ours(&there) {
            Self::Ours(PutResponse::new(there.etag))
        } else {
            Self::Foreign
        }
    }
}

impl Transfer {
    /// Gives a write a name, where the store gives back what is stored with an object.
    pub(super) fn name_write(&self, attributes: &mut Attributes) -> Option<WriteToken> {
        let kept = self.store().capabilities().attributes;
        kept.then(|| WriteToken::add_to(attributes)).flatten()
    }

    /// Looks what a put was refused by.
    pub(crate) async fn earlier_success(
        &self,
        request: &PutRequest,
        token: Option<&WriteToken>,
        options: &CallOptions,
    ) -> Result<WriteCheck> {
        let (url, payload) = (&request.url, &request.payload);
        let Some(there) = self.find(url, options).await? else {
            return Ok(WriteCheck::Missing);
        };
        if let Some(token) = token {
            return Ok(WriteCheck::of(there, |there| token.is_of(there)));
        }
        let ours = digest(url, payload).await?;
        if there.etag.as_ref() == Some(&ours) || there.size != payload.len() {
            return Ok(WriteCheck::of(there, |there| {
                there.etag.as_ref() == Some(&ours)
            }));
        }
        // It may be encrypted, and its tag no digest: the bytes decide.
        let get = self.get(GetItem::new(url.clone()), Destination::Memory, options);
        let there = match Box::pin(get).await {
            Ok(there) => there,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(WriteCheck::Missing),
            Err(error) => return Err(error),
        };
        let ObjectData::Memory(bytes) = there.data else {
            unreachable!("asked for memory")
        };
        let same = digest(url, &bytes.into()).await? == ours;
        Ok(WriteCheck::of(there.meta, |_| same))
    }

    /// Looks whether the object is now what this upload is to write, after a completion that may have been refused by
    /// an earlier attempt of its own. One head.
    pub(crate) async fn completed_earlier(
        &self,
        upload: &Upload,
        parts: &[PartTag],
        options: &CallOptions,
    ) -> Result<WriteCheck> {
        let Some(there) = self.find(&upload.url, options).await? else {
            return Ok(WriteCheck::Missing);
        };
        Ok(WriteCheck::of(there, |there| match &upload.token {
            Some(token) => token.is_of(there),
            None => there.etag.is_some() && there.etag == etag_of_parts(parts),
        }))
    }

    /// Returns the response of the earlier attempt that a refused copy was refused by, if the target now has the size
    /// and the tag of the source. Two heads.
    ///
    /// The copy of an object in parts, or of an encrypted one, has a tag of its own: then the error response stands.
    pub(crate) async fn earlier_copy(
        &self,
        request: &CopyRequest,
        rejection: &Error,
        options: &CallOptions,
    ) -> Result<Option<PutResponse>> {
        // An object always equals itself, whoever has written it.
        if rejection.attempts() == 1 || request.from == request.to {
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

/// Returns the error response of a write where HEAD is denied, so that its own success cannot be told.
pub(super) fn unseen(rejection: Error) -> Error {
    rejection.with_hint(
        "an earlier attempt, whose response was lost, may have written the object; with permission to read it, \
         the client would find out",
    )
}

async fn digest(url: &S3Url, payload: &Payload) -> Result<ETag> {
    let payload = payload.clone();
    let digest = run_blocking(move || md5_of(&payload)).await;
    digest.map_err(|cause| unreadable(url, cause))
}
