//! Program that forks while its clients are busy and makes calls in each child, which must fail with `Forked`.
//!
//! `forks COUNT` prints the results of the calls in the children: `forked` if every call failed immediately with the
//! correct error.

use std::io::Write;
use std::process::exit;
use std::thread;
use std::time::{Duration, Instant};

use fork::{Fork, fork, waitpid};
use futures_util::StreamExt;
use s3_client::{Error, RequestError, S3, blocking};
use tokio::runtime::Builder;

/// Time limit of the calls of a child.
const LIMIT: Duration = Duration::from_secs(5);
/// More bytes than are read ahead.
const LARGE: usize = 80 << 20;

fn main() -> Result<(), Error> {
    let count: usize = std::env::args()
        .nth(1)
        .map_or(1, |count| count.parse().expect("a number"));
    let s3 = blocking::S3::in_memory()?;
    s3.create_bucket("b").send()?;
    s3.put("s3://b/k", "v").send()?;
    let mut objects = s3.list_recursive().at(["s3://b/"]).iter()?;
    let mut many = s3.get_many(["s3://b/k"]).iter()?;
    let runtime = Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let streaming = S3::in_memory()?;
    let mut objects_of_stream = streaming.get_many(vec!["s3://b/k"; 3]).stream();
    let mut entries_of_stream = streaming.list_recursive().at(["s3://b/"]).stream();
    let mut bytes_of_stream = streaming.get("s3://large/k").stream();
    let mut reader = runtime.block_on(async {
        for bucket in ["b", "large"] {
            streaming.create_bucket(bucket).await?;
        }
        for n in 0..2 {
            streaming.put(format!("s3://b/{n}"), "v").await?;
        }
        streaming.put("s3://large/k", vec![b'v'; LARGE]).await?;
        let mut reader = streaming.get("s3://large/k").reader().await?;
        // All streams have started.
        assert!(objects_of_stream.next().await.is_some());
        assert!(entries_of_stream.next().await.is_some());
        assert!(bytes_of_stream.next().await.is_some());
        assert!(reader.next().await.is_some());
        Ok::<_, Error>(reader)
    })?;
    for _ in 0..4 {
        let s3 = s3.clone();
        // The process exits while they run.
        thread::spawn(move || while s3.get("s3://b/k").send().is_ok() {});
    }
    for _ in 0..count {
        match fork() {
            Ok(Fork::Child) => {
                let start = Instant::now();
                let get = s3.get("s3://b/k").deadline(LIMIT).send();
                let list = s3.list_recursive().at(["s3://b/"]).iter();
                let mut said =
                    matches!(get, Err(Error::Forked)) && matches!(list, Err(Error::Forked));
                // Iterators of the parent return the error and do not wait for its threads.
                said &= matches!(objects.next(), Some(Ok(_) | Err(Error::Forked)));
                said &= matches!(many.next(), Some((0, Ok(_) | Err(Error::Forked))));
                said &= many
                    .next()
                    .is_none_or(|(_, object)| matches!(object, Err(Error::Forked)));
                let own = Builder::new_current_thread().enable_all().build();
                said &= own.expect("a runtime").block_on(async {
                    let object = objects_of_stream.next().await;
                    let mut entry = entries_of_stream.next().await;
                    if let Some(Ok(_)) = entry {
                        // This entry arrived before the fork.
                        entry = entries_of_stream.next().await;
                    }
                    let ended = objects_of_stream.next().await.is_none();
                    let bytes = bytes_of_stream.next().await;
                    let bytes = matches!(bytes, Some(Err(Error::Forked)))
                        && bytes_of_stream.next().await.is_none();
                    let frame = reader.next().await;
                    let said = |error: &RequestError| error.to_string().contains("forked");
                    let frame = frame.is_some_and(|frame| frame.as_ref().is_err_and(said))
                        && reader.next().await.is_none();
                    ended
                        && bytes
                        && frame
                        && matches!(object, Some((0, Err(Error::Forked))))
                        && matches!(entry, Some(Err(Error::Forked)))
                });
                // A new client works, and nothing of the parent's clients is waited for or removed.
                let own = blocking::S3::in_memory().and_then(|own| own.create_bucket("c").send());
                let closed = s3.close();
                drop((s3, objects, many));
                exit(i32::from(
                    !(said && own.is_ok() && closed.is_ok() && start.elapsed() < LIMIT),
                ));
            }
            Ok(Fork::Parent(child)) => {
                let status = waitpid(child).expect("a child of this process");
                assert_eq!(
                    status, 0,
                    "the calls of a child did not fail as they should"
                );
            }
            Err(error) => panic!("fork: {error}"),
        }
    }
    assert!(s3.scratch_path().is_some_and(|path| path.exists()));
    writeln!(std::io::stdout(), "forked").expect("the test listens");
    exit(0)
}
