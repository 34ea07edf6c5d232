//! Shared copy engine of `cp`, `mv` and `pipe`.
//!
//! ```text
//! arguments ─► Plan (direction, naming) ─► pages of Tasks ─► fan-out ─► one report line per Task
//! ```

mod attributes;
mod content_type;
mod job;
mod modified;
pub(super) mod name_list;
mod options;
mod plan;
mod removal;
mod source;
mod stream_size;
mod task;
mod upload_body;
mod verify;

pub(super) use attributes::AttributeArgs;
pub(super) use job::{copy_all, shown};
pub(super) use options::CopyArgs;
