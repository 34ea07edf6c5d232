//! Model of the client as a pure function, with or without the quirks of Metaflow's.
//!
//! A [`Model`] plays a [`Scenario`](crate::vectors::Scenario) on buckets that are maps and says what comes out. It
//! shares no rule with the client: roots, keys, ranges, listings and retries are written down here once more, as
//! `docs/SEMANTICS.md` tells them. Two outcomes can be asked for:
//!
//! * without any [`Quirk`], what the client promises;
//! * with all of them, what the reference does. Every recorded vector has to come out of this side, which proves that
//!   the model knows the reference, and that a deviation is exactly its quirk and nothing else.
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
