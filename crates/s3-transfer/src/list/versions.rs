//! `Transfer::list_versions` and `list_all_versions`: list object versions and delete markers (ListObjectVersions).

use std::sync::Arc;

use s3_core::{
    Error, ErrorKind, ListVersions, ListedVersion, Operation, Result, S3Prefix, VersionId,
    VersionsPage,
};

use super::TokenCycleDetector;
use crate::request_job::request_job;
use crate::{CallOptions, Transfer};

impl Transfer {
    /// Lists one page of versions and delete markers. One request.
    ///
    /// # Errors
    ///
    /// Those of [`versioning`](Self::versioning).
    pub async fn list_versions(
        &self,
        request: ListVersions,
        options: &CallOptions,
    ) -> Result<VersionsPage> {
        let resource = request.prefix.clone();
        let job = request_job!(
            Operation::ListVersions,
            resource.as_str(),
            list_versions(request)
        );
        self.run(job, options).await
    }

    /// Lists the versions and delete markers of all keys that begin with `prefix`, ordered by key, the newest version
    /// of a key first. One request per 1,000.
    ///
    /// # Errors
    ///
    /// Those of [`versioning`](Self::versioning), and `Integrity` if the server repeats the markers of pages.
    pub async fn list_all_versions(
        &self,
        prefix: S3Prefix,
        options: &CallOptions,
    ) -> Result<Vec<ListedVersion>> {
        let mut versions = Vec::new();
        let mut markers = TokenCycleDetector::default();
        let mut request = ListVersions::new(prefix.clone());
        loop {
            let page = self.list_versions(request.clone(), options).await?;
            versions.extend(page.versions);
            let Some((key, version)) = page.next else {
                return Ok(versions);
            };
            let text = version.as_ref().map_or("", VersionId::as_str);
            if markers.is_repeated(&Arc::from(format!("{key}\0{text}"))) {
                let error = Error::new(ErrorKind::Integrity, Operation::ListVersions);
                let error = error.with_resource(&prefix);
                return Err(error.with_message("the server returned a marker twice"));
            }
            request.after = Some((key, version));
        }
    }
}
