//! Cases: recorded configurations and responses that clients have failed on, with the right outcome.
//!
//! A case is a folder with input files and `case.json`; tests/cases/README.md documents the format. `description` reads
//! it, or derives it from `CASE.md` without one; `fields` rejects unknown ones. `run` starts a scripted `server` and
//! the client in a process of its own, because variables and working directory belong to the case, and `verdict`
//! compares the outcome with the right one.

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
