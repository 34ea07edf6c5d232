//! Faults on any store, without HTTP.

mod calls;
mod cut;
mod wrapper;

use calls::Context;
pub use wrapper::FaultStore;
