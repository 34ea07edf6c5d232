//! Recorded vectors: behaviour of Metaflow's S3 client, replayed through this client.
//!
//! A file holds one vector on each line: the existing objects, the arguments of the client, its calls, and the outcome
//! of the reference. [`Vector::read`] is strict, so that nothing is overlooked. [`run`] plays the [`Scenario`] through
//! the client on either [`Backend`], [`Demand`] is the required outcome, and [`replay`] does both for whole files.
//!
//! ```text
//! line ── Vector ──┬── Scenario ── run ──► Outcome of the client ──┐
//!                  │        └──── Model ─► promise, reference ─┐   ├─► Difference …
//!                  └── Recorded ──────────────────► Demand ◄───┘───┘
//! ```

mod argument;
mod backend;
mod build;
mod call;
pub(crate) mod content;
mod deviation;
mod difference;
mod fields;
mod judge;
mod malformed;
mod names;
pub(crate) mod outcome;
pub(crate) mod pair;
mod perform;
mod player;
pub(crate) mod python;
pub(crate) mod record;
mod recorded;
mod replay;
mod run;
mod seed;
mod show;
mod stream;
pub(crate) mod untypable;
mod vector;

pub use argument::{Argument, Record};
pub use backend::Backend;
pub use call::{Bound, Call, Step};
pub use deviation::{Change, Deviation, Deviations};
pub use difference::{Difference, differences};
pub use judge::Demand;
pub use malformed::Malformed;
pub use outcome::Outcome;
pub use recorded::Recorded;
pub use replay::{Replayed, Verdict, replay};
pub use run::{Circumstances, run, run_with};
pub use seed::{Effect, Fault, LocalFile, Stored};
pub use untypable::Untypable;
pub(crate) use vector::fails_many;
pub use vector::{Scenario, Vector};
