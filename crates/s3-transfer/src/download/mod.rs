//! Downloads: one ranged GET returns the size, then parallel GETs read the rest, to memory, a file or a reader.
//!
//! ```text
//! GetItem ─► first part ──response──► the whole object: straight to its storage ─────────────► Fetched
//!                 │                                                                              ▲
//!                 ├──response──► more parts: Assembly (memory | file) ◄── later parts ───────────┘
//!                 └──response──► frames ──► ObjectReader ◄── frames of later parts, read ahead
//! ```
//!
//! An object of one part is one job. Storage for several parts, and the tasks that read them, are created when the first
//! response tells that there are more.

mod assembly;
mod checksum;
mod file_part;
mod first_part;
mod frames;
mod item;
mod lazy_path;
mod memory;
mod object;
mod open;
mod part;
mod part_state;
mod part_storage;
mod processor_load;
mod ranges;
mod read_ahead;

pub use checksum::{NotVerified, Verified};
pub use item::{Destination, Fetched, GetItem, KnownObject, ObjectData};
pub use lazy_path::LazyPath;
pub use memory::{MemoryBudget, MemoryShare};
pub use open::ObjectReader;
