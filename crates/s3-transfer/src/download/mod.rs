//! Reading objects: one ranged read to learn the size, the other parts in parallel, into memory or a file.
//!
//! ```text
//! GetItem ─► first part ──answer──► all of it: straight to its place ───────────────► Fetched
//!                 │                                                                     ▲
//!                 └──answer──► more follows: Landing (memory | file) ◄── other parts ───┘
//! ```
//!
//! What an object of one part needs is one job and its state. A landing with room for all parts, and the tasks that
//! read them, come into being when the first answer says that there are more.

mod file_part;
mod first;
mod item;
mod landing;
mod memory;
mod object;
mod part;
mod rest;
mod segment;
mod verified;

pub use item::{Destination, Fetched, GetItem, KnownObject, ObjectData};
pub use memory::{MemoryBudget, MemoryShare};
pub use verified::{NotVerified, Verified};
