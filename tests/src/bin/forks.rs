//! Forks a process with busy clients, and makes calls in each child: for the tests of forks.
//!
//! `forks COUNT` prints what the calls of the children returned: `forked` if every call failed at once and said why.

use std::io::Write;
use std::process::exit;
use std::thread;
use std::time::{Duration, Instant};

use fork::{Fork, fork, waitpid};
use s3_client::{Error, blocking};

/// How long the calls of a child may take.
const LIMIT: Duration = Duration::from_secs(5);

fn main() -> Result<(), Error> {
    let count: usize = std::env::args()
        .nth(1)
        .map_or(1, |count| count.parse().expect("a number"));
    let s3 = blocking::S3::in_memory()?;
    s3.create_bucket("b").send()?;
    s3.put("s3://b/k", "v").send()?;
    let objects = s3.list_recursive().at(["s3://b/"]).iter()?;
    for _ in 0..4 {
        let s3 = s3.clone();
        // The process ends while they run.
        thread::spawn(move || while s3.get("s3://b/k").send().is_ok() {});
    }
    for _ in 0..count {
        match fork() {
            Ok(Fork::Child) => {
                let start = Instant::now();
                let get = s3.get("s3://b/k").deadline(LIMIT).send();
                let list = s3.list_recursive().at(["s3://b/"]).iter();
                let said = matches!(get, Err(Error::Forked)) && matches!(list, Err(Error::Forked));
                // Another client works, and nothing of the parent's is waited for or removed.
                let own = blocking::S3::in_memory().and_then(|own| own.create_bucket("c").send());
                let closed = s3.close();
                drop((s3, objects));
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
