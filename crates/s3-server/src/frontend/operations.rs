//! [`Frontend`]: the `s3s::S3` trait for any store; each method calls the function of its operation.

use s3_core::SharedStore;
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CopyObjectInput, CopyObjectOutput, CreateBucketInput,
    CreateBucketOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteBucketInput,
    DeleteBucketOutput, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput,
    DeleteObjectsOutput, GetBucketLocationInput, GetBucketLocationOutput, GetObjectInput,
    GetObjectOutput, HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput,
    ListBucketsInput, ListBucketsOutput, ListMultipartUploadsInput, ListMultipartUploadsOutput,
    ListObjectsInput, ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output, ListPartsInput,
    ListPartsOutput, PutObjectInput, PutObjectOutput, UploadPartCopyInput, UploadPartCopyOutput,
    UploadPartInput, UploadPartOutput,
};
use s3s::{S3, S3Request, S3Response, S3Result};

use super::{bucket, copy, delete, get, list, list_uploads, multipart, put};

/// An implementation of `s3s::S3` on any store. Clone is a reference count.
///
/// A [`Service`](crate::Service) serves it. Use it alone to build another service of `s3s`.
#[derive(Clone, Debug)]
pub struct Frontend {
    pub(super) store: SharedStore,
    pub(super) region: String,
}

impl Frontend {
    /// Serves a store in `region`.
    #[must_use]
    pub fn new(store: SharedStore, region: &str) -> Self {
        Self {
            store,
            region: region.to_owned(),
        }
    }
}

/// Writes the methods of the trait: each calls the function of the same name.
macro_rules! operations {
    ($($module:ident::$name:ident($input:ty) -> $output:ty;)*) => {
        #[async_trait::async_trait]
        impl S3 for Frontend {
            $(async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                $module::$name(self, request).await.map(S3Response::new)
            })*
        }
    };
}

operations! {
    get::get_object(GetObjectInput) -> GetObjectOutput;
    get::head_object(HeadObjectInput) -> HeadObjectOutput;
    put::put_object(PutObjectInput) -> PutObjectOutput;
    copy::copy_object(CopyObjectInput) -> CopyObjectOutput;
    copy::upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput;
    delete::delete_object(DeleteObjectInput) -> DeleteObjectOutput;
    delete::delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput;
    list::list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output;
    list::list_objects(ListObjectsInput) -> ListObjectsOutput;
    list_uploads::list_multipart_uploads(ListMultipartUploadsInput) -> ListMultipartUploadsOutput;
    list_uploads::list_parts(ListPartsInput) -> ListPartsOutput;
    multipart::create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput;
    multipart::upload_part(UploadPartInput) -> UploadPartOutput;
    multipart::complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput;
    multipart::abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput;
    bucket::list_buckets(ListBucketsInput) -> ListBucketsOutput;
    bucket::create_bucket(CreateBucketInput) -> CreateBucketOutput;
    bucket::delete_bucket(DeleteBucketInput) -> DeleteBucketOutput;
    bucket::head_bucket(HeadBucketInput) -> HeadBucketOutput;
    bucket::get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput;
}
