//! Macro `forward!`: implements methods of `Store` by forwarding them to an inner store.

/// Implements the named methods of `Store` as calls of a field.
macro_rules! forward {
    ($field:ident: $($name:ident)*) => {
        $($crate::prove::forward::method!($field $name);)*
    };
}

/// Implements one method, given its request and response.
macro_rules! method {
    ($field:ident get) => { $crate::prove::forward::method!(@ $field get(GetRequest) -> s3_core::GetResponse); };
    ($field:ident head) => { $crate::prove::forward::method!(@ $field head(HeadRequest) -> s3_core::ObjectMeta); };
    ($field:ident put) => { $crate::prove::forward::method!(@ $field put(PutRequest) -> s3_core::PutResponse); };
    ($field:ident copy) => { $crate::prove::forward::method!(@ $field copy(CopyRequest) -> s3_core::PutResponse); };
    ($field:ident delete) => { $crate::prove::forward::method!(@ $field delete(DeleteRequest) -> s3_core::DeleteResponse); };
    ($field:ident list_page) => { $crate::prove::forward::method!(@ $field list_page(ListRequest) -> s3_core::ListPage); };
    ($field:ident create_upload) => { $crate::prove::forward::method!(@ $field create_upload(CreateUpload) -> s3_core::UploadId); };
    ($field:ident upload_part) => { $crate::prove::forward::method!(@ $field upload_part(UploadPart) -> s3_core::PartTag); };
    ($field:ident upload_part_copy) => { $crate::prove::forward::method!(@ $field upload_part_copy(UploadPartCopy) -> s3_core::PartTag); };
    ($field:ident complete_upload) => { $crate::prove::forward::method!(@ $field complete_upload(CompleteUpload) -> s3_core::PutResponse); };
    ($field:ident abort_upload) => { $crate::prove::forward::method!(@ $field abort_upload(AbortUpload) -> ()); };
    ($field:ident list_uploads) => { $crate::prove::forward::method!(@ $field list_uploads(ListUploads) -> s3_core::UploadsPage); };
    ($field:ident list_parts) => { $crate::prove::forward::method!(@ $field list_parts(ListParts) -> s3_core::PartsPage); };
    ($field:ident create_bucket) => { $crate::prove::forward::method!(@ $field create_bucket(BucketRequest) -> ()); };
    ($field:ident delete_bucket) => { $crate::prove::forward::method!(@ $field delete_bucket(BucketRequest) -> ()); };
    ($field:ident presign) => { $crate::prove::forward::method!(@ $field presign(PresignRequest) -> String); };
    ($field:ident list_buckets) => {
        async fn list_buckets(&self) -> ::s3_core::Result<Vec<::s3_core::BucketInfo>> {
            ::s3_core::Store::list_buckets(&self.$field).await
        }
    };
    (@ $field:ident $name:ident($request:ident) -> $response:ty) => {
        async fn $name(&self, request: ::s3_core::$request) -> ::s3_core::Result<$response> {
            ::s3_core::Store::$name(&self.$field, request).await
        }
    };
}

pub(crate) use {forward, method};
