//! Writing objects: one request for what is small, parts for what is large or of unknown length.

mod abort;
mod begin;
mod copy;
mod item;
mod multipart;
mod object;
mod reader;
mod reconcile;
mod token;
mod unfinished;

pub use item::{PutItem, PutOutcome, Source};
