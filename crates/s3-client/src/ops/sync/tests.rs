//! Tests of `sync` between temporary directories and an in-memory store.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use s3_core::{MemoryStore, Operation, S3Prefix};

use super::*;
use crate::{Error, S3};

struct Case {
    store: MemoryStore,
    s3: S3,
    dir: tempfile::TempDir,
    place: S3Prefix,
}

impl Case {
    fn new(files: &[&str]) -> Self {
        let store = MemoryStore::with_buckets(["bkt"]);
        let case = Self {
            s3: S3::builder()
                .store(store.clone())
                .tmproot(std::env::temp_dir())
                .build()
                .unwrap(),
            store,
            dir: tempfile::tempdir().unwrap(),
            place: S3Prefix::parse("s3://bkt/p").unwrap(),
        };
        fs::create_dir(case.local()).unwrap();
        files.iter().for_each(|name| case.write(name, name));
        case
    }

    fn local(&self) -> PathBuf {
        self.dir.path().join("local")
    }

    /// Writes a file with a modification time in the past, so that its object is newer by seconds.
    fn write(&self, name: &str, content: &str) {
        let path = self.local().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        age(&path, -10);
    }

    fn up(&self) -> Request<SyncDirectories> {
        self.s3.sync(self.local(), self.place.clone())
    }

    fn down(&self) -> Request<SyncDirectories> {
        self.s3.sync(self.place.clone(), self.local())
    }

    async fn keys(&self) -> Vec<String> {
        let all = self.s3.list_recursive().at(["s3://bkt/"]).await.unwrap();
        all.iter()
            .map(|info| info.url()["s3://bkt/".len()..].to_owned())
            .collect()
    }

    fn files(&self) -> Vec<String> {
        let walk = crate::LocalWalk::new(&self.local(), true, Arc::new(|_: &str| true));
        walk.unwrap()
            .map(|found| match found {
                crate::LocalEntry::File(file) => file.below,
                other => panic!("{other:?}"),
            })
            .collect()
    }
}

fn age(path: &Path, seconds: i64) {
    let by = Duration::from_secs(seconds.unsigned_abs());
    let time = match seconds < 0 {
        true => SystemTime::now() - by,
        false => SystemTime::now() + by,
    };
    fs::File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(time)
        .unwrap();
}

fn counts(summary: SyncSummary) -> (u64, u64, u64) {
    (summary.transferred, summary.deleted, summary.unchanged)
}

#[tokio::test]
async fn a_second_sync_only_lists() {
    // Directories sort with their slash: in the order of plain names, these would be sent and deleted each time.
    let case = Case::new(&["a/x", "a!", "a-b", "a.b", "a0", "z", "b/c/d"]);
    assert_eq!(counts(case.up().await.unwrap()), (7, 0, 0));
    let before = case.store.operations();
    assert_eq!(counts(case.up().delete().await.unwrap()), (0, 0, 7));
    let after = case.store.operations();
    let sent = after.since(&before);
    assert_eq!(sent.total(), sent.get(Operation::List));
}

#[tokio::test]
async fn newer_and_resized_files_are_sent_and_older_ones_are_not() {
    let case = Case::new(&["newer", "older", "resized"]);
    case.up().await.unwrap();
    for name in ["newer", "older"] {
        fs::write(case.local().join(name), "xxxxx").unwrap();
    }
    age(&case.local().join("newer"), 10);
    age(&case.local().join("older"), -10);
    case.write("resized", "another size");
    assert_eq!(counts(case.up().await.unwrap()), (2, 0, 1));
    let read = async |key: &str| case.s3.get(key).await.unwrap().text().unwrap();
    assert_eq!(read("s3://bkt/p/newer").await, "xxxxx");
    assert_eq!(read("s3://bkt/p/older").await, "older");
    assert_eq!(
        counts(case.up().compare(SyncCompare::SizeOnly).await.unwrap()).0,
        0
    );
    assert_eq!(
        counts(case.up().compare(SyncCompare::Content).await.unwrap()),
        (1, 0, 2)
    );
    assert_eq!(read("s3://bkt/p/older").await, "xxxxx");
}

#[tokio::test]
async fn the_md5_decides_within_a_second() {
    let case = Case::new(&["f"]);
    case.up().await.unwrap();
    let written = case
        .s3
        .info("s3://bkt/p/f")
        .await
        .unwrap()
        .last_modified()
        .unwrap();
    let path = case.local().join("f");
    let same_second = |content: &str| {
        fs::write(&path, content).unwrap();
        let whole = written
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(whole) + Duration::from_millis(999);
        fs::File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(time)
            .unwrap();
    };
    same_second("f");
    assert_eq!(counts(case.up().await.unwrap()), (0, 0, 1));
    same_second("g");
    assert_eq!(counts(case.up().await.unwrap()), (1, 0, 0));
}

#[tokio::test]
async fn downloads_have_the_time_of_the_object_and_are_not_repeated() {
    let case = Case::new(&[]);
    for key in ["a/b", "c"] {
        case.s3.put(format!("s3://bkt/p/{key}"), key).await.unwrap();
    }
    case.s3.put("s3://bkt/p2/x", "elsewhere").await.unwrap();
    fs::remove_dir(case.local()).unwrap();
    assert_eq!(counts(case.down().await.unwrap()), (2, 0, 0));
    assert_eq!(case.files(), ["a/b", "c"]);
    assert_eq!(counts(case.down().delete().await.unwrap()), (0, 0, 2));
    assert_eq!(
        counts(case.down().compare(SyncCompare::ExactTimes).await.unwrap()),
        (0, 0, 2)
    );
    age(&case.local().join("c"), -60);
    assert_eq!(counts(case.down().await.unwrap()), (1, 0, 1));
}

#[tokio::test]
async fn deletions_wait_for_the_end_and_for_success() {
    let case = Case::new(&["keep", "x.log"]);
    case.up().await.unwrap();
    case.s3.put("s3://bkt/p/old", "old").await.unwrap();
    case.s3.put("s3://bkt/p/old.log", "old").await.unwrap();
    std::os::unix::fs::symlink("nowhere", case.local().join("broken")).unwrap();
    let error = case.up().delete().await.unwrap_err().to_string();
    assert!(error.contains("broken"), "{error}");
    assert_eq!(case.keys().await.len(), 4);
    fs::remove_file(case.local().join("broken")).unwrap();
    let few = case.up().delete().max_deletions(1).await.unwrap_err();
    assert!(matches!(few, Error::NotDeleted { count: 2, .. }), "{few}");
    let planned = case.up().delete().dry_run().await.unwrap();
    assert_eq!((counts(planned), case.keys().await.len()), ((0, 2, 2), 4));
    let no_logs: PathFilter = Arc::new(|path: &str| !path.ends_with(".log"));
    assert_eq!(
        counts(case.up().delete().filter(no_logs).await.unwrap()),
        (0, 1, 1)
    );
    assert_eq!(case.keys().await, ["p/keep", "p/old.log", "p/x.log"]);
}

#[tokio::test]
async fn excluded_paths_are_deleted_when_asked() {
    let case = Case::new(&["keep", "x.log"]);
    case.up().await.unwrap();
    let no_logs: PathFilter = Arc::new(|path: &str| !path.ends_with(".log"));
    let up = case.up().delete().filter(no_logs);
    assert_eq!(counts(up.delete_excluded().await.unwrap()), (0, 1, 1));
    assert_eq!(case.keys().await, ["p/keep"]);
}

#[tokio::test]
async fn directories_that_are_empty_after_deletions_are_removed() {
    let case = Case::new(&["a/b/c", "a/d/e", "f"]);
    for key in ["a/d/e", "g"] {
        case.s3.put(format!("s3://bkt/p/{key}"), "x").await.unwrap();
    }
    case.down().delete().await.unwrap();
    assert_eq!(case.files(), ["a/d/e", "g"]);
    assert!(!case.local().join("a/b").exists() && case.local().join("a/d").exists());
    case.s3.delete("s3://bkt/p/a/d/e").await.unwrap();
    case.s3.delete("s3://bkt/p/g").await.unwrap();
    case.down().delete().from_empty().await.unwrap();
    assert!(case.local().exists() && !case.local().join("a").exists());
}

#[tokio::test]
async fn empty_directories_are_kept_both_ways_when_asked() {
    let case = Case::new(&["a/f", "z"]);
    let directory = |name: &str| case.local().join(name);
    for name in ["a/empty", "b/c"] {
        fs::create_dir_all(directory(name)).unwrap();
    }
    assert_eq!(counts(case.up().await.unwrap()), (2, 0, 0));
    let up = || case.up().empty_directories();
    assert_eq!(counts(up().delete().await.unwrap()), (2, 0, 2));
    assert_eq!(case.keys().await, ["p/a/empty/", "p/a/f", "p/b/c/", "p/z"]);
    assert_eq!(counts(up().delete().await.unwrap()), (0, 0, 4));

    fs::remove_dir_all(case.local()).unwrap();
    let down = || case.down().empty_directories();
    assert_eq!(counts(down().await.unwrap()), (4, 0, 0));
    assert!(directory("a/empty").is_dir() && directory("b/c").is_dir());
    assert_eq!(counts(down().delete().await.unwrap()), (0, 0, 4));

    // A directory that only the target has is removed; one that has lost its files is kept if the source has it.
    fs::create_dir_all(directory("only/here")).unwrap();
    case.write("b/c/old", "old");
    assert_eq!(counts(down().delete().await.unwrap()), (0, 2, 4));
    assert!(directory("b/c").is_dir() && !directory("only").exists());
    fs::remove_dir_all(directory("a/empty")).unwrap();
    assert_eq!(counts(up().delete().await.unwrap()), (0, 1, 3));
    assert_eq!(case.keys().await, ["p/a/f", "p/b/c/", "p/z"]);
    // A directory with files needs no marker, and an existing marker is not deleted.
    case.write("b/c/new", "new");
    assert_eq!(counts(up().delete().await.unwrap()), (1, 0, 2));
    let copy = S3Prefix::parse("s3://bkt/q").unwrap();
    let across = case.s3.sync(case.place.clone(), copy);
    assert_eq!(counts(across.empty_directories().await.unwrap()), (4, 0, 0));
}

#[tokio::test]
async fn markers_that_cannot_be_directories_are_the_only_failures() {
    let case = Case::new(&[]);
    for (key, content) in [("full/", "x"), ("../up/", ""), ("ok/", "")] {
        case.s3
            .put(format!("s3://bkt/p/{key}"), content)
            .await
            .unwrap();
    }
    let down = case.down().empty_directories();
    let events: Vec<_> = down.stream().collect().await;
    let failed = events
        .iter()
        .filter(|event| matches!(event.outcome, SyncOutcome::Failed(_)));
    assert_eq!((failed.count(), events.len()), (2, 3));
    assert!(case.local().join("ok").is_dir() && !case.local().join("full").exists());
    assert!(!case.dir.path().join("up").exists());
}

#[tokio::test]
async fn a_prefix_without_objects_is_missing() {
    let case = Case::new(&["f"]);
    let missing = case.down().delete().await.unwrap_err();
    assert!(missing.to_string().contains("no object below"), "{missing}");
    assert_eq!(case.files(), ["f"]);
}

#[tokio::test]
async fn an_empty_source_deletes_nothing_unless_it_may() {
    let case = Case::new(&[]);
    case.s3.put("s3://bkt/p/k", "k").await.unwrap();
    let rejected = case.up().delete().await.unwrap_err();
    assert!(
        rejected.to_string().contains("the source is empty"),
        "{rejected}"
    );
    assert_eq!(
        counts(case.up().delete().from_empty().await.unwrap()),
        (0, 1, 0)
    );
    fs::remove_dir(case.local()).unwrap();
    let missing = case.up().delete().from_empty().await.unwrap_err();
    assert!(
        matches!(missing, Error::LocalFileNotFound { .. }),
        "{missing}"
    );
}

#[tokio::test]
async fn local_deletions_stay_inside_the_destination() {
    let case = Case::new(&["old", "new"]);
    case.s3.put("s3://bkt/p/new", "new").await.unwrap();
    let outside = case.dir.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("f"), "").unwrap();
    std::os::unix::fs::symlink(&outside, case.local().join("link")).unwrap();
    let error = case.down().delete().await.unwrap_err().to_string();
    assert!(error.contains("symbolic link"), "{error}");
    assert!(outside.join("f").exists() && !case.local().join("old").exists());
}

#[tokio::test]
async fn keys_that_leave_the_destination_fail_alone() {
    let case = Case::new(&[]);
    for key in ["../evil", "ok", "a//b"] {
        case.s3.put(format!("s3://bkt/p/{key}"), key).await.unwrap();
    }
    let events: Vec<_> = case.down().stream().collect().await;
    let failed = events
        .iter()
        .filter(|event| matches!(event.outcome, SyncOutcome::Failed(_)));
    assert_eq!((failed.count(), events.len()), (2, 3));
    assert!(case.local().join("ok").exists() && !case.dir.path().join("evil").exists());
}

#[tokio::test]
async fn objects_are_copied_between_directories_that_do_not_overlap() {
    let case = Case::new(&["a", "b"]);
    case.up().await.unwrap();
    let copy = |to: &str| {
        case.s3
            .sync(case.place.clone(), S3Prefix::parse(to).unwrap())
    };
    assert_eq!(counts(copy("s3://bkt/q").await.unwrap()), (2, 0, 0));
    assert_eq!(
        counts(copy("s3://bkt/q").delete().await.unwrap()),
        (0, 0, 2)
    );
    assert!(copy("s3://bkt/p/q").await.is_err() && copy("s3://bkt").await.is_err());
    assert_eq!(case.keys().await, ["p/a", "p/b", "q/a", "q/b"]);
}

/// A gateway that ignores the prefix of a listing.
#[derive(Debug)]
struct IgnoringPrefixes(MemoryStore);

impl s3_core::Store for IgnoringPrefixes {
    fn capabilities(&self) -> s3_core::Capabilities {
        self.0.capabilities()
    }

    async fn get(&self, request: s3_core::GetRequest) -> s3_core::Result<s3_core::GetResponse> {
        self.0.get(request).await
    }

    async fn head(&self, request: s3_core::HeadRequest) -> s3_core::Result<s3_core::ObjectMeta> {
        self.0.head(request).await
    }

    async fn put(&self, request: s3_core::PutRequest) -> s3_core::Result<s3_core::PutResponse> {
        self.0.put(request).await
    }

    async fn delete(
        &self,
        request: s3_core::DeleteRequest,
    ) -> s3_core::Result<s3_core::DeleteResponse> {
        self.0.delete(request).await
    }

    async fn list_page(
        &self,
        mut request: s3_core::ListRequest,
    ) -> s3_core::Result<s3_core::ListPage> {
        request.prefix = S3Prefix::from_parts(request.prefix.bucket(), "").unwrap();
        self.0.list_page(request).await
    }
}

#[tokio::test]
async fn a_listing_of_other_keys_than_those_below_the_target_deletes_nothing() {
    for other in ["a", "another/key"] {
        let case = Case::new(&["f"]);
        let url = format!("s3://bkt/{other}");
        case.s3.put(url.as_str(), "x").await.unwrap();
        let gateway = S3::builder()
            .store(IgnoringPrefixes(case.store.clone()))
            .tmproot(std::env::temp_dir());
        let gateway = gateway.build().unwrap();
        let sync = gateway.sync(case.local(), case.place.clone()).delete();
        let error = sync.await.unwrap_err();
        let kind = error.as_request().map(s3_core::Error::kind);
        assert_eq!(kind, Some(s3_core::ErrorKind::Protocol), "{error}");
        assert!(case.keys().await.contains(&other.to_owned()));
    }
}

/// A server that lists keys in no order; the flag says whether it promises key order.
#[derive(Debug)]
struct Unordered(MemoryStore, bool);

impl s3_core::Store for Unordered {
    fn capabilities(&self) -> s3_core::Capabilities {
        let mut capabilities = self.0.capabilities();
        capabilities.ordered_listing = self.1;
        capabilities
    }

    async fn get(&self, request: s3_core::GetRequest) -> s3_core::Result<s3_core::GetResponse> {
        self.0.get(request).await
    }

    async fn head(&self, request: s3_core::HeadRequest) -> s3_core::Result<s3_core::ObjectMeta> {
        self.0.head(request).await
    }

    async fn put(&self, request: s3_core::PutRequest) -> s3_core::Result<s3_core::PutResponse> {
        self.0.put(request).await
    }

    async fn delete(
        &self,
        request: s3_core::DeleteRequest,
    ) -> s3_core::Result<s3_core::DeleteResponse> {
        self.0.delete(request).await
    }

    async fn list_page(&self, request: s3_core::ListRequest) -> s3_core::Result<s3_core::ListPage> {
        let mut page = self.0.list_page(request).await?;
        page.objects.reverse();
        Ok(page)
    }
}

#[tokio::test]
async fn a_listing_without_order_is_sorted_also_if_the_server_promises_one() {
    for promises_order in [false, true] {
        let case = Case::new(&["a/x", "a!", "z", "new"]);
        for key in ["a/x", "a!", "z", "old"] {
            case.s3.put(format!("s3://bkt/p/{key}"), key).await.unwrap();
        }
        let unordered = S3::builder()
            .store(Unordered(case.store.clone(), promises_order))
            .tmproot(std::env::temp_dir());
        let s3 = unordered.build().unwrap();
        let up = || s3.sync(case.local(), case.place.clone()).delete();
        let first = up().await.unwrap();
        // An entry that the first pass has transferred is counted as transferred, and as unchanged in the second pass.
        assert_eq!(first.deleted, 1, "{first:?}");
        assert!(promises_order || counts(first) == (1, 1, 3));
        assert_eq!(counts(up().await.unwrap()), (0, 0, 4));
        let down = || s3.sync(case.place.clone(), case.dir.path().join("down"));
        let first = down().await.unwrap();
        assert!(promises_order || counts(first) == (4, 0, 0));
        assert_eq!(counts(down().delete().await.unwrap()), (0, 0, 4));
        for name in ["a/x", "a!", "z", "new"] {
            let file = std::fs::read_to_string(case.dir.path().join("down").join(name));
            assert_eq!(file.unwrap(), name);
        }
        let missing = s3.sync(S3Prefix::parse("s3://bkt/none").unwrap(), case.local());
        assert!(missing.await.is_err());
    }
}
