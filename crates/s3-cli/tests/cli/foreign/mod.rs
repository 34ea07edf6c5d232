//! The binary against a server of another project, over TCP.
//!
//! The server is s3s-fs, in this process, or the one that `MFS3_TEST_ENDPOINT` names. A test that a server cannot pass
//! is listed in [`known_failures`] with the reason, and has to fail.

mod addressing;
mod conditions;
mod copying;
mod exit_codes;
mod killed;
mod known_failures;
mod listing;
mod relay;
mod server;
mod streams;
mod syncing;
mod versions;

use server::{Foreign, check};
