//! Reference model of the client: predicts the outcome of a scenario, with or without Metaflow's quirks.
//!
//! A [`Model`] plays a [`Scenario`](crate::vectors::Scenario) on buckets that are maps and returns the expected
//! outcome. It shares no code with the client: roots, keys, ranges, listings and retries are implemented again from
//! `docs/SEMANTICS.md`. It predicts two outcomes:
//!
//! * without any [`Quirk`], the one that the client promises;
//! * with all of them, that of the reference, Metaflow's client. This outcome must equal every recorded vector, which
//!   proves that the model describes the reference, and that a deviation is exactly its quirk and nothing else.
//!
//! The model is deliberately slow and simple: bodies are copied, listings are filtered from the whole bucket.

mod attempt;
mod client;
mod exception;
mod get;
mod info;
mod list;
mod local;
mod object;
mod place;
mod play;
mod pseudo;
mod put;
mod quirk;
mod root;
mod server;
mod shown_result;

pub use play::Model;
pub(crate) use put::{NON_SEEKABLE, is_binary};
pub use quirk::{Quirk, Quirks};
