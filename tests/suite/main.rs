//! The facade over HTTP: request counts, bad input, nothing left behind, blocking calls.

mod bad_input;
mod blocking;
mod cleanup;
mod ledger;
