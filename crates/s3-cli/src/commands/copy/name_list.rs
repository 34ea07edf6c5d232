//! `--files-from`: reads the names of inputs from a file or standard input, separated by line breaks or NUL bytes.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Component, Path, PathBuf};

use clap::Args;
use futures_util::{Stream, stream};

use crate::failure::Failure;

/// Maximum number of names in a page.
const PAGE: usize = 1000;

/// Where the names of inputs come from.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct NameList {
    /// Read names below the source from FILE or -
    #[arg(long, value_name = "FILE")]
    files_from: Option<PathBuf>,
    /// Names of --files-from end with a NUL byte
    #[arg(short = '0', long = "null", requires = "files_from")]
    nul: bool,
}

/// A line that is not a valid name.
#[derive(Debug)]
pub(crate) struct BadName {
    /// The line as it is printed.
    pub(crate) name: String,
    pub(crate) failure: Failure,
}

/// A page of names, some of which may be invalid.
pub(crate) type NamePage = Vec<Result<String, BadName>>;

impl NameList {
    /// Returns whether `--files-from` is given.
    pub(crate) fn is_given(&self) -> bool {
        self.files_from.is_some()
    }

    /// Returns whether the list is standard input.
    pub(crate) fn is_stdin(&self) -> bool {
        self.files_from
            .as_ref()
            .is_some_and(|path| path.as_os_str() == "-")
    }

    /// Returns the names, page by page. Each page is read when it is needed.
    pub(crate) fn pages(
        self,
    ) -> Result<impl Stream<Item = Result<NamePage, Failure>> + Send + 'static, Failure> {
        let path = self.files_from.unwrap_or_else(|| PathBuf::from("-"));
        let reader: Box<dyn Read + Send> = match path.to_str() {
            Some("-") => Box::new(io::stdin()),
            _ => {
                let file = File::open(&path);
                Box::new(file.map_err(|error| Failure::of_file("read", &path, &error))?)
            }
        };
        let end = if self.nul { 0 } else { b'\n' };
        let reader = Some(BufReader::new(reader));
        Ok(stream::unfold(reader, move |reader| async move {
            let mut reader = reader?;
            let read = tokio::task::spawn_blocking(move || {
                let page = page(&mut reader, end);
                (reader, page)
            });
            let (reader, page) = match read.await {
                Ok((reader, page)) => (reader, page),
                Err(error) => return Some((Err(Failure::local(error.to_string())), None)),
            };
            match page {
                Ok(names) if names.is_empty() => None,
                Ok(names) => Some((Ok(names), Some(reader))),
                Err(failure) => Some((Err(failure), None)),
            }
        }))
    }
}

/// Reads the next page of names; it is empty at the end.
fn page(reader: &mut impl BufRead, end: u8) -> Result<NamePage, Failure> {
    let mut names = Vec::new();
    let mut bytes = Vec::new();
    while names.len() < PAGE {
        bytes.clear();
        let read = reader.read_until(end, &mut bytes);
        if read.map_err(|error| Failure::local(format!("read --files-from: {error}")))? == 0 {
            break;
        }
        if bytes.last() == Some(&end) {
            bytes.pop();
        }
        if bytes.is_empty() {
            continue;
        }
        let name = String::from_utf8(bytes.clone());
        names.push(name.map_err(|error| BadName {
            name: String::from_utf8_lossy(error.as_bytes()).into_owned(),
            failure: Failure::usage("the name is not UTF-8, so it cannot be a key"),
        }));
    }
    Ok(names)
}

/// Returns an error for a name that is not below a local source.
pub(super) fn check_below(name: &str) -> Result<(), Failure> {
    let mut components = Path::new(name).components();
    match components.all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        true => Ok(()),
        false => Err(Failure::usage(
            "the name points outside the source directory",
        )),
    }
}
