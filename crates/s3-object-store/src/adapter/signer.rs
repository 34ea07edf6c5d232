//! Implements `Signer`: presigned URLs for GET, HEAD, PUT and DELETE.

use std::time::Duration;

use async_trait::async_trait;
use http::Method;
use s3_core::{PresignMethod, PresignRequest};
use s3_transfer::{CallOptions, Transfer};
use url::Url;

use super::convert::{error_at, invalid, not_supported};
use super::object_store::Result;
use super::object_store::path::Path;
use super::object_store::signer::Signer;
use super::store::S3ObjectStore;

#[async_trait]
impl Signer for S3ObjectStore {
    async fn signed_url(&self, method: Method, path: &Path, expires_in: Duration) -> Result<Url> {
        let method = match method {
            Method::GET => PresignMethod::Get,
            Method::HEAD => PresignMethod::Head,
            Method::PUT => PresignMethod::Put,
            Method::DELETE => PresignMethod::Delete,
            other => return Err(not_supported(&format!("presigned URLs for {other}"))),
        };
        let request = PresignRequest::new(self.url(path)?, method, expires_in);
        let presign = |transfer: Transfer| async move {
            transfer.presign(request, &CallOptions::default()).await
        };
        let signed = self.runtime.run(presign).await;
        let signed = signed.map_err(|error| error_at(path.as_ref(), error))?;
        Url::parse(&signed).map_err(invalid)
    }
}
