//! Checks the conditions of writes, deletes and copies: `If-Match`, `If-None-Match`, `x-amz-copy-source-if-*`.
//!
//! A store checks "only if absent" and "only if the ETag matches" itself, atomically with the write. All other
//! conditions of S3 are checked here, while no other write is in progress.

use s3_core::{ETag, ErrorKind, HeadRequest, ObjectMeta, PutMode, S3Url, Store, VersionId};
use s3s::dto::ETagCondition;
use s3s::{S3Error, S3Result, s3_error};
use tokio::sync::{RwLockReadGuard, RwLockWriteGuard};

use super::Frontend;
use crate::convert::core_etag;
use crate::errors::{s3_error, with_condition};

pub(super) const IF_MATCH: &str = "If-Match";
const IF_NONE_MATCH: &str = "If-None-Match";
/// The condition on the source of a copy that a store checks itself.
pub(super) const SOURCE_IF_MATCH: &str = "x-amz-copy-source-If-Match";

/// Held during a write. With `Alone`, no other write runs at the same time.
pub(super) enum WritePermit<'front> {
    Shared(#[expect(dead_code, reason = "held")] RwLockReadGuard<'front, ()>),
    Alone(#[expect(dead_code, reason = "held")] RwLockWriteGuard<'front, ()>),
}

/// Returns the mode of a write, and the permit to hold during it.
pub(super) async fn permit<'front>(
    front: &'front Frontend,
    url: &S3Url,
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<(PutMode, WritePermit<'front>)> {
    let mode = match (if_match, if_none_match) {
        (None, None) => Some(PutMode::Overwrite),
        (None, Some(ETagCondition::Any)) => Some(PutMode::IfAbsent),
        (Some(ETagCondition::ETag(etag)), None) => Some(PutMode::IfMatch(core_etag(etag))),
        _ => None,
    };
    if let Some(mode) = mode {
        return Ok((mode, WritePermit::Shared(front.writes.read().await)));
    }
    let permit = WritePermit::Alone(front.writes.write().await);
    let meta = existing(front, url, None).await?;
    let etag = meta.as_ref().and_then(|meta| meta.etag.as_ref());
    let matches = |condition: &ETagCondition| match condition {
        ETagCondition::Any => meta.is_some(),
        ETagCondition::ETag(wanted) => etag == Some(&core_etag(wanted)),
    };
    match (if_match, if_none_match) {
        (Some(_), _) if meta.is_none() => Err(s3_error!(NoSuchKey)),
        (Some(condition), _) if !matches(condition) => Err(failed(IF_MATCH)),
        (_, Some(condition)) if matches(condition) => Err(failed(IF_NONE_MATCH)),
        _ => Ok((PutMode::Overwrite, permit)),
    }
}

/// Returns the error response for a write whose condition failed.
fn failed(condition: &'static str) -> S3Error {
    with_condition(s3_error!(PreconditionFailed), condition)
}

/// Returns the name of the condition header that a store checks with a write.
pub(super) fn header_of(mode: &PutMode) -> Option<&'static str> {
    match mode {
        PutMode::IfAbsent => Some(IF_NONE_MATCH),
        PutMode::IfMatch(_) => Some(IF_MATCH),
        _ => None,
    }
}

/// Converts the error of a store, with the name of the condition header if the condition failed.
pub(super) fn of_store(error: s3_core::Error, condition: Option<&'static str>) -> S3Error {
    let kind = error.kind();
    let error = s3_error(error);
    match condition {
        Some(condition) if kind == ErrorKind::PreconditionFailed => {
            with_condition(error, condition)
        }
        _ => error,
    }
}

/// The conditions of a delete.
#[derive(Debug, Default)]
pub(super) struct DeleteConditions {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) size: Option<i64>,
    pub(super) last_modified: Option<std::time::SystemTime>,
}

impl DeleteConditions {
    pub(super) fn is_empty(&self) -> bool {
        self.if_match.is_none() && self.size.is_none() && self.last_modified.is_none()
    }

    /// Fails unless the object exists and the conditions are met.
    pub(super) async fn check(
        &self,
        front: &Frontend,
        url: &S3Url,
        version: Option<&VersionId>,
    ) -> S3Result<()> {
        let Some(meta) = existing(front, url, version).await? else {
            return Err(s3_error!(NoSuchKey));
        };
        let etag_holds = match &self.if_match {
            Some(ETagCondition::ETag(wanted)) => meta.etag.as_ref() == Some(&core_etag(wanted)),
            Some(ETagCondition::Any) | None => true,
        };
        let size_holds = self
            .size
            .is_none_or(|size| u64::try_from(size) == Ok(meta.size));
        // HTTP dates have whole seconds.
        let seconds = |time: std::time::SystemTime| {
            let since = time.duration_since(std::time::UNIX_EPOCH);
            since.map_or(0, |since| since.as_secs())
        };
        let time_holds = self
            .last_modified
            .is_none_or(|time| meta.last_modified.map(seconds) == Some(seconds(time)));
        match (etag_holds, size_holds, time_holds) {
            (true, true, true) => Ok(()),
            (false, ..) => Err(failed(IF_MATCH)),
            (_, false, _) => Err(failed("x-amz-if-match-size")),
            (.., false) => Err(failed("x-amz-if-match-last-modified-time")),
        }
    }
}

async fn existing(
    front: &Frontend,
    url: &S3Url,
    version: Option<&VersionId>,
) -> S3Result<Option<ObjectMeta>> {
    let mut head = HeadRequest::new(url.clone());
    head.version = version.cloned();
    match front.store.head(head).await {
        Ok(meta) => Ok(Some(meta)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(s3_error(error)),
    }
}

/// The conditions on the source of a copy that a store does not check. An ETag takes precedence over a time, as in
/// reads.
pub(super) struct SourceConditions {
    /// Whether the store compares the source's ETag.
    pub(super) has_if_match: bool,
    pub(super) if_none_match: Option<ETagCondition>,
    pub(super) if_modified_since: Option<std::time::SystemTime>,
    pub(super) if_unmodified_since: Option<std::time::SystemTime>,
}

impl SourceConditions {
    /// Fails with 412 if a condition is not met. Returns the ETag of the source if any was checked, to pin the copy to
    /// it.
    pub(super) async fn check(
        self,
        front: &Frontend,
        source: &S3Url,
        version: Option<&VersionId>,
    ) -> S3Result<Option<ETag>> {
        if self.if_none_match.is_none()
            && self.if_modified_since.is_none()
            && self.if_unmodified_since.is_none()
        {
            return Ok(None);
        }
        let mut head = HeadRequest::new(source.clone());
        head.version = version.cloned();
        let meta = front.store.head(head).await.map_err(s3_error)?;
        let is_named = match &self.if_none_match {
            Some(ETagCondition::ETag(tag)) => meta.etag.as_ref() == Some(&core_etag(tag)),
            Some(ETagCondition::Any) => true,
            None => false,
        };
        let modified = meta.last_modified;
        let too_old = self
            .if_modified_since
            .zip(modified)
            .is_some_and(|(since, at)| at <= since && self.if_none_match.is_none());
        let too_new = self
            .if_unmodified_since
            .zip(modified)
            .is_some_and(|(since, at)| at > since && !self.has_if_match);
        match (too_new, is_named, too_old) {
            (false, false, false) => Ok(meta.etag),
            (true, ..) => Err(failed("x-amz-copy-source-If-Unmodified-Since")),
            (_, true, _) => Err(failed("x-amz-copy-source-If-None-Match")),
            (.., true) => Err(failed("x-amz-copy-source-If-Modified-Since")),
        }
    }
}
