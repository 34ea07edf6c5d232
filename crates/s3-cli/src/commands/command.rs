//! [`Command`]: the enum of all subcommands with their arguments, names and dispatch.

use std::pin::Pin;

use clap::Subcommand;

use super::{
    cat, completions, cp, doctor, du, find, info, ls, man, mb, pipe, presign, rb, restore, rm, run,
    serve, sweep, sync,
};
use crate::failure::Failure;
use crate::session::Session;

/// Defines the enum of all commands, their names and their dispatch.
macro_rules! commands {
    ($($variant:ident $name:literal $arguments:ty => $run:path;)*) => {
        /// A command with its arguments.
        #[derive(Debug, Subcommand)]
        pub(crate) enum Command {
            $($variant($arguments),)*
        }

        impl Command {
            /// Returns the command's name.
            pub(crate) const fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)*
                }
            }

            /// Runs the command. The future is boxed because `run` calls this recursively.
            pub(crate) fn run(
                self,
                session: Session,
            ) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>> {
                match self {
                    $(Self::$variant(arguments) => Box::pin($run(arguments, session)),)*
                }
            }
        }
    };
}

commands! {
    Ls "ls" ls::LsArgs => ls::run;
    Cp "cp" cp::CpArgs => cp::run;
    Mv "mv" cp::MvArgs => cp::run_mv;
    Rm "rm" rm::RmArgs => rm::run;
    Sync "sync" sync::SyncArgs => sync::run;
    Cat "cat" cat::CatArgs => cat::run;
    Pipe "pipe" pipe::PipeArgs => pipe::run;
    Info "info" info::InfoArgs => info::run;
    Du "du" du::DuArgs => du::run;
    Find "find" find::FindArgs => find::run;
    Presign "presign" presign::PresignArgs => presign::run;
    Restore "restore" restore::RestoreArgs => restore::run;
    Mb "mb" mb::MbArgs => mb::run;
    Rb "rb" rb::RbArgs => rb::run;
    Run "run" run::RunArgs => run::run;
    Serve "serve" serve::ServeArgs => serve::run;
    Sweep "sweep" sweep::SweepArgs => sweep::run;
    Doctor "doctor" doctor::DoctorArgs => doctor::run;
    Completions "completions" completions::CompletionsArgs => completions::run;
    Man "man" man::ManArgs => man::run;
}

impl Command {
    /// Returns whether the command reads standard input.
    pub(crate) fn reads_stdin(&self) -> bool {
        match self {
            Self::Pipe(_) => true,
            Self::Cp(arguments) => arguments.reads_stdin(),
            Self::Mv(arguments) => arguments.reads_stdin(),
            Self::Rm(arguments) => arguments.reads_stdin(),
            _ => false,
        }
    }
}
