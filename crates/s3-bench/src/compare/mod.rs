//! `s3-bench compare`: clients against each other and against the floor.
//!
//! Every figure comes from processes of their own: the origin stays on one core, the client on another, and the
//! clients take turns, so that whatever disturbs the machine disturbs all of them alike.

pub(crate) mod child;
mod command;
pub(crate) mod orphans;
mod regime;
mod row;
pub(crate) mod server_process;
mod sources;
mod table;

pub(crate) use command::{Arguments, run};
