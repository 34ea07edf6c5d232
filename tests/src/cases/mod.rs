//! Cases: recorded configurations and responses that clients have failed on, and what is right.
//!
//! A case is a folder with input files and `case.json`; tests/cases/README.md documents the format. `description`
//! reads it, or derives it from `CASE.md` without one; `fields` rejects what it does not know. `run` starts a scripted `server` and the client in a
//! process of its own, because variables and working directory belong to the case, and `verdict` compares what came
//! back with what is right.

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
