//! Resumable transfers: uploads and downloads of files, and copies within the server, survive a killed process.
//!
//! A transfer of several parts has a journal: a file with a header, which names the source and the target, and a record
//! for each complete part. The next transfer between them reads it and transfers the rest. No record is trusted: a part
//! of an upload counts if the journal has it, the server lists it with the same size and ETag, and the bytes of the
//! file have the recorded CRC; a part of a download counts if the bytes of the partial file have it. A part of a copy
//! has no bytes here: all parts are copied from one ETag, which is in the header.
//!
//! ```text
//! upload:    create ─► header, fsync ─► send a part ─► record ─► … ─► complete ─► remove the journal
//! copy:      HEAD ─► create ─► header, fsync ─► copy a part ─► record ─► … ─► complete ─► remove the journal
//! download:  HEAD ─► header, fsync ─► write a part ─► record ─► … ─► fsync, rename ─► remove the journal
//! ```
//!
//! A power failure may lose parts, or records of them. It cannot produce a wrong part: bytes that did not reach the
//! disk have another CRC.

mod content;
mod download;
mod events;
mod journal;
mod kept;
mod parts;
mod upload;

pub use download::FileDownload;
pub(crate) use download::{FileTarget, download};
pub(crate) use kept::PARTIAL_SUFFIX;
pub use kept::{Kept, KeptTransfer, Resume};
pub(crate) use upload::{FileUpload, copy, upload};
