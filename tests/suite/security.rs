//! No secret appears in logs at any level, in errors or in `Debug` output.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use s3_client::{Config, Error, Key, OnFailure, S3, S3PutObject, TransferConfig};
use s3_core::{MemoryStore, SdkStore, SdkStoreBuilder};
use s3_testkit::{FaultAction, FaultPlan, Position, S3Server, ramp};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Event, Metadata, Subscriber};

const ACCESS: &str = "AKIDSECURITYTEST";
const SECRET: &str = "sEcReTkEyThAtNoBoDyMaYsEe";
const TOKEN: &str = "SessionTokenThatNobodyMaySee";
const PASSWORD: &str = "hunter2hunter2";

/// All that was said, and by whom.
#[derive(Clone, Default)]
struct Everything(Arc<Mutex<Vec<(String, String)>>>);

impl Everything {
    fn say(&self, who: &str, what: String) {
        self.0.lock().unwrap().push((who.to_owned(), what));
    }

    /// Records the logs of this thread until the returned guards are dropped.
    ///
    /// While there is one subscriber only, a place in the code that is come by for the first time asks the thread that
    /// comes by, and if none listens there it is silent for all: other tests run on other threads. With a second one
    /// it asks all subscribers.
    fn listen(&self) -> (Dispatch, DefaultGuard) {
        let second = Dispatch::new(self.clone());
        (second, tracing::subscriber::set_default(self.clone()))
    }

    /// Takes all ways in which a value shows itself.
    fn debug(&self, value: &impl Debug) {
        self.say("debug", format!("{value:?}"));
        self.say("debug", format!("{value:#?}"));
    }

    fn error(&self, error: &Error) {
        self.debug(error);
        self.say("error", format!("{error}"));
        self.say("error", format!("{error:#}"));
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            self.say("cause", format!("{error} {error:?}"));
            cause = error.source();
        }
    }

    fn outcome<T: Debug>(&self, outcome: Result<T, Error>) {
        match outcome {
            Ok(value) => self.debug(&value),
            Err(error) => self.error(&error),
        }
    }

    /// Asserts that no log line has a secret, whatever the case of its letters, and that only the SDK's signer, at its
    /// highest level, logs the inputs of a signature.
    fn never_says_a_secret(&self) {
        let secrets = [SECRET, PASSWORD];
        let signed = [
            TOKEN,
            "X-Amz-Signature",
            "X-Amz-Security-Token",
            "AWS4-HMAC",
            "Signature=",
        ];
        for (who, what) in self.0.lock().unwrap().iter() {
            let words: &[&[&str]] = match who.as_str() {
                // The server is in the same thread, and may log its requests.
                who if who.starts_with("s3s") => &[],
                who if who.starts_with("aws_") => &[&secrets],
                _ => &[&secrets, &signed],
            };
            let low = what.to_ascii_lowercase();
            for word in words.iter().flat_map(|words| words.iter()) {
                let found = low.find(&word.to_ascii_lowercase());
                assert!(found.is_none(), "{who} says {word}: {what}");
            }
        }
    }

    fn said_by(&self, who: &str) -> usize {
        let said = self.0.lock().unwrap();
        said.iter()
            .filter(|(target, _)| target.starts_with(who))
            .count()
    }
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut text = Text(span.metadata().name().to_owned());
        span.record(&mut text);
        self.say(span.metadata().target(), text.0);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut text = Text(String::new());
        values.record(&mut text);
        self.say("span", text.0);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        self.say(event.metadata().target(), text.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn client(store: SdkStore, local: &tempfile::TempDir) -> S3 {
    let mut transfer = TransferConfig::default();
    transfer.part_size = 5 << 20;
    transfer.single_put_up_to = 5 << 20;
    transfer.backoff_base = Duration::from_millis(1);
    transfer.backoff_cap = Duration::from_millis(5);
    transfer.max_attempts = 3;
    S3::builder()
        .store(store)
        .s3root("s3://bkt/root")
        .tmproot(local.path())
        .transfer(transfer)
        .build()
        .unwrap()
}

fn faults(seed: u64) -> FaultPlan {
    let actions = [
        FaultAction::status(503, "SlowDown"),
        FaultAction::status(500, "InternalError"),
        FaultAction::status(403, "AccessDenied"),
        FaultAction::status(403, "RequestTimeTooSkewed"),
        FaultAction::status(400, "ExpiredToken"),
        FaultAction::status(301, "PermanentRedirect"),
        FaultAction::Drop,
        FaultAction::LoseReply,
        FaultAction::TruncateBody { at: Position::Half },
        FaultAction::BodyError { at: Position::Half },
    ];
    FaultPlan::random(seed, 0.3, actions)
}

/// Calls of every kind, whatever their outcome.
async fn session(s3: &S3, said: &Everything, local: &tempfile::TempDir) {
    let file = local.path().join("file");
    std::fs::write(&file, "from a file").unwrap();
    said.debug(s3);
    said.outcome(s3.put("small", "v").await);
    said.outcome(s3.put("once", "v").overwrite(false).await);
    said.outcome(s3.put("large", ramp(0, 6 << 20)).await);
    said.outcome(s3.put_files([("file", &file)]).await);
    said.outcome(s3.get("small").await);
    said.outcome(s3.get("nothing").await);
    said.outcome(
        s3.get_many(["small", "large", "no"])
            .on_failure(OnFailure::Collect)
            .await,
    );
    said.outcome(s3.download_file("large", local.path().join("down")).await);
    said.outcome(s3.info_many(["small", "once"]).await);
    said.outcome(s3.list_recursive().at([""]).await);
    said.outcome(s3.list_paths().at([""]).await);
    said.outcome(s3.list_buckets().await);
    said.outcome(s3.put_many([("many", "v"), ("more", "w")]).await);
    said.outcome(s3.get_files([("small", local.path().join("f"))]).await);
    said.outcome(s3.get_recursive(["s", "nothing/"]).await);
    said.outcome(s3.upload_file(&file, "file").await);
    said.outcome(s3.info("small").await);
    said.outcome(s3.delete("many").await);
    said.outcome(s3.orphans(Duration::ZERO).uploads_below("").await);
    said.outcome(s3.get_all().await);
    said.outcome(s3.copy("small", "copy").await);
    said.outcome(s3.get("small").deadline(Duration::ZERO).await);
    said.debug(&s3.presign("small", Duration::from_secs(60)));
    said.outcome(s3.presign("small", Duration::from_secs(1 << 40)).await);
    said.outcome(s3.delete_many(["small", "copy"]).await);
}

async fn server(plan: FaultPlan) -> S3Server {
    let memory = MemoryStore::with_buckets(["bkt"]);
    let builder = S3Server::builder(memory).credentials(ACCESS, SECRET);
    builder.faults(plan).start().await.unwrap()
}

fn builder(server: &S3Server, secret: &str) -> SdkStoreBuilder {
    let builder = SdkStore::builder().endpoint(&server.endpoint());
    builder.credentials(ACCESS, secret, Some(TOKEN))
}

#[tokio::test]
async fn a_faulty_session_never_shows_a_secret() {
    let said = Everything::default();
    let _here = said.listen();
    let local = tempfile::tempdir().unwrap();
    let mut delivered = 0;
    for seed in 0..3 {
        let server = server(faults(seed)).await;
        let store = builder(&server, SECRET);
        said.debug(&store);
        session(&client(store.build(), &local), &said, &local).await;
        delivered += server.faults().delivered().total();
    }
    assert!(delivered > 15, "only {delivered} faults");
    // A server that is asked with another secret says why it rejects the request.
    let server = server(FaultPlan::none()).await;
    let wrong = client(builder(&server, PASSWORD).build(), &local);
    session(&wrong, &said, &local).await;
    let (logged, failed) = (said.said_by("s3_"), said.said_by("error"));
    assert!(
        logged > 50 && failed > 10,
        "{logged} lines, {failed} errors"
    );
    said.never_says_a_secret();
}

#[tokio::test]
async fn the_generated_client_shows_as_little() {
    let said = Everything::default();
    let _here = said.listen();
    let local = tempfile::tempdir().unwrap();
    let server = server(faults(7)).await;
    let store = builder(&server, SECRET).sdk_retries(true).build();
    session(&client(store, &local), &said, &local).await;
    said.never_says_a_secret();
}

#[tokio::test]
async fn a_presigned_url_is_shown_by_nothing_but_its_own_call() {
    let said = Everything::default();
    let _here = said.listen();
    let local = tempfile::tempdir().unwrap();
    let server = server(FaultPlan::none()).await;
    let s3 = client(builder(&server, SECRET).build(), &local);
    let url = s3.presign("k", Duration::from_secs(60)).await.unwrap();
    assert!(url.contains("X-Amz-Signature="));
    // A caller that mixes them up gets an error.
    let free = S3::builder()
        .store(MemoryStore::new())
        .tmproot(local.path())
        .build()
        .unwrap();
    // Behind `s3://` it would be a legal key, which errors show as it is.
    for text in [url.clone(), url.replace("http://", "https://")] {
        said.outcome(free.get(&*text).await);
        said.outcome(free.put(&*text, "v").await);
        said.outcome(free.list_paths().at([&*text]).await);
        said.outcome(free.delete_many([&*text]).await);
        let nothing = || {
            let mut object = S3PutObject::default();
            object.key = Key::from(&*text);
            object
        };
        said.outcome(free.put_many([nothing()]).await);
        said.outcome(free.put_files([nothing()]).await);
        said.debug(&free.get(&*text));
        said.debug(&nothing());
        let at_text = S3::builder().store(MemoryStore::new()).s3root(&*text);
        said.debug(&at_text);
        said.outcome(at_text.build().map(|_| ()));
        let client = S3::builder().endpoint(&*text).tmproot(local.path()).build();
        said.outcome(client.map(|_| ()));
    }
    assert!(said.said_by("error") >= 14);
    said.never_says_a_secret();
}

#[test]
fn a_configuration_shows_no_password() {
    let said = Everything::default();
    let config = Config::from_lookup(|name| match name {
        "METAFLOW_S3_ENDPOINT_URL" => Some(format!("http://me:{PASSWORD}@127.0.0.1:1")),
        _ => None,
    });
    let config = config.unwrap();
    said.debug(&config);
    let builder = S3::builder().config(config).tmproot(std::env::temp_dir());
    said.debug(&builder);
    said.outcome(builder.build());
    assert!(said.said_by("debug") > 1);
    said.never_says_a_secret();
}
