//! Workloads through this client, with default settings.

pub(crate) mod asynchronous;
pub(crate) mod blocking;
