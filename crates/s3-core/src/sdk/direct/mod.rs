//! The direct request path: GET, HEAD, PUT, `UploadPart` and `ListObjectsV2` without the generated client.
//!
//! The flow of a request: a [`target`] says where requests for its bucket go, by the SDK's own endpoint rules;
//! [`read`], [`write`] or [`list`] says what is asked, with [`digest`] for what protects a payload and [`verify`] for
//! what an object must add up to; [`send`] takes an [`identity`](super::identity) and the time from the
//! [`clock`](super::clock), lets [`sign`] write the head, and hands it to the wire. The generated client's readers of
//! answers are left out too: headers and documents are read where they lie. [`lost`] says what it means that there is no
//! answer.

mod digest;
mod list;
mod lost;
mod path;
mod read;
mod send;
pub(super) mod target;
#[cfg(test)]
mod tests;
mod verify;
mod write;

pub(super) use list::page;
pub(super) use path::Direct;
pub(super) use read::{get, head};
pub(super) use write::{part, put};
