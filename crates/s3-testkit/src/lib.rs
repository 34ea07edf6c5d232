//! Test tools for S3 clients: an in-process S3 server, fault injection, a request log, and the conformance suite of
//! [`Store`](s3_core::Store).
#![doc = include_str!("guide.md")]

mod call;
pub mod conformance;
mod faults;
mod proxy;
mod ramp;
mod request_log;
mod server;
pub mod strategy;

pub use call::Call;
pub use faults::{
    Delivered, FaultAction, FaultMatch, FaultPlan, FaultRule, FaultStore, Faults, ListFault,
    Position,
};
pub use proxy::ConnectProxy;
pub use ramp::{assert_ramp, ramp, ramp_byte};
pub use request_log::{Recorded, RequestLog};
pub use server::{BlockingServer, S3Server, S3ServerBuilder};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
