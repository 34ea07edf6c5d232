//! What can be asked of a store, and what it answers. One file per family of operations.

mod bucket;
mod copy;
mod delete;
mod get;
mod list;
mod presign;
mod put;
mod upload;

pub use bucket::BucketRequest;
pub use copy::CopyRequest;
pub use delete::{DeleteRequest, DeleteResponse};
pub use get::{Conditions, GetRequest, GetResponse, HeadRequest};
pub use list::{ListPage, ListRequest, ListedObject};
pub use presign::{PresignMethod, PresignRequest};
pub use put::{PutMode, PutRequest, PutResponse};
pub use upload::{
    AbortUpload, CompleteUpload, CreateUpload, ListParts, ListUploads, ListedPart, ListedUpload,
    PartTag, PartsPage, UploadId, UploadPart, UploadPartCopy, UploadsPage,
};
