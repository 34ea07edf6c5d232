//! The operations of a client, one type for each call.
//!
//! Code that makes calls does not need these names; they are for signatures and documentation. The optional arguments
//! of a call are methods on [`Request<ops::…, _>`](crate::Request).

mod bucket;
mod copy;
mod delete;
mod discard;
mod files;
mod get;
mod get_files;
mod get_many;
mod get_stream;
mod glob;
mod info;
mod list;
mod object_attributes;
mod orphans;
mod presign;
mod put;
mod put_files;
mod put_many;
mod recursive;
mod restore;
mod resume;
mod sync;
mod tags;
mod versions;

pub use bucket::{CreateBucket, DeleteBucket, ListBuckets};
pub use copy::CopyObject;
pub use delete::{Delete, DeleteMany};
pub use discard::Discard;
pub use get::Get;
pub use get_files::GetFiles;
pub use get_many::GetMany;
pub use get_stream::ByteStream;
pub use glob::Glob;
pub use info::{Info, InfoMany};
pub use list::{List, ListPaths, ListRecursive};
pub use object_attributes::GetObjectAttributes;
pub use orphans::{Cleanup, Orphans};
pub use presign::Presign;
pub use put::Put;
pub use put_files::PutFiles;
pub use put_many::PutMany;
pub use recursive::GetRecursive;
pub use restore::Restore;
pub use resume::{ResumeCopy, ResumeDownload, ResumeUpload};
pub use sync::{SyncDirectories, SyncStream, SyncSummary};
pub use tags::{GetTags, SetTags};
pub use versions::{GetVersioning, ListVersions, SetVersioning};
