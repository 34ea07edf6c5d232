//! `man`: prints the manual page, or writes the manual pages of all commands to a directory.

use std::fs;
use std::io;
use std::path::PathBuf;

use clap::Args;
use clap_mangen::Man;

use crate::cli::Cli;
use crate::failure::Failure;
use crate::session::Session;

/// Print the manual page, or write all pages to a directory
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  mfs3 man ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// The directory
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

pub(crate) async fn run(arguments: ManArgs, session: Session) -> Result<(), Failure> {
    let definition = Cli::definition();
    let Some(directory) = arguments.directory else {
        session.report.data(&page(&Man::new(definition))?);
        return Ok(());
    };
    let failed = |error: io::Error| Failure::of_file("write", &directory, &error);
    fs::create_dir_all(&directory).map_err(failed)?;
    for command in definition
        .get_subcommands()
        .filter(|command| command.get_name() != "help")
    {
        let name = format!("mfs3-{}", command.get_name());
        let page = page(&Man::new(command.clone()).title(&name))?;
        fs::write(directory.join(format!("{name}.1")), page).map_err(failed)?;
    }
    fs::write(directory.join("mfs3.1"), page(&Man::new(definition))?).map_err(failed)
}

fn page(manual: &Man) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    let rendered = manual.render(&mut page);
    rendered.map_err(|error| Failure::local(format!("write the manual page: {error}")))?;
    Ok(page)
}
