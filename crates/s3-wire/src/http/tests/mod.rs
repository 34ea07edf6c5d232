//! Tests of the HTTP client with servers that follow the protocol, and servers that break it.

mod connections;
mod early;
mod proxy;
mod responses;
mod server;
mod splits;
#[cfg(feature = "https")]
mod tls;
mod uploads;
