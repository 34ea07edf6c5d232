//! ListMultipartUploads and ListParts of the in-memory store: return one page each.

use std::ops::Bound;
use std::sync::Arc;

use super::bucket::Bucket;
use crate::{
    Limits, ListParts, ListUploads, ListedPart, ListedUpload, Operation, PartsPage, Result,
    UploadId, UploadsPage,
};

impl Bucket {
    /// Returns one page of multipart uploads in progress, in order of key and start.
    pub(super) fn list_uploads(&self, request: &ListUploads, limits: &Limits) -> UploadsPage {
        let prefix = request.prefix.prefix();
        let most = limits.page_size(request.max_uploads);
        let least = || (Arc::from(prefix), UploadId::new(""));
        let from = match &request.after {
            Some(after) if *after.0 >= *prefix => Bound::Excluded(after.clone()),
            _ => Bound::Included(least()),
        };
        let rest = self.uploads.range((from, Bound::Unbounded));
        let mut matching = rest
            .take_while(|((key, _), _)| key.starts_with(prefix))
            .peekable();
        let mut page = UploadsPage::default();
        while page.uploads.len() < most
            && let Some(((_, id), upload)) = matching.next()
        {
            let initiated = Some(upload.initiated);
            page.uploads
                .push(ListedUpload::new(upload.url.clone(), id.clone(), initiated));
        }
        page.next = page
            .uploads
            .last()
            .filter(|_| matching.peek().is_some())
            .map(|last| (last.url.key().into(), last.upload.clone()));
        page
    }

    /// Returns one page of the parts of an upload, in order of their numbers.
    pub(super) fn list_parts(&self, request: &ListParts, limits: &Limits) -> Result<PartsPage> {
        let upload = self.upload(&request.url, &request.upload, Operation::ListParts)?;
        let most = limits.page_size(request.max_parts);
        let from = request.after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = upload.parts.range((from, Bound::Unbounded)).peekable();
        let mut page = PartsPage::default();
        while page.parts.len() < most
            && let Some((&number, part)) = rest.next()
        {
            page.parts.push(ListedPart {
                number,
                etag: part.etag(),
                size: part.data.len(),
                last_modified: Some(part.last_modified),
                checksum: part.checksum.clone(),
            });
        }
        page.next = page
            .parts
            .last()
            .filter(|_| rest.peek().is_some())
            .map(|last| last.number);
        Ok(page)
    }
}
