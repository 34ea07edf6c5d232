//! Workloads through other clients: object_store, OpenDAL and the AWS SDK, as a good user writes them.
//!
//! That is a task for each request, 64 at once, big objects in 16 parts of 16 MiB at once, files read and written as
//! their documentation shows.
//!
//! They get what a user of theirs would know to set, and no more: no tuned runtime, no settings found by measuring.

mod concurrent;
mod object_store;
mod opendal;
mod run;
mod sdk;

pub(crate) use run::run;
