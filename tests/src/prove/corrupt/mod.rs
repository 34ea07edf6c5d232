//! Property `corrupt`: corrupted response bodies are detected whenever a checksum or a length can tell.
//!
//! Objects of a few thousand bytes are read in parts of random size, whole or by range, into memory or a file, over a
//! store that corrupts the bodies it returns. A case fails if a read succeeds with wrong bytes although
//!
//! * the server sent a CRC of the whole object and the whole object was read, or
//! * only lengths were wrong: a body was too long, or the server returned another range than requested.
//!
//! The remaining wrong reads are counted as `undetectable`. They happen only without a CRC that covers the read (for a
//! range, or if the server sends no checksum, a digest, or the checksum of a part), and only in these forms:
//!
//! * bytes replaced by as many others;
//! * bytes missing from the middle of a body that ends early, or repeated in it: the client sees an interrupted
//!   connection and keeps the received bytes;
//! * any corruption in the middle of a body that is longer than requested because the server ignores ranges: the client
//!   does not read it to its end.

mod case;
mod corruption;
mod layout;
mod store;

pub(super) use case::case;
