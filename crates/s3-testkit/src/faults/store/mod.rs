//! Injects faults into the calls of any store, without HTTP.

mod as_http;
mod fault_store;
mod faulty_body;

use as_http::CallContext;
pub use fault_store::FaultStore;
