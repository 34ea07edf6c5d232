//! Reading objects: one ranged read to learn the size, the other parts in parallel, into memory or a file.
//!
//! ```text
//! GetItem ─► first part ──headers──► size, ETag ─► other parts, pinned to the ETag
//!                │                                     │
//!                └────────► Landing (memory | file) ◄──┘ ─► Fetched
//! ```

mod item;
mod landing;
mod object;
mod part;
mod segment;

pub use item::{Destination, Fetched, GetItem, KnownObject, Landed};
