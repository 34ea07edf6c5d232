//! Request and response types of a [`Store`](crate::Store): plain structs, one file per family of operations.
//!
//! The structs are `#[non_exhaustive]` so that fields can be added. Each has a constructor for its required fields, and
//! public fields or `with_…` setters for the others.

mod bucket;
mod copy;
mod delete;
mod get;
mod list;
mod object_attributes;
mod presign;
mod put;
mod restore;
mod tags;
mod upload;
mod upload_list;
mod versions;

pub use bucket::BucketRequest;
pub use copy::CopyRequest;
pub use delete::{DeleteRequest, DeleteResponse, DeletedVersion};
pub use get::{Conditions, GetRequest, GetResponse, HeadRequest};
pub use list::{ListPage, ListRequest, ListedObject};
pub use object_attributes::{GetObjectAttributes, ObjectAttributes, ObjectPart};
pub use presign::{PresignMethod, PresignRequest};
pub use put::{PutMode, PutRequest, PutResponse};
pub use restore::{RestoreRequest, RestoreStatus};
pub use tags::{GetTags, SetTags, Tags};
pub use upload::{
    AbortUpload, CompleteUpload, CreateUpload, PartTag, UploadId, UploadPart, UploadPartCopy,
};
pub use upload_list::{ListParts, ListUploads, ListedPart, ListedUpload, PartsPage, UploadsPage};
pub use versions::{ListVersions, ListedVersion, SetVersioning, Versioning, VersionsPage};
