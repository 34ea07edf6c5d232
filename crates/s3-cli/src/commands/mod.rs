//! The subcommands of `mfs3`, each in a file of its own.

mod cat;
mod command;
mod completions;
mod copy;
mod cp;
mod doctor;
mod du;
mod find;
mod info;
mod ls;
mod man;
mod mb;
mod pipe;
mod presign;
mod rb;
mod restore;
mod resume_args;
mod rm;
mod run;
mod serve;
mod sweep;
mod sync;

pub(crate) use command::Command;
