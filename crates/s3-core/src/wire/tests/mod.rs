//! Servers that keep to the rules, and servers that do not.

mod answers;
mod connections;
mod early;
mod server;
mod splits;
#[cfg(feature = "https")]
mod tls;
mod uploads;
