//! A call over many inputs accounts for each of them: in both modes, whatever fails, and when its deadline passes.

use std::path::Path;
use std::time::Duration;

use s3_client::{
    BatchError, Concurrency, Error, ErrorClass, OnFailure, Outcome, S3, S3Object, TransferConfig,
};
use s3_core::{ErrorKind, MemoryStore, S3Url, StoreExt};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, FaultStore, Faults};
use tempfile::TempDir;

/// How many inputs each call has; each is an object of a bucket of its own, so that each costs a request of its own.
const INPUTS: usize = 12;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    PutMany,
    PutFiles,
    GetMany,
    GetFiles,
    InfoMany,
    DeleteMany,
    GetRecursive,
    GetAll,
}

const ALL: [Kind; 8] = [
    Kind::PutMany,
    Kind::PutFiles,
    Kind::GetMany,
    Kind::GetFiles,
    Kind::InfoMany,
    Kind::DeleteMany,
    Kind::GetRecursive,
    Kind::GetAll,
];

impl Kind {
    fn writes(self) -> bool {
        matches!(self, Self::PutMany | Self::PutFiles | Self::DeleteMany)
    }

    /// The request that each input costs.
    fn operation(self) -> &'static str {
        match self {
            Self::PutMany | Self::PutFiles => "PutObject",
            Self::InfoMany => "HeadObject",
            Self::DeleteMany => "DeleteObjects",
            _ => "GetObject",
        }
    }

    /// Returns bucket and key of input `n`. The objects of `get_all` are in one bucket.
    fn place(self, n: usize) -> (String, String) {
        match self {
            Self::GetAll => ("bkt".to_owned(), format!("root/k{n:02}")),
            _ => (format!("bkt{n:02}"), "k".to_owned()),
        }
    }
}

struct Scene {
    kind: Kind,
    s3: S3,
    faults: Faults,
    local: TempDir,
}

impl Scene {
    /// A client that has `at_once` inputs in flight, in front of a store that fails as `plan` says.
    async fn new(kind: Kind, at_once: usize, plan: impl Into<FaultPlan>) -> Self {
        let buckets = (0..INPUTS).map(|n| kind.place(n).0);
        let memory = MemoryStore::with_buckets(buckets.chain(["bkt".to_owned()]));
        for n in 0..INPUTS {
            let (bucket, key) = kind.place(n);
            if !matches!(kind, Kind::PutMany | Kind::PutFiles) {
                let url = S3Url::from_parts(&bucket, &key).unwrap();
                memory.put_bytes(url, vec![b'x'; n + 1]).await.unwrap();
            }
        }
        let store = FaultStore::new(memory, plan.into());
        let faults = store.faults().clone();
        let mut transfer = TransferConfig::default();
        transfer.concurrency = Concurrency::Fixed(at_once);
        let local = tempfile::tempdir().unwrap();
        std::fs::write(local.path().join("up"), "value").unwrap();
        let mut builder = S3::builder().store(store).transfer(transfer);
        if kind == Kind::GetAll {
            builder = builder.s3root("s3://bkt/root");
        }
        let s3 = builder.tmproot(local.path()).build().unwrap();
        Self {
            kind,
            s3,
            faults,
            local,
        }
    }

    fn url(&self, n: usize) -> String {
        let (bucket, key) = self.kind.place(n);
        format!("s3://{bucket}/{key}")
    }

    fn path(&self, name: impl AsRef<Path>) -> std::path::PathBuf {
        self.local.path().join(name)
    }

    async fn call(&self, mode: OnFailure, limit: Duration) -> Result<usize, Error> {
        let urls: Vec<String> = (0..INPUTS).map(|n| self.url(n)).collect();
        let s3 = &self.s3;
        let len = |objects: Vec<S3Object>| objects.len();
        macro_rules! send {
            ($request:expr) => {
                $request.on_failure(mode).deadline(limit).await
            };
        }
        match self.kind {
            Kind::PutMany => {
                let objects = urls.into_iter().map(|url| (url, "value"));
                send!(s3.put_many(objects)).map(|written| written.len())
            }
            Kind::PutFiles => {
                let files = urls.into_iter().map(|url| (url, self.path("up")));
                send!(s3.put_files(files)).map(|written| written.len())
            }
            Kind::GetMany => send!(s3.get_many(urls)).map(len),
            Kind::GetFiles => {
                let files = urls.into_iter().enumerate();
                let files = files.map(|(n, url)| (url, self.path(format!("down{n}"))));
                send!(s3.get_files(files)).map(len)
            }
            Kind::InfoMany => send!(s3.info_many(urls)).map(|infos| infos.len()),
            Kind::DeleteMany => send!(s3.delete_many(urls)).map(|names| names.len()),
            Kind::GetRecursive => send!(s3.get_recursive(urls)).map(len),
            Kind::GetAll => send!(s3.get_all()).map(len),
        }
    }

    /// A failure's account, after the checks that hold for each.
    async fn account(&self, mode: OnFailure, limit: Duration) -> Vec<Outcome> {
        let kind = self.kind;
        let error = self.call(mode, limit).await.unwrap_err();
        let Error::Batch(batch) = error else {
            panic!("{kind:?}: {error}");
        };
        check_sums(&batch);
        let outcomes = batch.into_outcomes();
        for (n, outcome) in outcomes.iter().enumerate() {
            let expects_object = mode == OnFailure::Collect && !kind.writes();
            match outcome {
                Outcome::Fetched(object) => {
                    assert!(expects_object && object.url() == self.url(n), "{kind:?}");
                    assert_eq!(object.size(), n as u64 + 1);
                }
                Outcome::Described(info) => {
                    assert!(expects_object && info.url() == self.url(n), "{kind:?}");
                    assert_eq!(info.size(), n as u64 + 1);
                }
                Outcome::Written(written) => {
                    assert!(kind.writes() && written.url() == self.url(n), "{kind:?}");
                }
                Outcome::Done => assert!(!expects_object && !kind.writes(), "{kind:?}"),
                Outcome::Failed(error) => {
                    let error = error.as_request().unwrap();
                    assert!(error.attempt_log().is_some(), "{kind:?}: {error}");
                }
                _ => {}
            }
        }
        outcomes
    }
}

fn check_sums(batch: &BatchError) {
    let outcomes = batch.outcomes();
    assert_eq!(outcomes.len(), INPUTS);
    let count = |wanted: fn(&Outcome) -> bool| outcomes.iter().filter(|o| wanted(o)).count();
    assert_eq!(batch.succeeded(), count(Outcome::is_success));
    assert_eq!(batch.failed(), count(|outcome| outcome.error().is_some()));
    let left = count(|outcome| matches!(outcome, Outcome::NotAttempted));
    assert_eq!(batch.not_attempted(), left);
    let lowest = outcomes
        .iter()
        .position(|outcome| outcome.error().is_some());
    assert_eq!(lowest.unwrap_or(batch.index()), batch.index());
}

/// One letter per input.
fn shape(outcomes: &[Outcome]) -> String {
    let letter = |outcome: &Outcome| match outcome {
        Outcome::Failed(_) => 'F',
        Outcome::NotAttempted => '-',
        _ => '+',
    };
    outcomes.iter().map(letter).collect()
}

fn denied(kind: Kind, n: usize) -> FaultPlan {
    let (bucket, key) = kind.place(n);
    let request = FaultMatch::operation(kind.operation()).with_bucket(&bucket);
    let request = match kind {
        Kind::DeleteMany => request,
        _ => request.with_key(&key),
    };
    request.on(FaultAction::status(403, "AccessDenied")).into()
}

const LONG: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn every_call_over_many_collects_on_request() {
    for kind in ALL {
        let scene = Scene::new(kind, 1, denied(kind, 5)).await;
        let outcomes = scene.account(OnFailure::Collect, LONG).await;
        assert_eq!(shape(&outcomes), "+++++F++++++", "{kind:?}");
        assert_eq!(scene.faults.delivered().total(), 1, "{kind:?}");
        let class = outcomes[5].error().map(Error::class);
        assert_eq!(class, Some(ErrorClass::AccessDenied));
    }
}

#[tokio::test(start_paused = true)]
async fn every_call_over_many_stops_on_request() {
    for kind in ALL {
        let scene = Scene::new(kind, 1, denied(kind, 5)).await;
        let outcomes = scene.account(OnFailure::Stop, LONG).await;
        // Objects that are found together are begun together.
        assert_eq!(shape(&outcomes), "+++++F------", "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_usual_mode_is_metaflows() {
    for kind in [Kind::PutMany, Kind::GetMany] {
        let scene = Scene::new(kind, 1, denied(kind, 5)).await;
        let urls = (0..INPUTS).map(|n| scene.url(n));
        let error = match kind {
            Kind::PutMany => scene
                .s3
                .put_many(urls.map(|url| (url, "v")))
                .await
                .unwrap_err(),
            _ => scene.s3.get_many(urls).await.unwrap_err(),
        };
        let expected = if kind.writes() {
            "+++++F++++++"
        } else {
            "+++++F------"
        };
        assert_eq!(shape(error.as_batch().unwrap().outcomes()), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_halfway_leaves_no_input_without_an_outcome() {
    for kind in ALL {
        for mode in [OnFailure::Collect, OnFailure::Stop] {
            let stall = FaultAction::Stall {
                at: None,
                wait: None,
            };
            let plan = FaultMatch::operation(kind.operation()).on(stall).skip(3);
            let scene = Scene::new(kind, 2, plan).await;
            let outcomes = scene.account(mode, Duration::from_secs(5)).await;
            let shape = shape(&outcomes);
            let expected: &[&str] = match (mode, kind.writes()) {
                (OnFailure::Collect, _) | (_, true) => &["+++FF-------"],
                // The second is cancelled if it hears of the first before it hears of the deadline.
                _ => &["+++FF-------", "+++F--------"],
            };
            assert!(expected.contains(&&*shape), "{kind:?} {mode:?}: {shape}");
            let error = outcomes[3].error().and_then(Error::as_request).unwrap();
            assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 1));
            assert_eq!(scene.faults.delivered().total(), 2, "{kind:?} {mode:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn writes_in_flight_complete_before_a_call_stops() {
    let slow = FaultMatch::operation("PutObject").on(FaultAction::stall(Duration::from_secs(2)));
    let mut plan = denied(Kind::PutMany, 1);
    plan.rules.push(slow);
    let scene = Scene::new(Kind::PutMany, 4, plan).await;
    let outcomes = scene.account(OnFailure::Stop, LONG).await;
    assert_eq!(shape(&outcomes), "+F++--------");
    for n in [0, 2, 3] {
        assert!(
            scene.s3.info(scene.url(n)).await.is_ok(),
            "input {n} was said to be done"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_listed_before_a_listing_failed_is_accounted_for() {
    let list = FaultMatch::operation("ListObjectsV2").on(FaultAction::status(403, "AccessDenied"));
    for mode in [OnFailure::Collect, OnFailure::Stop] {
        let scene = Scene::new(Kind::GetAll, 4, FaultPlan::none()).await;
        let more = (0..1100).map(|n| (format!("m{n:04}"), "x"));
        scene.s3.put_many(more).await.unwrap();
        scene.faults.set(list.clone().skip(1));
        let error = scene.call(mode, LONG).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::AccessDenied);
        let batch = error.as_batch().unwrap();
        assert_eq!((batch.failed(), batch.outcomes().len()), (0, batch.index()));
        let text = error.to_string();
        match mode {
            OnFailure::Stop => assert!(text.contains("the listing failed after"), "{text}"),
            _ => {
                assert_eq!((batch.index(), batch.succeeded()), (1000, 1000));
                assert!(
                    text.contains("the listing failed after 1000 inputs"),
                    "{text}"
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_prefix_that_cannot_be_listed_takes_no_object_of_the_others_with_it() {
    let denied = FaultMatch::operation("ListObjectsV2")
        .with_query("prefix=root/denied")
        .on(FaultAction::status(403, "AccessDenied"));
    for mode in [OnFailure::Collect, OnFailure::Stop] {
        let scene = Scene::new(Kind::GetAll, 4, FaultPlan::none()).await;
        let keys = ["a/1", "a/2", "denied/1", "z/1"];
        scene.s3.put_many(keys.map(|key| (key, key))).await.unwrap();
        scene.faults.set(denied.clone());
        let prefixes = ["a/", "denied/", "z/"];
        let error = scene
            .s3
            .get_recursive(prefixes)
            .on_failure(mode)
            .await
            .unwrap_err();
        assert_eq!(error.class(), ErrorClass::AccessDenied);
        let batch = error.as_batch().unwrap();
        if mode == OnFailure::Collect {
            let read = batch
                .outcomes()
                .iter()
                .filter_map(|outcome| outcome.object());
            let read: Vec<_> = read.map(|object| object.text().unwrap()).collect();
            assert_eq!(read, ["a/1", "a/2", "z/1"]);
        }
        assert_eq!(batch.failed(), 0);
        let text = error.to_string();
        assert!(text.contains("the listing failed after"), "{text}");
    }
}
