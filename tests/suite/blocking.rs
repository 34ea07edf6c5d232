//! The blocking client: the same calls, without an async runtime around them.

use s3_client::blocking::S3;
use s3_client::{Error, ErrorClass};
use s3_core::MemoryStore;
use s3_testkit::S3Server;

fn in_memory(dir: &tempfile::TempDir) -> S3 {
    let store = MemoryStore::with_buckets(["bkt"]);
    S3::builder()
        .store(store)
        .s3root("s3://bkt/root")
        .tmproot(dir.path())
        .build()
        .unwrap()
}

#[test]
fn the_calls_are_the_same_and_end_in_send() {
    let dir = tempfile::tempdir().unwrap();
    let server = S3Server::spawn_thread(MemoryStore::with_buckets(["bkt"])).unwrap();
    let store = server.client_builder().build();
    for s3 in [
        in_memory(&dir),
        S3::builder()
            .store(store)
            .s3root("s3://bkt/root")
            .tmproot(dir.path())
            .build()
            .unwrap(),
    ] {
        s3.put("a", "1").content_type("text/plain").send().unwrap();
        s3.put_many([("b", "2"), ("c/d", "3")]).send().unwrap();
        let object = s3.get("a").send().unwrap();
        assert_eq!(object.text().unwrap(), "1");
        assert_eq!(object.content_type(), Some("text/plain"));
        assert_eq!(s3.get_many(["a", "b"]).send().unwrap().len(), 2);
        assert_eq!(s3.get_all().send().unwrap().len(), 3);
        assert_eq!(s3.list_paths().send().unwrap().len(), 3);
        let missing = s3.get("nope").send().unwrap_err();
        assert_eq!(missing.class(), ErrorClass::NotFound);
        s3.close().unwrap();
    }
    assert_eq!(server.unfinished_uploads().unwrap(), 0);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_blocking_call_inside_a_runtime_is_an_error_and_not_a_panic() {
    let dir = tempfile::tempdir().unwrap();
    let s3 = in_memory(&dir);
    let error = s3.get("a").send().unwrap_err();
    assert!(matches!(error, Error::InsideRuntime), "{error}");
    drop(s3);
}

#[tokio::test]
async fn a_blocking_call_on_a_thread_for_blocking_work_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let s3 = in_memory(&dir);
    let calls = tokio::task::spawn_blocking(move || {
        s3.put("spawned/k", "v").send()?;
        let listed = s3.list_recursive().at(["spawned"]).iter()?.count();
        s3.close()?;
        Ok::<_, Error>(listed)
    });
    assert_eq!(calls.await.unwrap().unwrap(), 1);
}
