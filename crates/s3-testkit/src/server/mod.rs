//! [`S3Server`]: an in-process S3 server on 127.0.0.1, for any store.
//!
//! [`s3_server`] implements the protocol over a [`Store`](s3_core::Store); the test kit adds faults and the request log.
//!
//! ```text
//!  TCP ─ hyper (HTTP/1.1) ─ request_log ─ faults ─ s3_server ─ Store
//! ```

mod accept;
mod blocking;
mod builder;
mod connection;
mod connection_control;
mod request_handler;
mod s3_server;
mod socket_activity;

pub use blocking::BlockingServer;
pub use builder::S3ServerBuilder;
pub(crate) use connection_control::ConnectionControl;
pub use s3_server::S3Server;
