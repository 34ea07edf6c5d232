//! Limits of the system: full disk, too many open files, read-only directory, umask.
//!
//! The error says so and nothing is left behind; no other user can read temporary files.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use s3_core::StoreExt;
use s3_testkit::{FaultPlan, ramp};
use s3_tests::{Case, CrashChild};
use s3_url::S3Url;

const CRASH_CHILD: &str = env!("CARGO_BIN_EXE_crash_child");

async fn seed(case: &Case) {
    let small = (0..60).map(|n| (format!("root/m{n}"), 2000));
    for (key, len) in small.chain([("root/down".to_owned(), 12 << 20)]) {
        let url = S3Url::from_parts("bkt", &key).unwrap();
        case.memory.put_bytes(url, ramp(0, len)).await.unwrap();
    }
}

async fn under(case: &Case, limits: &str, call: &str) -> (String, CrashChild) {
    seed(case).await;
    let mut child = CrashChild::start(CRASH_CHILD, limits, call, &case.server, case.work());
    (child.says().await, child)
}

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path)
        .unwrap()
        .permissions()
        .mode()
        & 0o777
}

fn entries(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn a_full_disk_says_so_and_leaves_nothing() {
    for call in ["download", "scratch"] {
        Case::run(FaultPlan::none(), async |case: &Case| {
            // A limit to the size of files looks like a full disk, and needs no rights. The signal that comes with it is
            // for programs that do not look at their errors.
            let (said, child) = under(case, "trap '' XFSZ; ulimit -f 2048", call).await;
            assert!(
                said.starts_with("failed InsufficientDiskSpace Some(DiskFull)"),
                "{said}"
            );
            assert!(said.contains("hint: "), "{said}");
            child.finish().await;
            assert_eq!(entries(case.work()), Vec::<PathBuf>::new());
        })
        .await;
    }
}

/// glibc reserves 64 MiB of addresses for each thread that allocates.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[tokio::test]
async fn the_threads_of_a_blocking_client_bound_its_addresses() {
    Case::run(FaultPlan::none(), async |case: &Case| {
        let mut peaks = Vec::new();
        for threads in [1, 8] {
            let (said, child) = under(
                case,
                "unset MALLOC_ARENA_MAX",
                &format!("threads {threads}"),
            )
            .await;
            peaks.push(said.parse::<u64>().expect(&said));
            child.finish().await;
        }
        assert!(
            peaks[0] < 450 && peaks[0] + 6 * 64 < peaks[1],
            "{peaks:?} MiB"
        );
    })
    .await;
}

/// Runs a call on 2,000 files in a process that may open few, and checks that each is there.
async fn with_few_descriptors(most: u32, call: &str) {
    Case::run(FaultPlan::none(), async |case: &Case| {
        for n in 0..2000 {
            let url = S3Url::from_parts("bkt", &format!("root/f{n}")).unwrap();
            case.memory.put_bytes(url, ramp(n, 500)).await.unwrap();
        }
        let (said, child) = under(case, &format!("ulimit -n {most}"), call).await;
        assert_eq!(said, "done 2000 2000");
        for n in 0..2000 {
            let path = case.work().join(format!("f{n}"));
            assert_eq!(std::fs::read(path).unwrap(), ramp(n, 500));
        }
        let url = S3Url::from_parts("bkt", "root/again/f1999").unwrap();
        let again = case.memory.get_bytes(url).await.unwrap();
        assert_eq!(again, ramp(1999, 500));
        child.finish().await;
        assert_eq!(entries(case.work()).len(), 2000);
    })
    .await;
}

#[tokio::test]
async fn files_and_connections_stay_within_the_limit_of_descriptors() {
    for most in [32, 64, 256] {
        with_few_descriptors(most, "files").await;
    }
}

#[tokio::test]
async fn a_call_waits_for_descriptors_that_others_have_taken() {
    with_few_descriptors(64, "files after others").await;
}

#[tokio::test]
async fn whatever_the_umask_temporary_files_are_private_and_targets_are_as_any_file() {
    Case::run(FaultPlan::none(), async |case: &Case| {
        let (said, child) = under(case, "umask 0", "scratch").await;
        let path = PathBuf::from(said.strip_prefix("done ").unwrap());
        assert_eq!(mode(&path), 0o600);
        let directory = path.parent().unwrap();
        assert_eq!(
            (mode(directory), directory.parent()),
            (0o700, Some(case.work()))
        );
        drop(child);
        std::fs::remove_dir_all(directory).unwrap();
        for (umask, expected) in [("0", 0o666), ("027", 0o640), ("077", 0o600)] {
            let limits = format!("umask {umask}");
            let (said, child) = under(case, &limits, "download").await;
            assert!(said.starts_with("done"), "{said}");
            assert_eq!(mode(&case.work().join("out")), expected);
            child.finish().await;
            std::fs::remove_file(case.work().join("out")).unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_directory_that_is_not_to_be_written_is_named_and_nothing_is_left() {
    Case::run(FaultPlan::none(), async |case: &Case| {
        seed(case).await;
        let s3 = case.s3();
        // No user may create files here, not even root.
        let error = s3
            .download_file("down", "/proc/self/out")
            .await
            .unwrap_err();
        let text = error.to_string();
        assert!(text.contains("/proc/self/out"), "{text}");
        assert_eq!(entries(case.work()), Vec::<PathBuf>::new());
        assert_eq!(entries(case.scratch()), Vec::<PathBuf>::new());
    })
    .await;
}
