//! Reconciliation: finds out whether a write took effect after its response was lost.
//!
//! If the response to a conditional write is lost, the write is sent again, and fails because it has already succeeded.
//! The same holds for the completion of an upload. The object then shows which write created it, because it has the
//! write token in its metadata. Without room for a token, its ETag is compared with the MD5 of the bytes, or of the
//! parts' ETags. If the server encrypts with its own keys, a small object is read and compared instead. A copy made by
//! one request has the ETag of its source, unless the source has parts or is encrypted.

use s3_core::{
    Attempt, Attributes, CopyRequest, ETag, Error, ErrorKind, HeadRequest, ObjectMeta, PartTag,
    Payload, Phase, PutMode, PutRequest, PutResponse, Result, S3Url, Store,
};

use super::target::{Upload, unreadable};
use super::token::WriteToken;
use crate::etag_md5::{etag_of_parts, md5_of};
use crate::io::run_blocking;
use crate::{CallOptions, Destination, GetItem, ObjectData, Transfer};

/// Who wrote the object that made a conditional write fail.
#[derive(Debug)]
pub(crate) enum WriteCheck {
    /// An earlier attempt of this write, with the response that it would have got.
    Ours(PutResponse),
    /// Another writer.
    Foreign,
    /// Unknown: the object has been deleted since.
    Missing,
}

impl WriteCheck {
    fn of(existing: ObjectMeta, is_ours: impl FnOnce(&ObjectMeta) -> bool) -> Self {
        if is_ours(&existing) {
            Self::Ours(response_of(existing))
        } else {
            Self::Foreign
        }
    }
}

/// Returns the response to the write that created this object, from the object's metadata.
fn response_of(written: ObjectMeta) -> PutResponse {
    let mut response = PutResponse::new(written.etag);
    (response.version, response.checksum) = (written.version, written.checksum);
    response
}

impl Transfer {
    /// Adds a write token to the attributes, if the store returns the user metadata of objects.
    pub(super) fn name_write(&self, attributes: &mut Attributes) -> Option<WriteToken> {
        let kept = self.store().capabilities().attributes;
        kept.then(|| WriteToken::add_to(attributes)).flatten()
    }

    /// Finds out whether a put failed because an earlier attempt had succeeded.
    pub(crate) async fn earlier_success(
        &self,
        request: &PutRequest,
        token: Option<&WriteToken>,
        options: &CallOptions,
    ) -> Result<WriteCheck> {
        let (url, payload) = (&request.url, &request.payload);
        let Some(existing) = self.find_written(url, options).await? else {
            return Ok(WriteCheck::Missing);
        };
        if let Some(token) = token {
            return Ok(WriteCheck::of(existing, |existing| {
                token.identifies(existing)
            }));
        }
        let ours = digest(url, payload).await?;
        if existing.etag.as_ref() == Some(&ours) || existing.size != payload.len() {
            return Ok(WriteCheck::of(existing, |existing| {
                existing.etag.as_ref() == Some(&ours)
            }));
        }
        // If the object is encrypted, its ETag is not an MD5, so the bytes are compared.
        let get = self.get(GetItem::new(url.clone()), Destination::Memory, options);
        let object = match Box::pin(get).await {
            Ok(object) => object,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(WriteCheck::Missing),
            Err(error) => return Err(error),
        };
        let ObjectData::Memory(bytes) = object.data else {
            unreachable!("asked for memory")
        };
        let same = digest(url, &bytes.into()).await? == ours;
        Ok(WriteCheck::of(object.meta, |_| same))
    }

    /// Finds out whether a completion failed because an earlier attempt had completed the upload. One HEAD.
    pub(crate) async fn completed_earlier(
        &self,
        upload: &Upload,
        parts: &[PartTag],
        options: &CallOptions,
    ) -> Result<WriteCheck> {
        let Some(existing) = self.find_written(&upload.url, options).await? else {
            return Ok(WriteCheck::Missing);
        };
        Ok(WriteCheck::of(existing, |existing| match &upload.token {
            Some(token) => token.identifies(existing),
            None => existing.etag.is_some() && existing.etag == etag_of_parts(parts),
        }))
    }

    /// Returns the response of an earlier attempt that made this copy fail, if the target has the size and the ETag of
    /// the source. Two HEADs.
    ///
    /// The copy of a multipart or encrypted object has an ETag of its own; then the rejection stands.
    pub(crate) async fn earlier_copy(
        &self,
        request: &CopyRequest,
        rejection: &Error,
        options: &CallOptions,
    ) -> Result<Option<PutResponse>> {
        // Only a condition on the source rejects a copy that overwrites. A copy onto itself always has the ETag of its
        // source, so the ETag proves nothing.
        if request.mode == PutMode::Overwrite
            || request.from == request.to
            || !may_have_written(rejection)
        {
            return Ok(None);
        }
        let mut head = HeadRequest::new(request.from.clone());
        head.version.clone_from(&request.source_version);
        let Some(source) = self.find_with(head, options).await? else {
            return Ok(None);
        };
        let named = request.source_conditions.if_match.as_ref();
        if source.etag.is_none() || named.is_some_and(|named| source.etag.as_ref() != Some(named)) {
            return Ok(None);
        }
        let existing = self.find_written(&request.to, options).await?;
        let ours = existing
            .filter(|existing| (existing.size, &existing.etag) == (source.size, &source.etag));
        Ok(ours.map(response_of))
    }

    /// Returns the metadata of an object that an earlier attempt may have written, with its checksum. One HEAD; two if
    /// the first is denied, as it is for the checksum if the object's KMS key may not be used.
    async fn find_written(&self, url: &S3Url, options: &CallOptions) -> Result<Option<ObjectMeta>> {
        let head = HeadRequest::new(url.clone()).with_checksum();
        match self.find_with(head, options).await {
            Err(denied) if denied.kind() == ErrorKind::AccessDenied => {
                self.find(url, options).await
            }
            found => found,
        }
    }
}

/// Returns whether an attempt before the last one may have taken effect. An attempt that conflicted with another write,
/// or that did not reach the server, has not. A throttled attempt may have: a proxy may have sent the 503 in place of a
/// success.
fn may_have_written(rejection: &Error) -> bool {
    let Some(log) = rejection.attempt_log() else {
        return rejection.attempts() > 1;
    };
    let may_have = |attempt: &Attempt| {
        attempt.kind != ErrorKind::Conflict
            && !matches!(attempt.phase, Phase::Local | Phase::Connect)
    };
    let mut earlier = log.iter().filter(|attempt| attempt.number < log.total());
    log.left_out() > 0 || earlier.any(may_have)
}

/// Adds a hint to the error of a write whose earlier success cannot be detected, because HEAD is denied.
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
