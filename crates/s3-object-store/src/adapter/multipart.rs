//! Multipart uploads by upload ID: create, upload a part, complete, abort. `MultipartStore` calls them.

use s3_core::{
    AbortUpload, CompleteUpload, CreateUpload, ETag, PartTag, Payload, UploadId, UploadPart,
};
use s3_transfer::{CallOptions, Transfer};

use super::attributes::to_s3;
use super::convert::{call_options, error_at, invalid};
use super::object_store::multipart::PartId;
use super::object_store::path::Path;
use super::object_store::{MultipartId, PutMultipartOptions, PutPayload, PutResult, Result};
use super::store::S3ObjectStore;
use super::write::written;

impl S3ObjectStore {
    pub(in super::super) async fn create_upload(
        &self,
        path: &Path,
        opts: PutMultipartOptions,
    ) -> Result<MultipartId> {
        let attributes = to_s3(self, &opts.attributes, &opts.tags)?;
        let call = call_options(&opts.extensions);
        let request = CreateUpload::new(self.url(path)?, attributes);
        let create =
            |transfer: Transfer| async move { transfer.create_upload(request, &call).await };
        let created = self.runtime.run(create).await;
        let id = created.map_err(|error| error_at(path.as_ref(), error))?;
        Ok(id.as_str().to_owned())
    }

    pub(in super::super) async fn upload_part(
        &self,
        path: &Path,
        id: &MultipartId,
        index: usize,
        data: PutPayload,
    ) -> Result<PartId> {
        let number = u32::try_from(index.saturating_add(1)).map_err(invalid)?;
        let tag = self
            .send_part(path, id, number, Payload::from_chunks(data))
            .await?;
        let content_id = tag.etag.as_str().to_owned();
        Ok(PartId { content_id })
    }

    pub(in super::super) async fn complete_upload(
        &self,
        path: &Path,
        id: &MultipartId,
        parts: Vec<PartId>,
    ) -> Result<PutResult> {
        let url = self.url(path)?;
        let tag = |(number, part): (u32, PartId)| PartTag::new(number, ETag::new(&part.content_id));
        let mut parts: Vec<PartTag> = (1..).zip(parts).map(tag).collect();
        if parts.is_empty() {
            parts.push(self.send_part(path, id, 1, Payload::empty()).await?);
        }
        let request = CompleteUpload::new(url.clone(), UploadId::new(id), parts);
        let complete = |transfer: Transfer| async move {
            let options = CallOptions::default();
            transfer.complete_upload(request, &options).await
        };
        let completed = self.runtime.run(complete).await;
        let outcome = completed.map_err(|error| error_at(path.as_ref(), error))?;
        written(self, path, &url, outcome)
    }

    pub(in super::super) async fn abort_upload(&self, path: &Path, id: &MultipartId) -> Result<()> {
        let request = AbortUpload::new(self.url(path)?, UploadId::new(id));
        let abort = |transfer: Transfer| async move {
            let options = CallOptions::default();
            transfer.abort_upload(request, &options).await
        };
        let aborted = self.runtime.run(abort).await;
        aborted.map_err(|error| error_at(path.as_ref(), error))
    }

    async fn send_part(
        &self,
        path: &Path,
        id: &MultipartId,
        number: u32,
        payload: Payload,
    ) -> Result<PartTag> {
        let part = UploadPart::new(self.url(path)?, UploadId::new(id), number, payload);
        let send = |transfer: Transfer| async move {
            let options = CallOptions::default();
            transfer.upload_part(part, &options).await
        };
        let sent = self.runtime.run(send).await;
        sent.map_err(|error| error_at(path.as_ref(), error))
    }
}
