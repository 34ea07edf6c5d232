//! Property `corrupt`: corrupted response bodies are detected whenever a checksum or a length can tell.
//!
//! Objects of a few thousand bytes are read in parts of random size, whole or by range, into memory or a file, over a
//! store that corrupts the bodies it returns. A case fails if a read succeeds with wrong bytes although
//!
//! * the server sent a CRC of the whole object and the whole object was read, or
//! * nothing but lengths were wrong: bodies that are too long or ranges that were not asked for.
//!
//! What remains is counted as `undetectable` and can only be this, always without a CRC that covers the read (ranges,
//! no checksum, a digest, the checksum of a part):
//!
//! * bytes replaced by as many others;
//! * bytes missing from the middle, or coming twice, in a body that ends early: to its reader it is the body of a
//!   connection that broke, and what has come is kept;
//! * any corruption in the middle of a body that holds more than was asked for, because the server ignores ranges: its end
//!   is not waited for.

mod case;
mod corruption;
mod layout;
mod store;

pub(super) use case::case;
