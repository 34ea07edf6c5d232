//! Macro for the differences between object_store versions: constructors of three results, and `MultipartStore`.

/// Defines the version-specific functions for the version that the module calls `object_store`.
macro_rules! version {
    (results { $($extensions:tt)* } multipart { $($multipart:tt)* }) => {
        use object_store::multipart::{MultipartStore, PartId};
        use object_store::path::Path;
        use object_store::{
            Attributes, GetResult, GetResultPayload, ListResult, MultipartId, ObjectMeta,
            PutMultipartOptions, PutPayload, PutResult, Result,
        };

        fn put_result(e_tag: Option<String>, version: Option<String>) -> PutResult {
            PutResult { e_tag, version, $($extensions)* }
        }

        fn list_result(common_prefixes: Vec<Path>, objects: Vec<ObjectMeta>) -> ListResult {
            ListResult { common_prefixes, objects, $($extensions)* }
        }

        fn get_result(
            payload: GetResultPayload,
            meta: ObjectMeta,
            range: std::ops::Range<u64>,
            attributes: Attributes,
        ) -> GetResult {
            GetResult { payload, meta, range, attributes, $($extensions)* }
        }

        #[async_trait::async_trait]
        impl MultipartStore for S3ObjectStore {
            async fn create_multipart(&self, path: &Path) -> Result<MultipartId> {
                self.create_upload(path, PutMultipartOptions::default()).await
            }

            async fn put_part(
                &self,
                path: &Path,
                id: &MultipartId,
                part_idx: usize,
                data: PutPayload,
            ) -> Result<PartId> {
                self.upload_part(path, id, part_idx, data).await
            }

            async fn complete_multipart(
                &self,
                path: &Path,
                id: &MultipartId,
                parts: Vec<PartId>,
            ) -> Result<PutResult> {
                self.complete_upload(path, id, parts).await
            }

            async fn abort_multipart(&self, path: &Path, id: &MultipartId) -> Result<()> {
                self.abort_upload(path, id).await
            }

            $($multipart)*
        }
    };
}
