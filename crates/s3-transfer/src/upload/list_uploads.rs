//! `Transfer::list_uploads`: lists unfinished multipart uploads, and aborts one.

use std::sync::Arc;

use s3_core::{AbortUpload, ErrorKind, ListUploads, ListedUpload, Operation, Result, S3Prefix};

use crate::list::TokenCycleDetector;
use crate::request_job::request_job;
use crate::{CallOptions, Error, Transfer};

impl Transfer {
    /// Lists the unfinished uploads of keys that begin with `prefix`, including those of other clients. One request per
    /// 1,000.
    ///
    /// # Errors
    ///
    /// `NoSuchBucket`, `AccessDenied`, `Unsupported`, and the errors of every call.
    pub async fn list_uploads(
        &self,
        prefix: S3Prefix,
        options: &CallOptions,
    ) -> Result<Vec<ListedUpload>> {
        let mut uploads = Vec::new();
        let mut trail = TokenCycleDetector::default();
        let mut request = ListUploads::new(prefix.clone());
        loop {
            let place = prefix.as_str();
            let job = request_job!(Operation::ListUploads, place, list_uploads(request.clone()));
            let page = self.run(job, options).await?;
            uploads.extend(page.uploads);
            let Some((key, id)) = page.next else {
                return Ok(uploads);
            };
            let mark = Arc::from(format!("{key}\0{}", id.as_str()));
            if trail.is_repeated(&mark) {
                let error = Error::new(ErrorKind::Integrity, Operation::ListUploads);
                let error = error.with_resource(place);
                return Err(error.with_message("the server returned a marker twice"));
            }
            request.after = Some((key, id));
        }
    }

    /// Aborts an upload and frees its parts. One request. An upload that no longer exists is not an error.
    ///
    /// # Errors
    ///
    /// `AccessDenied`, and the errors of every call.
    pub async fn abort_upload(&self, upload: AbortUpload, options: &CallOptions) -> Result<()> {
        let place = upload.url.clone();
        let job = request_job!(Operation::AbortUpload, place.as_str(), abort_upload(upload));
        match self.run(job, options).await {
            Err(error) if error.kind() == ErrorKind::NoSuchUpload => Ok(()),
            outcome => outcome,
        }
    }
}
