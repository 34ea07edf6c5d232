//! `get_files`: downloads many objects in parallel, each to its own local file.

use std::collections::{HashMap, HashSet};
use std::io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use s3_transfer::{Destination, GetItem};

use super::get::{check_file, read, resolve};
use crate::call::Call;
use crate::dedup::run_distinct;
use crate::error::{Error, Result};
use crate::lookup::{return_info, return_missing};
use crate::on_failure::many_op;
use crate::request::{Mode, Op, Request};
use crate::s3::Client;
use crate::{BatchError, GetObject, OnFailure, Outcome, ReadOutput, S3Object};

/// The operation of [`get_files`](Client::get_files).
#[derive(Clone, Debug)]
pub struct GetFiles<T = S3Object> {
    on_failure: OnFailure,
    objects: Vec<(GetObject, PathBuf)>,
    return_info: bool,
    output: PhantomData<fn() -> T>,
}

impl<M: Mode> Client<M> {
    /// Downloads many objects, or ranges of them, in parallel, each to its own local file: pairs of key and path.
    ///
    /// Returns one object per input, in input order. A file appears when it is complete, and replaces an existing one.
    /// Its directory must exist, and no two inputs may have the same path; both are checked before the first request.
    /// Closing the client does not remove the files. Requests as [`get`](Self::get).
    ///
    /// # Errors
    ///
    /// The first failure ends the call unless [`on_failure`](Request::on_failure) says otherwise. The error is that of the
    /// failing input with the lowest index; see [`BatchError`](crate::BatchError). Files that are complete by then stay.
    /// Classes as in [`get`](Self::get); class `Other` for a path that cannot become a file, where nothing was sent.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put_many([("s3://b/1", "one"), ("s3://b/2", "two")]).await?;
    /// let directory = s3.scratch_path().expect("it is open");
    ///
    /// let files = [("s3://b/1", directory.join("1.txt")), ("s3://b/2", directory.join("2.txt"))];
    /// let objects = s3.get_files(files).await?;
    /// assert_eq!(objects[1].path()?, directory.join("2.txt"));
    /// assert_eq!(std::fs::read_to_string(directory.join("1.txt"))?, "one");
    /// # Ok(()) }
    /// ```
    pub fn get_files<K, P>(&self, files: impl IntoIterator<Item = (K, P)>) -> Request<GetFiles, M>
    where
        K: Into<GetObject>,
        P: Into<PathBuf>,
    {
        let files = files.into_iter();
        let objects = files.map(|(key, path)| (key.into(), path.into())).collect();
        self.request(GetFiles {
            on_failure: OnFailure::Stop,
            objects,
            return_info: true,
            output: PhantomData,
        })
    }
}

return_missing!(GetFiles<S3Object> { on_failure, objects, return_info });
return_info!(GetFiles);

impl<T: ReadOutput<Object = S3Object> + Into<Outcome>> Op for GetFiles<T> {
    type Output = Vec<T>;

    const NAME: &'static str = "get_files";

    async fn run(self, call: Call) -> Result<Vec<T>> {
        let mut targets = Targets::default();
        let mut items: Vec<(GetItem, PathBuf)> = Vec::with_capacity(self.objects.len());
        for (object, path) in &self.objects {
            items.push((resolve(&call.client, object)?, targets.check(path)?));
        }
        let (transfer, return_info) = (call.client.transfer.clone(), self.return_info);
        let job = move |_, (item, path)| {
            let call = call.clone();
            let destination = Some(Destination::File(path));
            async move { read(&call, item, destination, return_info).await }
        };
        let results = run_distinct(&transfer, self.on_failure.for_reads(), items, job).await;
        BatchError::check(Self::NAME, results, None, self.on_failure.outcome())
    }
}

many_op!(GetFiles<T>);

/// The target files of a call, and their directories.
#[derive(Default)]
struct Targets {
    /// The directories seen so far, with their canonical paths; `None` for one that does not exist.
    directories: HashMap<PathBuf, Option<PathBuf>>,
    files: HashSet<PathBuf>,
}

impl Targets {
    /// Returns the absolute path. Fails if it cannot become a file, or if another input has the same path, even through
    /// a linked directory.
    fn check(&mut self, path: &Path) -> Result<PathBuf> {
        let mut place = None;
        let absolute = check_file(path, |directory| {
            place = self.directory(directory);
            place.is_some()
        })?;
        let name = absolute.file_name().unwrap_or_default();
        let file = place.map_or_else(|| absolute.clone(), |place| place.join(name));
        if self.files.insert(file) {
            return Ok(absolute);
        }
        let problem = "another key has the same path\nhint: give each key a path of its own";
        let error = io::Error::new(io::ErrorKind::InvalidInput, problem);
        Err(Error::local(
            &format!("download to {}", path.display()),
            error,
        ))
    }

    fn directory(&mut self, path: &Path) -> Option<PathBuf> {
        if let Some(known) = self.directories.get(path) {
            return known.clone();
        }
        let found = path.canonicalize().ok().filter(|found| found.is_dir());
        self.directories.insert(path.to_owned(), found.clone());
        found
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use s3_core::MemoryStore;

    use crate::{ErrorClass, S3, S3GetObject};

    async fn client() -> (MemoryStore, S3, tempfile::TempDir) {
        let store = MemoryStore::with_buckets(["b"]);
        let builder = S3::builder().store(store.clone()).s3root("s3://b/root");
        let s3 = builder.tmproot(std::env::temp_dir()).build().unwrap();
        s3.put_many([("a", "A"), ("b", "BB"), ("e", "")])
            .await
            .unwrap();
        (store, s3, tempfile::tempdir().unwrap())
    }

    fn names(dir: &tempfile::TempDir) -> Vec<String> {
        let entries = fs::read_dir(dir.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        names
    }

    #[tokio::test]
    async fn each_key_has_its_file_also_if_two_keys_are_equal() {
        let (_, s3, dir) = client().await;
        fs::write(dir.path().join("2"), "old content").unwrap();
        let keys = ["b", "a", "e", "a"];
        let files = keys.iter().enumerate();
        let files = files.map(|(n, key)| (*key, dir.path().join(n.to_string())));
        let objects = s3.get_files(files).await.unwrap();
        let keys_of: Vec<_> = objects.iter().map(|object| object.key()).collect();
        assert_eq!(keys_of, keys);
        for (n, text) in ["BB", "A", "", "A"].into_iter().enumerate() {
            let path = dir.path().join(n.to_string());
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            assert_eq!(objects[n].path().unwrap(), path);
        }
        s3.close().await.unwrap();
        assert_eq!(names(&dir), ["0", "1", "2", "3"]);
        let part = s3.get_files([(S3GetObject::new("b", 1, 1), dir.path().join("0"))]);
        assert_eq!(part.await.unwrap()[0].size(), 1);
        let none = Vec::<(&str, &str)>::new();
        assert!(s3.get_files(none).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_missing_key_is_an_error_or_a_result_and_leaves_its_file() {
        let (_, s3, dir) = client().await;
        let path = |name: &str| dir.path().join(name);
        fs::write(path("n"), "kept").unwrap();
        let files = [("a", path("a")), ("nope", path("n")), ("b", path("b"))];
        let error = s3.get_files(files.clone()).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::NotFound);
        assert_eq!(error.as_batch().unwrap().index(), 1);
        let objects = s3.get_files(files).return_missing().await.unwrap();
        let sizes: Vec<_> = objects
            .iter()
            .map(|object| Some(object.as_found()?.size()))
            .collect();
        assert_eq!(sizes, [Some(1), None, Some(2)]);
        assert_eq!(fs::read_to_string(path("n")).unwrap(), "kept");
        assert_eq!(names(&dir), ["a", "b", "n"]);
    }

    #[tokio::test]
    async fn one_bad_path_anywhere_sends_nothing() {
        let (store, s3, dir) = client().await;
        let before = store.operations().total();
        let path = |name: &str| dir.path().join(name);
        fs::create_dir(path("d")).unwrap();
        fs::write(path("file"), "").unwrap();
        std::os::unix::fs::symlink("d", path("link")).unwrap();
        for (first, bad, problem) in [
            ("x", "x", "same path"),
            ("x", "./x", "same path"),
            ("d/x", "link/x", "same path"),
            ("d/x", "d/../link/./x", "same path"),
            ("x", "d", "is a directory"),
            ("x", "missing/y", "there is no directory"),
            ("x", "file/y", "there is no directory"),
            ("x", "new/", "is a directory"),
            ("x", "/dev/null", "is a device"),
            ("x", &"n".repeat(256), "longer than 255 bytes"),
        ] {
            let files = [("a", path(first)), ("b", path(bad))];
            let error = s3.get_files(files).await.unwrap_err();
            assert_eq!(error.class(), ErrorClass::Other);
            assert!(error.to_string().contains(problem), "{bad}: {error}");
        }
        let absolute = [("s3://b/root/a", path("x"))];
        let error = s3.get_files(absolute).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Url);
        assert_eq!(store.operations().total(), before);
        assert_eq!(names(&dir), ["d", "file", "link"]);
    }

    #[test]
    #[cfg(feature = "blocking")]
    fn the_blocking_client_has_get_files() {
        let s3 = crate::blocking::S3::in_memory().unwrap();
        s3.create_bucket("b").send().unwrap();
        s3.put("s3://b/k", "v").send().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let files = [("s3://b/k", dir.path().join("k"))];
        assert_eq!(s3.get_files(files).send().unwrap().len(), 1);
        assert_eq!(fs::read_to_string(dir.path().join("k")).unwrap(), "v");
    }
}
