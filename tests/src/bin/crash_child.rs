//! Child process with a client, for tests that kill it or set resource limits.
//!
//! `crash_child CALL ENDPOINT ACCESS SECRET DIRECTORY` makes one call, prints the result as one line, and waits until
//! its standard input ends; a call that is cancelled ends the process. Its temporary directory and its files are in
//! DIRECTORY.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use s3_client::{Error, OnFailure, S3, SdkStore, TransferConfig, blocking};
use tokio::runtime::Runtime;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [call, endpoint, access, secret, directory] = &arguments[..] else {
        say("crash_child CALL ENDPOINT ACCESS SECRET DIRECTORY");
        std::process::exit(2);
    };
    let store = SdkStore::builder().endpoint(endpoint);
    let store = store.credentials(access, secret, None).build();
    if let Some(threads) = call.strip_prefix("threads ") {
        return say(&addresses_of_threads(threads, store));
    }
    if call == "dropped blocking client" {
        // The drop ends the process.
        return say(&give_up_and_drop(store));
    }
    let directory = PathBuf::from(directory);
    let mut transfer = TransferConfig::default();
    transfer.part_size = 5 << 20;
    transfer.single_put_up_to = 5 << 20;
    if !call.starts_with("files") {
        transfer.backoff_base = Duration::from_millis(1);
        transfer.backoff_cap = Duration::from_millis(2);
        transfer.max_attempts = 3;
    }
    let s3 = S3::builder()
        .store(store)
        .s3root("s3://bkt/root")
        .tmproot(&directory);
    let s3 = s3.transfer(transfer).max_in_memory_object(1).build();
    let s3 = match s3 {
        Ok(s3) => s3,
        Err(error) => return say(&format!("failed {error}")),
    };
    let runtime = Runtime::new().expect("a runtime");
    if call == "cancelled upload" || call == "dropped runtime" {
        // The call ends the process.
        return give_up(call, &s3, runtime);
    }
    runtime.block_on(async {
        // Created whether or not the call needs it, so that it can be left behind.
        let _ = s3.scratch_path();
        match make(call, &s3, &directory).await {
            Ok(text) => say(&format!("done {text}")),
            Err(error) => {
                let kind = error.as_request().map(s3_client::RequestError::kind);
                say(&format!("failed {:?} {kind:?} {error}", error.class()).replace('\n', " "));
            }
        }
    });
    drop(s3);
    // Keeps the process alive until the test has killed it or checked its files.
    let _ = std::io::stdin().read(&mut [0]);
}

/// Reads objects with a blocking client with this number of threads, and returns the MiB of address space of the
/// process.
fn addresses_of_threads(threads: &str, store: SdkStore) -> String {
    let threads = threads.parse().expect("a number of threads");
    let s3 = blocking::S3::builder().store(store).threads(threads);
    let s3 = s3.build().expect("a client");
    let keys = (0..60).map(|n| format!("s3://bkt/root/m{n}"));
    let objects = s3.get_many(keys).send().expect("objects");
    assert_eq!(objects.len(), 60);
    let status = std::fs::read_to_string("/proc/self/status").expect("the state of this process");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmPeak:"));
    let peak = peak.and_then(|peak| peak.split_whitespace().next()?.parse::<u64>().ok());
    (peak.expect("a peak in KiB") / 1024).to_string()
}

/// Cancels the upload of a blocking client at its deadline, and drops the client.
fn give_up_and_drop(store: SdkStore) -> String {
    let mut transfer = TransferConfig::default();
    transfer.part_size = 5 << 20;
    transfer.single_put_up_to = 5 << 20;
    let s3 = blocking::S3::builder().store(store).s3root("s3://bkt/root");
    let s3 = s3.transfer(transfer).build().expect("a client");
    let put = s3.put("a", vec![b'x'; 11 << 20]);
    let failure = put.deadline(Duration::from_millis(500)).send();
    let given_up = failure.expect_err("a part that stalls").to_string();
    assert!(given_up.contains("deadline"), "{given_up}");
    drop(s3);
    "given up Ok(())".to_owned()
}

/// Begins three uploads, cancels them while their parts are in flight, and closes the client.
fn give_up(call: &str, s3: &S3, runtime: Runtime) {
    let begun = async |s3: &S3| {
        while s3.orphans(Duration::ZERO).uploads_below("").await?.len() < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok::<_, Error>(())
    };
    let uploads = |s3: S3| async move {
        let value = || vec![b'x'; 11 << 20];
        let _ = tokio::join!(
            s3.put("a", value()),
            s3.put("b", value()),
            s3.put("c", value())
        );
    };
    let closed = if call == "dropped runtime" {
        runtime.spawn(uploads(s3.clone()));
        runtime.block_on(begun(s3)).expect("a listing");
        drop(runtime);
        Runtime::new().expect("a runtime").block_on(s3.close())
    } else {
        runtime.block_on(async {
            tokio::select! {
                () = uploads(s3.clone()) => panic!("an upload has ended"),
                begun = begun(s3) => begun.expect("a listing"),
            }
            s3.close().await
        })
    };
    say(&format!("given up {closed:?}"));
}

async fn make(call: &str, s3: &S3, directory: &Path) -> Result<String, Error> {
    match call {
        "upload" => {
            let written = s3.put("up", vec![b'x'; 30 << 20]).await?;
            Ok(written.to_string())
        }
        "download" => {
            let target = directory.join("out");
            let object = s3.download_file("down", target).await?;
            Ok(format!("{:?}", Some(object.size())))
        }
        "scratch" => {
            let object = s3.get("down").await?;
            std::mem::forget(object.clone());
            std::mem::forget(s3.clone());
            Ok(object.path()?.display().to_string())
        }
        "many" => {
            let files = (0..60).map(|n| (format!("m{n}"), directory.join(format!("out{n}"))));
            let got = s3.get_files(files).on_failure(OnFailure::Collect).await;
            match got {
                Ok(objects) => Ok(format!("{}", objects.len())),
                Err(Error::Batch(batch)) => {
                    let all = batch.succeeded() + batch.failed() + batch.not_attempted();
                    Ok(format!("{all} {} {}", batch.succeeded(), batch.error()).replace('\n', " "))
                }
                Err(other) => Err(other),
            }
        }
        "files" => get_and_put(s3, directory).await,
        "files after others" => {
            let taken = open_all_descriptors();
            let (got, ()) = tokio::join!(get_and_put(s3, directory), async {
                tokio::time::sleep(Duration::from_millis(500)).await;
                drop(taken);
            });
            got
        }
        other => panic!("{other} is no call"),
    }
}

/// Downloads 2,000 objects to files, and uploads the files.
async fn get_and_put(s3: &S3, directory: &Path) -> Result<String, Error> {
    let files = (0..2000).map(|n| (format!("f{n}"), directory.join(format!("f{n}"))));
    let got = s3.get_files(files.clone()).on_failure(OnFailure::Collect);
    let got = got.await?.len();
    let files = files.map(|(key, path)| (format!("again/{key}"), path));
    Ok(format!("{got} {}", s3.put_files(files).await?.len()))
}

/// Opens file descriptors until the process has reached its limit.
fn open_all_descriptors() -> Vec<File> {
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

fn say(line: &str) {
    use std::io::Write;
    let mut out = std::io::stdout();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .expect("a server listens");
}
