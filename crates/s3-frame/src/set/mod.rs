//! Writes, finds and replaces datasets that consist of several objects (parts), with a JSON manifest.
//!
//! A *part* here is a data file of a dataset, not a part of a multipart upload.

mod existing;
mod location;
mod manifest;
mod object;
mod orphans;
mod part;
mod part_order;
mod part_upload;
mod pattern;
mod publish;
mod request;
mod split;
mod writer;

pub use existing::Existing;
pub(crate) use location::{Numbering, PartNumbers, SetLocation};
pub use manifest::{Manifest, ManifestPart, Manifests};
pub(crate) use object::write_object;
pub(crate) use orphans::remove_orphans;
pub(crate) use part::Part;
pub(crate) use part_order::PartOrder;
pub(crate) use pattern::find;
pub(crate) use request::set_request;
pub use split::Split;
pub(crate) use writer::{EncodePart, SetFormat, SetWriter, WriteOptions};
