//! Lists unfinished multipart uploads (ListMultipartUploads) and their parts (ListParts), and aborts an upload.

use std::sync::Arc;

use s3_core::{
    AbortUpload, ErrorKind, ListParts, ListUploads, ListedPart, ListedUpload, Operation, Result,
    S3Prefix, S3Url, UploadId,
};

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
        let mut detector = TokenCycleDetector::default();
        let mut request = ListUploads::new(prefix.clone());
        loop {
            let resource = prefix.as_str();
            let job = request_job!(
                Operation::ListUploads,
                resource,
                list_uploads(request.clone())
            );
            let page = self.run(job, options).await?;
            uploads.extend(page.uploads);
            let Some((key, id)) = page.next else {
                return Ok(uploads);
            };
            let marker = Arc::from(format!("{key}\0{}", id.as_str()));
            if detector.is_repeated(&marker) {
                let error = Error::new(ErrorKind::Integrity, Operation::ListUploads);
                let error = error.with_resource(resource);
                return Err(error.with_message("the server returned a marker twice"));
            }
            request.after = Some((key, id));
        }
    }

    /// Lists the parts of an unfinished upload, in the order of their numbers. One request per 1,000.
    ///
    /// # Errors
    ///
    /// `NoSuchUpload`, `AccessDenied`, `Unsupported`, and the errors of every call.
    pub async fn list_parts(
        &self,
        url: S3Url,
        upload: UploadId,
        options: &CallOptions,
    ) -> Result<Vec<ListedPart>> {
        let mut parts = Vec::new();
        let mut request = ListParts::new(url.clone(), upload);
        loop {
            let resource = url.as_str();
            let job = request_job!(Operation::ListParts, resource, list_parts(request.clone()));
            let page = self.run(job, options).await?;
            parts.extend(page.parts);
            match page.next {
                // The part numbers must increase; otherwise the pages would never end.
                Some(next) if Some(next) > request.after => request.after = Some(next),
                _ => return Ok(parts),
            }
        }
    }

    /// Aborts an upload and frees its parts. One request. An upload that no longer exists is not an error.
    ///
    /// # Errors
    ///
    /// `AccessDenied`, and the errors of every call.
    pub async fn abort_upload(&self, upload: AbortUpload, options: &CallOptions) -> Result<()> {
        let resource = upload.url.clone();
        let job = request_job!(
            Operation::AbortUpload,
            resource.as_str(),
            abort_upload(upload)
        );
        match self.run(job, options).await {
            Err(error) if error.kind() == ErrorKind::NoSuchUpload => Ok(()),
            outcome => outcome,
        }
    }
}
