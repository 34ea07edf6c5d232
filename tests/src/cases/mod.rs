//! Replays recorded cases: configurations and responses on which clients have failed, with the right outcome.
//!
//! A case is a folder with input files and `case.json`; tests/cases/README.md documents the format. `description`
//! parses it, or derives it from `CASE.md` if it is missing; `fields` rejects unknown fields. `run` starts a scripted
//! `server` and runs the client in its own process, because variables and working directory belong to the case, and
//! `verdict` compares the outcome with the right one.

mod call;
mod derive;
mod description;
mod fields;
mod run;
mod server;
mod signature;
mod tls;
mod verdict;
mod warnings;

pub use call::perform;
pub use description::{Case, NotACase};
pub use run::run;
