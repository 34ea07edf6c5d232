//! `completions`: prints a shell completion script.

use clap::Args;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::failure::Failure;
use crate::session::Session;

/// Print a shell completion script
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  mfs3 completions bash > ~/.local/share/bash-completion/completions/mfs3"
)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

pub(crate) async fn run(arguments: CompletionsArgs, session: Session) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::definition(), "mfs3", &mut script);
    session.report.data(&script);
    Ok(())
}
