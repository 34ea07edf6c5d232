//! [`Source`]: a source argument of a copy: walks a directory, lists objects or reads names, into pages of tasks.

use std::fs;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt, stream};
use s3_client::{LocalEntry, LocalWalk};

use super::name_list::{BadName, NameList, check_below};
use super::plan::Plan;
use super::task::{LocalSource, RemoteSource, Task, Work};
use crate::address::{Remote, path_text};
use crate::failure::Failure;
use crate::listing::{Listed, Named};
use crate::report::Input;
use crate::session::Session;

/// Number of files of a walk in a page.
const PAGE: usize = 256;

/// A parsed source argument.
#[derive(Debug)]
pub(super) enum Source {
    Stdin,
    /// One local file.
    File(PathBuf),
    /// Everything below a local directory.
    Directory(PathBuf),
    /// One object.
    Object(Remote),
    /// The objects of a listing.
    Listing(Remote, Box<Listed>),
    /// Names below a local directory.
    LocalNames(PathBuf, NameList),
    /// Names below a remote directory.
    RemoteNames(Remote, NameList),
}

/// Pages of tasks. Failures are tasks too, so that the remaining sources are still read.
pub(super) type Pages = Pin<Box<dyn Stream<Item = Vec<Task>> + Send>>;

impl Source {
    /// Returns the inputs as pages of tasks, each with its destination.
    pub(super) fn pages(self, plan: &Arc<Plan>, session: &Session) -> Pages {
        let plan = Arc::clone(plan);
        match self {
            Self::Stdin => one(plan.upload(LocalSource::Stdin, "-", None)),
            Self::File(path) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                match plan.arguments.filter.admits(&name) {
                    true => one(file(&plan, &path, None)),
                    false => one(None),
                }
            }
            Self::Directory(path) => directory(plan, &path, session),
            Self::Object(remote) => one(object(&plan, &remote)),
            Self::Listing(remote, listed) => listing(plan, remote, *listed, session),
            Self::LocalNames(path, names) => {
                let root = Arc::from(&*path);
                named(names, plan, path_text(&path), move |plan, name| {
                    let name = name.and_then(|name| match check_below(&name) {
                        Ok(()) => Ok(name),
                        Err(failure) => Err(BadName { name, failure }),
                    });
                    match name {
                        Ok(name) => file(plan, &path.join(&name), Some((name, &root))),
                        Err(bad) => Some(plan.failed_file(bad.name, bad.failure)),
                    }
                })
            }
            Self::RemoteNames(remote, names) => {
                let base = remote.directory_key();
                named(names, plan, remote.to_string(), move |plan, name| {
                    let (name, url) = match name {
                        Ok(name) => {
                            let url = remote.with_key(&format!("{base}{name}"));
                            (name, url)
                        }
                        Err(bad) => (bad.name, Err(bad.failure)),
                    };
                    match url {
                        Ok(url) => plan.remote(RemoteSource { url, etag: None }, &name, None),
                        Err(failure) => Some(plan.failed(name, failure)),
                    }
                })
            }
        }
    }
}

fn one(task: Option<Task>) -> Pages {
    stream::iter(task).map(|task| vec![task]).boxed()
}

/// Returns the task of a local file. Its name below the source is its last component, or the name in `found` with the
/// directory that it was found in.
fn file(plan: &Plan, path: &Path, found: Option<(String, &Arc<Path>)>) -> Option<Task> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            let failure =
                Failure::local("it is a directory").with_hint("use -r to copy its contents");
            return Some(plan.failed_file(path_text(path), failure));
        }
        Ok(_) if plan.arguments.no_follow_symlinks && path.is_symlink() => {
            let failure = Failure::local("it is a symbolic link");
            return Some(plan.failed_file(path_text(path), failure));
        }
        Ok(metadata) => metadata,
        Err(error) => {
            let failure = Failure::of_file("read", path, &error);
            return Some(plan.failed_file(path_text(path), failure));
        }
    };
    let name = path
        .file_name()
        .and_then(|name| name.to_str().map(str::to_owned));
    let (below, root) = found.unzip();
    let Some(below) = below.or(name) else {
        let failure = Failure::local("the name is not UTF-8, so it cannot be a key");
        return Some(plan.failed_file(path_text(path), failure));
    };
    let source = LocalSource::File {
        path: path.to_owned(),
        modified: metadata.modified().ok(),
        root: root.cloned(),
    };
    let size = metadata.is_file().then_some(metadata.len());
    plan.upload(source, &below, size)
}

fn object(plan: &Plan, remote: &Remote) -> Option<Task> {
    match remote.url() {
        Ok(url) if !plan.arguments.filter.admits(url.file_name()) => None,
        Ok(url) => {
            let name = url.file_name().to_owned();
            plan.remote(RemoteSource { url, etag: None }, &name, None)
        }
        Err(failure) => Some(plan.failed(remote.to_string(), failure)),
    }
}

fn directory(plan: Arc<Plan>, path: &Path, session: &Session) -> Pages {
    let arguments = &plan.arguments;
    let walk = LocalWalk::new(
        path,
        !arguments.no_follow_symlinks,
        arguments.filter.clone().into_path_filter(),
    );
    let walk = match walk {
        Ok(walk) => walk,
        Err(error) => return one(Some(plan.failed_file(path_text(path), error.into()))),
    };
    // With `--flatten`, a directory has no name below the destination.
    let walk = match arguments.empty_dirs && !arguments.flatten {
        true => walk.with_directories(),
        false => walk,
    };
    let report = session.report.clone();
    let root: Arc<Path> = path.into();
    stream::unfold(Some(walk), move |walk| {
        let (plan, report, root) = (Arc::clone(&plan), report.clone(), Arc::clone(&root));
        async move {
            let mut walk = walk?;
            let read = tokio::task::spawn_blocking(move || {
                let found: Vec<_> = walk.by_ref().take(PAGE).collect();
                (walk, found)
            });
            let (walk, found) = match read.await {
                Ok(read) => read,
                Err(error) => {
                    let failure = Failure::local(error.to_string());
                    return Some((vec![plan.failed_file(String::new(), failure)], None));
                }
            };
            if found.is_empty() {
                return None;
            }
            let tasks = found.into_iter().filter_map(|found| match found {
                LocalEntry::File(file) => {
                    let source = LocalSource::File {
                        path: file.path,
                        modified: file.modified,
                        root: Some(Arc::clone(&root)),
                    };
                    plan.upload(source, &file.below, Some(file.size))
                }
                LocalEntry::Directory(found) if found.is_empty => {
                    let source = LocalSource::Directory {
                        path: found.path,
                        root: Some(Arc::clone(&root)),
                    };
                    plan.upload(source, &found.below, Some(0))
                }
                LocalEntry::Unreadable(path, error) => {
                    Some(plan.failed_file(path_text(&path), error.into()))
                }
                LocalEntry::Special(path) => {
                    report.warn(&format!("{} is no regular file; skipped", path.display()));
                    let input = Input::new(plan.file_operation(), path_text(&path));
                    report.skipped(&input, "no regular file");
                    None
                }
                _ => None,
            });
            Some((tasks.collect(), Some(walk)))
        }
    })
    .boxed()
}

fn listing(plan: Arc<Plan>, remote: Remote, listed: Listed, session: &Session) -> Pages {
    let pages = listed.pages(session, plan.arguments.filter.clone());
    pages
        .map(move |page| match page {
            Ok(page) => page
                .into_iter()
                .filter_map(|named| listed_object(&plan, named))
                .collect(),
            Err(failure) => vec![plan.failed(remote.to_string(), failure)],
        })
        .boxed()
}

fn listed_object(plan: &Plan, named: Named) -> Option<Task> {
    let below = named.below().to_owned();
    if plan.is_below_destination(&named.object.url, &below) {
        return None;
    }
    let source = RemoteSource {
        url: named.object.url,
        etag: named.object.etag,
    };
    plan.remote(source, &below, Some(named.object.size))
}

fn named(
    names: NameList,
    plan: Arc<Plan>,
    source: String,
    task: impl Fn(&Plan, Result<String, BadName>) -> Option<Task> + Send + 'static,
) -> Pages {
    let pages = match names.pages() {
        Ok(pages) => pages,
        Err(failure) => return one(Some(plan.failed(source, failure))),
    };
    pages
        .map(move |page| match page {
            Ok(names) => {
                let filter = &plan.arguments.filter;
                let names = names.into_iter();
                // An invalid name is reported even if the filter excludes it.
                let names =
                    names.filter(|name| name.as_ref().map_or(true, |name| filter.admits(name)));
                names.filter_map(|name| task(&plan, name)).collect()
            }
            Err(failure) => vec![plan.failed(source.clone(), failure)],
        })
        .boxed()
}

impl Work {
    /// Returns the object that a download or copy reads; `None` for uploads and failures.
    pub(super) fn remote_source(&self) -> Option<&RemoteSource> {
        match self {
            Self::Download { from, .. } | Self::Copy { from, .. } => Some(from),
            _ => None,
        }
    }
}
