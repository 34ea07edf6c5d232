//! The workloads through this client, as its users write them, with default settings.

pub(crate) mod asynchronous;
pub(crate) mod blocking;
