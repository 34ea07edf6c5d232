//! Servers that keep to the rules, and servers that do not.

mod connections;
mod early;
mod proxy;
mod responses;
mod server;
mod splits;
#[cfg(feature = "https")]
mod tls;
mod uploads;
