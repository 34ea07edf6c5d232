//! [`Backend`]: the stores that vectors run on: `MemoryStore`, and `SdkStore` over HTTP to the test kit's server.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use s3_client::{MemoryStore, SharedStore, Store};
use s3_core::{
    Attributes, Encryption, GetRequest, Limits, ListRequest, Payload, PutRequest, S3Prefix, S3Url,
};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, FaultStore, Faults, S3Server};

use super::names::Names;
use super::seed::{Effect, Fault, Stored};
use super::vector::Scenario;

/// The backend that a vector runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A store in memory, with faults in front.
    Memory,
    /// A server on 127.0.0.1, reached through `SdkStore`.
    Http,
}

impl Backend {
    /// Both backends.
    pub const ALL: [Self; 2] = [Self::Memory, Self::Http];
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Http => "http",
        })
    }
}

/// A backend with its objects and faults.
pub(crate) struct Stage {
    /// The store of the client under test.
    pub(crate) store: SharedStore,
    /// The same objects, without faults and network.
    truth: MemoryStore,
    pub(crate) faults: Faults,
    _server: Option<S3Server>,
}

/// The result of setting up or reading a stage. Its error is that of the test kit, not of the client.
pub(crate) type StageResult<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

impl Stage {
    pub(crate) async fn set(
        backend: Backend,
        scenario: &Scenario,
        page: u32,
        names: &Names,
    ) -> StageResult<Self> {
        let mut limits = Limits::default();
        limits.max_keys_per_page = page;
        let buckets = [names.bucket(), names.bucket_b2()];
        let truth = MemoryStore::with_buckets(buckets).with_limits(limits);
        let plan = FaultPlan::new(scenario.faults.iter().map(|fault| rule(fault, names)));
        let (store, faults, server) = match backend {
            Backend::Memory => {
                let store = FaultStore::new(truth.clone(), plan);
                let faults = store.faults().clone();
                (SharedStore::new(store), faults, None)
            }
            Backend::Http => {
                let server = S3Server::builder(truth.clone())
                    .faults(plan)
                    .start()
                    .await?;
                (
                    SharedStore::new(server.sdk_store()),
                    server.faults().clone(),
                    Some(server),
                )
            }
        };
        let stage = Self {
            store,
            truth,
            faults,
            _server: server,
        };
        for (bucket, objects) in [
            (names.bucket(), &scenario.objects),
            (names.bucket_b2(), &scenario.objects_b2),
        ] {
            for (key, stored) in objects {
                stage.seed(bucket, &names.fill(key), stored, names).await?;
            }
        }
        Ok(stage)
    }

    async fn seed(
        &self,
        bucket: &str,
        key: &str,
        stored: &Stored,
        names: &Names,
    ) -> StageResult<()> {
        let mut attributes = Attributes::default();
        attributes.content_type = stored.content_type.as_deref().map(Into::into);
        attributes.encryption = stored.encryption.as_deref().map(Encryption::new);
        attributes.user = stored
            .metadata
            .iter()
            .map(|(name, value)| (name.clone(), names.fill(value)))
            .collect();
        let payload = Payload::from(Bytes::from(stored.body.clone()));
        let url = S3Url::from_parts(bucket, key)?;
        self.truth
            .put(PutRequest::new(url, payload).with_attributes(attributes))
            .await?;
        Ok(())
    }

    /// Makes every request for an object fail from now on, or stops that.
    pub(crate) fn fail_objects(&self, fail: bool) {
        let operations = if fail {
            ["GetObject", "HeadObject", "PutObject"].as_slice()
        } else {
            &[]
        };
        let rule =
            |name: &&str| FaultMatch::operation(name).on(FaultAction::status(503, "SlowDown"));
        self.faults.set(FaultPlan::new(operations.iter().map(rule)));
    }

    pub(crate) fn unfinished_uploads(&self) -> usize {
        self.truth.unfinished_uploads()
    }

    /// Returns all objects of `{B}` by key, in byte order.
    pub(crate) async fn objects(&self, names: &Names) -> StageResult<Vec<(String, Stored)>> {
        let mut objects = Vec::new();
        let mut request = ListRequest::new(S3Prefix::from_parts(names.bucket(), "")?);
        loop {
            let page = self.truth.list_page(request.clone()).await?;
            for object in page.objects {
                objects.push(self.stored(object.url).await?);
            }
            match page.next {
                Some(next) => request = request.with_continuation(next),
                None => return Ok(objects),
            }
        }
    }

    async fn stored(&self, url: S3Url) -> StageResult<(String, Stored)> {
        let key = url.key().to_owned();
        let response = self.truth.get(GetRequest::new(url)).await?;
        let attributes = response.meta.attributes;
        let stored = Stored {
            content_type: attributes.content_type.map(|name| (*name).to_owned()),
            metadata: attributes
                .user
                .into_iter()
                // Metadata of the engine, which no client returns.
                .filter(|(name, _)| name != "s3-transfer-write")
                .collect(),
            encryption: attributes
                .encryption
                .map(|encryption| encryption.as_str().to_owned()),
            body: response.body.collect().await?.to_vec(),
        };
        Ok((key, stored))
    }
}

fn rule(fault: &Fault, names: &Names) -> s3_testkit::FaultRule {
    let mut matcher = FaultMatch::any();
    matcher.method.clone_from(&fault.method);
    matcher.key = fault.key.as_ref().map(|key| names.fill(key));
    matcher.query_contains = fault.query.as_ref().map(|part| names.fill(part));
    let action = match &fault.effect {
        Effect::ErrorResponse { status, code } => FaultAction::status(*status, code),
        Effect::Truncate => FaultAction::truncate_half(),
        Effect::Drop => FaultAction::Drop,
    };
    matcher.on(action).times(fault.times)
}

/// Time limit of a vector, after which it counts as hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
