//! Every operation under every fault at every place, once, three times and for ever: what must come of it is derived
//! from rules, and how long it may take as well.
//!
//! * `operation.rs`: what the facade does, with the requests that it sends, and whether the result is right.
//! * `fault.rs`: what goes wrong, where, what it means and what it costs.
//! * `rule.rs`: from both, and from how often it happens, what must come of it and by when.
//! * `way.rs`: how requests get to the server, and with what.
//! * `matrix.rs`: all combinations that exist.
//! * `absence.rs`: every operation while nobody listens at the port.
//! * `stage.rs`: plays them over TCP in virtual time.

mod absence;
mod fault;
mod matrix;
mod operation;
mod rule;
mod stage;
mod way;
